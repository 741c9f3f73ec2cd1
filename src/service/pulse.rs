//! Health of the service as its threads report it.

use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use thiserror::Error;

/// What prevents writes to the journal. It is transient: each attempt shows whether it persists.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Obstacle {
    #[error("the disk is full: writes are rejected until space is free")]
    DiskFull,
    #[error("writes are rejected for now: {0}")]
    NoSegment(String),
}

/// Health of the service's threads.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    pub engine_ms: AtomicI64,
    obstacle: RwLock<Option<Obstacle>>,
    pub is_folder_gone: AtomicBool,
}

impl Pulse {
    /// The engine's time.
    pub(super) fn set_engine_ms(&self, now_ms: i64) {
        self.engine_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Sets what prevents writes to the journal, if anything; logged when it changes.
    pub(super) fn set_obstacle(&self, obstacle: Option<Obstacle>) {
        let mut known = self.obstacle.write();
        match (&*known, &obstacle) {
            (None, Some(obstacle)) => tracing::error!("{obstacle}"),
            (Some(_), None) => tracing::info!("the journal can be written again: writes are accepted"),
            _ => {}
        }
        *known = obstacle;
    }

    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        self.obstacle.read().clone()
    }

    /// Sets whether the data folder's path leads elsewhere now; logged when it changes.
    pub(super) fn set_folder_gone(&self, is_gone: bool) {
        match (self.is_folder_gone.swap(is_gone, Ordering::Relaxed), is_gone) {
            (false, true) => tracing::error!("the data folder is gone, or another one is in its place"),
            (true, false) => tracing::info!("the data folder is back in its place"),
            _ => {}
        }
    }
}
