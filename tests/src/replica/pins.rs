//! Pins in a client's copy.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Replica, as_mine, number, same, text};

impl Replica {
    /// Takes what an event says of a pin.
    pub(super) fn renew_pins(&mut self, id: &str, event: &Value) {
        if event["type"] == "message.deleted" {
            // It may have been the last one that carries a pin.
            self.pin_reactions.retain(|(of, _), _| of != id);
        }
        let pin = &event["data"]["pin"];
        if pin.get("reactions").is_some() {
            let key = (id.to_owned(), text(&pin["pin_id"]).to_owned());
            let reactions = as_mine(pin, &event["me"])["reactions"].clone();
            self.pin_reactions.insert(key, reactions);
        }
        let states = event["me"].get("pin_states").and_then(Value::as_array);
        for state in states.into_iter().flatten() {
            let position = number(&state["position"]);
            let kept = self.messages.get_mut(&(id.to_owned(), position));
            let last = self.conversations.get_mut(id);
            let last = last.map(|known| &mut known.item["last_message"]);
            for message in kept.into_iter().chain(last) {
                if message["position"] == position && message["pin"].is_object() {
                    for field in ["pin_state", "link", "link_check"] {
                        message["pin"][field] = state[field].clone();
                    }
                }
            }
        }
    }

    /// Fails unless what was put to pins is what a fresh fetch gives.
    pub(super) async fn pins_are_up_to_date(&self) {
        let conversations: BTreeSet<_> = self.pin_reactions.keys().map(|(id, _)| id).collect();
        for conversation in conversations {
            for pin in self.person.pins_of(conversation).await {
                let id = text(&pin["pin"]["pin_id"]).to_owned();
                let kept = self.pin_reactions.get(&(conversation.clone(), id));
                if let Some(kept) = kept {
                    same(&self.person.username, kept, &pin["reactions"]);
                }
            }
        }
    }
}
