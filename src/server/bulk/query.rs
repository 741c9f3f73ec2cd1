//! Query parameters and row kind of a bulk body.

use crate::engine::CatchUp;
use crate::ingest::Mapping;
use crate::ticket::Openings;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use utoipa::{IntoParams, ToSchema};

static TICKETS: LazyLock<Mapping> = LazyLock::new(Mapping::tickets);
static EVENTS: LazyLock<Mapping> = LazyLock::new(Mapping::default);

/// Kind of the rows of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// One row per ticket, in its current state.
    Tickets,
    /// One row per event, and what the `opened` rows report.
    Events(Openings),
}

impl RowKind {
    pub(crate) fn mapping(self) -> &'static Mapping {
        match self {
            Self::Tickets => &TICKETS,
            Self::Events(_) => &EVENTS,
        }
    }
}

/// What to do with an invalid row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnError {
    /// Skip it and report it; accept the others.
    #[default]
    Skip,
    /// End the load with 422. Rows are accepted in batches of a few thousand: earlier batches remain, and no row of the invalid
    /// row's batch is accepted, unless only the engine could reject the row.
    Abort,
}

/// Options of a bulk load of events.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EventsQuery {
    /// What to do with an invalid row.
    #[param(inline)]
    pub on_error: OnError,
    /// Which levels fire that are already due, for example those of an old ticket that is new to the service.
    #[param(inline)]
    pub catch_up: CatchUp,
    /// What the `opened` rows report. `log`: how the ticket began. `known`: when it began; its values are those of its other rows,
    /// as in a log whose rows repeat the opening time. `current`: when it began, with the values of now, as in an export with one
    /// row per ticket.
    #[param(inline)]
    pub openings: Openings,
}

impl EventsQuery {
    pub(crate) fn load(self) -> LoadQuery {
        LoadQuery { on_error: self.on_error, catch_up: self.catch_up }
    }
}

/// Options of a bulk load of tickets.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LoadQuery {
    /// What to do with an invalid row.
    #[param(inline)]
    pub on_error: OnError,
    /// Which levels fire that are already due, for example those of an old ticket that is new to the service.
    #[param(inline)]
    pub catch_up: CatchUp,
}
