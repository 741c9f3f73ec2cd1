//! Problems of a policy file: where, what, and what to write instead.
//!
//! A person who wrote forty lines wants to see all their mistakes at once, so nothing here stops at the first: the reader and
//! the checks add to one [`Report`], which sorts them in order of the file when it is finished.

use crate::limits::MAX_PROBLEMS;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Whether a policy with this problem can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is not used.
    Error,
    /// The policy works, but probably not as its author intended.
    Warning,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake in a policy file. [`fmt::Display`] writes it like a compiler message, with the line it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// What is wrong, with the field and its value.
    pub message: String,
    /// What to write instead.
    pub instead: Option<String>,
    /// The line of the file, or the part of it around the mistake.
    pub excerpt: Excerpt,
}

impl Problem {
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = (&self.file, self.line, self.column);
        write!(out, "{file}:{line}:{column}: {}: {}", self.severity.name(), self.message)?;
        if !self.excerpt.text.is_empty() {
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            let before = " ".repeat(self.excerpt.mark.start);
            let mark = "^".repeat(self.excerpt.mark.len().max(1));
            write!(out, "\n {number} | {}\n {gutter} | {before}{mark}", self.excerpt.text)?;
        }
        match &self.instead {
            Some(instead) => write!(out, "\n   write: {instead}"),
            None => Ok(()),
        }
    }
}

/// Part of a line, safe to print, with the range of the mistake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    pub text: String,
    /// In characters of `text`.
    pub mark: Range<usize>,
}

/// Characters of a line that an excerpt shows.
const EXCERPT_CHARS: usize = 150;

/// A byte range of the policy file.
pub(crate) type Place = Range<usize>;

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    file: Arc<str>,
    text: &'t str,
    line_starts: Vec<usize>,
    found: Vec<(Place, Problem)>,
    errors: usize,
    left_out: usize,
}

impl<'t> Report<'t> {
    pub(crate) fn new(file: &str, text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), text, line_starts, found: Vec::new(), errors: 0, left_out: 0 }
    }

    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>, instead: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), Some(instead.into()));
    }

    pub(crate) fn error_plain(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), None);
    }

    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>, instead: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), Some(instead.into()));
    }

    pub(crate) fn warning_plain(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), None);
    }

    fn add(&mut self, severity: Severity, place: &Place, message: String, instead: Option<String>) {
        self.errors += usize::from(severity == Severity::Error);
        if self.is_full() {
            self.left_out += 1;
            return;
        }
        let (line, column, excerpt) = self.locate(place);
        let file = Arc::clone(&self.file);
        let problem = Problem { severity, file, line, column, message, instead, excerpt };
        self.found.push((place.clone(), problem));
    }

    /// Whether further problems are only counted, so that their text need not be built.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() == MAX_PROBLEMS
    }

    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, place: &Place) -> usize {
        self.line_starts.partition_point(|start| *start <= place.start)
    }

    /// Line, column and excerpt. Searches outwards from the place: the file may be one line of many megabytes.
    fn locate(&self, place: &Place) -> (u32, u32, Excerpt) {
        let start = self.text.floor_char_boundary(place.start);
        let end = self.text.floor_char_boundary(place.end.max(start));
        let line = self.line(&(start..end));
        let head = &self.text[self.line_starts[line - 1]..start];
        let before = head.chars().rev().take(EXCERPT_CHARS / 2).count();
        let shown_from = head.char_indices().rev().take(before).last().map_or(start, |(at, _)| start - head.len() + at);
        let ends_line = |char: &char| matches!(char, '\n' | '\r');
        let shown = self.text[shown_from..].chars().take_while(|char| !ends_line(char)).take(EXCERPT_CHARS);
        let text: String = shown.map(printable).collect();
        let meant = self.text[start..end].chars().take_while(|char| !ends_line(char)).take(EXCERPT_CHARS).count();
        let width = text.chars().count();
        let mark = before.min(width)..(before + meant).min(width);
        (line as u32, head.chars().count() as u32 + 1, Excerpt { text: text.trim_end().to_owned(), mark })
    }

    /// All problems in order of the file.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.left_out > 0 {
            let end = self.text.len();
            let (line, column, excerpt) = self.locate(&(end..end));
            let message = format!("{} more problems are not shown", self.left_out);
            let file = Arc::clone(&self.file);
            let severity = if self.errors > 0 { Severity::Error } else { Severity::Warning };
            self.found.push((end..end, Problem { severity, file, line, column, message, instead: None, excerpt }));
        }
        self.found.sort_by_key(|(place, problem)| (place.start, problem.severity));
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}

fn printable(char: char) -> char {
    match char {
        '\t' => ' ',
        _ if char.is_control() => '\u{fffd}',
        _ => char,
    }
}

/// A value as a message quotes it: escaped, and cut where it is long.
pub(crate) fn quoted(value: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    match value.char_indices().nth(SHOWN_CHARS) {
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?}...", &value[..end]),
    }
}
