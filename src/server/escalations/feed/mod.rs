//! `/v1/escalations/feed`: escalations as they happen, as Server-Sent Events.
//!
//! A reader is woken when there are new records, reads a chunk of them on a blocking thread, and yields before the next chunk: a
//! reader that is far behind does not delay other requests. Unsent bytes of a reader wait in its own connection; the records
//! themselves are read from the service, so a slow reader costs no memory; readers that follow the newest records share the bytes
//! of a chunk ([`chunks`]). The number of readers is bounded ([`subscribers`]), and
//! the feed of a reader ends when its token becomes invalid.
//!
//! An event's id is the epoch and the number of its record, for example `1.9f3a61c4-4711`. A client that resumes with an id that a
//! restore has undone is rejected (410); the response states the last event that both sides have in common.

pub(crate) mod chunks;
pub(crate) mod subscribers;

use super::response::{EscalationResponse, GapResponse, epoch_of};
use crate::limits::{FEED_CHUNK_ROWS, FEED_HEARTBEAT_S, FEED_WAKE_MS, MAX_FEED_READERS, MAX_FEED_READERS_OF_A_TOKEN};
use crate::server::auth::{Caller, TokenHash, Viewer, wall_clock};
use crate::server::params;
use crate::server::params::blocking;
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::server::quota::Full;
use crate::server::state::AppState;
use crate::service::Service;
use crate::store::epochs::Epoch;
use crate::store::history::Page;
use crate::store::record::{EscalationFilter, RecordKind};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, web};
use chunks::{Chunk, ChunkKey};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use subscribers::Place;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// Seconds after which a client should retry when all places are taken.
const READERS_RETRY_S: u64 = 10;

/// Asks proxies not to buffer the stream.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

const WAKE: Duration = Duration::from_millis(FEED_WAKE_MS);
const HEARTBEAT: Duration = Duration::from_secs(FEED_HEARTBEAT_S);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The routes of the feed.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(feed);
}

/// Filter and start of the feed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FeedQuery {
    /// Records of this ticket.
    #[param(max_length = 255)]
    pub ticket: Option<String>,
    /// Records of this kind.
    #[param(inline)]
    pub kind: Option<RecordKind>,
    /// Records of this clock.
    #[param(max_length = 255)]
    pub clock: Option<String>,
    /// Records of tickets with this priority.
    #[param(max_length = 255)]
    pub priority: Option<String>,
    /// Records of tickets of this team.
    #[param(max_length = 255)]
    pub team: Option<String>,
    /// Records of tickets of this owner.
    #[param(max_length = 255)]
    pub owner: Option<String>,
    /// Records of tickets of this channel.
    #[param(max_length = 255)]
    pub channel: Option<String>,
    /// Records of tickets of this category.
    #[param(max_length = 255)]
    pub category: Option<String>,
    /// Records of tickets of this customer.
    #[param(max_length = 255)]
    pub customer: Option<String>,
    /// Records of this level, from 1.
    #[param(minimum = 0, maximum = 12)]
    pub level: Option<u8>,
    /// Records after this sequence number; 0 for all records. Without it and without `Last-Event-ID`: new records only.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    pub after: Option<u64>,
}

/// Follow escalations
///
/// Server-Sent Events. Each has the epoch and the record's sequence number as `id` (`1.9f3a61c4-4711`), its kind (fired, withdrawn,
/// manual, acknowledged) as `event` and the record as `data`, in the JSON of `GET /v1/escalations`. A client that reconnects with
/// `Last-Event-ID` misses no event and gets none twice. An id that this service has never issued (the data has been restored from
/// a backup, or belongs to another service) is 410; the response states where to continue. A bare sequence number is interpreted in
/// the current epoch. If a history file is corrupt, an event `gap` with their numbers replaces its records. While there are no
/// events, a comment is sent every 15 seconds. The feed ends within a second when its token is revoked or expires. One token may
/// have at most 64 readers; a reader that reads nothing for a while is dropped.
#[utoipa::path(
    tag = "escalations",
    params(
        FeedQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received; takes precedence over `after`.", pattern = "^([0-9]{1,10}\\.[0-9a-f]{8}-)?[0-9]{1,16}$"),
    ),
    responses(
        (status = 200, description = "Events, until the client disconnects.", content_type = "text/event-stream", body = String),
        (status = 410, description = "The event of `Last-Event-ID` is not one of this data: it was restored.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["viewer"]))
)]
#[get("/escalations/feed")]
async fn feed(
    viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<FeedQuery>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let place = state.readers.enter(&viewer.actor, Instant::now()).map_err(too_many)?;
    let token = request.extensions().get::<Caller>().and_then(|caller| caller.token_hash.clone());
    let news = state.service.last_escalation();
    let (after, filter) = (query.after, query.into_inner().filter()?);
    let last = *news.borrow();
    let after = match (last_event_id(&request)?, after) {
        (Some((epoch, sequence)), _) => in_common(&state.service, epoch, sequence, last)?,
        (None, Some(after)) => params::not_behind_the_end("after", params::sequence("after", after)?, last)?,
        (None, None) => last,
    };
    let follower = Follower { filter: Arc::new(filter), after, news, state, token, checked: Instant::now() };
    let events = stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(follower))),
            Ok(None) => None,
            Err(problem) => Some((Err(io::Error::other(problem)), None)),
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((NO_BUFFERING, "no"))
        .streaming(Placed { events: Box::pin(events), place }))
}

fn too_many(full: Full) -> Problem {
    let message = match full {
        Full::All => {
            format!("all {MAX_FEED_READERS} places for readers of the feed are in use, or reserved for other tokens")
        }
        Full::Token => {
            format!("{MAX_FEED_READERS_OF_A_TOKEN} readers of this token follow the feed, the maximum per token")
        }
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after_s(READERS_RETRY_S)
}

/// Events for a reader that has a place. The connection polls for the next events when it has buffer space for them, that is, when
/// the reader has read the previous ones.
struct Placed<S> {
    events: Pin<Box<S>>,
    place: Place,
}

impl<S: Stream> Stream for Placed<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if !self.place.has_taken() {
            return Poll::Ready(None);
        }
        let events = self.events.as_mut().poll_next(context);
        if matches!(events, Poll::Ready(Some(_))) {
            self.place.offer(Instant::now());
        }
        events
    }
}

impl FeedQuery {
    fn filter(self) -> ApiResult<EscalationFilter> {
        params::checked(EscalationFilter {
            ticket: self.ticket,
            kind: self.kind,
            clock: self.clock,
            labels: [self.priority, self.owner, self.team, self.channel, self.category, self.customer].into(),
            level: self.level,
            since_ms: None,
            until_ms: None,
        })
    }
}

/// The epoch and the number of the last event that was received. A bare number has no epoch.
fn last_event_id(request: &HttpRequest) -> ApiResult<Option<(Option<Epoch>, u64)>> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let (epoch, number) = text.rsplit_once('-').map_or((None, text), |(epoch, number)| (Some(epoch), number));
    let epoch = epoch.map(str::parse::<Epoch>).transpose();
    let is_number = number.len() <= 16 && number.bytes().all(|byte| byte.is_ascii_digit());
    match (epoch, number.parse()) {
        (Ok(epoch), Ok(sequence)) if is_number => Ok(Some((epoch, sequence))),
        // Browsers send an empty id before their first event.
        _ if text.is_empty() => Ok(None),
        _ => {
            let message = format!("last-event-id is {text:?}, expected the id of an event of this feed");
            Err(Problem::bad_request(&message).with_error(FieldError::new(message).field("last-event-id")))
        }
    }
}

/// The number to continue after, if the event with that epoch and number belongs to this data.
fn in_common(service: &Service, epoch: Option<Epoch>, sequence: u64, last: u64) -> ApiResult<u64> {
    let Some(epoch) = epoch else { return params::not_behind_the_end("last-event-id", sequence, last) };
    let epochs = service.epochs();
    let common = epochs.last_common_escalation(epoch).map(|common| common.min(last));
    if common.is_some_and(|common| sequence <= common) {
        return Ok(sequence);
    }
    let current = epochs.current().map(|current| current.to_string()).unwrap_or_default();
    let go_on = match common {
        Some(common) => format!(
            "the last event in common is {epoch}-{common}: reconnect with that id to get the events since, and discard those \
             after it"
        ),
        None => "nothing is in common: reconnect without an id, with after=0 for all events".to_owned(),
    };
    let detail = format!(
        "the event {epoch}-{sequence} is not one of this data, which is of epoch {current} (reason: {}); {go_on}",
        epochs.reason()
    );
    let error =
        FieldError::new("not an event of this data").field("last-event-id").value(format!("{epoch}-{sequence}"));
    let error = match common {
        Some(common) => error.expected(format!("{epoch}-{common}")),
        None => error,
    };
    Err(Problem::new(StatusCode::GONE, detail).with_error(error))
}

/// A reader of the feed.
struct Follower {
    state: web::Data<AppState>,
    filter: Arc<EscalationFilter>,
    /// The last record that was examined.
    after: u64,
    news: watch::Receiver<u64>,
    token: Option<TokenHash>,
    /// When the token was last checked.
    checked: Instant,
}

impl Follower {
    /// The next bytes for the client; `None` at the end, when the service stops or the token becomes invalid.
    async fn next(&mut self) -> ApiResult<Option<Bytes>> {
        let silent_since = Instant::now();
        loop {
            if self.state.stopping.load(Ordering::Relaxed) || !self.is_still_admitted() {
                return Ok(None);
            }
            if *self.news.borrow_and_update() > self.after {
                let events = self.read().await?;
                // Let the worker's other requests run first.
                tokio::task::yield_now().await;
                if !events.is_empty() {
                    return Ok(Some(events));
                }
                continue;
            }
            if let Ok(Err(_)) = tokio::time::timeout(WAKE, self.news.changed()).await {
                return Ok(None);
            }
            if silent_since.elapsed() >= HEARTBEAT {
                return Ok(Some(Bytes::from_static(b":\n\n")));
            }
        }
    }

    fn is_still_admitted(&mut self) -> bool {
        let (Some(tokens), Some(token)) = (&self.state.tokens, &self.token) else { return true };
        let now = Instant::now();
        if now.duration_since(self.checked) < WAKE {
            return true;
        }
        self.checked = now;
        tokens.still_admits(token, wall_clock::now_ms())
    }

    /// The next chunk of events; empty when none of its records matches the filter.
    async fn read(&mut self) -> ApiResult<Bytes> {
        let (state, after) = (self.state.clone(), self.after);
        let last = *self.news.borrow();
        let key =
            ChunkKey { filter: Arc::clone(&self.filter), after, last, acknowledged: state.service.acknowledged() };
        let chunk = blocking(move || {
            let filter = Arc::clone(&key.filter);
            state.feed_chunks.get(key, || chunk(&state.service, &filter, after))
        });
        let Chunk { events, up_to } = chunk.await?;
        self.after = up_to.max(after);
        Ok(events)
    }
}

/// The next records as events.
fn chunk(service: &Service, filter: &EscalationFilter, after: u64) -> ApiResult<Chunk> {
    let Page { records, up_to, gaps } = service.escalations(after, filter, FEED_CHUNK_ROWS)?;
    let mut text = String::new();
    let mut gaps = gaps.into_iter().map(GapResponse::from).peekable();
    for record in &records {
        while let Some(gap) = gaps.next_if(|gap| gap.from < record.sequence) {
            event(&epoch_of(service, gap.to), gap.to, "gap", &gap, &mut text);
        }
        let record_response = EscalationResponse::new(record, service);
        event(&record_response.epoch, record.sequence, record.kind.name(), &record_response, &mut text);
    }
    for gap in gaps {
        event(&epoch_of(service, gap.to), gap.to, "gap", &gap, &mut text);
    }
    Ok(Chunk { events: text.into(), up_to })
}

/// Writes one event. The JSON has no line breaks, so one `data` line is enough.
fn event(epoch: &str, sequence: u64, name: &str, data: &impl Serialize, text: &mut String) {
    let json = serde_json::to_string(data).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(text, "id: {epoch}-{sequence}\nevent: {name}\ndata: {json}\n\n");
}
