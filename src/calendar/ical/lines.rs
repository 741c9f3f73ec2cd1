//! The structure of an iCalendar text (RFC 5545, 3.1): lines, properties, events.
//!
//! Files in the wild are read, not only those that follow the standard: any line end, any case of names, several calendars, a
//! byte-order mark, lines that are no property. What is wrong in one event concerns only that event.

use crate::file_kind;

/// A property: `DTSTART;VALUE=DATE:20261225`.
#[derive(Debug)]
pub(super) struct Property<'t> {
    /// In capitals.
    pub name: String,
    /// Names in capitals, values without quotes.
    pub parameters: Vec<(String, &'t str)>,
    pub value: &'t str,
}

impl Property<'_> {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
    }
}

/// A logical line: physical lines that begin with white space continue the one before.
#[derive(Debug)]
struct Line {
    /// The number of its first physical line, from 1.
    number: usize,
    text: String,
}

/// An event (`VEVENT`).
#[derive(Debug)]
pub(super) struct Event {
    /// The line of its `BEGIN`.
    pub line: usize,
    lines: Vec<Line>,
    /// Whether its calendar cancels its events (`METHOD:CANCEL`).
    pub is_cancelled: bool,
    /// Whether it ends before the text does.
    pub is_complete: bool,
}

impl Event {
    /// Its properties, in order; and the first line that is none.
    pub(super) fn properties(&self) -> (Vec<Property<'_>>, Option<usize>) {
        let mut properties = Vec::with_capacity(self.lines.len());
        let mut first_odd = None;
        for line in &self.lines {
            match property(&line.text) {
                Some(property) => properties.push(property),
                None => first_odd = first_odd.or(Some(line.number)),
            }
        }
        (properties, first_odd)
    }
}

/// The events of a text.
///
/// # Errors
/// A text without any; the message says what it is instead, if that can be seen.
pub(super) fn events(text: &str) -> Result<Vec<Event>, String> {
    let mut events: Vec<Event> = Vec::new();
    // Events of the current calendar begin here.
    let mut calendar = 0;
    let mut has_calendar = false;
    let mut is_cancelled = false;
    // The components that are open around a line inside an event, such as an alarm; `None` outside of events.
    let mut inside: Option<usize> = None;
    for line in logical_lines(text) {
        let (name, value) = line.text.split_once(':').unwrap_or((&line.text, ""));
        let (name, value) = (name.trim().to_ascii_uppercase(), value.trim());
        match (name.as_str(), inside) {
            ("BEGIN", None) if value.eq_ignore_ascii_case("VEVENT") => {
                events.push(Event { line: line.number, lines: Vec::new(), is_cancelled: false, is_complete: false });
                inside = Some(0);
            }
            ("BEGIN", None) if value.eq_ignore_ascii_case("VCALENDAR") => {
                (calendar, has_calendar, is_cancelled) = (events.len(), true, false);
            }
            ("END", None) if value.eq_ignore_ascii_case("VCALENDAR") => calendar = events.len(),
            ("METHOD", None) if value.eq_ignore_ascii_case("CANCEL") => {
                is_cancelled = true;
                events[calendar..].iter_mut().for_each(|event| event.is_cancelled = true);
            }
            (_, None) => {}
            ("END", Some(0)) => {
                if let Some(event) = events.last_mut() {
                    event.is_complete = true;
                    event.is_cancelled = is_cancelled;
                }
                inside = None;
            }
            ("BEGIN", Some(depth)) => inside = Some(depth + 1),
            ("END", Some(depth)) => inside = Some(depth - 1),
            (_, Some(0)) => events.last_mut().into_iter().for_each(|event| {
                event.lines.push(Line { number: line.number, text: line.text.clone() });
            }),
            (_, Some(_)) => {}
        }
    }
    if !events.is_empty() {
        return Ok(events);
    }
    Err(match file_kind::foreign(text.as_bytes()) {
        Some(kind) => format!("it is {kind}, expected an iCalendar file (.ics)"),
        None if has_calendar => "the file has no event (VEVENT)".to_owned(),
        None => {
            "the text is not iCalendar: expected BEGIN:VCALENDAR with events, each line a name, a colon and a value"
                .to_owned()
        }
    })
}

/// The logical lines of a text. Lines end with LF, CR LF or CR.
fn logical_lines(text: &str) -> impl Iterator<Item = Line> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut number = 0;
    let mut physical = std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        number += 1;
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\r', '\n'])).unwrap_or(after);
        Some((number, line))
    })
    .filter(|(_, line)| !line.trim().is_empty())
    .peekable();
    std::iter::from_fn(move || {
        let (number, first) = physical.next()?;
        let mut text = first.to_owned();
        while let Some((_, more)) = physical.next_if(|(_, line)| line.starts_with([' ', '\t'])) {
            text.push_str(&more[1..]);
        }
        Some(Line { number, text })
    })
}

/// A property, if the line is one: a name, parameters, and after a colon outside of quotes the value.
fn property(line: &str) -> Option<Property<'_>> {
    let mut is_quoted = false;
    let colon = line.find(|char| {
        is_quoted ^= char == '"';
        char == ':' && !is_quoted
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut parts = head.split(|char| {
        is_quoted ^= char == '"';
        char == ';' && !is_quoted
    });
    let name = parts.next()?.trim().to_ascii_uppercase();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    let parameters = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim().trim_matches('"')))
    });
    Some(Property { name, parameters: parameters.collect(), value: value.trim() })
}

/// A text value without its escapes: `\n`, `\,`, `\;`, `\\`.
pub(super) fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

/// The members of a list of texts: `CATEGORIES:a,b\,c`.
pub(super) fn listed(value: &str) -> Vec<String> {
    let mut is_escaped = false;
    let parts = value.split(|char| {
        let ends = char == ',' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        ends
    });
    parts.map(|part| unescaped(part.trim())).collect()
}
