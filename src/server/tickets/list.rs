//! Pages of tickets: filters, cursors, and the scan shard by shard.

use super::response::TicketRow;
use crate::engine::{TicketKey, TicketQuery};
use crate::server::params;
use crate::server::params::timestamp::Timestamp;
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::service::Service;
use crate::ticket::{PerLabel, State};
use serde::Deserialize;
use utoipa::IntoParams;

/// Tickets on a page by default.
const DEFAULT_ROWS: usize = 100;

/// Filter and page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListQuery {
    /// Tickets in this state; `active` for all that are neither resolved nor closed.
    #[param(inline)]
    pub state: Option<StateChoice>,
    /// Tickets with this priority.
    #[param(max_length = 255)]
    pub priority: Option<String>,
    /// Tickets of this team.
    #[param(max_length = 255)]
    pub team: Option<String>,
    /// Tickets of this owner.
    #[param(max_length = 255)]
    pub owner: Option<String>,
    /// Tickets of this channel.
    #[param(max_length = 255)]
    pub channel: Option<String>,
    /// Tickets of this category.
    #[param(max_length = 255)]
    pub category: Option<String>,
    /// Tickets of this customer.
    #[param(max_length = 255)]
    pub customer: Option<String>,
    /// `true`: only tickets past a target; `false`: only the others.
    pub breached: Option<bool>,
    /// `true`: only tickets at risk (past 75 % of a target, or the mark set by the policy, and past no target); `false`: only the
    /// others.
    pub at_risk: Option<bool>,
    /// Tickets with a level or target due before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub due_before: Option<Timestamp>,
    /// Start of the page: `next_cursor` of the previous page.
    #[param(pattern = "^[0-9a-f]{24}$")]
    pub cursor: Option<String>,
    /// Maximum number of tickets on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}

/// A state, or a group of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateChoice {
    New,
    Open,
    Waiting,
    Resolved,
    Closed,
    /// Neither resolved nor closed.
    Active,
}

impl StateChoice {
    fn state(self) -> Option<State> {
        match self {
            Self::New => Some(State::New),
            Self::Open => Some(State::Open),
            Self::Waiting => Some(State::Waiting),
            Self::Resolved => Some(State::Resolved),
            Self::Closed => Some(State::Closed),
            Self::Active => None,
        }
    }
}

impl ListQuery {
    /// Checks the parameters; returns the length of the page.
    ///
    /// # Errors
    /// 400.
    pub(super) fn checked(&self) -> ApiResult<usize> {
        params::labels(&[
            ("priority", &self.priority),
            ("team", &self.team),
            ("owner", &self.owner),
            ("channel", &self.channel),
            ("category", &self.category),
            ("customer", &self.customer),
        ])?;
        params::page_rows(self.limit, DEFAULT_ROWS)
    }

    pub(super) fn wanted(self) -> TicketQuery {
        TicketQuery {
            state: self.state.and_then(StateChoice::state),
            open_only: self.state == Some(StateChoice::Active),
            labels: PerLabel::from([self.priority, self.owner, self.team, self.channel, self.category, self.customer]),
            breached: self.breached,
            at_risk: self.at_risk,
            due_before_ms: self.due_before.map(|due| due.0),
        }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    due_s: u32,
    ordinal: u64,
}

impl Cursor {
    /// The cursor as an opaque string.
    pub(super) fn write(self) -> String {
        format!("{:08x}{:016x}", self.due_s, self.ordinal)
    }

    /// # Errors
    /// 400 if the text is not a cursor.
    pub(super) fn read(text: &str) -> ApiResult<Self> {
        let is_ours = text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = |part: &str| u64::from_str_radix(part, 16).ok();
        match (is_ours, text.get(..8).and_then(number), text.get(8..).and_then(number)) {
            (true, Some(due_s), Some(ordinal)) => Ok(Self { due_s: due_s as u32, ordinal }),
            _ => {
                let message = "cursor is not valid: pass next_cursor unchanged";
                Err(Problem::bad_request(message).with_error(FieldError::new(message).field("cursor")))
            }
        }
    }
}

/// A page, and the cursor of the next one. Locks the engine for one shard at a time, so that nothing else waits long. Blocks.
pub(super) fn page(
    service: &Service,
    wanted: TicketQuery,
    after: Option<Cursor>,
    limit: usize,
) -> (Vec<TicketRow>, Option<Cursor>) {
    let after = after.map(|cursor| TicketKey::cursor(cursor.due_s, cursor.ordinal));
    let (filter, shards) = service.read(|engine| (engine.filter(wanted), engine.shards()));
    let mut keys: Vec<TicketKey> = Vec::new();
    for shard in 0..shards {
        // One more than the page, to know whether there is a next page.
        service.read(|engine| engine.list(shard, &filter, after.as_ref(), limit + 1, &mut keys));
    }
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    let next = keys.last().filter(|_| has_more).map(|key| Cursor { due_s: key.due_s, ordinal: key.ordinal });
    let rows = service.read(|engine| {
        // A ticket may have been removed meanwhile and its slot reused.
        let is_there = |key: &&TicketKey| engine.find(engine.ticket_id(key.ticket())) == Some(key.ticket());
        keys.iter().filter(is_there).map(|key| TicketRow::of(&engine.ticket(key.ticket()))).collect()
    });
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = Cursor { due_s: u32::MAX, ordinal: 12_345_678_901 };
        assert_eq!(Cursor::read(&cursor.write()), Ok(cursor));
        for wrong in ["", "0", "00000000000000000000000g", "+0000000000000000000000f", "ééééééééé000000"] {
            assert_eq!(Cursor::read(wrong).expect_err(wrong).status, 400, "{wrong}");
        }
    }

    #[test]
    fn active_is_more_than_one_state() {
        let query = |text: &str| serde_json::from_str::<ListQuery>(text).expect("a query").wanted();
        assert!(query(r#"{"state":"active"}"#).open_only);
        assert_eq!(query(r#"{"state":"waiting"}"#).state, Some(State::Waiting));
        assert!(!query(r#"{"state":"waiting"}"#).open_only);
    }
}
