//! Stops at random moments of a snapshot: each ends well, and the next start finds all of it.

use crate::storage::Chance;
use overdue::engine::CatchUp;
use overdue::service::{ClockChoice, Config, Load, Seed, Service, Stopper};
use overdue::store::input::Origin;
use overdue::ticket::{Batch, EventKind};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Enough for a snapshot to take some tens of milliseconds.
const TICKETS: u64 = 5_000;

const POLICY: &str = r#"
default_priority = "plain"
[calendars.always]
hours = "24x7"
[priorities.plain]
calendar = "always"
[priorities.plain.clocks.resolution]
target = "4h"
levels = [{ at = "100%", notify = ["owner"] }]
"#;

/// Snapshots follow each other without a rest.
fn start(folder: &Path) -> (Service, Stopper) {
    let config = Config {
        data_dir: folder.to_owned(),
        seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
        catch_up_after_downtime: CatchUp::Latest,
        snapshot_every: Duration::from_millis(1),
        snapshots_kept: 2,
        cut_history: false,
        clock: ClockChoice::Fast { start_ms: 1_795_000_000_000, speed: 1.0 },
        threads: 1,
    };
    Service::start(&config).unwrap()
}

fn load(service: &Service, ids: std::ops::Range<u64>) {
    let mut batch = Batch::default();
    ids.for_each(|id| batch.push(&format!("T{id}"), service.now_ms(), EventKind::Opened));
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "stops come at random times")]
fn a_stop_at_any_moment_of_a_snapshot_ends_well() {
    let stops = std::env::var("OVERDUE_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let mut random = Chance(0x5eed);
    let mut tickets = 0;
    let mut hash = None;
    for stop in 0..stops {
        let (service, stopper) = start(folder.path());
        let found = service.read(|engine| (engine.len() as u64, engine.state_hash()));
        assert_eq!(found.0, tickets, "before stop {stop}");
        assert!(hash.is_none_or(|hash| hash == found.1), "before stop {stop}");
        // Now and then nothing comes after the snapshot was begun, and now and then very much.
        let more = if tickets == 0 { TICKETS } else { [0, 1, 50][random.below(3)] };
        if more > 0 {
            load(&service, tickets..tickets + more);
            tickets += more;
        }
        std::thread::sleep(Duration::from_micros(random.below(60_000) as u64));
        if random.below(4) == 0 {
            load(&service, tickets..tickets + 1);
            tickets += 1;
        }
        hash = Some(service.read(|engine| engine.state_hash()));
        if let Err(reason) = stopper.stop() {
            panic!("stop {stop}: {reason}");
        }
        for entry in fs::read_dir(folder.path().join("snapshots")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.parse::<u64>().is_ok(), "stop {stop} leaves {name}");
        }
    }
}
