//! Timelines against an oracle that only applies the definition: an instant is business time exactly when the local wall clock
//! shows a time inside the opening hours of its local date.
//!
//! The oracle computes the wall clock of single instants with jiff and has its own description of the opening hours; it shares no
//! code with the crate. Around changes of the UTC offset it checks every second, elsewhere every instant at which the calendar may
//! open or close. Seeds are fixed; a failure prints the calendar.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use overdue::calendar::{CalendarDefinition, Timeline};
use overdue::time::{DAY_MS, HOUR_MS, NEVER_MS, SECOND_MS};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from).max(1) as u64) as i64
    }
}

/// Opening hours in seconds of the day. An end at or before its start is on the next date.
type Hours = Vec<(i64, i64)>;

struct Oracle {
    zone: TimeZone,
    weekly: [Hours; 7],
    holidays: Vec<civil::Date>,
    special: BTreeMap<civil::Date, Hours>,
}

const DAY_S: i64 = 86_400;

impl Oracle {
    /// The opening hours that begin on a date, without holidays.
    fn written(&self, date: civil::Date) -> &Hours {
        self.special.get(&date).unwrap_or(&self.weekly[date.weekday().to_monday_zero_offset() as usize])
    }

    /// The opening hours within a date.
    fn hours(&self, date: civil::Date) -> Hours {
        let is_special = self.special.contains_key(&date);
        let is_holiday = !is_special && self.holidays.contains(&date);
        let mut hours = Hours::new();
        if !is_holiday {
            hours.extend(self.written(date).iter().map(|&(from, to)| (from, if to <= from { DAY_S } else { to })));
        }
        if !is_holiday && !is_special {
            let before = self.written(date.yesterday().unwrap());
            hours.extend(before.iter().filter(|(from, to)| to <= from).map(|&(_, to)| (0, to)));
        }
        hours
    }

    fn wall(&self, at_s: i64) -> civil::DateTime {
        self.zone.to_datetime(Timestamp::from_second(at_s).unwrap())
    }

    fn is_open(&self, at_s: i64) -> bool {
        let wall = self.wall(at_s);
        let of_day = second_of_day(wall);
        self.hours(wall.date()).iter().any(|&(from, to)| (from..to).contains(&of_day))
    }

    /// Whether each second from one instant to another is open.
    fn open_seconds(&self, from_s: i64, to_s: i64) -> Vec<bool> {
        (from_s..to_s).map(|at_s| self.is_open(at_s)).collect()
    }

    /// The open intervals, found by steps to the next possible boundary: an opening or closing time of the date, at the UTC offset
    /// of the current instant, or a change of the UTC offset.
    fn intervals(&self, from_s: i64, to_s: i64) -> Vec<(i64, i64)> {
        let mut intervals: Vec<(i64, i64)> = Vec::new();
        let mut at_s = from_s;
        while at_s < to_s {
            let wall = self.wall(at_s);
            let of_day = second_of_day(wall);
            let mut next_s = at_s + DAY_S - of_day;
            for (from, to) in self.hours(wall.date()) {
                for bound in [from, to] {
                    if bound > of_day {
                        next_s = next_s.min(at_s + bound - of_day);
                    }
                }
            }
            let change = self.zone.following(Timestamp::from_second(at_s).unwrap()).next();
            let change_s = change.map_or(i64::MAX, |change| change.timestamp().as_second());
            next_s = next_s.min(change_s).min(to_s);
            if self.is_open(at_s) {
                match intervals.last_mut() {
                    Some(last) if last.1 == at_s => last.1 = next_s,
                    _ => intervals.push((at_s, next_s)),
                }
            }
            at_s = next_s;
        }
        intervals
    }
}

fn second_of_day(wall: civil::DateTime) -> i64 {
    i64::from(wall.hour()) * 3_600 + i64::from(wall.minute()) * 60 + i64::from(wall.second())
}

/// A random calendar, for the oracle and as TOML.
fn calendar(zone: &str, around: civil::Date, random: &mut Random) -> (Oracle, String) {
    let time = |random: &mut Random| match random.below(8) {
        0 => random.between(0, DAY_S),
        1..=4 => random.between(0, 24) * 3_600,
        _ => random.between(0, 96) * 900,
    };
    // Many intervals begin or end between midnight and 04:00, where most changes of the UTC offset are.
    let hours = |random: &mut Random, most: u64| -> Hours {
        (0..random.below(most + 1))
            .map(|_| match random.below(6) {
                0 => (0, DAY_S),
                1 => (random.between(0, 16) * 900, random.between(1, 20) * 900),
                2 => (22 * 3_600, random.between(0, 24) * 900),
                _ => (time(random), time(random)),
            })
            .collect()
    };
    let weekly = std::array::from_fn(|_| hours(random, 3));
    let near = |random: &mut Random| around.checked_add(jiff::Span::new().days(random.between(-6, 7))).unwrap();
    let holidays: Vec<_> = (0..random.below(4)).map(|_| near(random)).collect();
    let special: BTreeMap<_, _> = (0..random.below(3)).map(|_| (near(random), hours(random, 2))).collect();

    let list = |hours: &Hours| {
        let text = |s: i64| format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60);
        hours.iter().map(|&(from, to)| format!("\"{}-{}\"", text(from), text(to))).collect::<Vec<_>>().join(", ")
    };
    let mut toml = format!("time_zone = \"{zone}\"\n");
    for (name, day) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().zip(&weekly) {
        toml += &format!("{name} = [{}]\n", list(day));
    }
    let dates: Vec<_> = holidays.iter().map(|date| format!("\"{date}\"")).collect();
    toml += &format!("holidays = [{}]\n[special]\n", dates.join(", "));
    for (date, day) in &special {
        toml += &format!("{date} = [{}]\n", list(day));
    }
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    (Oracle { zone, weekly, holidays, special }, toml)
}

/// The changes of the UTC offset of a zone from 1990 to 2037; another instant if there are none.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let start: Timestamp = "1990-01-01T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2038-01-01T00:00:00Z".parse().unwrap();
    let mut before = zone.to_offset(start);
    let mut changes = Vec::new();
    for change in zone.following(start).take_while(|change| change.timestamp() < end) {
        if change.offset() != before {
            changes.push(change.timestamp().as_second());
        }
        before = change.offset();
    }
    if changes.is_empty() {
        changes.push("2016-02-28T12:00:00Z".parse::<Timestamp>().unwrap().as_second());
    }
    changes
}

/// Runs a check for each zone of the bundled data, on two threads.
fn for_every_zone(check: impl Fn(&str, &TimeZone, &mut Random) + Sync) {
    let database = TimeZoneDatabase::bundled();
    let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    assert!(names.len() > 400, "only {} zones", names.len());
    let queue = Mutex::new(names.into_iter().enumerate());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((number, name)) = queue.lock().unwrap().next() else { break };
                    let mut random = Random(0x5eed_0000 + number as u64);
                    check(&name, &TimeZoneDatabase::bundled().get(&name).unwrap(), &mut random);
                }
            });
        }
    });
}

fn compile(toml: &str) -> Option<Timeline> {
    let definition: CalendarDefinition = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    Timeline::compile(&definition).ok()
}

/// A random calendar in each zone, every second of four hours around a change of the UTC offset: whether it is open, the elapsed
/// time, and from that amount back to the instant.
#[test]
fn every_second_around_a_change_of_the_offset_agrees() {
    for_every_zone(|name, zone, random| {
        let changes = changes(zone);
        let change_s = changes[random.below(changes.len() as u64) as usize];
        let (oracle, toml) = calendar(name, zone.to_datetime(Timestamp::from_second(change_s).unwrap()).date(), random);
        let Some(timeline) = compile(&toml) else { return };
        let from_s = change_s - 90 * 60 - random.between(0, 3_600);
        let open = oracle.open_seconds(from_s, from_s + 4 * 3_600);
        let mut elapsed_ms = 0;
        for (at, &is_open) in open.iter().enumerate() {
            let at_ms = (from_s + at as i64) * SECOND_MS;
            assert_eq!(timeline.is_open(at_ms), is_open, "{at_ms}\n{toml}");
            assert_eq!(timeline.elapsed(from_s * SECOND_MS, at_ms), elapsed_ms, "{at_ms}\n{toml}");
            if is_open {
                elapsed_ms += SECOND_MS;
                assert_eq!(timeline.add(from_s * SECOND_MS, elapsed_ms), at_ms + SECOND_MS, "{at_ms}\n{toml}");
            }
        }
    });
}

/// Three random calendars in each zone, 16 days around a change of the UTC offset: intervals, `elapsed` and `add`, which must be
/// inverse, monotonic and additive, at random milliseconds and at the ends of intervals.
#[test]
fn amounts_around_a_change_of_the_offset_agree() {
    for_every_zone(|name, zone, random| {
        for _ in 0..3 {
            let changes = changes(zone);
            let change_s = changes[random.below(changes.len() as u64) as usize];
            let (oracle, toml) =
                calendar(name, zone.to_datetime(Timestamp::from_second(change_s).unwrap()).date(), random);
            let Some(timeline) = compile(&toml) else { continue };
            let (from_s, to_s) = (change_s - 8 * DAY_S, change_s + 8 * DAY_S);
            let expected: Vec<_> =
                oracle.intervals(from_s, to_s).iter().map(|&(a, b)| (a * SECOND_MS, b * SECOND_MS)).collect();
            let found: Vec<_> = timeline.open_intervals(from_s * SECOND_MS, to_s * SECOND_MS).collect();
            assert_eq!(found, expected, "{toml}");
            check_amounts(&timeline, &expected, (from_s * SECOND_MS, to_s * SECOND_MS), random, &toml);
        }
    });
}

fn check_amounts(timeline: &Timeline, open: &[(i64, i64)], span: (i64, i64), random: &mut Random, toml: &str) {
    let elapsed = |from: i64, to: i64| open.iter().map(|&(a, b)| (b.min(to) - a.max(from)).max(0)).sum::<i64>();
    let instant = |random: &mut Random| match (random.below(3), open) {
        (0, [_, ..]) => {
            let (from, to) = open[random.below(open.len() as u64) as usize];
            [from, to][random.below(2) as usize] + random.between(-1, 2)
        }
        _ => random.between(span.0, span.1),
    };
    for _ in 0..60 {
        let mut instants = [instant(random), instant(random), instant(random)].map(|at| at.clamp(span.0, span.1));
        instants.sort_unstable();
        let [a, b, c] = instants;
        assert_eq!(timeline.elapsed(a, b), elapsed(a, b), "{a} {b}\n{toml}");
        assert_eq!(timeline.elapsed(a, b) + timeline.elapsed(b, c), timeline.elapsed(a, c), "{a} {b} {c}\n{toml}");
        assert_eq!(timeline.elapsed(b, a), 0);
        let open_at = open.iter().find(|interval| interval.1 > a).map(|interval| interval.0.max(a));
        if let Some(open_at) = open_at {
            assert_eq!(timeline.next_open(a), open_at, "{a}\n{toml}");
        }

        // An amount that ends inside the span is due at the earliest instant at which it has elapsed.
        let amount = random.between(0, elapsed(a, span.1) + 1);
        let due = timeline.add(a, amount);
        assert_eq!(elapsed(a, due), amount, "{a} {amount}\n{toml}");
        assert!(due == a || elapsed(a, due - 1) < amount, "{due} is not the earliest, {a} {amount}\n{toml}");
        assert_eq!(timeline.elapsed(a, due), amount);
        // A later start or a larger amount is due no earlier; an amount can be added in two parts.
        let part = random.between(0, amount + 1);
        assert_eq!(timeline.add(timeline.add(a, part), amount - part), due, "{a} {part} {amount}\n{toml}");
        assert!(timeline.add(b, amount) >= due && timeline.add(a, amount + 1) > due, "{a} {b} {amount}\n{toml}");
    }
}

/// Business days and calendar days around a change of the UTC offset in each zone.
#[test]
fn days_around_a_change_of_the_offset_agree() {
    for_every_zone(|name, zone, random| {
        let changes = changes(zone);
        let change_s = changes[random.below(changes.len() as u64) as usize];
        let (oracle, toml) = calendar(name, zone.to_datetime(Timestamp::from_second(change_s).unwrap()).date(), random);
        let Some(timeline) = compile(&toml) else { return };
        let (from_s, to_s) = (change_s - 8 * DAY_S, change_s + 12 * DAY_S);
        let open = oracle.intervals(from_s, to_s);
        // Dates with an open instant, at each quarter of an hour of each interval.
        let mut working: Vec<civil::Date> = Vec::new();
        for &(from, to) in &open {
            let instants = (from..to).step_by(900).chain([to - 1]);
            working.extend(instants.map(|at_s| oracle.wall(at_s).date()));
        }
        working.sort_unstable();
        working.dedup();
        // The first instant at which the wall clock shows the time or a later one: to a quarter of an hour, then to the second.
        let first_at = |wall: civil::DateTime| {
            let coarse = (from_s..to_s).step_by(900).find(|&at_s| oracle.wall(at_s) >= wall)?;
            (coarse - 900..=coarse).find(|&at_s| oracle.wall(at_s) >= wall)
        };
        for _ in 0..4 {
            let start_s = random.between(from_s + DAY_S, change_s + DAY_S);
            let days = random.between(1, 6);
            let wall = oracle.wall(start_s);
            if let Some(due_s) = wall.checked_add(jiff::Span::new().days(days)).ok().and_then(first_at) {
                let found = timeline.add_calendar_days(start_s * SECOND_MS, days as u32);
                assert_eq!(found, due_s * SECOND_MS, "{start_s} + {days}d\n{toml}");
            }

            let Some(&(open_from, _)) = open.iter().find(|interval| interval.1 > start_s) else { continue };
            let wall = oracle.wall(open_from.max(start_s));
            let later: Vec<_> = working.iter().filter(|date| **date > wall.date()).collect();
            let Some(&&due_date) = later.get(days as usize - 1) else { continue };
            // The last date of the span is incomplete.
            if due_date >= oracle.wall(to_s - DAY_S).date() {
                continue;
            }
            let due_s = first_at(due_date.to_datetime(wall.time())).unwrap();
            let found = timeline.add_business_days(start_s * SECOND_MS, days as u32);
            assert_eq!(found, due_s * SECOND_MS, "{start_s} + {days}bd\n{toml}");
        }
    });
}

/// From any instant, `add` and `elapsed` are inverse; an amount beyond the end of time is never due.
#[test]
fn amounts_from_any_instant_are_inverse() {
    let names = ["America/New_York", "Europe/Oslo", "Africa/Casablanca", "Pacific/Apia", "Asia/Kolkata"];
    for (number, name) in names.iter().cycle().take(30).enumerate() {
        let mut random = Random(0xabc_0000 + number as u64);
        let (_, toml) = calendar(name, civil::date(2026, 11, 22), &mut random);
        let Some(timeline) = compile(&toml) else { continue };
        let end_ms = overdue::time::HORIZON_MS;
        for _ in 0..2_000 {
            let start = random.between(0, end_ms);
            let amount = match random.below(3) {
                0 => random.between(1, 40 * HOUR_MS),
                1 => random.between(1, 40 * DAY_MS),
                _ => random.between(1, end_ms),
            };
            match timeline.add(start, amount) {
                NEVER_MS => assert!(timeline.elapsed(start, end_ms) < amount, "{start} {amount}\n{toml}"),
                due => {
                    assert_eq!(timeline.elapsed(start, due), amount, "{start} {amount}\n{toml}");
                    assert_eq!(timeline.elapsed(start, due - 1), amount - 1, "{start} {amount}\n{toml}");
                }
            }
        }
    }
}
