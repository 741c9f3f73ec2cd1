//! SIGTERM and SIGINT: the first stops the service, the second ends the process at once. SIGHUP reloads its certificate, key
//! and tokens.

use anyhow::Context;
use std::sync::mpsc::{self, Receiver, Sender};
use std::{process, thread};
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The request of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signaled {
    /// Stop; with the signal's name.
    Stop(&'static str),
    Reload,
}

/// Exit code after Ctrl-C, as shells report it.
const INTERRUPTED: i32 = 130;

/// Listens for signals. Sends each reload, and the first stop.
///
/// # Errors
/// The process cannot listen for signals.
pub(crate) fn listen() -> anyhow::Result<Receiver<Signaled>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let (terminate, interrupt, hangup) = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen for signals");
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?)
    };
    let (sender, receiver) = mpsc::channel();
    let wait = move || runtime.block_on(hand_on(terminate, interrupt, hangup, &sender));
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("cannot listen for signals")?;
    Ok(receiver)
}

async fn hand_on(mut terminate: Signal, mut interrupt: Signal, mut hangup: Signal, sender: &Sender<Signaled>) {
    let mut is_second = false;
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => {
                if sender.send(Signaled::Reload).is_err() {
                    return;
                }
                continue;
            }
        };
        if is_second {
            // Nothing is lost: acknowledged events are in the journal.
            process::exit(INTERRUPTED);
        }
        is_second = true;
        if sender.send(Signaled::Stop(name)).is_err() {
            return;
        }
    }
}
