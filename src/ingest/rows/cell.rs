//! One value of one row, in the types that inputs use.

use std::borrow::Cow;
use std::fmt::Write;

/// A value, borrowed from the block it was read from if possible.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Cell<'a> {
    /// Missing or null.
    #[default]
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
    /// An instant, in milliseconds.
    Instant(i64),
    /// A local time, in milliseconds since 1970-01-01T00:00 local time.
    Local(i64),
    /// Not a single value: a list, an object, or bytes that are not text.
    Other(&'static str),
}

impl Cell<'_> {
    /// The value as a text; numbers are formatted into `scratch`. `Err` names a value that is not text.
    pub(crate) fn text<'s>(&'s self, scratch: &'s mut String) -> Result<Option<&'s str>, &'static str> {
        scratch.clear();
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Null => return Ok(None),
            Self::Text(text) => return Ok(Some(text)),
            Self::Bool(value) => return Ok(Some(if *value { "true" } else { "false" })),
            Self::Other(what) => return Err(what),
            Self::Integer(number) => write!(scratch, "{number}"),
            Self::Unsigned(number) => write!(scratch, "{number}"),
            // Integer columns with missing values are often exported as floats: 17.0 means 17.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => write!(scratch, "{number:.0}"),
            Self::Float(number) => write!(scratch, "{number}"),
            Self::Instant(at_ms) | Self::Local(at_ms) => {
                scratch.push_str(&crate::time::format_rfc3339(*at_ms));
                // A local time is not in UTC.
                if matches!(self, Self::Local(_)) {
                    scratch.pop();
                }
                Ok(())
            }
        };
        Ok(Some(scratch))
    }

    /// The value for a message.
    pub(crate) fn shown(&self) -> String {
        let mut scratch = String::new();
        match self.text(&mut scratch) {
            Ok(text) => crate::ingest::error::shorten(text.unwrap_or_default()),
            Err(what) => what.to_owned(),
        }
    }
}
