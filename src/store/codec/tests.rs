use super::*;
use crate::engine::{Apply, CatchUp};
use crate::store::input::Passage;
use crate::ticket::{Batch, Column, EventKind, Labels, NO_LABEL, Openings, State, StateSet, Texts};
use proptest::collection::vec;
use proptest::prelude::*;

const OPENINGS: [Openings; 3] = [Openings::Log, Openings::Known, Openings::Current];
const CATCH_UPS: [CatchUp; 3] = [CatchUp::All, CatchUp::Latest, CatchUp::None];
const PASSAGES: [Passage; 3] = [Passage::Watched, Passage::AfterDowntime, Passage::Accepted];

fn origins() -> impl Strategy<Value = Origin> {
    (".{0,12}", any::<Option<(u128, Option<u128>)>>()).prop_map(|(actor, hashes)| Origin {
        actor: actor.into(),
        key: hashes.map(|(key, _)| key),
        fingerprint: hashes.and_then(|(_, fingerprint)| fingerprint),
    })
}

/// Codes for some labels, now and then for more than 255 or 65,535 of them.
fn labels(rows: usize) -> impl Strategy<Value = Labels> {
    let labels = prop_oneof![6 => 0..4_usize, 3 => 250..260_usize, 1 => 65_530..65_540_usize];
    (labels, vec(any::<u32>(), rows), 0..3_u8).prop_map(|(count, draws, density)| {
        let code = |draw: u32| if draw % 3 < u32::from(density) { draw / 3 % count as u32 } else { NO_LABEL };
        let codes = draws.into_iter().map(|draw| if count == 0 { NO_LABEL } else { code(draw) }).collect();
        Labels { codes, labels: (0..count).map(|label| format!("w{label}ø")).collect() }
    })
}

fn texts(rows: usize) -> impl Strategy<Value = Texts> {
    let long = (250..70_000_usize).prop_map(|length| "å".repeat(length));
    let text = prop_oneof![30 => ".{0,20}".prop_map(String::from), 1 => long];
    vec(text, rows).prop_map(|all| {
        let mut texts = Texts::default();
        all.iter().for_each(|text| texts.push(text));
        texts
    })
}

fn batches() -> impl Strategy<Value = Batch> {
    (0..40_usize).prop_flat_map(|rows| {
        let near = (0..i64::MAX / 2, 0..5_000_000_i64).prop_map(|(start_ms, span_ms)| (start_ms, span_ms + 1));
        let times = prop_oneof![near, Just((i64::MIN, i64::MAX))].prop_flat_map(move |(start_ms, span_ms)| {
            vec((0..span_ms).prop_map(move |after_ms| start_ms.wrapping_add(after_ms.wrapping_mul(2))), rows)
        });
        let rest = (vec(0..16_usize, rows), vec(0..6_usize, rows), any::<[bool; 2]>(), 0..3_usize);
        let columns = (vec(labels(rows), Column::ALL.len()), labels(rows), texts(rows));
        (texts(rows), times, rest, columns).prop_map(move |(ticket, at_ms, rest, columns)| {
            let (kinds, states, [has_assigned, has_text], openings) = rest;
            let (labels, assigned, text) = columns;
            let mut batch = Batch { ticket, at_ms, openings: OPENINGS[openings], ..Batch::default() };
            batch.kind = kinds.into_iter().map(|kind| EventKind::ALL[kind]).collect();
            batch.state = states.into_iter().map(|state| State::ALL.get(state).copied()).collect();
            for (column, labels) in Column::ALL.into_iter().zip(labels) {
                *batch.labels_mut(column) = labels;
            }
            if has_assigned {
                batch.assigned = assigned;
            }
            if has_text {
                batch.text = text;
            }
            batch
        })
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    let batch = (batches(), 0..3_usize, origins()).prop_map(|(batch, catch_up, origin)| {
        Input::Batch(Arc::new(BatchInput { batch, catch_up: CATCH_UPS[catch_up], origin }))
    });
    let applies = [Apply::FromStart, Apply::FromNow, Apply::NewTickets];
    let edit = (".{0,300}", vec((".{0,9}", ".{0,99}"), 0..3), 0..3_usize, 0..3_usize, origins(), ".{0,20}").prop_map(
        move |(text, files, apply, catch_up, origin, note)| {
            let files = files.into_iter().map(|(name, text)| (name, text.into())).collect();
            let (apply, catch_up) = (applies[apply], CATCH_UPS[catch_up]);
            Input::Edit(Arc::new(EditInput { text: text.into(), files, apply, catch_up, origin, note }))
        },
    );
    let acknowledge =
        (any::<u64>(), [".{0,20}", ".{0,20}", ".{0,20}"], any::<u16>(), any::<u8>(), any::<i64>(), origins()).prop_map(
            |(sequence, [ticket, clock, note], cycle, level, at_ms, origin)| {
                Input::Acknowledge(Arc::new(AcknowledgeInput {
                    sequence,
                    ticket,
                    clock,
                    cycle,
                    level,
                    at_ms,
                    note,
                    origin,
                }))
            },
        );
    prop_oneof![batch, edit, acknowledge, Just(Input::FreeLabels)]
}

fn groups() -> impl Strategy<Value = Group> {
    (any::<u64>(), any::<i64>(), 0..3_usize, 0..3_usize, any::<bool>(), vec(inputs(), 0..4)).prop_map(
        |(number, now_ms, catch_up, passage, has_label_share, inputs)| Group {
            number,
            now_ms,
            catch_up: CATCH_UPS[catch_up],
            passage: PASSAGES[passage],
            has_label_share,
            inputs,
        },
    )
}

fn encoded(group: &Group) -> Vec<u8> {
    let mut bytes = vec![7; 3];
    encode(group, &mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_encoded_is_decoded(group in groups()) {
        let read = decode(&encoded(&group)).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{group:?}"));
    }

    #[test]
    fn rubbish_is_refused_or_a_sound_group(group in groups(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encoded(&group);
        bytes.push(0);
        prop_assert!(decode(&bytes).is_err(), "a byte more");
        bytes.pop();
        let at = at.index(bytes.len());
        prop_assert!(decode(&bytes[..at]).is_err(), "cut at {}", at);
        bytes[at] = byte;
        if let Ok(read) = decode(&bytes) {
            // Whatever it decodes to can be walked and encoded.
            let again = decode(&encoded(&read)).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{again:?}"));
        }
    }

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[VERSION, 1, 0, 0, 0, 1, BATCH][..], &bytes].concat());
    }
}

/// These numbers are in existing files.
#[test]
fn the_numbers_of_choices_never_change() {
    let kinds = EventKind::ALL.map(|kind| format!("{} {}", enums::kind(kind), kind.name()));
    let known = "0 opened, 1 read, 2 agent_reply, 3 customer_reply, 4 note, 5 assigned, 6 priority_changed, 7 state_changed, \
                 8 escalated, 9 acknowledged, 10 snoozed, 11 resolved, 12 closed, 13 reopened, 14 deleted, 15 merged";
    assert_eq!(kinds.join(", "), known);
    let states = State::ALL.map(|state| format!("{} {}", enums::state(Some(state)), state.name()));
    assert_eq!(states.join(", "), "1 new, 2 open, 3 waiting, 4 resolved, 5 closed");
    assert_eq!(enums::state(None), 0);
    assert_eq!([CatchUp::All, CatchUp::Latest, CatchUp::None].map(enums::catch_up), [0, 1, 2]);
    assert_eq!([Apply::FromStart, Apply::FromNow, Apply::NewTickets].map(enums::apply), [0, 1, 2]);
    assert_eq!(PASSAGES.map(enums::passage), [0, 1, 2]);
    for byte in 0..=u8::MAX {
        assert!(enums::read_catch_up(byte).is_none_or(|read| enums::catch_up(read) == byte));
        assert!(enums::read_passage(byte).is_none_or(|read| enums::passage(read) == byte));
        assert!(enums::read_apply(byte).is_none_or(|read| enums::apply(read) == byte));
        assert!(enums::read_kind(byte).is_none_or(|read| enums::kind(read) == byte));
        assert!(enums::read_state(byte).is_none_or(|read| enums::state(read) == byte));
        assert_eq!(enums::read_kind(byte).is_some(), byte < 16);
        assert_eq!(enums::read_state(byte).is_some(), byte < 6);
    }
    let set: StateSet = State::ALL.into_iter().collect();
    assert_eq!(set.iter().map(|state| enums::state(Some(state))).collect::<Vec<u8>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_batch_that_is_none_is_not_written() {
    let rejected = |change: fn(&mut Batch)| {
        let mut batch = Batch::default();
        batch.push("T1", 0, EventKind::Opened);
        change(&mut batch);
        let input = BatchInput { batch, catch_up: CatchUp::All, origin: Origin::default() };
        let group = Group { inputs: vec![Input::Batch(Arc::new(input))], ..Group::default() };
        encode(&group, &mut Vec::new()).unwrap_err().to_string()
    };
    assert_eq!(rejected(|batch| batch.kind.clear()), "input 0 of the group: column kind has 0 rows, expected 1");
    let no_label = rejected(|batch| batch.labels_mut(Column::Team).codes[0] = 0);
    assert_eq!(no_label, "input 0 of the group: column team has code 0, and 0 labels");
    let short = rejected(|batch| batch.assigned.codes = vec![NO_LABEL; 2]);
    assert_eq!(short, "input 0 of the group: column assigned has 2 rows, expected 1");
    let many = Group { inputs: vec![Input::Edit(Arc::new(edit())); MAX_GROUP_INPUTS + 1], ..Group::default() };
    assert_eq!(encode(&many, &mut Vec::new()), Err(EncodeError::Inputs { inputs: MAX_GROUP_INPUTS + 1 }));
}

fn edit() -> EditInput {
    let (apply, catch_up) = (Apply::default(), CatchUp::default());
    EditInput { text: "".into(), files: Vec::new(), apply, catch_up, origin: Origin::default(), note: String::new() }
}

#[test]
fn a_row_of_a_bulk_load_takes_few_bytes() {
    let mut batch = Batch::default();
    for row in 0..4_096 {
        batch.push(&format!("INC{row:07}"), 1_790_000_000_000 + row * 977, EventKind::Opened);
        batch.set_last(Column::Customer, ["Northwind", "Contoso", "Tailspin"][row as usize % 3]);
        batch.set_last(Column::Team, ["billing", "network"][row as usize % 2]);
    }
    let input = BatchInput { batch, catch_up: CatchUp::All, origin: Origin::default() };
    let bytes = encoded(&Group { inputs: vec![Input::Batch(Arc::new(input))], ..Group::default() });
    assert!(bytes.len() < 20 * 4_096, "{} bytes", bytes.len());
}
