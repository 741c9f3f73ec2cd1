//! Recovers a state machine from disk: the newest intact snapshot, then the journal after it.
//!
//! A damaged newest snapshot is reported, and the one before it is used: the journal reaches back to the oldest that is kept.
//! If anything acknowledged would be lost, the start fails.

use super::config::{Seed, StartError};
use super::data_folder::Parts;
use super::state_machine::{GroupOutput, StateMachine, compile, reload};
use crate::engine::{Apply, CatchUp, Engine, Installed};
use crate::limits::LIVE_SHARDS;
use crate::store::epochs::Numbered;
use crate::store::input::{EditInput, Group, Input, Origin};
use crate::store::journal::Stored;
use crate::store::snapshot::{Found, ServiceState, Snapshot};
use crate::store::{codec, snapshot};
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// A state machine that has caught up with its journal.
pub(super) struct Recovered {
    pub machine: StateMachine,
    /// The time of the last group; `None` when the folder was empty.
    pub last_ms: Option<i64>,
    /// The first group of an empty folder: not written yet.
    pub genesis: Option<Group>,
    /// The snapshot that recovery began with, if there was one.
    pub snapshot: Option<u64>,
    pub replayed_groups: u64,
    /// Unusable snapshots: [`put_aside`].
    pub damaged: Vec<Found>,
}

/// Restores the newest usable snapshot, or begins with the seed. The remaining groups of the journal come after: [`replay`].
///
/// # Errors
/// [`StartError`].
pub(super) fn recover(parts: Parts<'_>, seed: Option<&Seed>) -> Result<Recovered, StartError> {
    let Parts { data_dir, journal, history, .. } = parts;
    let (restored, damaged) = newest_whole(parts)?;
    let mut recovered = match restored {
        Some(restored) => caught_up(restored, journal)?,
        None if journal.last() > 0 => from_first_group(journal)?,
        None => return genesis(seed, data_dir),
    };
    recovered.damaged = damaged;
    let machine = &recovered.machine;
    let ends = [
        ("escalations", history.last_escalation(), machine.last_escalation()),
        ("cycles", history.last_cycle(), machine.last_cycle()),
    ];
    if let Some((kind, written, last)) = ends.into_iter().find(|(_, written, last)| written < last) {
        return Err(StartError::Damaged(format!(
            "the history of {kind} ends with record {written}, and the snapshot continues with record {}: the records between are \
             lost; put the missing files back into {}",
            last + 1,
            data_dir.join("history").join(kind).display()
        )));
    }
    Ok(recovered)
}

fn genesis(seed: Option<&Seed>, data_dir: &Path) -> Result<Recovered, StartError> {
    let seed = seed.ok_or_else(|| StartError::NoPolicy(data_dir.to_owned()))?;
    let input = EditInput {
        text: seed.text.as_str().into(),
        files: seed.files.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect(),
        apply: Apply::FromStart,
        catch_up: CatchUp::None,
        origin: Origin { actor: "policy file".into(), ..Origin::default() },
        note: format!("first policy, from {}", seed.name),
    };
    let (policy, _) = compile(&input).map_err(|problems| StartError::Policy { name: seed.name.clone(), problems })?;
    let machine = StateMachine::new(Arc::new(policy), &input, LIVE_SHARDS);
    let group = Group { number: 1, inputs: vec![Input::Edit(Arc::new(input))], ..Group::default() };
    Ok(recovered(machine, None, Some(group)))
}

fn recovered(machine: StateMachine, last_ms: Option<i64>, genesis: Option<Group>) -> Recovered {
    Recovered { machine, last_ms, genesis, snapshot: None, replayed_groups: 0, damaged: Vec::new() }
}

/// The journal reaches back to the beginning: its first group has the first policy.
fn from_first_group(journal: &Stored) -> Result<Recovered, StartError> {
    let damaged = |reason: String| StartError::Damaged(format!("the journal's first group: {reason}"));
    let (number, bytes) = match journal.groups(1).next() {
        Some(Ok(group)) => group,
        Some(Err(error)) => return Err(StartError::Damaged(error.to_string())),
        None => return Err(damaged("is missing".into())),
    };
    let group = codec::decode(&bytes).map_err(|error| damaged(error.to_string()))?;
    let [Input::Edit(input)] = group.inputs.as_slice() else {
        return Err(damaged(format!(
            "is number {number} and has no policy; the snapshots that came before it are missing"
        )));
    };
    let policy = reload(&input.text, &input.files)
        .map_err(|problems| StartError::Policy { name: "journal".into(), problems })?;
    let mut machine = StateMachine::new(Arc::new(policy), input, LIVE_SHARDS);
    machine.group = 1;
    Ok(recovered(machine, Some(0), None))
}

/// A snapshot in memory, with the group of each shard.
struct Restored {
    number: u64,
    engine: Engine,
    state: ServiceState,
    positions: Vec<u64>,
}

/// Restores the newest intact snapshot from which the journal continues; the damaged ones are returned with it.
fn newest_whole(parts: Parts<'_>) -> Result<(Option<Restored>, Vec<Found>), StartError> {
    let Parts { journal, epochs, .. } = parts;
    let folder = &parts.data_dir.join("snapshots");
    let mut damaged = Vec::new();
    let found = snapshot::list(folder).map_err(|error| StartError::Io { path: folder.to_owned(), error })?;
    let mut damages: Vec<String> = Vec::new();
    for found in found {
        let opened = snapshot::open(&found.path).map_err(|damage| damage.to_string());
        if let Ok(snapshot) = &opened {
            let manifest = snapshot.manifest();
            let last = manifest.group.max(manifest.last_position());
            if let Some(epochs) = epochs
                && let Some(epoch) = manifest.epoch.filter(|_| !epochs.holds(manifest.epoch, last, Numbered::Group))
            {
                return Err(super::data_folder::stray(&found.path, epoch, epochs));
            }
        }
        let restored = opened.and_then(|snapshot| restore(found.number, &snapshot));
        let damage = match restored {
            Ok(restored) => match gap(&restored, journal) {
                None => return Ok((Some(restored), damaged)),
                Some(gap) => return Err(StartError::Damaged(format!("{}: {gap}", found.path.display()))),
            },
            Err(damage) => damage,
        };
        tracing::error!(path = %found.path.display(), damage, "a snapshot cannot be used; trying the one before it");
        damages.push(format!("{}: {damage}", found.path.display()));
        damaged.push(found);
    }
    // The journal alone is enough only if it reaches back to the beginning.
    if !damages.is_empty() && journal.first() != 1 {
        let damages = damages.join("\n");
        let reason = "no snapshot can be used, and the journal does not reach back to the beginning";
        return Err(StartError::Damaged(format!("{reason}:\n{damages}")));
    }
    Ok((None, damaged))
}

/// Renames damaged snapshots, to keep them for inspection; they do not count as kept.
///
/// # Errors
/// Errors of the file system.
pub(super) fn put_aside(damaged: &[Found]) -> Result<(), StartError> {
    for found in damaged {
        snapshot::set_aside(found).map_err(|error| StartError::Io { path: found.path.clone(), error })?;
    }
    Ok(())
}

/// Describes what the journal lacks to continue from a snapshot.
fn gap(restored: &Restored, journal: &Stored) -> Option<String> {
    let needed = restored.positions.iter().min().map_or(0, |position| position + 1);
    let (first, last, group) = (journal.first(), journal.last(), restored.state.group);
    if last < group {
        return Some(format!(
            "includes group {group}, and the journal ends with group {last}: a part of it is missing; put it back, or restore a \
             backup (overdue backup restore)"
        ));
    }
    (first > needed).then(|| format!("needs the journal from group {needed} on, but it begins with group {first}"))
}

fn restore(number: u64, snapshot: &Snapshot) -> Result<Restored, String> {
    let state = snapshot.state().clone();
    let mut versions = Vec::new();
    for version in &state.policies {
        let policy = reload(&version.text, &version.files)
            .map_err(|problems| format!("policy version {} has {} problems", version.number, problems.len()))?;
        versions.push(Installed { policy: Arc::new(policy), since_ms: version.since_ms, apply: version.apply });
    }
    let head = snapshot.head();
    let restoring = Engine::restore(&versions, &head).map_err(|error| error.to_string())?;
    let shards: Vec<_> = (0..head.shards)
        .into_par_iter()
        .map(|number| {
            let (position, state) = snapshot.shard(number).map_err(|damage| damage.to_string())?;
            let shard = restoring.shard(state).map_err(|error| error.to_string())?;
            Ok((position, shard))
        })
        .collect::<Result<_, String>>()?;
    let (positions, shards): (Vec<u64>, Vec<_>) = shards.into_iter().unzip();
    let engine = restoring.finish(shards).map_err(|error| error.to_string())?;
    Ok(Restored { number, engine, state, positions })
}

/// Brings the shards of a snapshot to one group: the last one in it. The records of these groups are in the history.
fn caught_up(restored: Restored, journal: &Stored) -> Result<Recovered, StartError> {
    let Restored { number, engine, state, positions } = restored;
    let last = state.group;
    let first = positions.iter().min().map_or(last, |position| position + 1);
    let mut machine = StateMachine::restored(engine, state);
    for group in groups(journal, first) {
        let group = group?;
        if group.number > last {
            break;
        }
        machine.apply_behind(&group, &positions);
    }
    machine.all_level();
    let last_ms = Some(machine.now_ms());
    Ok(Recovered { snapshot: Some(number), ..recovered(machine, last_ms, None) })
}

/// Applies the groups of the journal after the state machine's; their records go to `tell`.
///
/// # Errors
/// [`StartError::Damaged`].
pub(super) fn replay(
    recovered: &mut Recovered,
    journal: &Stored,
    mut tell: impl FnMut(GroupOutput),
) -> Result<(), StartError> {
    for group in groups(journal, recovered.machine.group + 1) {
        let group = group?;
        tell(recovered.machine.apply(&group, None));
        recovered.last_ms = Some(group.now_ms);
        recovered.replayed_groups += 1;
    }
    Ok(())
}

/// Groups of the journal, decoded.
fn groups(journal: &Stored, from: u64) -> impl Iterator<Item = Result<Group, StartError>> {
    journal.groups(from).map(|read| {
        let (number, bytes) = read.map_err(|error| StartError::Damaged(error.to_string()))?;
        codec::decode(&bytes)
            .map_err(|error| StartError::Damaged(format!("the journal's group {number} cannot be read: {error}")))
    })
}
