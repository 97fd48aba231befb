//! People who act.

use reqwest::Method;
use serde_json::{Value, json};

use crate::event_stream::{Asking, EventStream};
use crate::http::{Answer, Api, Request};
use crate::node::Node;
use crate::sending::Sending;
use crate::socket::{Opening, Socket};

/// Everybody's password, until they change it.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody with an account, signed in on one device.
#[derive(Clone)]
pub struct Person {
    /// The account's id.
    pub id: String,
    /// The username.
    pub username: String,
    /// The way to the node this device talks to.
    pub api: Api,
    /// Renews the tokens of this device.
    pub refresh_token: String,
}

/// A pin that was made.
#[derive(Debug, Clone)]
pub struct Pin {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

impl Person {
    /// Makes an account and signs in.
    pub async fn sign_up(api: &Api, username: &str) -> Self {
        let mut name = username.to_owned();
        name[..1].make_ascii_uppercase();
        let account = json!({
            "username": username,
            "full_name": name,
            "email": format!("{username}@example.com"),
            "password": PASSWORD,
        });
        let made = api.post("/v5/accounts", &account).await.is(201);
        Self {
            id: made["id"].as_str().expect("an id").to_owned(),
            username: username.to_owned(),
            api: api.clone(),
            refresh_token: String::new(),
        }
        .signs_in()
        .await
    }

    /// Signs in on another device.
    pub async fn signs_in(&self) -> Self {
        let tokens = self.asks_for_tokens(PASSWORD).await.is(200);
        self.with_tokens(&tokens)
    }

    /// The same person with these tokens.
    #[must_use]
    pub fn with_tokens(&self, tokens: &Value) -> Self {
        let text = |name| tokens[name].as_str().expect("a token").to_owned();
        Self {
            api: self.api.with_token(&text("access_token")),
            refresh_token: text("refresh_token"),
            ..self.clone()
        }
    }

    /// Tries to sign in.
    pub async fn asks_for_tokens(&self, password: &str) -> Answer {
        let form = [
            ("grant_type", "password"),
            ("username", &self.username),
            ("password", password),
        ];
        self.api
            .request(Method::POST, "/v5/oauth/token")
            .form(&form)
            .send()
            .await
    }

    /// Renews the tokens of this device.
    pub async fn renews(&self) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &self.refresh_token),
        ];
        let request = self.api.request(Method::POST, "/v5/oauth/token");
        request.form(&form).send().await
    }

    /// Signs this device out.
    pub async fn signs_out(&self) -> Answer {
        let form = [("token", self.refresh_token.as_str())];
        let request = self.api.request(Method::POST, "/v5/oauth/token/revoke");
        request.form(&form).send().await
    }

    /// The same device, talking to another node.
    #[must_use]
    pub fn on(&self, node: &Node) -> Self {
        let mut other = self.clone();
        other.api.base.clone_from(&node.base);
        other
    }

    /// A new password; what is said to be the current one may be wrong.
    pub async fn changes_password(&self, from: Option<&str>, to: &str) -> Answer {
        let body = json!({"current_password": from.unwrap_or(PASSWORD), "new_password": to});
        self.api.put("/v5/user_account/password", &body).await
    }

    /// A new full name.
    pub async fn is_called(&self, full_name: &str) {
        let change = json!({"full_name": full_name});
        let changed = self.api.patch("/v5/user_account", &change).await.is(200);
        assert_eq!(changed["full_name"], full_name);
    }

    /// Changes settings.
    pub async fn sets(&self, change: &Value) -> Value {
        let path = "/v5/user_account/settings";
        self.api.patch(path, change).await.is(200)
    }

    /// Lets strangers ask first, as who has set nothing does.
    pub async fn is_wary(&self) {
        let policy = json!({"follows_me": "requests", "everyone": "requests"});
        self.sets(&json!({"contact_policy": policy})).await;
    }

    /// Follows somebody.
    pub async fn follows(&self, other: &Self) {
        let path = format!("/v5/user_account/following/{}", other.username);
        let followed = self.api.post(&path, &json!({})).await.is(200);
        assert_eq!(followed["id"], *other.id);
    }

    /// Blocks somebody.
    pub async fn blocks(&self, other: &Self) {
        let path = format!("/v5/blocks/{}", other.id);
        self.api.put(&path, &json!({})).await.is(204);
    }

    /// Takes a block back.
    pub async fn unblocks(&self, other: &Self) {
        let path = format!("/v5/blocks/{}", other.id);
        self.api.request(Method::DELETE, &path).send().await.is(204);
    }

    /// Makes a pin on no board.
    pub async fn pins(&self, title: &str) -> Pin {
        self.pins_with(title, &json!({})).await
    }

    /// Makes a pin on a board.
    pub async fn pins_on(&self, board: &str, title: &str) -> Pin {
        self.pins_with(title, &json!({"board_id": board})).await
    }

    /// Makes a pin that leads there.
    pub async fn pins_to(&self, link: &str) -> Pin {
        self.pins_with("Green hall", &json!({"link": link})).await
    }

    /// Makes a pin of the picture that this host serves, which leads to another one.
    pub async fn pins_from(&self, picture_host: &str, link_host: &str) -> Pin {
        let url = format!("http://{picture_host}/1.png");
        let source = json!({"source_type": "image_url", "url": url});
        let link = format!("http://{link_host}/");
        let more = json!({"media_source": source, "link": link});
        self.pins_with("Green hall", &more).await
    }

    async fn pins_with(&self, title: &str, more: &Value) -> Pin {
        let mut body = json!({
            "title": title,
            "link": "https://halls.example/1",
            "media_source": {"source_type": "image_url", "url": "https://img.example/hall.jpg"},
        });
        for (name, value) in more.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let made = self.api.post("/v5/pins", &body).await.is(201);
        Pin {
            id: made["id"].as_str().expect("an id").to_owned(),
            title: title.to_owned(),
        }
    }

    /// Makes a board, `PUBLIC` or `SECRET`; its id.
    pub async fn makes_board(&self, name: &str, privacy: &str) -> String {
        let body = json!({"name": name, "privacy": privacy});
        let made = self.api.post("/v5/boards", &body).await.is(201);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Sends a pin: `ana.sends(&pin).to(&bo).await`.
    #[must_use]
    pub fn sends<'a>(&'a self, pin: &'a Pin) -> Sending<'a> {
        Sending::new(self, pin)
    }

    /// Writes into a conversation; the message.
    pub async fn replies(&self, conversation: &str, text: &str) -> Value {
        self.writing(conversation, &json!({"text": text}))
            .send()
            .await
            .is(201)
    }

    /// Writes anything into a conversation.
    #[must_use]
    pub fn writing(&self, conversation: &str, message: &Value) -> Request {
        let path = format!("/v5/conversations/{conversation}/messages");
        self.api.request(Method::POST, &path).json(message)
    }

    /// Answers a message.
    pub async fn replies_to(&self, conversation: &str, position: i64, text: &str) -> Answer {
        let message = json!({"text": text, "reply_to": position});
        self.writing(conversation, &message).send().await
    }

    /// Passes a message on to these recipients.
    pub async fn forwards(&self, conversation: &str, position: i64, to: &Value) -> Answer {
        let path = format!("{}/forward", place(conversation, position));
        self.api.post(&path, &json!({"recipients": to})).await
    }

    /// Changes the text of a message.
    pub async fn edits(&self, conversation: &str, position: i64, text: &str) -> Answer {
        let path = place(conversation, position);
        self.api.patch(&path, &json!({"text": text})).await
    }

    /// Deletes a message for `me` or `everyone`.
    pub async fn deletes(&self, conversation: &str, position: i64, whom: &str) -> Answer {
        let path = format!("{}?for={whom}", place(conversation, position));
        self.api.delete(&path).await
    }

    /// Puts a reaction to a message.
    pub async fn reacts(&self, conversation: &str, position: i64, emoji: &str) -> Answer {
        let path = format!("{}/reactions/{emoji}", place(conversation, position));
        self.api.request(Method::PUT, &path).send().await
    }

    /// Takes a reaction back.
    pub async fn takes_back(&self, conversation: &str, position: i64, emoji: &str) -> Answer {
        let path = format!("{}/reactions/{emoji}", place(conversation, position));
        self.api.delete(&path).await
    }

    /// Gets a message.
    pub async fn looks_at(&self, conversation: &str, position: i64) -> Answer {
        self.api.get(&place(conversation, position)).await
    }

    /// Lets others see typing.
    pub async fn types(&self, conversation: &str) {
        let path = format!("/v5/conversations/{conversation}/typing");
        let told = self.api.request(Method::POST, &path).send().await;
        told.is(204);
    }

    /// Marks a conversation read up to a position.
    pub async fn reads(&self, conversation: &str, position: i64) {
        let path = format!("/v5/conversations/{conversation}/read");
        let read = self.api.put(&path, &json!({"position": position})).await;
        read.is(204);
    }

    /// Sets the unread flag.
    pub async fn marks_unread(&self, conversation: &str) {
        let path = format!("/v5/conversations/{conversation}/unread");
        self.api.request(Method::PUT, &path).send().await.is(204);
    }

    /// Clears the unread flag.
    pub async fn unmarks_unread(&self, conversation: &str) {
        let path = format!("/v5/conversations/{conversation}/unread");
        self.api.delete(&path).await.is(204);
    }

    /// Mutes, archives or hides a conversation; as it is then.
    pub async fn arranges(&self, conversation: &str, change: &Value) -> Value {
        let path = format!("/v5/conversations/{conversation}/membership");
        self.api.patch(&path, change).await.is(200)
    }

    /// Keeps what is begun in a conversation; the draft.
    pub async fn begins_to_write(&self, conversation: &str, text: &str) -> Value {
        let path = format!("/v5/conversations/{conversation}/draft");
        self.api.put(&path, &json!({"text": text})).await.is(200)
    }

    /// Drops what was begun.
    pub async fn drops_draft(&self, conversation: &str) {
        let path = format!("/v5/conversations/{conversation}/draft");
        self.api.delete(&path).await.is(204);
    }

    /// Begins a group without a message; its id.
    pub async fn begins_group(&self, others: &[&Self], title: Option<&str>) -> String {
        let body = json!({"user_ids": ids(others), "title": title});
        let begun = self.api.post("/v5/conversations", &body).await.is(201);
        let id = begun["conversation"]["id"].as_str();
        id.expect("an id").to_owned()
    }

    /// Gives a group another title.
    pub async fn names(&self, group: &str, title: Option<&str>) -> Answer {
        let path = format!("/v5/conversations/{group}");
        self.api.patch(&path, &json!({"title": title})).await
    }

    /// Adds people to a group, or asks them; `history` is `from_join` or `all`.
    pub async fn adds(&self, group: &str, others: &[&Self], history: &str) -> Answer {
        let path = format!("/v5/conversations/{group}/members");
        let body = json!({"user_ids": ids(others), "history": history});
        self.api.post(&path, &body).await
    }

    /// Removes somebody from a group.
    pub async fn removes(&self, group: &str, other: &Self) -> Answer {
        let path = format!("/v5/conversations/{group}/members/{}", other.id);
        self.api.delete(&path).await
    }

    /// Leaves a group.
    pub async fn leaves(&self, group: &str) -> Answer {
        let path = format!("/v5/conversations/{group}/membership");
        self.api.delete(&path).await
    }

    /// Answers a contact request: `accept` or `ignore`.
    pub async fn answers(&self, group: &str, answer: &str) -> Answer {
        let path = format!("/v5/contact_requests/{group}/{answer}");
        self.api.request(Method::POST, &path).send().await
    }

    /// Opens or minimizes a head.
    pub async fn draws_head(&self, conversation: &str, state: &str) {
        let path = format!("/v5/heads/{conversation}");
        let drawn = self.api.put(&path, &json!({"state": state})).await;
        drawn.is(204);
    }

    /// Closes a head by the "x".
    pub async fn closes_head(&self, conversation: &str) {
        let path = format!("/v5/heads/{conversation}");
        self.api.delete(&path).await.is(204);
    }

    /// The conversations whose heads are shown, in order.
    pub async fn heads(&self) -> Vec<String> {
        let heads = self.api.get("/v5/heads").await.is(200);
        let ids = heads["items"].as_array().expect("a list").iter();
        ids.map(|it| it["conversation_id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// All messages of a conversation, the oldest first.
    pub async fn history(&self, conversation: &str) -> Vec<Value> {
        let path = format!("/v5/conversations/{conversation}/messages?page_size=250");
        let mut page = self.api.get(&format!("{path}&after=0")).await.is(200);
        let mut all = Vec::new();
        loop {
            all.extend(page["items"].as_array().expect("a list").iter().cloned());
            let Some(bookmark) = page["bookmark"].as_str() else {
                return all;
            };
            page = self
                .api
                .get(&format!("{path}&bookmark={bookmark}"))
                .await
                .is(200);
        }
    }

    /// The unread totals.
    pub async fn unread(&self) -> Value {
        self.api.get("/v5/unread").await.is(200)
    }

    /// A ticket for a browser's socket.
    pub async fn takes_ticket(&self) -> String {
        let made = self
            .api
            .request(Method::POST, "/v5/ws/tickets")
            .send()
            .await
            .is(201);
        made["ticket"].as_str().expect("a ticket").to_owned()
    }

    /// Events after a cursor, as the long poll gives them.
    pub async fn polls(&self, cursor: &str, wait_s: u64) -> Answer {
        self.api
            .get(&format!("/v5/events?after={cursor}&wait={wait_s}"))
            .await
    }

    /// A socket to open.
    #[must_use]
    pub fn socket(&self) -> Opening {
        Opening::new(&self.username, &self.api)
    }

    /// Opens a socket from now on.
    pub async fn connects(&self) -> Socket {
        self.socket().open().await
    }

    /// Opens a socket that resumes after a cursor.
    pub async fn connects_after(&self, cursor: &str) -> Socket {
        self.socket().after(cursor).open().await
    }

    /// An event stream to ask for.
    #[must_use]
    pub fn event_stream(&self) -> Asking {
        Asking::new(&self.username, &self.api)
    }

    /// Opens an event stream from now on.
    pub async fn listens(&self) -> EventStream {
        self.event_stream().open().await
    }

    /// Opens an event stream that resumes after a cursor.
    pub async fn listens_after(&self, cursor: &str) -> EventStream {
        self.event_stream().last_event_id(cursor).open().await
    }
}

/// The path of a message.
fn place(conversation: &str, position: i64) -> String {
    format!("/v5/conversations/{conversation}/messages/{position}")
}

fn ids(people: &[&Person]) -> Value {
    people.iter().map(|it| it.id.clone()).collect()
}
