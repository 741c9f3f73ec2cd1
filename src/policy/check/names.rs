//! Checks names: whether a text is a valid name, and whether it is defined.

use crate::limits::MAX_LABEL_BYTES;
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Report, quoted};
use crate::suggest;
use hashbrown::HashMap;

/// Reports a text that is not a valid name; `what` is what it should name.
pub(crate) fn is_name(word: &Word, what: &str, report: &mut Report<'_>) -> bool {
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

/// Names in the order of the file, and the position of each.
#[derive(Debug)]
pub(crate) struct Names<'n> {
    /// The kind of thing that has these names: "priority".
    what: &'static str,
    list: Vec<&'n str>,
    places: HashMap<&'n str, usize, foldhash::fast::FixedState>,
}

impl<'n> Names<'n> {
    pub(crate) fn new(what: &'static str, names: impl Iterator<Item = &'n str>) -> Self {
        let list: Vec<&str> = names.collect();
        let places = list.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        Self { what, list, places }
    }

    pub(crate) fn list(&self) -> &[&'n str] {
        &self.list
    }

    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The position of a name; an unknown one is reported with the one that was probably meant.
    pub(crate) fn known(&self, word: &Word, report: &mut Report<'_>) -> Option<usize> {
        let place = self.place(&word.text);
        if place.is_none() {
            let message = format!("there is no {} {}", self.what, quoted(&word.text));
            let instead = if report.is_full() { String::new() } else { self.instead(&word.text) };
            report.error(&word.place, message, instead);
        }
        place
    }

    /// What to write where one of these names is needed.
    pub(crate) fn instead(&self, typed: &str) -> String {
        suggest::instead(typed, self.list.iter().copied())
    }
}

/// Reports that a list is longer than its bound.
pub(crate) fn too_many<T>(list: &[T], most: usize, what: &str, word: &Word, report: &mut Report<'_>) {
    if list.len() > most {
        let message = format!("{} has {} {what}; at most {most} are possible", quoted(&word.text), list.len());
        report.error(&word.place, message, format!("at most {most} {what}"));
    }
}
