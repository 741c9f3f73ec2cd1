use proptest::prelude::*;

use super::*;

/// All records of a text, by our reader; `None` for a broken one.
fn records(text: &str) -> Vec<Option<Vec<String>>> {
    let columns: Vec<usize> = (0..64).collect();
    let (mut rest, mut found) = (text, Vec::new());
    while !rest.is_empty() {
        let mut cells = vec![Cell::Null; 64];
        let Record { length, fields } = read_record(rest, b',', &columns, &mut cells);
        if fields != Some(0) {
            found.push(fields.map(|fields| cells[..fields.min(64)].iter().map(|cell| cell.shown()).collect()));
        }
        rest = &rest[length..];
    }
    found
}

/// All records of a text, by the csv crate.
fn rival(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| record.expect("text").iter().map(|field| Cell::Text(field.into()).shown()).collect())
        .collect()
}

#[test]
fn quotes_line_breaks_and_blank_lines() {
    let text = "a,\"b, \"\"c\"\"\nd\",e\r\n\n5\" pipe,x\"y,\"p\"\r\n\"\",,\"z\"";
    let expected = [vec!["a", "b, \"c\"\nd", "e"], vec!["5\" pipe", "x\"y", "p"], vec!["", "", "z"]];
    assert_eq!(records(text).into_iter().flatten().collect::<Vec<_>>(), expected);
    assert_eq!(last_record_end(text.as_bytes(), b','), text.rfind('\n').map_or(0, |at| at + 1));
    assert_eq!(record_end(b"a,\"b\nc", b','), None);
    assert_eq!(record_end(b"a,\"b\"", b','), None);
}

#[test]
fn a_stray_quote_breaks_its_own_line_only() {
    let row = |number: usize| Some(vec![number.to_string(), "ok".to_owned()]);
    for stray in ["2,\"cut off", "2,\"cut\" off", "\"2,ok", "2,\"\"\"ok"] {
        let lines: Vec<String> = (1..=40).map(|n| if n == 2 { stray.to_owned() } else { format!("{n},ok") }).collect();
        let found = records(&(lines.join("\n") + "\n"));
        let expected: Vec<_> = (1..=40).map(|n| if n == 2 { None } else { row(n) }).collect();
        assert_eq!(found, expected, "{stray}");
    }
    // The next quoted field closes the stray quote, and text follows.
    let found = records("1,\"cut off\n2,\"fine\"\n3,ok\n");
    assert_eq!(found, [None, Some(vec!["2".to_owned(), "fine".to_owned()]), row(3)]);
    // Blanks behind the closing quote belong to nothing.
    assert_eq!(records("1,\"ok\"  \r\n\"2\" ,ok\n3,\"ok\" "), [row(1), row(2), row(3)]);
    // A field of many lines is one, up to a bound.
    for (lines, is_broken) in [(MAX_FIELD_LINES, false), (MAX_FIELD_LINES + 1, true)] {
        let text = format!("1,\"{}\"\n", "\n".repeat(lines));
        assert_eq!(records(&text)[0].is_none(), is_broken);
        let end = if is_broken { 4 } else { text.len() };
        assert_eq!(record_end(text.as_bytes(), b','), Some(end));
    }
}

proptest! {
    #[test]
    fn agrees_with_the_csv_crate(text in "([ab,\"\n]|\"\"|\r\n|ab,|\",\"){0,40}") {
        // The crate drops carriage returns in other places than before a line break; those are not generated here. It takes
        // broken records for whole ones.
        let found = records(&text);
        if found.iter().all(Option::is_some) {
            prop_assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), rival(&text));
        }
    }

    /// Records that are written properly are read back, whatever they contain.
    #[test]
    fn proper_records_are_never_broken(rows in prop::collection::vec(prop::collection::vec("[ab,\"\r\n]{0,6}", 1..4), 1..6)) {
        let mut writer = ::csv::WriterBuilder::new().flexible(true).quote_style(::csv::QuoteStyle::Always).from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).expect("memory"));
        let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
        prop_assert_eq!(records(&text).into_iter().collect::<Option<Vec<_>>>(), Some(rows));
    }

    #[test]
    fn cutting_and_reading_agree(text in "([ab,\"\n]|\"\"|\",\"){0,60}") {
        let mut at = 0;
        while let Some(length) = record_end(&text.as_bytes()[at..], b',') {
            prop_assert_eq!(read_record(&text[at..], b',', &[], &mut []).length, length);
            at += length;
        }
        prop_assert_eq!(at, last_record_end(text.as_bytes(), b','));
    }
}
