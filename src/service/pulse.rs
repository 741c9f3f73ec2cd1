//! What the threads of the service report of their health.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use thiserror::Error;

/// What keeps the journal from being written. It passes: each attempt shows whether it has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Obstacle {
    #[error("the disk is full: writes are refused until there is room")]
    DiskFull,
    #[error("writes are refused for now: {0}")]
    NoSegment(String),
}

/// What the service's threads say of how they are.
#[derive(Debug, Default)]
pub struct Pulse {
    pub engine_ms: AtomicI64,
    obstacle: RwLock<Option<Obstacle>>,
    pub is_folder_gone: AtomicBool,
}

impl Pulse {
    /// The engine's time.
    pub fn set_engine_ms(&self, now_ms: i64) {
        self.engine_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What keeps the journal from being written, if something does; logged when that changes.
    pub fn set_obstacle(&self, obstacle: Option<Obstacle>) {
        let mut known = self.obstacle.write().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &obstacle) {
            (None, Some(obstacle)) => tracing::error!("{obstacle}"),
            (Some(_), None) => tracing::info!("the journal can be written again: writes are accepted"),
            _ => {}
        }
        *known = obstacle;
    }

    pub fn obstacle(&self) -> Option<Obstacle> {
        self.obstacle.read().unwrap_or_else(PoisonError::into_inner).clone()
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
