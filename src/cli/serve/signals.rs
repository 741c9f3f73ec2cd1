//! SIGTERM and SIGINT: the first asks the service to stop, the second ends the process at once.

use anyhow::Context;
use std::process;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell shows after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Listens for signals from now on; the first is sent.
///
/// # Errors
/// When the process cannot listen for signals.
pub fn listen() -> anyhow::Result<Receiver<&'static str>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let (terminate, interrupt) = {
        let _inside = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen for signals");
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?)
    };
    let (sender, receiver) = mpsc::channel();
    let wait = move || runtime.block_on(hand_on(terminate, interrupt, &sender));
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("cannot listen for signals")?;
    Ok(receiver)
}

async fn hand_on(mut terminate: Signal, mut interrupt: Signal, sender: &Sender<&'static str>) {
    let mut is_second = false;
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        if is_second {
            // Nothing is lost: what was answered is in the journal.
            process::exit(INTERRUPTED);
        }
        is_second = true;
        if sender.send(name).is_err() {
            return;
        }
    }
}
