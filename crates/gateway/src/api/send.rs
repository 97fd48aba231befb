//! Send a pin.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, post, web};
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::token::Scope;
use pinwire_domain::{ConversationId, PinId};
use pinwire_storage::idempotency::Made;
use pinwire_storage::send::{Recipient, SendRequest, Sent, What};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{id, path_id};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::{ApiError, ApiResult, reasons};
use crate::params::Params;
use crate::view::kinds::SendMode;
use crate::view::{self, MessageView};

/// To whom a pin is sent: exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Recipient)]
pub struct RecipientBody {
    /// A person by id.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub user_id: Option<String>,
    /// A person by username.
    #[schema(example = "bo")]
    pub username: Option<String>,
    /// A conversation you take part in; only in `separate`.
    #[schema(pattern = r"^\d+$")]
    pub conversation_id: Option<String>,
}

/// A send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PinSend)]
pub struct SendBody {
    /// To whom, 1 to 10.
    #[schema(min_items = 1, max_items = 10)]
    pub recipients: Vec<RecipientBody>,
    /// Apart or as a group.
    pub mode: SendMode,
    /// A note to go with the pin.
    #[schema(max_length = 5000, example = "For the hall?")]
    pub text: Option<String>,
    /// Your own mark; makes a repeat of this send harmless, as `Idempotency-Key` does.
    #[schema(min_length = 1, max_length = 64, example = "3b1f-1")]
    pub client_message_id: Option<String>,
}

/// Parameters of a send.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SendParams {
    /// Tell what would happen, and write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a send made.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendResult {
    /// One for each message, and one for each recipient who is unavailable.
    pub results: Vec<SendResultItem>,
}

/// What became of one recipient, or of the group.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendResultItem {
    /// The places in `recipients` that this is for; several if a person was named twice, or for a group.
    pub recipients: Vec<usize>,
    /// `sent`, or `unavailable`: no such account, a closed one, or one you have blocked.
    pub status: SendStatus,
    /// Where it was, or would be, sent.
    #[schema(required, pattern = r"^\d+$")]
    pub conversation_id: Option<String>,
    /// The message; null for a dry run.
    #[schema(required)]
    pub message: Option<MessageView>,
    /// In a dry run: `existing` if there is a conversation already, `new` if there would be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationStatus>,
    /// In a dry run: whether the conversation holds this pin already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub already_sent: Option<bool>,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendStatus {
    /// It was, or would be, sent.
    Sent,
    /// It cannot be sent.
    Unavailable,
}

/// Whether a conversation is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationStatus {
    /// It is.
    Existing,
    /// It would be made.
    New,
}

/// Send a pin
///
/// Sends a pin to people and conversations. In `separate` each gets it apart and the available ones commit
/// together; in `group` one conversation of all gets it, and one unavailable recipient refuses the whole.
/// A repeat with the same `Idempotency-Key` or `client_message_id` answers as the first did, for ever.
#[utoipa::path(
    tag = "Send a pin",
    params(("pin_id" = String, Path, description = "The pin", example = "3763541867536385"), SendParams),
    request_body = SendBody,
    responses(
        (status = 201, description = "Sent", body = SendResult),
        (status = 200, description = "What a dry run found", body = SendResult),
    )
)]
#[post("/v5/pins/{pin_id}/send")]
pub async fn send(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<SendParams>,
    (request, body): (HttpRequest, Body<SendBody>),
) -> ApiResult {
    let asked = read(path_id(&path, "pin_id")?, &request, &body)?;
    if params.dry_run {
        dry_run(&app, &caller, asked).await
    } else {
        really(&app, &caller, asked).await
    }
}

fn read(pin: PinId, request: &HttpRequest, body: &Body<SendBody>) -> ApiResult<SendRequest> {
    let value = &body.value;
    let key = body.idempotency_key(request, value.client_message_id.as_deref())?;
    let draft = MessageDraft::new(value.text.as_deref(), Some(Carried::Pin(pin)))?;
    Ok(SendRequest {
        what: What::Draft(draft),
        recipients: recipients(&value.recipients)?,
        mode: value.mode.into(),
        client_message_id: value.client_message_id.clone(),
        key,
    })
}

/// Reads whom something is sent to.
pub(super) fn recipients(bodies: &[RecipientBody]) -> ApiResult<Vec<Recipient>> {
    let each = bodies.iter().enumerate();
    each.map(|(place, body)| recipient(place, body)).collect()
}

fn recipient(place: usize, body: &RecipientBody) -> ApiResult<Recipient> {
    match (&body.user_id, &body.username, &body.conversation_id) {
        (Some(user), None, None) => Ok(Recipient::User(id(
            user,
            &format!("recipients[{place}].user_id"),
        )?)),
        (None, Some(name), None) => Ok(Recipient::Username(name.to_lowercase())),
        (None, None, Some(conversation)) => {
            let field = format!("recipients[{place}].conversation_id");
            Ok(Recipient::Conversation(id(conversation, &field)?))
        }
        _ => {
            let reason = "name exactly one of user_id, username, conversation_id";
            Err(ApiError::new(reasons::MALFORMED_BODY, reason)
                .field(format!("recipients[{place}]"), reason))
        }
    }
}

async fn really(app: &App, caller: &Caller, asked: SendRequest) -> ApiResult {
    let made = app
        .store
        .send(caller.access(Scope::PinsReadSecret), asked)
        .await?;
    results(app, caller, made).await
}

/// Tells what a send made.
pub(super) async fn results(app: &App, caller: &Caller, made: Made<Sent>) -> ApiResult {
    let (to, replayed) = (made.outcome.to.clone(), made.replayed);
    let messages = app.store.sent_messages(caller.user, made.outcome).await?;
    let results = to.into_iter().map(|sent| {
        let place = sent
            .message
            .map(|(id, position)| (ConversationId::new(id), position));
        let status = if place.is_some() {
            SendStatus::Sent
        } else {
            SendStatus::Unavailable
        };
        SendResultItem {
            recipients: sent.recipients,
            status,
            conversation_id: place.map(|(id, _)| id.to_string()),
            message: place
                .and_then(|p| messages.get(&p))
                .map(|m| MessageView::of(m, Some(caller.user))),
            conversation: None,
            already_sent: None,
        }
    });
    let view = SendResult {
        results: results.collect(),
    };
    Ok(view::made(StatusCode::CREATED, replayed, &view))
}

async fn dry_run(app: &App, caller: &Caller, asked: SendRequest) -> ApiResult {
    let would = app
        .store
        .would_send(caller.access(Scope::PinsReadSecret), asked)
        .await?;
    let results = would.into_iter().map(|w| SendResultItem {
        recipients: w.recipients,
        status: if w.available {
            SendStatus::Sent
        } else {
            SendStatus::Unavailable
        },
        conversation_id: w.existing.map(|id| id.to_string()),
        message: None,
        conversation: w.available.then_some(match w.existing {
            Some(_) => ConversationStatus::Existing,
            None => ConversationStatus::New,
        }),
        already_sent: w.available.then_some(w.already_sent),
    });
    Ok(HttpResponse::Ok().json(SendResult {
        results: results.collect(),
    }))
}
