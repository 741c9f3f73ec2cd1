//! TOML syntax errors, reported for readers who do not know TOML.

use super::problem::{Place, Report, quoted};
use toml::Spanned;
use toml::de::{DeTable, Error};

/// Files up to this size are parsed further after a syntax error, to report all errors. Larger ones are not policies but
/// garbage, in which every byte can be an error.
const RECOVERED_BYTES: usize = 1 << 20;

/// Parses a document and reports its syntax errors. `None` if further errors would only follow from them.
pub(crate) fn parse<'t>(text: &'t str, report: &mut Report<'_>) -> Option<Spanned<DeTable<'t>>> {
    let errors = match DeTable::parse(text) {
        Ok(document) => return Some(document),
        Err(first) if text.len() > RECOVERED_BYTES => vec![first],
        Err(_) => {
            let (document, errors) = DeTable::parse_recoverable(text);
            // A repeated key drops only itself: the rest of the file is unaffected.
            if errors.iter().all(|error| error.message().starts_with(REPEATED)) {
                errors.iter().for_each(|error| describe(error, text, report));
                return Some(document);
            }
            errors
        }
    };
    // After an error in a line, later errors of the same line follow from it.
    let mut line = 0;
    for error in &errors {
        let next = report.line(&place_of(error, text));
        if next != line {
            describe(error, text, report);
        }
        line = next;
    }
    None
}

const REPEATED: &str = "duplicate key";

fn place_of(error: &Error, text: &str) -> Place {
    error.span().unwrap_or(text.len()..text.len())
}

fn describe(error: &Error, text: &str, report: &mut Report<'_>) {
    let place = place_of(error, text);
    let message = error.message();
    let typed = text.get(place.clone()).unwrap_or_default();
    let is_value = message.starts_with("invalid") || message.contains("values must be quoted");
    match message {
        _ if message.starts_with(REPEATED) => {
            let message = format!("{} is given twice in the same table", quoted(typed));
            report.error(&place, message, "it once: give the second another name, or remove it");
        }
        _ if message.contains("recursion") => {
            report.error_plain(&place, "tables and lists are nested more than 80 deep; a policy needs 6");
        }
        _ if is_value && typed.starts_with(char::is_alphabetic) => {
            let typed = quoted(typed);
            report.error(&place, "a text without quotes (only true and false need none)", typed);
        }
        _ if message.starts_with("invalid basic string") && message.ends_with("`\"`") => {
            report.error(&place, "a text that begins here or before does not end on its line", "a quote at its end");
        }
        _ => report.error_plain(&place, format!("not valid TOML: {message}")),
    }
}
