//! What the document says of the API as a whole.

use std::collections::BTreeSet;

use pinwire_domain::token::Scope;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
    SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Server, Tag,
};

/// An access token got by the API's own sign-in.
pub(super) const OAUTH: &str = "pinwire";
/// The same access token, however it was got.
pub(super) const BEARER: &str = "bearer";
/// A ticket in the query, for the WebSocket of a browser.
pub(super) const TICKET: &str = "ticket";

/// The groups of operations, in the order they are read.
const TAGS: &[(&str, &str)] = &[
    ("Accounts", "Signing up, and your own account."),
    ("Tokens", "Access tokens and refresh tokens."),
    ("Sessions", "The devices you are signed in on."),
    ("Users", "Other people."),
    ("Follows", "Who follows whom."),
    ("Boards", "Boards, in the shape of API v5."),
    ("Pins", "Pins, in the shape of API v5."),
    ("Contacts", "The people to choose from when a pin is sent."),
    (
        "Send a pin",
        "The heart of it: a pin to people and conversations.",
    ),
    (
        "Conversations",
        "Conversations of two people and of groups.",
    ),
    ("Groups", "The title of a group, and who comes and goes."),
    ("Blocks", "Whom you want to hear no more of."),
    (
        "Contact requests",
        "The conversations that you are asked into.",
    ),
    ("Reports", "What you tell moderators, and they you."),
    (
        "Moderation",
        "What was reported, and what is done about it.",
    ),
    (
        "Links",
        "Following a link that may lead elsewhere than it seems to.",
    ),
    ("Messages", "What is said in a conversation."),
    (
        "Conversation pins",
        "Conversations by their pins: what was sent, what was said about it, and who keeps it.",
    ),
    (
        "Reactions",
        "The emoji that people put to a message, or to a pin in a conversation.",
    ),
    (
        "Read marks",
        "Up to where you have read, and what is unread.",
    ),
    (
        "Drafts",
        "What you have begun to write, the same on all your devices.",
    ),
    (
        "Heads",
        "The avatars at the lower left, one for each conversation that is at hand.",
    ),
    (
        "Events",
        "The event stream: WebSocket, Server-Sent Events, long poll, and the state to begin from.",
    ),
    (
        "Operations",
        "What operators and clients ask of the server itself.",
    ),
];

/// The document without any operation.
pub(super) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Pinwire")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("info.md")))
        .contact(Some(
            ContactBuilder::new()
                .name(Some("The Pinwire authors"))
                .build(),
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .build()
}

/// Adds the ways to sign in.
pub(super) fn complete(components: &mut Components) {
    let scopes: Scopes = Scope::ALL.iter().map(|s| (s.name(), s.meaning())).collect();
    let oauth = OAuth2::with_description(
        [Flow::Password(Password::with_refresh_url(
            "/v5/oauth/token",
            scopes,
            "/v5/oauth/token",
        ))],
        "An access token of `POST /v5/oauth/token`, sent as `Authorization: Bearer …`.",
    );
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The same access token, to paste in."))
        .build();
    let ticket = ApiKeyValue::with_description(
        "ticket",
        "A ticket of `POST /v5/ws/tickets`: 30 seconds, used once. For browsers, which cannot send headers.",
    );
    components.add_security_scheme(OAUTH, SecurityScheme::OAuth2(oauth));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    components.add_security_scheme(TICKET, SecurityScheme::ApiKey(ApiKey::Query(ticket)));
}

/// The groups that operations are in, explained.
pub(super) fn tags(document: &OpenApi) -> Vec<Tag> {
    let used: BTreeSet<&String> = document
        .paths
        .paths
        .values()
        .flat_map(|item| [&item.get, &item.post, &item.put, &item.patch, &item.delete])
        .flatten()
        .flat_map(|operation| operation.tags.iter().flatten())
        .collect();
    TAGS.iter()
        .filter(|(name, _)| used.contains(&(*name).to_owned()))
        .map(|(name, meaning)| {
            TagBuilder::new()
                .name(*name)
                .description(Some(*meaning))
                .build()
        })
        .collect()
}
