//! How much does a timer cost? A million and ten million timers over 30 days, in seconds: insert, cancel, move, fire all, and bytes
//! per timer, for the wheel and for common alternatives, in one process.
//!
//! `OVERDUE_BENCH_TIMERS=1000000` limits the sizes. Bytes are counted by the allocator.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::{CancellableTimerEntry, QuadWheelWithOverflow};
use overdue::engine::wheel::Wheel;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

const HORIZON_S: u32 = 30 * 86_400;

/// The system allocator, with a count of the allocated bytes.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait; this one adds a count to the system's")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What each candidate implements: timers by slot, due at a second from 1 to `HORIZON_S`.
trait Timers {
    const NAME: &'static str;
    fn new(slots: u32) -> Self;
    fn insert(&mut self, slot: u32, due_s: u32);
    fn cancel(&mut self, slot: u32);
    fn reset(&mut self, slot: u32, due_s: u32);
    /// Advances 30 days by seconds; returns the number of timers that fired.
    fn fire_all(&mut self) -> u64;
}

struct Ours(Wheel);

impl Timers for Ours {
    const NAME: &'static str = "overdue";

    fn new(_: u32) -> Self {
        Self(Wheel::new(0))
    }

    fn insert(&mut self, slot: u32, due_s: u32) {
        self.0.set(slot, due_s);
    }

    fn cancel(&mut self, slot: u32) {
        self.0.set(slot, 0);
    }

    fn reset(&mut self, slot: u32, due_s: u32) {
        self.0.set(slot, due_s);
    }

    fn fire_all(&mut self) -> u64 {
        let mut fired = 0;
        let mut slots = Vec::new();
        for second in 1..=HORIZON_S {
            while self.0.next_batch(second, &mut slots).is_some() {
                fired += slots.len() as u64;
            }
        }
        fired
    }
}

/// A sorted set of (due, slot), with the due times beside it.
struct Tree {
    set: BTreeSet<(u32, u32)>,
    due: Vec<u32>,
}

impl Timers for Tree {
    const NAME: &'static str = "BTreeSet";

    fn new(slots: u32) -> Self {
        Self { set: BTreeSet::new(), due: vec![0; slots as usize] }
    }

    fn insert(&mut self, slot: u32, due_s: u32) {
        self.due[slot as usize] = due_s;
        self.set.insert((due_s, slot));
    }

    fn cancel(&mut self, slot: u32) {
        let due_s = std::mem::take(&mut self.due[slot as usize]);
        self.set.remove(&(due_s, slot));
    }

    fn reset(&mut self, slot: u32, due_s: u32) {
        self.cancel(slot);
        self.insert(slot, due_s);
    }

    fn fire_all(&mut self) -> u64 {
        let mut fired = 0;
        for second in 1..=HORIZON_S {
            while let Some(first) = self.set.first().filter(|(due_s, _)| *due_s <= second) {
                self.due[first.1 as usize] = 0;
                self.set.pop_first();
                fired += 1;
            }
        }
        fired
    }
}

#[derive(Debug)]
struct Entry(u32);

impl CancellableTimerEntry for Entry {
    type Id = u32;

    fn id(&self) -> &u32 {
        &self.0
    }
}

/// hierarchical_hash_wheel_timer, one of its milliseconds for a second.
struct HashWheel(QuadWheelWithOverflow<Entry>);

impl Timers for HashWheel {
    const NAME: &'static str = "hierarchical_hash_wheel_timer";

    fn new(_: u32) -> Self {
        Self(QuadWheelWithOverflow::new())
    }

    fn insert(&mut self, slot: u32, due_s: u32) {
        let delay = Duration::from_millis(u64::from(due_s));
        let inserted = self.0.insert_ref_with_delay(Rc::new(Entry(slot)), delay);
        assert!(inserted.is_ok(), "timer {slot} was rejected");
    }

    fn cancel(&mut self, slot: u32) {
        assert!(self.0.cancel(&slot).is_ok(), "timer {slot} was missing");
    }

    fn reset(&mut self, slot: u32, due_s: u32) {
        self.cancel(slot);
        self.insert(slot, due_s);
    }

    fn fire_all(&mut self) -> u64 {
        let mut fired = 0;
        let mut second = 0;
        while second < HORIZON_S {
            // This wheel may skip empty seconds; ours checks every second.
            match self.0.can_skip() {
                Skip::Millis(millis) => {
                    let millis = millis.min(HORIZON_S - second);
                    self.0.skip(millis);
                    second += millis;
                }
                Skip::None => {
                    fired += self.0.tick().len() as u64;
                    second += 1;
                }
                Skip::Empty => break,
            }
        }
        fired
    }
}

/// tokio-util's DelayQueue on a paused clock, one of its milliseconds for a second, advanced an hour at a time.
struct Delays {
    runtime: tokio::runtime::Runtime,
    queue: DelayQueue<u32>,
    keys: Vec<Option<Key>>,
    start: tokio::time::Instant,
}

impl Timers for Delays {
    const NAME: &'static str = "tokio-util DelayQueue";

    fn new(slots: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let start = runtime.block_on(async { tokio::time::Instant::now() });
        let guard = runtime.enter();
        let queue = DelayQueue::new();
        drop(guard);
        Self { runtime, queue, keys: vec![None; slots as usize], start }
    }

    fn insert(&mut self, slot: u32, due_s: u32) {
        let _guard = self.runtime.enter();
        let due = self.start + Duration::from_millis(u64::from(due_s));
        self.keys[slot as usize] = Some(self.queue.insert_at(slot, due));
    }

    fn cancel(&mut self, slot: u32) {
        if let Some(key) = self.keys[slot as usize].take() {
            self.queue.remove(&key);
        }
    }

    fn reset(&mut self, slot: u32, due_s: u32) {
        let _guard = self.runtime.enter();
        if let Some(key) = &self.keys[slot as usize] {
            self.queue.reset_at(key, self.start + Duration::from_millis(u64::from(due_s)));
        }
    }

    fn fire_all(&mut self) -> u64 {
        let queue = &mut self.queue;
        self.runtime.block_on(async {
            let mut fired = 0;
            for _ in 0..=HORIZON_S / 3_600 {
                tokio::time::advance(Duration::from_millis(3_600)).await;
                // The cooperative budget of tokio ends a poll after about 128 timers; then poll again.
                loop {
                    let popped = poll_fn(|context| {
                        let mut popped = 0_u64;
                        while let Poll::Ready(Some(_)) = queue.poll_expired(context) {
                            popped += 1;
                        }
                        Poll::Ready(popped)
                    })
                    .await;
                    fired += popped;
                    if popped == 0 {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            fired
        })
    }
}

/// Pseudo-random due times, the same for each candidate.
fn due_times(timers: u32, seed: u64) -> Vec<u32> {
    let mut state = seed;
    (0..timers)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) % u64::from(HORIZON_S)) as u32 + 1
        })
        .collect()
}

/// The slots in random order, against prefetching.
fn shuffled(timers: u32) -> Vec<u32> {
    let mut slots: Vec<u32> = (0..timers).collect();
    for (index, random) in due_times(timers, 77).into_iter().enumerate().skip(1) {
        slots.swap(index, random as usize % (index + 1));
    }
    slots
}

fn filled<T: Timers>(due: &[u32]) -> T {
    let mut timers = T::new(due.len() as u32);
    due.iter().enumerate().for_each(|(slot, &due_s)| timers.insert(slot as u32, due_s));
    timers
}

fn measure<T: Timers>(criterion: &mut Criterion, timers: u32) {
    let due = due_times(timers, 1);
    let moved = due_times(timers, 2);
    let order = shuffled(timers);
    let before = BYTES.load(Ordering::Relaxed);
    let full = filled::<T>(&due);
    let bytes = (BYTES.load(Ordering::Relaxed) - before) as f64 / f64::from(timers);
    drop(full);
    println!("wheel-bytes {} {timers} {bytes:.1}", T::NAME);
    let mut group = criterion.benchmark_group("wheel");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(timers)));
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    let id = |what: &str| BenchmarkId::new(format!("{what}/{}", T::NAME), timers);
    group.bench_function(id("insert"), |bencher| bencher.iter_with_large_drop(|| filled::<T>(&due)));
    group.bench_function(id("cancel"), |bencher| {
        bencher.iter_batched(
            || filled::<T>(&due),
            |mut timers| {
                order.iter().for_each(|&slot| timers.cancel(slot));
                timers
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function(id("move"), |bencher| {
        bencher.iter_batched(
            || filled::<T>(&due),
            |mut timers| {
                order.iter().for_each(|&slot| timers.reset(slot, moved[slot as usize]));
                timers
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function(id("fire"), |bencher| {
        bencher.iter_batched(
            || filled::<T>(&due),
            |mut timers| {
                assert_eq!(black_box(timers.fire_all()), due.len() as u64, "{} lost timers", T::NAME);
                timers
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn wheel(criterion: &mut Criterion) {
    let sizes = std::env::var("OVERDUE_BENCH_TIMERS").unwrap_or_else(|_| "1000000,10000000".to_owned());
    for timers in sizes.split(',').filter_map(|size| size.trim().parse().ok()) {
        measure::<Ours>(criterion, timers);
        measure::<Tree>(criterion, timers);
        measure::<HashWheel>(criterion, timers);
        measure::<Delays>(criterion, timers);
    }
}

criterion_group!(benches, wheel);
criterion_main!(benches);
