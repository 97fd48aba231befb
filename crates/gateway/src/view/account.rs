//! Accounts, profiles and sessions.

use pinwire_domain::SessionId;
use pinwire_storage::people::Person;
use pinwire_storage::sessions::Session;
use pinwire_storage::users::{Account, Profile};
use serde::Serialize;
use utoipa::ToSchema;

/// Your own account, in the shape of API v5 with Pinwire's fields beside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// The account.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub id: String,
    /// Unique, lower case.
    #[schema(example = "ana")]
    pub username: String,
    /// Always `PINNER`.
    #[schema(example = "PINNER")]
    pub account_type: &'static str,
    /// Always null.
    #[schema(required)]
    pub business_name: Option<String>,
    /// What you say of yourself; empty for nothing.
    #[schema(example = "I pin halls.")]
    pub about: String,
    /// URL of your avatar; empty without one.
    #[schema(example = "https://i.example/ana.jpg")]
    pub profile_image: String,
    /// Your own page; empty without one.
    #[schema(example = "https://ana.example/")]
    pub website_url: String,
    /// Your boards, secret ones too.
    #[schema(minimum = 0)]
    pub board_count: i64,
    /// Your pins, those of secret boards too.
    #[schema(minimum = 0)]
    pub pin_count: i64,
    /// People who follow you.
    #[schema(minimum = 0)]
    pub follower_count: i64,
    /// People you follow.
    #[schema(minimum = 0)]
    pub following_count: i64,
    /// Always null: nobody counts views.
    #[schema(required)]
    pub monthly_views: Option<i64>,
    /// As you write it.
    #[schema(example = "Ana Lopes")]
    pub full_name: String,
    /// Where you get mail.
    #[schema(example = "ana@example.com")]
    pub email: String,
    /// When the account was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Grows with each change of the profile.
    pub version: i64,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { profile, email } = account;
        let Profile { person, counts, .. } = profile;
        Self {
            id: person.id.to_string(),
            username: person.username,
            account_type: "PINNER",
            business_name: None,
            about: profile.about.unwrap_or_default(),
            profile_image: person.profile_image.unwrap_or_default(),
            website_url: profile.website_url.unwrap_or_default(),
            board_count: counts.boards,
            pin_count: counts.pins,
            follower_count: counts.followers,
            following_count: counts.following,
            monthly_views: None,
            full_name: person.full_name,
            email,
            created_at: profile.created_at.to_string(),
            version: person.version,
        }
    }
}

/// What everyone may know of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub struct ProfileView {
    /// Always `user`.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    pub kind: &'static str,
    /// The account.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub id: String,
    /// Unique, lower case.
    #[schema(example = "ana")]
    pub username: String,
    /// As the person writes it.
    #[schema(example = "Ana Lopes")]
    pub full_name: String,
    /// URL of the avatar; null without one.
    #[schema(required)]
    pub profile_image: Option<String>,
    /// What the person says of themselves; null for nothing.
    #[schema(required)]
    pub about: Option<String>,
    /// The person's own page; null without one.
    #[schema(required)]
    pub website_url: Option<String>,
    /// Public boards.
    #[schema(minimum = 0)]
    pub board_count: i64,
    /// Pins on public boards and on none.
    #[schema(minimum = 0)]
    pub pin_count: i64,
    /// People who follow the person.
    #[schema(minimum = 0)]
    pub follower_count: i64,
    /// People the person follows.
    #[schema(minimum = 0)]
    pub following_count: i64,
    /// When the account was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Grows with each change of the profile.
    pub version: i64,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile { person, counts, .. } = profile;
        Self {
            kind: "user",
            id: person.id.to_string(),
            username: person.username,
            full_name: person.full_name,
            profile_image: person.profile_image,
            about: profile.about,
            website_url: profile.website_url,
            board_count: counts.boards,
            pin_count: counts.pins,
            follower_count: counts.followers,
            following_count: counts.following,
            created_at: profile.created_at.to_string(),
            version: person.version,
        }
    }
}

/// A person in a list: v5's summary of a user with Pinwire's fields beside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserSummary)]
pub struct UserSummaryView {
    /// Always `user`.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    pub kind: &'static str,
    /// Unique, lower case.
    #[schema(example = "ana")]
    pub username: String,
    /// The account.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub id: String,
    /// As the person writes it.
    #[schema(example = "Ana Lopes")]
    pub full_name: String,
    /// URL of the avatar; null without one.
    #[schema(required)]
    pub profile_image: Option<String>,
}

impl From<Person> for UserSummaryView {
    fn from(person: Person) -> Self {
        Self {
            kind: "user",
            username: person.username,
            id: person.id.to_string(),
            full_name: person.full_name,
            profile_image: person.profile_image,
        }
    }
}

/// A device you are signed in on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Names of the scopes granted at sign-in, separated by spaces.
    #[schema(example = "pins:read boards:read")]
    pub scope: String,
    /// What the device said it is; null if it said nothing.
    #[schema(required, max_length = 256, example = "Pinwire for Android 1.0")]
    pub user_agent: Option<String>,
    /// When you signed in.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its tokens were last renewed.
    #[schema(format = DateTime)]
    pub last_used_at: String,
    /// When it ends unless its tokens are renewed before.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

impl SessionView {
    /// The session as `current` sees it.
    #[must_use]
    pub fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.to_string(),
            current: session.id == current,
            scope: session.scopes,
            user_agent: session.user_agent,
            created_at: session.created_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            expires_at: session.expires_at.to_string(),
        }
    }
}
