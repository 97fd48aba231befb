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

    /// These parts on one line, each named by the end of its path, or by what stands before a `=`.
    pub(super) fn essence(&self, parts: &[&str]) -> String {
        let shown = |part: &&str| {
            let (name, path) = part
                .split_once('=')
                .unwrap_or_else(|| (part.rsplit('.').next().unwrap_or(part), part));
            match self.at(path) {
                // Only a text of several words needs to be held together.
                Value::String(text) if !text.contains(' ') => format!("{name} {text}"),
                value => format!("{name} {value}"),
            }
        };
        parts.iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_into_an_answer() {
        let answer = Answer(serde_json::json!({"items": [{"id": "5"}], "text": "so so"}));
        assert_eq!(answer.at("items.0.id"), "5");
        assert_eq!(answer.at("items.1.id"), Value::Null);
        assert!(answer.text("items").is_err());
        assert_eq!(
            answer.essence(&["items.0.id", "text", "second=items.1.id"]),
            "id 5, text \"so so\", second null"
        );
    }
}
