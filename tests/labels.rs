//! Labels whose number is bounded: freed when no ticket has them, shared among clients, and readable in records for good.

mod support {
    pub mod config;
    pub mod policies;
    pub mod requests;
}

use overdue::engine::{CatchUp, Engine};
use overdue::limits::{LABEL_SHARE, MAX_CHANNELS};
use overdue::policy;
use overdue::service::{ClockChoice, Service, Stopper};
use overdue::store::record::EscalationFilter;
use overdue::ticket::{Batch, Column, EventKind, PerLabel, TicketLabel};
use std::path::Path;
use std::sync::Arc;
use support::config::config;
use support::policies::around_the_clock;
use support::requests::{input, snapshot};

const START_MS: i64 = 1_795_000_000_000;

fn policy_text() -> String {
    around_the_clock(&[("resolution", r#"levels = [{ at = "1m", notify = ["owner"] }]"#)])
}

fn start(folder: &Path) -> (Service, Stopper) {
    Service::start(&config(folder, &policy_text(), ClockChoice::Fast { start_ms: START_MS, speed: 1.0 })).unwrap()
}

/// Tickets opened an hour ago, each with its own label in each column; their level fires immediately.
fn opened(ids: std::ops::Range<usize>, label: impl Fn(usize) -> String) -> Batch {
    let mut batch = Batch::default();
    for id in ids {
        batch.push(&format!("T{id}"), START_MS - 3_600_000, EventKind::Opened);
        for column in [Column::Channel, Column::Category, Column::Team, Column::Owner] {
            batch.set_last(column, &label(id));
        }
    }
    batch
}

fn deleted(ids: std::ops::Range<usize>) -> Batch {
    let mut batch = Batch::default();
    ids.for_each(|id| batch.push(&format!("T{id}"), START_MS - 60_000, EventKind::Deleted));
    batch
}

/// Loads a batch; returns the number of accepted rows and the reasons of the rejected ones.
fn load(service: &Service, actor: &str, batch: Batch) -> (u64, Vec<String>) {
    let applied = service.load_blocking(input(batch, CatchUp::All, actor)).unwrap();
    (applied.accepted, applied.rejected.iter().map(|rejected| rejected.reason.to_string()).collect())
}

/// Ticket and channel of each record.
fn records(service: &Service) -> Vec<(String, Option<String>)> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        // Pages from the history come first, then those from memory.
        let page = service.escalations(after, &EscalationFilter::default(), 10_000).unwrap();
        if page.records.is_empty() {
            return all;
        }
        all.extend(
            page.records
                .into_iter()
                .map(|record| (record.ticket, record.labels[TicketLabel::Channel].as_deref().map(str::to_owned))),
        );
        after = page.up_to;
    }
}

#[test]
fn channels_of_a_wrong_mapping_are_freed_once_no_ticket_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (service, stopper) = start(folder.path());
    let wrong = |id: usize| format!("subject {id}");
    let share = MAX_CHANNELS / LABEL_SHARE.1 * LABEL_SHARE.0;
    // Two clients together introduce all labels that are possible; neither can alone.
    let (accepted, rejected) = load(&service, "a", opened(0..MAX_CHANNELS, wrong));
    assert_eq!((accepted as usize, rejected.len()), (share, MAX_CHANNELS - share));
    assert!(
        rejected[0].contains("\"subject 189\" is new, and this client has introduced 189 of the 255"),
        "{}",
        rejected[0]
    );
    assert_eq!(load(&service, "b", opened(share..MAX_CHANNELS, wrong)).0 as usize, MAX_CHANNELS - share);
    let right = opened(1_000..1_001, |_| "email".to_owned());
    let (accepted, rejected) = load(&service, "b", right.clone());
    assert!(accepted == 0 && rejected[0].contains("one more than the 255 distinct values"), "{rejected:?}");
    // Known labels are accepted from every client.
    assert_eq!(load(&service, "a", opened(2_000..2_001, |_| wrong(254))).0, 1);

    // Labels stay as long as a ticket has them.
    snapshot(&service);
    assert_eq!(load(&service, "b", right.clone()).0, 0);
    let before = records(&service);
    assert_eq!(before.len(), MAX_CHANNELS + 1);
    load(&service, "a", deleted(0..MAX_CHANNELS));
    snapshot(&service);
    assert_eq!(load(&service, "b", right).0, 1);
    assert_eq!(load(&service, "b", opened(1_001..1_101, |id| format!("other {id}"))).0, 100);
    // Earlier records keep their labels; new records have the new ones.
    let after = records(&service);
    assert_eq!(after.len(), before.len() + 101);
    assert!(after[..before.len()] == before);
    assert_eq!(after[before.len()], ("T1000".to_owned(), Some("email".to_owned())));
    let owner = |label| (label == TicketLabel::Owner).then(|| "email".to_owned());
    let by_channel = EscalationFilter { labels: PerLabel::from_fn(owner), ..EscalationFilter::default() };
    assert_eq!(service.escalations(0, &by_channel, 10).unwrap().records.len(), 1);
    let hash = service.read(Engine::state_hash);

    // The same after a crash (from the journal and the older snapshot) and after a stop.
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), copy.path());
    stopper.stop().unwrap();
    for folder in [copy.path(), folder.path()] {
        let (service, stopper) = start(folder);
        assert_eq!(service.read(Engine::state_hash), hash);
        assert!(records(&service) == after);
        // Labels in use count against the share of their client, freed ones do not. One of the first labels is still in use.
        let (accepted, _) = load(&service, "b", opened(3_000..3_200, |id| format!("more {id}")));
        assert_eq!(accepted as usize, share - 102);
        stopper.stop().unwrap();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_label_of_an_earlier_event_is_in_use() {
    let checked = policy::check(&policy_text(), "policy", &mut |_| Err("no files".to_owned()));
    let mut engine = Engine::new(Arc::new(checked.policy.unwrap()), 3);
    engine.apply(&opened(0..100, |id| format!("label {id}")), CatchUp::All);
    let mut moved = Batch::default();
    for id in 0..100 {
        moved.push(&format!("T{id}"), START_MS, EventKind::Assigned);
        moved.set_last(Column::Team, "one team");
        moved.set_last(Column::Channel, "one channel");
    }
    engine.apply(&moved, CatchUp::All);
    let hash = engine.state_hash();
    // Openings or tickets have the owners, teams and categories; only the earlier channels are unused.
    assert_eq!(engine.labels_to_free(), 100);
    assert_eq!(engine.free_labels(), 100);
    assert_eq!((engine.state_hash(), engine.free_labels(), engine.labels_to_free()), (hash, 0, 0));
    let ticket = engine.ticket(engine.find("T42").unwrap());
    assert_eq!(
        (ticket.labels[TicketLabel::Team], ticket.labels[TicketLabel::Category]),
        (Some("one team"), Some("label 42"))
    );
    let by_channel = &engine.counters().by_label[TicketLabel::Channel];
    assert_eq!((by_channel.len(), by_channel[0].open), (1, 100));
}
