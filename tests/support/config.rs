//! How a service under test is configured.

use overdue::engine::CatchUp;
use overdue::service::{ClockChoice, Config, Seed};
use std::path::Path;
use std::time::Duration;

/// A service on this folder, under this policy: one thread, and a snapshot only when a test takes one.
pub fn config(folder: &Path, policy: &str, clock: ClockChoice) -> Config {
    Config {
        data_dir: folder.to_owned(),
        seed: Some(Seed { name: "policy.toml".to_owned(), text: policy.to_owned(), files: Vec::new() }),
        catch_up_after_downtime: CatchUp::Latest,
        snapshot_every: Duration::from_secs(3_600),
        snapshots_kept: 2,
        cut_history: false,
        clock,
        threads: 1,
    }
}
