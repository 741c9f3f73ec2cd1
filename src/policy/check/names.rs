//! Names: what may be one, and whether something has it.

use crate::limits::MAX_LABEL_BYTES;
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Report, quoted};
use crate::policy::file::suggest;

/// Reports a text that cannot be the name of anything; `what` is what it should name.
pub(super) fn is_name(word: &Word, what: &str, report: &mut Report<'_>) -> bool {
    let text = word.text.as_str();
    let wrong = if text.trim().is_empty() {
        "is empty"
    } else if text.trim() != text {
        "begins or ends with white space"
    } else if text.chars().any(char::is_control) {
        "contains control characters"
    } else if text.len() > MAX_LABEL_BYTES {
        "is longer than 255 bytes"
    } else {
        return true;
    };
    let message = format!("{what} {} {wrong}", quoted(text));
    report.error(&word.place, message, "a name in letters, digits, spaces, - and _");
    false
}

/// The place of a name among known ones; an unknown one is reported with the one that was probably meant.
pub(super) fn known(word: &Word, what: &str, names: &[&str], report: &mut Report<'_>) -> Option<usize> {
    let found = names.iter().position(|name| *name == word.text);
    if found.is_none() {
        let message = format!("there is no {what} {}", quoted(&word.text));
        report.error(&word.place, message, suggest::instead(&word.text, names.iter().copied()));
    }
    found
}

/// Reports that a list is longer than its bound.
pub(super) fn too_many<T>(list: &[T], most: usize, what: &str, word: &Word, report: &mut Report<'_>) {
    if list.len() > most {
        let message = format!("{} has {} {what}; at most {most} are possible", quoted(&word.text), list.len());
        report.error(&word.place, message, format!("at most {most} {what}"));
    }
}
