//! How fast are snapshots? A million tickets with two clocks each, in 64 shards, written and read as by the service. The rival is
//! the same table with the default settings of the Parquet writer. Rows are tickets and clocks together.

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use overdue::engine::{ClockColumns, Head, LabelLists, NO_SYMBOL, ShardState, TicketColumns};
use overdue::store::record::{LabelKind, LabelTable};
use overdue::store::snapshot::{Finish, ServiceState, SnapshotWriter, StartHead, open};
use overdue::ticket::{PerLabel, State, Texts, TicketLabel};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const TICKETS: u32 = 1_000_000;
const SHARDS: u32 = 64;
const CLOCKS: u32 = 2;
const ROWS: u64 = TICKETS as u64 * (1 + CLOCKS as u64);
const START_MS: i64 = 1_795_339_800_000;

fn labels() -> LabelLists {
    let list = |name: &str, count: u32| (0..count).map(|number| Arc::from(format!("{name}-{number}"))).collect();
    LabelLists {
        clocks: list("clock", CLOCKS),
        of_tickets: PerLabel::from_fn(|label| match label {
            TicketLabel::Priority => list("priority", 4),
            TicketLabel::Owner => list("agent", 2_000),
            TicketLabel::Team => list("team", 40),
            TicketLabel::Channel => list("channel", 5),
            TicketLabel::Category => list("category", 100),
            TicketLabel::Customer => list("customer", 20_000),
        }),
        ..LabelLists::default()
    }
}

/// A hash of a number.
fn mixed(number: u32) -> u32 {
    let mixed = number.wrapping_mul(0x9e37_79b9);
    mixed ^ mixed >> 15
}

fn shard(number: u32) -> ShardState {
    let mut id = Texts::default();
    let (mut tickets, mut clocks) = (TicketColumns::default(), ClockColumns::default());
    for (row, ticket) in (number..TICKETS).step_by(SHARDS as usize).enumerate() {
        let any = mixed(ticket);
        id.push(&format!("INC{ticket:08}"));
        tickets.ordinal.push(u64::from(ticket));
        let opened_ms = START_MS + i64::from(ticket) * 2_503;
        tickets.opened_ms.push(opened_ms);
        tickets.state.push(State::ALL[any as usize % 3]);
        tickets.version.push((any % 4) as u16);
        for (label, symbols) in tickets.labels.iter_mut() {
            symbols.push(match label {
                TicketLabel::Priority => any % 4,
                TicketLabel::Owner if any.is_multiple_of(5) => NO_SYMBOL,
                TicketLabel::Owner => any / 7 % 2_000,
                TicketLabel::Team => any / 11 % 40,
                TicketLabel::Channel => any / 13 % 5,
                TicketLabel::Category => any / 17 % 100,
                TicketLabel::Customer => any / 3 % 20_000,
            });
        }
        tickets.revision.push(0);
        tickets.next_due_s.push((opened_ms / 1_000) as u32 + any % 300_000);
        tickets.has_events.push(any.is_multiple_of(3));
        for clock in 0..CLOCKS {
            let is_open = !(any >> clock).is_multiple_of(4);
            clocks.ticket.push(row as u32);
            clocks.clock.push(clock);
            clocks.cycle.push(1);
            clocks.started_ms.push(opened_ms);
            clocks.segment_ms.push(opened_ms + i64::from(any % 1_000));
            clocks.spent_ms.push(i64::from(any % 3_600_000));
            clocks.is_open.push(is_open);
            clocks.is_running.push(is_open);
            clocks.is_held.push(false);
            clocks.is_broken.push(any.is_multiple_of(8));
            clocks.reached.push((any % 4) as u16);
            clocks.fired.push((any % 2) as u16);
            clocks.segments.push(if any.is_multiple_of(8) { vec![(opened_ms, opened_ms + 9)] } else { Vec::new() });
            clocks.target_due_ms.push(opened_ms + 14_400_000);
        }
    }
    tickets.id = id;
    ShardState { number: number as u16, tickets, clocks, ..ShardState::default() }
}

fn write(folder: &Path, shards: &[ShardState], names: &LabelTable, head: &Head) -> PathBuf {
    let mut writer = SnapshotWriter::begin(folder, 1).expect("a folder");
    shards.iter().for_each(|shard| writer.shard(1, shard.clone(), names).expect("room on the disk"));
    let first = StartHead { now_ms: START_MS, rows: 0 };
    let state = ServiceState::default();
    writer
        .finish(Finish { first, head, state: &state, zone_data_version: "2026e", epoch: None })
        .expect("room on the disk");
    folder.join("00000000000000000001")
}

/// Ids and times as columns.
fn plain_columns(shards: &[ShardState]) -> RecordBatch {
    let tickets = || shards.iter().map(|shard| &shard.tickets);
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(tickets().flat_map(|tickets| tickets.id.iter())));
    let opened = tickets().flat_map(|tickets| tickets.opened_ms.iter().copied());
    let opened: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values(opened));
    RecordBatch::try_from_iter([("ticket", ids), ("opened_at", opened)]).expect("columns of one length")
}

fn benches(criterion: &mut Criterion) {
    let labels = labels();
    let names = LabelTable::default();
    LabelKind::ALL.into_iter().for_each(|column| names.extend(column, column.of(&labels).iter()));
    let shards: Vec<ShardState> = (0..SHARDS).map(shard).collect();
    let head = Head { now_ms: START_MS, rows: u64::from(TICKETS), shards: SHARDS as u16, labels };
    let folder = tempfile::tempdir().expect("a folder for temporary files");

    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10).measurement_time(Duration::from_secs(10)).throughput(Throughput::Elements(ROWS));
    group.bench_function("write, synced and verified", |bench| {
        bench.iter(|| {
            let path = write(folder.path(), &shards, &names, &head);
            std::fs::remove_dir_all(path).expect("a snapshot");
        });
    });
    let path = write(folder.path(), &shards, &names, &head);
    group.bench_function("check and read all shards", |bench| {
        bench.iter(|| open(&path).and_then(|snapshot| snapshot.check_all_shards()).expect("a snapshot"));
    });
    group.bench_function("check and read all shards, one thread", |bench| {
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        bench.iter(|| {
            alone.install(|| open(&path).and_then(|snapshot| snapshot.check_all_shards()).expect("a snapshot"))
        });
    });
    group.finish();

    // The effect of the encodings: ids and opening times alone, compared with the defaults of the writer.
    let columns = plain_columns(&shards);
    let file = folder.path().join("columns.parquet");
    let mut group = criterion.benchmark_group("snapshot ids and times");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(TICKETS)));
    let ours =
        || overdue::table::properties(&columns.schema(), overdue::table::Texts::Plain).expect("properties").build();
    for (name, is_ours) in [("overdue", true), ("the writer's defaults", false)] {
        let write = || {
            let properties = is_ours.then(ours);
            let file = File::create(&file).expect("a file");
            let mut writer = ArrowWriter::try_new(file, columns.schema(), properties).expect("a writer");
            writer.write(&columns).and_then(|()| writer.close()).expect("room on the disk")
        };
        group.bench_function(format!("{name}, write"), |bench| bench.iter(write));
        write();
        group.bench_function(format!("{name}, read"), |bench| {
            bench.iter(|| {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).expect("a file"));
                let reader = reader.and_then(|reader| reader.with_batch_size(1 << 17).build()).expect("a reader");
                reader.for_each(|rows| drop(black_box(rows.expect("rows"))));
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
