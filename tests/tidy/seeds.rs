//! Each rule is shown a text that breaks it, and one that does not: a rule that finds nothing
//! anywhere would look just like a clean tree.

use crate::lexer::{Kind, paths, tokens};
use crate::tree::{Finding, Source};
use crate::{names, sizes, walls};

/// Where the rule finds something in this text, as lines.
fn lines(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let place = |it: Finding| it.to_string().split(": ").next().unwrap().to_owned();
    rule(&source)
        .into_iter()
        .map(place)
        .map(|it| it.replace(&format!("{path}:"), ""))
        .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn lexer_tells_words_from_strings_and_comments() {
    let source = r###"
        // redis::a /* "
        /* nested /* redis::b */ " */ let a = "redis::c \" // no";
        let b = r##"raw " redis::d "# "##; let c = '"'; let d = '\''; let e: &'static str = b"x";
        r#type::Kept
    "###;
    let found = tokens(source);
    let texts: Vec<_> = found
        .iter()
        .filter(|it| it.kind == Kind::Text)
        .map(|it| &it.text)
        .collect();
    assert_eq!(texts, ["redis::c  // no", r##"raw " redis::d "# "##, "x"]);
    let paths = paths(&found);
    assert_eq!(paths.len(), 1);
    assert_eq!(
        (paths[0].segments.join("::"), paths[0].line),
        ("type::Kept".to_owned(), 5)
    );
}

#[test]
fn lexer_writes_out_grouped_imports() {
    let source =
        "use a::{self, b::{C, d::*}, e as f, ::g};\nextern crate h;\n#[i] fn x() { ::j::k() }";
    let found = paths(&tokens(source));
    let found: Vec<_> = found.iter().map(|it| it.segments.join("::")).collect();
    assert_eq!(
        found,
        [
            "a::self",
            "a::b::C",
            "a::b::d::*",
            "a::e",
            "a::g",
            "h",
            "i",
            "j::k"
        ]
    );
}

#[test]
fn long_file_is_found() {
    assert_eq!(lines(sizes::long_files, "a.rs", &"x\n".repeat(500)), NONE);
    assert_eq!(
        lines(sizes::long_files, "a.rs", &"x\n".repeat(501)),
        ["501"]
    );
}

#[test]
fn large_function_is_found() {
    let rule = sizes::large_functions;
    let body = |lines: usize| format!("fn f(a: u8)\n{{\n{}}}", "x(1 < 2, \"}\");\n".repeat(lines));
    assert_eq!(lines(rule, "a.rs", &body(67)), NONE);
    assert_eq!(
        lines(rule, "a.rs", &format!("struct S;\n{}", body(68))),
        ["2"]
    );

    let five = "fn f<F: Fn(u8, u8) -> Vec<u8>>(&mut self, a: Map<u8, u8>, b: (u8, u8), c: F, d: [u8; 2], e: u8,) {}";
    assert_eq!(lines(rule, "a.rs", five), NONE);
    assert_eq!(
        lines(rule, "a.rs", &five.replace("&mut self", "s: u8")),
        ["1"]
    );
    assert_eq!(
        lines(
            rule,
            "a.rs",
            "trait T { fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8); }"
        ),
        ["1"]
    );
}

#[test]
fn foreign_crate_is_found() {
    let rule = walls::foreign_crates;
    assert_eq!(
        lines(rule, "crates/domain/src/a.rs", "\nuse tokio::sync;"),
        ["2"]
    );
    assert_eq!(
        lines(
            rule,
            "crates/domain/src/a.rs",
            "use std::{fmt};\nuse {rand::Rng};"
        ),
        ["2"]
    );
    assert_eq!(
        lines(
            rule,
            "crates/storage/src/a.rs",
            "fn f() -> actix_web::Result<()> {}"
        ),
        ["1"]
    );
    assert_eq!(
        lines(rule, "crates/gateway/src/a.rs", "#[diesel(x)] struct A;"),
        ["1"]
    );
    assert_eq!(lines(rule, "tests/src/a.rs", "use redis::Client;"), ["1"]);
    let fine =
        "use diesel::prelude::*; // redis::x\nuse crate::redis::Y; let redis = \"redis::z\";";
    assert_eq!(lines(rule, "crates/storage/src/a.rs", fine), NONE);
}

#[test]
fn foreign_dependency_is_found() {
    let rule = walls::foreign_dependencies;
    let manifest = "[features]\nredis = []\n[dependencies]\nserde.workspace = true\n\
                    actix-web = \"4\"\n[dev-dependencies]\nredis.workspace = true\n";
    assert_eq!(
        lines(rule, "crates/storage/Cargo.toml", manifest),
        ["5", "7"]
    );
    assert_eq!(lines(rule, "crates/gateway/Cargo.toml", manifest), NONE);
}

#[test]
fn clock_in_domain_is_found() {
    let rule = walls::clock_in_domain;
    let text = "fn f() {\n  std::time::Instant::now();\n  SystemTime::now();\n}";
    assert_eq!(lines(rule, "crates/domain/src/a.rs", text), ["2", "3"]);
    assert_eq!(lines(rule, "tests/src/a.rs", text), NONE);
}

#[test]
fn redis_outside_live_is_found() {
    let rule = walls::redis_outside_live;
    let text = "use redis::Client;";
    assert_eq!(lines(rule, "crates/gateway/src/config.rs", text), ["1"]);
    assert_eq!(
        lines(
            rule,
            "crates/gateway/src/config.rs",
            "/// `redis://…`\nlet redis_url;"
        ),
        NONE
    );
    assert_eq!(lines(rule, "crates/gateway/src/live/redis.rs", text), NONE);
}

#[test]
fn clock_and_chance_are_found() {
    let rule = walls::clock_and_chance;
    let text = "SystemTime::now();\nOffsetDateTime::now_utc();\nuse rand::{Rng, rng};\n\
                rand::random_range(1..2);\ngetrandom::fill(b);\nrand::rngs::OsRng;";
    assert_eq!(
        lines(rule, "crates/gateway/src/a.rs", text),
        ["1", "2", "3", "4", "5", "6"]
    );
    assert_eq!(lines(rule, "crates/gateway/src/clock.rs", text), NONE);
    assert_eq!(lines(rule, "crates/storage/tests/a.rs", text), NONE);
    assert_eq!(
        lines(
            rule,
            "crates/gateway/src/a.rs",
            "use rand::Rng; self.clock.now();"
        ),
        NONE
    );
}

#[test]
fn raw_transaction_is_found() {
    let rule = walls::raw_transactions;
    let text = "c.transaction(|c| 1);\nT::begin_transaction(c);\nsql_query(\"begin immediate\");\n\
                c.batch_execute(\"SELECT 1; COMMIT;\");\nc.immediate_transaction(f);";
    assert_eq!(
        lines(rule, "crates/storage/src/pins.rs", text),
        ["1", "2", "3", "4", "5"]
    );
    assert_eq!(lines(rule, "crates/storage/src/db.rs", text), NONE);
    assert_eq!(lines(rule, "crates/storage/src/db/batch.rs", text), NONE);
    let fine = "let transaction = \"begin the story\"; commit(); // BEGIN";
    assert_eq!(lines(rule, "crates/storage/src/pins.rs", fine), NONE);
}

#[test]
fn sql_in_gateway_is_found() {
    let rule = walls::sql_in_gateway;
    let text = "(\"SELECT a\n FROM b\");\n(\"insert into x\");\n(\"update x set y\");\n(\"delete from x\");";
    assert_eq!(
        lines(rule, "crates/gateway/src/a.rs", text),
        ["1", "3", "4", "5"]
    );
    assert_eq!(lines(rule, "crates/storage/src/a.rs", text), NONE);
    assert_eq!(
        lines(
            rule,
            "crates/gateway/src/a.rs",
            "(\"Select a pin\"); // select a from b"
        ),
        NONE
    );
}

#[test]
fn view_in_storage_is_found() {
    let rule = walls::views_in_storage;
    let text = "serde_json::json!({});\nlet x: StatusCode;\nlet json = 1;";
    assert_eq!(lines(rule, "crates/storage/src/a.rs", text), ["1", "2"]);
    assert_eq!(lines(rule, "crates/gateway/src/a.rs", text), NONE);
}

#[test]
fn empty_name_is_found() {
    let rule = names::empty_names;
    let text = "struct PinManager;\nenum Utils {}\nmod test_helpers;\ntrait Data {}\nstruct Database;\n\
                use std::process;\nfn common() {}";
    assert_eq!(lines(rule, "a.rs", text), ["1", "2", "3", "4"]);
    assert_eq!(lines(rule, "tests/common/a.rs", ""), ["tests/common/a.rs"]);
    assert_eq!(
        lines(rule, "src/pin_service.rs", ""),
        ["src/pin_service.rs"]
    );
    assert_eq!(lines(rule, "src/database.rs", ""), NONE);
}

#[test]
fn silence_without_reason_is_found() {
    let rule = names::silenced_without_reason;
    let text = "#[allow(dead_code)]\nfn a() {}\n#![expect(x)]\n#[cfg_attr(test, allow(y))]\n\
                #[allow(z, reason = \"so\")]\n#[expect(z, reason = \"so\")]\n#[derive(A)]\nfn allow() {}";
    assert_eq!(lines(rule, "a.rs", text), ["1", "3", "4"]);
}

#[test]
fn place_of_the_author_is_found() {
    let rule = names::places_of_the_author;
    let text = ["fine\nsee ..", "/shared/x\ncd /wo", "rk/main\n"].concat();
    assert_eq!(lines(rule, "README.md", &text), ["2", "3"]);
    assert_eq!(
        lines(rule, "README.md", "workspace, ../storage, shared"),
        NONE
    );
}

#[test]
fn unequal_migrations_are_found() {
    let found = |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|it| format!("migrations/{it}")).collect();
        let found = names::unequal_migrations(&files);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (up, down) = ("sqlite/1_a/up.sql", "sqlite/1_a/down.sql");
    let both = ["postgres/1_a/up.sql", "postgres/1_a/down.sql", up, down];
    assert_eq!(found(&both), NONE);
    assert_eq!(
        found(&both[..3]),
        ["migrations/sqlite/1_a/down.sql: is missing"]
    );
    assert_eq!(
        found(&["postgres/1_a/up.sql", "postgres/1_a/down.sql"]).len(),
        3
    );
    assert_eq!(found(&[]).len(), 1);
}

#[test]
fn readme_without_the_test_command_is_found() {
    let readme = |text: &str| {
        vec![Source {
            path: "README.md".to_owned(),
            text: text.to_owned(),
        }]
    };
    assert_eq!(
        names::readme_without_test_command(&readme("Run `tests/run`.")).len(),
        0
    );
    assert_eq!(
        names::readme_without_test_command(&readme("Run it.")).len(),
        1
    );
    assert_eq!(names::readme_without_test_command(&[]).len(), 1);
}
