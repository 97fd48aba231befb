//! Pins: making, saving, reading, changing and removing them.

/// The columns of [`Looks`].
macro_rules! looks {
    () => {
        (
            $crate::links::CHECK.nullable(),
            $crate::pictures::FACTS.nullable(),
        )
    };
}

mod copying;

use diesel::prelude::*;
use pinwire_domain::board::{Access, Privacy};
use pinwire_domain::picture::PictureSize;
use pinwire_domain::pin::{PinChange, PinDraft};
use pinwire_domain::{BoardId, PinId, Refusal, Time, UserId, link};

use crate::boards::{self, creation_locks};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::links::{self as link_checks, LinkCheck, LinkRules};
use crate::page::{Page, one_more};
use crate::pictures::{self, Facts};
use crate::pin_snapshots;
use crate::pin_states::{self, Changed};
use crate::schema::{boards as board_rows, links, pictures as picture_rows, pins, users};
use crate::{Snapshot, Store};

pub(crate) use copying::{copy, save, sources};

/// A pin as it is now, for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its id.
    pub id: PinId,
    /// Its owner.
    pub owner: UserId,
    /// Its owner's username.
    pub owner_username: String,
    /// The board it is on, if that exists for who asks.
    pub board: Option<BoardId>,
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// What the picture shows, in words.
    pub alt_text: Option<String>,
    /// Where it leads.
    pub link: Option<String>,
    /// What was found out about that; none without a link, and of one that was not judged yet.
    pub link_check: Option<LinkCheck>,
    /// The owner's note, for the owner alone.
    pub note: Option<String>,
    /// `#rrggbb`: as its owner said, or as its picture has it.
    pub dominant_color: Option<String>,
    /// The picture.
    pub image_url: String,
    /// The picture's size, if known.
    pub picture_size: Option<PictureSize>,
    /// The pin it comes from.
    pub parent: Option<PinId>,
    /// When it was made.
    pub created_at: Time,
    /// The row of the link.
    pub link_id: Option<i64>,
    /// The row of the picture.
    pub picture_id: Option<i64>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = pins, treat_none_as_default_value = false)]
struct Row {
    id: i64,
    owner_id: i64,
    board_id: Option<i64>,
    title: Option<String>,
    description: Option<String>,
    alt_text: Option<String>,
    link: Option<String>,
    note: Option<String>,
    dominant_color: Option<String>,
    image_url: String,
    parent_pin_id: Option<i64>,
    created_at: i64,
    version: i64,
    link_id: Option<i64>,
    picture_id: Option<i64>,
}

/// What was found out about a pin's link, and its picture.
type Looks = (Option<(String, String, String)>, Facts);

/// A pin's row, its owner's username, the privacy of its board, and what was found out.
type Found = (Row, String, Option<String>, Looks);

/// What is left out of a list of pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinFilter {
    /// Whether the pins of protected boards are in.
    pub protected: bool,
}

/// A pin that exists for who asks, and whether its board is secret.
fn find(conn: &mut Conn, access: Access, id: PinId) -> Result<(Pin, bool)> {
    let found: Option<Found> = on!(conn, c => pins::table
        .inner_join(users::table.on(users::id.eq(pins::owner_id)))
        .left_join(board_rows::table)
        .left_join(links::table)
        .left_join(picture_rows::table)
        .filter(pins::id.eq(id.get()).and(pins::removed_at.is_null()))
        .select((Row::as_select(), users::username, board_rows::privacy.nullable(), looks!()))
        .first(c)
        .optional())?;
    let Some((row, owner_username, privacy, looks)) = found else {
        return Err(Refusal::PinNotFound.into());
    };
    let privacy = privacy.as_deref().map(boards::privacy).transpose()?;
    let owner = UserId::new(row.owner_id);
    let sees_board = privacy.is_none_or(|p| access.sees(owner, p));
    let mut pin = shown(access, row, owner_username, looks)?;
    if !sees_board {
        // Who was sent a secret board's pin may read it, and learns nothing of the board.
        if !access.secret || !pin_snapshots::received(conn, access.user, id)? {
            return Err(Refusal::PinNotFound.into());
        }
        pin.board = None;
    }
    Ok((pin, privacy == Some(Privacy::Secret)))
}

/// A pin as who asks sees it.
pub(crate) fn seen(conn: &mut Conn, access: Access, id: PinId) -> Result<Pin> {
    Ok(find(conn, access, id)?.0)
}

/// Whose pin it is, or was.
pub(crate) fn owner(conn: &mut Conn, id: PinId) -> Result<UserId> {
    let row = pins::table.find(id.get()).select(pins::owner_id);
    let owner: Option<i64> = on!(conn, c => row.first(c).optional())?;
    Ok(UserId::new(owner.ok_or(Refusal::PinNotFound)?))
}

/// Makes sure that a pin exists for who asks.
pub(crate) fn require_seen(conn: &mut Conn, access: Access, id: PinId) -> Result<()> {
    find(conn, access, id).map(drop)
}

/// What a person sees of a row whose board they see.
fn shown(access: Access, row: Row, owner_username: String, (check, picture): Looks) -> Result<Pin> {
    let (picture_size, seen_color) = pictures::of_columns(picture)?;
    let check = check.map(LinkCheck::of_columns).transpose()?;
    Ok(Pin {
        id: PinId::new(row.id),
        owner: UserId::new(row.owner_id),
        owner_username,
        board: row.board_id.map(BoardId::new),
        title: row.title,
        description: row.description,
        alt_text: row.alt_text,
        link: row.link,
        link_check: check.map(|check| check.under_picture(picture_size)),
        note: row.note.filter(|_| row.owner_id == access.user.get()),
        dominant_color: row.dominant_color.or(seen_color),
        image_url: row.image_url,
        picture_size,
        parent: row.parent_pin_id.map(PinId::new),
        created_at: Time::from_millis(row.created_at),
        link_id: row.link_id,
        picture_id: row.picture_id,
    })
}

fn own(conn: &mut Conn, access: Access, id: PinId) -> Result<Pin> {
    let (pin, _) = find(conn, access, id)?;
    if pin.owner != access.user {
        return Err(Refusal::PinNotYours.into());
    }
    Ok(pin)
}

/// A pin that the caller may make another one from.
fn source(conn: &mut Conn, access: Access, id: PinId) -> Result<Pin> {
    let (pin, secret) = find(conn, access, id)?;
    if secret && pin.owner != access.user {
        return Err(Refusal::PinIsSecret.into());
    }
    Ok(pin)
}

/// Writes a new pin of the caller's.
fn insert(tx: &mut Tx<'_>, access: Access, row: &Row) -> Step<i64> {
    tx.lock(LockKey::User(access.user.get()))?;
    if let Some(board) = row.board_id {
        boards::require_own(tx.conn()?, access, BoardId::new(board))?;
    }
    on!(tx.conn()?, c => diesel::insert_into(pins::table).values(row).execute(c))?;
    boards::pins_modified(tx, row.board_id, 1)?;
    Ok(row.id)
}

fn create(tx: &mut Tx<'_>, access: Access, draft: &PinDraft, rules: &LinkRules) -> Step<i64> {
    if let Some(parent) = draft.parent {
        source(tx.conn()?, access, parent)?;
    }
    let wording = draft.wording.clone();
    let link = wording.link.flatten();
    let link_id = link.as_deref().map(|it| link_checks::of(tx, rules, it));
    let is_read = rules.are_inspected;
    let picture_id = is_read.then(|| pictures::of(tx, &draft.image_url));
    let row = Row {
        id: tx.source.new_id(),
        owner_id: access.user.get(),
        board_id: draft.board.map(BoardId::get),
        title: wording.title.flatten(),
        description: wording.description.flatten(),
        alt_text: wording.alt_text.flatten(),
        link_id: link_id.transpose()?,
        picture_id: picture_id.transpose()?,
        link,
        note: wording.note.flatten(),
        dominant_color: draft.dominant_color.clone(),
        image_url: draft.image_url.clone(),
        parent_pin_id: draft.parent.map(PinId::get),
        created_at: tx.source.now().as_millis(),
        version: 1,
    };
    insert(tx, access, &row)
}

fn change(
    tx: &mut Tx<'_>,
    access: Access,
    id: PinId,
    change: &PinChange,
    rules: &LinkRules,
) -> Step<()> {
    tx.lock(LockKey::User(access.user.get()))?;
    let before = own(tx.conn()?, access, id)?;
    let mut after = before.clone();
    let wording = change.wording.clone();
    after.board = change.board.or(before.board);
    after.title = wording.title.unwrap_or(after.title);
    after.description = wording.description.unwrap_or(after.description);
    after.alt_text = wording.alt_text.unwrap_or(after.alt_text);
    after.link = wording.link.unwrap_or(after.link);
    after.note = wording.note.unwrap_or(after.note);
    if after == before {
        return Ok(());
    }
    if after.link != before.link {
        let link = after
            .link
            .as_deref()
            .map(|it| link_checks::of(tx, rules, it));
        after.link_id = link.transpose()?;
    }
    if after.board != before.board
        && let Some(board) = after.board
    {
        boards::require_own(tx.conn()?, access, board)?;
        boards::pins_modified(tx, before.board.map(BoardId::get), -1)?;
        boards::pins_modified(tx, Some(board.get()), 1)?;
    } else {
        boards::pins_modified(tx, before.board.map(BoardId::get), 0)?;
    }
    write(tx, &before, &after)
}

/// Writes what differs. The version grows only with what others see on the pin, so that a note or a move to
/// another board does not make a sent pin look edited.
fn write(tx: &mut Tx<'_>, before: &Pin, after: &Pin) -> Step<()> {
    let public = |pin: &Pin| {
        let Pin {
            title,
            description,
            alt_text,
            link,
            ..
        } = pin.clone();
        (title, description, alt_text, link)
    };
    let is_edited = public(before) != public(after);
    let row = pins::table.find(before.id.get());
    let version: i64 = on!(tx.conn()?, c => diesel::update(row)
        .set((
            pins::board_id.eq(after.board.map(BoardId::get)),
            pins::title.eq(after.title.as_deref()),
            pins::description.eq(after.description.as_deref()),
            pins::alt_text.eq(after.alt_text.as_deref()),
            pins::link.eq(after.link.as_deref()),
            pins::link_id.eq(after.link_id),
            pins::note.eq(after.note.as_deref()),
            pins::version.eq(pins::version + i64::from(is_edited)),
        ))
        .returning(pins::version)
        .get_result(c))?;
    let leads_elsewhere = link::other_domain(before.link.as_deref(), after.link.as_deref());
    if leads_elsewhere {
        let now = tx.source.now().as_millis();
        on!(tx.conn()?, c => diesel::update(row)
            .set(pins::link_changed_at.eq(now))
            .execute(c))?;
    }
    if !is_edited {
        return Ok(());
    }
    let changed = if leads_elsewhere {
        Changed::pin(before.id)
    } else {
        // To those who were sent an earlier one, it was edited before.
        Changed::Pin {
            id: before.id.get(),
            version: version - 1,
        }
    };
    pin_states::tell(tx, changed)
}

fn remove(tx: &mut Tx<'_>, access: Access, id: PinId) -> Step<()> {
    tx.lock(LockKey::User(access.user.get()))?;
    let pin = own(tx.conn()?, access, id)?;
    erase(tx, id, pin.board)
}

/// Removes somebody's pin, as they could have done. Nothing happens if it is removed.
pub(crate) fn take_down(tx: &mut Tx<'_>, owner: UserId, id: PinId) -> Step<()> {
    tx.lock(LockKey::User(owner.get()))?;
    let there = pins::table
        .find(id.get())
        .filter(pins::removed_at.is_null());
    let board: Option<Option<i64>> =
        on!(tx.conn()?, c => there.select(pins::board_id).first(c).optional())?;
    match board {
        Some(board) => erase(tx, id, board.map(BoardId::new)),
        None => Ok(()),
    }
}

fn erase(tx: &mut Tx<'_>, id: PinId, board: Option<BoardId>) -> Step<()> {
    let now = tx.source.now().as_millis();
    on!(tx.conn()?, c => diesel::update(pins::table.find(id.get()))
        .set((pins::removed_at.eq(now), pins::version.eq(pins::version + 1)))
        .execute(c))?;
    boards::pins_modified(tx, board.map(BoardId::get), -1)?;
    pin_states::tell(tx, Changed::pin(id))
}

impl Store {
    /// Makes a pin.
    ///
    /// # Errors
    /// [`Refusal::BoardNotFound`], [`Refusal::BoardNotYours`]; for the parent [`Refusal::PinNotFound`] and
    /// [`Refusal::PinIsSecret`]; the refusal of the idempotency key.
    pub async fn create_pin(
        &self,
        access: Access,
        draft: PinDraft,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<PinId>> {
        let locks = creation_locks(access.user, key.as_ref());
        let rules = self.inner.links.clone();
        let made = self.act(locks, move |tx| {
            tx.once(access.user, key.as_ref(), Keep::Day, |tx| {
                create(tx, access, &draft, &rules)
            })
        });
        Ok(made.await?.map(PinId::new))
    }

    /// Changes a pin.
    ///
    /// # Errors
    /// [`Refusal::PinNotFound`], [`Refusal::PinNotYours`], [`Refusal::BoardNotFound`],
    /// [`Refusal::BoardNotYours`].
    pub async fn change_pin(&self, access: Access, id: PinId, wanted: PinChange) -> Result<()> {
        let locks = self.pin_locks(access.user, Changed::pin(id)).await?;
        let rules = self.inner.links.clone();
        self.act(locks, move |tx| change(tx, access, id, &wanted, &rules))
            .await
    }

    /// Removes a pin. Its row stays for the conversations that hold it.
    ///
    /// # Errors
    /// [`Refusal::PinNotFound`], [`Refusal::PinNotYours`].
    pub async fn delete_pin(&self, access: Access, id: PinId) -> Result<()> {
        let locks = self.pin_locks(access.user, Changed::pin(id)).await?;
        self.act(locks, move |tx| remove(tx, access, id)).await
    }

    /// A pin.
    ///
    /// # Errors
    /// [`Refusal::PinNotFound`].
    pub async fn pin(&self, access: Access, id: PinId) -> Result<Snapshot<Pin>> {
        self.snapshot(move |conn| Ok(find(conn, access, id)?.0))
            .await
    }

    /// The caller's pins, newest first, those older than `before`.
    pub async fn own_pins(
        &self,
        access: Access,
        filter: PinFilter,
        before: Option<PinId>,
        size: usize,
    ) -> Result<Snapshot<Page<Pin, PinId>>> {
        let mut left_out: Vec<&'static str> = Vec::new();
        if !access.secret {
            left_out.push(Privacy::Secret.name());
        }
        if !filter.protected {
            left_out.push(Privacy::Protected.name());
        }
        let before = before.map_or(i64::MAX, PinId::get);
        self.snapshot(move |conn| {
            let rows: Vec<Listed> = on!(conn, c => pins::table
                .inner_join(users::table.on(users::id.eq(pins::owner_id)))
                .left_join(board_rows::table)
                .left_join(links::table)
                .left_join(picture_rows::table)
                .filter(pins::owner_id.eq(access.user.get()).and(pins::id.lt(before)))
                .filter(pins::removed_at.is_null())
                .filter(board_rows::privacy.is_null()
                    .or(board_rows::privacy.assume_not_null().ne_all(&left_out)))
                .order(pins::id.desc())
                .limit(one_more(size))
                .select((Row::as_select(), users::username, looks!()))
                .load(c))?;
            page(access, rows, size)
        })
        .await
    }

    /// A board's pins, newest first, those older than `before`.
    ///
    /// # Errors
    /// [`Refusal::BoardNotFound`].
    pub async fn board_pins(
        &self,
        access: Access,
        board: BoardId,
        before: Option<PinId>,
        size: usize,
    ) -> Result<Snapshot<Page<Pin, PinId>>> {
        let before = before.map_or(i64::MAX, PinId::get);
        self.snapshot(move |conn| {
            boards::require_seen(conn, access, board)?;
            let rows: Vec<Listed> = on!(conn, c => pins::table
                .inner_join(users::table.on(users::id.eq(pins::owner_id)))
                .left_join(links::table)
                .left_join(picture_rows::table)
                .filter(pins::board_id.eq(board.get()).and(pins::id.lt(before)))
                .filter(pins::removed_at.is_null())
                .order(pins::id.desc())
                .limit(one_more(size))
                .select((Row::as_select(), users::username, looks!()))
                .load(c))?;
            page(access, rows, size)
        })
        .await
    }
}

/// A pin's row in a list, its owner's username, and what was found out.
type Listed = (Row, String, Looks);

fn page(access: Access, rows: Vec<Listed>, size: usize) -> Result<Page<Pin, PinId>> {
    let Page { items, next } = Page::cut(rows, size, |(row, ..)| PinId::new(row.id));
    let items = items.into_iter();
    let items = items.map(|(row, username, looks)| shown(access, row, username, looks));
    Ok(Page {
        items: items.collect::<Result<_>>()?,
        next,
    })
}
