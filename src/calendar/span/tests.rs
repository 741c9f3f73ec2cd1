use super::*;

#[test]
fn lengths_are_read_and_written() {
    let business = |ms| Ok(Span::Business { ms });
    for (text, expected) in [
        ("90s", business(90 * SECOND_MS)),
        ("15m", business(15 * MINUTE_MS)),
        ("4h", business(4 * HOUR_MS)),
        ("1h30m", business(90 * MINUTE_MS)),
        ("1h1m1s", business(HOUR_MS + MINUTE_MS + SECOND_MS)),
        ("0m", business(0)),
        ("2bd", Ok(Span::BusinessDays(2))),
        ("30d", Ok(Span::CalendarDays(30))),
    ] {
        assert_eq!(text.parse::<Span>(), expected, "{text}");
        let span: Span = text.parse().unwrap();
        assert_eq!(span.to_string().parse::<Span>(), Ok(span), "{text}");
    }
    assert_eq!("90s".parse::<Span>().unwrap().to_string(), "1m30s");
    assert_eq!("0m".parse::<Span>().unwrap().to_string(), "0s");
    assert_eq!(serde_json::from_str::<Span>("\"2bd\"").unwrap(), Span::BusinessDays(2));
    assert_eq!(serde_json::to_string(&Span::BusinessDays(2)).unwrap(), "\"2bd\"");
}

#[test]
fn what_is_no_length_is_refused_with_what_to_write() {
    for text in ["", "4", "h", "4x", "-4h", "4 h", "1.5h", "4H", "30m1h", "1h1h", "2BD", "４h", "1h-"] {
        assert!(matches!(text.parse::<Span>(), Err(SpanError::Syntax { .. })), "{text}");
    }
    for text in ["1d12h", "12h1d", "1bd1d"] {
        assert!(matches!(text.parse::<Span>(), Err(SpanError::Mixed { .. })), "{text}");
    }
    for text in ["99999999999h", "4294967295h", "50001d", "50001bd"] {
        assert!(matches!(text.parse::<Span>(), Err(SpanError::TooLong { .. })), "{text}");
    }
    let message = "4 hours".parse::<Span>().unwrap_err().to_string();
    assert!(message.starts_with("\"4 hours\" is not a length of time: write business hours (\"4h\""), "{message}");
}
