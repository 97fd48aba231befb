//! The demo as a reader starts it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

#[test]
fn the_demo_ends_well_and_leaves_nothing() {
    let temporary = std::env::temp_dir().join(format!("demo-test-{}", std::process::id()));
    std::fs::create_dir(&temporary).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pinwire"))
        .arg("demo")
        .env("TMPDIR", &temporary)
        // A demo is the same whatever the settings of a node are.
        .env("PINWIRE_REDIS_URL", "redis://127.0.0.1:1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().collect();
    std::fs::remove_dir_all(&temporary).unwrap();
    assert!(output.status.success(), "{said}{complained}");
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(complained, "");
    assert!(!said.contains('\x1b'), "colour is for terminals alone");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("All as it should be: 13 steps, "),
        "{last}"
    );
}
