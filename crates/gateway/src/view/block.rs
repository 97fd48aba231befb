//! Blocks in answers.

use pinwire_storage::blocks::Blocked;
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;

/// Somebody whom you have blocked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockView {
    /// Whom.
    pub user: PersonView,
    /// Since when.
    #[schema(format = DateTime)]
    pub blocked_at: String,
}

impl From<Blocked> for BlockView {
    fn from(blocked: Blocked) -> Self {
        Self {
            user: blocked.person.into(),
            blocked_at: blocked.blocked_at.to_string(),
        }
    }
}
