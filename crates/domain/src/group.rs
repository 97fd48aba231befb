//! Groups: who comes and goes, whose a group is, and what its members are told of it.

use crate::conversation::{ConversationKind, MembershipState};
use crate::policy::Gate;
use crate::{Refusal, Time, UserId, limits, text};

/// What of the history a person sees who joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// What is written from the joining on.
    #[default]
    FromJoin,
    /// All of it.
    All,
}

impl History {
    /// The first position that a person will see, as it is kept of who is asked.
    #[must_use]
    pub const fn kept(self) -> i64 {
        match self {
            Self::FromJoin => i64::MAX,
            Self::All => 1,
        }
    }
}

/// The first position that a person sees who joins at `position`.
#[must_use]
pub fn first_position(kept: i64, position: i64) -> i64 {
    kept.min(position)
}

/// What becomes of a person whom a member wants to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Takes part already.
    Member,
    /// Takes part from now on.
    Added,
    /// Is asked.
    Asked,
    /// Was asked before; or is never to know of it, which looks the same.
    Waits(WaitsFor),
}

/// Why nothing is told to somebody who is said to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// They have not answered yet, or ignore it.
    Answer,
    /// They have blocked who asks: it is noted, and nothing else.
    Nothing,
}

/// Decides what becomes of a person who stands so in the group, and so to who adds them.
#[must_use]
pub const fn entry(standing: Option<MembershipState>, gate: Gate) -> Entry {
    use MembershipState::{Ignored, Left, Member, Removed, Requested};
    match (standing, gate) {
        (Some(Member), _) => Entry::Member,
        (Some(Ignored), _) | (Some(Requested), Gate::Requests | Gate::Withheld) => {
            Entry::Waits(WaitsFor::Answer)
        }
        (None | Some(Left | Removed), Gate::Withheld) => Entry::Waits(WaitsFor::Nothing),
        (None | Some(Requested | Left | Removed), Gate::Inbox) => Entry::Added,
        (None | Some(Left | Removed), Gate::Requests) => Entry::Asked,
    }
}

/// What a system message tells: a code and its parameters, never prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub code: NoticeCode,
    /// Whom it happened to; none where that is who did it.
    pub people: Vec<UserId>,
    /// The new title.
    pub title: Option<String>,
    /// Whose the group is from now on, where that changed.
    pub owner: Option<UserId>,
}

impl Notice {
    /// A notice without parameters.
    #[must_use]
    pub const fn new(code: NoticeCode) -> Self {
        Self {
            code,
            people: Vec::new(),
            title: None,
            owner: None,
        }
    }
}

/// What happened to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeCode {
    /// The sender gave it another title, or took the title away.
    TitleChanged,
    /// The sender added people.
    MembersAdded,
    /// The sender was asked, and joined.
    MemberJoined,
    /// The sender removed somebody.
    MemberRemoved,
    /// The sender left.
    MemberLeft,
}

impl NoticeCode {
    const ALL: [Self; 5] = [
        Self::TitleChanged,
        Self::MembersAdded,
        Self::MemberJoined,
        Self::MemberRemoved,
        Self::MemberLeft,
    ];

    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TitleChanged => "title_changed",
            Self::MembersAdded => "members_added",
            Self::MemberJoined => "member_joined",
            Self::MemberRemoved => "member_removed",
            Self::MemberLeft => "member_left",
        }
    }

    /// The code of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

/// Makes sure that this is a group: two people have their one conversation for ever.
///
/// # Errors
/// [`Refusal::NotAGroup`].
pub fn check_kind(kind: ConversationKind) -> Result<(), Refusal> {
    match kind {
        ConversationKind::Group => Ok(()),
        ConversationKind::Direct => Err(Refusal::NotAGroup),
    }
}

/// Makes sure that a conversation can be left: one of two people can only be hidden.
///
/// # Errors
/// [`Refusal::DirectNotLeavable`].
pub fn check_leavable(kind: ConversationKind) -> Result<(), Refusal> {
    check_kind(kind).map_err(|_| Refusal::DirectNotLeavable)
}

/// A group's title: checked. A blank one counts as none.
///
/// # Errors
/// [`Refusal::InvalidValue`].
pub fn title(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let title = text::optional("title", text, limits::CONVERSATION_TITLE_MAX)?;
    Ok(title.map(|title| title.trim().to_owned()))
}

/// Makes sure that there is room for `more` people beside those of before.
///
/// # Errors
/// [`Refusal::TooManyPeople`].
pub fn check_room(before: usize, more: usize, limit: usize) -> Result<(), Refusal> {
    if more > 0 && before.saturating_add(more) > limit {
        return Err(Refusal::TooManyPeople { limit });
    }
    Ok(())
}

/// Only whose the group is may take others out.
///
/// # Errors
/// [`Refusal::ConversationNotYours`].
pub fn check_owner(owner: UserId, user: UserId) -> Result<(), Refusal> {
    if owner == user {
        Ok(())
    } else {
        Err(Refusal::ConversationNotYours)
    }
}

/// Whose the group is when its owner has left: of those who are left, who has been there the longest.
#[must_use]
pub fn next_owner(left: impl IntoIterator<Item = (Time, UserId)>) -> Option<UserId> {
    left.into_iter().min().map(|(_, person)| person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_name() {
        for code in NoticeCode::ALL {
            assert_eq!(NoticeCode::from_name(code.name()), Some(code));
        }
        assert_eq!(NoticeCode::from_name("group_exploded"), None);
    }

    #[test]
    fn a_contact_is_added_and_anybody_else_is_asked() {
        use MembershipState::{Ignored, Left, Member, Removed, Requested};
        let waits = Entry::Waits(WaitsFor::Answer);
        let never = Entry::Waits(WaitsFor::Nothing);
        for (standing, inbox, requests, withheld) in [
            (None, Entry::Added, Entry::Asked, never),
            (Some(Left), Entry::Added, Entry::Asked, never),
            (Some(Removed), Entry::Added, Entry::Asked, never),
            (Some(Requested), Entry::Added, waits, waits),
            (Some(Ignored), waits, waits, waits),
            (Some(Member), Entry::Member, Entry::Member, Entry::Member),
        ] {
            assert_eq!(entry(standing, Gate::Inbox), inbox, "{standing:?}");
            assert_eq!(entry(standing, Gate::Requests), requests, "{standing:?}");
            assert_eq!(entry(standing, Gate::Withheld), withheld, "{standing:?}");
        }
    }

    #[test]
    fn history_begins_with_the_joining_unless_all_of_it_is_given() {
        assert_eq!(first_position(History::FromJoin.kept(), 7), 7);
        assert_eq!(first_position(History::All.kept(), 7), 1);
    }

    #[test]
    fn a_group_has_a_bound() {
        assert_eq!(check_room(8, 2, 10), Ok(()));
        let refused = Err(Refusal::TooManyPeople { limit: 10 });
        assert_eq!(check_room(8, 3, 10), refused);
        // A lower setting does not refuse what is there already.
        assert_eq!(check_room(12, 0, 10), Ok(()));
    }

    #[test]
    fn a_title_is_bounded() {
        let at = "é".repeat(limits::CONVERSATION_TITLE_MAX);
        assert_eq!(title(Some(&at)), Ok(Some(at.clone())));
        let past = title(Some(&format!("{at}é")));
        assert!(matches!(past, Err(Refusal::InvalidValue(_))), "{past:?}");
        assert_eq!(title(Some(" Hall \n")), Ok(Some("Hall".into())));
        assert_eq!(title(Some(" ")), Ok(None));
    }

    #[test]
    fn a_group_passes_to_who_was_there_the_longest() {
        let [early, late] = [Time::from_millis(1), Time::from_millis(2)];
        let [ana, bo, cy] = [1, 2, 3].map(UserId::new);
        assert_eq!(
            next_owner([(late, ana), (early, cy), (early, bo)]),
            Some(bo)
        );
        assert_eq!(next_owner([]), None);
        assert_eq!(check_owner(bo, bo), Ok(()));
        assert_eq!(check_owner(bo, ana), Err(Refusal::ConversationNotYours));
    }
}
