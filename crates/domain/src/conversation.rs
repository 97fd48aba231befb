//! Conversations: their kinds, keys, members, and the rules of a send.

use crate::{Field, Refusal, UserId, limits};

/// The two kinds of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationKind {
    /// Between two people, unique for ever.
    Direct,
    /// Of several people.
    Group,
}

impl ConversationKind {
    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Direct, Self::Group]
            .into_iter()
            .find(|k| k.name() == name)
    }
}

/// A person's standing in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipState {
    /// Asked, has not answered: sees the request only.
    Requested,
    /// Takes part.
    Member,
    /// Asked and declined in silence.
    Ignored,
    /// Went by themselves.
    Left,
    /// Was taken out.
    Removed,
}

impl MembershipState {
    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Member => "member",
            Self::Ignored => "ignored",
            Self::Left => "left",
            Self::Removed => "removed",
        }
    }

    /// Whether the person counts among those of the conversation: as one who takes part, or may yet. Who ignores it
    /// counts too, so that nobody learns of that.
    #[must_use]
    pub const fn takes_room(self) -> bool {
        matches!(self, Self::Requested | Self::Member | Self::Ignored)
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Requested,
            Self::Member,
            Self::Ignored,
            Self::Left,
            Self::Removed,
        ]
        .into_iter()
        .find(|s| s.name() == name)
    }
}

/// How a pin goes to several people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendMode {
    /// To each apart.
    Separate,
    /// To one group of all.
    Group,
}

/// The people whose set names an untitled conversation, the caller included, sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People(Vec<UserId>);

impl People {
    /// The caller and the others.
    ///
    /// # Errors
    /// [`Refusal::NoRecipients`] when nobody but the caller is left, [`Refusal::TooManyPeople`] beyond `limit`.
    pub fn new(
        caller: UserId,
        others: impl IntoIterator<Item = UserId>,
        limit: usize,
    ) -> Result<Self, Refusal> {
        let mut people: Vec<UserId> = others.into_iter().chain([caller]).collect();
        people.sort_unstable();
        people.dedup();
        if people.len() < 2 {
            return Err(Refusal::NoRecipients);
        }
        if people.len() > limit {
            return Err(Refusal::TooManyPeople { limit });
        }
        Ok(Self(people))
    }

    /// Two people make a direct conversation, more a group.
    #[must_use]
    pub fn kind(&self) -> ConversationKind {
        if self.0.len() == 2 {
            ConversationKind::Direct
        } else {
            ConversationKind::Group
        }
    }

    /// The people, sorted.
    #[must_use]
    pub fn ids(&self) -> &[UserId] {
        &self.0
    }

    /// The text that is the same for the same people: `direct:1:2` or `group:1:2:3`.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = self.kind().name().to_owned();
        for id in &self.0 {
            key.push(':');
            key.push_str(&id.to_string());
        }
        key
    }
}

/// Checks how many recipients a send names.
///
/// # Errors
/// [`Refusal::NoRecipients`] for none, [`Refusal::TooManyRecipients`] beyond [`limits::RECIPIENTS_MAX`].
pub fn check_recipients(count: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::NoRecipients),
        n if n > limits::RECIPIENTS_MAX => Err(Refusal::TooManyRecipients {
            limit: limits::RECIPIENTS_MAX,
        }),
        _ => Ok(()),
    }
}

/// Decides whether a send goes ahead, given for each recipient whether they can be reached.
///
/// `separate` goes to those who can be reached; a group goes to all or to none.
///
/// # Errors
/// [`Refusal::NobodyAvailable`] or [`Refusal::RecipientUnavailable`], naming the unavailable ones by place.
pub fn check_available(mode: SendMode, available: &[bool]) -> Result<(), Refusal> {
    let recipients: Vec<usize> = available
        .iter()
        .enumerate()
        .filter(|(_, ok)| !**ok)
        .map(|(place, _)| place)
        .collect();
    match mode {
        SendMode::Separate if recipients.len() == available.len() => {
            Err(Refusal::NobodyAvailable { recipients })
        }
        SendMode::Group if !recipients.is_empty() => {
            Err(Refusal::RecipientUnavailable { recipients })
        }
        _ => Ok(()),
    }
}

/// Where a read mark goes: never back, never beyond the last message.
///
/// # Errors
/// [`Refusal::PositionBeyondEnd`], or [`Refusal::InvalidValue`] below 0.
pub fn move_read_mark(mark: i64, wanted: i64, last: i64) -> Result<i64, Refusal> {
    if wanted < 0 {
        return Err(Refusal::InvalidValue(Field::new(
            "position",
            "must not be negative",
        )));
    }
    if wanted > last {
        return Err(Refusal::PositionBeyondEnd);
    }
    Ok(mark.max(wanted))
}

/// Unread messages: exact up to [`limits::UNREAD_EXACT_MAX`], then `more`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// How many, at most the bound.
    pub messages: i64,
    /// Whether there are more than the bound.
    pub more: bool,
}

impl Unread {
    /// From a full count.
    #[must_use]
    pub fn of(count: i64) -> Self {
        Self {
            messages: count.clamp(0, limits::UNREAD_EXACT_MAX),
            more: count > limits::UNREAD_EXACT_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[i64]) -> Vec<UserId> {
        numbers.iter().copied().map(UserId::new).collect()
    }

    #[test]
    fn the_same_people_have_the_same_key_in_any_order() {
        let a = People::new(UserId::new(3), ids(&[1, 2, 1]), 10).map(|p| p.key());
        assert_eq!(a.as_deref(), Ok("group:1:2:3"));
        let b = People::new(UserId::new(9), ids(&[2]), 10).map(|p| p.key());
        assert_eq!(b.as_deref(), Ok("direct:2:9"));
    }

    #[test]
    fn people_are_bounded_and_never_alone() {
        assert_eq!(
            People::new(UserId::new(1), ids(&[1]), 10),
            Err(Refusal::NoRecipients)
        );
        assert!(People::new(UserId::new(1), ids(&[2, 3]), 3).is_ok());
        assert_eq!(
            People::new(UserId::new(1), ids(&[2, 3, 4]), 3),
            Err(Refusal::TooManyPeople { limit: 3 })
        );
    }

    #[test]
    fn recipients_are_bounded() {
        assert_eq!(check_recipients(0), Err(Refusal::NoRecipients));
        assert_eq!(check_recipients(limits::RECIPIENTS_MAX), Ok(()));
        assert!(check_recipients(limits::RECIPIENTS_MAX + 1).is_err());
    }

    #[test]
    fn separate_needs_one_and_a_group_needs_all() {
        use SendMode::{Group, Separate};
        assert_eq!(check_available(Separate, &[true, false]), Ok(()));
        assert!(check_available(Separate, &[false, false]).is_err());
        assert_eq!(
            check_available(Group, &[true, false]),
            Err(Refusal::RecipientUnavailable {
                recipients: vec![1]
            })
        );
        assert_eq!(check_available(Group, &[true, true]), Ok(()));
    }

    #[test]
    fn a_read_mark_is_a_maximum() {
        assert_eq!(move_read_mark(5, 3, 9), Ok(5));
        assert_eq!(move_read_mark(5, 9, 9), Ok(9));
        assert_eq!(move_read_mark(5, 10, 9), Err(Refusal::PositionBeyondEnd));
        assert_eq!(move_read_mark(5, 0, 9), Ok(5));
        let negative = move_read_mark(5, -1, 9);
        assert!(
            matches!(negative, Err(Refusal::InvalidValue(_))),
            "{negative:?}"
        );
    }

    #[test]
    fn unread_is_exact_to_its_bound() {
        assert_eq!(
            Unread::of(100),
            Unread {
                messages: 100,
                more: false
            }
        );
        assert_eq!(
            Unread::of(101),
            Unread {
                messages: 100,
                more: true
            }
        );
    }
}
