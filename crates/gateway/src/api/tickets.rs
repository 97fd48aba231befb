//! Tickets for WebSockets of browsers.

use actix_web::{HttpResponse, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pinwire_domain::token;
use pinwire_storage::tickets::Admission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;

/// A single-use pass.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub struct TicketView {
    /// For `GET /v5/ws?ticket=`, once.
    #[schema(example = "q83vEjRWeJCrze8SNFZ4kA")]
    pub ticket: String,
    /// Seconds it lives.
    #[schema(example = 30)]
    pub expires_in: i64,
}

/// Get a ticket
///
/// Opens one WebSocket within 30 seconds, on any node, as this token would: for browsers, which cannot send an
/// `Authorization` header with it.
#[utoipa::path(
    tag = "Events",
    responses((status = 201, description = "A ticket", body = TicketView))
)]
#[post("/v5/ws/tickets")]
pub async fn create(app: web::Data<App>, caller: Caller) -> ApiResult {
    let ticket = app
        .store
        .make_ticket(Admission {
            user: caller.user,
            session: caller.session,
            scopes: token::names(&caller.scopes),
            token_expires_at: caller.expires_at,
        })
        .await?;
    Ok(HttpResponse::Created().json(TicketView {
        ticket: URL_SAFE_NO_PAD.encode(ticket),
        expires_in: token::TICKET_MS / 1_000,
    }))
}
