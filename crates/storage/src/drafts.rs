//! Drafts: what a member has begun to write, the same on all their devices.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::draft::DraftContent;
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use crate::db::loaded::{Entity, Stored, StoredTables, StoredWrites};
use crate::db::many::{self, Table, Values};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::schema::drafts;
use crate::{Snapshot, Store, conversations};

/// A draft; without text and pin where it was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is written so far.
    pub text: Option<String>,
    /// The pin it will carry.
    pub pin: Option<PinId>,
    /// When it was last changed.
    pub updated_at: Time,
    /// Grows with each change, also when it is dropped and begun anew.
    pub version: i64,
}

/// The columns of a [`Draft`] beside its key.
#[derive(Queryable)]
pub(crate) struct DraftRow {
    text: Option<String>,
    pin_id: Option<i64>,
    updated_at: i64,
    version: i64,
}

impl From<DraftRow> for Draft {
    fn from(row: DraftRow) -> Self {
        Self {
            text: row.text,
            pin: row.pin_id.map(PinId::new),
            updated_at: Time::from_millis(row.updated_at),
            version: row.version,
        }
    }
}

/// Whose, and where.
type DraftKey = (UserId, ConversationId);

const DRAFTS: Table = Table {
    name: "drafts",
    key: &["user_id", "conversation_id"],
    columns: &["text", "pin_id", "updated_at", "version"],
};

impl Draft {
    /// Whether it was dropped.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        self.text.is_none() && self.pin.is_none()
    }

    fn values(&self, (user, conversation): &DraftKey) -> Values {
        vec![
            user.get().into(),
            conversation.get().into(),
            self.text.as_deref().into(),
            self.pin.map(PinId::get).into(),
            self.updated_at.as_millis().into(),
            self.version.into(),
        ]
    }
}

impl Entity for Draft {
    type Key = DraftKey;

    fn load(conn: &mut Conn, keys: &[DraftKey]) -> Result<Vec<(DraftKey, Self)>> {
        type Sql = (
            BigInt,
            BigInt,
            (Nullable<Text>, Nullable<BigInt>, BigInt, BigInt),
        );
        type Row = (i64, i64, DraftRow);
        let values = |(user, id): &DraftKey| vec![user.get().into(), id.get().into()];
        let keys = keys.iter().map(values).collect();
        let rows: Vec<Row> = many::select::<Sql, Row>(conn, &DRAFTS, keys)?;
        let found = rows.into_iter();
        Ok(found
            .map(|(user, id, row)| ((UserId::new(user), ConversationId::new(id)), row.into()))
            .collect())
    }
}

impl Stored for Draft {
    const TABLES: StoredTables = StoredTables::all(DRAFTS);

    fn insert(&self, key: &DraftKey, writes: &mut StoredWrites) {
        writes.inserted.push(self.values(key));
    }

    fn update(&self, key: &DraftKey, _: &Self, writes: &mut StoredWrites) {
        writes.updated.push(self.values(key));
    }
}

/// Keeps a draft, or drops it; as it is then, if there ever was one.
fn keep(
    tx: &mut Tx<'_>,
    user: UserId,
    id: ConversationId,
    content: Option<&DraftContent>,
) -> Step<Option<Draft>> {
    tx.lock(LockKey::Conversation(id.get()))?;
    let key = (user, id);
    tx.rows.drafts.want(key);
    conversations::members_for(tx, user, id)?;
    let before = tx.rows.drafts.get(&key)?.cloned();
    let text = content.and_then(|content| content.text.clone());
    let pin = content.and_then(|content| content.pin);
    let was = before.as_ref();
    let (old_text, old_pin) = was.map_or((None, None), |draft| (draft.text.clone(), draft.pin));
    if (old_text, old_pin) == (text.clone(), pin) {
        return Ok(before);
    }
    let now = tx.source.now();
    let draft = Draft {
        text,
        pin,
        updated_at: now,
        version: was.map_or(0, |draft| draft.version) + 1,
    };
    tx.rows.drafts.put(key, draft.clone());
    tx.emit(NewEvent {
        at: now,
        kind: EventKind::DraftUpdated,
        actor: user,
        about: About::Mine(id),
    });
    Ok(Some(draft))
}

/// Drops the draft of somebody who takes no part any more; the event of that tells of it.
pub(crate) fn forget(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<()> {
    let now = tx.source.now().as_millis();
    on!(tx.conn()?, c => diesel::update(drafts::table.find((user.get(), id.get())))
        .set((
            drafts::body.eq(None::<String>),
            drafts::pin_id.eq(None::<i64>),
            drafts::updated_at.eq(now),
            drafts::version.eq(drafts::version + 1),
        ))
        .execute(c))?;
    Ok(())
}

impl Store {
    /// Keeps what the caller has begun to write. What is kept already is no change: no event.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part.
    pub async fn keep_draft(
        &self,
        user: UserId,
        id: ConversationId,
        content: DraftContent,
    ) -> Result<Draft> {
        let kept = self
            .decide(vec![LockKey::Conversation(id.get())], move |tx| {
                keep(tx, user, id, Some(&content))
            })
            .await?;
        Ok(kept.ok_or(Refusal::DraftNotFound)?)
    }

    /// Drops the caller's draft; without one this changes nothing.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part.
    pub async fn drop_draft(&self, user: UserId, id: ConversationId) -> Result<()> {
        self.decide(vec![LockKey::Conversation(id.get())], move |tx| {
            keep(tx, user, id, None).map(drop)
        })
        .await
    }

    /// The caller's draft.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part, [`Refusal::DraftNotFound`].
    pub async fn draft(&self, user: UserId, id: ConversationId) -> Result<Snapshot<Draft>> {
        let Snapshot { value, cursor } = self.conversation(user, id).await?;
        let draft = value.draft.filter(|draft| !draft.is_dropped());
        let value = draft.ok_or(Refusal::DraftNotFound)?;
        Ok(Snapshot { value, cursor })
    }
}
