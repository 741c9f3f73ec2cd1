//! Policy files: from text to [`raw::RawPolicy`], what was typed, with the place of everything in it.

pub(super) mod fields;
pub(super) mod problem;
pub(super) mod raw;
pub(in crate::policy) mod suggest;
pub(super) mod syntax;
