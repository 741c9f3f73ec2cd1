//! The labels of a ticket, and a value for each of them.
//!
//! A new label begins here: what has a value per label is a [`PerLabel`], and what concerns some labels only goes by one of the
//! lists of [`TicketLabel`].

use crate::limits::{MAX_CHANNELS, MAX_SHORT_LABELS};
use std::ops::{Index, IndexMut};

/// The labels of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketLabel {
    Priority,
    Owner,
    Team,
    Channel,
    Category,
    Customer,
}

impl TicketLabel {
    pub const ALL: [Self; 6] = [Self::Priority, Self::Owner, Self::Team, Self::Channel, Self::Category, Self::Customer];

    /// Those that sources introduce. Priorities are those of the policy.
    pub const INTRODUCED: [Self; 5] = [Self::Owner, Self::Team, Self::Channel, Self::Category, Self::Customer];

    /// Those by which tickets are counted.
    pub const COUNTED: [Self; 4] = [Self::Priority, Self::Team, Self::Channel, Self::Category];

    /// Those that no event of a ticket's log has: a row replaces the ticket's.
    pub const DESCRIPTIVE: [Self; 3] = [Self::Channel, Self::Category, Self::Customer];

    /// The name that tables and messages use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Channel => "channel",
            Self::Category => "category",
            Self::Customer => "customer",
        }
    }

    /// The number of distinct labels, if it is bounded. That of priorities is bounded by the policy.
    pub const fn most(self) -> Option<usize> {
        match self {
            Self::Channel => Some(MAX_CHANNELS),
            Self::Team | Self::Category => Some(MAX_SHORT_LABELS),
            Self::Priority | Self::Owner | Self::Customer => None,
        }
    }
}

/// A value for each label of a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerLabel<T>([T; TicketLabel::ALL.len()]);

impl<T> PerLabel<T> {
    #[inline]
    pub fn from_fn(value: impl FnMut(TicketLabel) -> T) -> Self {
        Self(TicketLabel::ALL.map(value))
    }

    /// The values in the order of [`TicketLabel::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (TicketLabel, &T)> {
        TicketLabel::ALL.into_iter().zip(&self.0)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (TicketLabel, &mut T)> {
        TicketLabel::ALL.into_iter().zip(&mut self.0)
    }

    pub fn map<U>(self, value: impl FnMut(T) -> U) -> PerLabel<U> {
        PerLabel(self.0.map(value))
    }
}

/// In the order of [`TicketLabel::ALL`].
impl<T> From<[T; TicketLabel::ALL.len()]> for PerLabel<T> {
    fn from(values: [T; TicketLabel::ALL.len()]) -> Self {
        Self(values)
    }
}

impl<T> Index<TicketLabel> for PerLabel<T> {
    type Output = T;

    #[inline]
    fn index(&self, label: TicketLabel) -> &T {
        &self.0[label as usize]
    }
}

impl<T> IndexMut<TicketLabel> for PerLabel<T> {
    #[inline]
    fn index_mut(&mut self, label: TicketLabel) -> &mut T {
        &mut self.0[label as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::LabelKind;
    use crate::ticket::Column;

    #[test]
    fn columns_and_kinds_follow_the_order_of_labels() {
        for label in TicketLabel::ALL {
            let name = format!("{label:?}");
            assert_eq!(
                (format!("{:?}", Column::from(label)), Column::from(label).name()),
                (name.clone(), label.name())
            );
            assert_eq!(
                (format!("{:?}", LabelKind::from(label)), LabelKind::from(label).of_tickets()),
                (name, Some(label))
            );
        }
        assert_eq!(LabelKind::Clock.of_tickets(), None);
    }
}
