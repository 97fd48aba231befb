//! The one table of operations: what is served, with which scopes, and so what the OpenAPI document says.

use std::collections::BTreeMap;

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use pinwire_domain::token::Scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api;
use crate::error::reasons::{self, Reason};
use crate::error::{ApiError, ApiResult};

/// An operation of the API.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The stable name; API v5's own where it has the operation.
    pub id: &'static str,
    /// Who may ask for it.
    pub access: Access,
    /// The scopes that a token needs, all of them.
    pub scopes: &'static [Scope],
    /// The errors that it may answer with, beside those that follow from its form.
    pub refuses: &'static [Reason],
}

impl Operation {
    /// Whether it is counted how often it is asked for.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.access == Access::Token || self.refuses.contains(&reasons::RATE_LIMITED)
    }
}

/// Who may ask for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who has an access token.
    Token,
    /// Who has an access token or a ticket.
    Ticket,
}

/// Each line: method, path, handler, the name if it is not the handler's, access, scopes, and the errors that do not
/// follow from the operation's form (`openapi/errors.rs` adds those).
macro_rules! operations {
    ($(
        $method:ident $path:literal $module:ident::$handler:ident $($id:literal)?
        $access:ident [$($scope:ident),*] $(refuses [$($reason:ident),* $(,)?])?;
    )*) => {
        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            id: id!($module $handler $($id)?),
            access: access!($access),
            scopes: &[$(Scope::$scope),*],
            refuses: &[$($(reasons::$reason),*)?],
        }),*];

        /// Registers every operation with the server.
        pub fn serve(config: &mut web::ServiceConfig) {
            let mut lengths = Lengths::default();
            $(lengths.add($path, api::$module::$handler);)*
            lengths.serve(config);
        }

        /// Registers every operation with the document. Apart from [`serve`], since each worker would collect the
        /// schemas of all of them.
        pub fn document(config: &mut ServiceConfig<'_>) {
            $(config.service(api::$module::$handler);)*
        }
    };
}

/// Operations by the number of parts of their path: the router tries one form after the other, and most are not as long
/// as the path that is asked for.
#[derive(Default)]
struct Lengths(BTreeMap<usize, actix_web::Scope>);

impl Lengths {
    fn add(&mut self, path: &str, operation: impl HttpServiceFactory + 'static) {
        let length = length(path);
        // A slash that is percent-encoded parts nothing, for the router either.
        let fits =
            move |request: &GuardContext<'_>| self::length(request.head().uri.path()) == length;
        let scope = self.0.remove(&length);
        let scope = scope.unwrap_or_else(|| web::scope("").guard(fn_guard(fits)));
        self.0.insert(length, scope.service(operation));
    }

    fn serve(self, config: &mut web::ServiceConfig) {
        for scope in self.0.into_values() {
            config.service(scope);
        }
    }
}

/// The parts of a path.
fn length(path: &str) -> usize {
    path.split('/').count()
}

macro_rules! id {
    ($module:ident $handler:ident) => {
        concat!(stringify!($module), "/", stringify!($handler))
    };
    ($module:ident $handler:ident $id:literal) => {
        $id
    };
}

macro_rules! access {
    (open) => {
        Access::Open
    };
    (token) => {
        Access::Token
    };
    (ticket) => {
        Access::Ticket
    };
}

operations! {
    // The router tries one form after the other: what is asked for most comes first.
    POST "/v5/conversations/{conversation_id}/messages" messages::send "messages/create" token [MessagesWrite]
        refuses [
            INVALID_VALUE, EMPTY_MESSAGE, PIN_NOT_FOUND, PIN_IS_SECRET, PIN_NOT_IN_CONVERSATION, BOARD_NOT_FOUND,
            USER_NOT_FOUND, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND, MESSAGE_DELETED, SYSTEM_MESSAGE,
            BLOCKED_BY_YOU, AWAITING_ANSWER, FIRST_CONTACT_NEEDS_PIN, DAILY_LIMIT, IDEMPOTENCY_KEY_REUSED,
        ];
    GET "/v5/conversations/{conversation_id}/messages" messages::list token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND];
    PUT "/v5/conversations/{conversation_id}/read" read_marks::read "read_marks/update" token [ConversationsWrite]
        refuses [INVALID_VALUE, CONVERSATION_NOT_FOUND, POSITION_BEYOND_END];
    POST "/v5/pins/{pin_id}/send" send::send "pins/send" token [PinsRead, MessagesWrite, ConversationsWrite]
        refuses [
            INVALID_VALUE, NO_RECIPIENTS, TOO_MANY_RECIPIENTS, TOO_MANY_PEOPLE, CONVERSATION_IN_GROUP, YOURSELF,
            NOBODY_AVAILABLE, RECIPIENT_UNAVAILABLE, AWAITING_ANSWER, DAILY_LIMIT, PIN_NOT_FOUND, PIN_IS_SECRET,
            CONVERSATION_NOT_FOUND, IDEMPOTENCY_KEY_REUSED,
        ];

    GET "/healthz" operations::healthz "health/get" open [];
    GET "/readyz" operations::readyz "readiness/get" open [] refuses [UNAVAILABLE];
    GET "/openapi.json" documents::openapi open [];
    GET "/asyncapi.json" documents::asyncapi open [];
    GET "/v5/limits" operations::get_limits "limits/get" open [];

    GET "/v5/links/{token}" links::follow "links/follow" open [] refuses [LINK_NOT_FOUND];

    POST "/v5/accounts" accounts::create open []
        refuses [INVALID_VALUE, USERNAME_TAKEN, EMAIL_TAKEN, IDEMPOTENCY_KEY_REUSED, RATE_LIMITED, UNAVAILABLE];
    POST "/v5/oauth/token" oauth::grant "oauth/token" open []
        refuses [
            UNSUPPORTED_GRANT_TYPE, INVALID_SCOPE, UNSUPPORTED, WRONG_CREDENTIALS, ACCOUNT_SUSPENDED, INVALID_GRANT,
            RATE_LIMITED,
            UNAVAILABLE,
        ];
    POST "/v5/oauth/token/revoke" oauth::revoke "token/revoke" open [] refuses [UNAVAILABLE];
    GET "/v5/user_account" user_account::get token [UserAccountsRead] refuses [UNSUPPORTED];
    PATCH "/v5/user_account" user_account::change "user_account/update" token [UserAccountsRead, UserAccountsWrite]
        refuses [INVALID_VALUE];
    PUT "/v5/user_account/password" user_account::change_password "password/update" token [UserAccountsWrite]
        refuses [INVALID_VALUE, WRONG_PASSWORD, RATE_LIMITED];
    GET "/v5/user_account/settings" settings::get token [UserAccountsRead];
    PATCH "/v5/user_account/settings" settings::change "settings/update" token [UserAccountsRead, UserAccountsWrite];
    GET "/v5/user_account/notices" reports::notices "notices/list" token [UserAccountsRead];
    GET "/v5/user_account/sessions" sessions::list token [UserAccountsRead];
    DELETE "/v5/user_account/sessions" sessions::sign_out_everywhere "sessions/delete_all" token [UserAccountsWrite];
    GET "/v5/user_account/sessions/{session_id}" sessions::get token [UserAccountsRead] refuses [SESSION_NOT_FOUND];
    DELETE "/v5/user_account/sessions/{session_id}" sessions::sign_out "sessions/delete" token [UserAccountsWrite]
        refuses [SESSION_NOT_FOUND];
    GET "/v5/user_account/following" follows::following "user_following/get" token [UserAccountsRead]
        refuses [UNSUPPORTED];
    POST "/v5/user_account/following/{username}" follows::follow "follow_user/update" token [UserAccountsWrite]
        refuses [UNSUPPORTED, USER_NOT_FOUND, YOURSELF];
    DELETE "/v5/user_account/following/{username}" follows::unfollow "follow_user/delete" token [UserAccountsWrite]
        refuses [USER_NOT_FOUND];
    GET "/v5/user_account/followers" follows::followers "followers/list" token [UserAccountsRead]
        refuses [UNSUPPORTED];
    GET "/v5/users" users::search token [UserAccountsRead] refuses [INVALID_VALUE, RATE_LIMITED];
    GET "/v5/users/{username}" users::get token [UserAccountsRead] refuses [USER_NOT_FOUND];

    GET "/v5/boards" boards::list token [BoardsRead] refuses [UNSUPPORTED];
    POST "/v5/boards" boards::create token [BoardsRead, BoardsWrite]
        refuses [INVALID_VALUE, UNSUPPORTED, BOARD_NOT_FOUND, BOARD_NAME_TAKEN, IDEMPOTENCY_KEY_REUSED];
    GET "/v5/boards/{board_id}" boards::get token [BoardsRead] refuses [UNSUPPORTED, BOARD_NOT_FOUND];
    PATCH "/v5/boards/{board_id}" boards::change "boards/update" token [BoardsRead, BoardsWrite]
        refuses [INVALID_VALUE, UNSUPPORTED, BOARD_NOT_FOUND, BOARD_NOT_YOURS, BOARD_NAME_TAKEN];
    DELETE "/v5/boards/{board_id}" boards::delete token [BoardsRead, BoardsWrite]
        refuses [UNSUPPORTED, BOARD_NOT_FOUND, BOARD_NOT_YOURS];
    GET "/v5/boards/{board_id}/pins" pins::list_of_board "boards/list_pins" token [BoardsRead, PinsRead]
        refuses [UNSUPPORTED, BOARD_NOT_FOUND];

    GET "/v5/pins" pins::list token [BoardsRead, PinsRead] refuses [UNSUPPORTED];
    POST "/v5/pins" pins::create token [BoardsRead, BoardsWrite, PinsRead, PinsWrite]
        refuses [
            INVALID_VALUE, UNSUPPORTED, BOARD_NOT_FOUND, BOARD_NOT_YOURS, PIN_NOT_FOUND, PIN_IS_SECRET,
            IDEMPOTENCY_KEY_REUSED,
        ];
    GET "/v5/pins/{pin_id}" pins::get token [BoardsRead, PinsRead] refuses [UNSUPPORTED, PIN_NOT_FOUND];
    PATCH "/v5/pins/{pin_id}" pins::change "pins/update" token [BoardsRead, BoardsWrite, PinsRead, PinsWrite]
        refuses [INVALID_VALUE, UNSUPPORTED, PIN_NOT_FOUND, PIN_NOT_YOURS, BOARD_NOT_FOUND, BOARD_NOT_YOURS];
    DELETE "/v5/pins/{pin_id}" pins::delete token [BoardsRead, BoardsWrite, PinsRead, PinsWrite]
        refuses [UNSUPPORTED, PIN_NOT_FOUND, PIN_NOT_YOURS];
    POST "/v5/pins/{pin_id}/save" pins::save token [BoardsRead, BoardsWrite, PinsRead, PinsWrite]
        refuses [
            UNSUPPORTED, PIN_NOT_FOUND, PIN_IS_SECRET, BOARD_NOT_FOUND, BOARD_NOT_YOURS, IDEMPOTENCY_KEY_REUSED,
        ];

    GET "/v5/contacts" contacts::all "contacts/list" token [ContactsRead] refuses [INVALID_VALUE];
    GET "/v5/pins/{pin_id}/contacts" contacts::for_pin "pins/list_contacts" token [ContactsRead, PinsRead]
        refuses [INVALID_VALUE, PIN_NOT_FOUND, PIN_IS_SECRET];

    GET "/v5/conversations" conversations::list token [ConversationsRead, MessagesRead];
    POST "/v5/conversations" conversations::begin "conversations/create" token [ConversationsWrite]
        refuses [INVALID_VALUE, NO_RECIPIENTS, TOO_MANY_PEOPLE, RECIPIENT_UNAVAILABLE, IDEMPOTENCY_KEY_REUSED];
    POST "/v5/conversations/read_all" read_marks::read_all token [ConversationsWrite];
    GET "/v5/conversations/{conversation_id}" conversations::get token [ConversationsRead, MessagesRead]
        refuses [CONVERSATION_NOT_FOUND];
    PATCH "/v5/conversations/{conversation_id}/membership" membership::change "membership/update"
        token [ConversationsRead, ConversationsWrite, MessagesRead] refuses [INVALID_VALUE, CONVERSATION_NOT_FOUND];
    PUT "/v5/conversations/{conversation_id}/draft" drafts::keep "drafts/update" token [MessagesWrite]
        refuses [INVALID_VALUE, EMPTY_MESSAGE, CONVERSATION_NOT_FOUND];
    GET "/v5/conversations/{conversation_id}/draft" drafts::get token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND, DRAFT_NOT_FOUND];
    DELETE "/v5/conversations/{conversation_id}/draft" drafts::drop "drafts/delete" token [MessagesWrite]
        refuses [CONVERSATION_NOT_FOUND];
    PATCH "/v5/conversations/{conversation_id}" groups::change "conversations/update" token [ConversationsRead, ConversationsWrite, MessagesRead]
        refuses [INVALID_VALUE, NOT_A_GROUP, CONVERSATION_NOT_FOUND];
    POST "/v5/conversations/{conversation_id}/members" groups::add "members/create" token [ConversationsRead, ConversationsWrite, MessagesRead]
        refuses [
            NO_RECIPIENTS, TOO_MANY_PEOPLE, RECIPIENT_UNAVAILABLE, NOT_A_GROUP, CONVERSATION_NOT_FOUND,
            IDEMPOTENCY_KEY_REUSED,
        ];
    DELETE "/v5/conversations/{conversation_id}/members/{user_id}" groups::remove "members/delete" token [ConversationsWrite]
        refuses [
            NOT_A_GROUP, DIRECT_NOT_LEAVABLE, CONVERSATION_NOT_YOURS, CONVERSATION_NOT_FOUND, MEMBER_NOT_FOUND,
        ];
    DELETE "/v5/conversations/{conversation_id}/membership" groups::leave "membership/delete" token [ConversationsWrite]
        refuses [DIRECT_NOT_LEAVABLE, CONVERSATION_NOT_FOUND];
    GET "/v5/blocks" blocks::list token [ContactsRead];
    POST "/v5/reports" reports::create token [UserAccountsWrite]
        refuses [
            INVALID_VALUE, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND, PIN_NOT_FOUND, USER_NOT_FOUND, REQUEST_NOT_FOUND,
            YOURSELF, DAILY_LIMIT,
        ];
    GET "/v5/reports" reports::list token [UserAccountsRead];
    GET "/v5/reports/{report_id}" reports::get token [UserAccountsRead] refuses [REPORT_NOT_FOUND];
    GET "/v5/moderation/reports" moderation::list "moderation_reports/list" token [ModerationRead]
        refuses [NOT_MODERATOR];
    GET "/v5/moderation/reports/{report_id}" moderation::get "moderation_reports/get" token [ModerationRead]
        refuses [NOT_MODERATOR, REPORT_NOT_FOUND];
    POST "/v5/moderation/reports/{report_id}/claim" moderation::claim "moderation_reports/claim" token [ModerationWrite]
        refuses [NOT_MODERATOR, REPORT_NOT_FOUND, REPORT_NOT_CLAIMED, REPORT_RESOLVED];
    POST "/v5/moderation/reports/{report_id}/resolve" moderation::resolve "moderation_reports/resolve"
        token [ModerationWrite]
        refuses [
            INVALID_VALUE, NOT_MODERATOR, REPORT_NOT_FOUND, REPORT_NOT_CLAIMED, REPORT_RESOLVED, ACTION_NOT_POSSIBLE,
        ];
    GET "/v5/moderation/domains" blocked_domains::list token [ModerationRead]
        refuses [NOT_MODERATOR];
    GET "/v5/moderation/domains/{domain}" blocked_domains::get token [ModerationRead]
        refuses [INVALID_VALUE, NOT_MODERATOR, DOMAIN_NOT_FOUND];
    PUT "/v5/moderation/domains/{domain}" blocked_domains::block "blocked_domains/update" token [ModerationWrite]
        refuses [INVALID_VALUE, NOT_MODERATOR];
    DELETE "/v5/moderation/domains/{domain}" blocked_domains::unblock "blocked_domains/delete"
        token [ModerationWrite]
        refuses [INVALID_VALUE, NOT_MODERATOR];
    GET "/v5/moderation/audit_log" moderation::audit_log "audit_log/list" token [ModerationRead]
        refuses [NOT_MODERATOR];
    PUT "/v5/blocks/{user_id}" blocks::block "blocks/update" token [ContactsWrite] refuses [USER_NOT_FOUND, YOURSELF];
    DELETE "/v5/blocks/{user_id}" blocks::unblock "blocks/delete" token [ContactsWrite];
    GET "/v5/contact_requests" requests::list "contact_requests/list" token [ConversationsRead];
    GET "/v5/contact_requests/{conversation_id}" requests::get "contact_requests/get" token [ConversationsRead]
        refuses [REQUEST_NOT_FOUND];
    POST "/v5/contact_requests/{conversation_id}/accept" requests::accept "contact_requests/accept" token [ConversationsRead, ConversationsWrite, MessagesRead]
        refuses [REQUEST_NOT_FOUND];
    POST "/v5/contact_requests/{conversation_id}/ignore" requests::ignore "contact_requests/ignore" token [ConversationsWrite]
        refuses [REQUEST_NOT_FOUND, INVALID_VALUE];
    GET "/v5/conversations/{conversation_id}/messages/{position}" messages::get token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND];
    PATCH "/v5/conversations/{conversation_id}/messages/{position}" message_changes::edit "messages/update" token [MessagesWrite]
        refuses [
            INVALID_VALUE, EMPTY_MESSAGE, MESSAGE_NOT_YOURS, MESSAGE_DELETED, EDIT_WINDOW_OVER, TOO_MANY_EDITS,
            CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND,
        ];
    DELETE "/v5/conversations/{conversation_id}/messages/{position}" message_changes::delete "messages/delete" token [MessagesWrite]
        refuses [MESSAGE_NOT_YOURS, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND];
    GET "/v5/conversations/{conversation_id}/messages/{position}/revisions" message_changes::revisions "messages/list_revisions" token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND];
    POST "/v5/conversations/{conversation_id}/messages/{position}/forward" forwards::forward "messages/forward" token [MessagesRead, MessagesWrite, ConversationsWrite]
        refuses [
            NO_RECIPIENTS, TOO_MANY_RECIPIENTS, YOURSELF, NOBODY_AVAILABLE, PIN_NOT_FOUND, PIN_IS_SECRET,
            BOARD_NOT_FOUND, USER_NOT_FOUND, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND, MESSAGE_DELETED,
            SYSTEM_MESSAGE, AWAITING_ANSWER, FIRST_CONTACT_NEEDS_PIN, IDEMPOTENCY_KEY_REUSED,
        ];
    PUT "/v5/conversations/{conversation_id}/messages/{position}/reactions/{emoji}" reactions::set token [MessagesWrite]
        refuses [INVALID_VALUE, MESSAGE_DELETED, TOO_MANY_REACTIONS, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND];
    DELETE "/v5/conversations/{conversation_id}/messages/{position}/reactions/{emoji}" reactions::clear token [MessagesWrite]
        refuses [INVALID_VALUE, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND];
    POST "/v5/conversations/{conversation_id}/messages/{position}/save" conversation_pins::save "messages/save_pin"
        token [BoardsRead, BoardsWrite, PinsRead, PinsWrite, MessagesRead]
        refuses [
            UNSUPPORTED, PIN_NOT_FOUND, PIN_IS_SECRET, NO_PIN_IN_MESSAGE, MESSAGE_DELETED, BOARD_NOT_FOUND,
            BOARD_NOT_YOURS, CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND, IDEMPOTENCY_KEY_REUSED,
        ];
    GET "/v5/conversations/{conversation_id}/pins" conversation_pins::list token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND];
    GET "/v5/conversations/{conversation_id}/pins/{pin_id}/messages" conversation_pins::discussion "conversation_pins/list_messages" token [MessagesRead]
        refuses [CONVERSATION_NOT_FOUND, PIN_NOT_FOUND];
    PUT "/v5/conversations/{conversation_id}/pins/{pin_id}/reactions/{emoji}" reactions::set_of_pin "pin_reactions/set" token [MessagesWrite]
        refuses [INVALID_VALUE, TOO_MANY_REACTIONS, CONVERSATION_NOT_FOUND, PIN_NOT_FOUND];
    DELETE "/v5/conversations/{conversation_id}/pins/{pin_id}/reactions/{emoji}" reactions::clear_of_pin "pin_reactions/clear" token [MessagesWrite]
        refuses [INVALID_VALUE, CONVERSATION_NOT_FOUND, PIN_NOT_FOUND];
    GET "/v5/pins/{pin_id}/conversations" conversation_pins::holders "pins/list_conversations" token [PinsRead, ConversationsRead, MessagesRead]
        refuses [PIN_NOT_FOUND];
    POST "/v5/conversations/{conversation_id}/board" conversation_pins::make_board "conversations/create_board"
        token [BoardsRead, BoardsWrite, PinsRead, PinsWrite, MessagesRead]
        refuses [
            INVALID_VALUE, PIN_NOT_FOUND, PIN_IS_SECRET, PIN_NOT_IN_CONVERSATION, TOO_MANY_PINS, BOARD_NAME_TAKEN,
            CONVERSATION_NOT_FOUND, IDEMPOTENCY_KEY_REUSED,
        ];
    GET "/v5/search/messages" search::messages token [MessagesRead]
        refuses [INVALID_VALUE, USER_NOT_FOUND, CONVERSATION_NOT_FOUND, RATE_LIMITED];
    PUT "/v5/conversations/{conversation_id}/unread" read_marks::flag "unread_flags/set" token [ConversationsWrite]
        refuses [CONVERSATION_NOT_FOUND];
    DELETE "/v5/conversations/{conversation_id}/unread" read_marks::unflag "unread_flags/clear" token [ConversationsWrite]
        refuses [CONVERSATION_NOT_FOUND];
    POST "/v5/conversations/{conversation_id}/typing" typing::tell "typing/create" token [MessagesWrite]
        refuses [CONVERSATION_NOT_FOUND];
    GET "/v5/unread" read_marks::unread "unread/get" token [ConversationsRead];

    GET "/v5/heads" heads::list token [ConversationsRead, MessagesRead];
    PUT "/v5/heads/{conversation_id}" heads::set "heads/update" token [ConversationsWrite]
        refuses [INVALID_VALUE, CONVERSATION_NOT_FOUND];
    DELETE "/v5/heads/{conversation_id}" heads::close token [ConversationsWrite] refuses [CONVERSATION_NOT_FOUND];

    GET "/v5/events" events::poll token [ConversationsRead, MessagesRead] refuses [MALFORMED_CURSOR, RESYNC_REQUIRED];
    GET "/v5/events/stream" event_stream::open token [ConversationsRead, MessagesRead] refuses [MALFORMED_CURSOR];
    GET "/v5/sync" events::sync "sync/get" token [ConversationsRead, MessagesRead];
    POST "/v5/ws/tickets" tickets::create "ws_tickets/create" token [ConversationsRead, MessagesRead];
    GET "/v5/ws" events::websocket "ws/open" ticket [ConversationsRead, MessagesRead]
        refuses [MALFORMED_HEADER, MALFORMED_CURSOR, ORIGIN_NOT_ALLOWED];
}

/// Whether a path has this form, as the router sees it: a part in braces stands for any one that is not empty.
fn has_form(path: &str, form: &str) -> bool {
    let mut parts = path.split('/');
    let fits = |expected: &str| {
        parts
            .next()
            .is_some_and(|part| part == expected || (expected.starts_with('{') && !part.is_empty()))
    };
    form.split('/').all(fits) && parts.next().is_none()
}

/// The operations of this path, decoded as the router decodes it, that `may` be meant; the one that is routed to comes
/// first.
fn at(path: &str, may: impl Fn(&Operation) -> bool) -> impl Iterator<Item = &'static Operation> {
    OPERATIONS
        .iter()
        .filter(move |o| may(o) && has_form(path, o.path))
}

/// The operation that a request asks for.
#[must_use]
pub fn asked(method: &Method, path: &str) -> Option<&'static Operation> {
    at(path, |o| o.method == method.as_str()).next()
}

/// The operation of this method and path.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS
        .iter()
        .find(|o| o.method == method && o.path == path)
}

/// The methods of a path, as `Allow` names them; none for a path that is not known.
fn methods(path: &str) -> Vec<&'static str> {
    let mut methods: Vec<&str> = at(path, |_| true).map(|o| o.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    if !methods.is_empty() {
        methods.push("OPTIONS");
    }
    methods
}

/// Answers what no operation took: `OPTIONS` for a known path, else 405; 404 for others.
pub async fn no_such_route(request: HttpRequest) -> ApiResult {
    let methods = methods(request.match_info().as_str());
    if methods.is_empty() {
        return Err(ApiError::new(reasons::NO_SUCH_ROUTE, "no such path"));
    }
    let methods = methods.join(", ");
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::ALLOW, methods))
            .finish());
    }
    Err(ApiError::new(reasons::METHOD_NOT_ALLOWED, "this path has no such method").allow(methods))
}
