//! What a client keeps of a person's state: taken once from `GET /v5/sync`, then kept by events alone.
//!
//! It follows the rules that the realtime guide gives to app developers, and nothing else:
//! - An entity with a `version` is replaced by one that is not older.
//! - A new message moves its conversation to the top, and its sender's read mark up to it. Read and delivery marks
//!   never go back.
//! - `me.reactions` stands instead of the reactions in `data.message`.
//! - `me.pin_states` says how a pin stands now at each place where it was sent. What was put to a pin is gone with the
//!   last message that carries it.
//! - What answers show of a message is renewed with each event of it.
//! - A message that was deleted without anything left of it is gone for me.
//! - Who turns read receipts off, sees no read marks any more; who turns them on, fetches them.
//! - `me` holds what is mine in a conversation. `me.head: null` means that there is no head.
//! - A hidden conversation shows again with the next message.
//! - Heads stand by `activity_seq`. Of more than 20 the oldest minimized ones are not shown, and are gone for good
//!   once a head is opened, minimized or closed.
//! - A person is shown everywhere as the newest version says.
//! - Whom I have blocked shows no marks; when I take that back, I fetch them. What they put to messages makes these
//!   messages' versions greater without an event.
//! - A conversation that is not known yet is fetched.
//! - A system message moves its conversation like any other, but nobody's read mark. Who has left a conversation, as
//!   `member.left` without it says, forgets it.

mod known;
mod people;
mod pins;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::person::Person;
use known::{Known, is_not_older, number, without_message_versions};

/// Heads a person has at most.
const HEADS_MAX: usize = 20;
/// The events that come with a new message.
const BRING_MESSAGES: [&str; 4] = [
    "message.created",
    "conversation.updated",
    "member.joined",
    "member.left",
];
/// Conversations on a page of a sync: few, so that there are several pages.
const PAGE: usize = 3;

/// A client's copy of a person's state.
#[derive(Clone)]
pub struct Replica {
    person: Person,
    epoch: String,
    /// Up to where events have been applied.
    seq: i64,
    conversations: BTreeMap<String, Known>,
    /// Messages that came by events, by conversation and position.
    messages: BTreeMap<(String, i64), Value>,
    /// What was put to pins, as far as it came by events, by conversation and pin.
    pin_reactions: BTreeMap<(String, String), Value>,
    settings: Value,
    /// The conversations that the person is asked into.
    requests: BTreeSet<String>,
    /// Whether the person ever blocked anybody.
    has_blocked: bool,
}

impl Replica {
    /// From a fresh `GET /v5/sync`.
    pub async fn fetch(person: &Person) -> Self {
        let mut replica = Self {
            person: person.clone(),
            epoch: String::new(),
            seq: 0,
            conversations: BTreeMap::new(),
            messages: BTreeMap::new(),
            pin_reactions: BTreeMap::new(),
            settings: Value::Null,
            requests: BTreeSet::new(),
            has_blocked: false,
        };
        let path = format!("/v5/sync?page_size={PAGE}");
        let mut page = person.api.get(&path).await.is(200);
        replica.resume_after(text(&page["position"]));
        let (heads, unread) = (page["heads"].clone(), page["unread"].clone());
        replica.settings = page["settings"].clone();
        let mut order = Vec::new();
        loop {
            for item in page["conversations"].as_array().expect("a list") {
                let id = text(&item["conversation"]["id"]).to_owned();
                order.push(id.clone());
                // Below all positions that events have.
                let activity = -i64::try_from(order.len()).expect("a small number");
                let item = item.clone();
                replica.conversations.insert(id, Known { item, activity });
            }
            let Some(bookmark) = page["bookmark"].as_str() else {
                break;
            };
            page = person
                .api
                .get(&format!("{path}&bookmark={bookmark}"))
                .await
                .is(200);
        }
        let requests = person.api.get("/v5/contact_requests?page_size=250").await;
        for request in requests.is(200)["items"].as_array().expect("a list") {
            let id = text(&request["conversation_id"]);
            replica.requests.insert(id.to_owned());
        }
        if order.len() <= PAGE {
            // All on one page, so read at once: heads and totals say the same as the conversations.
            assert_eq!(json!(replica.heads()), heads, "heads of a sync");
            let mut counted = replica.unread();
            // Those were read a moment later.
            counted["requests"] = unread["requests"].clone();
            assert_eq!(counted, unread, "totals of a sync");
        }
        replica
    }

    /// After which event the stream goes on.
    #[must_use]
    pub fn cursor(&self) -> String {
        format!("{}:{}", self.epoch, self.seq)
    }

    /// Notes that all events up to here are known.
    pub fn resume_after(&mut self, cursor: &str) {
        let (epoch, seq) = cursor.split_once(':').expect("a cursor");
        epoch.clone_into(&mut self.epoch);
        self.seq = seq.parse().expect("a number");
    }

    /// The ids of the conversations that are known.
    #[must_use]
    pub fn conversations(&self) -> Vec<String> {
        self.conversations.keys().cloned().collect()
    }

    /// The position of a conversation's last message.
    #[must_use]
    pub fn last_position(&self, conversation: &str) -> i64 {
        let known = &self.conversations[conversation];
        number(&known.item["conversation"]["last_position"])
    }

    /// Applies a frame of the stream.
    pub async fn apply(&mut self, frame: &Value) {
        let Some(seq) = frame["seq"].as_i64() else {
            return;
        };
        assert!(
            frame["type"] != "resync_required",
            "{}'s cursor was refused: {frame}",
            self.person.username
        );
        if frame.get("data").is_some() && seq > self.seq {
            self.apply_event(frame).await;
        }
        self.seq = self.seq.max(seq);
    }

    /// Applies an answer of `GET /v5/events` that was asked for after [`Self::cursor`]. How many events it held.
    pub async fn apply_page(&mut self, page: &Value) -> usize {
        let items = page["items"].as_array().expect("a list");
        for item in items {
            assert_eq!(item["prev"], self.seq, "a gap, a repeat or an inversion");
            self.apply(item).await;
        }
        let reached = number(&page["seq"]);
        assert!(reached >= self.seq, "a page that goes back");
        self.seq = reached;
        items.len()
    }

    async fn apply_event(&mut self, event: &Value) {
        let data = &event["data"];
        if let Some(settings) = data.get("settings") {
            return self.take_settings(settings).await;
        }
        match text(&event["type"]) {
            "block.added" => return self.take_block(&data["user"]["id"], true).await,
            "block.removed" => return self.take_block(&data["user"]["id"], false).await,
            "user.updated" => return self.renew_person(&data["user"]),
            _ => {}
        }
        let id = text(&data["conversation_id"]).to_owned();
        let kind = text(&event["type"]);
        self.take_request(kind, &id);
        if kind == "request.created" {
            return;
        }
        if event.get("me").is_none() {
            self.forget(&id);
            return;
        }
        if !self.make_known(&id, event).await {
            return;
        }
        if ["head.closed", "head.updated", "membership.updated"].contains(&kind) {
            self.forget_heads_beyond_the_bound();
        }
        self.renew_quotes(&id, data);
        self.renew_pins(&id, event);
        let known = self.conversations.get_mut(&id).expect("known by now");
        if let Some(conversation) = data.get("conversation") {
            known.take_conversation(conversation);
        }
        if let Some(message) = data.get("message") {
            let message = as_mine(message, &event["me"]);
            if BRING_MESSAGES.contains(&kind) {
                known.take_new(&message, number(&event["seq"]));
            }
            known.take_message(&message);
            if kind == "request.accepted" {
                known.take_accepted(&message, &event["me"]);
            }
            let place = (id, number(&message["position"]));
            let before = self.messages.get(&place);
            if before.is_none_or(|it| is_not_older(&message, it)) {
                self.messages.insert(place, message);
            }
        } else if let Some(position) = data.get("position") {
            let position = number(position);
            known.lose_message(position);
            self.messages.remove(&(id, position));
        }
        if let Some(read) = data.get("read") {
            known.move_mark(&read["user_id"], number(&read["position"]));
        }
        if let Some(delivery) = data.get("delivery") {
            known.move_delivery(&delivery["user_id"], number(&delivery["position"]));
        }
        if let Some(draft) = data.get("draft") {
            known.take_draft(draft);
        }
        if let Some(me) = event.get("me") {
            known.take_mine(me);
        }
    }

    /// Shows the message of an event anew in the answers to it; no more of one that is gone for me.
    fn renew_quotes(&mut self, id: &str, data: &Value) {
        let (position, quote) = match (data.get("message"), data.get("position")) {
            (Some(message), _) => (&message["position"], quote_of(message)),
            (None, Some(position)) => (position, Value::Null),
            (None, None) => return,
        };
        let messages = self.messages.iter_mut().filter(|((of, _), _)| of == id);
        let last = self.conversations.get_mut(id);
        let last = last.map(|known| &mut known.item["last_message"]);
        for message in messages.map(|(_, message)| message).chain(last) {
            if message["reply_to"]["position"] == *position {
                message["reply_to"]["quote"] = quote.clone();
            }
        }
    }

    async fn take_settings(&mut self, newer: &Value) {
        if number(&newer["version"]) <= number(&self.settings["version"]) {
            return;
        }
        let before = std::mem::replace(&mut self.settings, newer.clone());
        if before["read_receipts"] == newer["read_receipts"] {
            return;
        }
        for (id, known) in &mut self.conversations {
            let members = if newer["read_receipts"] == true {
                let path = format!("/v5/conversations/{id}");
                let fresh = self.person.api.get(&path).await.is(200);
                fresh["conversation"]["members"].clone()
            } else {
                Value::Null
            };
            known.take_marks(&members);
        }
    }

    fn forget(&mut self, id: &str) {
        self.forget_heads_beyond_the_bound();
        self.conversations.remove(id);
        self.messages.retain(|(of, _), _| of != id);
    }

    /// False for a conversation that the person has left meanwhile.
    async fn make_known(&mut self, id: &str, event: &Value) -> bool {
        if self.conversations.contains_key(id) {
            return true;
        }
        let item = if let Some(conversation) = event["data"].get("conversation") {
            json!({
                "conversation": conversation,
                "last_message": null,
                "draft": null,
                "version": 0,
            })
        } else {
            let path = format!("/v5/conversations/{id}");
            let answer = self.person.api.get(&path).await;
            if answer.status == 404 {
                return false;
            }
            answer.is(200)
        };
        let activity = number(&event["seq"]);
        self.conversations
            .insert(id.to_owned(), Known { item, activity });
        true
    }

    /// The heads that are shown, in order.
    #[must_use]
    pub fn heads(&self) -> Vec<Value> {
        let mut heads = self.heads_by_claim();
        heads.truncate(HEADS_MAX);
        heads.sort_by_key(|head| -number(&head["activity_seq"]));
        heads
    }

    /// All heads, those first that stay when there are too many.
    fn heads_by_claim(&self) -> Vec<Value> {
        let known = self.conversations.values();
        let heads = known.map(|it| it.item["head"].clone());
        let mut heads: Vec<_> = heads.filter(|head| !head.is_null()).collect();
        heads.sort_by_key(|head| (head["state"] == "minimized", -number(&head["activity_seq"])));
        heads
    }

    fn forget_heads_beyond_the_bound(&mut self) {
        for head in self.heads_by_claim().iter().skip(HEADS_MAX) {
            let known = self.conversations.get_mut(text(&head["conversation_id"]));
            known.expect("a head has a conversation").item["head"] = Value::Null;
        }
    }

    /// The unread totals, added up: archived and hidden ones do not count, muted ones apart.
    #[must_use]
    pub fn unread(&self) -> Value {
        let mut conversations = 0;
        let mut messages = 0;
        let mut more = false;
        let mut muted = 0;
        for known in self.conversations.values() {
            if known.item["archived"] == true || known.item["hidden"] == true {
                continue;
            }
            let count = number(&known.item["unread"]["messages"]);
            more |= known.item["unread"]["more"] == true;
            // No test lets the end of a mute come.
            if !known.item["muted_until"].is_null() {
                muted += count;
                continue;
            }
            messages += count;
            conversations += i64::from(count > 0 || known.item["unread_flag"] == true);
        }
        json!({
            "conversations": conversations, "messages": messages, "more": more, "muted": muted,
            "requests": self.requests.len(),
        })
    }

    /// The whole state, in one shape for all who got there by different ways.
    fn state(&self) -> Value {
        let mut order: Vec<_> = self.conversations.values().collect();
        order.sort_by_key(|known| -known.activity);
        json!({
            "conversations": order.iter().map(|known| &known.item).collect::<Vec<_>>(),
            "heads": self.heads(),
            "unread": self.unread(),
            "settings": self.settings,
        })
    }

    /// Fails unless this state, kept by events, is what a fresh fetch gives, and unless every message that was seen
    /// is in the history as it was seen.
    pub async fn is_up_to_date(&self) {
        let who = &self.person.username;
        let fresh = Self::fetch(&self.person).await;
        let same = |kept: &Value, fresh: &Value| {
            if self.has_blocked {
                same(
                    who,
                    &without_message_versions(kept),
                    &without_message_versions(fresh),
                );
            } else {
                same(who, kept, fresh);
            }
        };
        same(&self.state(), &fresh.state());
        let conversations: BTreeSet<_> = self.messages.keys().map(|(id, _)| id).collect();
        for conversation in conversations {
            let history = self.person.history(conversation).await;
            let by_position: BTreeMap<_, _> = history
                .iter()
                .map(|it| (number(&it["position"]), it))
                .collect();
            let positions: Vec<_> = by_position.keys().copied().collect();
            let in_order: Vec<_> = history.iter().map(|it| number(&it["position"])).collect();
            assert_eq!(positions, in_order, "positions of {conversation}");
            assert!(positions.last() <= Some(&self.last_position(conversation)));
            let seen = self
                .messages
                .iter()
                .filter(|((id, _), _)| id == conversation);
            for ((_, position), message) in seen {
                let there = by_position.get(position);
                same(message, there.expect("a message that was seen"));
            }
        }
        self.pins_are_up_to_date().await;
    }
}

/// A message or a pin of an event with what is mine in it, as an answer shows it.
fn as_mine(message: &Value, me: &Value) -> Value {
    let mut message = message.clone();
    if let Some(mark) = me.get("client_message_id") {
        message["client_message_id"] = mark.clone();
    }
    if let Some(reactions) = me.get("reactions") {
        message["reactions"] = reactions.clone();
    } else {
        for kind in message["reactions"].as_array_mut().expect("a list") {
            kind["mine"] = json!(false);
        }
    }
    message
}

/// What an answer shows of a message whose text is short.
fn quote_of(message: &Value) -> Value {
    let carries = if let Some(pin) = message["pin"].as_object() {
        json!({"kind": "pin", "id": pin["pin_id"], "title": pin["title"], "image_url": pin["image_url"]})
    } else if let Some(board) = message["board"].as_object() {
        let (title, image) = (&board["name"], &board["image_url"]);
        json!({"kind": "board", "id": board["board_id"], "title": title, "image_url": image})
    } else if let Some(user) = message["user"].as_object() {
        let (title, image) = (&user["full_name"], &user["profile_image"]);
        json!({"kind": "user", "id": user["id"], "title": title, "image_url": image})
    } else {
        Value::Null
    };
    json!({
        "sender": message["sender"], "text": message["text"], "carries": carries, "deleted_at": message["deleted_at"],
    })
}

/// Fails with both when they differ, line by line.
fn same(who: &str, kept: &Value, fresh: &Value) {
    if kept == fresh {
        return;
    }
    let (kept, fresh) = (format!("{kept:#}"), format!("{fresh:#}"));
    let differing = kept.lines().zip(fresh.lines()).filter(|(a, b)| a != b);
    let shown: Vec<_> = differing
        .take(20)
        .map(|(a, b)| format!("- {a}\n+ {b}"))
        .collect();
    panic!(
        "{who} kept (-) what a fresh fetch gives otherwise (+):\n{}\nkept: {kept}",
        shown.join("\n")
    );
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
