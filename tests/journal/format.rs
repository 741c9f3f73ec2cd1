//! Every released format stays readable: `tests/fixtures/journal-v1` was written by the first release with a journal. Never
//! overwrite it; a new format gets its own folder.
//!
//! `OVERDUE_WRITE_FIXTURES=1` writes a folder that is missing.

use overdue::engine::{Apply, CatchUp};
use overdue::store::codec;
use overdue::store::disk::{Disk, FolderDisk};
use overdue::store::input::{AcknowledgeInput, BatchInput, EditInput, Group, Input, Origin, Passage};
use overdue::store::journal::{Journal, Options};
use overdue::ticket::{Batch, Column, EventKind, Labels, NO_LABEL, State};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v1")
}

fn opened(folder: &Path) -> Journal {
    let options = Options { identity: 0x0123_4567_89AB_CDEF, segment_bytes: 4 << 10, ahead: false, epoch: None };
    let disk = Arc::new(FolderDisk::new(folder).unwrap()) as Arc<dyn Disk>;
    Journal::open(disk, options).unwrap().0
}

/// Groups with each kind of input, each option, each form of a column.
fn groups() -> Vec<Group> {
    let catch_up = [CatchUp::Latest, CatchUp::All, CatchUp::None];
    let applies = [Apply::FromStart, Apply::FromNow, Apply::NewTickets];
    (1..=9_u64)
        .map(|number| {
            let place = number as usize;
            let origin = Origin {
                actor: format!("token {number}").into(),
                key: (place.is_multiple_of(2)).then_some(u128::MAX / u128::from(number)),
                fingerprint: None,
            };
            let at_ms = 1_795_000_000_000 + number as i64 * 1_000;
            let batch = batch(place, at_ms);
            let edit = EditInput {
                text: format!("default_priority = \"p{number}\"\n").into(),
                files: vec![(format!("holidays {number}.ics"), "BEGIN:VCALENDAR".into())],
                apply: applies[place % 3],
                catch_up: catch_up[place % 3],
                origin: origin.clone(),
                note: "å".repeat(place * 20),
            };
            let acknowledge = AcknowledgeInput {
                sequence: number << 40,
                ticket: format!("T-{number}"),
                clock: "resolution".to_owned(),
                cycle: 700,
                level: 3,
                at_ms,
                note: "seen".to_owned(),
                origin: origin.clone(),
            };
            let batch = Arc::new(BatchInput { batch, catch_up: catch_up[place % 3], origin });
            let mut inputs =
                vec![Input::Batch(batch), Input::Edit(edit.into()), Input::Acknowledge(acknowledge.into())];
            inputs.truncate(4 - place % 4);
            let passage = if place == 5 { Passage::AfterDowntime } else { Passage::Watched };
            Group { number, now_ms: at_ms, catch_up: catch_up[place % 3], passage, has_label_share: false, inputs }
        })
        .collect()
}

fn batch(place: usize, at_ms: i64) -> Batch {
    let mut batch = Batch::default();
    for row in 0..place * 3 {
        let kind = EventKind::ALL[(place + row) % EventKind::COUNT];
        let step_ms = if place == 4 { i64::from(u32::MAX) } else { 60_000 };
        batch.push(&format!("T-{place}-{row}"), at_ms - row as i64 * step_ms, kind);
        if let Some(state) = batch.state.last_mut() {
            *state = State::ALL.get(row % 7).copied();
        }
        for column in Column::ALL.into_iter().skip(place % 3) {
            batch.set_last(column, &format!("{} {}", column.name(), row % 5));
        }
    }
    if place.is_multiple_of(3) {
        let codes = (0..batch.len() as u32).map(|row| if row % 3 == 0 { NO_LABEL } else { row % 300 }).collect();
        batch.assigned = Labels { codes, labels: (0..300).map(|label| format!("p{label}")).collect() };
        (0..batch.len()).for_each(|row| batch.text.push(&"text ".repeat(row)));
    }
    batch
}

/// Inputs with a fingerprint, which later releases of version 1 write.
#[test]
fn inputs_with_fingerprints_keep_their_format() {
    let folder = fixture().with_file_name("journal-v1-fingerprints");
    let mut groups = groups();
    for (number, group) in groups.iter_mut().enumerate() {
        for input in &mut group.inputs {
            let origin = match input {
                Input::Batch(input) => &mut Arc::make_mut(input).origin,
                Input::Edit(input) => &mut Arc::make_mut(input).origin,
                Input::Acknowledge(input) => &mut Arc::make_mut(input).origin,
                Input::FreeLabels => continue,
            };
            origin.fingerprint = origin.key.map(|key| key ^ number as u128);
        }
    }
    if std::env::var_os("OVERDUE_WRITE_FIXTURES").is_some() && !folder.exists() {
        write(&folder, &groups);
    }
    check_fixture(&folder, &groups);
}

#[test]
fn version_1_keeps_its_format() {
    let groups = groups();
    if std::env::var_os("OVERDUE_WRITE_FIXTURES").is_some() && !fixture().exists() {
        write(&fixture(), &groups);
    }
    check_fixture(&fixture(), &groups);
}

/// Checks that a fixture has these groups and that they are still written as the same bytes.
fn check_fixture(fixture: &Path, groups: &[Group]) {
    // In a copy, because opening rewrites the last group.
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(fixture).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        names.push(entry.file_name());
    }
    let read: Vec<(u64, Vec<u8>)> = opened(folder.path()).groups(1).map(Result::unwrap).collect();
    assert_eq!(read.len(), groups.len());
    for ((number, bytes), group) in read.iter().zip(groups) {
        assert_eq!(*number, group.number);
        assert_eq!(format!("{:?}", codec::decode(bytes).unwrap()), format!("{group:?}"));
    }

    // This release writes version 1 as well.
    let again = tempfile::tempdir().unwrap();
    write(again.path(), groups);
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let (known, now) = (fs::read(fixture.join(&name)).unwrap(), fs::read(again.path().join(&name)).unwrap());
        assert!(known == now, "{} has other bytes now: that needs a new version", name.display());
    }
}

fn write(folder: &Path, groups: &[Group]) {
    let mut journal = opened(folder);
    let mut bytes = Vec::new();
    for group in groups {
        codec::encode(group, &mut bytes).unwrap();
        journal.append(group.number, &bytes).unwrap();
        journal.sync().unwrap();
    }
}
