//! How long do `add`, `elapsed` and `add_business_days` take, compared with a date-by-date computation with a time-zone library?
//!
//! An office in Oslo (lunch break, short Fridays, ten yearly holidays), random instants from 1970 to 2100 (each look-up misses the
//! nearest caches) and from three months (as in live traffic). The rival computes opening and closing time of each date with jiff
//! and adds up, as most libraries do; it has the same weekdays, holidays and changes of the UTC offset.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use overdue::calendar::{CalendarDefinition, Timeline};
use overdue::time::{DAY_MS, HOUR_MS, MAX_INPUT_MS};
use std::hint::black_box;

const OFFICE: &str = r#"
time_zone = "Europe/Oslo"
mon-thu = ["08:00-12:00", "12:30-17:00"]
fri = ["08:00-15:00"]
holidays = [
    "--01-01", "--05-01", "--05-17", "--12-24", "--12-25", "--12-26", "--12-31",
    "2026-04-02", "2026-04-03", "2026-04-06",
]
"#;

/// 2026-10-01T00:00:00Z.
const AUTUMN_MS: i64 = 1_790_812_800_000;

/// A start and an amount of business time, up to 40 hours.
type Question = (i64, i64);

fn questions(from_ms: i64, to_ms: i64) -> Vec<Question> {
    let mut state = 0x5eed_u64;
    let mut below = |limit: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 1) as i64 % limit
    };
    (0..10_000).map(|_| (from_ms + below(to_ms - from_ms), 1 + below(40 * HOUR_MS))).collect()
}

fn sum(questions: &[Question], result: impl Fn(&Question) -> i64) -> i64 {
    questions.iter().map(result).fold(0, i64::wrapping_add)
}

fn timeline(criterion: &mut Criterion) {
    let definition: CalendarDefinition = toml::from_str(OFFICE).expect("the office is a calendar");
    let timeline = Timeline::compile(&definition).expect("the office opens");
    for (name, questions) in [
        ("1970-2100", questions(0, MAX_INPUT_MS - 60 * DAY_MS)),
        ("three months", questions(AUTUMN_MS, AUTUMN_MS + 91 * DAY_MS)),
    ] {
        let mut group = criterion.benchmark_group(format!("timeline {name}"));
        group.throughput(Throughput::Elements(questions.len() as u64));
        group.bench_function("add", |b| {
            b.iter(|| black_box(sum(&questions, |&(start, amount)| timeline.add(start, amount))));
        });
        group.bench_function("elapsed", |b| {
            b.iter(|| black_box(sum(&questions, |&(start, amount)| timeline.elapsed(start, start + 4 * amount))));
        });
        group.bench_function("add_business_days", |b| {
            b.iter(|| {
                black_box(sum(&questions, |&(start, amount)| {
                    timeline.add_business_days(start, 1 + (amount % 5) as u32)
                }))
            });
        });
        // Each question depends on the previous result: latency, without overlap of look-ups.
        group.bench_function("add, one after the other", |b| {
            b.iter(|| {
                let chained =
                    questions.iter().fold(0, |last, &(start, amount)| timeline.add(start + (last & 1), amount));
                black_box(chained)
            });
        });
        group.finish();
    }
    criterion.bench_function("compile", |b| b.iter(|| Timeline::compile(black_box(&definition))));
}

fn walking(criterion: &mut Criterion) {
    let definition: CalendarDefinition = toml::from_str(OFFICE).expect("the office is a calendar");
    let timeline = Timeline::compile(&definition).expect("the office opens");
    let walker = Walker::office();
    let questions = &questions(AUTUMN_MS, AUTUMN_MS + 91 * DAY_MS)[..500];
    for &(start, amount) in questions {
        assert_eq!(walker.add(start, amount), timeline.add(start, amount), "both give the same result");
    }
    let mut group = criterion.benchmark_group("walking the days with jiff");
    group.throughput(Throughput::Elements(questions.len() as u64));
    group.bench_function("add", |b| {
        b.iter(|| black_box(sum(questions, |&(start, amount)| walker.add(start, amount))));
    });
    group.bench_function("elapsed", |b| {
        b.iter(|| black_box(sum(questions, |&(start, amount)| walker.elapsed(start, start + 4 * amount))));
    });
    group.finish();
}

/// Hour and minute.
type Time = (i8, i8);

/// Business time as most libraries compute it: date by date, with a look-up in the zone for each opening and closing time.
struct Walker {
    zone: TimeZone,
    yearly: Vec<(i8, i8)>,
    dates: Vec<civil::Date>,
}

impl Walker {
    fn office() -> Self {
        Self {
            zone: TimeZoneDatabase::bundled().get("Europe/Oslo").expect("the zone is bundled"),
            yearly: vec![(1, 1), (5, 1), (5, 17), (12, 24), (12, 25), (12, 26), (12, 31)],
            dates: vec![civil::date(2026, 4, 2), civil::date(2026, 4, 3), civil::date(2026, 4, 6)],
        }
    }

    fn hours(&self, date: civil::Date) -> &'static [(Time, Time)] {
        if self.yearly.contains(&(date.month(), date.day())) || self.dates.contains(&date) {
            return &[];
        }
        match date.weekday() {
            civil::Weekday::Friday => &[((8, 0), (15, 0))],
            civil::Weekday::Saturday | civil::Weekday::Sunday => &[],
            _ => &[((8, 0), (12, 0)), ((12, 30), (17, 0))],
        }
    }

    fn instant(&self, date: civil::Date, (hour, minute): Time) -> i64 {
        let zoned = self.zone.to_zoned(date.at(hour, minute, 0, 0)).expect("the date is in range");
        zoned.timestamp().as_millisecond()
    }

    fn date(&self, at_ms: i64) -> civil::Date {
        self.zone.to_datetime(Timestamp::from_millisecond(at_ms).expect("the instant is in range")).date()
    }

    fn add(&self, start_ms: i64, mut amount_ms: i64) -> i64 {
        let mut date = self.date(start_ms);
        loop {
            for &(from, to) in self.hours(date) {
                let (from_ms, to_ms) = (self.instant(date, from).max(start_ms), self.instant(date, to));
                if from_ms < to_ms {
                    if amount_ms <= to_ms - from_ms {
                        return from_ms + amount_ms;
                    }
                    amount_ms -= to_ms - from_ms;
                }
            }
            date = date.tomorrow().expect("the date is in range");
        }
    }

    fn elapsed(&self, start_ms: i64, end_ms: i64) -> i64 {
        let mut elapsed_ms = 0;
        let (mut date, last) = (self.date(start_ms), self.date(end_ms));
        while date <= last {
            for &(from, to) in self.hours(date) {
                let (from_ms, to_ms) = (self.instant(date, from).max(start_ms), self.instant(date, to).min(end_ms));
                elapsed_ms += (to_ms - from_ms).max(0);
            }
            date = date.tomorrow().expect("the date is in range");
        }
        elapsed_ms
    }
}

criterion_group!(benches, timeline, walking);
criterion_main!(benches);
