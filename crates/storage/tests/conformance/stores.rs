//! A store of its own for each test, with a clock that the test holds.
//!
//! PostgreSQL is the server at `PINWIRE_TEST_POSTGRES_URL`; its databases are copies of one template,
//! made once for each text of the migrations, and are dropped after their test.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::policy::Placement;
use pinwire_domain::{Time, UserId, limits};
use pinwire_storage::links::LinkRules;
use pinwire_storage::{Committed, Migrate, OpenError, Source, Store, StoreConfig, Target};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

/// Writes each test once and runs it on both databases:
///
/// ```ignore
/// both! {
///     a_new_store_has_an_empty_log(at) {
///         assert_eq!(at.store.head().await.unwrap(), 0);
///     }
/// }
/// ```
macro_rules! both {
    ($($name:ident($at:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs what its file imports")]
            use super::*;

            async fn acts($at: &mut $crate::stores::TestStore) $body

            #[test]
            fn sqlite() {
                $crate::stores::on_sqlite(acts);
            }

            #[test]
            fn postgres() {
                $crate::stores::on_postgres(acts);
            }
        }
    )*};
}

/// The moment at which every test begins: 2026-11-23T04:00:00Z.
pub(crate) const START: Time = Time::from_millis(1_795_406_400_000);

/// A store, and what a test needs beside it.
pub(crate) struct TestStore {
    /// The store under test.
    pub(crate) store: Store,
    /// What it committed, in order.
    pub(crate) committed: mpsc::Receiver<Committed>,
    clock: Arc<AtomicI64>,
    source: Source,
    database: Database,
}

impl TestStore {
    fn open(database: Database) -> Self {
        let clock = Arc::new(AtomicI64::new(START.as_millis()));
        let source = source(&clock);
        let (store, committed) = open(&database.target, &source);
        Self {
            store,
            committed,
            clock,
            source,
            database,
        }
    }

    /// Goes on with one writer, so that it is known which one an act meets.
    pub(crate) fn with_one_writer(&mut self) {
        let one = StoreConfig {
            writers: 1,
            ..config(&self.database.target)
        };
        (self.store, self.committed) = Store::open(&one, &self.source).unwrap();
    }

    /// The stores of all nodes: two on PostgreSQL, one on SQLite, where one server holds the file.
    pub(crate) fn nodes(&self) -> Vec<Store> {
        let mut nodes = vec![self.store.clone()];
        if let Target::Postgres(_) = &self.database.target {
            nodes.push(open(&self.database.target, &self.source).0);
        }
        nodes
    }

    /// What another start makes of this database: its epoch. On SQLite of a copy, since one server holds the file.
    pub(crate) fn start_again(&self, migrate: Migrate) -> Result<String, OpenError> {
        let target = match &self.database.target {
            Target::Sqlite(path) => {
                let copy = path.with_file_name(unique_name());
                self.execute(&format!("vacuum into '{}'", copy.display()));
                Target::Sqlite(copy)
            }
            Target::Postgres(url) => Target::Postgres(url.clone()),
        };
        let config = StoreConfig {
            migrate,
            ..config(&target)
        };
        Store::open(&config, &self.source).map(|(store, _)| store.epoch().to_owned())
    }

    /// An expression for the bytes of a column as upper-case hexadecimal digits.
    pub(crate) fn bytes_as_hex(&self, column: &str) -> String {
        match &self.database.target {
            Target::Sqlite(_) => format!("hex({column})"),
            Target::Postgres(_) => format!("upper(encode({column}, 'hex'))"),
        }
    }

    /// The present moment of this store.
    pub(crate) fn now(&self) -> Time {
        Time::from_millis(self.clock.load(Ordering::SeqCst))
    }

    /// Lets time go on.
    pub(crate) fn wait_millis(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    /// Where the data live.
    pub(crate) const fn target(&self) -> &Target {
        &self.database.target
    }

    /// Runs SQL beside the store, for what no act does.
    pub(crate) fn execute(&self, sql: &str) {
        self.try_execute(sql).unwrap();
    }

    /// The same, where it may be refused.
    pub(crate) fn try_execute(&self, sql: &str) -> QueryResult<()> {
        let sql = &format!("{sql}; update log_head set unlogged_changes = unlogged_changes + 1");
        match &self.database.target {
            Target::Sqlite(path) => sqlite(path).batch_execute(sql),
            Target::Postgres(url) => postgres(url).batch_execute(sql),
        }
    }

    /// The one number that this SQL selects.
    pub(crate) fn number(&self, select: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let query = diesel::sql_query(format!("select cast(({select}) as bigint) as number"));
        let row: Row = match &self.database.target {
            Target::Sqlite(path) => query.get_result(&mut sqlite(path)).unwrap(),
            Target::Postgres(url) => query.get_result(&mut postgres(url)).unwrap(),
        };
        row.number
    }

    /// An account with this username, made beside the acts.
    pub(crate) fn person(&self, username: &str) -> UserId {
        let id = self.number("select count(*) from users") + 1;
        self.execute(&format!(
            "insert into users (id, username, full_name, email, version, created_at)
             values ({id}, '{username}', '{username}', '{username}@pinwire.example', 1, {})",
            self.now().as_millis()
        ));
        // Most tests begin with people whom anybody may write to.
        self.execute(&format!(
            "insert into user_settings (user_id, typing, presence, read_receipts, pin_saved_notice, version,
                                        from_followers, from_everyone)
             values ({id}, true, true, true, true, 0, 'inbox', 'inbox')"
        ));
        UserId::new(id)
    }
}

/// Runs a test on a SQLite file of its own.
pub(crate) fn on_sqlite(test: impl AsyncFnOnce(&mut TestStore)) {
    run(Database::sqlite(), test);
}

/// Runs a test on a PostgreSQL database of its own.
pub(crate) fn on_postgres(test: impl AsyncFnOnce(&mut TestStore)) {
    run(Database::postgres(), test);
}

fn run(database: Database, test: impl AsyncFnOnce(&mut TestStore)) {
    let mut store = TestStore::open(database);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test(&mut store));
}

/// Chance counts up, so that ids are the same in each run and never meet.
fn source(clock: &Arc<AtomicI64>) -> Source {
    let clock = Arc::clone(clock);
    let chance = AtomicU64::new(1);
    Source::new(
        move || Time::from_millis(clock.load(Ordering::SeqCst)),
        move || chance.fetch_add(1, Ordering::SeqCst),
    )
}

fn open(target: &Target, source: &Source) -> (Store, mpsc::Receiver<Committed>) {
    Store::open(&config(target), source).unwrap()
}

fn config(target: &Target) -> StoreConfig {
    StoreConfig {
        target: target.clone(),
        readers: 4,
        writers: 2,
        migrate: Migrate::Forward,
        people_max: limits::CONVERSATION_PEOPLE_DEFAULT,
        strangers: Placement::Inbox,
        links: LinkRules {
            are_inspected: true,
            ..LinkRules::default()
        },
    }
}

/// A database that goes away with its test.
struct Database {
    target: Target,
    /// The folder of the file, or the name of the PostgreSQL database.
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Postgres { server: String, name: String },
}

impl Database {
    fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(unique_name());
        std::fs::create_dir(&folder).unwrap();
        Self {
            target: Target::Sqlite(folder.join("pinwire.db")),
            place: Place::Folder(folder),
        }
    }

    fn postgres() -> Self {
        let server = std::env::var("PINWIRE_TEST_POSTGRES_URL").expect(
            "PINWIRE_TEST_POSTGRES_URL names no PostgreSQL server: run `tests/run`, or set it to one \
             where databases may be made",
        );
        let template = template(&server);
        let name = unique_name();
        let mut admin = postgres(&server);
        admin
            .batch_execute(&format!("create database {name} template {template}"))
            .unwrap();
        Self {
            target: Target::Postgres(database_url(&server, &name)),
            place: Place::Postgres { server, name },
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = match &self.place {
            Place::Folder(folder) => std::fs::remove_dir_all(folder).map_err(|e| e.to_string()),
            Place::Postgres { server, name } => PgConnection::establish(server)
                .map_err(|e| e.to_string())
                .and_then(|mut admin| {
                    admin
                        .batch_execute(&format!("drop database {name} with (force)"))
                        .map_err(|e| e.to_string())
                }),
        };
        // A test that failed has more to say than this.
        if !std::thread::panicking() {
            gone.expect("the test's database goes away");
        }
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    format!("pinwire_test_{}_{count}", std::process::id())
}

/// The database with this version's schema that all others are copied from.
fn template(server: &str) -> String {
    let name = format!("pinwire_template_{}", migrations_checksum());
    let making = format!("{name}_making");
    let mut admin = postgres(server);
    // Many tests begin at once; one makes it. The lock goes with the connection.
    admin
        .batch_execute("select pg_advisory_lock(7204012)")
        .unwrap();
    let known = diesel::sql_query(format!(
        "select 1 from pg_database where datname = '{name}'"
    ))
    .execute(&mut admin)
    .unwrap();
    if known == 0 {
        admin
            .batch_execute(&format!("drop database if exists {making}"))
            .unwrap();
        admin
            .batch_execute(&format!("create database {making}"))
            .unwrap();
        Store::migrate(&Target::Postgres(database_url(server, &making))).unwrap();
        // Its connection may end a moment later than it was closed.
        let rename = format!("alter database {making} rename to {name}");
        (0..100)
            .find(|_| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                admin.batch_execute(&rename).is_ok()
            })
            .expect("the template gets its name");
    }
    name
}

/// Names the text of all PostgreSQL migrations.
fn migrations_checksum() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut versions: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    versions.sort();
    let mut digest = Sha256::new();
    for version in versions {
        digest.update(std::fs::read(version.join("up.sql")).unwrap());
    }
    let bytes = digest.finalize();
    bytes.iter().take(8).fold(String::new(), |mut name, byte| {
        write!(name, "{byte:02x}").unwrap();
        name
    })
}

fn database_url(server: &str, name: &str) -> String {
    let (rest, query) = server.split_once('?').unwrap_or((server, ""));
    let (host, _) = rest
        .rsplit_once('/')
        .expect("a URL that ends in the name of a database");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{host}/{name}{mark}{query}")
}

fn postgres(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn sqlite(path: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("pragma busy_timeout = 5000").unwrap();
    conn
}
