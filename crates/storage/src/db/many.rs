//! Many rows of one table at once: one statement over arrays on PostgreSQL, where a statement costs a round trip;
//! one statement for each row on SQLite, where it costs a call. Both are prepared once for each connection.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::Conn;
use crate::error::Result;

/// A table as acts read and write its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// What rows are found by.
    pub(crate) key: &'static [&'static str],
    /// The other columns.
    pub(crate) columns: &'static [&'static str],
}

/// A value of a column.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bool(bool),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl Value {
    const fn is_null(&self) -> bool {
        matches!(self, Self::Int(None) | Self::Text(None))
    }
}

/// The values of one row, the key's first.
pub(crate) type Values = Vec<Value>;

/// All values of one column.
enum Column {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bools(Vec<bool>),
    Bytes(Vec<Vec<u8>>),
}

impl Column {
    fn of(first: Value) -> Self {
        match first {
            Value::Int(v) => Self::Ints(vec![v]),
            Value::Text(v) => Self::Texts(vec![v]),
            Value::Bool(v) => Self::Bools(vec![v]),
            Value::Bytes(v) => Self::Bytes(vec![v]),
        }
    }

    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Ints(all), Value::Int(v)) => all.push(v),
            (Self::Texts(all), Value::Text(v)) => all.push(v),
            (Self::Bools(all), Value::Bool(v)) => all.push(v),
            (Self::Bytes(all), Value::Bytes(v)) => all.push(v),
            _ => debug_assert!(false, "a column has values of one type"),
        }
    }
}

fn transpose(rows: Vec<Values>) -> Vec<Bind> {
    let mut columns: Vec<Column> = Vec::new();
    for row in rows {
        if columns.is_empty() {
            columns = row.into_iter().map(Column::of).collect();
        } else {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
    }
    columns.into_iter().map(Bind::Many).collect()
}

enum Bind {
    One(Value),
    Many(Column),
}

/// A call of `unnest` with these arrays.
fn unnest(arrays: &[Bind]) -> String {
    let marks = arrays.iter().map(|bind| match bind {
        Bind::Many(Column::Ints(_)) => "?::bigint[]",
        Bind::Many(Column::Texts(_)) => "?::text[]",
        Bind::Many(Column::Bools(_)) => "?::boolean[]",
        Bind::Many(Column::Bytes(_)) => "?::bytea[]",
        Bind::One(_) => "?",
    });
    format!("unnest({})", marks.collect::<Vec<_>>().join(", "))
}

/// SQL with a `?` for each value, which gives rows of the SQL type `ST`.
///
/// Kept prepared by its text, unlike `diesel::sql_query`, which has the database plan each call anew.
pub(crate) struct Statement<ST> {
    sql: String,
    binds: Vec<Bind>,
    rows: PhantomData<ST>,
}

impl<ST> Statement<ST> {
    fn new(sql: String, binds: Vec<Bind>) -> Self {
        Self {
            sql,
            binds,
            rows: PhantomData,
        }
    }

    fn parts(&self) -> impl Iterator<Item = (&str, Option<&Bind>)> {
        let binds = self.binds.iter().map(Some).chain([None]);
        self.sql.split('?').zip(binds)
    }
}

impl<ST> QueryId for Statement<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Statement<ST> {
    type SqlType = ST;
}

impl<ST, C> RunQueryDsl<C> for Statement<ST> {}

impl<ST> QueryFragment<Pg> for Statement<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (text, bind) in self.parts() {
            out.push_sql(text);
            match bind {
                Some(Bind::Many(Column::Ints(v))) => {
                    out.push_bind_param::<Array<Nullable<BigInt>>, _>(v)?;
                }
                Some(Bind::Many(Column::Texts(v))) => {
                    out.push_bind_param::<Array<Nullable<Text>>, _>(v)?;
                }
                Some(Bind::Many(Column::Bools(v))) => out.push_bind_param::<Array<Bool>, _>(v)?,
                Some(Bind::Many(Column::Bytes(v))) => out.push_bind_param::<Array<Binary>, _>(v)?,
                Some(Bind::One(Value::Int(v))) => out.push_bind_param::<Nullable<BigInt>, _>(v)?,
                Some(Bind::One(Value::Text(v))) => out.push_bind_param::<Nullable<Text>, _>(v)?,
                Some(Bind::One(Value::Bool(v))) => out.push_bind_param::<Bool, _>(v)?,
                Some(Bind::One(Value::Bytes(v))) => out.push_bind_param::<Binary, _>(v)?,
                None => {}
            }
        }
        Ok(())
    }
}

impl<ST> QueryFragment<Sqlite> for Statement<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for (text, bind) in self.parts() {
            out.push_sql(text);
            match bind {
                Some(Bind::One(Value::Int(v))) => out.push_bind_param::<Nullable<BigInt>, _>(v)?,
                Some(Bind::One(Value::Text(v))) => out.push_bind_param::<Nullable<Text>, _>(v)?,
                Some(Bind::One(Value::Bool(v))) => out.push_bind_param::<Bool, _>(v)?,
                Some(Bind::One(Value::Bytes(v))) => out.push_bind_param::<Binary, _>(v)?,
                Some(Bind::Many(_)) | None => {}
            }
        }
        Ok(())
    }
}

/// What is written together.
#[derive(Default)]
pub(crate) struct Writes(Vec<Write>);

struct Write {
    kind: WriteKind,
    table: Table,
    rows: Vec<Values>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteKind {
    Insert,
    Update,
}

impl Writes {
    /// Adds rows.
    pub(crate) fn insert(&mut self, table: Table, rows: Vec<Values>) {
        self.add(WriteKind::Insert, table, rows);
    }

    /// As [`Self::insert`], without the last `rare` columns if none of these rows has any of them: an array costs
    /// PostgreSQL as much for nothing as for something.
    pub(crate) fn insert_plain(&mut self, mut table: Table, rare: usize, mut rows: Vec<Values>) {
        let common = table.columns.len().saturating_sub(rare);
        let width = table.key.len() + common;
        let is_plain = |row: &Values| row.iter().skip(width).all(Value::is_null);
        if rows.iter().all(is_plain) {
            table.columns = table.columns.split_at(common).0;
            for row in &mut rows {
                row.truncate(width);
            }
        }
        self.insert(table, rows);
    }

    /// Sets the columns of the rows with these keys.
    pub(crate) fn update(&mut self, table: Table, rows: Vec<Values>) {
        self.add(WriteKind::Update, table, rows);
    }

    fn add(&mut self, kind: WriteKind, table: Table, rows: Vec<Values>) {
        if !rows.is_empty() {
            self.0.push(Write { kind, table, rows });
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes all of it: one statement on PostgreSQL, one for each row on SQLite. No row is written twice.
    pub(crate) fn run(self, conn: &mut Conn) -> Result<()> {
        match conn {
            Conn::Postgres(c) => {
                if let Some(statement) = self.into_one() {
                    statement.execute(&mut **c)?;
                }
            }
            Conn::Sqlite(c) => {
                for write in self.0 {
                    let sql = write.sql_by_row();
                    for mut row in write.rows {
                        if write.kind == WriteKind::Update {
                            // The text names the columns before the key.
                            row.rotate_left(write.table.key.len());
                        }
                        let binds = row.into_iter().map(Bind::One).collect();
                        Statement::<()>::new(sql.clone(), binds).execute(&mut **c)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes all of it by one statement, if `guard` gives a row; whether it did. PostgreSQL only.
    pub(crate) fn run_if(self, c: &mut PgConnection, guard: Guard) -> Result<bool> {
        let (parts, mut binds) = self.into_parts(", guard");
        let parts = parts.iter().enumerate();
        let parts: Vec<String> = parts.map(|(n, part)| format!("w{n} as ({part})")).collect();
        let sql = format!(
            "with guard as ({}), {} select count(*) from guard",
            guard.sql,
            parts.join(", ")
        );
        let mut all = guard.binds;
        all.append(&mut binds);
        let written: i64 = Statement::<BigInt>::new(sql, all).get_result(c)?;
        Ok(written > 0)
    }

    /// `with w0 as (insert …), w1 as (update …) insert …`.
    fn into_one(self) -> Option<Statement<()>> {
        let (mut parts, binds) = self.into_parts("");
        let mut sql = parts.pop()?;
        if !parts.is_empty() {
            let parts = parts.iter().enumerate();
            let parts: Vec<String> = parts.map(|(n, part)| format!("w{n} as ({part})")).collect();
            sql = format!("with {} {sql}", parts.join(", "));
        }
        Some(Statement::new(sql, binds))
    }

    /// The statements over arrays, each joined with `condition`.
    fn into_parts(self, condition: &str) -> (Vec<String>, Vec<Bind>) {
        let mut parts = Vec::with_capacity(self.0.len());
        let mut binds = Vec::new();
        for mut write in self.0 {
            let arrays = transpose(std::mem::take(&mut write.rows));
            parts.push(write.sql_by_arrays(&unnest(&arrays), condition));
            binds.extend(arrays);
        }
        (parts, binds)
    }
}

/// A statement on whose row it depends whether others write.
pub(crate) struct Guard {
    sql: &'static str,
    binds: Vec<Bind>,
}

impl Guard {
    /// SQL with a `?` for each of `values`.
    pub(crate) fn new(sql: &'static str, values: Vec<i64>) -> Self {
        let binds = values.into_iter().map(|v| Bind::One(v.into())).collect();
        Self { sql, binds }
    }
}

impl Write {
    fn names(&self) -> String {
        let names = self.table.key.iter().chain(self.table.columns);
        list(names, |name| format!("\"{name}\""))
    }

    fn sql_by_arrays(&self, arrays: &str, condition: &str) -> String {
        let (name, names) = (self.table.name, self.names());
        match self.kind {
            WriteKind::Insert => {
                format!("insert into {name} ({names}) select new.* from {arrays} as new{condition}")
            }
            WriteKind::Update => {
                let sets = list(self.table.columns, |c| format!("\"{c}\" = new.\"{c}\""));
                let found = all(self.table.key, |k| format!("{name}.\"{k}\" = new.\"{k}\""));
                format!(
                    "update {name} set {sets} from {arrays} as new ({names}){condition} where {found}"
                )
            }
        }
    }

    fn sql_by_row(&self) -> String {
        let name = self.table.name;
        match self.kind {
            WriteKind::Insert => {
                let marks = vec!["?"; self.table.key.len() + self.table.columns.len()].join(", ");
                format!("insert into {name} ({}) values ({marks})", self.names())
            }
            WriteKind::Update => {
                let sets = list(self.table.columns, |c| format!("\"{c}\" = ?"));
                let found = all(self.table.key, |k| format!("\"{k}\" = ?"));
                format!("update {name} set {sets} where {found}")
            }
        }
    }
}

/// Reads key and columns of the rows with these keys, which are different from each other.
pub(crate) fn select<ST, R>(conn: &mut Conn, table: &Table, keys: Vec<Values>) -> Result<Vec<R>>
where
    Statement<ST>:
        for<'q> LoadQuery<'q, PgConnection, R> + for<'q> LoadQuery<'q, SqliteConnection, R>,
{
    let (name, key) = (table.name, table.key);
    let columns = list(key.iter().chain(table.columns), |c| {
        format!("{name}.\"{c}\"")
    });
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match conn {
        Conn::Postgres(c) => {
            let wanted = list(key, |k| format!("\"{k}\""));
            let found = all(key, |k| format!("{name}.\"{k}\" = wanted.\"{k}\""));
            let keys = transpose(keys);
            let sql = format!(
                "select {columns} from {} as wanted ({wanted}) join {name} on {found}",
                unnest(&keys)
            );
            Statement::<ST>::new(sql, keys).load(&mut **c)?
        }
        Conn::Sqlite(c) => {
            let sql = format!(
                "select {columns} from {name} where {}",
                all(key, |k| format!("\"{k}\" = ?"))
            );
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                let binds = key.into_iter().map(Bind::One).collect();
                rows.extend(Statement::<ST>::new(sql.clone(), binds).load(&mut **c)?);
            }
            rows
        }
    })
}

/// Reads the one row of SQL expressions over the numbers `it`. PostgreSQL only; nothing elsewhere.
pub(crate) fn call<ST, R>(
    conn: &mut Conn,
    expressions: &str,
    numbers: Vec<i64>,
) -> Result<Option<R>>
where
    Statement<ST>: for<'q> LoadQuery<'q, PgConnection, R>,
{
    let Conn::Postgres(c) = conn else {
        return Ok(None);
    };
    let numbers = numbers.into_iter().map(Some).collect();
    let numbers = vec![Bind::Many(Column::Ints(numbers))];
    let sql = format!("select {expressions} from {} as it", unnest(&numbers));
    Ok(Some(
        Statement::<ST>::new(sql, numbers).get_result(&mut **c)?,
    ))
}

fn list<'a>(
    names: impl IntoIterator<Item = &'a &'static str>,
    form: impl FnMut(&&'static str) -> String,
) -> String {
    names.into_iter().map(form).collect::<Vec<_>>().join(", ")
}

fn all(names: &[&'static str], form: impl FnMut(&&'static str) -> String) -> String {
    names.iter().map(form).collect::<Vec<_>>().join(" and ")
}
