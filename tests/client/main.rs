//! The commands that talk to a service, against a service that only pretends: what they send, repeat, remember and say.

mod fake;
mod load;
