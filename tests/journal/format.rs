//! Every format that was ever written opens for ever.
