//! `overdue calendar`: shows a calendar and computes when a target ends in it.

mod due;
mod eval;
mod format;
mod load;
mod show;

use crate::calendar::Span;
use clap::Subcommand;
use load::CalendarChoice;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum CalendarCommand {
    /// Print a month: opening hours day by day, holidays, special days, clock changes, totals.
    Show {
        #[command(flatten)]
        calendar: CalendarChoice,
        /// The month, such as 2026-12; without it the current one.
        #[arg(long, value_name = "YYYY-MM")]
        month: Option<String>,
    },
    /// Compute when a target ends, with the intervals that it counts.
    Due {
        #[command(flatten)]
        calendar: CalendarChoice,
        /// When the clock starts: 2026-11-20T16:00:00+01:00, or 2026-11-20T16:00 on the calendar's wall clock.
        #[arg(long, value_name = "TIME")]
        start: String,
        /// The target: business time (4h, 1h30m), business days (2bd) or calendar days (30d).
        #[arg(long, value_name = "LENGTH")]
        target: Span,
    },
    /// Evaluate business-time cases: JSON lines in, JSON lines out.
    ///
    /// A case contains its complete calendar and an operation: `add` (start, seconds) or `between` (start, end). A response has
    /// the id of its case and a result or an error. The exit code is 0 even when there are errors.
    Eval,
}

/// Runs the command.
///
/// # Errors
/// A calendar that cannot be read or compiled, an invalid argument, or output that cannot be written.
pub(super) fn run(command: &CalendarCommand) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let done = match command {
        CalendarCommand::Show { calendar, month } => show::run(&load::calendar(calendar)?, month.as_deref(), &mut out),
        CalendarCommand::Due { calendar, start, target } => {
            due::run(&load::calendar(calendar)?, start, *target, &mut out)
        }
        CalendarCommand::Eval => eval::run(std::io::stdin().lock(), &mut out).map_err(Into::into),
    };
    match done {
        // The reader has closed the pipe, as in `overdue calendar show | head`.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done.map(|()| ExitCode::SUCCESS),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
