//! Boards: where a person keeps pins.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use pinwire_domain::board::{Access, BoardChange, BoardDraft, BoardName, Privacy};
use pinwire_domain::{BoardId, Refusal, Time, UserId};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::page::{Page, one_more};
use crate::pin_states::{self, Changed};
use crate::schema::{boards, pins, users};
use crate::{Snapshot, Store};

/// Pictures that a board shows.
const PICTURES_MAX: i64 = 4;
/// Pins that one statement removes, so that none comes near the database's time limit.
const REMOVE_MAX: i64 = 1_000;

/// A board as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Its id.
    pub id: BoardId,
    /// Its owner's username.
    pub owner_username: String,
    /// As the owner writes it.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Who may find it.
    pub privacy: Privacy,
    /// Pins on it.
    pub pin_count: i64,
    /// The pictures of its newest pins, newest first.
    pub pictures: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When a pin was last put on it, changed or taken away.
    pub pins_modified_at: Option<Time>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = boards)]
struct Row {
    id: i64,
    owner_id: i64,
    name: String,
    description: Option<String>,
    privacy: String,
    pin_count: i64,
    pins_modified_at: Option<i64>,
    created_at: i64,
}

/// The privacy that a row holds.
pub(crate) fn privacy(name: &str) -> Result<Privacy> {
    Privacy::from_name(name).ok_or_else(|| StoreError::Corrupt(name.to_owned()))
}

/// Makes sure that a board exists for who asks.
pub(crate) fn require_seen(conn: &mut Conn, access: Access, id: BoardId) -> Result<()> {
    find(conn, access, id).map(drop)
}

/// Makes sure that a board is the caller's own.
pub(crate) fn require_own(conn: &mut Conn, access: Access, id: BoardId) -> Result<()> {
    let (row, _) = find(conn, access, id)?;
    if row.owner_id != access.user.get() {
        return Err(Refusal::BoardNotYours.into());
    }
    Ok(())
}

fn find(conn: &mut Conn, access: Access, id: BoardId) -> Result<(Row, String)> {
    let row: Option<(Row, String)> = on!(conn, c => boards::table
        .inner_join(users::table)
        .filter(boards::id.eq(id.get()).and(boards::removed_at.is_null()))
        .select((Row::as_select(), users::username))
        .first(c)
        .optional())?;
    let Some(found) = row else {
        return Err(Refusal::BoardNotFound.into());
    };
    if !access.sees(UserId::new(found.0.owner_id), privacy(&found.0.privacy)?) {
        return Err(Refusal::BoardNotFound.into());
    }
    Ok(found)
}

/// Adds the pictures to rows.
fn complete(conn: &mut Conn, rows: Vec<(Row, String)>) -> Result<Vec<Board>> {
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let mut pictures = pictures(conn, &ids)?;
    rows.into_iter()
        .map(|(row, owner_username)| {
            Ok(Board {
                id: BoardId::new(row.id),
                owner_username,
                name: row.name,
                description: row.description,
                privacy: privacy(&row.privacy)?,
                pin_count: row.pin_count,
                pictures: pictures.remove(&row.id).unwrap_or_default(),
                created_at: Time::from_millis(row.created_at),
                pins_modified_at: row.pins_modified_at.map(Time::from_millis),
            })
        })
        .collect()
}

/// The pictures of each board's newest pins. Only as many rows are read as are shown.
fn pictures(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    #[derive(QueryableByName)]
    struct Picture {
        #[diesel(sql_type = BigInt)]
        board_id: i64,
        #[diesel(sql_type = Text)]
        image_url: String,
    }
    let mut pictures: HashMap<i64, Vec<String>> = HashMap::new();
    match conn {
        // One way to the server for all boards.
        Conn::Postgres(c) => {
            let rows: Vec<Picture> = diesel::sql_query(
                "select board.id as board_id, newest.image_url from unnest($1) as board (id)
                 cross join lateral (
                     select id, image_url from pins
                     where board_id = board.id and removed_at is null order by id desc limit $2
                 ) as newest order by newest.id desc",
            )
            .bind::<Array<BigInt>, _>(ids)
            .bind::<BigInt, _>(PICTURES_MAX)
            .load(&mut **c)?;
            for row in rows {
                pictures
                    .entry(row.board_id)
                    .or_default()
                    .push(row.image_url);
            }
        }
        Conn::Sqlite(c) => {
            for id in ids {
                let newest = pins::table
                    .filter(pins::board_id.eq(*id).and(pins::removed_at.is_null()))
                    .order(pins::id.desc())
                    .limit(PICTURES_MAX)
                    .select(pins::image_url)
                    .load(&mut **c)?;
                pictures.insert(*id, newest);
            }
        }
    }
    Ok(pictures)
}

/// Tells a board that pins came (or went, when negative) or were changed.
pub(crate) fn pins_modified(tx: &mut Tx<'_>, board: Option<i64>, came: i64) -> Step<()> {
    let Some(board) = board else { return Ok(()) };
    let now = tx.source.now().as_millis();
    on!(tx.conn()?, c => diesel::update(boards::table.find(board))
        .set((
            boards::pin_count.eq(boards::pin_count + came),
            boards::pins_modified_at.eq(now),
        ))
        .execute(c))?;
    Ok(())
}

/// Makes sure that no other board of the owner has this name.
fn require_free(
    conn: &mut Conn,
    owner: UserId,
    name: &BoardName,
    except: Option<BoardId>,
) -> Result<()> {
    let holder: Option<i64> = on!(conn, c => boards::table
        .filter(boards::owner_id.eq(owner.get()).and(boards::name_key.eq(name.key())))
        .filter(boards::removed_at.is_null())
        .select(boards::id)
        .first(c)
        .optional())?;
    match holder {
        Some(id) if except.is_none_or(|own| own.get() != id) => Err(Refusal::BoardNameTaken.into()),
        _ => Ok(()),
    }
}

/// Writes a new board.
pub(crate) fn insert(tx: &mut Tx<'_>, owner: UserId, draft: &BoardDraft) -> Step<i64> {
    tx.lock(LockKey::User(owner.get()))?;
    require_free(tx.conn()?, owner, &draft.name, None)?;
    let id = tx.source.new_id();
    let values = (
        boards::id.eq(id),
        boards::owner_id.eq(owner.get()),
        boards::name.eq(draft.name.as_str()),
        boards::name_key.eq(draft.name.key()),
        boards::description.eq(draft.description.as_deref()),
        boards::privacy.eq(draft.privacy.name()),
        boards::created_at.eq(tx.source.now().as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(boards::table).values(&values).execute(c))?;
    Ok(id)
}

fn update(tx: &mut Tx<'_>, access: Access, id: BoardId, change: &BoardChange) -> Step<()> {
    tx.lock(LockKey::User(access.user.get()))?;
    require_own(tx.conn()?, access, id)?;
    let row = boards::table.find(id.get());
    if let Some(name) = &change.name {
        require_free(tx.conn()?, access.user, name, Some(id))?;
        on!(tx.conn()?, c => diesel::update(row)
            .set((boards::name.eq(name.as_str()), boards::name_key.eq(name.key())))
            .execute(c))?;
    }
    if let Some(description) = &change.description {
        on!(tx.conn()?, c => diesel::update(row)
            .set(boards::description.eq(description.as_deref()))
            .execute(c))?;
    }
    if let Some(privacy) = change.privacy {
        on!(tx.conn()?, c => diesel::update(row)
            .set(boards::privacy.eq(privacy.name()))
            .execute(c))?;
    }
    Ok(())
}

fn remove(tx: &mut Tx<'_>, access: Access, id: BoardId) -> Step<()> {
    tx.lock(LockKey::User(access.user.get()))?;
    require_own(tx.conn()?, access, id)?;
    let now = tx.source.now();
    loop {
        let ids: Vec<i64> = on!(tx.conn()?, c => pins::table
            .filter(pins::board_id.eq(id.get()).and(pins::removed_at.is_null()))
            .limit(REMOVE_MAX)
            .select(pins::id)
            .load(c))?;
        if ids.is_empty() {
            break;
        }
        on!(tx.conn()?, c => diesel::update(pins::table.filter(pins::id.eq_any(&ids)))
            .set((pins::removed_at.eq(now.as_millis()), pins::version.eq(pins::version + 1)))
            .execute(c))?;
    }
    on!(tx.conn()?, c => diesel::update(boards::table.find(id.get()))
        .set((boards::removed_at.eq(now.as_millis()), boards::pin_count.eq(0)))
        .execute(c))?;
    pin_states::tell(tx, Changed::with_board(id, now))
}

impl Store {
    /// Makes a board.
    ///
    /// # Errors
    /// [`Refusal::BoardNameTaken`], and the refusal of the idempotency key.
    pub async fn create_board(
        &self,
        owner: UserId,
        draft: BoardDraft,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<BoardId>> {
        let locks = creation_locks(owner, key.as_ref());
        let made = self.act(locks, move |tx| {
            tx.once(owner, key.as_ref(), Keep::Day, |tx| {
                insert(tx, owner, &draft)
            })
        });
        Ok(made.await?.map(BoardId::new))
    }

    /// Changes a board.
    ///
    /// # Errors
    /// [`Refusal::BoardNotFound`], [`Refusal::BoardNotYours`], [`Refusal::BoardNameTaken`].
    pub async fn change_board(
        &self,
        access: Access,
        id: BoardId,
        change: BoardChange,
    ) -> Result<()> {
        let locks = vec![LockKey::User(access.user.get())];
        self.act(locks, move |tx| update(tx, access, id, &change))
            .await
    }

    /// Removes a board and the pins on it.
    ///
    /// # Errors
    /// [`Refusal::BoardNotFound`], [`Refusal::BoardNotYours`].
    pub async fn delete_board(&self, access: Access, id: BoardId) -> Result<()> {
        let locks = self.pin_locks(access.user, Changed::board(id)).await?;
        self.act(locks, move |tx| remove(tx, access, id)).await
    }

    /// A board.
    ///
    /// # Errors
    /// [`Refusal::BoardNotFound`].
    pub async fn board(&self, access: Access, id: BoardId) -> Result<Snapshot<Board>> {
        self.snapshot(move |conn| {
            let found = find(conn, access, id)?;
            let board = complete(conn, vec![found])?.pop();
            board.ok_or_else(|| Refusal::BoardNotFound.into())
        })
        .await
    }

    /// The caller's boards of these kinds, newest first, those older than `before`.
    pub async fn own_boards(
        &self,
        access: Access,
        kinds: &[Privacy],
        before: Option<BoardId>,
        size: usize,
    ) -> Result<Snapshot<Page<Board, BoardId>>> {
        let names: Vec<&'static str> = kinds
            .iter()
            .filter(|p| access.sees(access.user, **p))
            .map(|p| p.name())
            .collect();
        let before = before.map_or(i64::MAX, BoardId::get);
        self.snapshot(move |conn| {
            let rows: Vec<(Row, String)> = on!(conn, c => boards::table
                .inner_join(users::table)
                .filter(boards::owner_id.eq(access.user.get()).and(boards::id.lt(before)))
                .filter(boards::removed_at.is_null().and(boards::privacy.eq_any(&names)))
                .order(boards::id.desc())
                .limit(one_more(size))
                .select((Row::as_select(), users::username))
                .load(c))?;
            let page = Page::cut(rows, size, |(row, _)| BoardId::new(row.id));
            Ok(Page {
                items: complete(conn, page.items)?,
                next: page.next,
            })
        })
        .await
    }
}

/// The locks that making a board or a pin takes.
pub(crate) fn creation_locks(owner: UserId, key: Option<&IdempotencyKey>) -> Vec<LockKey> {
    let key = key.map(|k| LockKey::Idempotency(owner.get(), k.key.clone()));
    key.into_iter()
        .chain([LockKey::User(owner.get())])
        .collect()
}
