//! Start and stop of the service.

use super::command::Command;
use super::config::{ClockChoice, Config, StartError};
use super::data_folder::Parts;
use super::feed::Feed;
use super::publisher::{Published, Publisher};
use super::recovery::Recovered;
use super::sequencer::Sequencer;
use super::snapshotter::Snapshots;
use super::wall_clock::{Clock, Stopwatch, WallClock, machine_wall};
use super::{Inner, Service, data_folder, history_writer, recovery, scanner, start_time};
use crate::limits::COMMAND_QUEUE;
use crate::store::codec;
use crate::store::disk::{Disk, FolderDisk};
use crate::store::epochs::{Epoch, Epochs};
use crate::store::folder_identity::Whereabouts;
use crate::store::history::History;
use crate::store::input::{Group, Passage};
use crate::store::journal::{Journal, Options};
use crate::store::lock::DataLock;
use crossbeam_channel::Sender;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Blocks of records that wait for the history thread.
const WAITING_BLOCKS: usize = 64;

/// What the start found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// The snapshot that recovery began with; `None` if there was none.
    pub snapshot: Option<u64>,
    /// Groups of the journal replayed after it.
    pub replayed_groups: u64,
    pub tickets: u64,
    /// Levels that fired because they fell due during downtime.
    pub fired_after_downtime: u64,
    /// Whether the folder was empty: the seed's policy is now in force.
    pub is_new: bool,
}

/// Stops the service.
#[derive(Debug)]
pub struct Stopper {
    commands: Sender<Command>,
    published: Arc<Published>,
    sequencer: JoinHandle<()>,
    history_thread: JoinHandle<()>,
    scanner_thread: JoinHandle<()>,
    /// Dropped to end the scanner.
    scan_until: Sender<()>,
    /// Signals the sequencer that the service still has an owner.
    _held: Sender<()>,
    lock: Arc<DataLock>,
    pub started: Started,
}

impl Stopper {
    /// Accepts no more commands, executes the queued ones, syncs, takes a snapshot, releases the folder. Blocks.
    ///
    /// # Errors
    /// A message, when the snapshot fails; nothing is lost then: the journal has everything.
    pub fn stop(self) -> Result<(), String> {
        self.published.set_ready(false);
        let (reply, stopped) = crossbeam_channel::bounded(1);
        let sent = self.commands.send(Command::Stop(reply)).map_err(|_| "the sequencer has ended already".to_owned());
        drop(self.scan_until);
        let result = sent.and_then(|()| stopped.recv().map_err(|_| "the sequencer has ended".to_owned())).flatten();
        for thread in [self.sequencer, self.history_thread, self.scanner_thread] {
            if thread.join().is_err() {
                tracing::error!("a thread of the service has panicked");
            }
        }
        drop(self.lock);
        result
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |error| StartError::Io { path: path.clone(), error }
}

/// The data folder, locked, with what it contains checked as far as that is possible without the engine's state.
struct OpenFolder {
    lock: Arc<DataLock>,
    whereabouts: Whereabouts,
    journal: Journal,
    history: Arc<History>,
    epochs: Option<Epochs>,
    /// The next epoch, if one begins.
    drawn: Epoch,
}

impl OpenFolder {
    fn open(config: &Config, disk: Arc<dyn Disk>) -> Result<Self, StartError> {
        let folder = &config.data_dir;
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let lock = Arc::new(DataLock::take(folder)?);
        let whereabouts = Whereabouts::of(folder).map_err(io(folder))?;
        let damaged = |error: &dyn std::fmt::Display| StartError::Damaged(error.to_string());
        data_folder::check_restored(folder)?;
        let epochs = Epochs::read(folder)?;
        data_folder::check_complete(folder, disk.as_ref(), epochs.as_ref())?;
        let drawn = Epoch::after(epochs.as_ref().and_then(Epochs::current), random().map_err(io(folder))? as u32);
        let epoch = epochs.as_ref().and_then(Epochs::current).unwrap_or(drawn);
        let options = Options { epoch: Some(epoch), ..Options::new(random().map_err(io(folder))?) };
        let (journal, _) = Journal::open(disk, options).map_err(|error| damaged(&error))?;
        let history = Arc::new(History::open(&folder.join("history")).map_err(|error| damaged(&error))?);
        history.check_newest();
        history.set_epoch(epoch);
        let stored = journal.stored();
        let parts = Parts { data_dir: folder, journal: &stored, history: &history, epochs: epochs.as_ref() };
        data_folder::check_journal(parts)?;
        // What is newer than the journal may belong to an epoch that has ended: a cut sets it aside.
        if !config.cut_history {
            data_folder::check_history(&history, epochs.as_ref())?;
        }
        Ok(Self { lock, whereabouts, journal, history, epochs, drawn })
    }
}

/// Writes the first group of a new folder.
fn append(journal: &mut Journal, group: &Group) -> Result<(), String> {
    let mut bytes = Vec::new();
    codec::encode(group, &mut bytes).map_err(|error| error.to_string())?;
    journal.append(group.number, &bytes).map_err(|error| error.to_string())?;
    journal.sync().map_err(|error| error.to_string())
}

impl Service {
    /// Opens the data folder, recovers its state, and starts the threads. Blocks until the service is ready.
    ///
    /// Afterwards, a failed sync stops the process: the contents of the disk are then unknown, and only a restart can establish
    /// them. So does a folder that is deleted, moved or replaced.
    ///
    /// # Errors
    /// [`StartError`]; nothing has been changed then.
    pub fn start(config: &Config) -> Result<(Self, Stopper), StartError> {
        let folder = config.data_dir.join("journal");
        let disk = FolderDisk::new(&folder).map_err(io(&folder))?;
        Self::start_on(config, Arc::new(disk), machine_wall())
    }

    /// [`Service::start`] with another disk for the journal and another wall clock.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_on(config: &Config, disk: Arc<dyn Disk>, wall: WallClock) -> Result<(Self, Stopper), StartError> {
        let folder = &config.data_dir;
        // Only the engine's jobs run there. A second service in the process shares the pool of the first.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(config.threads.max(1));
        let _ = pool.thread_name(|number| format!("engine-{number}")).build_global();
        let OpenFolder { lock, whereabouts, mut journal, history, epochs, drawn } = OpenFolder::open(config, disk)?;
        let stored = journal.stored();
        let parts = Parts { data_dir: folder, journal: &stored, history: &history, epochs: epochs.as_ref() };
        let mut recovered = recovery::recover(parts, config.seed.as_ref())?;

        let feed = Arc::new(Feed::new(Arc::clone(&history), recovered.machine.last_escalation()));
        let (history_work, work) = crossbeam_channel::bounded(WAITING_BLOCKS);
        let history_thread = history_writer::start(Arc::clone(&history), work).map_err(io(folder))?;
        recovery::replay(&mut recovered, &stored, |output| drop(history_writer::keep(&feed, &history_work, output)))?;
        let Recovered { mut machine, last_ms, genesis, snapshot, replayed_groups, damaged: unusable } = recovered;
        let passage = match (config.clock, last_ms) {
            // The first group of a folder has no time yet.
            (ClockChoice::Wall(trust), Some(last_ms)) if last_ms > 0 => start_time::passage(trust, wall(), last_ms),
            (_, last_ms) => Ok((Passage::AfterDowntime, last_ms.unwrap_or(0))),
        };
        let (passage, least_ms) = match passage {
            Ok(passage) => passage,
            Err(error) => {
                // The folder is released when its thread has ended.
                drop(history_work);
                let _ = history_thread.join();
                return Err(error);
            }
        };
        let clock = Arc::new(Clock::start(config.clock, wall, least_ms));
        // In a new folder the journal may come from a start that ended before its first group.
        let drawn =
            stored.segments().last().and_then(|begun| begun.epoch).filter(|_| stored.last() == 0).unwrap_or(drawn);
        let epochs = data_folder::begin(config, epochs, drawn, &mut journal, &history, (&machine, clock.now_ms()))?;
        recovery::put_aside(&unusable)?;
        if let Some(group) = &genesis {
            append(&mut journal, group).map_err(StartError::Damaged)?;
            machine.group = group.number;
        }

        let published = Arc::new(Published::default());
        let (commands, waiting) = crossbeam_channel::bounded(COMMAND_QUEUE);
        let inner = Inner {
            commands: commands.clone(),
            published: Arc::clone(&published),
            engine: Arc::clone(&machine.engine),
            feed: Arc::clone(&feed),
            clock: Arc::clone(&clock),
            acknowledgements: Arc::clone(&machine.acknowledgements),
            data_dir: folder.clone(),
            epochs,
        };
        let service = Service { inner: Arc::new(inner) };
        let before = machine.last_escalation();
        let epoch = service.inner.epochs.current();
        let (held, is_held) = crossbeam_channel::bounded(0);
        let mut sequencer = Sequencer {
            machine,
            journal,
            clock: Arc::clone(&clock),
            commands: waiting,
            feed,
            history: history_work.clone(),
            snapshots: Snapshots::new(
                folder.join("snapshots"),
                config.snapshots_kept,
                config.snapshot_every,
                history_work,
                epoch,
                snapshot.unwrap_or(0),
            ),
            publisher: Publisher::new(Arc::clone(&published), clock.now_ms(), COMMAND_QUEUE),
            bytes: Vec::new(),
            held_back: None,
            catch_up_after_downtime: config.catch_up_after_downtime,
            opening: last_ms.map(|_| (passage, config.catch_up_after_downtime)),
            written_ms: last_ms.unwrap_or_else(|| clock.now_ms()),
            tried_ms: 0,
            lock: Arc::clone(&lock),
            held: is_held,
            is_over: false,
            since_check: Stopwatch::start(),
        };
        // What fell due during downtime fires before any command is executed.
        sequencer.round(None);
        if passage == Passage::Accepted {
            warn_of_events_ahead(&service);
        }
        let started = Started {
            snapshot,
            replayed_groups,
            tickets: service.read(crate::engine::Engine::len) as u64,
            fired_after_downtime: sequencer.machine.last_escalation() - before,
            is_new: genesis.is_some(),
        };
        let builder = std::thread::Builder::new().name("sequencer".into());
        let sequencer = builder.spawn(move || run_or_end(sequencer)).map_err(io(folder))?;
        let (scan_until, until) = crossbeam_channel::bounded(0);
        let scanner_thread =
            scanner::start(Arc::clone(&service.inner.engine), Arc::clone(&published), whereabouts, until)
                .map_err(io(folder))?;
        published.set_ready(true);
        let stopper = Stopper {
            commands,
            published,
            sequencer,
            history_thread,
            scanner_thread,
            scan_until,
            _held: held,
            lock,
            started,
        };
        Ok((service, stopper))
    }
}

/// The accepted time may be earlier than that of events which carry a wrong time.
fn warn_of_events_ahead(service: &Service) {
    let tickets = service.read(crate::engine::Engine::ahead_of_time);
    if tickets > 0 {
        tracing::warn!(
            tickets,
            "tickets have events after the accepted time: their clocks run from those times on; to move them, load the \
             tickets again with earlier openings"
        );
    }
}

/// Without its sequencer a service would serve reads while every deadline passes unnoticed: such a process ends.
fn run_or_end(sequencer: Sequencer) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sequencer.run())).is_err() {
        tracing::error!(
            "the sequencer has panicked; everything acknowledged is in the journal, and the next start continues from it"
        );
        eprintln!("overdue: the sequencer has panicked; stopping at once");
        std::process::exit(super::EXIT_PANICKED);
    }
}

/// A random number that identifies the segments of a new journal, or an epoch.
fn random() -> std::io::Result<u64> {
    getrandom::u64().map_err(std::io::Error::other)
}
