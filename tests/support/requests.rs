//! Requests to a service in the process of the test.

use overdue::engine::CatchUp;
use overdue::service::Service;
use overdue::store::input::{BatchInput, Origin};
use overdue::ticket::Batch;

/// A batch of a client.
pub fn input(batch: Batch, catch_up: CatchUp, actor: &str) -> BatchInput {
    BatchInput { batch, catch_up, origin: Origin { actor: actor.into(), ..Origin::default() } }
}

/// Takes a snapshot; returns its number.
pub fn snapshot(service: &Service) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.snapshot()).unwrap().number
}
