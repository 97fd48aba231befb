//! Scopes of access tokens, and how long tokens live.

use std::fmt;
use std::str::FromStr;

/// Milliseconds an access token lives.
pub const ACCESS_TOKEN_MS: i64 = 15 * 60 * 1_000;
/// Milliseconds a refresh token lives when it is not used.
pub const REFRESH_TOKEN_MS: i64 = 60 * 24 * 60 * 60 * 1_000;
/// Milliseconds within which a refresh whose answer was lost may be tried again.
pub const REFRESH_RETRY_MS: i64 = 10 * 1_000;
/// Milliseconds a WebSocket ticket lives.
pub const TICKET_MS: i64 = 30 * 1_000;

macro_rules! scopes {
    ($($variant:ident = $name:literal: $meaning:literal),* $(,)?) => {
        /// What a token allows. Names and meaning as in API v5, and Pinwire's own beside them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $(#[doc = $meaning] $variant),* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in tokens and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it allows, for the documents.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

scopes! {
    PinsRead = "pins:read": "See your public pins",
    PinsWrite = "pins:write": "Create, change or delete your public pins",
    PinsReadSecret = "pins:read_secret": "See your secret pins",
    PinsWriteSecret = "pins:write_secret": "Create, change or delete your secret pins",
    BoardsRead = "boards:read": "See your public boards",
    BoardsWrite = "boards:write": "Create, change or delete your public boards",
    BoardsReadSecret = "boards:read_secret": "See your secret boards",
    BoardsWriteSecret = "boards:write_secret": "Create, change or delete your secret boards",
    UserAccountsRead = "user_accounts:read": "See accounts, followers and sessions",
    UserAccountsWrite = "user_accounts:write": "Change your account, follow people, sign out sessions",
    ConversationsRead = "conversations:read": "See your conversations and heads",
    ConversationsWrite = "conversations:write": "Start conversations, move heads, set read marks",
    MessagesRead = "messages:read": "See your messages",
    MessagesWrite = "messages:write": "Send pins and messages",
    ContactsRead = "contacts:read": "See your contacts",
    ContactsWrite = "contacts:write": "Block people, answer contact requests",
    WebhooksManage = "webhooks:manage": "Manage webhooks",
    ModerationRead = "moderation:read": "See reports",
    ModerationWrite = "moderation:write": "Act on reports",
}

impl Scope {
    /// What a first-party sign-in grants: all but moderation, which is granted apart.
    pub fn first_party() -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|s| !matches!(s, Self::ModerationRead | Self::ModerationWrite))
    }
}

/// The names of scopes as tokens and answers carry them: separated by spaces.
#[must_use]
pub fn names(scopes: &[Scope]) -> String {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    names.join(" ")
}

/// Reads [`names`]; one that this version does not know allows nothing.
#[must_use]
pub fn read_names(names: &str) -> Vec<Scope> {
    names
        .split(' ')
        .filter_map(|name| name.parse().ok())
        .collect()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such scope")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .iter()
            .copied()
            .find(|s| s.name() == name)
            .ok_or(UnknownScope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_found_by_its_name_and_explained() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(*scope));
            assert!(!scope.meaning().is_empty());
        }
        assert_eq!("pins:*".parse::<Scope>(), Err(UnknownScope));
        assert_eq!(read_names(&names(Scope::ALL)), Scope::ALL);
        assert_eq!(read_names("pins:read unheard:of"), [Scope::PinsRead]);
        assert_eq!(read_names(""), []);
    }
}
