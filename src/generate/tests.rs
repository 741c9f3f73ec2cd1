use super::*;
use crate::time::{DAY_MS, HOUR_MS};

const PLAN: Plan = Plan { tickets: 3_000, start_ms: 1_767_571_200_000, days: 60, seed: 7 };

fn events(plan: Plan, rows: usize) -> Vec<(String, i64, EventKind)> {
    let mut history = History::new(plan);
    let mut events = Vec::new();
    while let Some(batch) = history.next_batch(rows) {
        assert!(batch.len() <= rows);
        assert_eq!(batch.text.len(), batch.len());
        events
            .extend((0..batch.len()).map(|row| (batch.ticket.get(row).to_owned(), batch.at_ms[row], batch.kind[row])));
    }
    events
}

#[test]
fn events_come_in_order_of_time_whatever_the_size_of_a_batch() {
    let all = events(PLAN, 100_000);
    assert!(all.is_sorted_by_key(|(_, at_ms, _)| *at_ms));
    assert!(all.iter().all(|(_, at_ms, _)| (PLAN.start_ms..PLAN.end_ms()).contains(at_ms)));
    assert_eq!(all, events(PLAN, 97));
    assert_ne!(all, events(Plan { seed: 8, ..PLAN }, 100_000));
}

#[test]
fn every_ticket_opens_once_and_first() {
    let all = events(PLAN, 4_096);
    let opened: Vec<&str> =
        all.iter().filter(|event| event.2 == EventKind::Opened).map(|event| event.0.as_str()).collect();
    assert_eq!(opened.len() as u64, PLAN.tickets);
    assert!(opened.is_sorted(), "ids count up in order of arrival");
    let mut seen = std::collections::HashSet::new();
    assert!(all.iter().all(|event| seen.insert(event.0.as_str()) == (event.2 == EventKind::Opened)));
}

#[test]
fn tickets_arrive_by_day_more_than_by_night() {
    let mut by_hour = [0_u32; 24];
    let all = events(PLAN, 4_096);
    for (_, at_ms, _) in all.iter().filter(|event| event.2 == EventKind::Opened) {
        by_hour[(at_ms.rem_euclid(DAY_MS) / HOUR_MS) as usize] += 1;
    }
    assert!(by_hour[9] > 10 * by_hour[3], "{by_hour:?}");
}

#[test]
fn a_row_a_ticket_tells_the_same_story() {
    let rows: Vec<TicketRow> = lifecycles(PLAN).collect();
    let all = events(PLAN, 4_096);
    assert_eq!(rows.len() as u64, PLAN.tickets);
    for row in rows.iter().step_by(101) {
        let of_ticket = |kind: EventKind| {
            all.iter().filter(move |event| event.0 == row.ticket && event.2 == kind).map(|event| event.1)
        };
        assert_eq!(of_ticket(EventKind::Opened).next(), Some(row.opened_ms));
        assert_eq!(of_ticket(EventKind::AgentReply).next(), row.first_reply_ms);
        assert_eq!(of_ticket(EventKind::Closed).next_back(), row.closed_ms);
        assert!(
            row.resolved_ms.is_none_or(|resolved_ms| of_ticket(EventKind::Resolved).next_back() == Some(resolved_ms))
        );
    }
    assert!(rows.iter().any(|row| row.state == State::Closed) && rows.iter().any(|row| !row.state.is_done()));
}

#[test]
fn a_table_is_written_as_csv_and_as_json_lines() {
    let table = Table::of_tickets(&lifecycles(Plan { tickets: 2, ..PLAN }).collect::<Vec<_>>());
    let (mut csv, mut ndjson) = (Vec::new(), Vec::new());
    let mut writers: Vec<Box<dyn TableWriter + '_>> =
        vec![Box::new(Csv::new(&mut csv)), Box::new(Ndjson::new(&mut ndjson))];
    writers.iter_mut().for_each(|writer| writer.write(&table).unwrap());
    writers.into_iter().for_each(|writer| writer.finish().unwrap());
    let (csv, ndjson) = (String::from_utf8(csv).unwrap(), String::from_utf8(ndjson).unwrap());
    assert!(csv.starts_with("id,opened_at,first_reply_at,resolved_at,closed_at,state,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
    assert!(ndjson.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{ndjson}");
    assert!(ndjson.starts_with("{\"id\":\"T0000001\",\"opened_at\":\"2026-01-"), "{ndjson}");
}
