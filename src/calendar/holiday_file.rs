//! A holiday file as a calendar names it: `{ file = "norway.ics", except = ["Midsummer*"], partial = "close" }`.

use serde::{Deserialize, Serialize};

/// An iCalendar file, and which of its events count. Texts are compared without case; `*` stands for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HolidayFile {
    /// Its name, relative to the file that has the calendar.
    pub file: String,
    /// Only events with one of these summaries; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// No events with one of these summaries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Only events with one of these categories; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Only events with one of these descriptions; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub description: Vec<String>,
    /// What events of part of a day do.
    #[serde(skip_serializing_if = "Partial::is_skip")]
    pub partial: Partial,
}

/// What events of part of a day do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partial {
    /// Nothing; they are reported.
    #[default]
    Skip,
    /// They close that part of the day.
    Close,
}

impl Partial {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_skip(&self) -> bool {
        *self == Self::Skip
    }
}

/// The texts of an event by which it is chosen.
#[derive(Debug, Default)]
pub(super) struct EventTexts {
    pub summary: String,
    pub categories: Vec<String>,
    pub description: String,
}

impl HolidayFile {
    /// Whether an event counts.
    pub(super) fn takes(&self, event: &EventTexts) -> bool {
        let one_of = |patterns: &[String], text: &str| patterns.iter().any(|pattern| matches(pattern, text));
        let any_category = || event.categories.iter().any(|category| one_of(&self.categories, category));
        (self.only.is_empty() || one_of(&self.only, &event.summary))
            && !one_of(&self.except, &event.summary)
            && (self.categories.is_empty() || any_category())
            && (self.description.is_empty() || one_of(&self.description, &event.description))
    }

    /// The patterns that fit none of the events, with the name of their setting: they are probably mistyped.
    pub(super) fn unused<'a>(&'a self, events: &[EventTexts]) -> Vec<(&'static str, &'a str)> {
        let fits = |setting: &str, pattern: &str| {
            events.iter().any(|event| match setting {
                "categories" => event.categories.iter().any(|category| matches(pattern, category)),
                "description" => matches(pattern, &event.description),
                _ => matches(pattern, &event.summary),
            })
        };
        [
            ("only", &self.only),
            ("except", &self.except),
            ("categories", &self.categories),
            ("description", &self.description),
        ]
        .into_iter()
        .flat_map(|(setting, patterns)| patterns.iter().map(move |pattern| (setting, pattern.as_str())))
        .filter(|(setting, pattern)| !fits(setting, pattern))
        .collect()
    }
}

/// Whether a text is that of a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.trim().to_lowercase(), text.trim().to_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    // The last part is the end of the text; the others follow each other.
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, fits) in [
            ("Christmas Day", "christmas day ", true),
            ("Christmas", "Christmas Day", false),
            ("Christmas*", "Christmas Day", true),
            ("*day", "Christmas Day", true),
            ("*(Saxony)*", "Feast (Saxony), half day", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn every_condition_holds_of_a_chosen_event() {
        let event = EventTexts {
            summary: "Feast (Saxony)".to_owned(),
            categories: vec!["Regional".to_owned(), "Church".to_owned()],
            description: "Public holiday in: Saxony".to_owned(),
        };
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let file =
            HolidayFile { only: texts(&["Feast*", "Other"]), categories: texts(&["church"]), ..HolidayFile::default() };
        assert!(file.takes(&event));
        assert!(!HolidayFile { except: texts(&["*saxony*"]), ..file.clone() }.takes(&event));
        assert!(!HolidayFile { description: texts(&["Public holiday"]), ..file.clone() }.takes(&event));
        assert_eq!(file.unused(&[event]), [("only", "Other")]);
    }
}
