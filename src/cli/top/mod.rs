//! `overdue top`: live status of a running service in the terminal.

mod fetch;
mod model;
mod page;
mod screen;
mod view;

pub(super) use model::{what, whom};

use super::common::client::{Client, Failure, ServerArguments};
use super::common::shutdown::Stop;
use anyhow::bail;
use clap::value_parser;
use crossbeam_channel::{Receiver, bounded};
use model::Page;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use view::{Action, View};

/// Maximum delay of a key press while the terminal is idle.
const LOOK: Duration = Duration::from_millis(100);

/// Shows the status of a running service: backlog, risks, escalations, the hours ahead, and the engine itself.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Seconds between updates
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = value_parser!(u64).range(1..=3_600))]
    interval: u64,
    /// Print one page of text and exit: for scripts, and without a terminal
    #[arg(long)]
    once: bool,
}

/// Runs the command.
///
/// # Errors
/// An unusable terminal; with `--once`, a service that does not respond.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = Client::new(&arguments.server)?;
    let view = View { address: client.base().to_string(), ..View::default() };
    if arguments.once {
        let page = fetch::page(&client).map_err(|failure| anyhow::anyhow!("{}: {failure}", client.base()))?;
        crate::cli::common::print::print(&page::text(&view.address, &page))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !io::stdout().is_terminal() {
        bail!("the standard output is not a terminal: use --once for a page of text");
    }
    let (stop, interval) = (Stop::default(), Duration::from_secs(arguments.interval));
    std::thread::scope(|scope| {
        let (sender, pages) = bounded(1);
        scope.spawn(|| fetch::run(&client, interval, &stop, &{ sender }));
        let ended = watch(ratatui::try_init()?, view, &pages);
        ratatui::restore();
        stop.set();
        drop(pages);
        ended.map_err(Into::into)
    })
    .map(|()| ExitCode::SUCCESS)
}

/// Draws until the user quits.
#[expect(clippy::disallowed_methods, reason = "shows for how long the service has not responded")]
fn watch(mut terminal: DefaultTerminal, mut view: View, pages: &Receiver<Result<Page, Failure>>) -> io::Result<()> {
    let mut answered = Instant::now();
    loop {
        for page in pages.try_iter() {
            match page {
                Ok(page) => {
                    answered = Instant::now();
                    (view.page, view.away) = (Some(page), None);
                }
                Err(failure) => view.away = Some((failure, answered.elapsed().as_secs())),
            }
        }
        terminal.draw(|frame| screen::draw(frame, &view))?;
        if !event::poll(LOOK)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && view.press(key) == Action::Quit
        {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
