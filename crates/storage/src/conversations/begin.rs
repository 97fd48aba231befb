//! Beginning a conversation without a message.

use pinwire_domain::UserId;
use pinwire_domain::conversation::{self, People, SendMode};
use pinwire_domain::event::EventKind;

use super::Name;
use crate::db::tx::{Step, Tx};
use crate::error::Result;
use crate::idempotency::{self, IdempotencyKey, Keep, Made};
use crate::log::{About, NewEvent};
use crate::people;
use crate::{Store, conversations};

fn begin(
    tx: &mut Tx<'_>,
    caller: UserId,
    others: &[UserId],
    title: Option<&str>,
    people_max: usize,
) -> Step<(i64, bool)> {
    let people = People::new(caller, others.iter().copied(), people_max)?;
    for other in others {
        tx.rows.accounts.want(*other);
        tx.rows.blocks.want((caller, *other));
    }
    if title.is_none() {
        conversations::want(tx, &people);
    }
    let mut available = Vec::with_capacity(others.len());
    for other in others {
        available.push(people::is_available(tx, caller, *other)?);
    }
    conversation::check_available(SendMode::Group, &available)?;
    let (known, id) = match title {
        Some(title) => {
            let name = Name::Title(title);
            (None, conversations::create(tx, caller, &people, name)?)
        }
        None => (
            conversations::existing(tx, &people)?,
            conversations::find_or_create(tx, caller, &people)?,
        ),
    };
    if known.is_none() {
        tx.emit(NewEvent {
            at: tx.source.now(),
            kind: EventKind::ConversationCreated,
            actor: caller,
            about: About::Conversation(id),
        });
    }
    Ok((id.get(), known.is_none()))
}

impl Store {
    /// Finds or makes the conversation with these people, without a message; with a title it is always a new group.
    ///
    /// # Errors
    /// [`Refusal::RecipientUnavailable`], and the refusals of the group's size and the idempotency key.
    pub async fn begin_conversation(
        &self,
        caller: UserId,
        others: Vec<UserId>,
        title: Option<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<(i64, bool)>> {
        let people_max = self.people_max();
        self.decide(idempotency::lock(caller, key.as_ref()), move |tx| {
            tx.once(caller, key.as_ref(), Keep::Forever, |tx| {
                begin(tx, caller, &others, title.as_deref(), people_max)
            })
        })
        .await
    }
}
