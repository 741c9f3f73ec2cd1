//! How a bulk body is loaded: query parameters and the kind of its rows.

use crate::engine::CatchUp;
use crate::ingest::Mapping;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use utoipa::{IntoParams, ToSchema};

static TICKETS: LazyLock<Mapping> = LazyLock::new(Mapping::tickets);
static EVENTS: LazyLock<Mapping> = LazyLock::new(Mapping::default);

/// What the rows of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// One row a ticket, as it is now.
    Tickets,
    /// One row an event.
    Events,
}

impl RowKind {
    pub fn mapping(self) -> &'static Mapping {
        match self {
            Self::Tickets => &TICKETS,
            Self::Events => &EVENTS,
        }
    }
}

/// What happens at a bad row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It is left out and told; the others are taken.
    #[default]
    Skip,
    /// The load ends with 422. Rows of the body are taken in batches of some thousand: those of the batches before stand, and
    /// none of the batch that has the bad row, unless only the engine could refuse it.
    Abort,
}

/// How a body is loaded.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct LoadQuery {
    /// What happens at a bad row.
    #[param(inline)]
    pub on_error: OnError,
    /// Which levels fire that are already due, for example those of an old ticket that is new here.
    #[param(inline)]
    pub catch_up: CatchUp,
}
