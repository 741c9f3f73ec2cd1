//! The binary `overdue`: reads the command line and hands on to the library.

#![deny(clippy::unwrap_used, clippy::expect_used)]

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match overdue::cli::run(&overdue::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("overdue: {error:#}");
            ExitCode::from(2)
        }
    }
}
