//! What people do with pins that were sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::person::{Person, Pin};

impl Person {
    /// Changes a pin.
    pub async fn changes_pin(&self, pin: &Pin, change: &Value) -> Answer {
        self.api
            .patch(&format!("/v5/pins/{}", pin.id), change)
            .await
    }

    /// Reads a pin.
    pub async fn looks_at_pin(&self, pin: &Pin) -> Answer {
        self.api.get(&format!("/v5/pins/{}", pin.id)).await
    }

    /// Removes a pin.
    pub async fn removes_pin(&self, pin: &Pin) {
        let path = format!("/v5/pins/{}", pin.id);
        self.api.delete(&path).await.is(204);
    }

    /// Puts a reaction to a pin in a conversation.
    pub async fn reacts_to_pin(&self, conversation: &str, pin: &Pin, emoji: &str) -> Answer {
        let path = pin_reaction(conversation, pin, emoji);
        self.api.request(Method::PUT, &path).send().await
    }

    /// Takes a reaction to a pin back.
    pub async fn takes_back_from_pin(&self, conversation: &str, pin: &Pin, emoji: &str) -> Answer {
        let path = pin_reaction(conversation, pin, emoji);
        self.api.delete(&path).await
    }

    /// Saves the pin that a message carries, on no board.
    pub async fn saves_sent(&self, conversation: &str, position: i64) -> Answer {
        let path = format!("/v5/conversations/{conversation}/messages/{position}/save");
        self.api.post(&path, &json!({})).await
    }

    /// The newest pins of a conversation.
    pub async fn pins_of(&self, conversation: &str) -> Vec<Value> {
        let path = format!("/v5/conversations/{conversation}/pins?page_size=250");
        let page = self.api.get(&path).await.is(200);
        page["items"].as_array().expect("a list").clone()
    }
}

fn pin_reaction(conversation: &str, pin: &Pin, emoji: &str) -> String {
    format!(
        "/v5/conversations/{conversation}/pins/{}/reactions/{emoji}",
        pin.id
    )
}
