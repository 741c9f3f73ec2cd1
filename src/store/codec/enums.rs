//! The numbers of enum values on disk. Existing journals contain them: add, never change.

use crate::engine::{Apply, CatchUp};
use crate::store::input::Passage;
use crate::ticket::{EventKind, State};

pub(super) fn catch_up(catch_up: CatchUp) -> u8 {
    match catch_up {
        CatchUp::All => 0,
        CatchUp::Latest => 1,
        CatchUp::None => 2,
    }
}

pub(super) fn read_catch_up(byte: u8) -> Option<CatchUp> {
    [CatchUp::All, CatchUp::Latest, CatchUp::None].get(usize::from(byte)).copied()
}

pub(super) fn apply(apply: Apply) -> u8 {
    match apply {
        Apply::FromStart => 0,
        Apply::FromNow => 1,
        Apply::NewTickets => 2,
    }
}

pub(super) fn read_apply(byte: u8) -> Option<Apply> {
    [Apply::FromStart, Apply::FromNow, Apply::NewTickets].get(usize::from(byte)).copied()
}

pub(super) fn passage(passage: Passage) -> u8 {
    match passage {
        Passage::Watched => 0,
        Passage::AfterDowntime => 1,
        Passage::Accepted => 2,
    }
}

pub(super) fn read_passage(byte: u8) -> Option<Passage> {
    [Passage::Watched, Passage::AfterDowntime, Passage::Accepted].get(usize::from(byte)).copied()
}

/// The place in [`EventKind::ALL`]; a test pins it.
pub(super) fn kind(kind: EventKind) -> u8 {
    kind as u8
}

pub(super) fn read_kind(byte: u8) -> Option<EventKind> {
    EventKind::ALL.get(usize::from(byte)).copied()
}

/// 0 for none, else one more than the place in [`State::ALL`]; a test pins it.
pub(super) fn state(state: Option<State>) -> u8 {
    state.map_or(0, |state| state as u8 + 1)
}

pub(super) fn read_state(byte: u8) -> Option<Option<State>> {
    match usize::from(byte).checked_sub(1) {
        None => Some(None),
        Some(place) => State::ALL.get(place).copied().map(Some),
    }
}
