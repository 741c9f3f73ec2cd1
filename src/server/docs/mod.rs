//! Pages for people: where to go from the address of the service, and the browsable description of the API.
//!
//! Everything comes from this process; no page loads anything from elsewhere, which the security policy of each says too.

pub(crate) mod openapi;

use super::problem::{ApiResult, Problem};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

const LANDING: &str = include_str!("landing.html");

/// Styles in the pages themselves are allowed (the browsable description writes them), scripts from elsewhere are not.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// The routes: `/` and `/docs`.
pub fn routes(config: &mut web::ServiceConfig) {
    // Without this the page would ask a server on the internet whether the description is valid.
    let pages = Config::new(["/openapi.json"])
        .validator_url("none")
        .persist_authorization(false)
        .display_request_duration(true);
    config
        .app_data(web::Data::from(Arc::new(pages)))
        .route("/", web::get().to(landing))
        .route("/docs", web::get().to(to_docs))
        .route("/docs/{file:.*}", web::get().to(docs));
}

/// Paths that the pages have, for those who ask for them in another way.
pub const PATHS: [&str; 3] = ["/", "/docs", "/docs/{file:.*}"];

async fn landing() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(LANDING)
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

async fn docs(path: web::Path<String>, pages: web::Data<Config<'static>>) -> ApiResult<HttpResponse> {
    let name = path.into_inner();
    let file =
        utoipa_swagger_ui::serve(&name, pages.into_inner()).map_err(|error| Problem::failed(error.to_string()))?;
    let file = file.ok_or_else(|| Problem::not_found(format!("the pages have no file {name:?}")))?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    response.content_type(file.content_type).insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(response.body(file.bytes.into_owned()))
}
