//! Policy files: parses text to [`raw::RawPolicy`], the file as typed, with the place of everything in it.

pub(crate) mod fields;
pub(crate) mod problem;
pub(crate) mod raw;
pub(crate) mod syntax;
