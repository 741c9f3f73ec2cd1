//! Opening: every sector of every segment is inspected; the journal is accepted as a whole or rejected.

use super::error::JournalError;
use super::options::Options;
use super::scan::{Scan, Step, Tail};
use super::segment::{self, SegmentRange};
use crate::limits::JOURNAL_BUFFER_BYTES;
use crate::store::disk::{Disk, DiskFile};
use std::collections::VecDeque;
use std::io;

/// What was found in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Number of the first group that can be read; one more than `last` when there is none.
    pub first: u64,
    /// Number of the last group; 0 in a new journal. A snapshot of a later group shows that a part of the journal is missing.
    pub last: u64,
    /// Bytes of a group whose write was interrupted, cut off.
    pub cut_bytes: u64,
}

/// A journal's state on disk.
pub(super) struct Opened {
    pub segments: VecDeque<SegmentRange>,
    /// The last segment, where writing continues.
    pub head: segment::Head,
    pub file: Box<dyn DiskFile>,
    /// Offsets of the last frame and of the next one.
    last_at: u64,
    pub offset: u64,
    pub recovered: Recovered,
    /// Whether the last segment is not the file that was created for it.
    pub is_copy: bool,
}

/// Reads the whole journal; creates one if there is none.
pub(super) fn open(disk: &dyn Disk, options: &Options) -> Result<Opened, JournalError> {
    for name in disk.list().map_err(folder("cannot list"))? {
        if segment::is_unfinished(&name) {
            disk.remove(&name).map_err(io_of(&name, "cannot remove"))?;
        }
    }
    let mut firsts = firsts(disk)?;
    if firsts.is_empty() {
        make_first(disk, options)?;
        firsts.push(1);
    }
    // A rename may exist only in the system's memory so far.
    disk.sync_folder().map_err(folder("cannot sync"))?;
    let opened = read(disk, &firsts)?;
    if opened.recovered.cut_bytes > 0 {
        tracing::warn!(
            file = opened.head.name(),
            offset = opened.offset,
            bytes = opened.recovered.cut_bytes,
            group = opened.recovered.last + 1,
            "the write of this group was interrupted, so it was not acknowledged; its remains are cut"
        );
    }
    let written = write_again(opened.file.as_ref(), opened.last_at, opened.offset);
    written.map_err(io_of(&opened.head.name(), "cannot write"))?;
    Ok(opened)
}

/// The first groups of the existing segments, in order.
pub(super) fn firsts(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk.list().map_err(folder("cannot list"))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment::first_of(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// Reads these segments, which must be all that exist, and changes nothing.
pub(super) fn read(disk: &dyn Disk, firsts: &[u64]) -> Result<Opened, JournalError> {
    let mut segments = VecDeque::new();
    let mut identity = None;
    for (index, first) in firsts.iter().copied().enumerate() {
        let name = segment::name(first);
        let file = disk.open(&name).map_err(io_of(&name, "cannot open"))?;
        let head = segment::Head::read(file.as_ref(), first)?;
        if *identity.get_or_insert(head.identity) != head.identity {
            let what = "it belongs to another journal".to_owned();
            return Err(JournalError::Head { file: name, what, first_lost: first });
        }
        segments.push_back(SegmentRange { first, bytes: head.bytes, epoch: head.epoch });
        let scan = Scan::new(file, head);
        match firsts.get(index + 1) {
            Some(following) => middle(scan, head, *following, firsts[firsts.len() - 1])?,
            None => return last(scan, head, segments),
        }
    }
    Err(folder("cannot list")(io::ErrorKind::NotFound.into()))
}

fn make_first(disk: &dyn Disk, options: &Options) -> Result<(), JournalError> {
    let (identity, epoch) = (options.identity, options.epoch);
    let mut head = segment::Head { identity, first: 1, bytes: options.segment_bytes(), epoch, made_as: None };
    let name = segment::unfinished(&head.name());
    let file = disk.create(&name, head.bytes).map_err(io_of(&name, "cannot make"))?;
    head.set_made_as(file.as_ref()).map_err(io_of(&name, "cannot look at"))?;
    file.write_at(0, &head.write()).map_err(io_of(&name, "cannot write"))?;
    file.sync_data().map_err(io_of(&name, "cannot sync"))?;
    disk.rename(&name, &head.name()).map_err(io_of(&name, "cannot rename"))
}

/// A segment before the last one: all its groups were synced before the next one was created.
fn middle(mut scan: Scan, head: segment::Head, following: u64, newest: u64) -> Result<(), JournalError> {
    let mut step = Step::Group;
    while step == Step::Group && scan.next_number() < following {
        step = scan.step(None)?;
    }
    let first_lost = scan.next_number();
    if step == Step::Group {
        // What follows here does not matter: the next segment has the groups from there on.
        return Ok(());
    }
    // The newest segment was begun, so what comes before it was acknowledged.
    let last_lost = newest - 1;
    if step == Step::Closing {
        let file = segment::name(first_lost);
        return Err(JournalError::Missing { file, first_lost, last_lost: Some(following - 1) });
    }
    let (offset, what) = match scan.tail()? {
        Tail::Damaged { offset, what, .. } => (offset, what),
        Tail::Torn { .. } => (scan.offset(), format!("parts of group {first_lost} are blank")),
        Tail::Blank => (scan.offset(), "it is blank from here on".to_owned()),
    };
    Err(JournalError::Damaged { file: head.name(), offset, what, first_lost, last_lost })
}

/// The last segment: after its last group, it must be blank or have the remains of one interrupted write.
fn last(mut scan: Scan, head: segment::Head, segments: VecDeque<SegmentRange>) -> Result<Opened, JournalError> {
    let mut last_at = scan.offset();
    let step = loop {
        let at = scan.offset();
        match scan.step(None)? {
            Step::Group => last_at = at,
            other => break other,
        }
    };
    let first_lost = scan.next_number();
    if step == Step::Closing {
        let file = segment::name(first_lost);
        return Err(JournalError::Missing { file, first_lost, last_lost: None });
    }
    let end = match scan.tail()? {
        Tail::Blank => scan.offset(),
        Tail::Torn { end } => end,
        Tail::Damaged { offset, what, last_seen } => {
            let last_lost = last_seen.unwrap_or(first_lost).max(first_lost);
            return Err(JournalError::Damaged { file: head.name(), offset, what, first_lost, last_lost });
        }
    };
    let recovered = Recovered {
        first: segments.front().map_or(head.first, |held| held.first),
        last: first_lost - 1,
        cut_bytes: end - scan.offset(),
    };
    let offset = scan.offset();
    let file = scan.into_file();
    let made_as = segment::MadeAs::of(file.as_ref()).map_err(io_of(&head.name(), "cannot look at"))?;
    let is_copy = head.made_as.is_some() && head.made_as != made_as;
    Ok(Opened { segments, head, file, last_at, offset, recovered, is_copy })
}

/// Makes durable what was read: after a failed sync the last group may exist only in the system's memory, marked there as
/// written. So it is written again and synced.
fn write_again(file: &dyn DiskFile, last_at: u64, offset: u64) -> io::Result<()> {
    let mut buffer = Vec::new();
    for at in (last_at..offset).step_by(JOURNAL_BUFFER_BYTES) {
        buffer.resize((offset - at).min(JOURNAL_BUFFER_BYTES as u64) as usize, 0);
        file.read_at(at, &mut buffer)?;
        file.write_at(at, &buffer)?;
    }
    file.sync_data()
}

pub(super) fn io_of(file: &str, action: &'static str) -> impl Fn(io::Error) -> JournalError {
    let file = file.to_owned();
    move |source| JournalError::Io { file: file.clone(), action, source }
}

fn folder(action: &'static str) -> impl Fn(io::Error) -> JournalError {
    io_of("the journal's folder", action)
}
