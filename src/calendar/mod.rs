//! Business time: opening hours, holidays and the timeline they compile to.
//!
//! A [`CalendarDefinition`] is written by a person. [`Timeline::compile`] turns it, with the rules of its [`Zone`], into tables
//! over 1970 to 2106 in which business time is added and measured without looking up zones, weekdays or holidays again.
//! Everything here is pure: holiday files are passed in as text, through a closure.

mod compile;
mod day_index;
mod definition;
mod error;
mod holiday_file;
mod hours;
mod ical;
mod span;
mod timeline;
mod zone;

pub use definition::{CalendarDefinition, Holiday};
pub use error::CalendarError;
pub use holiday_file::{HolidayFile, Partial};
pub use hours::{Interval, TimeOfDay, WEEKDAYS, parse_date};
pub use ical::HolidayNote;
pub use span::{Span, SpanError};
pub use timeline::{OpenIntervals, Timeline};
pub use zone::{Stretch, UnknownZone, Zone, zone_data_version};

use std::sync::OnceLock;

/// A named calendar: its definition, and the timeline compiled from it.
#[derive(Debug)]
pub struct Calendar {
    pub name: String,
    /// With its holiday files replaced by their days.
    pub definition: CalendarDefinition,
    /// What its holiday files have and the calendar does not.
    pub notes: Vec<HolidayNote>,
    timeline: OnceLock<Timeline>,
}

impl Calendar {
    /// Compiles a calendar. `read` returns the text of a holiday file by the name that the definition has for it, or the reason
    /// why it cannot.
    ///
    /// # Errors
    /// [`CalendarError`]: an unknown zone, an unusable file, too many days, hours that never open.
    pub fn new(
        name: impl Into<String>,
        definition: &CalendarDefinition,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, CalendarError> {
        let (definition, notes) = definition.resolved(read)?;
        let timeline = Timeline::compile(&definition)?.into();
        Ok(Self { name: name.into(), definition, notes, timeline })
    }

    /// A calendar that another process compiled before: it is compiled again when something is measured in it.
    ///
    /// # Errors
    /// Those of [`Calendar::new`], except for hours that never open: nothing measured in them is ever due.
    pub fn known(
        name: impl Into<String>,
        definition: &CalendarDefinition,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, CalendarError> {
        let (definition, notes) = definition.resolved(read)?;
        Zone::named(&definition.time_zone)?;
        Ok(Self { name: name.into(), definition, notes, timeline: OnceLock::new() })
    }

    /// The same calendar without its timeline, which takes about 1 MiB.
    pub fn uncompiled(&self) -> Self {
        Self {
            name: self.name.clone(),
            definition: self.definition.clone(),
            notes: self.notes.clone(),
            timeline: OnceLock::new(),
        }
    }

    pub fn is_compiled(&self) -> bool {
        self.timeline.get().is_some()
    }

    /// The timeline; the first call may compile it, which takes milliseconds.
    #[inline]
    pub fn timeline(&self) -> &Timeline {
        self.timeline.get_or_init(|| Timeline::compile(&self.definition).unwrap_or_else(|_| Timeline::never()))
    }
}

/// Two calendars are equal if their names and definitions are; the timeline follows from these.
impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.definition == other.definition
    }
}

impl Eq for Calendar {}
