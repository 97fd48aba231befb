//! What is yours alone in a conversation: mute, archive, hide.

use actix_web::{HttpResponse, patch, web};
use pinwire_domain::Time;
use pinwire_domain::membership::MembershipChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::path_id;
use crate::auth::Caller;
use crate::body::{self, Body};
use crate::error::{ApiError, ApiResult, reasons};
use crate::view::ConversationItem;
use crate::{App, clock};

/// A change of what is yours alone: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MembershipUpdate)]
pub struct MembershipBody {
    /// No notice until then, at most a hundred years off; null ends it.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-30T09:30:00.000Z")]
    pub muted_until: Option<Option<String>>,
    /// Put away until you undo it: not in the inbox, never counted, no head.
    pub archived: Option<bool>,
    /// Not in lists until the next message.
    pub hidden: Option<bool>,
}

impl MembershipBody {
    fn read(&self) -> ApiResult<MembershipChange> {
        let moment = |text: &String| {
            Time::parse(text).ok_or_else(|| {
                ApiError::new(reasons::MALFORMED_BODY, "muted_until is not a time")
                    .field("muted_until", "must be a time as in RFC 3339")
            })
        };
        let muted_until = match &self.muted_until {
            Some(Some(text)) => Some(Some(moment(text)?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(MembershipChange {
            muted_until,
            archived: self.archived,
            hidden: self.hidden,
        })
    }
}

/// Mute, archive or hide a conversation
///
/// For you alone, on all your devices. A muted one has no head and counts apart; an archived one does not count at
/// all, and stays so until you undo it; a hidden one is out of your lists until the next message.
#[utoipa::path(
    tag = "Conversations",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = MembershipBody,
    responses((status = 200, description = "The conversation as you see it now", body = ConversationItem))
)]
#[patch("/v5/conversations/{conversation_id}/membership")]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<MembershipBody>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    let change = body.value.read()?;
    app.store.change_membership(caller.user, id, change).await?;
    let view = app.store.conversation(caller.user, id).await?.value;
    Ok(HttpResponse::Ok().json(ConversationItem::of(&view, caller.user, clock::now())))
}
