//! The command line: one file per command.

mod backup;
mod calendar;
mod check;
mod common;
mod demo;
mod generate;
mod load;
mod replay;
mod serve;
mod snapshot;
mod token;
mod top;

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
    /// Make backups of a running service's data, verify them, restore one.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Inspect calendars: print a month, compute when a target ends.
    #[command(subcommand)]
    Calendar(calendar::CalendarCommand),
    Check(check::Arguments),
    Demo(demo::Arguments),
    Generate(generate::Arguments),
    Load(load::Arguments),
    Replay(replay::Arguments),
    Serve(serve::Arguments),
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Inspect and verify the snapshots of a service.
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    Top(top::Arguments),
}

/// Runs the command; returns the exit code of the process.
///
/// # Errors
/// The error message for the user.
pub fn run(cli: &Cli) -> anyhow::Result<std::process::ExitCode> {
    if matches!(cli.command, Command::Demo(_) | Command::Serve(_) | Command::Token(_)) {
        serve::keep_files_private();
    }
    match &cli.command {
        Command::Backup(command) => backup::run(command),
        Command::Calendar(command) => calendar::run(command),
        Command::Check(arguments) => check::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Generate(arguments) => generate::run(arguments),
        Command::Load(arguments) => load::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Token(command) => token::run(command),
        Command::Snapshot(command) => snapshot::run(command),
        Command::Top(arguments) => top::run(arguments),
    }
}
