//! A conversation as a client keeps it.

use serde_json::{Value, json};

/// A conversation that is known.
#[derive(Clone)]
pub(super) struct Known {
    /// As `GET /v5/conversations/{id}` shows it.
    pub(super) item: Value,
    /// Its place in lists.
    pub(super) activity: i64,
}

impl Known {
    pub(super) fn take_conversation(&mut self, newer: &Value) {
        let known = &mut self.item["conversation"];
        if number(&newer["version"]) < number(&known["version"]) {
            return;
        }
        let older = std::mem::replace(known, newer.clone());
        let last = number(&older["last_position"]);
        if last > number(&known["last_position"]) {
            known["last_position"] = older["last_position"].clone();
            known["last_message_at"] = older["last_message_at"].clone();
        }
        for member in older["members"].as_array().expect("a list") {
            let user = &member["user"]["id"];
            if let Some(position) = member["read_position"].as_i64() {
                self.move_mark(user, position);
            }
            self.move_delivery(user, number(&member["delivered_position"]));
        }
    }

    /// Takes the read marks of these members; where there are none, they are not to be seen any more.
    pub(super) fn take_marks(&mut self, members: &Value) {
        let mine = self.item["conversation"]["members"].as_array_mut();
        for member in mine.expect("a list") {
            let mut fresh = members.as_array().into_iter().flatten();
            let fresh = fresh.find(|it| it["user"]["id"] == member["user"]["id"]);
            member["read_position"] = fresh.map_or(Value::Null, |it| it["read_position"].clone());
        }
    }

    /// Whether somebody takes part.
    pub(super) fn holds(&self, user: &Value) -> bool {
        member(&self.item, user).is_some()
    }

    /// Takes the marks of one member as they are.
    pub(super) fn set_marks(&mut self, user: &Value, fresh: &Value) {
        let members = self.item["conversation"]["members"].as_array_mut();
        for member in members.expect("a list") {
            if member["user"]["id"] == *user {
                member["read_position"] = fresh["read_position"].clone();
                member["delivered_position"] = fresh["delivered_position"].clone();
            }
        }
    }

    /// A message that was sent.
    pub(super) fn take_new(&mut self, message: &Value, seq: i64) {
        let position = number(&message["position"]);
        let conversation = &mut self.item["conversation"];
        if position >= number(&conversation["last_position"]) {
            conversation["last_position"] = json!(position);
            conversation["last_message_at"] = message["created_at"].clone();
        }
        let last = &self.item["last_message"];
        if last.is_null() || number(&last["position"]) < position {
            self.item["last_message"] = message.clone();
        }
        self.activity = self.activity.max(seq);
        if message["kind"] == "user" {
            self.move_mark(&message["sender"]["id"], position);
        }
    }

    /// The last message of a conversation that the person was asked into, and the place where that stands.
    pub(super) fn take_accepted(&mut self, message: &Value, me: &Value) {
        self.item["last_message"] = message.clone();
        self.activity = number(&me["head"]["activity_seq"]);
    }

    /// A message as it is now.
    pub(super) fn take_message(&mut self, message: &Value) {
        let last = &mut self.item["last_message"];
        if last["position"] == message["position"] && is_not_older(message, last) {
            *last = message.clone();
        }
    }

    /// A message that is not there for me any more.
    pub(super) fn lose_message(&mut self, position: i64) {
        if self.item["last_message"]["position"] == position {
            self.item["last_message"] = Value::Null;
        }
    }

    pub(super) fn move_mark(&mut self, user: &Value, position: i64) {
        let members = self.item["conversation"]["members"].as_array_mut();
        for member in members.expect("a list") {
            // A mark that is not to be seen stays so.
            let mark = member["read_position"].as_i64();
            if member["user"]["id"] == *user && mark.is_some_and(|mark| mark < position) {
                member["read_position"] = json!(position);
            }
        }
    }

    pub(super) fn move_delivery(&mut self, user: &Value, position: i64) {
        let members = self.item["conversation"]["members"].as_array_mut();
        for member in members.expect("a list") {
            if member["user"]["id"] == *user && number(&member["delivered_position"]) < position {
                member["delivered_position"] = json!(position);
            }
        }
    }

    pub(super) fn take_draft(&mut self, draft: &Value) {
        let known = &self.item["draft"];
        if known.is_null() || number(&known["version"]) <= number(&draft["version"]) {
            let dropped = draft["text"].is_null() && draft["pin_id"].is_null();
            self.item["draft"] = if dropped { Value::Null } else { draft.clone() };
        }
    }

    pub(super) fn take_mine(&mut self, me: &Value) {
        if number(&me["version"]) < number(&self.item["version"]) {
            return;
        }
        for field in [
            "read_position",
            "unread",
            "unread_flag",
            "archived",
            "muted_until",
            "hidden",
            "head",
            "version",
        ] {
            self.item[field] = me[field].clone();
        }
    }
}

pub(super) fn is_not_older(one: &Value, than: &Value) -> bool {
    number(&one["version"]) >= number(&than["version"])
}

pub(super) fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Somebody's part in a conversation.
pub(super) fn member<'a>(item: &'a Value, user: &Value) -> Option<&'a Value> {
    let mut members = item["conversation"]["members"].as_array()?.iter();
    members.find(|it| it["user"]["id"] == *user)
}

/// Replaces a person wherever they are shown as they were before.
pub(super) fn renew_person(shown: &mut Value, newer: &Value) {
    match shown {
        Value::Object(fields) => {
            let is_theirs = fields.get("id") == Some(&newer["id"]);
            if is_theirs && fields.get("kind").is_some_and(|kind| kind == "user") {
                // The profile that a quoted message carries.
                fields["title"] = newer["full_name"].clone();
                fields["image_url"] = newer["profile_image"].clone();
            }
            let is_person = is_theirs && fields.contains_key("username");
            if is_person && number(&fields["version"]) < number(&newer["version"]) {
                *shown = newer.clone();
            } else {
                fields.values_mut().for_each(|it| renew_person(it, newer));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| renew_person(it, newer)),
        _ => {}
    }
}

/// The same, without what counts the changes of messages.
pub(super) fn without_message_versions(shown: &Value) -> Value {
    let mut shown = shown.clone();
    match &mut shown {
        Value::Object(fields) => {
            if fields.contains_key("sender") {
                fields.remove("version");
            }
            fields
                .values_mut()
                .for_each(|it| *it = without_message_versions(it));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|it| *it = without_message_versions(it)),
        _ => {}
    }
    shown
}
