//! What few messages have: as one value beside the others, so that most rows cost nothing for it.

use pinwire_domain::PinId;
use pinwire_domain::message::BoardState;

use super::quotes::{Quote, Reply};
use crate::board_snapshots::BoardSnapshot;
use crate::boards;
use crate::error::Result;
use crate::people::{Person, PersonRow};

/// What few messages have.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) reply_to: Option<Reply>,
    pub(super) about_pin: Option<PinId>,
    pub(super) forwarded: bool,
    pub(super) board: Option<(BoardSnapshot, BoardState)>,
    pub(super) profile: Option<Person>,
}

/// As the database writes it: the position that is answered and its quote, the pin it is about, 1 if it was passed on,
/// the board as it was shared and its privacy now, and the person.
type Written = (
    Option<i64>,
    Option<String>,
    Option<i64>,
    i64,
    Option<String>,
    Option<String>,
    Option<PersonRow>,
);

impl Extras {
    /// Reads what the database wrote; nothing for most.
    pub(super) fn read(written: Option<&str>) -> Result<Self> {
        let Some(written) = written else {
            return Ok(Self::default());
        };
        let (reply_to, quote, about_pin, forwarded, board, privacy, profile) =
            serde_json::from_str::<Written>(written)?;
        let quote = quote.as_deref().map(Quote::read).transpose()?;
        let board: Option<BoardSnapshot> =
            board.as_deref().map(serde_json::from_str).transpose()?;
        let now = privacy.as_deref().map(boards::privacy).transpose()?;
        Ok(Self {
            reply_to: reply_to.map(|position| Reply { position, quote }),
            about_pin: about_pin.map(PinId::new),
            forwarded: forwarded != 0,
            board: board.map(|board| (board, BoardState::of(now))),
            profile: profile.map(Person::from),
        })
    }
}
