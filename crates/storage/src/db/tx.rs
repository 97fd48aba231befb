//! What an act works with: rows in memory, or the connection; locks; the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::sql_types::BigInt;
use pinwire_domain::UserId;

use super::Conn;
use super::many;
use crate::conversations::rows::Members;
use crate::error::{Result, StoreError};
use crate::log::{About, Base, NewEvent, PeriodChange};
use crate::messages::Message;
use crate::rows::Rows;
use crate::source::Source;

/// What two acts may not touch at the same time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LockKey {
    /// A person's own settings, heads, boards, follows, sessions.
    User(i64),
    /// A conversation with its members and messages.
    Conversation(i64),
    /// The conversation of these people, also before it exists.
    CreationKey(String),
    /// What a caller's idempotency key made.
    Idempotency(i64, String),
    /// A username or e-mail address, also before it is taken.
    Name(String),
    /// The signing keys.
    SigningKeys,
    /// What the messages of a conversation are found by.
    Terms(i64),
    /// How far messages have been made findable.
    SearchProgress,
    /// Work that goes on after the act that it began with.
    Job(i64),
    /// Which domains are blocked, and by which of them links are.
    BlockedDomains,
    /// Who looks at which link.
    LinkLease,
    /// Which pictures there are, and who reads which.
    Pictures,
    /// What was reported, by its key, and what moderators do about it, by its id.
    Case(String),
}

impl LockKey {
    /// The same number on every node: the first 8 bytes of SHA-256.
    fn number(&self) -> i64 {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{self:?}").as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(digest.as_slice().get(..8).unwrap_or(&[0; 8]));
        i64::from_be_bytes(first)
    }
}

/// What takes the locks whose numbers are given.
const TAKE: &str = "count(pg_advisory_xact_lock(it))";

/// The numbers of these keys, in the order in which every node takes them.
fn numbers(keys: &BTreeSet<LockKey>) -> Vec<i64> {
    let numbers: BTreeSet<i64> = keys.iter().map(LockKey::number).collect();
    numbers.into_iter().collect()
}

/// Takes all of these keys, and keeps writers from running ahead.
///
/// Tells how the log stood before they were taken.
pub(super) fn lock_all(conn: &mut Conn, keys: &BTreeSet<LockKey>) -> Result<Option<Base>> {
    let lock = format!(
        "{TAKE}, (select seq from log_head), (select unlogged_changes from log_head),
         (select count(pg_advisory_xact_lock_shared({AHEAD})))"
    );
    let locked = many::call::<(BigInt, BigInt, BigInt, BigInt), (i64, i64, i64, i64)>(
        conn,
        &lock,
        numbers(keys),
    )?;
    Ok(locked.map(|(_, seq, unlogged, _)| Base { seq, unlogged }))
}

/// Waits until nobody else is in the middle of deciding, and keeps all others from it until the transaction ends; how the
/// log stands then. Whoever waits for it holds nothing that anybody with locks waits for.
pub(super) fn wait_for_turn(conn: &mut Conn) -> Result<Base> {
    many::call::<BigInt, i64>(conn, TAKE, vec![AHEAD])?;
    // Another statement, since one sees what was committed before it began.
    Base::now(conn)
}

/// Takes all of these keys for work that changes nothing a writer keeps in memory.
pub(super) fn lock_beside(conn: &mut Conn, keys: &BTreeSet<LockKey>) -> Result<()> {
    many::call::<BigInt, i64>(conn, TAKE, numbers(keys))?;
    Ok(())
}

/// The number of the lock that a writer takes for itself when it writes what it decided without locks: then nobody is
/// in the middle of deciding with locks, nor writes the same way. Any fixed number does.
pub(crate) const AHEAD: i64 = 7_204_012;

/// Why an act stopped.
pub(crate) enum Abort {
    /// It is refused or failed.
    Failed(StoreError),
    /// It has to run again with this key locked.
    NeedsLock(LockKey),
    /// It has to run again when the rows it asked for are read.
    Missing,
    /// It has to run again by itself, with the connection.
    NeedsConnection,
}

impl<E: Into<StoreError>> From<E> for Abort {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The result of a step of an act.
pub(crate) type Step<T> = std::result::Result<T, Abort>;

/// An event that an act adds, and what the act knew of it.
pub(crate) struct Emitted {
    pub(crate) event: NewEvent,
    /// The people it concerns.
    pub(crate) people: Option<Vec<UserId>>,
    /// The message it is about.
    pub(crate) message: Option<Arc<Message>>,
    /// The times of membership that begin and end with it.
    pub(crate) periods: Vec<PeriodChange>,
}

/// What an act works with.
pub(crate) struct Tx<'a> {
    pub(crate) source: &'a Source,
    /// An act that decides on these alone runs together with others, in memory.
    pub(crate) rows: &'a mut Rows,
    conn: Option<&'a mut Conn>,
    held: &'a BTreeSet<LockKey>,
    /// What this act made itself, and nobody else can know of before the commit.
    fresh: BTreeSet<LockKey>,
    pub(super) events: Vec<Emitted>,
    locks_needed: bool,
}

impl<'a> Tx<'a> {
    pub(super) fn new(
        source: &'a Source,
        rows: &'a mut Rows,
        held: &'a BTreeSet<LockKey>,
        conn: Option<&'a mut Conn>,
        locks_needed: bool,
    ) -> Self {
        Self {
            source,
            rows,
            conn,
            held,
            fresh: BTreeSet::new(),
            events: Vec::new(),
            locks_needed,
        }
    }

    /// The connection, for what is not decided on rows in memory: the act runs by itself, in a savepoint.
    ///
    /// It does not show what this act changed in [`Self::rows`].
    pub(crate) fn conn(&mut self) -> Step<&mut Conn> {
        self.conn.as_deref_mut().ok_or(Abort::NeedsConnection)
    }

    /// Makes sure that no other act touches `key` until this one is committed.
    ///
    /// Take it before reading what the act decides on. On SQLite the one writer is lock enough.
    pub(crate) fn lock(&mut self, key: LockKey) -> Step<()> {
        if self.locks_needed && !self.held.contains(&key) && !self.fresh.contains(&key) {
            return Err(Abort::NeedsLock(key));
        }
        Ok(())
    }

    /// Tells that this act made `key` itself, so that no lock is needed.
    pub(crate) fn made(&mut self, key: LockKey) {
        self.fresh.insert(key);
    }

    /// Adds an event to the log; its `seq` is given just before the commit.
    pub(crate) fn emit(&mut self, event: NewEvent) {
        self.emit_changing(event, Vec::new());
    }

    /// Adds an event with which times of membership begin or end; who takes part is in the rows already.
    pub(crate) fn emit_changing(&mut self, event: NewEvent, periods: Vec<PeriodChange>) {
        let people = match event.about {
            About::Message(id, _) | About::Pin(id, _) | About::Conversation(id) => {
                self.rows.members.peek(&id).map(Members::present)
            }
            About::MyMessage(..) | About::Mine(_) | About::Me | About::Person(_) => {
                Some(vec![event.actor])
            }
            About::Theirs(person, _) => Some(vec![person]),
            About::Profile => None,
        };
        self.events.push(Emitted {
            event,
            people,
            message: None,
            periods,
        });
    }

    /// Adds the event of a new message, which is kept from some of the members.
    pub(crate) fn emit_message(
        &mut self,
        event: NewEvent,
        message: &Arc<Message>,
        withheld: &[UserId],
    ) {
        let members = self.rows.members.peek(&message.conversation);
        let people = members.map(|members| {
            let mut people = members.present();
            people.retain(|person| !withheld.contains(person));
            people
        });
        self.events.push(Emitted {
            event,
            people,
            message: Some(Arc::clone(message)),
            periods: Vec::new(),
        });
    }
}

/// How often an act may ask for more rows.
pub(super) const ROUNDS_MAX: u32 = 32;

/// What becomes of an act that asks for more.
pub(super) fn no_end() -> StoreError {
    StoreError::Corrupt("an act asks for ever more rows".into())
}

/// Decides something as an act would, and writes nothing.
pub(crate) fn consider<T>(
    conn: &mut Conn,
    source: &Source,
    mut decide: impl FnMut(&mut Tx<'_>) -> Step<T>,
) -> Result<T> {
    let mut rows = Rows::default();
    let nothing = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        let mut tx = Tx::new(source, &mut rows, &nothing, Some(conn), false);
        match decide(&mut tx) {
            Ok(outcome) => return Ok(outcome),
            Err(Abort::Failed(error)) => return Err(error),
            Err(_) => rows.load(conn)?,
        }
    }
    Err(no_end())
}
