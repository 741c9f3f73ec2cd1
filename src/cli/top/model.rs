//! What a page shows: responses of the service, as its own types.

use crate::server::escalations::response::EscalationResponse;
use crate::server::monitoring::forecast::ForecastResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use crate::store::record::RecordKind;

/// All data on the screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Page {
    pub metrics: MetricsResponse,
    pub forecast: ForecastResponse,
    /// Newest first.
    pub escalations: Vec<EscalationResponse>,
}

/// What happened: `resolution 2`, `withdrawn: resolution 2`, `manual`.
pub(crate) fn what(escalation: &EscalationResponse) -> String {
    let (kind, level) = (escalation.kind.name(), escalation.level);
    match (escalation.kind, &escalation.clock) {
        (RecordKind::Fired, Some(clock)) => format!("{clock} {level}"),
        (_, Some(clock)) => format!("{kind}: {clock} {level}"),
        (_, None) => kind.to_owned(),
    }
}

/// Who is notified, and what is done.
pub(crate) fn whom(escalation: &EscalationResponse) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(actions) = escalation.actions.as_ref().filter(|_| escalation.kind == RecordKind::Fired) {
        parts.extend(actions.notify.iter().map(|whom| match (whom.as_str(), &escalation.owner, &escalation.team) {
            ("owner", Some(owner), _) => owner.clone(),
            ("owner", None, _) => "owner (unassigned)".to_owned(),
            ("team_lead", _, Some(team)) => format!("{whom} of {team}"),
            _ => whom.clone(),
        }));
        let done = [("to", &actions.reassign), ("webhook", &actions.webhook), ("now", &actions.set_priority)];
        parts.extend(done.into_iter().filter_map(|(what, whom)| Some(format!("{what} {}", whom.as_ref()?))));
    }
    parts.extend(escalation.actor.iter().map(|actor| format!("by {actor}")));
    parts.extend(escalation.reason.iter().map(|reason| format!("{reason:?}")));
    parts.join(", ")
}
