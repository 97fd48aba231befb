//! Rows that the acts of a batch decide on: read for all of them at once, changed in memory, written back at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::Conn;
use super::many::{Table, Values, Writes};
use super::tx::Abort;
use crate::error::Result;

/// A kind of row, or of rows that belong together.
pub(crate) trait Entity: Clone {
    type Key: Clone + Ord + Hash;

    /// Reads those of these keys that are there.
    fn load(conn: &mut Conn, keys: &[Self::Key]) -> Result<Vec<(Self::Key, Self)>>;
}

/// A kind that acts add or change.
pub(crate) trait Stored: Entity {
    /// The rows of a new one.
    fn insert(&self, key: &Self::Key, writes: &mut StoredWrites);

    /// The rows that differ from those of before.
    fn update(&self, key: &Self::Key, before: &Self, writes: &mut StoredWrites);

    /// Where the rows go.
    const TABLES: StoredTables;
}

/// The entities of one kind that a batch has to do with.
pub(crate) struct Loaded<E: Entity> {
    /// As the database has them; none for one that is not there.
    stored: HashMap<E::Key, Option<E>>,
    /// As the acts that are decided leave them.
    decided: BTreeMap<E::Key, E>,
    /// As the act that runs leaves them.
    draft: BTreeMap<E::Key, E>,
    /// Asked for and not read yet.
    wanted: BTreeSet<E::Key>,
    /// Whether what is not in memory is taken not to be there.
    presumed: bool,
}

impl<E: Entity> Default for Loaded<E> {
    fn default() -> Self {
        Self {
            stored: HashMap::new(),
            decided: BTreeMap::new(),
            draft: BTreeMap::new(),
            wanted: BTreeSet::new(),
            presumed: false,
        }
    }
}

impl<E: Entity> Loaded<E> {
    /// Tells what the act will ask for, so that all of it is read in one go.
    pub(crate) fn want(&mut self, key: E::Key) {
        if !self.decided.contains_key(&key) && !self.stored.contains_key(&key) {
            self.wanted.insert(key);
        }
    }

    /// The entity, or none if there is none. Stops an act that was the first to ask; it runs again.
    pub(crate) fn get(&mut self, key: &E::Key) -> std::result::Result<Option<&E>, Abort> {
        if let Some(entity) = self.draft.get(key).or_else(|| self.decided.get(key)) {
            return Ok(Some(entity));
        }
        if let Some(entity) = self.stored.get(key) {
            return Ok(entity.as_ref());
        }
        if self.presumed {
            return Ok(None);
        }
        self.wanted.insert(key.clone());
        Err(Abort::Missing)
    }

    /// Takes it that what is not in memory is not there, for rows that are looked for when they are written.
    pub(crate) fn presume_absent(&mut self) {
        self.presumed = true;
    }

    /// Whether that was done.
    pub(crate) fn presumes_absent(&self) -> bool {
        self.presumed
    }

    /// The entity, if it has been asked for before.
    pub(crate) fn peek(&self, key: &E::Key) -> Option<&E> {
        let known = self.draft.get(key).or_else(|| self.decided.get(key));
        known.or_else(|| self.stored.get(key)?.as_ref())
    }

    /// Changes an entity.
    pub(crate) fn put(&mut self, key: E::Key, entity: E) {
        self.draft.insert(key, entity);
    }

    /// Adds an entity that is known not to be there.
    pub(crate) fn add(&mut self, key: E::Key, entity: E) {
        self.stored.entry(key.clone()).or_insert(None);
        self.draft.insert(key, entity);
    }

    /// The act that ran stands.
    pub(crate) fn keep(&mut self) {
        // `append` would build the whole map anew for each act.
        self.decided.extend(std::mem::take(&mut self.draft));
    }

    /// The act that ran does not stand.
    pub(crate) fn undo(&mut self) {
        self.draft.clear();
    }

    /// Changes an entity after the acts, if it is in memory; whether it is.
    pub(crate) fn amend(&mut self, key: &E::Key, change: impl FnOnce(&mut E)) -> bool {
        if let Some(entity) = self.decided.get_mut(key) {
            change(entity);
            return true;
        }
        let Some(mut entity) = self.stored.get(key).cloned().flatten() else {
            return false;
        };
        change(&mut entity);
        self.decided.insert(key.clone(), entity);
        true
    }

    /// Forgets what changed since it was read.
    pub(crate) fn forget(&mut self, changed: impl Fn(&E::Key, Option<&E>) -> bool) {
        self.stored
            .retain(|key, entity| !changed(key, entity.as_ref()));
    }

    /// Forgets all that is of no use later; all there is beyond `most`.
    pub(crate) fn keep_for_later(&mut self, most: usize, is_of_use: impl Fn(Option<&E>) -> bool) {
        self.wanted.clear();
        // What acts decided is committed.
        for (key, entity) in std::mem::take(&mut self.decided) {
            self.stored.insert(key, Some(entity));
        }
        if self.stored.len() > most {
            self.stored = HashMap::new();
        }
        self.stored.retain(|_, entity| is_of_use(entity.as_ref()));
    }

    /// Reads what was asked for; how much that was.
    pub(crate) fn load(&mut self, conn: &mut Conn) -> Result<usize> {
        let keys: Vec<E::Key> = std::mem::take(&mut self.wanted).into_iter().collect();
        if keys.is_empty() {
            return Ok(0);
        }
        let found = E::load(conn, &keys)?;
        let count = keys.len();
        self.stored.extend(keys.into_iter().map(|key| (key, None)));
        self.stored
            .extend(found.into_iter().map(|(key, entity)| (key, Some(entity))));
        Ok(count)
    }
}

impl<E: Stored> Loaded<E> {
    /// Adds to `writes` what the acts decided, in the order of the keys.
    pub(crate) fn write(&mut self, writes: &mut Writes) {
        let mut rows = StoredWrites::default();
        for (key, after) in &self.decided {
            match self.stored.get(key) {
                Some(Some(before)) => after.update(key, before, &mut rows),
                _ => after.insert(key, &mut rows),
            }
        }
        rows.add_to(&E::TABLES, writes);
        for (key, entity) in std::mem::take(&mut self.decided) {
            self.stored.insert(key, Some(entity));
        }
    }
}

/// The tables of a kind: for new rows, for changed ones with the columns that change, and for those of which only what
/// moves often changed.
pub(crate) struct StoredTables {
    pub(crate) inserted: Table,
    pub(crate) updated: Table,
    pub(crate) moved: Table,
}

impl StoredTables {
    /// The same for all of them.
    pub(crate) const fn all(table: Table) -> Self {
        Self {
            inserted: table,
            updated: table,
            moved: table,
        }
    }
}

/// New and changed rows of one kind.
#[derive(Default)]
pub(crate) struct StoredWrites {
    pub(crate) inserted: Vec<Values>,
    pub(crate) updated: Vec<Values>,
    pub(crate) moved: Vec<Values>,
}

impl StoredWrites {
    fn add_to(self, tables: &StoredTables, writes: &mut Writes) {
        writes.insert(tables.inserted, self.inserted);
        writes.update(tables.updated, self.updated);
        writes.update(tables.moved, self.moved);
    }
}

/// Rows that acts only add.
pub(crate) trait Addition {
    /// Where they go.
    const TABLE: Table;

    /// How many of its columns, the last ones, few rows have.
    const RARE: usize = 0;

    /// The values of its columns.
    fn values(&self) -> Values;
}

/// The rows of one kind that a batch adds.
pub(crate) struct Added<R> {
    decided: Vec<R>,
    draft: Vec<R>,
}

impl<R> Default for Added<R> {
    fn default() -> Self {
        Self {
            decided: Vec::new(),
            draft: Vec::new(),
        }
    }
}

impl<R: Addition> Added<R> {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: R) {
        self.draft.push(row);
    }

    /// The act that ran stands.
    pub(crate) fn keep(&mut self) {
        self.decided.append(&mut self.draft);
    }

    /// The act that ran does not stand.
    pub(crate) fn undo(&mut self) {
        self.draft.clear();
    }

    /// Adds to `writes` what the acts added.
    pub(crate) fn write(&mut self, writes: &mut Writes) {
        let rows = self.decided.drain(..).map(|row| row.values()).collect();
        writes.insert_plain(R::TABLE, R::RARE, rows);
    }
}
