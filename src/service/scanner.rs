//! Walks over all tickets, again and again, for what no running total can show: the time to breach, what falls due hour by
//! hour, the oldest ticket. It reads one shard at a time, so that nothing waits for it long, and rests much longer than it
//! walks.

use super::publisher::Published;
use super::state_machine::SharedEngine;
use super::view::{BREACH_BOUNDS_S, FORECAST_HOURS, Scan};
use super::wall_clock::Stopwatch;
use crate::engine::ScanTotals;
use crate::limits::FOLDER_CHECK_MS;
use crate::store::folder_identity::Whereabouts;
use crate::time::SECOND_MS;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The least time between two walks.
const LEAST_REST: Duration = Duration::from_secs(2);

/// The rest after a walk is this many times as long as the walk.
const REST_FACTOR: u32 = 30;

/// Starts the thread; it ends when the sender is dropped. While it rests, it checks whether the data folder is still in place.
///
/// # Errors
/// When the system cannot create the thread.
pub(super) fn start(
    engine: SharedEngine,
    published: Arc<Published>,
    folder: Whereabouts,
    until: Receiver<()>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("survey".into()).spawn(move || {
        loop {
            let watch = Stopwatch::start();
            published.set_scan(walk(&engine));
            let rest = LEAST_REST.max(watch.elapsed() * REST_FACTOR);
            let watch = Stopwatch::start();
            while watch.elapsed() < rest {
                published.pulse.set_folder_gone(!folder.is_there());
                if until.recv_timeout(Duration::from_millis(FOLDER_CHECK_MS)) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        }
    })
}

fn walk(engine: &SharedEngine) -> Scan {
    let read = || engine.read();
    let (now_ms, shards) = {
        let engine = read();
        (engine.now_ms(), engine.shards())
    };
    let bounds_ms: Vec<i64> = BREACH_BOUNDS_S.iter().map(|bound| bound * SECOND_MS).collect();
    let mut parts = ScanTotals::new(&bounds_ms, FORECAST_HOURS);
    for shard in 0..shards {
        read().scan(shard, now_ms, &mut parts);
    }
    let mut time_to_breach = [0; BREACH_BOUNDS_S.len() + 1];
    time_to_breach.copy_from_slice(&parts.time_to_breach);
    Scan {
        as_of_ms: now_ms,
        time_to_breach,
        oldest: parts.oldest,
        deadlines_by_hour: parts.deadlines_by_hour,
        levels_by_hour: parts.levels_by_hour,
    }
}
