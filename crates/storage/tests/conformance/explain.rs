//! The very statements that a store runs, and how the database answers them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use pinwire_storage::Target;
use serde_json::Value;

use crate::stores::TestStore;

/// Indexes of few rows of a long table.
const PARTIAL: [&str; 1] = ["pins_unjudged"];
/// Tables that hold a row or a few, so that reading them whole is right.
const TINY: [&str; 4] = ["log_head", "signing_keys", "search_progress", "jobs"];

/// What was run on each database that is watched, by its address.
static RUN: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);
/// What each database's connections were set to.
static SETTINGS: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// A statement, and the values it was run with, as literals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    values: Vec<String>,
}

/// Lets the stores that are opened from now on tell what they run.
pub(crate) fn record() {
    diesel::connection::set_default_instrumentation(|| Some(Box::new(Recorder(String::new()))))
        .unwrap();
}

/// Gives all that was run on this store's database since the last call, in order.
pub(crate) fn run(at: &TestStore) -> Vec<String> {
    let mut all = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    let run = all.get_or_insert_default().insert(address(at), Vec::new());
    run.unwrap_or_default()
}

/// Gives the different statements that were run on this store's database since the last call.
pub(crate) fn statements(at: &TestStore) -> Vec<Statement> {
    let different: HashSet<String> = run(at).into_iter().collect();
    let read = different.iter().filter_map(|text| Statement::read(text));
    read.collect()
}

fn address(at: &TestStore) -> String {
    match at.target() {
        Target::Sqlite(path) => path.to_str().unwrap().to_owned(),
        Target::Postgres(url) => url.clone(),
    }
}

/// Notes what one connection runs.
struct Recorder(String);

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                url.clone_into(&mut self.0);
            }
            InstrumentationEvent::StartQuery { query, .. } => {
                let query = query.to_string();
                if query.starts_with("set ") {
                    let mut all = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
                    all.get_or_insert_default().insert(self.0.clone(), query);
                    return;
                }
                // What sets a new connection up belongs to no query.
                if query.starts_with("pragma ") {
                    return;
                }
                let mut all = RUN.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(run) = all.as_mut().and_then(|all| all.get_mut(&self.0)) {
                    run.push(query);
                }
            }
            _ => {}
        }
    }
}

impl Statement {
    /// Reads `SELECT … -- binds: [1, "two", [3, 4]]`; what begins and ends a transaction is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (sql, values) = text.rsplit_once(" -- binds: ")?;
        let values = values.trim().strip_prefix('[')?.strip_suffix(']')?;
        let mut values = values.chars().peekable();
        let mut literals = Vec::new();
        while let Some(literal) = literal(&mut values) {
            literals.push(literal);
        }
        Some(Self {
            sql: sql.to_owned(),
            values: literals,
        })
    }

    /// What this statement reads whole, as lines of the plan; nothing if indexes serve it.
    pub(crate) fn scans(&self, conn: &mut Explaining) -> Vec<String> {
        match conn {
            Explaining::Sqlite(c) => sqlite_scans(c, self),
            Explaining::Postgres(c) => postgres_scans(c, self),
        }
    }
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// An absent value, on its own and in a list.
const NOTHING: &str = "null";

/// The next value of a list that Rust's `Debug` wrote, as a literal of PostgreSQL's.
fn literal(rest: &mut Rest<'_>) -> Option<String> {
    let text = value(rest, false)?;
    if text == NOTHING {
        return Some(text);
    }
    Some(format!("'{}'", text.replace('\'', "''")))
}

/// A value; a string of a list in quotes, since it may hold what ends the list.
fn value(rest: &mut Rest<'_>, of_list: bool) -> Option<String> {
    while rest.next_if(|c| matches!(c, ',' | ' ')).is_some() {}
    match rest.peek()? {
        '"' if of_list => {
            let text = string(rest).replace('\\', r"\\").replace('"', r#"\""#);
            Some(format!("\"{text}\""))
        }
        '"' => Some(string(rest)),
        '[' => {
            rest.next();
            let mut elements = Vec::new();
            while rest.peek().is_some_and(|c| *c != ']') {
                elements.extend(value(rest, true));
            }
            rest.next();
            Some(format!("{{{}}}", elements.join(",")))
        }
        _ => {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| !matches!(c, ',' | ']' | '(' | ')')) {
                word.push(c);
            }
            if word == "Some" {
                rest.next();
                let inner = value(rest, of_list);
                rest.next();
                return inner;
            }
            if word == "None" {
                return Some(NOTHING.to_owned());
            }
            assert!(
                word.parse::<i64>().is_ok() || word == "true" || word == "false",
                "{word}"
            );
            Some(word)
        }
    }
}

/// A string as Rust's `Debug` wrote it.
fn string(rest: &mut Rest<'_>) -> String {
    let mut text = String::new();
    rest.next();
    loop {
        match rest.next().unwrap() {
            '"' => return text,
            '\\' => text.push(match rest.next().unwrap() {
                'u' => {
                    let code: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap()
                }
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// A connection like the store's own, whose questions for plans are not noted.
pub(crate) enum Explaining {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Explaining {
    pub(crate) fn of(at: &TestStore) -> Self {
        match at.target() {
            Target::Sqlite(path) => {
                Self::Sqlite(SqliteConnection::establish(path.to_str().unwrap()).unwrap())
            }
            Target::Postgres(url) => {
                // This connection is noted as well, so the lock must be gone by then.
                let settings = {
                    let all = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
                    all.as_ref().and_then(|all| all.get(url).cloned()).unwrap()
                };
                let mut conn = PgConnection::establish(url).unwrap();
                conn.batch_execute(&settings).unwrap();
                Self::Postgres(conn)
            }
        }
    }
}

fn sqlite_scans(c: &mut SqliteConnection, statement: &Statement) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    // A plan of SQLite's depends on no value.
    let steps: Vec<Step> = diesel::sql_query(format!("explain query plan {}", statement.sql))
        .load(c)
        .unwrap_or_else(|e| panic!("{e}: {}", statement.sql));
    // What a part of the statement made is read whole; how it was made is a step of its own.
    let made: Vec<String> = ["CO-ROUTINE ", "MATERIALIZE "]
        .iter()
        .flat_map(|how| {
            steps
                .iter()
                .filter_map(move |step| step.detail.strip_prefix(how))
        })
        .map(str::to_owned)
        .collect();
    let scans = steps.into_iter().map(|step| step.detail).filter(|detail| {
        // A whole index is as long as its table, and an automatic one is made by reading the table.
        let whole = detail.strip_prefix("SCAN ").filter(|what| {
            !what.starts_with('(')
                && !made.iter().any(|made| made == what)
                && !what.starts_with("CONSTANT ROW")
                && !what.ends_with("VALUES CLAUSE")
                && !PARTIAL.iter().any(|index| what.ends_with(index))
                && !TINY.iter().any(|tiny| what.starts_with(tiny))
        });
        whole.is_some() || detail.contains("AUTOMATIC")
    });
    scans.collect()
}

fn postgres_scans(c: &mut PgConnection, statement: &Statement) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Explained {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        plan: String,
    }
    let values = if statement.values.is_empty() {
        String::new()
    } else {
        format!("({})", statement.values.join(", "))
    };
    // As the store's connections do, which plan a statement once for all values.
    c.batch_execute(&format!(
        "deallocate all; set plan_cache_mode = force_generic_plan; prepare asked as {}",
        statement.sql
    ))
    .unwrap_or_else(|e| panic!("{e}: {}", statement.sql));
    let explained: Explained =
        diesel::sql_query(format!("explain (format json) execute asked{values}"))
            .get_result(c)
            .unwrap_or_else(|e| panic!("{e}: {statement:?}"));
    let plan: Value = serde_json::from_str(&explained.plan).unwrap();
    let mut scans = Vec::new();
    find_scans(&plan[0]["Plan"], &mut scans);
    scans
}

fn find_scans(node: &Value, scans: &mut Vec<String>) {
    let text = |key: &str| node[key].as_str().unwrap_or_default();
    let kind = text("Node Type");
    let table = text("Relation Name");
    // A whole index is as long as its table.
    let whole_index = kind.contains("Index")
        && node["Index Cond"].is_null()
        && !PARTIAL.contains(&text("Index Name"));
    if (kind == "Seq Scan" || whole_index) && !TINY.contains(&table) {
        scans.push(format!("{kind} {table}{}", text("Index Name")));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        find_scans(child, scans);
    }
}
