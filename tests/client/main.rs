//! The commands that talk to a service, against a service that only pretends and against the real one:
//! what they send, repeat, remember and say.

mod demo;
mod fake;
mod load;
