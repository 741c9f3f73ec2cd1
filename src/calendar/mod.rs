//! Business time: opening hours, holidays and the timeline they compile to.

mod definition;
mod span;
mod timeline;

pub use definition::CalendarDefinition;
pub use span::Span;
pub use timeline::Timeline;

/// A named calendar: what its author wrote, and what it compiles to.
#[derive(Debug)]
pub struct Calendar {
    pub name: String,
    pub definition: CalendarDefinition,
    pub timeline: Timeline,
}

/// Two calendars are the same when they say the same; what they compile to follows.
impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.definition == other.definition
    }
}

impl Eq for Calendar {}
