//! Whether requests should come here, and if not, why.
//!
//! Asked every second by whoever balances the load, from async threads: while all is well it reads a few atomics and the wall
//! clock. What takes longer to find out (whether the data folder is still there) is found out by the thread of the survey.

use super::Service;
use super::clock::Clock;
use super::publish::Published;
use super::wall::in_words;
use crate::limits::{MAX_LAG_MS, MAX_STEP_MS};
use crate::time::{SECOND_MS, format_rfc3339};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use thiserror::Error;

/// Why requests should go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotReady {
    #[error("the service is starting or stopping: no commands are taken")]
    Closed,
    #[error("the data folder {} is gone, or another one is in its place: what is written is not found by the next start", .0.display())]
    FolderGone(PathBuf),
    #[error("the disk is full: writes are refused until there is room")]
    DiskFull,
    #[error(
        "the wall clock shows {wall}, {behind} before the service's time {time}: time stands still and nothing falls due; \
         if the wall clock is right, start again with --accept-time {wall}"
    )]
    WallBehind { wall: String, behind: String, time: String },
    #[error(
        "the wall clock shows {wall}, {ahead} after the service's time {time}: it has jumped, which is not obeyed until the \
         next start"
    )]
    WallAhead { wall: String, ahead: String, time: String },
    #[error("the engine stands at {time}, {lag} behind the wall clock: levels that fall due do not fire in time")]
    Lagging { time: String, lag: String },
}

/// What the service's threads say of how they are.
#[derive(Debug, Default)]
pub struct Pulse {
    engine_ms: AtomicI64,
    is_disk_full: AtomicBool,
    is_folder_gone: AtomicBool,
}

impl Pulse {
    /// The engine's time.
    pub fn set_engine_ms(&self, now_ms: i64) {
        self.engine_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether writes are refused because the disk is full; logged when that changes.
    pub fn set_disk_full(&self, is_full: bool) {
        match (self.is_disk_full.swap(is_full, Ordering::Relaxed), is_full) {
            (false, true) => tracing::error!("the disk is full: writes are refused until there is room"),
            (true, false) => tracing::info!("there is room on the disk again: writes are taken"),
            _ => {}
        }
    }

    pub fn is_disk_full(&self) -> bool {
        self.is_disk_full.load(Ordering::Relaxed)
    }

    /// Whether the data folder's path leads elsewhere now; logged when that changes.
    pub fn set_folder_gone(&self, is_gone: bool) {
        match (self.is_folder_gone.swap(is_gone, Ordering::Relaxed), is_gone) {
            (false, true) => tracing::error!("the data folder is gone, or another one is in its place"),
            (true, false) => tracing::info!("the data folder is back in its place"),
            _ => {}
        }
    }
}

impl Service {
    /// Whether requests should come here. Cheap: for health checks, on async threads.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn readiness(&self) -> Result<(), NotReady> {
        let inner = &self.inner;
        readiness(&inner.published, &inner.clock, &inner.data_dir)
    }
}

fn readiness(published: &Published, clock: &Clock, data_dir: &Path) -> Result<(), NotReady> {
    if !published.is_ready() {
        return Err(NotReady::Closed);
    }
    let pulse = &published.pulse;
    if pulse.is_folder_gone.load(Ordering::Relaxed) {
        return Err(NotReady::FolderGone(data_dir.to_owned()));
    }
    if pulse.is_disk_full() {
        return Err(NotReady::DiskFull);
    }
    let (engine_ms, wall_ms) = (pulse.engine_ms.load(Ordering::Relaxed), clock.wall_ms());
    // In fast motion as much real time as otherwise.
    let real_ms = |ms: i64| (ms as f64 / clock.speed()) as i64;
    if (-MAX_STEP_MS..=MAX_LAG_MS.min(MAX_STEP_MS)).contains(&real_ms(wall_ms - engine_ms)) {
        return Ok(());
    }
    let (wall, now_ms) = (format_rfc3339(wall_ms), clock.now_ms());
    let time = format_rfc3339(now_ms);
    let off_ms = wall_ms - now_ms;
    if off_ms < -MAX_STEP_MS {
        return Err(NotReady::WallBehind { wall, behind: in_words(-off_ms), time });
    }
    if real_ms(off_ms) > MAX_STEP_MS {
        return Err(NotReady::WallAhead { wall, ahead: in_words(off_ms), time });
    }
    let lag_ms = now_ms - engine_ms - SECOND_MS;
    if real_ms(lag_ms) > MAX_LAG_MS {
        return Err(NotReady::Lagging { time: format_rfc3339(engine_ms), lag: in_words(lag_ms) });
    }
    Ok(())
}
