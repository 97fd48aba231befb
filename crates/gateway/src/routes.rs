//! The one table of operations: what is served, with which scopes, and so what the OpenAPI document says.

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use pinwire_domain::token::Scope;
use pinwire_domain::token::Scope::{
    BoardsRead, BoardsWrite, ContactsRead, ConversationsRead, ConversationsWrite, MessagesRead,
    MessagesWrite, PinsRead, PinsWrite, UserAccountsRead, UserAccountsWrite,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api;
use crate::error::{ApiError, reasons};

/// An operation of the API.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The scopes a token needs, all of them; ignored where no token is needed.
    pub scopes: &'static [Scope],
    /// Whether a token is needed.
    pub signed_in: bool,
}

macro_rules! operations {
    ($($method:ident $path:literal $($handler:ident)::+ $access:ident [$($scope:ident),*];)*) => {
        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            scopes: &[$($scope),*],
            signed_in: signed_in!($access),
        }),*];

        /// Registers every operation with the server and the document.
        pub fn register(config: &mut ServiceConfig<'_>) {
            $(config.service(api::$($handler)::+);)*
        }
    };
}

macro_rules! signed_in {
    (open) => {
        false
    };
    (token) => {
        true
    };
}

operations! {
    GET "/healthz" operations::healthz open [];
    GET "/readyz" operations::readyz open [];
    GET "/v5/limits" operations::get_limits open [];

    POST "/v5/accounts" accounts::create open [];
    POST "/v5/oauth/token" oauth::grant open [];
    POST "/v5/oauth/token/revoke" oauth::revoke open [];
    GET "/v5/user_account" user_account::get token [UserAccountsRead];
    PATCH "/v5/user_account" user_account::change token [UserAccountsRead, UserAccountsWrite];
    PUT "/v5/user_account/password" user_account::change_password token [UserAccountsWrite];
    GET "/v5/user_account/sessions" sessions::list token [UserAccountsRead];
    DELETE "/v5/user_account/sessions" sessions::sign_out_everywhere token [UserAccountsWrite];
    GET "/v5/user_account/sessions/{session_id}" sessions::get token [UserAccountsRead];
    DELETE "/v5/user_account/sessions/{session_id}" sessions::sign_out token [UserAccountsWrite];
    GET "/v5/user_account/following" follows::following token [UserAccountsRead];
    POST "/v5/user_account/following/{username}" follows::follow token [UserAccountsWrite];
    DELETE "/v5/user_account/following/{username}" follows::unfollow token [UserAccountsWrite];
    GET "/v5/user_account/followers" follows::followers token [UserAccountsRead];
    GET "/v5/users" users::search token [UserAccountsRead];
    GET "/v5/users/{username}" users::get token [UserAccountsRead];

    GET "/v5/boards" boards::list token [BoardsRead];
    POST "/v5/boards" boards::create token [BoardsRead, BoardsWrite];
    GET "/v5/boards/{board_id}" boards::get token [BoardsRead];
    PATCH "/v5/boards/{board_id}" boards::change token [BoardsRead, BoardsWrite];
    DELETE "/v5/boards/{board_id}" boards::delete token [BoardsRead, BoardsWrite];
    GET "/v5/boards/{board_id}/pins" pins::list_of_board token [BoardsRead, PinsRead];

    GET "/v5/pins" pins::list token [BoardsRead, PinsRead];
    POST "/v5/pins" pins::create token [BoardsRead, BoardsWrite, PinsRead, PinsWrite];
    GET "/v5/pins/{pin_id}" pins::get token [BoardsRead, PinsRead];
    PATCH "/v5/pins/{pin_id}" pins::change token [BoardsRead, BoardsWrite, PinsRead, PinsWrite];
    DELETE "/v5/pins/{pin_id}" pins::delete token [BoardsRead, BoardsWrite, PinsRead, PinsWrite];
    POST "/v5/pins/{pin_id}/save" pins::save token [BoardsRead, BoardsWrite, PinsRead, PinsWrite];
    POST "/v5/pins/{pin_id}/send" send::send token [PinsRead, MessagesWrite, ConversationsWrite];

    GET "/v5/contacts" contacts::all token [ContactsRead];
    GET "/v5/pins/{pin_id}/contacts" contacts::for_pin token [ContactsRead, PinsRead];

    GET "/v5/conversations" conversations::list token [ConversationsRead, MessagesRead];
    POST "/v5/conversations" conversations::begin token [ConversationsWrite];
    POST "/v5/conversations/read_all" read_marks::read_all token [ConversationsWrite];
    GET "/v5/conversations/{conversation_id}" conversations::get token [ConversationsRead, MessagesRead];
    GET "/v5/conversations/{conversation_id}/messages" messages::list token [MessagesRead];
    POST "/v5/conversations/{conversation_id}/messages" messages::send token [MessagesWrite];
    GET "/v5/conversations/{conversation_id}/messages/{position}" messages::get token [MessagesRead];
    PUT "/v5/conversations/{conversation_id}/read" read_marks::read token [ConversationsWrite];
    PUT "/v5/conversations/{conversation_id}/unread" read_marks::flag token [ConversationsWrite];
    DELETE "/v5/conversations/{conversation_id}/unread" read_marks::unflag token [ConversationsWrite];
    GET "/v5/unread" read_marks::unread token [ConversationsRead];

    GET "/v5/heads" heads::list token [ConversationsRead, MessagesRead];
    PUT "/v5/heads/{conversation_id}" heads::set token [ConversationsWrite];
    DELETE "/v5/heads/{conversation_id}" heads::close token [ConversationsWrite];

    GET "/v5/events" events::poll token [ConversationsRead, MessagesRead];
    GET "/v5/sync" events::sync token [ConversationsRead, MessagesRead];
    POST "/v5/ws/tickets" tickets::create token [ConversationsRead, MessagesRead];
    GET "/v5/ws" events::websocket open [ConversationsRead, MessagesRead];
}

/// The operation that a request was routed to.
#[must_use]
pub fn operation_of(request: &HttpRequest) -> Option<&'static Operation> {
    let pattern = request.match_pattern()?;
    find(request.method().as_str(), &pattern)
}

/// The operation of this method and path.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS
        .iter()
        .find(|o| o.method == method && o.path == path)
}

/// Answers what no operation took: 405 for a known path, else 404.
pub async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let methods: Vec<&str> = OPERATIONS
        .iter()
        .filter(|o| ResourceDef::new(o.path).is_match(request.path()))
        .map(|o| o.method)
        .collect();
    if methods.is_empty() {
        return Err(ApiError::new(reasons::NO_SUCH_ROUTE, "no such path"));
    }
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent()
            .insert_header(("allow", methods.join(", ")))
            .finish());
    }
    Err(
        ApiError::new(reasons::METHOD_NOT_ALLOWED, "this path has no such method")
            .allow(methods.join(", ")),
    )
}
