//! (see the module's own docs)
