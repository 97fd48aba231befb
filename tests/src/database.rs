//! A database of the test's own, and a look into it from beside the nodes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use postgres::{NoTls, SimpleQueryMessage};

/// Names the PostgreSQL server in which tests make their databases.
const SERVER: &str = "PINWIRE_TEST_POSTGRES_URL";

/// The database of a world.
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A database of the test server, dropped in the end.
    Postgres {
        /// Where it is.
        url: String,
        /// Its name.
        name: String,
    },
}

/// Tables that change by themselves, or by a request that is refused.
const UNASKED: [&str; 4] = ["attempts", "nodes", "own_blocks", "search_blocks"];

impl Database {
    /// A file in this folder, made by the first node.
    #[must_use]
    pub fn sqlite(folder: &Path) -> Self {
        Self::Sqlite(folder.join("pinwire.db"))
    }

    /// A new, empty database of the test server.
    #[must_use]
    pub fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pinwire_{}_{count}", std::process::id());
        // One that an earlier test program of this pid left behind would not be empty.
        let url = |name: &str| {
            let (base, _) = server.rsplit_once('/').expect("the URL names a database");
            format!("{base}/{name}")
        };
        postgres_rows(&server, &format!("drop database if exists {name}"));
        postgres_rows(
            &server,
            &format!("create database {name} strategy file_copy"),
        );
        Self::Postgres {
            url: url(&name),
            name,
        }
    }

    /// As a node's setting names it.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// Runs SQL and gives the rows of its answer as text.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(path) => sqlite_rows(path, sql),
            Self::Postgres { url, .. } => postgres_rows(url, sql),
        }
    }

    /// Runs SQL that answers nothing.
    pub fn execute(&self, sql: &str) {
        drop(self.rows(sql));
    }

    /// How many rows each table holds, by name: two equal counts mean that nothing was written between.
    ///
    /// Without what is written whatever a request comes to: what messages are found by, tries, and the nodes.
    #[must_use]
    pub fn row_counts(&self) -> Vec<(String, String)> {
        let tables = match self {
            Self::Sqlite(_) => "select name from sqlite_master where type = 'table' order by name",
            Self::Postgres { .. } => {
                "select table_name from information_schema.tables where table_schema = 'public' order by 1"
            }
        };
        self.rows(tables)
            .into_iter()
            .map(|row| row.into_iter().next().expect("a name"))
            .filter(|table| !UNASKED.contains(&table.as_str()))
            .map(|table| {
                let count = self.rows(&format!("select count(*) from {table}"));
                (table, count[0][0].clone())
            })
            .collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { name, .. } = self {
            let sql = format!("drop database if exists {name} with (force)");
            // The server may be gone already when a test run is interrupted.
            drop(thread::spawn(move || postgres_rows(&server(), &sql)).join());
        }
    }
}

fn server() -> String {
    std::env::var(SERVER)
        .unwrap_or_else(|_| panic!("{SERVER} is not set: run the tests by tests/run"))
}

fn sqlite_rows(path: &Path, sql: &str) -> Vec<Vec<String>> {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    connection
        .busy_timeout(crate::PATIENCE)
        .expect("a timeout can be set");
    let mut statement = connection
        .prepare(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|e| panic!("{sql}: {e}")) {
        let text = |column| {
            let value: rusqlite::types::Value = row.get(column).expect("a column");
            match value {
                rusqlite::types::Value::Null => String::new(),
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Real(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Blob(bytes) => format!("{bytes:?}"),
            }
        };
        all.push((0..columns).map(text).collect());
    }
    all
}

/// On a thread of its own, since this client may not run inside of a test's runtime.
fn postgres_rows(url: &str, sql: &str) -> Vec<Vec<String>> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let asked = thread::spawn(move || {
        let mut client =
            postgres::Client::connect(&url, NoTls).unwrap_or_else(|e| panic!("{url}: {e}"));
        let answer = client
            .simple_query(&sql)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|column| row.get(column).unwrap_or_default().to_owned())
                    .collect(),
            ),
            _ => None,
        };
        answer.into_iter().filter_map(row).collect()
    });
    asked.join().expect("PostgreSQL answers")
}
