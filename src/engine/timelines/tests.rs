//! How many compiled calendars an engine has.

use super::*;
use crate::engine::{Apply, CatchUp, Installed};
use crate::policy::{load, reload};
use crate::ticket::{Batch, EventKind};
use crate::time::{HOUR_MS, SECOND_MS};

const START_MS: i64 = 1_780_000_000_000;

/// Opening hours up to a minute of the afternoon, in one priority of two.
fn text(minute: usize) -> String {
    format!(
        "default_priority = \"normal\"\n\
         [calendars.office]\ntime_zone = \"Europe/Oslo\"\nmon-fri = [\"08:00-{:02}:{:02}\"]\n\
         [calendars.always]\ntime_zone = \"Etc/UTC\"\nhours = \"24x7\"\n\
         [priorities.normal]\ncalendar = \"office\"\n\
         [priorities.normal.clocks.resolution]\ntarget = \"4h\"\nlevels = [{{ at = \"50%\" }}, {{ at = \"100%\" }}]\n\
         on = {{ opened = \"start\", resolved = \"stop\" }}\n\
         [priorities.urgent]\ncalendar = \"always\"\n\
         [priorities.urgent.clocks.resolution]\ntarget = \"1h\"\nlevels = [{{ at = \"100%\" }}]\n\
         on = {{ opened = \"start\", resolved = \"stop\" }}\n",
        12 + minute / 60,
        minute % 60
    )
}

fn compiled(minute: usize) -> Policy {
    load(&text(minute), "test", &mut |_| Err("no files".into())).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn known(minute: usize) -> Policy {
    reload(&text(minute), "test", &mut |_| Err("no files".into())).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn event(ticket: &str, at_ms: i64, kind: EventKind) -> Batch {
    let mut batch = Batch::default();
    batch.push(ticket, at_ms, kind);
    batch
}

/// Calendars of versions that are compiled, each counted once.
fn timelines(engine: &Engine) -> usize {
    let compiled = engine.versions.all.iter().filter(|version| version.definition.calendar.is_compiled());
    compiled.map(address).collect::<Addresses>().len()
}

/// An engine with one ticket, after this many edits of its calendar, one an hour.
fn edited(edits: usize) -> Engine {
    let mut engine = Engine::new(Arc::new(compiled(0)), 2);
    engine.advance(START_MS);
    for edit in 1..=edits {
        let at_ms = engine.now_ms();
        engine.apply(&event("late", at_ms, EventKind::Opened), CatchUp::All);
        engine.edit(Arc::new(compiled(edit)), Apply::FromStart, CatchUp::All).unwrap();
        assert!(timelines(&engine) <= 2, "after {edit} edits");
        engine.advance(at_ms + HOUR_MS);
    }
    engine
}

#[test]
fn versions_that_no_ticket_has_keep_no_timeline() {
    let mut engine = edited(100);
    assert_eq!(engine.versions.len(), 102);
    // A late event replays the ticket through all of the versions.
    engine.apply(&event("late", START_MS + 30 * SECOND_MS, EventKind::AgentReply), CatchUp::All);
    engine.apply(&event("late", START_MS + 20 * SECOND_MS, EventKind::AgentReply), CatchUp::All);
    assert!(timelines(&engine) > 50);
    engine.drop_unused_timelines();
    assert_eq!(timelines(&engine), 2);
}

#[test]
fn a_version_that_a_ticket_has_keeps_its_timeline() {
    let mut engine = edited(3);
    for edit in 4..=6 {
        engine.apply(&event(&format!("T{edit}"), engine.now_ms(), EventKind::Opened), CatchUp::All);
        engine.edit(Arc::new(compiled(edit)), Apply::NewTickets, CatchUp::All).unwrap();
        engine.advance(engine.now_ms() + HOUR_MS);
    }
    // Of "late" and the three tickets, the one in force, and that of the other priority.
    assert_eq!(timelines(&engine), 5);
}

#[test]
fn an_edit_of_one_part_keeps_the_calendars_of_the_others() {
    let mut engine = Engine::new(Arc::new(compiled(0)), 2);
    let faster = text(0).replace("target = \"4h\"", "target = \"3h\"");
    let faster = load(&faster, "test", &mut |_| Err("no files".into())).unwrap();
    engine.edit(Arc::new(faster), Apply::FromStart, CatchUp::All).unwrap();
    let [first, urgent, second] = engine.versions.all.as_slice() else { panic!("three versions") };
    assert!(Arc::ptr_eq(&first.definition.calendar, &second.definition.calendar));
    assert!(Arc::ptr_eq(&engine.policy().calendars[0], &second.definition.calendar));
    assert!(Arc::ptr_eq(&engine.policy().priorities[1], &urgent.definition));
}

#[test]
fn a_restored_engine_compiles_what_its_tickets_need() {
    let edits = 20;
    let mut engine = edited(edits);
    let late = event("late", START_MS + 30 * SECOND_MS, EventKind::Resolved);
    let head = engine.head();
    let versions: Vec<Installed> = (0..=edits)
        .map(|edit| Installed {
            policy: Arc::new(known(edit)),
            since_ms: START_MS / SECOND_MS * SECOND_MS + (edit as i64 - 1) * HOUR_MS,
            apply: Apply::FromStart,
        })
        .collect();
    let restoring = Engine::restore(&versions, &head).unwrap();
    let shards = (0..engine.shards()).map(|shard| restoring.shard(engine.export(shard)).unwrap()).collect();
    let mut restored = restoring.finish(shards).unwrap();
    assert!(timelines(&restored) <= 1);
    assert_eq!(restored.state_hash(), engine.state_hash());
    let was = engine.apply(&late, CatchUp::All);
    let is = restored.apply(&late, CatchUp::All);
    assert_eq!((was.escalations, was.cycles), (is.escalations, is.cycles));
    assert_eq!(restored.state_hash(), engine.state_hash());
}
