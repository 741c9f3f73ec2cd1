//! The events of one ticket.
//!
//! The shape is that of a service desk: an agent takes the request up, replies, may ask back and wait, hands it to another
//! team, resolves it; some customers come back, some requests are duplicates. All durations are drawn from tables of
//! quantiles, and agents act only in their shifts.

use super::catalogue;
use super::catalogue::{AGENTS_A_TEAM, CATEGORIES, TEAMS};
use super::plan::Plan;
use super::random::Random;
use crate::ticket::{Column, EventKind, NO_LABEL, State};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

const PURPOSE_LIFECYCLE: u64 = 3;

/// Deciles of the time until an agent takes a request up, by priority: critical ones are seen at once.
const UNTIL_TAKEN_UP_MS: [[i64; 11]; 4] = [
    minutes([0, 1, 1, 2, 3, 4, 6, 8, 12, 20, 60]),
    minutes([1, 3, 6, 9, 14, 20, 29, 42, 65, 120, 480]),
    minutes([2, 8, 16, 27, 42, 65, 98, 150, 235, 390, 1_440]),
    minutes([5, 20, 45, 80, 130, 200, 300, 440, 680, 1_200, 4_320]),
];

/// Deciles of the time from taking up to the first reply.
const UNTIL_ANSWER_MS: [i64; 11] = minutes([1, 3, 5, 8, 12, 18, 26, 40, 65, 130, 600]);

/// Deciles of the work between a reply and the next step.
const WORK_MS: [[i64; 11]; 4] = [
    minutes([3, 12, 22, 34, 48, 65, 90, 125, 190, 330, 1_000]),
    minutes([5, 20, 40, 70, 110, 165, 240, 360, 560, 980, 3_000]),
    minutes([8, 30, 65, 120, 200, 310, 470, 720, 1_150, 2_100, 7_200]),
    minutes([10, 50, 120, 230, 400, 640, 1_000, 1_560, 2_600, 4_800, 14_400]),
];

/// Deciles of the time that customers take to reply to a question.
const UNTIL_CUSTOMER_MS: [i64; 11] = minutes([2, 12, 35, 80, 170, 340, 700, 1_300, 2_300, 4_300, 14_400]);

/// Weight of each of the channels, by category's kind: an outage is phoned in.
const CHANNEL_WEIGHTS: [u32; 5] = [31, 34, 18, 13, 4];
const URGENT_CHANNEL_WEIGHTS: [u32; 5] = [62, 8, 20, 8, 2];
const SEGMENT_WEIGHTS: [u32; 3] = [78, 18, 4];

/// Shifts, UTC; the first line works around the clock.
const SHIFT_START_MS: i64 = 6 * HOUR_MS + 30 * MINUTE_MS;
const SHIFT_END_MS: i64 = 17 * HOUR_MS;
const TEAM_AROUND_THE_CLOCK: u32 = 0;

/// Resolved requests close after this long without a reply.
const CLOSES_AFTER_MS: i64 = 3 * DAY_MS;

const fn minutes<const N: usize>(quantiles: [i64; N]) -> [i64; N] {
    let mut ms = [0; N];
    let mut index = 0;
    while index < N {
        ms[index] = quantiles[index] * MINUTE_MS;
        index += 1;
    }
    ms
}

/// One event; [`NO_LABEL`] for an empty field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TicketEvent {
    pub ticket: u64,
    pub kind: EventKind,
    pub state: Option<State>,
    pub priority: u32,
    pub owner: u32,
    pub team: u32,
    pub channel: u32,
    pub category: u32,
    pub customer: u32,
    pub segment: u32,
    pub actor: u32,
    /// Index of the subject or reason.
    pub text: u32,
}

impl TicketEvent {
    pub(super) fn label(&self, column: Column) -> u32 {
        match column {
            Column::Priority => self.priority,
            Column::Owner => self.owner,
            Column::Team => self.team,
            Column::Channel => self.channel,
            Column::Category => self.category,
            Column::Customer => self.customer,
            Column::Segment => self.segment,
            Column::Actor => self.actor,
        }
    }
}

/// A ticket's events in order of time; the first is its opening.
pub(super) struct Lifecycle {
    pub events: Vec<(i64, TicketEvent)>,
}

impl Lifecycle {
    pub(super) fn of(plan: &Plan, ticket: u64, arrival_ms: i64) -> Self {
        let mut random = Random::of(plan.seed, PURPOSE_LIFECYCLE, ticket);
        let weights = CATEGORIES.each_ref().map(|category| category.weight);
        let category = random.pick(&weights);
        let priority = random.pick(&CATEGORIES[category].priorities);
        let mut teller = Teller {
            at_ms: arrival_ms,
            priority,
            team: 0,
            owner: 0,
            blank: TicketEvent {
                ticket,
                kind: EventKind::Note,
                state: None,
                priority: NO_LABEL,
                owner: NO_LABEL,
                team: NO_LABEL,
                channel: NO_LABEL,
                category: NO_LABEL,
                customer: NO_LABEL,
                segment: NO_LABEL,
                actor: NO_LABEL,
                text: 0,
            },
            events: Vec::with_capacity(12),
            random,
        };
        teller.tell(category, catalogue::customers(plan.tickets));
        Self { events: teller.events }
    }
}

/// Generates the events of one ticket: its current state, and the events so far.
struct Teller {
    at_ms: i64,
    priority: usize,
    team: u32,
    owner: u32,
    blank: TicketEvent,
    events: Vec<(i64, TicketEvent)>,
    random: Random,
}

impl Teller {
    fn tell(&mut self, category: usize, customers: u64) {
        self.open(category, customers);
        if self.random.chance(9) {
            let kind = if self.random.chance(700) { EventKind::Merged } else { EventKind::Deleted };
            self.later(&UNTIL_ANSWER_MS);
            return self.by_agent(kind, |_| ());
        }
        self.take_up(CATEGORIES[category].team);
        self.answer();
        while self.random.chance(260) {
            self.ask_back();
        }
        if self.random.chance(70) {
            self.hand_over();
        }
        if self.random.chance(35) {
            self.change_priority();
        }
        if self.random.chance(12) {
            self.escalate_manually();
        }
        self.resolve();
        while self.random.chance(60) {
            self.come_back();
        }
        self.at_ms += CLOSES_AFTER_MS;
        self.add(EventKind::Closed, |event| event.state = Some(State::Closed));
    }

    fn open(&mut self, category: usize, customers: u64) {
        let urgent = self.priority == 0;
        let channel = self.random.pick(if urgent { &URGENT_CHANNEL_WEIGHTS } else { &CHANNEL_WEIGHTS }) as u32;
        // Few customers ask often: the smaller of two draws.
        let customer = self.random.below(customers).min(self.random.below(customers)) as u32;
        let segment = Random::of(0, u64::from(customer), 0).pick(&SEGMENT_WEIGHTS) as u32;
        // Some channels do not ask for a priority: the assignment rules set it.
        let priority = if self.random.chance(300) { NO_LABEL } else { self.priority as u32 };
        let text = self.random.below(6) as u32;
        self.team = TEAM_AROUND_THE_CLOCK;
        self.add(EventKind::Opened, |event| {
            event.state = Some(State::New);
            event.priority = priority;
            event.team = TEAM_AROUND_THE_CLOCK;
            event.channel = channel;
            event.category = category as u32;
            event.customer = customer;
            event.segment = segment;
            event.text = text;
        });
    }

    fn take_up(&mut self, team: u32) {
        self.team = team;
        self.later(&UNTIL_TAKEN_UP_MS[self.priority]);
        self.assign();
        if self.random.chance(350) {
            self.at_ms += (30 + self.random.below(240) as i64) * SECOND_MS;
            self.by_agent(EventKind::Read, |_| ());
        }
    }

    fn assign(&mut self) {
        self.owner = self.team * AGENTS_A_TEAM + self.random.below(u64::from(AGENTS_A_TEAM)) as u32;
        let (team, owner) = (self.team, self.owner);
        self.by_agent(EventKind::Assigned, |event| {
            event.state = Some(State::Open);
            event.team = team;
            event.owner = owner;
        });
    }

    fn answer(&mut self) {
        self.later(&UNTIL_ANSWER_MS);
        self.by_agent(EventKind::AgentReply, |_| ());
    }

    /// The agent asks a question; the customer replies, or is asked once more, and the work continues.
    fn ask_back(&mut self) {
        self.later(&UNTIL_ANSWER_MS);
        self.by_agent(EventKind::AgentReply, |event| event.state = Some(State::Waiting));
        self.at_ms += self.random.quantile(&UNTIL_CUSTOMER_MS);
        self.add(EventKind::CustomerReply, |event| event.state = Some(State::Open));
        self.later(&UNTIL_ANSWER_MS);
        self.by_agent(EventKind::AgentReply, |_| ());
    }

    fn hand_over(&mut self) {
        self.later(&UNTIL_ANSWER_MS);
        self.by_agent(EventKind::Note, |_| ());
        let steps = 1 + self.random.below(TEAMS.len() as u64 - 1) as u32;
        self.team = (self.team + steps) % TEAMS.len() as u32;
        self.later(&UNTIL_TAKEN_UP_MS[self.priority]);
        self.assign();
    }

    fn change_priority(&mut self) {
        self.later(&UNTIL_ANSWER_MS);
        self.priority = if self.priority > 0 && self.random.chance(750) { self.priority - 1 } else { 2 };
        let priority = self.priority as u32;
        self.by_agent(EventKind::PriorityChanged, |event| event.priority = priority);
    }

    fn escalate_manually(&mut self) {
        self.later(&UNTIL_ANSWER_MS);
        let text = self.random.below(4) as u32;
        self.by_agent(EventKind::Escalated, |event| event.text = text);
        self.at_ms += (2 + self.random.below(90) as i64) * MINUTE_MS;
        self.by_agent(EventKind::Acknowledged, |_| ());
    }

    fn resolve(&mut self) {
        self.later(&WORK_MS[self.priority]);
        self.by_agent(EventKind::Resolved, |event| event.state = Some(State::Resolved));
    }

    /// The customer is not satisfied: the ticket is reopened and resolved again.
    fn come_back(&mut self) {
        let patience_ms = self.random.quantile(&UNTIL_CUSTOMER_MS);
        self.at_ms += patience_ms.min(CLOSES_AFTER_MS - HOUR_MS);
        self.add(EventKind::CustomerReply, |event| event.state = Some(State::Open));
        self.answer();
        self.resolve();
    }

    /// Some time passes; the agent's next action is in a shift.
    fn later(&mut self, quantiles: &[i64]) {
        let spent_ms = self.random.quantile(quantiles);
        self.at_ms += spent_ms;
        // Critical tickets are handled on call.
        if self.team == TEAM_AROUND_THE_CLOCK || self.priority == 0 {
            return;
        }
        let shift_ms = start_of_shift(self.at_ms);
        if shift_ms > self.at_ms {
            // Agents do not start on all tickets at the beginning of a shift.
            self.at_ms = shift_ms + self.random.below(5_400) as i64 * SECOND_MS;
        }
    }

    fn by_agent(&mut self, kind: EventKind, say: impl FnOnce(&mut TicketEvent)) {
        let owner = self.owner;
        self.add(kind, |event| {
            event.actor = owner;
            say(event);
        });
    }

    fn add(&mut self, kind: EventKind, say: impl FnOnce(&mut TicketEvent)) {
        let mut event = TicketEvent { kind, ..self.blank };
        say(&mut event);
        self.at_ms -= self.at_ms % SECOND_MS;
        self.events.push((self.at_ms, event));
    }
}

/// The instant itself inside a shift, else the start of the next one: Monday to Friday, UTC.
fn start_of_shift(at_ms: i64) -> i64 {
    let (mut day, in_day_ms) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS));
    let is_working_day = |day: i64| (day + 3).rem_euclid(7) < 5;
    if is_working_day(day) && (SHIFT_START_MS..SHIFT_END_MS).contains(&in_day_ms) {
        return at_ms;
    }
    if in_day_ms >= SHIFT_START_MS || !is_working_day(day) {
        day += 1;
    }
    while !is_working_day(day) {
        day += 1;
    }
    day * DAY_MS + SHIFT_START_MS
}

impl TicketEvent {
    /// Its text column: the subject of the request, or the reason of a manual escalation.
    pub(super) fn text(&self) -> &'static str {
        match self.kind {
            EventKind::Opened => catalogue::subject(self.category, self.text),
            EventKind::Escalated => catalogue::REASONS[self.text as usize % catalogue::REASONS.len()],
            _ => "",
        }
    }
}
