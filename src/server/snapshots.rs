//! `/v1/snapshots`: take a snapshot, list snapshots.

use super::auth::{Admin, Viewer};
use super::problem::{ApiResult, Problem};
use super::state::AppState;
use crate::server::params::blocking;
use crate::store::snapshot;
use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of snapshots.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(take).service(list);
}

/// A new snapshot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct SnapshotResponse {
    /// The snapshot's number: the last group of inputs that it contains completely.
    #[schema(example = 4_711)]
    pub number: u64,
    pub tickets: u64,
    /// Size of its files in bytes.
    pub bytes: u64,
    /// Duration in milliseconds.
    pub took_ms: u64,
    /// The longest time for which commands had to wait, in milliseconds.
    pub longest_stall_ms: u64,
}

/// A stored snapshot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct SnapshotRow {
    /// The snapshot's number: the last group of inputs that it contains completely.
    #[schema(example = 4_711)]
    pub number: u64,
    /// Its folder, relative to the data folder.
    #[schema(example = "snapshots/00000000000000004711")]
    pub folder: String,
}

/// The stored snapshots.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct SnapshotList {
    /// Newest first.
    pub snapshots: Vec<SnapshotRow>,
}

/// Take a snapshot
///
/// The service keeps running meanwhile. The response is sent when the snapshot is on disk, verified and published.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "take_snapshot",
    responses((status = 200, description = "The published snapshot.", body = SnapshotResponse)),
    security(("bearer" = ["admin"]))
)]
#[post("/snapshots")]
async fn take(_admin: Admin, state: web::Data<AppState>) -> ApiResult<web::Json<SnapshotResponse>> {
    let done = state.service.snapshot().await?;
    Ok(web::Json(SnapshotResponse {
        number: done.number,
        tickets: done.tickets,
        bytes: done.bytes,
        took_ms: done.took_ms,
        longest_stall_ms: done.longest_stall_ms,
    }))
}

/// List snapshots
#[utoipa::path(
    tag = "snapshots",
    operation_id = "list_snapshots",
    responses((status = 200, description = "The stored snapshots.", body = SnapshotList)),
    security(("bearer" = ["viewer"]))
)]
#[get("/snapshots")]
async fn list(_viewer: Viewer, state: web::Data<AppState>) -> ApiResult<web::Json<SnapshotList>> {
    let folder = state.service.data_dir().join("snapshots");
    let found = blocking(move || {
        snapshot::list(&folder).map_err(|error| Problem::failed(format!("the snapshots cannot be listed: {error}")))
    });
    let row = |found: snapshot::Found| {
        let name = found.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        SnapshotRow { number: found.number, folder: format!("snapshots/{name}") }
    };
    Ok(web::Json(SnapshotList { snapshots: found.await?.into_iter().map(row).collect() }))
}
