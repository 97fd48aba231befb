//! Closed sets of the rules, as requests, answers and frames name them.

use pinwire_domain::link::judge;
use pinwire_domain::{board, conversation, group, head, message, policy, report};
use pinwire_storage::events;
use pinwire_storage::groups;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Closed sets with the names of their values, to and from those of the rules.
macro_rules! kinds {
    ($(
        $(#[doc = $doc:tt])* #[serde($($case:tt)*)]
        $kind:ident = $module:ident::$rule:ident { $($(#[doc = $meaning:tt])* $value:ident),* $(,)? }
    )*) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde($($case)*)]
        pub enum $kind { $($(#[doc = $meaning])* $value),* }

        impl From<$module::$rule> for $kind {
            fn from(value: $module::$rule) -> Self {
                match value { $($module::$rule::$value => Self::$value),* }
            }
        }

        impl From<$kind> for $module::$rule {
            fn from(value: $kind) -> Self {
                match value { $($kind::$value => Self::$value),* }
            }
        }
    )* };
}

kinds! {
    /// The two kinds of conversation: of two people, unique for ever, or of several.
    #[serde(rename_all = "snake_case")]
    ConversationKind = conversation::ConversationKind {
        /// Between two people.
        Direct,
        /// Of several people.
        Group,
    }

    /// Where first messages of others land.
    #[serde(rename_all = "snake_case")]
    Placement = policy::Placement {
        /// Nowhere: you do not hear of them.
        Nobody,
        /// Among your contact requests.
        Requests,
        /// In your inbox.
        Inbox,
    }

    /// How a pin goes to several people: to each apart, or to one group of all.
    #[serde(rename_all = "snake_case")]
    SendMode = conversation::SendMode {
        /// To each apart.
        Separate,
        /// To one group of all.
        Group,
    }

    /// Who wrote a message: a person, or Pinwire itself.
    #[serde(rename_all = "snake_case")]
    MessageKind = message::MessageKind {
        /// A person.
        User,
        /// Pinwire itself.
        System,
    }

    /// What happened to a group.
    #[serde(rename_all = "snake_case")]
    NoticeCode = group::NoticeCode {
        /// The sender gave it another title, or took the title away.
        TitleChanged,
        /// The sender added `people`.
        MembersAdded,
        /// The sender was asked, and joined.
        MemberJoined,
        /// The sender removed `people`.
        MemberRemoved,
        /// The sender left.
        MemberLeft,
    }

    /// What of a group's history a person sees who joins: what is written from then on, or all of it.
    #[serde(rename_all = "snake_case")]
    History = group::History {
        /// What is written from the joining on.
        FromJoin,
        /// All of it.
        All,
    }

    /// What became of a person to be added: took part before, takes part now, or is asked.
    #[serde(rename_all = "snake_case")]
    Added = groups::Added {
        /// Took part before.
        Member,
        /// Takes part now.
        Added,
        /// Is asked.
        Asked,
    }

    /// How a pin that was sent stands now: as it was sent, changed, with a link to another domain, removed by its
    /// owner, or with a link to a blocked domain.
    #[serde(rename_all = "snake_case")]
    PinState = message::PinState {
        /// As it was sent.
        Live,
        /// Changed since.
        Edited,
        /// Its link leads to another domain.
        LinkChanged,
        /// Removed by its owner.
        Removed,
        /// Its link leads to a domain that is blocked.
        Blocked,
    }

    /// How safe a link is to follow: not looked at yet, safe, doubtful, or never delivered.
    #[serde(rename_all = "snake_case")]
    LinkVerdict = judge::Verdict {
        /// Nobody has looked yet where it leads.
        Pending,
        /// Nothing is held against it.
        Ok,
        /// It may lead elsewhere than it seems to.
        Warn,
        /// It is never delivered.
        Blocked,
    }

    /// What is held against a link: a domain that is blocked, a shortener, a redirect to another domain, more than five
    /// redirects, somebody who earns by the click, a number instead of a name, a user name in it, letters of several
    /// scripts, a likeness to a well-known domain, an unusual port, a picture too small for it, or that nobody could
    /// look where it leads.
    #[serde(rename_all = "snake_case")]
    LinkReason = judge::Reason {
        /// Its domain, or one that it leads to, is blocked.
        ListedDomain,
        /// It goes through a shortener.
        Shortener,
        /// It redirects to another domain.
        OtherDomain,
        /// It redirects more than five times.
        LongChain,
        /// Somebody earns by a click.
        Affiliate,
        /// Its host is a number.
        NumericHost,
        /// It holds a user name.
        UserInfo,
        /// Its host mixes scripts.
        MixedScript,
        /// Its host looks like a well-known one.
        LookAlike,
        /// It leads to an unusual port.
        UnusualPort,
        /// The pin's picture is too small.
        SmallPicture,
        /// It could not be looked at.
        Unreachable,
    }

    /// What is held against something.
    #[serde(rename_all = "snake_case")]
    ReportCategory = report::Category {
        /// Advertising that nobody asked for, or that leads elsewhere than it says.
        Spam,
        /// It wants to cheat people of money or passwords.
        Scam,
        /// It torments somebody.
        Harassment,
        /// It attacks people for what they are.
        Hate,
        /// Nudity, or sexual.
        Sexual,
        /// It shows or threatens violence.
        Violence,
        /// It is about somebody harming themselves.
        SelfHarm,
        /// It pretends to be somebody else.
        Impersonation,
        /// Something else.
        Other,
    }

    /// How far a report is: nobody has it, a moderator has it, or it is decided.
    #[serde(rename_all = "snake_case")]
    CaseState = report::CaseState {
        /// Nobody has it.
        Open,
        /// A moderator has it.
        Claimed,
        /// It is decided.
        Resolved,
    }

    /// What moderators do: nothing, tell the person, remove the message or pin, block the domain of the link, or bar the
    /// account.
    #[serde(rename_all = "snake_case")]
    ModerationAction = report::Action {
        /// Nothing.
        None,
        /// The person is told.
        Warn,
        /// The message or pin is removed, and the person told.
        Remove,
        /// No link to the domain is delivered any more.
        BlockDomain,
        /// The person is signed out and cannot sign in any more.
        Suspend,
    }

    /// What moderators tell a person: a warning, or that a message or a pin was removed.
    #[serde(rename_all = "snake_case")]
    ModerationNoticeCode = report::NoticeCode {
        /// Something was not in order.
        Warned,
        /// A message was removed.
        MessageRemoved,
        /// A pin was removed.
        PinRemoved,
    }

    /// How a board that was shared stands now: there for everyone who has its address, for its owner alone, or removed.
    #[serde(rename_all = "snake_case")]
    BoardState = message::BoardState {
        /// There for everyone who has its address.
        Open,
        /// There for its owner alone.
        Secret,
        /// Removed by its owner.
        Removed,
    }

    /// How a head is drawn: with its conversation, or as the avatar alone.
    #[serde(rename_all = "snake_case")]
    HeadState = head::HeadState {
        /// With its conversation.
        Open,
        /// The avatar alone.
        Minimized,
    }

    /// Who may find a board: everyone, everyone who has its address, or you alone.
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    BoardPrivacy = board::Privacy {
        /// Everyone.
        Public,
        /// Everyone who has its address.
        Protected,
        /// You alone.
        Secret,
    }

    /// Why a cursor is of no use: another history of the log, events that were removed from it, or a place beyond
    /// its head.
    #[serde(rename_all = "snake_case")]
    ResyncReason = events::ResyncReason {
        /// The database was restored or replaced.
        Epoch,
        /// The events after it have been removed from the log.
        Trimmed,
        /// It lies beyond the log's head.
        Ahead,
    }
}
