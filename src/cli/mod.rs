//! The command line: one file a command.

mod check;
mod generate;

use clap::{Parser, Subcommand};

/// An SLA engine: business time, escalations, replay.
#[derive(Debug, Parser)]
#[command(name = "overdue", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Generate(generate::Arguments),
}

/// Runs what was asked for; the exit code of the process is the answer.
///
/// # Errors
/// Whatever the command could not do, in words for its user.
pub fn run(cli: &Cli) -> anyhow::Result<std::process::ExitCode> {
    match &cli.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Generate(arguments) => generate::run(arguments),
    }
}
