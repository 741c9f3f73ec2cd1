//! The names in a synthetic history. People have numbers, not names.

use crate::ticket::Column;

pub(super) const CHANNELS: [&str; 5] = ["phone", "email", "chat", "web", "social"];
pub(super) const PRIORITIES: [&str; 4] = ["critical", "high", "normal", "low"];
pub(super) const SEGMENTS: [&str; 3] = ["consumer", "business", "enterprise"];
pub(super) const TEAMS: [&str; 5] = ["first_line", "technical", "billing", "logistics", "complaints"];
pub(super) const AGENTS_A_TEAM: u32 = 24;

/// Tickets per customer.
const TICKETS_A_CUSTOMER: u64 = 6;

/// A kind of request: its frequency, its final team, and its subjects.
pub(super) struct Category {
    pub name: &'static str,
    pub weight: u32,
    pub team: u32,
    /// Weight of each of [`PRIORITIES`].
    pub priorities: [u32; 4],
    pub subjects: &'static [&'static str],
}

pub(super) const CATEGORIES: [Category; 10] = [
    Category {
        name: "account_access",
        weight: 170,
        team: 0,
        priorities: [1, 22, 70, 7],
        subjects: &["Cannot log in", "Password reset mail does not arrive", "Account locked after three attempts"],
    },
    Category {
        name: "billing",
        weight: 160,
        team: 2,
        priorities: [0, 10, 75, 15],
        subjects: &["Invoice shows the wrong amount", "Charged twice this month", "Copy of an invoice, please"],
    },
    Category {
        name: "delivery",
        weight: 180,
        team: 3,
        priorities: [0, 14, 76, 10],
        subjects: &["Parcel has not arrived", "Delivered to the wrong address", "Change of delivery date"],
    },
    Category {
        name: "returns",
        weight: 110,
        team: 3,
        priorities: [0, 5, 75, 20],
        subjects: &["Return label, please", "Refund not received", "Exchange for another size"],
    },
    Category {
        name: "fault",
        weight: 140,
        team: 1,
        priorities: [4, 30, 60, 6],
        subjects: &["Device does not start", "App closes when I open my orders", "Error 502 at checkout"],
    },
    Category {
        name: "outage",
        weight: 22,
        team: 1,
        priorities: [55, 40, 5, 0],
        subjects: &["Service is down", "Outage: no connection since this morning", "All our lines are down"],
    },
    Category {
        name: "question",
        weight: 130,
        team: 0,
        priorities: [0, 2, 63, 35],
        subjects: &["Which plan fits us?", "Opening hours of the shop", "Is this part compatible?"],
    },
    Category {
        name: "contract",
        weight: 55,
        team: 2,
        priorities: [0, 12, 73, 15],
        subjects: &["Change of tariff", "Cancellation of my contract", "New contact for our company"],
    },
    Category {
        name: "complaint",
        weight: 30,
        team: 4,
        priorities: [3, 47, 48, 2],
        subjects: &["Complaint about your hotline", "Third time I ask", "Nobody calls back"],
    },
    Category {
        name: "data_protection",
        weight: 8,
        team: 4,
        priorities: [0, 35, 65, 0],
        subjects: &["Copy of my data, please", "Please delete my account and data"],
    },
];

pub(super) const REASONS: [&str; 4] =
    ["customer threatens to leave", "promised date has passed", "key account asked for the manager", "third contact"];

/// The dictionaries of a plan.
pub(super) struct Catalogue {
    customers: u64,
}

impl Catalogue {
    pub(super) fn new(tickets: u64) -> Self {
        Self { customers: customers(tickets) }
    }

    pub(super) fn count(&self, column: Column) -> usize {
        match column {
            Column::Priority => PRIORITIES.len(),
            Column::Owner | Column::Actor => TEAMS.len() * AGENTS_A_TEAM as usize,
            Column::Team => TEAMS.len(),
            Column::Channel => CHANNELS.len(),
            Column::Category => CATEGORIES.len(),
            Column::Customer => self.customers as usize,
            Column::Segment => SEGMENTS.len(),
        }
    }

    pub(super) fn label(&self, column: Column, code: u32) -> String {
        let index = code as usize;
        match column {
            Column::Priority => PRIORITIES[index].to_owned(),
            Column::Owner | Column::Actor => format!("agent-{:03}", code + 1),
            Column::Team => TEAMS[index].to_owned(),
            Column::Channel => CHANNELS[index].to_owned(),
            Column::Category => CATEGORIES[index].name.to_owned(),
            Column::Customer => format!("customer-{:05}", code + 1),
            Column::Segment => SEGMENTS[index].to_owned(),
        }
    }
}

pub(super) fn customers(tickets: u64) -> u64 {
    (tickets / TICKETS_A_CUSTOMER).clamp(10, u64::from(u32::MAX) - 1)
}

pub(super) fn ticket_id(number: u64) -> String {
    format!("T{:07}", number + 1)
}

pub(super) fn subject(category: u32, text: u32) -> &'static str {
    let subjects = CATEGORIES[category as usize].subjects;
    subjects[text as usize % subjects.len()]
}
