//! Bulk bodies: tickets and events in any of the formats, read as they arrive.
//!
//! A body of a few rows is parsed on the connection's thread and sent as one command. Any other body is read on its own threads, in
//! batches of a few thousand rows, each durable before the next is sent; back-pressure stops the sender. So memory does not depend
//! on the body's length, and other requests are not delayed. Nor are other bulk bodies: a slow sender has threads only after its
//! first half MiB, and holds a slot (`slots`) only while data has arrived. If a body is interrupted (its sender disconnects, the
//! disk is full), the earlier batches remain. A row that is sent again changes nothing, so sending the whole body again is safe.

mod body_reader;
mod content_type;
pub(crate) mod events_route;
mod loader;
pub(crate) mod loads;
mod problems;
pub(crate) mod query;
mod report;
mod slots;

use crate::policy::Policy;
pub(crate) use report::{BulkReport, LoadNote, error_of};

use super::auth::Operator;
use super::middleware::Reservation;
use super::middleware::idempotency::IdempotencyKey;
use super::problem::{ApiResult, Problem};
use super::quota::Full;
use super::state::AppState;
use crate::ingest;
use crate::ingest::{Format, Numbered, Options, Source, TableBounds};
use crate::limits::{
    BULK_BLOCK_BYTES, BULK_HEAD_BYTES, MAX_OPEN_LOADS, MAX_OPEN_LOADS_OF_A_TOKEN, PLACE_WAIT_S, SMALL_BODY_BYTES,
};
use crate::service::{CommandError, Service};
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest, rt};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use loader::BulkLoader;
use problems::OPEN_RETRY_S;
pub(crate) use query::{EventsQuery, LoadQuery, OnError, RowKind};
use slots::Slot;
use std::cell::RefCell;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Reads a body and loads its rows.
///
/// # Errors
/// As a [`Problem`]: 400 and 422 for malformed or invalid bodies, 408, 413, 415, and the errors of the service.
pub(crate) async fn load(
    rows_are: RowKind,
    state: &AppState,
    operator: Operator,
    key: IdempotencyKey,
    query: LoadQuery,
    request: &HttpRequest,
    mut body: web::Payload,
) -> ApiResult<BulkReport> {
    let (format, packing) = content_type::said(request)?;
    let (head, ended) = head(&mut body).await?;
    if !head.is_empty() && !packing.fits(&head) {
        return Err(Problem::bad_request("the body is not compressed as its content-encoding states"));
    }
    let token = Arc::clone(&operator.actor);
    let rows = BulkLoader::new(rows_are, query, operator.actor, key.number());
    // An object instead of an array of objects is one row.
    let is_one = format == Some(Format::Json) && head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if ended && head.len() <= SMALL_BODY_BYTES && content_type::is_plain_text(&head) {
        return load_small(rows, &state.service, wrapped(Cursor::new(head), is_one), format).await;
    }
    let place = state.loads.open.take(&token, 1, Duration::from_secs(PLACE_WAIT_S)).await.map_err(too_many_open)?;
    // From here on the limit on open bodies bounds their memory.
    let reservation = request.extensions().get::<Rc<Reservation>>().cloned();
    reservation.inspect(|reservation| reservation.leave());
    let slot = Arc::new(state.loads.slots.of(token));
    let (feeder, reader) = body_reader::channel(Arc::clone(&slot));
    let service = state.service.clone();
    let threads = ingest::cores();
    let options = Options {
        spool_dir: Some(state.service.data_dir().to_owned()),
        tables: TableBounds::shared(Arc::clone(&state.loads.tables)),
        ..options(&rows, format, threads)
    };
    let reading = rt::task::spawn_blocking(move || {
        // The thread holds the place: it may run for a moment after its request has been dropped.
        let _place = place;
        load_stream(rows, &service, wrapped(reader, is_one), &options, &slot)
    });
    let feeding = pin!(feeder.feed(head, body, state.limits.bulk_body_bytes));
    let read = match select(reading, feeding).await {
        Either::Left((read, _)) => read,
        Either::Right(((), reading)) => reading.await,
    };
    read.map_err(|_| Problem::failed("the reader of the body panicked"))?
}

fn too_many_open(full: Full) -> Problem {
    let message = match full {
        Full::All => format!("{MAX_OPEN_LOADS} bulk bodies are being read, the maximum at the same time"),
        Full::Token => format!(
            "{MAX_OPEN_LOADS_OF_A_TOKEN} bulk bodies of this token are being read, the maximum per token at the same time"
        ),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after_s(OPEN_RETRY_S)
}

/// The first bytes of a body, and whether they are the whole body.
async fn head(body: &mut web::Payload) -> ApiResult<(Bytes, bool)> {
    let mut head = BytesMut::new();
    while head.len() < BULK_HEAD_BYTES {
        match body.next().await {
            Some(bytes) => head.extend_from_slice(&bytes.map_err(|error| Problem::from(&error))?),
            None => return Ok((head.freeze(), true)),
        }
    }
    Ok((head.freeze(), false))
}

fn wrapped(body: impl Read + Send + 'static, is_one: bool) -> Source {
    let (open, close): (&[u8], &[u8]) = if is_one { (b"[", b"]") } else { (b"", b"") };
    Source::stream("body", open.chain(body).chain(close))
}

fn options(rows: &BulkLoader, format: Option<Format>, threads: usize) -> Options {
    let strict = rows.query.on_error == OnError::Abort;
    Options { format, strict, threads, block_bytes: BULK_BLOCK_BYTES, lines: true, ..Options::default() }
}

/// Reads a small body on the connection's thread.
async fn load_small(
    mut rows: BulkLoader,
    service: &Service,
    source: Source,
    format: Option<Format>,
) -> ApiResult<BulkReport> {
    let mut batches = Vec::new();
    let mut rejects = Vec::new();
    let read = ingest::read_numbered(
        [source],
        rows.rows_are.mapping(),
        &options(&rows, format, 0),
        |numbered| {
            batches.push(numbered);
            ControlFlow::Continue(())
        },
        |reject| {
            rejects.push(reject.clone());
            Ok(())
        },
    );
    rejects.iter().for_each(|reject| rows.response.reject(reject));
    let report = read.map_err(|error| rows.problem(error))?;
    for numbered in batches {
        let (input, lines) = rows.next_input(numbered, &*policy_of(service)?)?;
        let applied = service.load(input).await?;
        rows.applied(&applied, &lines)?;
    }
    Ok(rows.response.finish(report.rows))
}

/// Reads a body on this thread and its parser threads.
fn load_stream(
    rows: BulkLoader,
    service: &Service,
    source: Source,
    options: &Options,
    slot: &Slot,
) -> ApiResult<BulkReport> {
    let mapping = rows.rows_are.mapping();
    let rows = RefCell::new(rows);
    let mut stopped = None;
    let read = ingest::read_numbered(
        [source],
        mapping,
        options,
        |numbered| {
            slot.pass_on();
            match take(&mut rows.borrow_mut(), service, numbered) {
                Ok(()) => ControlFlow::Continue(()),
                Err(problem) => {
                    stopped = Some(problem);
                    ControlFlow::Break(())
                }
            }
        },
        |reject| {
            rows.borrow_mut().response.reject(reject);
            Ok(())
        },
    );
    let rows = rows.into_inner();
    match (stopped, read) {
        (Some(problem), _) => Err(rows.stopped(problem)),
        (None, Err(error)) => Err(rows.problem(error)),
        (None, Ok(report)) => Ok(rows.response.finish(report.rows)),
    }
}

/// The policy in force, from what the service publishes: no lock of the engine is taken.
fn policy_of(service: &Service) -> ApiResult<Arc<Policy>> {
    service.policy().ok_or_else(|| Problem::from(CommandError::Stopping))
}

fn take(rows: &mut BulkLoader, service: &Service, numbered: Numbered) -> ApiResult<()> {
    let (input, lines) = rows.next_input(numbered, &*policy_of(service)?)?;
    let applied = service.load_blocking(input).map_err(|refusal: CommandError| Problem::from(refusal))?;
    rows.applied(&applied, &lines)
}

#[cfg(test)]
mod tests;
