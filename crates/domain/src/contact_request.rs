//! Contact requests: what a stranger may send before they are answered, and what the receiver sees of it.

use crate::link::text::without_links;
use crate::{Field, Refusal, limits};

/// How a person of a conversation of two answered the one who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Not, or in silence: until then nothing more can be sent to them.
    Awaited,
    /// They took it.
    Accepted,
}

impl Answer {
    /// The name in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Accepted => "accepted",
        }
    }

    /// The answer of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Awaited, Self::Accepted]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// Makes sure that a message may go to somebody whose answer is awaited: the first one, with a pin and a short text.
///
/// # Errors
/// [`Refusal::AwaitingAnswer`] if there was one before, [`Refusal::FirstContactNeedsPin`], [`Refusal::InvalidValue`] for
/// a text of more than [`limits::REQUEST_TEXT_MAX`].
pub fn check(last_position: i64, has_pin: bool, text: Option<&str>) -> Result<(), Refusal> {
    if last_position > 0 {
        return Err(Refusal::AwaitingAnswer);
    }
    if !has_pin {
        return Err(Refusal::FirstContactNeedsPin);
    }
    if text.is_some_and(|text| text.chars().count() > limits::REQUEST_TEXT_MAX) {
        let most = limits::REQUEST_TEXT_MAX;
        let reason = format!("a first message has {most} characters at most");
        return Err(Refusal::InvalidValue(Field::new("text", reason)));
    }
    Ok(())
}

/// Makes sure that a person may ask one more stranger, after so many within 24 hours.
///
/// Of those asked in the last week, so many have not answered: in silence, or since they took the request away, which
/// makes no difference here. Who is seldom answered asks fewer.
///
/// # Errors
/// [`Refusal::DailyLimit`] at [`limits::REQUESTS_A_DAY_MAX`]; for a new account, and from
/// [`limits::REQUESTS_UNANSWERED_MAX`] on, at [`limits::REQUESTS_A_DAY_NEW_MAX`].
pub fn check_day(asked: i64, unanswered: i64, account_age_ms: i64) -> Result<(), Refusal> {
    let max = if is_new(account_age_ms) || unanswered >= limits::REQUESTS_UNANSWERED_MAX {
        limits::REQUESTS_A_DAY_NEW_MAX
    } else {
        limits::REQUESTS_A_DAY_MAX
    };
    within("contact requests", asked, max)
}

/// Makes sure that a person may ask more strangers into a group, after so many within 24 hours.
///
/// # Errors
/// [`Refusal::DailyLimit`] at [`limits::INVITATIONS_A_DAY_MAX`], for a new account at
/// [`limits::INVITATIONS_A_DAY_NEW_MAX`].
pub fn check_invitations(asked: i64, account_age_ms: i64) -> Result<(), Refusal> {
    let max = if is_new(account_age_ms) {
        limits::INVITATIONS_A_DAY_NEW_MAX
    } else {
        limits::INVITATIONS_A_DAY_MAX
    };
    within("group invitations", asked, max)
}

/// Whether an account of this age is new.
#[must_use]
pub const fn is_new(account_age_ms: i64) -> bool {
    account_age_ms < limits::ACCOUNT_NEW_MS
}

/// Whether a request carries what a moderator must have looked at, after so many within 24 hours that carried the same.
#[must_use]
pub const fn needs_review(same: i64) -> bool {
    same >= limits::SAME_TO_STRANGERS_MAX
}

fn within(what: &'static str, asked: i64, max: i64) -> Result<(), Refusal> {
    if asked < max {
        return Ok(());
    }
    Err(Refusal::DailyLimit { what, max })
}

/// What the receiver of a request sees of its text: nothing that leads anywhere, and no more than the bound.
#[must_use]
pub fn shown(text: &str) -> String {
    let shown = without_links(text);
    shown.chars().take(limits::REQUEST_TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_is_a_pin_with_a_short_text_and_the_next_one_waits() {
        let most = "x".repeat(limits::REQUEST_TEXT_MAX);
        assert_eq!(check(0, true, None), Ok(()));
        assert_eq!(check(0, true, Some(&most)), Ok(()));
        let refused = check(0, true, Some(&format!("{most}x")));
        assert!(matches!(refused, Err(Refusal::InvalidValue(_))));
        assert_eq!(
            check(0, false, Some("x")),
            Err(Refusal::FirstContactNeedsPin)
        );
        assert_eq!(check(1, true, None), Err(Refusal::AwaitingAnswer));
    }

    #[test]
    fn a_day_has_fewer_requests_for_new_accounts() {
        let (few, many) = (limits::REQUESTS_A_DAY_NEW_MAX, limits::REQUESTS_A_DAY_MAX);
        let new = limits::ACCOUNT_NEW_MS - 1;
        assert_eq!(check_day(few - 1, 0, new), Ok(()));
        assert!(check_day(few, 0, new).is_err());
        assert_eq!(check_day(few, 0, new + 1), Ok(()));
        assert_eq!(check_day(many - 1, 0, new + 1), Ok(()));
        let (what, max) = ("contact requests", many);
        assert_eq!(
            check_day(many, 0, new + 1),
            Err(Refusal::DailyLimit { what, max })
        );
    }

    #[test]
    fn who_is_seldom_answered_asks_fewer() {
        let (few, old) = (limits::REQUESTS_A_DAY_NEW_MAX, limits::ACCOUNT_NEW_MS);
        let seldom = limits::REQUESTS_UNANSWERED_MAX;
        assert_eq!(check_day(few, seldom - 1, old), Ok(()));
        assert!(check_day(few, seldom, old).is_err());
        assert_eq!(check_day(few - 1, seldom, old), Ok(()));
    }

    #[test]
    fn the_same_to_many_needs_review() {
        let most = limits::SAME_TO_STRANGERS_MAX;
        assert!(!needs_review(most - 1));
        assert!(needs_review(most));
    }

    #[test]
    fn a_day_has_fewer_invitations_for_new_accounts() {
        let (few, many) = (
            limits::INVITATIONS_A_DAY_NEW_MAX,
            limits::INVITATIONS_A_DAY_MAX,
        );
        let new = limits::ACCOUNT_NEW_MS - 1;
        assert_eq!(check_invitations(few - 1, new), Ok(()));
        assert!(check_invitations(few, new).is_err());
        assert_eq!(check_invitations(many - 1, new + 1), Ok(()));
        let (what, max) = ("group invitations", many);
        let refused = check_invitations(many, new + 1);
        assert_eq!(refused, Err(Refusal::DailyLimit { what, max }));
    }

    #[test]
    fn a_request_shows_no_link_and_no_more_than_the_bound() {
        assert_eq!(shown("Look at https://x.example/a?b"), "Look at […]");
        let long = "a.example/x?y ".repeat(limits::REQUEST_TEXT_MAX);
        assert_eq!(shown(&long).chars().count(), limits::REQUEST_TEXT_MAX);
        for answer in [Answer::Awaited, Answer::Accepted] {
            assert_eq!(Answer::from_name(answer.name()), Some(answer));
        }
    }
}
