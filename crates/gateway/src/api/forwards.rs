//! Passing messages on.

use actix_web::{HttpRequest, post, web};
use pinwire_domain::board::Access;
use pinwire_domain::conversation::SendMode;
use pinwire_domain::token::Scope;
use pinwire_storage::send::{SendRequest, What};
use serde::Deserialize;
use utoipa::ToSchema;

use super::path_place;
use super::send::{self, RecipientBody, SendResult};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;

/// To whom a message is passed on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageForward)]
pub struct ForwardBody {
    /// To whom, 1 to 10; each gets it apart.
    #[schema(min_items = 1, max_items = 10)]
    pub recipients: Vec<RecipientBody>,
    /// Your own mark; makes a repeat harmless, as `Idempotency-Key` does.
    #[schema(min_length = 1, max_length = 64)]
    pub client_message_id: Option<String>,
}

/// Pass a message on
///
/// Sends text and pin, board or profile of a message that you see, as they are now, to each recipient apart; the available
/// ones commit together. Where it comes from is not told, only that it was `forwarded`. What it carries has to be yours to
/// send: a secret pin or board of your own, with the scopes for both. A repeat with the same `Idempotency-Key` or `client_message_id` answers as the first did, for ever.
#[utoipa::path(
    tag = "Messages",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
    ),
    request_body = ForwardBody,
    responses((status = 201, description = "Sent", body = SendResult))
)]
#[post("/v5/conversations/{conversation_id}/messages/{position}/forward")]
pub async fn forward(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: Body<ForwardBody>,
) -> ApiResult {
    let (conversation, position) = path_place(&path.0, &path.1)?;
    let mark = body.value.client_message_id.clone();
    let asked = SendRequest {
        what: What::Forward(conversation, position),
        recipients: send::recipients(&body.value.recipients)?,
        mode: SendMode::Separate,
        key: body.idempotency_key(&request, mark.as_deref())?,
        client_message_id: mark,
    };
    let made = app.store.send(secret_access(&caller), asked).await?;
    send::results(&app, &caller, made).await
}

/// What exists for the caller: the message may carry a secret pin or a secret board, which are two scopes.
fn secret_access(caller: &Caller) -> Access {
    let scopes = [Scope::PinsReadSecret, Scope::BoardsReadSecret];
    Access {
        user: caller.user,
        secret: scopes.iter().all(|scope| caller.may(*scope)),
    }
}
