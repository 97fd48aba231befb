//! What a message keeps of a board that was shared, and who may share one.

use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::board::{Access, Privacy};
use pinwire_domain::message::BoardState;
use pinwire_domain::{BoardId, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::boards;
use crate::db::Conn;
use crate::db::loaded::Entity;
use crate::db::many::{self, Table};
use crate::db::tx::{Step, Tx};
use crate::error::Result;

/// What a message keeps of a board: as it was shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSnapshot {
    /// The board.
    pub id: i64,
    /// Its owner.
    pub owner_id: i64,
    /// Its owner's username.
    pub owner_username: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Pins on it.
    pub pin_count: i64,
    /// The picture of its newest pin; none of a secret board.
    pub image_url: Option<String>,
}

/// A board that is not removed, as acts read it.
#[derive(Debug, Clone)]
pub(crate) struct ShareableBoard {
    snapshot: BoardSnapshot,
    privacy: Privacy,
}

const BOARDS: Table = Table {
    name: "board_rows",
    key: &["id"],
    columns: &[
        "owner_id",
        "username",
        "name",
        "description",
        "privacy",
        "pin_count",
        "image_url",
    ],
};

impl Entity for ShareableBoard {
    type Key = BoardId;

    fn load(conn: &mut Conn, keys: &[BoardId]) -> Result<Vec<(BoardId, Self)>> {
        type Sql = (
            BigInt,
            BigInt,
            Text,
            Text,
            Nullable<Text>,
            Text,
            BigInt,
            Nullable<Text>,
        );
        type Row = (
            i64,
            i64,
            String,
            String,
            Option<String>,
            String,
            i64,
            Option<String>,
        );
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows: Vec<Row> = many::select::<Sql, Row>(conn, &BOARDS, keys)?;
        let board = |row: Row| {
            let (id, owner_id, owner_username, name, description, privacy, pin_count, image_url) =
                row;
            let privacy = boards::privacy(&privacy)?;
            let snapshot = BoardSnapshot {
                id,
                owner_id,
                owner_username,
                name,
                description,
                pin_count,
                image_url,
            };
            Ok((BoardId::new(id), Self { snapshot, privacy }))
        };
        rows.into_iter().map(board).collect()
    }
}

/// A board that the caller may share, as it is now.
pub(crate) fn shareable(
    tx: &mut Tx<'_>,
    access: Access,
    id: BoardId,
) -> Step<(BoardSnapshot, BoardState)> {
    let board = tx.rows.boards.get(&id)?.ok_or(Refusal::BoardNotFound)?;
    if !access.sees(UserId::new(board.snapshot.owner_id), board.privacy) {
        return Err(Refusal::BoardNotFound.into());
    }
    let mut snapshot = board.snapshot.clone();
    if board.privacy == Privacy::Secret {
        // Its pins are seen by those alone to whom they were sent.
        snapshot.image_url = None;
    }
    Ok((snapshot, BoardState::of(Some(board.privacy))))
}
