//! Messages of a conversation.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::token::Scope;
use pinwire_domain::{ConversationId, Refusal};
use pinwire_storage::messages::{Message, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{id, path_id, path_place};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::{ApiError, ApiResult, reasons};
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, MessageView};

/// Which messages. At most one of `after`, `before` and `around`; with a `bookmark`, what led to it or none.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesParams {
    /// Where the page begins: the `bookmark` of the page before.
    pub bookmark: Option<String>,
    /// Messages on the page at most.
    #[param(minimum = 1, maximum = 250, default = 25)]
    pub page_size: Option<i64>,
    /// Messages after this position, oldest first.
    #[param(minimum = 0)]
    pub after: Option<i64>,
    /// Messages before this position, newest first.
    #[param(minimum = 1)]
    pub before: Option<i64>,
    /// Messages around this position, oldest first.
    #[param(minimum = 1)]
    pub around: Option<i64>,
}

/// A place in a conversation's messages.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Mark {
    Before(i64),
    After(i64),
}

impl Mark {
    /// Where the page after `page` begins, which ends with this position.
    const fn beyond(page: Page, position: i64) -> Self {
        match page {
            Page::After(_) => Self::After(position),
            _ => Self::Before(position),
        }
    }
}

impl MessagesParams {
    /// Which page: of several ways to say it, one may be used.
    fn page(&self, mark: Option<Mark>) -> ApiResult<Page> {
        let of_mark = |mark| match mark {
            Mark::Before(position) => Page::Before(position),
            Mark::After(position) => Page::After(position),
        };
        let after = at_least(0, "after", self.after)?;
        let before = at_least(1, "before", self.before)?;
        // Whoever repeats the parameters of the first page means the same as who leaves them out.
        let goes_on = |first: &i64| match mark {
            Some(Mark::After(position)) => *first <= position,
            _ => false,
        };
        let goes_back = |first: &i64| match mark {
            Some(Mark::Before(position)) => *first >= position,
            _ => false,
        };
        let named = [
            ("bookmark", mark.map(of_mark)),
            ("after", after.filter(|it| !goes_on(it)).map(Page::After)),
            (
                "before",
                before.filter(|it| !goes_back(it)).map(Page::Before),
            ),
            (
                "around",
                at_least(1, "around", self.around)?.map(Page::Around),
            ),
        ];
        let mut given = named
            .into_iter()
            .filter_map(|(name, page)| Some((name, page?)));
        match (given.next(), given.next()) {
            (None, _) => Ok(Page::Newest),
            (Some((_, page)), None) => Ok(page),
            (Some((one, _)), Some((other, _))) => {
                let message = format!("{one} and {other} exclude each other");
                let excluded = |with: &str| format!("not together with {with}");
                Err(ApiError::new(reasons::MALFORMED_PARAMETER, message)
                    .field(one, excluded(other))
                    .field(other, excluded(one)))
            }
        }
    }
}

/// A position that is not below its bound.
fn at_least(least: i64, name: &str, position: Option<i64>) -> ApiResult<Option<i64>> {
    if position.is_some_and(|p| p < least) {
        let reason = format!("must be {least} or more");
        let message = format!("{name} {reason}");
        return Err(ApiError::new(reasons::MALFORMED_PARAMETER, message).field(name, reason));
    }
    Ok(position)
}

/// List messages
///
/// Newest first without a parameter or with `before`; oldest first with `after` or `around`.
/// No message is skipped or repeated while others are written.
#[utoipa::path(
    tag = "Messages",
    params(("conversation_id" = String, Path, description = "The conversation"), MessagesParams),
    responses((status = 200, description = "A page of messages", body = Paged<MessageView>))
)]
#[get("/v5/conversations/{conversation_id}/messages")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<MessagesParams>,
) -> ApiResult {
    let conversation: ConversationId = path_id(&path, "conversation_id")?;
    let paging = PageParams {
        bookmark: params.bookmark.clone(),
        page_size: params.page_size,
    };
    let size = paging.size()?;
    let list = format!("messages {conversation}");
    let page = params.page(app.bookmarks.open(&list, params.bookmark.as_deref())?)?;
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    // One more than asked for tells whether there is a next page.
    let limit = if matches!(page, Page::Around(_)) {
        limit - 1
    } else {
        limit
    };
    let reader = (caller.user, conversation);
    let bookmarks = app.bookmarks.clone();
    let show = move |mut messages: Vec<Message>| {
        let more = messages.len() > size;
        messages.truncate(size);
        let last = messages.last().map(|m| m.position).filter(|_| more);
        let mark = last.map(|p| Mark::beyond(page, p));
        let bookmark = mark.map(|m| bookmarks.seal(&list, &m)).transpose()?;
        let about = messages.iter().map(about_bytes).sum();
        let items: Vec<_> = messages
            .into_iter()
            .map(|m| MessageView::made_of(m, Some(reader.0)))
            .collect();
        view::write(&Paged { items, bookmark }, about)
    };
    let read = app.store.show_messages(reader, page, limit, show).await?;
    Ok(view::written_at(&read.cursor, read.value?))
}

/// About how many bytes a message takes in an answer, so that the answer's memory seldom has to move.
fn about_bytes(message: &Message) -> usize {
    let text = message.text.as_deref().unwrap_or_default().len();
    let pin = if message.pin.is_some() { 768 } else { 0 };
    448 + text + pin
}

/// Get a message
///
/// With its pin as it was sent, and how that stands now.
#[utoipa::path(
    tag = "Messages",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
    ),
    responses((status = 200, description = "The message", body = MessageView))
)]
#[get("/v5/conversations/{conversation_id}/messages/{position}")]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let (conversation, position) = path_place(&path.0, &path.1)?;
    let read = app
        .store
        .message(caller.user, conversation, position)
        .await?;
    Ok(view::snapshot(read, |message| {
        MessageView::made_of(message, Some(caller.user))
    }))
}

/// A new message: a text, or a pin, a board or a profile, or a text with one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageCreate)]
pub struct MessageBody {
    /// What is written.
    #[schema(max_length = 5000, example = "Lovely")]
    pub text: Option<String>,
    /// A pin to send along.
    #[schema(pattern = r"^\d+$")]
    pub pin_id: Option<String>,
    /// A board to share: any that you can look at.
    #[schema(pattern = r"^\d+$")]
    pub board_id: Option<String>,
    /// A person whose profile to share.
    #[schema(pattern = r"^\d+$")]
    pub user_id: Option<String>,
    /// The position of the message that this one answers.
    #[schema(minimum = 1)]
    pub reply_to: Option<i64>,
    /// A pin that was sent in this conversation, and that this message is about. Left out, an answer is about the pin
    /// that the message it answers carries or is about.
    #[schema(pattern = r"^\d+$")]
    pub about_pin_id: Option<String>,
    /// Your own mark; makes a repeat harmless, as `Idempotency-Key` does.
    #[schema(min_length = 1, max_length = 64)]
    pub client_message_id: Option<String>,
}

/// The one thing that a message carries, if any.
fn carried(body: &MessageBody) -> ApiResult<Option<Carried>> {
    let given = [
        ("pin_id", &body.pin_id),
        ("board_id", &body.board_id),
        ("user_id", &body.user_id),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(field, value)| Some((field, value.as_deref()?)));
    let (first, second) = (given.next(), given.next());
    if let (Some((one, _)), Some((other, _))) = (first, second) {
        let message = format!("{one} and {other} exclude each other");
        return Err(ApiError::new(reasons::MALFORMED_BODY, message)
            .field(one, format!("not together with {other}"))
            .field(other, format!("not together with {one}")));
    }
    Ok(match first {
        Some(("pin_id", pin)) => Some(Carried::Pin(id(pin, "pin_id")?)),
        Some(("board_id", board)) => Some(Carried::Board(id(board, "board_id")?)),
        Some((field, user)) => Some(Carried::Profile(id(user, field)?)),
        None => None,
    })
}

/// Send a message
///
/// Into a conversation you take part in. A repeat with the same `Idempotency-Key` or `client_message_id`
/// answers as the first did, for ever.
#[utoipa::path(
    tag = "Messages",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = MessageBody,
    responses((status = 201, description = "Sent", body = MessageView))
)]
#[post("/v5/conversations/{conversation_id}/messages")]
pub async fn send(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
    body: Body<MessageBody>,
) -> ApiResult {
    let conversation: ConversationId = path_id(&path, "conversation_id")?;
    let mark = body.value.client_message_id.clone();
    let key = body.idempotency_key(&request, mark.as_deref())?;
    let about = body.value.about_pin_id.as_deref();
    let about = about.map(|pin| id(pin, "about_pin_id")).transpose()?;
    let carried = carried(&body.value)?;
    let draft = MessageDraft::new(body.value.text.as_deref(), carried)?
        .reply_to(body.value.reply_to)?
        .about_pin(about);
    let access = caller.access(match carried {
        Some(Carried::Board(_)) => Scope::BoardsReadSecret,
        _ => Scope::PinsReadSecret,
    });
    let made = app
        .store
        .send_message(access, conversation, draft, mark, key)
        .await?;
    let replayed = made.replayed;
    let messages = app.store.sent_messages(caller.user, made.outcome).await?;
    let sent = messages.values().next().ok_or(Refusal::MessageNotFound)?;
    let view = MessageView::of(sent, Some(caller.user)).quoting(caller.may(Scope::MessagesRead));
    Ok(view::made(StatusCode::CREATED, replayed, &view))
}
