//! Links in answers and events: what was found out about them.

use pinwire_domain::link::judge::{Judgement, Reason};
use pinwire_storage::links::{LinkCheck, TextLink};
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::{LinkReason, LinkVerdict};

/// What was found out about a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkCheck)]
pub struct LinkCheckView {
    /// How safe it is to follow.
    pub verdict: LinkVerdict,
    /// What is held against it.
    #[schema(max_items = 12)]
    pub reasons: Vec<LinkReason>,
    /// Where to send who clicks, on this server: it looks once more, and leads on or warns. Null for a link that is
    /// blocked, and for a while for one that was made before links were judged.
    #[schema(required, example = "/v5/links/4be1c9")]
    pub click_through: Option<String>,
}

/// Where a person may go: the address, if it is safe, and what was found out. Nothing without a link.
#[derive(Debug)]
pub struct SafeLink {
    /// The address, if nothing is held against it.
    pub link: Option<String>,
    /// What was found out.
    pub check: Option<LinkCheckView>,
}

/// A link in a text: judged by what is written, since nobody looks where it leads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextLink)]
pub struct TextLinkView {
    /// The part of the text that an app would make a link of; `[…]` for one that is blocked.
    #[schema(example = "halls.example/1")]
    pub text: String,
    /// How safe it is to follow.
    pub verdict: LinkVerdict,
    /// What is held against it.
    #[schema(max_items = 12)]
    pub reasons: Vec<LinkReason>,
}

impl From<TextLink> for TextLinkView {
    fn from(link: TextLink) -> Self {
        let Judgement { verdict, reasons } = link.judgement;
        Self {
            text: link.text,
            verdict: verdict.into(),
            reasons: reasons.into_iter().map(Into::into).collect(),
        }
    }
}

impl LinkCheckView {
    /// Of a link that is judged; of one that is not yet, it is pending.
    fn of(check: Option<&LinkCheck>) -> Self {
        let Some(check) = check else {
            return Self {
                verdict: LinkVerdict::Pending,
                reasons: Vec::new(),
                click_through: None,
            };
        };
        let verdict = LinkVerdict::from(check.verdict);
        let is_followed = verdict != LinkVerdict::Blocked;
        Self {
            verdict,
            reasons: check.reasons.iter().copied().map(Into::into).collect(),
            click_through: is_followed.then(|| click_through(check)),
        }
    }
}

/// Where to send who clicks. The picture is the pin's, not the link's, so the address says what is held against it.
fn click_through(check: &LinkCheck) -> String {
    let token = &check.token;
    if check.reasons.contains(&Reason::SmallPicture) {
        format!("/v5/links/{token}?small_picture=true")
    } else {
        format!("/v5/links/{token}")
    }
}

impl SafeLink {
    /// Of a link and what was found out about it.
    #[must_use]
    pub fn of(link: Option<String>, check: Option<&LinkCheck>) -> Self {
        let judged = link.as_ref().map(|_| LinkCheckView::of(check));
        Self {
            link: link.filter(|_| check.is_some_and(LinkCheck::is_ok)),
            check: judged,
        }
    }
}
