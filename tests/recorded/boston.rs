//! Service requests of the City of Boston: the due dates that its system computed, and which requests it counts as on time.

use crate::replay::{Cycle, at_least, csv_rows, replay, text};
use crate::support::shared_data::shared;
use crate::support::shipped::shipped;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// A local time of the export, as an instant.
fn instant_ms(text: &str) -> Option<i64> {
    let local: jiff::civil::DateTime = text.replace(' ', "T").parse().ok()?;
    Some(local.in_tz("America/New_York").unwrap().timestamp().as_millisecond())
}

fn calendar(holidays: &Path) -> String {
    let dates: Vec<String> = text(holidays)
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|date| format!("\"{date}\""))
        .collect();
    format!(
        "[calendars.city]\ntime_zone = \"America/New_York\"\nmon-fri = [\"08:30-17:00\"]\nholidays = [{}]\n",
        dates.join(", ")
    )
}

/// The rows with a target, with the cycle of their ticket.
fn with_target(
    rows: &[HashMap<String, String>],
    cycles: Vec<Cycle>,
) -> Vec<(&HashMap<String, String>, i64, Option<Cycle>)> {
    let mut by_ticket: HashMap<String, Cycle> = cycles.into_iter().map(|cycle| (cycle.ticket.clone(), cycle)).collect();
    let target = |row: &HashMap<String, String>| instant_ms(&row["target_dt"]);
    rows.iter().filter_map(|row| Some((row, target(row)?, by_ticket.remove(&row["case_enquiry_id"])))).collect()
}

fn within(compared: &[(&HashMap<String, String>, i64, Option<Cycle>)], seconds: i64) -> usize {
    let is_within = |target_ms: i64, cycle: &Option<Cycle>| {
        let due_ms = cycle.as_ref().and_then(|cycle| cycle.due_ms);
        due_ms.is_some_and(|due_ms| (due_ms - target_ms).abs() <= seconds * 1_000)
    };
    compared.iter().filter(|(_, target_ms, cycle)| is_within(*target_ms, cycle)).count()
}

#[test]
fn dead_animals_are_due_after_one_working_day() {
    let Some(input) = shared("data/boston311_2013_2019_dead_animal.csv.zst") else { return };
    let Some(holidays) = shared("data/boston311_holidays_observed.txt") else { return };
    let policy = format!(
        "default_priority = \"animal\"\n{}[priorities.animal]\ncalendar = \"city\"\n\
         [priorities.animal.clocks.resolution]\ntarget = \"1bd\"\n",
        calendar(&holidays)
    );
    let cycles = replay(&policy, &shipped("mappings/city311.toml"), &input);
    let rows = csv_rows(&text(&input));
    let compared = with_target(&rows, cycles);
    assert!(compared.len() > 20_000, "{}", compared.len());
    at_least("due within 60 s", within(&compared, 60), compared.len(), 99.6);
    at_least("due within 120 s", within(&compared, 120), compared.len(), 99.8);
}

#[test]
fn every_type_has_its_own_target_in_2015() {
    let Some(input) = shared("data/boston311_2015h1.csv.zst") else { return };
    let Some(table) = shared("data/boston311_2015_sla_table.csv") else { return };
    let Some(holidays) = shared("data/boston311_holidays_observed.txt") else { return };
    let mut policy =
        format!("default_priority = \"other\"\n{}[priorities.other]\ncalendar = \"city\"\n", calendar(&holidays));
    let mut values = String::new();
    for row in csv_rows(&text(&table)) {
        let (name, unit) = (format!("{:?}", row["type"]), if row["unit"] == "bd" { "bd" } else { "d" });
        // Four types with few tickets have a target of zero, which counts as none.
        if row["n"] != "0" {
            write!(
                policy,
                "[priorities.{name}]\ncalendar = \"city\"\n[priorities.{name}.clocks.resolution]\ntarget = \"{}{unit}\"\n",
                row["n"]
            )
            .unwrap();
            writeln!(values, "{name} = {name}").unwrap();
        }
    }
    let mapping = shipped("mappings/city311.toml").replace("\n[columns]\n", "\n[columns]\npriority = \"type\"\n")
        + &format!("\n[values.priority]\n{values}\"*\" = \"other\"\n");
    let cycles = replay(&policy, &mapping, &input);
    let rows = csv_rows(&text(&input));
    let compared = with_target(&rows, cycles);
    assert_eq!(compared.len(), 43_592);
    at_least("due within 60 s", within(&compared, 60), compared.len(), 91.3);

    let closed: Vec<_> = compared.iter().filter(|(row, _, _)| !row["closed_dt"].is_empty()).collect();
    let agrees = |row: &HashMap<String, String>, cycle: &Option<Cycle>| {
        let expected = if row["ontime"] == "ONTIME" { "met" } else { "missed" };
        cycle.as_ref().is_some_and(|cycle| cycle.result == expected && cycle.stopped_ms.is_some())
    };
    let same = closed.iter().filter(|(row, _, cycle)| agrees(row, cycle)).count();
    at_least("met and missed as the city counts", same, closed.len(), 98.2);
}
