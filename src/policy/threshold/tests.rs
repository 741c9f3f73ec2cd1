use super::*;
use crate::calendar::Span;

#[test]
fn thresholds_are_read_and_written() {
    const HOUR_MS: i64 = 3_600_000;
    for (text, at, written) in [
        ("50%", Threshold::Percent(5_000), "50%"),
        (" 12.5 % ", Threshold::Percent(1_250), "12.5%"),
        ("99.99%", Threshold::Percent(9_999), "99.99%"),
        ("0.05%", Threshold::Percent(5), "0.05%"),
        ("1000%", Threshold::Percent(100_000), "1000%"),
        ("2h", Threshold::After(Span::Business { ms: 2 * HOUR_MS }), "2h"),
        ("0m", Threshold::After(Span::Business { ms: 0 }), "0s"),
        ("1bd", Threshold::After(Span::BusinessDays(1)), "1bd"),
        ("30d", Threshold::After(Span::CalendarDays(30)), "30d"),
        ("+30m", Threshold::AfterTarget(Span::Business { ms: HOUR_MS / 2 }), "+30m"),
        ("+ 1bd", Threshold::AfterTarget(Span::BusinessDays(1)), "+1bd"),
    ] {
        assert_eq!(parse_threshold(text), Ok(at), "{text}");
        assert_eq!(at.to_string(), written);
    }
}

#[test]
fn other_texts_are_refused_with_what_to_write() {
    for (text, instead) in [
        ("", "an amount and its unit"),
        ("50", "an amount and its unit"),
        ("h", "an amount and its unit"),
        ("+", "an amount and its unit"),
        ("%", "\"75%\" or \"12.5%\""),
        ("1.234%", "\"75%\" or \"12.5%\""),
        (".5%", "\"75%\" or \"12.5%\""),
        ("5.%", "\"75%\" or \"12.5%\""),
        ("1e2%", "\"75%\" or \"12.5%\""),
        ("-5%", "\"75%\", or the time from the start"),
        ("-2h", "\"75%\", or the time from the start"),
        ("0.00%", "\"0m\""),
        ("1000.01%", "a percentage up to \"1000%\""),
        ("99999999999999999999%", "a percentage up to \"1000%\""),
        ("+12.5%", "\"112.5%\""),
        ("+x%", "\"150%\" or \"+30m\""),
        ("99999999999h", "an amount and its unit"),
    ] {
        match parse_threshold(text) {
            Ok(at) => panic!("{text:?} was read as {at}"),
            Err(error) => assert!(error.instead().starts_with(instead), "{text:?}: {}", error.instead()),
        }
    }
}
