//! Pages for people: the landing page and the browsable API description.
//!
//! This process serves everything. No page loads anything from another host, and each page's content security policy forbids it.

pub(crate) mod openapi;

use super::problem::{ApiResult, Problem};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

const LANDING: &str = include_str!("landing.html");

/// Inline styles are allowed (Swagger UI writes them); inline scripts and anything from other hosts are not.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// The routes: `/` and `/docs`.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    // Without this the page would send the description to a validator on the internet.
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

/// Paths of the pages, for the 405 response to other methods.
pub(super) const PATHS: [&str; 3] = ["/", "/docs", "/docs/{file:.*}"];

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
    let file = file.ok_or_else(|| Problem::not_found(format!("there is no page {name:?}")))?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    response.content_type(file.content_type).insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(response.body(file.bytes.into_owned()))
}
