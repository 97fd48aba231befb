//! How reactions are kept: as JSON beside what they are put to, since they are read with it and hardly ever change.

use pinwire_domain::UserId;
use pinwire_domain::reaction::{By, Reaction, Reactions};

use crate::error::Result;

/// An emoji, and those who reacted so, each with those from whom it is withheld.
type Kept = (String, Vec<(i64, Vec<i64>)>);

/// Reads what was kept.
pub(crate) fn read(kept: Option<&str>) -> Result<Reactions> {
    let Some(kept) = kept else {
        return Ok(Reactions::default());
    };
    let kinds: Vec<Kept> = serde_json::from_str(kept)?;
    let by = |(user, withheld): (i64, Vec<i64>)| By {
        user: UserId::new(user),
        withheld_from: withheld.into_iter().map(UserId::new).collect(),
    };
    let kind = |(emoji, people): Kept| Reaction {
        emoji,
        by: people.into_iter().map(by).collect(),
    };
    Ok(Reactions::of(kinds.into_iter().map(kind).collect()))
}

/// What is kept; nothing where there are none.
pub(crate) fn written(reactions: &Reactions) -> Result<Option<String>> {
    if reactions.kinds().is_empty() {
        return Ok(None);
    }
    let numbers = |ids: &[UserId]| ids.iter().map(|id| id.get()).collect();
    let by = |it: &By| (it.user.get(), numbers(&it.withheld_from));
    let kept: Vec<Kept> = reactions
        .kinds()
        .iter()
        .map(|kind| (kind.emoji.clone(), kind.by.iter().map(by).collect()))
        .collect();
    Ok(Some(serde_json::to_string(&kept)?))
}
