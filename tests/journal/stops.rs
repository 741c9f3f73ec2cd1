//! Stops at random moments of a snapshot: each succeeds, and the next start has the whole state.

use crate::recovery::load;
use crate::support::config::config;
use crate::support::environment::setting;
use crate::support::policies::around_the_clock;
use crate::support::random::Random;
use overdue::service::{ClockChoice, Config, Service, Stopper};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Enough for a snapshot to take some tens of milliseconds.
const TICKETS: u64 = 5_000;

const RESOLUTION: &str = "target = \"4h\"\nlevels = [{ at = \"100%\", notify = [\"owner\"] }]";

/// Starts a service that takes snapshots one after the other.
fn start(folder: &Path) -> (Service, Stopper) {
    let clock = ClockChoice::Fast { start_ms: 1_795_000_000_000, speed: 1.0 };
    let config = config(folder, &around_the_clock(&[("resolution", RESOLUTION)]), clock);
    Service::start(&Config { snapshot_every: Duration::from_millis(1), ..config }).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the service stops at random times")]
fn a_stop_at_any_moment_of_a_snapshot_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed);
    let mut tickets = 0;
    let mut hash = None;
    for stop in 0..setting("OVERDUE_STOPS", 40) {
        let (service, stopper) = start(folder.path());
        let found = service.read(|engine| (engine.len() as u64, engine.state_hash()));
        assert_eq!(found.0, tickets, "before stop {stop}");
        assert!(hash.is_none_or(|hash| hash == found.1), "before stop {stop}");
        // Sometimes nothing is loaded during the snapshot, sometimes many tickets.
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
        stopper.stop().unwrap_or_else(|reason| panic!("stop {stop}: {reason}"));
        for entry in fs::read_dir(folder.path().join("snapshots")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.parse::<u64>().is_ok(), "stop {stop} leaves {name}");
        }
    }
}
