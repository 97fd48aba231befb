//! The files of the project, read once for each rule.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file, by its path from the top of the project.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A place that breaks a rule.
pub(crate) struct Finding {
    at: String,
    what: String,
}

impl Finding {
    pub(crate) fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Self {
            at: format!("{}:{line}", source.path),
            what: what.into(),
        }
    }

    pub(crate) fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self {
            at: path.to_owned(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> Source {
    let text = fs::read_to_string(top().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    Source {
        path: path.to_owned(),
        text,
    }
}

/// All Rust files of the crates and the tests.
pub(crate) fn rust() -> Vec<Source> {
    let found: Vec<_> = project_files()
        .into_iter()
        .filter(|path| path.starts_with("crates/") || path.starts_with("tests/"))
        .filter(|path| Path::new(path).extension().is_some_and(|it| it == "rs"))
        .map(|path| read(&path))
        .collect();
    // A walk that finds nothing would let every rule pass.
    for known in ["crates/domain/src/lib.rs", "tests/tidy/tree.rs"] {
        assert!(
            found.iter().any(|it| it.path == known),
            "the walk did not find {known}"
        );
    }
    found
}

/// The manifests of the member crates.
pub(crate) fn manifests() -> Vec<Source> {
    let crates = ["crates/domain", "crates/storage", "crates/gateway", "tests"];
    crates
        .iter()
        .map(|folder| read(&format!("{folder}/Cargo.toml")))
        .collect()
}

/// All text files of the project.
pub(crate) fn texts() -> Vec<Source> {
    let read = |path: String| {
        let text = String::from_utf8(fs::read(top().join(&path)).unwrap()).ok()?;
        Some(Source { path, text })
    };
    project_files().into_iter().filter_map(read).collect()
}

/// The files that are the project's: what git tracks, and what it would track at the next
/// `git add`. What it ignores is not the project's.
pub(crate) fn project_files() -> Vec<String> {
    let output = Command::new("git")
        // The tree may belong to somebody else, as it does in a container.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git is needed to know the project's files");
    assert!(
        output.status.success(),
        "git: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .split_terminator('\0')
        // Removed from the tree, and not from git's list yet.
        .filter(|path| top().join(path).is_file())
        .map(str::to_owned)
        .collect()
}
