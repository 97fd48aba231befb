//! The documents of the contract, for programs and for people.

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::App;
use crate::documents::Document;
use crate::error::{ApiError, ApiResult, reasons};

/// Asks whether it changed before it is used again.
const ASK_AGAIN: &str = "no-cache";
/// What the page of the documentation may load: what this server serves. The page sets styles on its elements,
/// and its style sheet has small pictures in it.
const OWN_ONLY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                        img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
                        frame-ancestors 'none'";

/// Get this document
///
/// OpenAPI 3.1 of the REST API. With `If-None-Match` it is sent only if it changed.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "This document", body = Object), (status = 304, description = "Not changed"))
)]
#[get("/openapi.json")]
pub async fn openapi(app: web::Data<App>, request: HttpRequest) -> ApiResult {
    Ok(served(&app.documents.openapi, &request))
}

/// Get the document of the WebSocket
///
/// AsyncAPI 3.0 of the frames of `GET /v5/ws`. With `If-None-Match` it is sent only if it changed.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "The document", body = Object), (status = 304, description = "Not changed"))
)]
#[get("/asyncapi.json")]
pub async fn asyncapi(app: web::Data<App>, request: HttpRequest) -> ApiResult {
    Ok(served(&app.documents.asyncapi, &request))
}

fn served(document: &Document, request: &HttpRequest) -> HttpResponse {
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == document.tag());
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((header::ETAG, document.tag()))
        .insert_header((header::CACHE_CONTROL, ASK_AGAIN));
    if known {
        return answer.finish();
    }
    answer
        .content_type("application/json")
        .body(document.text.clone())
}

/// The page that shows the API to people: not an operation itself.
pub fn page(config: &mut web::ServiceConfig) {
    let settings = Config::new(["/openapi.json"]).validator_url("none");
    config
        .app_data(web::Data::new(settings))
        .route("/docs", web::get().to(to_page))
        .route("/docs/{file:.*}", web::get().to(file));
}

async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

async fn file(path: web::Path<String>, settings: web::Data<Config<'static>>) -> ApiResult {
    let found = utoipa_swagger_ui::serve(&path, settings.into_inner())
        .map_err(|e| ApiError::new(reasons::INTERNAL, e.to_string()))?;
    let Some(SwaggerFile {
        bytes,
        content_type,
        gzpipped,
        ..
    }) = found
    else {
        return Err(ApiError::new(reasons::NO_SUCH_ROUTE, "no such path"));
    };
    let mut answer = HttpResponse::Ok();
    if gzpipped {
        answer.insert_header((header::CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    Ok(answer
        .insert_header((header::CONTENT_SECURITY_POLICY, OWN_ONLY))
        .insert_header((header::CACHE_CONTROL, ASK_AGAIN))
        .content_type(content_type)
        .body(bytes.into_owned()))
}
