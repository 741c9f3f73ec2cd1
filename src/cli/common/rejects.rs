//! Rejected rows: reported on the terminal up to a limit, all of them in the file of `--rejects`.

use crate::atomic_file::Staged;
use crate::ingest::RowError;
use crate::limits::REJECTS_SHOWN;
use crate::replay;
use crate::ticket::Batch;
use crate::time::format_rfc3339;
use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A rejected row; a line of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RejectsLine {
    /// The input's name; empty if it is no longer known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Line of a text, or row of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The event that was rejected: one line may yield several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<RejectedEvent>,
    pub field: String,
    pub value: String,
    pub reason: String,
}

/// The event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RejectedEvent {
    pub ticket: String,
    pub at: String,
    pub event: &'static str,
}

impl RejectedEvent {
    pub(crate) fn of(batch: &Batch, row: usize) -> Self {
        Self {
            ticket: batch.ticket.get(row).to_owned(),
            at: format_rfc3339(batch.at_ms[row]),
            event: batch.kind[row].name(),
        }
    }
}

impl From<&RowError> for RejectsLine {
    fn from(reject: &RowError) -> Self {
        let RowError { source, line, column, value, reason } = reject.clone();
        Self { source, line: Some(line), event: None, field: column, value, reason }
    }
}

impl From<&replay::RejectedEvent<'_>> for RejectsLine {
    fn from(rejected: &replay::RejectedEvent<'_>) -> Self {
        let event = RejectedEvent {
            ticket: rejected.ticket.to_owned(),
            at: format_rfc3339(rejected.at_ms),
            event: rejected.kind.name(),
        };
        Self { event: Some(event), reason: rejected.reason.to_string(), ..Self::default() }
    }
}

impl std::fmt::Display for RejectsLine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        match (self.source.as_str(), self.line) {
            ("", _) => {}
            (source, Some(line)) => parts.push(format!("{source}:{line}")),
            (source, None) => parts.push(source.to_owned()),
        }
        if let Some(RejectedEvent { ticket, at, event }) = &self.event {
            parts.push(format!("ticket {ticket}, {event} at {at}"));
        }
        for (text, what) in [(&self.field, "field"), (&self.value, "value")] {
            if !text.is_empty() {
                parts.push(format!("{what} {text:?}"));
            }
        }
        parts.push(self.reason.clone());
        out.write_str(&parts.join(": "))
    }
}

/// The destinations of rejected rows.
pub(crate) struct Rejects {
    file: Option<(Staged, BufWriter<File>)>,
    shown: usize,
    /// Interrupted for a row that is described.
    pub bar: ProgressBar,
}

impl Rejects {
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn create(path: Option<&Path>, is_quiet: bool, bar: ProgressBar) -> anyhow::Result<Self> {
        let create = |path: &Path| Staged::create(path).with_context(|| format!("--rejects {}", path.display()));
        let file = path.map(create).transpose()?.map(|(staged, file)| (staged, BufWriter::new(file)));
        Ok(Self { file, shown: if is_quiet { REJECTS_SHOWN } else { 0 }, bar })
    }

    /// # Errors
    /// It cannot be written.
    pub(crate) fn add(&mut self, rejected: &RejectsLine) -> io::Result<()> {
        if self.shown < REJECTS_SHOWN {
            self.shown += 1;
            self.bar.suspend(|| eprintln!("{rejected}"));
        }
        let Some((_, file)) = &mut self.file else { return Ok(()) };
        serde_json::to_writer(&mut *file, rejected)?;
        file.write_all(b"\n")
    }

    /// Publishes the file, also after a failed load: the rows rejected so far are known.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn publish(&mut self) -> io::Result<()> {
        let Some((staged, mut file)) = self.file.take() else { return Ok(()) };
        file.flush()?;
        staged.publish()
    }
}
