//! Finding messages.

use actix_web::{HttpRequest, get, web};
use pinwire_domain::message_query::{Filters, MessageQuery};
use pinwire_domain::{ConversationId, Time, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, reasons};
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::rate_limit::Searched;
use crate::view::{self, MessageView};

/// What a message may be asked to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Has {
    /// A pin.
    Pin,
}

/// What to look for: `query`, `has` or `from` at least.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageSearchParams {
    /// Beginnings of words, 32 at most, accents and case aside; names with dots, such as hosts, and emoji too.
    #[serde(default)]
    #[param(max_length = 200, example = "blue hal")]
    pub query: String,
    /// Only messages that carry a pin.
    #[param(inline)]
    pub has: Option<Has>,
    /// Only messages of this person: an id or a username. An `@` before it makes a name of digits a name.
    #[param(example = "ana")]
    pub from: Option<String>,
    /// Only messages sent at this moment or later; a date alone is its beginning in UTC.
    #[param(example = "2026-11-23")]
    pub after: Option<String>,
    /// Only messages sent before this moment; a date alone is its beginning in UTC.
    #[param(example = "2026-11-24T09:30:00Z")]
    pub before: Option<String>,
    /// Only messages of this conversation.
    #[param(pattern = r"^\d+$", example = "3763541867536384")]
    pub conversation_id: Option<String>,
}

impl MessageSearchParams {
    async fn read(&self, app: &App) -> ApiResult<MessageQuery> {
        let filters = Filters {
            with_pin: self.has == Some(Has::Pin),
            after: moment("after", self.after.as_deref())?,
            before: moment("before", self.before.as_deref())?,
            conversation: self.conversation()?,
            from: self.sender(app).await?,
        };
        Ok(MessageQuery::parse(&self.query, filters)?)
    }

    fn conversation(&self) -> ApiResult<Option<ConversationId>> {
        let id = self.conversation_id.as_deref();
        id.map(|id| path_id(id, "conversation_id")).transpose()
    }

    async fn sender(&self, app: &App) -> ApiResult<Option<UserId>> {
        let Some(from) = self.from.as_deref() else {
            return Ok(None);
        };
        if let Ok(id) = from.parse() {
            return Ok(Some(id));
        }
        let name = from.strip_prefix('@').unwrap_or(from);
        Ok(Some(app.store.profile(name).await?.person.id))
    }

    /// All that the list depends on.
    fn list(&self, caller: UserId) -> String {
        let Self {
            query,
            has,
            from,
            after,
            before,
            conversation_id,
        } = self;
        format!(
            "messages found by {caller}: {:?}",
            (query, has, from, after, before, conversation_id)
        )
    }
}

/// Reads a moment or a date.
fn moment(parameter: &str, text: Option<&str>) -> ApiResult<Option<Time>> {
    let read = |text| Time::parse(text).or_else(|| Time::parse(&format!("{text}T00:00:00Z")));
    let malformed = || {
        ApiError::new(
            reasons::MALFORMED_PARAMETER,
            format!("{parameter} is not a time"),
        )
        .field(parameter, "must be an RFC 3339 time or a date")
    };
    text.map(|text| read(text).ok_or_else(malformed))
        .transpose()
}

/// Find messages
///
/// Those that you may see now, in the conversations you take part in, newest first: messages in whose text, or in
/// whose pin's title, description, words for the picture or link as it was sent, each word of the query begins a
/// word. There are no stop words. A message is found at most 2 seconds after it was sent: `X-Pinwire-Seq` tells the
/// position up to which messages can be found. At most 120 searches a minute.
#[utoipa::path(
    tag = "Messages",
    params(MessageSearchParams, PageParams),
    responses((status = 200, description = "A page of messages", body = Paged<MessageView>))
)]
#[get("/v5/search/messages")]
pub async fn messages(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<MessageSearchParams>,
    Params(paging): Params<PageParams>,
    request: HttpRequest,
) -> ApiResult {
    let list = params.list(caller.user);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    app.rate_limits
        .search(&request, Searched::Messages, caller.user)?;
    let query = params.read(&app).await?;
    let found = app
        .store
        .search_messages(caller.user, query, after, size)
        .await?;
    let page = app.bookmarks.page(&list, found.value, |message| {
        MessageView::made_of(message, Some(caller.user))
    })?;
    Ok(view::at(&found.cursor, &page))
}
