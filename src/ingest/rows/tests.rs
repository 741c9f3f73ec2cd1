use super::*;

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text, "m.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The rows of a batch as texts.
fn reported(batches: &[Numbered]) -> Vec<String> {
    let mut rows = Vec::new();
    for Numbered { batch, .. } in batches {
        for row in 0..batch.len() {
            let at = crate::time::format_rfc3339(batch.at_ms[row]);
            let mut text = format!("{} {} {}", batch.ticket.get(row), at, batch.kind[row].name());
            if let Some(state) = batch.state[row] {
                text += &format!(" state={}", state.name());
            }
            for column in Column::ALL {
                if let Some(label) = batch.labels(column).get(row) {
                    text += &format!(" {}={label}", column.name());
                }
            }
            if !batch.text.is_empty() && !batch.text.get(row).is_empty() {
                text += &format!(" text={:?}", batch.text.get(row));
            }
            rows.push(text);
        }
    }
    rows
}

fn cells<'a>(mapping: &Mapping, values: &[(&str, Cell<'a>)]) -> Vec<Cell<'a>> {
    mapping
        .inputs
        .iter()
        .map(|input| {
            values.iter().find(|(name, _)| *name == input.name).map(|(_, cell)| cell.clone()).unwrap_or_default()
        })
        .collect()
}

fn text(value: &str) -> Cell<'_> {
    Cell::Text(value.into())
}

#[test]
fn a_row_a_ticket_gives_its_events() {
    let mapping = mapping(
        r#"
        rows = "tickets"
        [columns]
        ticket = "id"
        state = "status"
        at = { column = "changed", formats = ["unix_s"] }
        priority = "kind"
        team = "queue"
        actor = "by"
        subject = "s"
        text = "t"
        [events]
        opened = "o"
        resolved = ["r1", "r2"]
        [values.priority]
        Pothole = "street"
        Secret = ""
        "*" = "other"
        [values.state]
        done = "closed"
        [defaults]
        team = "first_line"
        "#,
    );
    let mut writer = RowWriter::new(&mapping);
    let row = cells(
        &mapping,
        &[
            ("id", Cell::Integer(7)),
            ("o", text("2026-01-01T00:00:00Z")),
            ("r1", text("2026-01-02T00:00:00Z")),
            ("r2", Cell::Null),
            ("status", text("done")),
            ("changed", Cell::Integer(1_767_398_400)),
            ("kind", text("Pothole")),
            ("by", text("eve")),
            ("s", text("Hole")),
            ("t", text("in road")),
        ],
    );
    assert_eq!(writer.push(&row), Ok(Outcome::Read));
    let row = cells(
        &mapping,
        &[
            ("id", Cell::Float(8.0)),
            ("o", text("2026-01-01T00:00:00Z")),
            ("kind", text("Bench")),
            ("queue", text("north")),
        ],
    );
    assert_eq!(writer.push(&row), Ok(Outcome::Read));
    let row = cells(&mapping, &[("id", text("9")), ("o", Cell::Instant(0)), ("kind", text("Secret"))]);
    assert_eq!(writer.push(&row), Ok(Outcome::Read));
    let expected = [
        "7 2026-01-01T00:00:00Z opened priority=street team=first_line actor=eve text=\"Hole\\nin road\"",
        "7 2026-01-02T00:00:00Z resolved actor=eve",
        "7 2026-01-03T00:00:00Z state_changed state=closed actor=eve",
        "8 2026-01-01T00:00:00Z opened priority=other team=north",
        "9 1970-01-01T00:00:00Z opened team=first_line",
    ];
    assert_eq!(reported(&writer.finish()), expected);
}

#[test]
fn a_row_an_event_opens_its_ticket_once_a_block() {
    let mapping = mapping(
        r#"
        rows = "events"
        [columns]
        ticket = "id"
        at = "at"
        opened = "o"
        event = ["what", "how"]
        state = "status"
        team = "team"
        priority = "p"
        [event_at]
        closed = "c"
        [values.event]
        "reply/public" = "agent_reply"
        "reply/" = "note"
        "sla/breach" = ""
        [skip]
        test = ["yes"]
        "#,
    );
    let mut writer = RowWriter::new(&mapping);
    let base = [("id", text("a")), ("at", text("2026-01-02T00:00:00Z")), ("o", text("2026-01-01T00:00:00Z"))];
    let mut push = |more: &[(&str, Cell<'static>)]| {
        let values: Vec<(&str, Cell<'_>)> = more.iter().chain(&base).cloned().collect();
        writer.push(&cells(&mapping, &values))
    };
    let reply = [("what", text("reply")), ("how", text("public")), ("team", text("t")), ("p", text("1"))];
    assert_eq!(push(&reply), Ok(Outcome::Read));
    assert_eq!(push(&[("what", text("reply"))]), Ok(Outcome::Read));
    assert_eq!(push(&[("what", text("sla")), ("how", text("breach"))]), Ok(Outcome::Skipped));
    assert_eq!(push(&[("test", text("yes"))]), Ok(Outcome::Skipped));
    assert_eq!(push(&[("status", text("closed")), ("c", text("2026-01-09T00:00:00Z"))]), Ok(Outcome::Read));
    assert_eq!(push(&[("status", text("closed")), ("c", text(""))]), Ok(Outcome::Read));
    let fault = push(&[("what", text("call"))]).expect_err("an unknown event");
    assert!(
        fault.reason.contains("is not a known event, expected one of reply/, reply/public, sla/breach"),
        "{fault:?}"
    );
    let expected = [
        "a 2026-01-01T00:00:00Z opened",
        "a 2026-01-02T00:00:00Z agent_reply priority=1 team=t",
        "a 2026-01-02T00:00:00Z note",
        "a 2026-01-09T00:00:00Z state_changed state=closed",
        "a 2026-01-02T00:00:00Z state_changed state=closed",
    ];
    assert_eq!(reported(&writer.finish()), expected);
}

#[test]
fn a_refused_row_says_which_value_and_leaves_nothing() {
    let mapping = Mapping::default();
    let mut writer = RowWriter::new(&mapping);
    let long = "x".repeat(300);
    let at = ("at", text("2026-01-01T00:00:00Z"));
    type Case<'a> = (&'a [(&'a str, Cell<'a>)], &'a str, &'a str);
    let cases: [Case<'_>; 10] = [
        (std::slice::from_ref(&at), "ticket", "expected a ticket's id"),
        (&[at.clone(), ("ticket", text(""))], "ticket", "expected a ticket's id"),
        (&[at.clone(), ("ticket", text(&long))], "ticket", "at most 255 bytes"),
        (&[at.clone(), ("ticket", Cell::Other("a list"))], "ticket", "expected a ticket's id"),
        (&[("ticket", text("a"))], "at", "expected a time (rfc3339 or unix_ms)"),
        (&[("ticket", text("a")), ("at", text("yesterday"))], "at", "expected a time"),
        (&[("ticket", text("a")), ("at", text("9999-01-01T00:00:00Z"))], "at", "lies outside 1970-01-01 to 2099-12-31"),
        (&[("ticket", text("a")), ("at", text("2026-01-01T00:00:00"))], "at", "local time"),
        (&[at.clone(), ("ticket", text("a")), ("team", text(&long))], "team", "at most 255 bytes"),
        (&[at.clone(), ("ticket", text("a")), ("state", text("opne"))], "state", "is not a known state"),
    ];
    for (values, column, reason) in cases {
        let fault = writer.push(&cells(&mapping, values)).expect_err(reason);
        assert_eq!(fault.input.map(|input| mapping.inputs[input].name.as_str()), Some(column));
        assert!(fault.reason.contains(reason), "{fault:?}");
        assert!(fault.value.len() < 120);
    }
    assert!(writer.finish().is_empty());
}

#[test]
fn full_batches_are_handed_on_and_begin_anew() {
    let mapping = Mapping::default();
    let mut writer = RowWriter::new(&mapping);
    let row = cells(&mapping, &[("ticket", text("a")), ("at", Cell::Instant(1)), ("team", text("t"))]);
    for _ in 0..ROWS_A_BATCH + 1 {
        assert_eq!(writer.push(&row), Ok(Outcome::Read));
    }
    let batches: Vec<Batch> =
        writer.take_full().into_iter().chain(writer.finish()).map(|numbered| numbered.batch).collect();
    assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [ROWS_A_BATCH, 1]);
    assert_eq!(batches[1].label(Column::Team, 0), Some("t"));
}

#[test]
fn a_ticket_as_it_is_now_lies_over_what_is_known() {
    let mapping = Mapping::tickets();
    let mut writer = RowWriter::new(&mapping).numbered(true);
    let rows: [&[(&str, Cell<'_>)]; 4] = [
        // The time of the row is known: its values hold from then on.
        &[
            ("id", text("a")),
            ("opened_at", text("2026-11-22T09:00:00Z")),
            ("updated_at", text("2026-11-22T10:00:00Z")),
            ("state", text("waiting")),
            ("priority", text("high")),
            ("team", text("t")),
            ("channel", text("chat")),
        ],
        // It is unknown: the state applies from the opening.
        &[("id", text("b")), ("opened_at", text("2026-11-22T09:00:00Z")), ("state", text("open"))],
        // The column with the time of the work supplies it.
        &[
            ("id", text("c")),
            ("opened_at", text("2026-11-22T09:00:00Z")),
            ("first_reply_at", text("2026-11-22T09:10:00Z")),
            ("resolved_at", text("2026-11-22T09:30:00Z")),
            ("state", text("resolved")),
        ],
        &[("id", text("d")), ("opened_at", Cell::Integer(1_795_339_800_000))],
    ];
    for (row, values) in rows.iter().enumerate() {
        writer.at_line(10 + row as u64);
        assert_eq!(writer.push(&cells(&mapping, values)).expect("a good row"), Outcome::Read);
    }
    let batches = writer.finish();
    assert_eq!(
        reported(&batches),
        [
            "a 2026-11-22T09:00:00Z opened channel=chat",
            "a 2026-11-22T10:00:00Z state_changed state=waiting priority=high team=t channel=chat",
            "b 2026-11-22T09:00:00Z opened state=open",
            "c 2026-11-22T09:00:00Z opened",
            "c 2026-11-22T09:10:00Z agent_reply",
            "c 2026-11-22T09:30:00Z resolved",
            "c 2026-11-22T09:30:00Z state_changed state=resolved",
            "d 2026-11-22T09:30:00Z opened",
        ]
    );
    assert_eq!(batches[0].lines, [10, 10, 11, 12, 12, 12, 12, 13]);
}
