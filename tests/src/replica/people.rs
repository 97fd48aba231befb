//! What events tell of other people: profiles, blocks, and requests.

use serde_json::{Value, json};

use super::Replica;
use super::known::{member, renew_person};

impl Replica {
    pub(super) fn renew_person(&mut self, user: &Value) {
        let known = self.conversations.values_mut().map(|it| &mut it.item);
        for shown in known.chain(self.messages.values_mut()) {
            renew_person(shown, user);
        }
    }

    pub(super) async fn take_block(&mut self, user: &Value, is_blocked: bool) {
        self.has_blocked = true;
        for (id, known) in &mut self.conversations {
            if !known.holds(user) {
                continue;
            }
            let mut marks = json!({"read_position": null, "delivered_position": 0});
            if !is_blocked {
                let path = format!("/v5/conversations/{id}");
                let fresh = self.person.api.get(&path).await.is(200);
                marks.clone_from(member(&fresh, user).expect("they are there"));
            }
            known.set_marks(user, &marks);
        }
    }

    pub(super) fn take_request(&mut self, kind: &str, id: &str) {
        match kind {
            "request.created" => _ = self.requests.insert(id.to_owned()),
            "member.joined" | "member.left" | "request.accepted" | "request.ignored" => {
                self.requests.remove(id);
            }
            _ => {}
        }
    }
}
