//! Secrets that servers gave out or were told, none of which may stand in a log.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::person::PASSWORD;

/// Fields of answers that are secrets.
const FIELDS: [&str; 4] = ["access_token", "refresh_token", "ticket", "click_through"];

/// Those of all servers that tests of this process talk with.
static GIVEN_OUT: Mutex<Option<HashSet<String>>> = Mutex::new(None);

fn given_out() -> MutexGuard<'static, Option<HashSet<String>>> {
    GIVEN_OUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps in mind what an answer gives out.
pub(crate) fn note(answer: &Value) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| FIELDS.contains(&name.as_str())) {
                    // Of a path, the last part.
                    Some(secret) => {
                        let secret = secret.rsplit('/').next().unwrap_or(secret);
                        let mut all = given_out();
                        all.get_or_insert_default().insert(secret.to_owned());
                    }
                    None => note(value),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(note),
        _ => {}
    }
}

/// A line of a log that holds a secret.
pub(crate) fn line_with_one(log: &str) -> Option<&str> {
    let all = given_out();
    let is_secret = |word: &str| all.as_ref().is_some_and(|all| all.contains(word));
    log.lines().find(|line| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let mut words = line.split(|c| !is_part(c));
        line.contains(PASSWORD) || words.any(|word| is_secret(word.trim_matches('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_log_is_found() {
        note(
            &serde_json::json!({"items": [{"ticket": "tick-1_x", "name": "ana-1"}], "click_through": "/v5/links/abc9"}),
        );
        for line in [
            "GET /v5/ws?ticket=tick-1_x HTTP",
            "said \"tick-1_x\".",
            "at /v5/links/abc9",
        ] {
            assert_eq!(line_with_one(&format!("one\n{line}\n")), Some(line));
        }
        let told = format!("{PASSWORD} was told");
        assert_eq!(line_with_one(&told), Some(&*told));
        assert_eq!(line_with_one("ana-1 took tick-1"), None);
    }
}
