//! A corrupt file of the history: its records are reported as a gap, all others are listed and followed.

use crate::process::{events, follow, page, start};
use crate::running::{Start, last, more_records, open};
use crate::support::files::files_below;
use crate::support::http::client;
use crate::support::requests::snapshot;
use std::fs;

#[test]
fn a_corrupt_history_file_is_a_gap_of_its_own_records_only() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    let mut ends = vec![0];
    for name in ["a", "b", "c"] {
        open(&service, name, 5);
        more_records(&service, 5);
        snapshot(&service);
        // A snapshot ends a file of the history, at this record or a later one.
        ends.push(last(&service));
    }
    stopper.stop().unwrap();
    let histories = files_below(&data.join("history/escalations"));
    assert!(histories.len() >= 3, "{histories:?}");
    let corrupt = &histories[1];
    let name = corrupt.file_name().unwrap().to_str().unwrap();
    let number = |at: usize| name[at..at + 20].parse::<u64>().unwrap();
    let (from, to) = (number(0), number(21));
    let mut contents = fs::read(corrupt).unwrap();
    contents[100] ^= 1;
    fs::write(corrupt, contents).unwrap();

    let process = start(&data);
    let (mut numbers, mut gaps, mut after) = (Vec::new(), Vec::new(), 0);
    let epoch = loop {
        let page = page(&process.url, &format!("limit=1000&after={after}"));
        numbers
            .extend(page["escalations"].as_array().unwrap().iter().map(|record| record["sequence"].as_u64().unwrap()));
        gaps.extend(page["gaps"].as_array().cloned().unwrap_or_default());
        after = page["next_after"].as_u64().unwrap();
        if page["last_sequence"].as_u64() == Some(after) {
            break page["epoch"].as_str().unwrap().to_owned();
        }
    };
    let expected: Vec<u64> = (1..from).chain(to + 1..=after).collect();
    assert_eq!(numbers, expected);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0]["from"].as_u64(), gaps[0]["to"].as_u64()), (Some(from), Some(to)));
    assert!(gaps[0]["file"].as_str().unwrap().ends_with(name), "{gaps:?}");
    assert!(gaps[0]["reason"].as_str().unwrap().contains("has the checksum"), "{gaps:?}");
    // A page without records of the gap does not report it.
    assert_eq!(page(&process.url, &format!("after={to}"))["gaps"], serde_json::Value::Null);

    let one = client().get(format!("{}/v1/escalations/{from}", process.url)).send().unwrap();
    assert_eq!(one.status(), 404);
    assert!(one.text().unwrap().contains("cannot be read"));

    let events = events(follow(&process.url, ""), expected.len() + 1);
    let (id, _, gap) = events.iter().find(|(_, event, _)| event == "gap").unwrap();
    assert_eq!(*id, format!("{epoch}-{to}"));
    assert_eq!((gap["from"].as_u64(), gap["to"].as_u64()), (Some(from), Some(to)));
    let followed: Vec<u64> = events.iter().filter_map(|(_, _, data)| data["sequence"].as_u64()).collect();
    assert_eq!(followed, expected, "the feed continues after the gap");
}
