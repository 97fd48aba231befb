//! Pictures of pins: which one somebody reads next, and what was read from its file.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::picture::{Picture, PictureSize};
use pinwire_domain::{Time, limits};

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::pin_states::{self, Changed};
use crate::schema::pictures;

/// A picture to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    id: i64,
    /// The address.
    pub address: String,
    /// Until when nobody else reads it; so a node that stops loses none.
    leased_until: i64,
}

/// How long a message that is being sent takes at most until it is there, in milliseconds: longer than the database lets
/// a transaction be idle.
const SENT_AFTER_MS: i64 = 15_000;

/// The columns of what was read.
pub(crate) const FACTS: (pictures::width, pictures::height, pictures::dominant_color) =
    (pictures::width, pictures::height, pictures::dominant_color);

/// What was read, as the columns of [`FACTS`] have it, if there is a row.
pub(crate) type Facts = Option<(Option<i64>, Option<i64>, Option<String>)>;

/// What was read of a picture: its size, and its colour.
pub(crate) fn of_columns(facts: Facts) -> Result<(Option<PictureSize>, Option<String>)> {
    let Some((width, height, dominant_color)) = facts else {
        return Ok((None, None));
    };
    let size = width.zip(height).map(|(width, height)| {
        let pixels =
            |side: i64| u32::try_from(side).map_err(|_| StoreError::Corrupt(side.to_string()));
        let (width, height) = (pixels(width)?, pixels(height)?);
        Ok::<_, StoreError>(PictureSize { width, height })
    });
    Ok((size.transpose()?, dominant_color))
}

/// The picture at this address, which somebody reads soon if nobody could yet.
pub(crate) fn of(tx: &mut Tx<'_>, address: &str) -> Step<i64> {
    type Row = (i64, Option<i64>, Option<i64>);
    let row = pictures::table
        .filter(pictures::address.eq(address))
        .select((pictures::id, pictures::width, pictures::due_at));
    let known: Option<Row> = on!(tx.conn()?, c => row.first(c).optional())?;
    let now = tx.source.now().as_millis();
    match known {
        Some((id, None, None)) => {
            on!(tx.conn()?, c => diesel::update(pictures::table.find(id))
                .set((pictures::failures.eq(0), pictures::due_at.eq(now)))
                .execute(c))?;
            Ok(id)
        }
        Some((id, ..)) => Ok(id),
        None => {
            // Two who need it at once make one row.
            tx.lock(LockKey::Pictures)?;
            let id = tx.source.new_id();
            let values = (
                pictures::id.eq(id),
                pictures::address.eq(address),
                pictures::failures.eq(0),
                pictures::due_at.eq(now),
            );
            on!(tx.conn()?, c => diesel::insert_into(pictures::table).values(&values).execute(c))?;
            Ok(id)
        }
    }
}

/// The picture whose reading is due for longest, and its address.
fn due(conn: &mut Conn, now: Time) -> Result<Option<(i64, String)>> {
    Ok(on!(conn, c => pictures::table
        .filter(pictures::due_at.le(now.as_millis()))
        .order((pictures::due_at, pictures::id))
        .select((pictures::id, pictures::address))
        .first(c)
        .optional())?)
}

/// Gives the picture that is due to the caller alone for a while.
fn lease(tx: &mut Tx<'_>) -> Step<Option<Reading>> {
    tx.lock(LockKey::Pictures)?;
    let now = tx.source.now();
    let Some((id, address)) = due(tx.conn()?, now)? else {
        return Ok(None);
    };
    let leased_until = now.plus_millis(limits::LINK_LEASE_MS).as_millis();
    on!(tx.conn()?, c => diesel::update(pictures::table.find(id))
        .set(pictures::due_at.eq(leased_until))
        .execute(c))?;
    Ok(Some(Reading {
        id,
        address,
        leased_until,
    }))
}

/// Writes down what was read, and tells those who hold a pin with this picture.
fn note(tx: &mut Tx<'_>, reading: &Reading, found: Option<&Picture>) -> Step<()> {
    tx.lock(LockKey::Pictures)?;
    let row = pictures::table.find(reading.id);
    let (failures, due_at): (i64, Option<i64>) = on!(tx.conn()?, c => row
        .select((pictures::failures, pictures::due_at))
        .first(c))?;
    if due_at != Some(reading.leased_until) {
        // The lease ran out, and somebody else reads.
        return Ok(());
    }
    let Some(Picture {
        size,
        dominant_color,
    }) = found
    else {
        let failures = failures + 1;
        let again = tx.source.now().plus_millis(limits::LINK_TRIED_AGAIN_MS);
        let again = (failures < limits::LINK_TRIES).then_some(again.as_millis());
        on!(tx.conn()?, c => diesel::update(row)
            .set((pictures::failures.eq(failures), pictures::due_at.eq(again)))
            .execute(c))?;
        return Ok(());
    };
    on!(tx.conn()?, c => diesel::update(row)
        .set((
            pictures::width.eq(i64::from(size.width)),
            pictures::height.eq(i64::from(size.height)),
            pictures::dominant_color.eq(dominant_color),
            pictures::failures.eq(0),
            pictures::due_at.eq(None::<i64>),
        ))
        .execute(c))?;
    let changed = Changed::Picture { id: reading.id };
    // A message that somebody is in the middle of sending has the pin as it was, and is found once it is there.
    pin_states::tell_after(tx, changed.clone(), SENT_AFTER_MS)?;
    pin_states::tell(tx, changed)
}

/// Of a message `m`, that it keeps a pin whose picture's size it does not have.
pub(crate) fn lacks_size(conn: &Conn) -> &'static str {
    if conn.is_postgres() {
        "m.pin_snapshot is not null and (m.pin_snapshot::json ->> 'image_width') is null"
    } else {
        "m.pin_snapshot is not null and json_extract(m.pin_snapshot, '$.image_width') is null"
    }
}

/// Adds what was read to what messages keep of their pins, of those pins and conversations from the first place, which is
/// left out, to the last.
pub(crate) fn keep_in_messages(
    conn: &mut Conn,
    picture: i64,
    (first, last): ((i64, i64), (i64, i64)),
) -> Result<()> {
    let (width, height, color): (Option<i64>, Option<i64>, Option<String>) =
        on!(conn, c => pictures::table.find(picture).select(FACTS).first(c))?;
    let kept = if conn.is_postgres() {
        "(pin_snapshot::jsonb || jsonb_build_object('image_width', $1::bigint, 'image_height', $2::bigint,
             'dominant_color', coalesce(pin_snapshot::jsonb ->> 'dominant_color', $3::text)))::text"
    } else {
        "json_set(pin_snapshot, '$.image_width', $1, '$.image_height', $2,
             '$.dominant_color', coalesce(json_extract(pin_snapshot, '$.dominant_color'), $3))"
    };
    let query = format!(
        "update messages as m set pin_snapshot = {kept}
         where m.pin_id in (select id from pins where picture_id = $4) and {}
           and (m.pin_id, m.conversation_id) > ($5, $6) and (m.pin_id, m.conversation_id) <= ($7, $8)",
        lacks_size(conn)
    );
    on!(conn, c => diesel::sql_query(query)
        .bind::<Nullable<BigInt>, _>(width)
        .bind::<Nullable<BigInt>, _>(height)
        .bind::<Nullable<Text>, _>(color)
        .bind::<BigInt, _>(picture)
        .bind::<BigInt, _>(first.0)
        .bind::<BigInt, _>(first.1)
        .bind::<BigInt, _>(last.0)
        .bind::<BigInt, _>(last.1)
        .execute(c))?;
    Ok(())
}

impl Store {
    /// The picture to read next, if one is due; nobody else gets it for a minute.
    pub async fn next_reading(&self) -> Result<Option<Reading>> {
        let now = self.inner.source.now();
        // Mostly none is, and a look costs less than an act.
        if self.read(move |conn| due(conn, now)).await?.is_none() {
            return Ok(None);
        }
        self.act(vec![LockKey::Pictures], lease).await
    }

    /// Notes what was read from a picture's file. Those who hold a pin with it are told.
    ///
    /// Where nothing could be read, somebody tries again twice, a minute later each.
    pub async fn note_reading(&self, reading: Reading, found: Option<Picture>) -> Result<()> {
        let changed = Changed::Picture { id: reading.id };
        let mut locks = self.told_locks(&changed).await?;
        locks.push(LockKey::Pictures);
        self.act(locks, move |tx| note(tx, &reading, found.as_ref()))
            .await
    }
}
