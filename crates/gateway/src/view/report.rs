//! Reports, notices, and what moderators see, in answers.

use pinwire_domain::report::Subject;
use pinwire_storage::links::BlockedDomain;
use pinwire_storage::moderation::{Audited, Case, Notice, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::kinds::{CaseState, ModerationAction, ModerationNoticeCode, ReportCategory};
use crate::error::ApiResult;

/// What a report is about, by its `kind`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ReportSubject)]
pub enum SubjectView {
    /// A message.
    Message {
        /// Its conversation.
        #[schema(pattern = r"^\d+$", example = "3763541867536384")]
        conversation_id: String,
        /// Its place there.
        #[schema(minimum = 1, example = 3)]
        position: i64,
    },
    /// A pin.
    Pin {
        /// The pin.
        #[schema(pattern = r"^\d+$", example = "3763541867536385")]
        pin_id: String,
    },
    /// A person.
    User {
        /// The person.
        #[schema(pattern = r"^\d+$")]
        user_id: String,
    },
    /// A conversation.
    Conversation {
        /// The conversation.
        #[schema(pattern = r"^\d+$")]
        conversation_id: String,
    },
    /// A contact request.
    Request {
        /// Its conversation.
        #[schema(pattern = r"^\d+$")]
        conversation_id: String,
    },
}

impl SubjectView {
    /// What it names.
    ///
    /// # Errors
    /// 400 for what is no id.
    pub fn subject(&self) -> ApiResult<Subject> {
        use crate::api::id;
        Ok(match self {
            Self::Message {
                conversation_id,
                position,
            } => Subject::Message(id(conversation_id, "conversation_id")?, *position),
            Self::Pin { pin_id } => Subject::Pin(id(pin_id, "pin_id")?),
            Self::User { user_id } => Subject::User(id(user_id, "user_id")?),
            Self::Conversation { conversation_id } => {
                Subject::Conversation(id(conversation_id, "conversation_id")?)
            }
            Self::Request { conversation_id } => {
                Subject::Request(id(conversation_id, "conversation_id")?)
            }
        })
    }
}

impl From<Subject> for SubjectView {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Message(id, position) => Self::Message {
                conversation_id: id.to_string(),
                position,
            },
            Subject::Pin(id) => Self::Pin {
                pin_id: id.to_string(),
            },
            Subject::User(id) => Self::User {
                user_id: id.to_string(),
            },
            Subject::Conversation(id) => Self::Conversation {
                conversation_id: id.to_string(),
            },
            Subject::Request(id) => Self::Request {
                conversation_id: id.to_string(),
            },
        }
    }
}

/// What you reported, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536390")]
    pub id: String,
    /// What about.
    pub subject: SubjectView,
    /// What you hold against it.
    pub category: ReportCategory,
    /// In your words; null without.
    #[schema(required, max_length = 500)]
    pub comment: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When moderators decided; null until then.
    #[schema(required, format = DateTime)]
    pub resolved_at: Option<String>,
    /// Whether they did something.
    pub was_acted_on: bool,
}

impl From<Report> for ReportView {
    fn from(report: Report) -> Self {
        Self {
            id: report.id.to_string(),
            subject: report.subject.into(),
            category: report.category.into(),
            comment: report.comment,
            created_at: report.created_at.to_string(),
            resolved_at: report.resolved_at.map(|at| at.to_string()),
            was_acted_on: report.was_acted_on,
        }
    }
}

/// What people reported, each thing once until it is decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModerationReport)]
pub struct CaseView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536391")]
    pub id: String,
    /// What about.
    pub subject: SubjectView,
    /// Whose it is; null for a group, which is nobody's.
    #[schema(required, pattern = r"^\d+$")]
    pub accused_id: Option<String>,
    /// What was there when it was reported first, also if it is gone by now.
    #[schema(value_type = Object)]
    pub evidence: Value,
    /// How far it is.
    pub state: CaseState,
    /// The moderator who has it or decided; null without.
    #[schema(required, pattern = r"^\d+$")]
    pub claimed_by: Option<String>,
    /// What was done; null until it is decided.
    #[schema(required)]
    pub action: Option<ModerationAction>,
    /// Why; null without.
    #[schema(required, max_length = 500)]
    pub reason: Option<String>,
    /// How many people reported it; 0 of a pin with which requests wait, since the same goes to many strangers.
    #[schema(minimum = 0, example = 1)]
    pub reporters: i64,
    /// What they hold against it, the newest first, at most twenty; who they are is not shown.
    #[schema(max_items = 20)]
    pub reports: Vec<ComplaintView>,
    /// When it was reported first.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was decided; null until then.
    #[schema(required, format = DateTime)]
    pub resolved_at: Option<String>,
}

/// What one person holds against something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Complaint)]
pub struct ComplaintView {
    /// What.
    pub category: ReportCategory,
    /// In their words; null without.
    #[schema(required, max_length = 500)]
    pub comment: Option<String>,
}

impl From<Case> for CaseView {
    fn from(case: Case) -> Self {
        let reports = case.reports.into_iter();
        Self {
            id: case.id.to_string(),
            subject: case.subject.into(),
            accused_id: case.accused.map(|it| it.to_string()),
            evidence: case.evidence,
            state: case.state.into(),
            claimed_by: case.claimed_by.map(|it| it.to_string()),
            action: case.action.map(Into::into),
            reason: case.reason,
            reporters: case.reporters,
            reports: reports
                .map(|(category, comment)| ComplaintView {
                    category: category.into(),
                    comment,
                })
                .collect(),
            created_at: case.created_at.to_string(),
            resolved_at: case.resolved_at.map(|at| at.to_string()),
        }
    }
}

/// What moderators told you.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModerationNotice)]
pub struct ModerationNoticeView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536392")]
    pub id: String,
    /// What.
    pub code: ModerationNoticeCode,
    /// Why, in their words; null without.
    #[schema(required, max_length = 500)]
    pub reason: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<Notice> for ModerationNoticeView {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id.to_string(),
            code: notice.code.into(),
            reason: notice.reason,
            created_at: notice.created_at.to_string(),
        }
    }
}

/// A domain to which no link is delivered, nor to those below it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BlockedDomain)]
pub struct BlockedDomainView {
    /// The domain.
    #[schema(example = "pills.example")]
    pub domain: String,
    /// Why; null without.
    #[schema(required, max_length = 500)]
    pub reason: Option<String>,
    /// The moderator; null if it came from a list.
    #[schema(required, pattern = r"^\d+$")]
    pub blocked_by: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub blocked_at: String,
}

impl From<BlockedDomain> for BlockedDomainView {
    fn from(blocked: BlockedDomain) -> Self {
        Self {
            domain: blocked.domain,
            reason: blocked.reason,
            blocked_by: blocked.blocked_by.map(|it| it.to_string()),
            blocked_at: blocked.blocked_at.to_string(),
        }
    }
}

/// What a moderator or an operator did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536393")]
    pub id: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// The moderator; null for an operator.
    #[schema(required, pattern = r"^\d+$")]
    pub actor_id: Option<String>,
    /// What was done.
    #[schema(example = "domain.blocked")]
    pub action: String,
    /// To what, and why.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl From<Audited> for AuditEntryView {
    fn from(entry: Audited) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor_id: entry.actor.map(|it| it.to_string()),
            action: entry.action,
            details: entry.details,
        }
    }
}
