//! `made_sla` of a ServiceNow log: working time from opening to closing, replayed event by event.

use crate::replay::{Cycle, at_least, csv_rows, replay, text};
use crate::support::shared_data::shared;
use crate::support::shipped::shipped;
use std::collections::HashMap;

/// Monday to Friday, 14:00 to 23:00 in the time of the log; 62 working hours for priority 3, 134 for priority 4.
const POLICY: &str = r#"
default_priority = "3"

[calendars.desk]
time_zone = "Etc/UTC"
mon-fri = ["14:00-23:00"]

[priorities.1]
calendar = "desk"
[priorities.2]
calendar = "desk"

[priorities.3]
calendar = "desk"
[priorities.3.clocks.to_closing]
on = { opened = "start", closed = "stop" }
target = "62h"

[priorities.4]
calendar = "desk"
[priorities.4.clocks.to_closing]
on = { opened = "start", closed = "stop" }
target = "134h"
"#;

#[test]
fn made_sla_is_reproduced() {
    let Some(input) = shared("data/uci_incident_log.csv.zst") else { return };
    let cycles = replay(POLICY, &shipped("mappings/servicenow_incident_log.toml"), &input);
    let rows = csv_rows(&text(&input));
    // The last row of each ticket.
    let last: HashMap<&str, &HashMap<String, String>> = rows.iter().map(|row| (row["number"].as_str(), row)).collect();
    assert_eq!(last.len(), 24_918);
    let results: HashMap<&str, &Cycle> = cycles.iter().map(|cycle| (cycle.ticket.as_str(), cycle)).collect();
    let considered: Vec<_> = last.iter().filter(|(_, row)| ["3", "4"].contains(&row["priority"].as_str())).collect();
    let agrees = |ticket: &str, row: &HashMap<String, String>| {
        let expected = if row["made_sla"] == "true" { "met" } else { "missed" };
        results.get(ticket).is_some_and(|cycle| cycle.result == expected && cycle.priority == row["priority"])
    };
    let same = considered.iter().filter(|(ticket, row)| agrees(ticket, row)).count();
    at_least("made_sla of priorities 3 and 4", same, considered.len(), 99.8);
}
