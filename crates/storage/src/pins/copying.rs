//! Making pins from others: one by one, or many for a new board.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use pinwire_domain::board::{Access, Privacy};
use pinwire_domain::{BoardId, PinId, Refusal};

use super::{Found, Pin, Row, insert, shown, source};
use crate::Store;
use crate::boards::{self, creation_locks};
use crate::db::tx::{Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::schema::{boards as board_rows, links, pictures as picture_rows, pins, users};

/// The row of the caller's own pin made from another one.
fn copied(tx: &Tx<'_>, access: Access, pin: Pin, board: Option<BoardId>) -> Row {
    Row {
        id: tx.source.new_id(),
        owner_id: access.user.get(),
        board_id: board.map(BoardId::get),
        title: pin.title,
        description: pin.description,
        alt_text: pin.alt_text,
        link: pin.link,
        note: None,
        dominant_color: pin.dominant_color,
        image_url: pin.image_url,
        parent_pin_id: Some(pin.id.get()),
        created_at: tx.source.now().as_millis(),
        version: 1,
        link_id: pin.link_id,
        picture_id: pin.picture_id,
    }
}

/// Makes a pin of the caller's from another one.
pub(crate) fn save(
    tx: &mut Tx<'_>,
    access: Access,
    id: PinId,
    board: Option<BoardId>,
) -> Step<i64> {
    let pin = source(tx.conn()?, access, id)?;
    let row = copied(tx, access, pin, board);
    insert(tx, access, &row)
}

/// Those of these pins that the caller may make others from, in their order; the caller sees all of them. Where not
/// `only_possible`, all must be so.
pub(crate) fn sources(
    conn: &mut Conn,
    access: Access,
    ids: &[PinId],
    only_possible: bool,
) -> Result<Vec<Pin>> {
    let numbers: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let rows: Vec<Found> = on!(conn, c => pins::table
        .inner_join(users::table.on(users::id.eq(pins::owner_id)))
        .left_join(board_rows::table)
        .left_join(links::table)
        .left_join(picture_rows::table)
        .filter(pins::id.eq_any(&numbers).and(pins::removed_at.is_null()))
        .select((Row::as_select(), users::username, board_rows::privacy.nullable(), looks!()))
        .load(c))?;
    let mut found: HashMap<i64, Found> = rows.into_iter().map(|it| (it.0.id, it)).collect();
    let mut sources = Vec::with_capacity(found.len());
    for id in numbers {
        let refusal = match found.remove(&id) {
            None => Refusal::PinNotFound,
            Some((row, _, privacy, _))
                if privacy.as_deref() == Some(Privacy::Secret.name())
                    && !(access.secret && row.owner_id == access.user.get()) =>
            {
                Refusal::PinIsSecret
            }
            Some((row, owner_username, _, looks)) => {
                sources.push(shown(access, row, owner_username, looks)?);
                continue;
            }
        };
        if !only_possible {
            return Err(refusal.into());
        }
    }
    Ok(sources)
}

/// Makes pins of the caller's from others, on a new board of the caller's, the first one on top.
pub(crate) fn copy(tx: &mut Tx<'_>, access: Access, sources: Vec<Pin>, board: BoardId) -> Step<()> {
    let mut rows: Vec<Row> = Vec::with_capacity(sources.len());
    for pin in sources {
        rows.push(copied(tx, access, pin, Some(board)));
    }
    // A board shows its pins by their ids, the highest first. Of so many made at one moment, two may be the same.
    let mut ids = BTreeSet::new();
    while ids.len() < rows.len() {
        ids.insert(tx.source.new_id());
    }
    for (row, id) in rows.iter_mut().zip(ids.into_iter().rev()) {
        row.id = id;
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    on!(tx.conn()?, c => diesel::insert_into(pins::table).values(&rows).execute(c))?;
    boards::pins_modified(tx, Some(board.get()), count)
}

impl Store {
    /// Makes a pin of the caller's from another one, on the caller's board or on none.
    ///
    /// # Errors
    /// Those of [`Store::create_pin`].
    pub async fn save_pin(
        &self,
        access: Access,
        id: PinId,
        board: Option<BoardId>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<PinId>> {
        let locks = creation_locks(access.user, key.as_ref());
        let made = self.act(locks, move |tx| {
            tx.once(access.user, key.as_ref(), Keep::Day, |tx| {
                save(tx, access, id, board)
            })
        });
        Ok(made.await?.map(PinId::new))
    }
}
