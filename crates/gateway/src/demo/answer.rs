//! What came back: JSON, and how to look into it.

use serde_json::Value;

use super::{DemoError, Result};

/// A JSON value, looked into by paths such as `items.0.user.username`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer(pub(super) Value);

impl Answer {
    /// What stands there; null where there is nothing.
    pub(super) fn at(&self, path: &str) -> Value {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.0.pointer(&pointer).cloned().unwrap_or_default()
    }

    /// The text that stands there.
    pub(super) fn text(&self, path: &str) -> Result<String> {
        match self.at(path) {
            Value::String(text) => Ok(text),
            other => Err(DemoError::Failed(format!(
                "`{path}` should be a text, not {other}, in {}",
                self.0
            ))),
        }
    }

    /// These parts on one line, each with its name.
    pub(super) fn essence(&self, paths: &[&str]) -> String {
        let part = |path: &&str| {
            let name = path.rsplit('.').find(|name| name.parse::<usize>().is_err());
            let value = match self.at(path) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            format!("{} {value}", name.unwrap_or(path))
        };
        paths.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_into_an_answer() {
        let answer = Answer(serde_json::json!({"items": [{"id": "5"}], "seq": 7}));
        assert_eq!(answer.at("items.0.id"), "5");
        assert_eq!(answer.at("items.1.id"), Value::Null);
        assert!(answer.text("seq").is_err());
        assert_eq!(
            answer.essence(&["items.0.id", "seq", "items.1"]),
            "id 5, seq 7, items null"
        );
    }
}
