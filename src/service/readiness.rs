//! Whether the service should receive requests, and if not, why.
//!
//! A load balancer asks every second, on async threads: while all is well, a check reads a few atomics and the wall clock. The
//! slower check, whether the data folder is still in place, is left to the scanner thread.

use super::publisher::Published;
use super::pulse::Obstacle;
use super::start_time::in_words;
use super::wall_clock::Clock;
use crate::limits::{MAX_LAG_MS, MAX_STEP_MS};
use crate::time::{SECOND_MS, format_rfc3339};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use thiserror::Error;

/// Why requests should go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotReady {
    #[error("the service is starting or stopping: no commands are accepted")]
    Closed,
    #[error(
        "the data folder {} is gone, or another one is in its place: the next start will not find what is written now",
        .0.display()
    )]
    FolderGone(PathBuf),
    #[error("{0}")]
    Obstructed(Obstacle),
    #[error(
        "the wall clock shows {wall}, {behind} before the service's time {time}: time stands still and nothing falls due; \
         correct the wall clock or, if it is right, restart with --accept-time {wall}"
    )]
    WallBehind { wall: String, behind: String, time: String },
    #[error(
        "the wall clock shows {wall}, {off} the service's time {time}: it has jumped, and the jump is ignored until the next start"
    )]
    WallJumped { wall: String, off: String, time: String },
    #[error("the engine is at {time}, {lag} behind the wall clock: levels fire late")]
    Lagging { time: String, lag: String },
}

/// Whether the service should receive requests.
pub(super) fn readiness(published: &Published, clock: &Clock, data_dir: &Path) -> Result<(), NotReady> {
    if !published.is_ready() {
        return Err(NotReady::Closed);
    }
    let pulse = &published.pulse;
    if pulse.is_folder_gone.load(Ordering::Relaxed) {
        return Err(NotReady::FolderGone(data_dir.to_owned()));
    }
    if let Some(obstacle) = pulse.obstacle() {
        return Err(NotReady::Obstructed(obstacle));
    }
    let (engine_ms, wall_ms) = (pulse.engine_ms.load(Ordering::Relaxed), clock.wall_ms());
    // In fast motion the bound is the same amount of real time.
    let real_ms = |ms: i64| (ms as f64 / clock.speed()) as i64;
    if (-MAX_STEP_MS..=MAX_LAG_MS.min(MAX_STEP_MS)).contains(&real_ms(wall_ms - engine_ms)) {
        return Ok(());
    }
    let (wall, now_ms) = (format_rfc3339(wall_ms), clock.now_ms());
    let time = format_rfc3339(now_ms);
    let off_ms = wall_ms - now_ms;
    if real_ms(off_ms.abs()) > MAX_STEP_MS {
        if off_ms < 0 && clock.is_waiting() {
            return Err(NotReady::WallBehind { wall, behind: in_words(-off_ms), time });
        }
        let off = format!("{} {}", in_words(off_ms.abs()), if off_ms < 0 { "before" } else { "after" });
        return Err(NotReady::WallJumped { wall, off, time });
    }
    let lag_ms = now_ms - engine_ms - SECOND_MS;
    if real_ms(lag_ms) > MAX_LAG_MS {
        return Err(NotReady::Lagging { time: format_rfc3339(engine_ms), lag: in_words(lag_ms) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::config::{ClockChoice, Trust};
    use std::sync::Arc;

    const WALL_MS: i64 = 1_795_000_000_000;

    /// Readiness of an engine that is this far behind its clock.
    fn behind(clock: &Clock, behind_ms: i64) -> Result<(), NotReady> {
        let published = Published::default();
        published.set_ready(true);
        published.pulse.set_engine_ms(clock.wall_ms() - behind_ms);
        readiness(&published, clock, Path::new("data"))
    }

    #[test]
    fn an_engine_that_stands_still_is_not_ready() {
        let clock = Clock::start(ClockChoice::Wall(Trust::default()), Arc::new(|| WALL_MS), 0);
        assert_eq!(behind(&clock, 0), Ok(()));
        assert_eq!(behind(&clock, MAX_LAG_MS), Ok(()));
        let labels = behind(&clock, MAX_LAG_MS + 2 * SECOND_MS).unwrap_err().to_string();
        assert!(labels.contains("the engine is at 2026-11-18T"), "{labels}");
        assert!(labels.contains("11 s behind"), "{labels}");
    }

    #[test]
    fn in_fast_motion_real_time_counts() {
        let choice = ClockChoice::Fast { start_ms: WALL_MS, speed: 1_000.0 };
        let clock = Clock::start(choice, Arc::new(|| panic!("not asked")), 0);
        assert_eq!(behind(&clock, 500 * MAX_LAG_MS), Ok(()));
        assert!(matches!(behind(&clock, 1_002 * MAX_LAG_MS), Err(NotReady::Lagging { .. })));
    }

    #[test]
    fn what_is_worse_comes_first() {
        let clock = Clock::start(ClockChoice::Wall(Trust::default()), Arc::new(|| WALL_MS), 0);
        let published = Published::default();
        let said = || readiness(&published, &clock, Path::new("data")).unwrap_err();
        assert_eq!(said(), NotReady::Closed);
        published.set_ready(true);
        assert!(matches!(said(), NotReady::Lagging { .. }));
        published.pulse.set_obstacle(Some(Obstacle::DiskFull));
        assert_eq!(said(), NotReady::Obstructed(Obstacle::DiskFull));
        published.pulse.set_folder_gone(true);
        assert_eq!(said(), NotReady::FolderGone("data".into()));
    }
}
