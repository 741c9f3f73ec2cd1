//! How much does an acknowledged group cost? Groups of 256 and of 4,096 records of 200 bytes, each written and synced before the
//! next. The rival appends the same bytes to a file with `write_all` and `fdatasync`, without a checksum. Both start a new file
//! after 64 MiB and remove the old one. And the codec: a batch of 4,096 rows, encoded and decoded.
//!
//! Most of a group is the time of the disk with the folder `TMPDIR` (wall time; noisy if other processes write).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use overdue::engine::CatchUp;
use overdue::limits::JOURNAL_SEGMENT_BYTES;
use overdue::store::codec;
use overdue::store::disk::{Disk, FolderDisk};
use overdue::store::input::{BatchInput, Group, Input, Origin};
use overdue::store::journal::{Journal, Options};
use overdue::ticket::{Batch, Column, EventKind};
use std::fs::{File, remove_file};
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

const RECORD_BYTES: usize = 200;
const RECORDS: [usize; 2] = [256, 4_096];
const IDENTITY: u64 = 0x5eed;

/// Bytes that are neither zero nor equal.
fn records(count: usize) -> Vec<u8> {
    (0..count * RECORD_BYTES).map(|at| (at * 31 % 251) as u8).collect()
}

/// The rival.
struct Plain {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Plain {
    fn new(path: PathBuf) -> Self {
        Self { file: File::create(&path).unwrap(), path, bytes: 0 }
    }

    fn append(&mut self, payload: &[u8]) {
        self.file.write_all(payload).unwrap();
        self.file.sync_data().unwrap();
        self.bytes += payload.len() as u64;
        if self.bytes >= JOURNAL_SEGMENT_BYTES {
            remove_file(&self.path).unwrap();
            *self = Self::new(std::mem::take(&mut self.path));
        }
    }
}

fn append_and_sync(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal: a group written and synced, by records of 200 bytes");
    group.sample_size(20);
    for count in RECORDS {
        let payload = records(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("overdue", count), |bencher| {
            let folder = tempfile::tempdir().unwrap();
            let disk = Arc::new(FolderDisk::new(folder.path()).unwrap()) as Arc<dyn Disk>;
            let (mut journal, _) = Journal::open(disk, Options::new(IDENTITY)).unwrap();
            bencher.iter(|| {
                let number = journal.last() + 1;
                journal.append(number, &payload).unwrap();
                journal.sync().unwrap();
                // Compares two numbers, unless a segment can be deleted.
                journal.retire(number).unwrap();
            });
        });
        group.bench_function(BenchmarkId::new("write_all and fdatasync", count), |bencher| {
            let folder = tempfile::tempdir().unwrap();
            let mut plain = Plain::new(folder.path().join("plain"));
            bencher.iter(|| plain.append(&payload));
        });
    }
    group.finish();
}

fn codec_of_a_batch(criterion: &mut Criterion) {
    let rows = 4_096;
    let mut batch = Batch::default();
    for row in 0..rows {
        batch.push(&format!("INC{row:07}"), 1_790_000_000_000 + row * 977, EventKind::Opened);
        for column in [Column::Customer, Column::Team, Column::Channel, Column::Category] {
            batch.set_last(column, &format!("label {}", row % 37));
        }
    }
    let input = BatchInput { batch, catch_up: CatchUp::Latest, origin: Origin::default() };
    let batch = Group { number: 1, inputs: vec![Input::Batch(Arc::new(input))], ..Group::default() };
    let mut bytes = Vec::new();
    codec::encode(&batch, &mut bytes).unwrap();
    let mut group = criterion.benchmark_group("journal: a batch of 4,096 rows");
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function("encode", |bencher| bencher.iter(|| codec::encode(black_box(&batch), &mut bytes).unwrap()));
    let bytes = bytes.clone();
    group.bench_function("decode", |bencher| bencher.iter(|| codec::decode(black_box(&bytes)).unwrap()));
    group.finish();
}

criterion_group!(benches, append_and_sync, codec_of_a_batch);
criterion_main!(benches);
