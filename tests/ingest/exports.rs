//! Real exports, and short responses of the APIs of several products.

use crate::rows::{Row, read_all, rows_of};
use crate::support::shared_data::shared;
use crate::support::shipped::shipped;
use overdue::ingest::{Mapping, Options, Report, Source};
use overdue::ticket::{Column, EventKind, State};
use overdue::time::format_rfc3339;

fn read(source: Source, mapping: &str) -> (Vec<Row>, Report) {
    let mapping = Mapping::parse(&shipped(&format!("mappings/{mapping}.toml")), mapping).unwrap();
    let (batches, rejects, report) = read_all(vec![source], &mapping, &Options::default());
    assert!(rejects.is_empty(), "{}", rejects[0]);
    (rows_of(&batches), report.unwrap_or_else(|error| panic!("{error}")))
}

/// The rows of an input as short texts: ticket, time, event, state, labels.
fn short_rows(name: &str, text: &str, mapping: &str) -> Vec<String> {
    let (rows, _) = read(Source::stream(name, std::io::Cursor::new(text.to_owned())), mapping);
    rows.iter()
        .map(|row| {
            let labels = Column::ALL.iter().zip(&row.labels);
            let labels = labels.filter_map(|(column, label)| Some(format!(" {}={}", column.name(), label.as_ref()?)));
            let state = row.state.map(|state| format!(" state={}", state.name())).unwrap_or_default();
            format!(
                "{} {} {}{state}{}",
                row.ticket,
                format_rfc3339(row.at_ms),
                row.kind.name(),
                labels.collect::<String>()
            )
        })
        .collect()
}

fn count(rows: &[Row], kind: EventKind) -> usize {
    rows.iter().filter(|row| row.kind == kind).count()
}

#[test]
fn the_servicenow_log_is_read_completely() {
    let Some(path) = shared("data/uci_incident_log.csv.zst") else { return };
    let (rows, report) = read(Source::file(path), "servicenow_incident_log");
    assert_eq!((report.rows, report.rejected, report.skipped), (141_712, 0, 0));
    assert_eq!(report.events, rows.len() as u64);
    let tickets: std::collections::HashSet<&str> = rows.iter().map(|row| row.ticket.as_str()).collect();
    assert_eq!(tickets.len(), 24_918);
    assert_eq!(count(&rows, EventKind::StateChanged), 141_712);
    // One opening per ticket, and a second one for each ticket with rows in two blocks.
    let openings = count(&rows, EventKind::Opened);
    assert!((24_918..24_918 + 60).contains(&openings), "{openings} openings");
    let states = |state| rows.iter().filter(|row| row.state == Some(state)).count();
    assert_eq!(states(State::New), 36_407);
    assert_eq!(states(State::Open), 38_716);
    assert_eq!(states(State::Waiting), 14_642 + 707 + 461 + 38);
    assert_eq!(states(State::Resolved), 25_751);
    assert_eq!(states(State::Closed), 24_985);
    let placeholder = rows.iter().filter(|row| row.kind == EventKind::StateChanged && row.state.is_none()).count();
    assert_eq!(placeholder, 5);
    assert_eq!(format_rfc3339(rows[0].at_ms), "2016-02-29T01:16:00Z");
    // All rows of a ticket have the same closing time.
    let mut closings: std::collections::HashMap<&str, i64> = std::collections::HashMap::new();
    for row in rows.iter().filter(|row| row.state == Some(State::Closed)) {
        assert_eq!(*closings.entry(&row.ticket).or_insert(row.at_ms), row.at_ms);
    }
    assert_eq!(closings.len(), 24_918);
}

#[test]
fn the_boston_requests_are_read_completely() {
    let Some(path) = shared("data/boston311_2015h1.csv.zst") else { return };
    let (rows, report) = read(Source::file(path), "city311");
    assert_eq!((report.rows, report.rejected), (58_119, 0));
    assert_eq!(count(&rows, EventKind::Opened), 58_119);
    assert_eq!(count(&rows, EventKind::Closed), 49_126);
    assert_eq!(format_rfc3339(rows[0].at_ms), "2015-01-01T05:20:09Z");
    let Some(path) = shared("data/boston311_2013_2019_dead_animal.csv.zst") else { return };
    let (rows, report) = read(Source::file(path), "city311");
    assert_eq!((report.rows, count(&rows, EventKind::Closed)), (21_729, 20_926));
}

#[test]
fn due_dates_of_the_boston_requests_can_be_read_as_event_times() {
    let Some(path) = shared("data/boston311_2015h1.csv.zst") else { return };
    let text = shipped("mappings/city311.toml").replace("closed = \"closed_dt\"", "note = \"target_dt\"");
    let mapping = Mapping::parse(&text, "due.toml").expect("a mapping");
    let (batches, _, _) = read_all(vec![Source::file(path)], &mapping, &Options::default());
    assert_eq!(count(&rows_of(&batches), EventKind::Note), 43_592);
}

#[test]
fn zendesk_tickets_are_read() {
    let page = r#"{"tickets":[{"id":35436,"created_at":"2026-07-20T22:55:29Z","updated_at":"2026-08-05T10:38:52Z","status":"hold",
        "priority":null,"subject":"Help!","description":"It burns","assignee_id":235323,"group_id":98738,"organization_id":509974,
        "via":{"channel":"web","source":{"from":{},"to":{},"rel":null}},"type":"incident","tags":["a","b"],
        "metric_set":{"initially_assigned_at":"2026-07-20T23:00:00Z","solved_at":null,"status_updated_at":"2026-07-21T08:00:00Z"}}],
        "end_of_stream":true,"count":1}"#;
    let expected = [
        "35436 2026-07-20T22:55:29Z opened channel=web category=incident customer=509974",
        "35436 2026-07-20T23:00:00Z assigned",
        "35436 2026-07-21T08:00:00Z state_changed state=waiting",
        "35436 2026-08-05T10:38:52Z state_changed priority=normal owner=235323 team=98738 channel=web category=incident customer=509974",
    ];
    assert_eq!(short_rows("tickets.json", page, "zendesk_tickets"), expected);
}

#[test]
fn zendesk_ticket_metric_events_are_read() {
    let lines = r#"{"id":1,"ticket_id":155,"metric":"reply_time","instance_id":1,"type":"activate","time":"2026-08-27T08:00:00Z"}
{"id":2,"ticket_id":155,"metric":"agent_work_time","instance_id":1,"type":"activate","time":"2026-08-27T08:00:00Z"}
{"id":3,"ticket_id":155,"metric":"reply_time","instance_id":1,"type":"apply_sla","time":"2026-08-27T08:00:00Z","sla":{"target":60}}
{"id":4,"ticket_id":155,"metric":"reply_time","instance_id":1,"type":"fulfill","time":"2026-08-27T08:40:00Z"}
{"id":5,"ticket_id":155,"metric":"agent_work_time","instance_id":1,"type":"pause","time":"2026-08-27T08:40:00Z"}
{"id":6,"ticket_id":155,"metric":"requester_wait_time","instance_id":1,"type":"fulfill","time":"2026-08-28T08:00:00Z"}
"#;
    let expected = [
        "155 2026-08-27T08:00:00Z customer_reply",
        "155 2026-08-27T08:00:00Z state_changed state=open",
        "155 2026-08-27T08:40:00Z agent_reply",
        "155 2026-08-27T08:40:00Z state_changed state=waiting",
        "155 2026-08-28T08:00:00Z resolved",
    ];
    assert_eq!(short_rows("events.ndjson", lines, "zendesk_ticket_metric_events"), expected);
    let page = format!("{{\"ticket_metric_events\":[{}],\"count\":6}}", lines.trim().replace('\n', ","));
    assert_eq!(short_rows("events.json", &page, "zendesk_ticket_metric_events"), expected);
}

#[test]
fn freshdesk_tickets_are_read() {
    let list = r#"[{"id":18,"status":4,"priority":3,"source":2,"responder_id":51,"group_id":null,"company_id":7,"type":"Incident",
        "subject":"s","description_text":"d","created_at":"2026-08-24T11:56:51Z","updated_at":"2026-08-24T11:59:05Z",
        "stats":{"first_responded_at":"2026-08-24T12:00:00Z","agent_responded_at":"2026-08-24T12:30:00Z",
        "requester_responded_at":null,"resolved_at":"2026-08-24T13:00:00Z","closed_at":null,"reopened_at":null,
        "status_updated_at":"2026-08-24T13:00:00Z"}}]"#;
    let expected = [
        "18 2026-08-24T11:56:51Z opened channel=portal category=Incident customer=7",
        "18 2026-08-24T12:00:00Z agent_reply",
        "18 2026-08-24T12:30:00Z agent_reply",
        "18 2026-08-24T13:00:00Z resolved",
        "18 2026-08-24T13:00:00Z state_changed state=resolved",
        "18 2026-08-24T11:59:05Z state_changed priority=high owner=51 channel=portal category=Incident customer=7",
    ];
    assert_eq!(short_rows("tickets.json", list, "freshdesk"), expected);
}

#[test]
fn jira_service_management_issues_are_read() {
    let page = r#"{"startAt":0,"total":1,"issues":[{"id":"10002","key":"ITSM-1","fields":{"created":"2026-11-20T14:25:12.000+0100",
        "resolutiondate":null,"statuscategorychangedate":"2026-11-20T15:00:00.500+0100","priority":{"name":"High","id":"2"},
        "status":{"name":"In Progress","statusCategory":{"key":"indeterminate"}},"assignee":{"displayName":"Kari"},"reporter":null,
        "issuetype":{"name":"[System] Incident"},"project":{"key":"ITSM"},"summary":"Printer"}}]}"#;
    let expected = [
        "ITSM-1 2026-11-20T13:25:12Z opened priority=High owner=Kari team=ITSM category=[System] Incident",
        "ITSM-1 2026-11-20T14:00:00.500Z state_changed state=open",
    ];
    assert_eq!(short_rows("search.json", page, "jira_service_management"), expected);
}
