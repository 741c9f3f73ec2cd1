use super::*;

fn responses(input: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    run(input, &mut output).unwrap();
    String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn case(op: &str) -> String {
    let calendar = r#"{"tz":"Europe/Oslo","weekly":{"mon":[["09:00","17:00"]]},"holidays":[],"overrides":{}}"#;
    format!(r#"{{"id":"a","calendar":{calendar},{op}}}"#)
}

#[test]
fn cases_are_answered_in_order() {
    let input = [
        case(r#""op":"add","start":"2026-11-22T09:00:00Z","seconds":3600"#),
        case(r#""op":"between","start":"2026-11-22T09:00:00Z","end":"2026-11-23T09:00:00.250Z""#),
    ];
    let responses = responses(input.join("\n").as_bytes());
    assert_eq!(responses[0], json!({ "id": "a", "result": "2026-11-23T09:00:00Z" }));
    assert_eq!(responses[1], json!({ "id": "a", "result": 3_600.25 }));
}

#[test]
fn a_bad_line_is_answered_with_its_error_and_the_next_one_still() {
    let good = case(r#""op":"add","start":"2026-11-22T09:00:00Z","seconds":3600"#);
    let bad: [(Vec<u8>, &str); 10] = [
        (b"{".to_vec(), "invalid case"),
        (b"".to_vec(), "invalid case"),
        (b"\xff\xfe".to_vec(), "not UTF-8"),
        (vec![b'x'; MAX_LINE_BYTES + 9], "longer than"),
        (case(r#""op":"add""#).into(), "missing field `start`"),
        (case(r#""op":"subtract""#).into(), "unknown variant `subtract`"),
        (case(r#""op":"add","start":"2026-11-22T09:00:00","seconds":1"#).into(), "not an RFC 3339 time"),
        (case(r#""op":"add","start":"2099-11-22T09:00:00Z","seconds":4294967295"#).into(), "less than"),
        (good.replace("Europe/Oslo", "Europe/Olso").into(), "Europe/Oslo"),
        (good.replace("[[\"09:00\",\"17:00\"]]", "[]").into(), "never opens"),
    ];
    for (line, expected) in bad {
        let input = [&line[..], b"\n", good.as_bytes(), b"\n"].concat();
        let responses = responses(&input);
        assert_eq!(responses.len(), 2, "{expected}");
        let error = responses[0]["error"].as_str().unwrap();
        assert!(error.contains(expected), "{error}");
        assert!(responses[0]["id"] == "a" || responses[0]["line"] == 1, "{}", responses[0]);
        assert_eq!(responses[1]["result"], "2026-11-23T09:00:00Z");
    }
}
