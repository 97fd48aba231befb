//! What members put to a pin of their conversation, and who of them saved it: a row for each pin that has any.

use std::collections::HashMap;

use diesel::prelude::*;
use pinwire_domain::reaction::{By, Reactions};
use pinwire_domain::save::{Save, Saves};
use pinwire_domain::{ConversationId, PinId, UserId};

use crate::db::{Conn, on};
use crate::error::Result;
use crate::messages::reactions;
use crate::schema::pin_marks;

/// The marks of one pin in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub(crate) reactions: Reactions,
    pub(crate) saves: Saves,
}

/// A pin in a conversation.
pub(crate) type Key = (ConversationId, PinId);

/// A row: conversation, pin, reactions and saves.
type MarksRow = (i64, i64, Option<String>, Option<String>);

/// Who saved, those from whom it is withheld, and whether the others are told.
type KeptSave = (i64, Vec<i64>, bool);

/// Reads the saves that were kept.
fn saves(kept: Option<&str>) -> Result<Saves> {
    let Some(kept) = kept else {
        return Ok(Saves::default());
    };
    let all: Vec<KeptSave> = serde_json::from_str(kept)?;
    let save = |(user, withheld, is_told): KeptSave| Save {
        by: By {
            user: UserId::new(user),
            withheld_from: withheld.into_iter().map(UserId::new).collect(),
        },
        is_told,
    };
    Ok(Saves::of(all.into_iter().map(save).collect()))
}

fn written(saves: &Saves) -> Result<Option<String>> {
    if saves.all().is_empty() {
        return Ok(None);
    }
    let kept = |save: &Save| {
        let withheld = save.by.withheld_from.iter().map(|id| id.get()).collect();
        (save.by.user.get(), withheld, save.is_told)
    };
    let kept: Vec<KeptSave> = saves.all().iter().map(kept).collect();
    Ok(Some(serde_json::to_string(&kept)?))
}

impl Marks {
    /// Those of a pin; none where nobody made any.
    pub(crate) fn read(conn: &mut Conn, id: ConversationId, pin: PinId) -> Result<Self> {
        let row: Option<(Option<String>, Option<String>)> = on!(conn, c => pin_marks::table
            .find((id.get(), pin.get()))
            .select((pin_marks::reactions, pin_marks::saves))
            .first(c)
            .optional())?;
        let (reactions, kept) = row.unwrap_or_default();
        Self::of(reactions.as_deref(), kept.as_deref())
    }

    /// Those of several pins; of some that were not asked for, too.
    pub(crate) fn load(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Self>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = keys.iter().map(|(id, _)| id.get());
        let pins = keys.iter().map(|(_, pin)| pin.get());
        let rows: Vec<MarksRow> = on!(conn, c => pin_marks::table
            .filter(pin_marks::conversation_id.eq_any(ids))
            .filter(pin_marks::pin_id.eq_any(pins))
            .load(c))?;
        let marks = |(id, pin, reactions, saves): MarksRow| {
            let key = (ConversationId::new(id), PinId::new(pin));
            Ok((key, Self::of(reactions.as_deref(), saves.as_deref())?))
        };
        rows.into_iter().map(marks).collect()
    }

    /// Those that were kept.
    fn of(reactions: Option<&str>, kept: Option<&str>) -> Result<Self> {
        Ok(Self {
            reactions: reactions::read(reactions)?,
            saves: saves(kept)?,
        })
    }

    /// Keeps them.
    pub(super) fn write(&self, conn: &mut Conn, id: ConversationId, pin: PinId) -> Result<()> {
        let values = (
            pin_marks::conversation_id.eq(id.get()),
            pin_marks::pin_id.eq(pin.get()),
            pin_marks::reactions.eq(reactions::written(&self.reactions)?),
            pin_marks::saves.eq(written(&self.saves)?),
        );
        on!(conn, c => diesel::insert_into(pin_marks::table)
            .values(&values)
            .on_conflict((pin_marks::conversation_id, pin_marks::pin_id))
            .do_update()
            .set((values.2.clone(), values.3.clone()))
            .execute(c))?;
        Ok(())
    }

    /// Forgets those of a pin.
    pub(crate) fn remove(conn: &mut Conn, id: ConversationId, pin: PinId) -> Result<()> {
        let row = pin_marks::table.find((id.get(), pin.get()));
        on!(conn, c => diesel::delete(row).execute(c))?;
        Ok(())
    }
}
