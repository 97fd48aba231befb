//! Which part of the project may name what.

use crate::lexer::{Kind, Path, Token, paths, tokens};
use crate::tree::{Finding, Source};

/// What a member crate must not name, in its code and in its manifest. A name stands for the
/// crates that are called after it, too: `actix` for `actix_web`.
fn forbidden(path: &str) -> &'static [&'static str] {
    if path.starts_with("crates/domain/") {
        &["tokio", "diesel", "actix", "rand", "redis", "utoipa"]
    } else if path.starts_with("crates/storage/") {
        &["actix", "http", "redis", "reqwest", "utoipa"]
    } else if path.starts_with("crates/gateway/") {
        &["diesel", "libsqlite3_sys", "pq_sys"]
    } else {
        &[
            "actix",
            "diesel",
            "libsqlite3_sys",
            "pq_sys",
            "redis",
            "utoipa",
        ]
    }
}

fn called_after(name: &str, root: &str) -> bool {
    root.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn found(source: &Source, paths: Vec<Path>, wrong: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let finding = |path: Path| {
        let what = format!("names `{}`", path.segments.join("::"));
        Finding::new(source, path.line, what)
    };
    paths.into_iter().filter(wrong).map(finding).collect()
}

pub(crate) fn foreign_crates(source: &Source) -> Vec<Finding> {
    let forbidden = forbidden(&source.path);
    let paths = paths(&tokens(&source.text));
    found(source, paths, |path| {
        forbidden.iter().any(|name| called_after(name, path.root()))
    })
}

/// The same walls in a manifest's lists of dependencies.
pub(crate) fn foreign_dependencies(manifest: &Source) -> Vec<Finding> {
    let forbidden = forbidden(&manifest.path);
    let mut found = Vec::new();
    let mut in_list = false;
    for (line, text) in (1..).zip(manifest.text.lines()) {
        if text.starts_with('[') {
            in_list = text.contains("dependencies");
        }
        let name: String = text.chars().take_while(|c| !" .=".contains(*c)).collect();
        let name = name.replace('-', "_");
        if in_list && forbidden.iter().any(|it| called_after(it, &name)) {
            found.push(Finding::new(manifest, line, format!("depends on `{name}`")));
        }
    }
    found
}

/// Rules are pure: time is an argument.
pub(crate) fn clock_in_domain(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/domain/") {
        return Vec::new();
    }
    found(source, paths(&tokens(&source.text)), |path| {
        path.holds(&["SystemTime", "now"]) || path.holds(&["Instant", "now"])
    })
}

/// In the gateway, only `live/` knows Redis. A module of that name is no crate, but outside of
/// `live/` it must be named by its whole path.
pub(crate) fn redis_outside_live(source: &Source) -> Vec<Finding> {
    let gateway = source.path.starts_with("crates/gateway/");
    let live = source.path == "crates/gateway/src/live.rs"
        || source.path.starts_with("crates/gateway/src/live/");
    if !gateway || live {
        return Vec::new();
    }
    found(source, paths(&tokens(&source.text)), |path| {
        path.root() == "redis"
    })
}

/// One file reads the clock and draws chance. Tests make their own.
pub(crate) fn clock_and_chance(source: &Source) -> Vec<Finding> {
    if !program(source) || source.path == "crates/gateway/src/clock.rs" {
        return Vec::new();
    }
    found(source, paths(&tokens(&source.text)), |path| {
        let from_rand = path.root() == "rand"
            && path.segments.get(1).is_some_and(|it| {
                ["rng", "make_rng", "fill"].contains(&it.as_str()) || it.starts_with("random")
            });
        from_rand
            || path.root() == "getrandom"
            || path.holds(&["SystemTime", "now"])
            || path.holds(&["OffsetDateTime", "now_utc"])
            || path
                .segments
                .iter()
                .any(|it| ["OsRng", "SysRng", "ThreadRng"].contains(&it.as_str()))
    })
}

/// The code that runs in production, as opposed to a crate's own tests.
fn program(source: &Source) -> bool {
    source.path.starts_with("crates/") && source.path.contains("/src/")
}

/// The store's `db` is where transactions begin and end.
pub(crate) fn raw_transactions(source: &Source) -> Vec<Finding> {
    let db = source.path == "crates/storage/src/db.rs"
        || source.path.starts_with("crates/storage/src/db/");
    if !program(source) || db {
        return Vec::new();
    }
    let words = [
        "begin_transaction",
        "begin_test_transaction",
        "test_transaction",
        "build_transaction",
        "immediate_transaction",
        "exclusive_transaction",
    ];
    let tokens = tokens(&source.text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let after = tokens.get(at + 1);
        let method = token.is_word("transaction")
            && before.is_some_and(|it| it.is_mark(".") || it.is_mark("::"))
            && after.is_some_and(|it| it.is_mark("(") || it.is_mark("::"));
        let named = token.kind == Kind::Word && words.contains(&token.text.as_str());
        let written = token.kind == Kind::Text && controls_transaction(&token.text);
        if method || named || written {
            let what = format!("`{}` outside of the store's db.rs", token.text.trim());
            found.push(Finding::new(source, token.line, what));
        }
    }
    found
}

fn controls_transaction(text: &str) -> bool {
    let text = text.to_uppercase();
    let kinds = [
        "IMMEDIATE",
        "EXCLUSIVE",
        "DEFERRED",
        "CONCURRENT",
        "TRANSACTION",
        "ISOLATION",
    ];
    text.split(';').any(|statement| {
        match *statement.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["BEGIN" | "COMMIT" | "ROLLBACK"] | ["START", "TRANSACTION", ..] => true,
            ["BEGIN", kind, ..] => kinds.contains(&kind),
            _ => false,
        }
    })
}

/// The gateway cannot write SQL.
pub(crate) fn sql_in_gateway(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/gateway/src/") {
        return Vec::new();
    }
    let sql = |token: &Token| token.kind == Kind::Text && is_sql(&token.text);
    let finding = |token: Token| Finding::new(source, token.line, format!("SQL: {}", token.text));
    tokens(&source.text)
        .into_iter()
        .filter(sql)
        .map(finding)
        .collect()
}

fn is_sql(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<_> = text.split_whitespace().collect();
    let follows = |first: &str, then: &str| {
        let mut rest = words.iter().skip_while(|it| **it != first).skip(1);
        rest.any(|it| *it == then)
    };
    follows("select", "from")
        || words
            .windows(2)
            .any(|two| matches!(two, ["insert", "into"] | ["delete", "from"]))
        || words
            .windows(3)
            .any(|three| matches!(three, ["update", _, "set"]))
}

/// The store knows nothing of what a caller sees.
pub(crate) fn views_in_storage(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/storage/src/") {
        return Vec::new();
    }
    let tokens = tokens(&source.text);
    let mut found = Vec::new();
    for pair in tokens.windows(2) {
        if let [word, next] = pair
            && (word.is_word("StatusCode") || word.is_word("json") && next.is_mark("!"))
        {
            found.push(Finding::new(
                source,
                word.line,
                format!("names `{}`", word.text),
            ));
        }
    }
    found
}
