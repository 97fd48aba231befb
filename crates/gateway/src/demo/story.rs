//! The main job, step by step: a pin is sent, arrives, is answered, read, and not lost.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::Result;
use super::answer::Answer;
use super::person::{Person, delete, get, post, put};
use super::socket::Socket;
use super::stage::Stage;

/// What is shown of a message.
const MESSAGE: &[&str] = &[
    "from=data.message.sender.full_name",
    "data.message.text",
    "pin=data.message.pin.title",
    "unread=me.unread.messages",
    "head=me.head.state",
];

/// Plays the whole story against the node at this address.
pub(super) async fn play<W: Write>(stage: &mut Stage<W>, node: SocketAddr) -> Result {
    stage.title(&format!(
        "Pinwire {}: a pin is sent to a friend, on a new SQLite file, by HTTP and WebSocket at {node}",
        env!("CARGO_PKG_VERSION")
    ))?;
    let mut ana = Person::new("Ana", "ana_lopes", node)?;
    let mut bo = Person::new("Bo", "bo_lind", node)?;
    stage.step("Ana and Bo sign up")?;
    ana.signs_up(stage, "Ana Lopes", "a blue door").await?;
    bo.signs_up(stage, "Bo Lind", "a green door").await?;
    they_follow_each_other(stage, &ana, &bo).await?;
    stage.step("Bo connects")?;
    let mut socket = bo.connects(stage, None).await?;
    let mut story = Story { stage, ana, bo };
    let pin = story.ana_makes_a_pin().await?;
    story.ana_asks_whom_to_send_it_to(&pin).await?;
    let conversation = story.ana_sends_it(&pin, &mut socket).await?;
    story.a_head_appears(&conversation).await?;
    story.bo_answers(&conversation, &mut socket).await?;
    story.ana_reads_it(&conversation, &mut socket).await?;
    story.bo_closes_the_head(&conversation, &mut socket).await?;
    story.bo_misses_two_messages(&conversation, socket).await
}

async fn they_follow_each_other<W: Write>(
    stage: &mut Stage<W>,
    ana: &Person,
    bo: &Person,
) -> Result {
    stage.step("They follow each other")?;
    for (follower, followed) in [(ana, bo), (bo, ana)] {
        let path = format!("/v5/user_account/following/{}", followed.username);
        let request = post(path, json!({}));
        let summary = follower.asks(stage, request, (200, &["username"])).await?;
        let username = summary.text("username")?;
        let what = format!("{} follows {}", follower.name, followed.name);
        stage.check(&what, username, followed.username.as_str())?;
    }
    Ok(())
}

struct Story<'a, W> {
    stage: &'a mut Stage<W>,
    ana: Person,
    bo: Person,
}

impl<W: Write> Story<'_, W> {
    async fn ana_makes_a_pin(&mut self) -> Result<Answer> {
        self.stage.step("Ana makes a board and puts a pin on it")?;
        let board = post("/v5/boards", json!({"name": "Our hall"}));
        let shown: &[_] = &["id", "name", "privacy"];
        let board = self.ana.asks(self.stage, board, (201, shown)).await?;
        let pin = post(
            "/v5/pins",
            json!({
                "board_id": board.at("id"),
                "title": "Blue door",
                "link": "https://doors.example/blue",
                "media_source": {"source_type": "image_url", "url": "https://doors.example/blue.jpg"},
            }),
        );
        let shown: &[_] = &["id", "title", "board_id"];
        let pin = self.ana.asks(self.stage, pin, (201, shown)).await?;
        self.stage
            .check("it is on the board", pin.at("board_id"), board.at("id"))?;
        Ok(pin)
    }

    async fn ana_asks_whom_to_send_it_to(&mut self, pin: &Answer) -> Result {
        self.stage
            .step("She asks for the contacts to choose from")?;
        let path = format!("/v5/pins/{}/contacts", pin.text("id")?);
        let shown: &[_] = &[
            "items.0.user.full_name",
            "items.0.reasons",
            "items.0.already_sent",
        ];
        let contacts = self.ana.asks(self.stage, get(path), (200, shown)).await?;
        self.stage.check(
            "the first contact is Bo",
            contacts.at("items.0.user.id"),
            self.bo.id.as_str(),
        )?;
        let sent = contacts.at("items.0.already_sent");
        self.stage
            .check("he does not have the pin yet", sent, false)
    }

    /// Gives the id of the conversation.
    async fn ana_sends_it(&mut self, pin: &Answer, socket: &mut Socket) -> Result<String> {
        self.stage.step("She sends it to Bo with a note")?;
        let send = post(
            format!("/v5/pins/{}/send", pin.text("id")?),
            json!({
                "recipients": [{"user_id": self.bo.id}],
                "mode": "separate",
                "text": "For the hall?",
                "client_message_id": "ana-1",
            }),
        );
        let shown: &[_] = &[
            "results.0.status",
            "results.0.conversation_id",
            "results.0.message.position",
        ];
        let sent = self.ana.asks(self.stage, send, (201, shown)).await?;
        let heard = ("message.created", MESSAGE);
        let event = self.bo.hears(self.stage, socket, heard).await?;
        let message = for_others(sent.at("results.0.message"));
        self.stage.check(
            "Bo's socket gets the message that Ana's answer shows",
            event.at("data.message"),
            message,
        )?;
        let unread = event.at("me.unread.messages");
        self.stage.check("one is unread", unread, 1)?;
        sent.text("results.0.conversation_id")
    }

    async fn a_head_appears(&mut self, conversation: &str) -> Result {
        self.stage.step("A head appears at Bo's lower left")?;
        let shown: &[_] = &[
            "of=items.0.people.0.full_name",
            "items.0.state",
            "unread=items.0.unread.messages",
            "items.0.last_pin_image",
        ];
        let heads = self
            .bo
            .asks(self.stage, get("/v5/heads"), (200, shown))
            .await?;
        let id = heads.at("items.0.conversation_id");
        self.stage
            .check("it is of this conversation", id, conversation)?;
        let person = heads.at("items.0.people.0.id");
        let ana = self.ana.id.as_str();
        self.stage.check("it shows Ana", person, ana)
    }

    async fn bo_answers(&mut self, conversation: &str, socket: &mut Socket) -> Result {
        self.stage.step("Bo answers with a pin of his own")?;
        let pin = post(
            "/v5/pins",
            json!({
                "title": "Green door",
                "media_source": {"source_type": "image_url", "url": "https://doors.example/green.jpg"},
            }),
        );
        let shown: &[_] = &["id", "title"];
        let pin = self.bo.asks(self.stage, pin, (201, shown)).await?;
        let body = json!({"pin_id": pin.at("id"), "text": "Or in green?"});
        let shown: &[_] = &["position", "text", "pin=pin.title"];
        let message = post(messages(conversation), body);
        let sent = self.bo.asks(self.stage, message, (201, shown)).await?;
        let position = sent.at("position");
        self.stage.check("it is the second message", position, 2)?;
        let heard = ("message.created", MESSAGE);
        let event = self.bo.hears(self.stage, socket, heard).await?;
        let unread = event.at("me.unread.messages");
        let what = "his own devices get it too, and nothing is unread for him";
        self.stage.check(what, unread, 0)
    }

    async fn ana_reads_it(&mut self, conversation: &str, socket: &mut Socket) -> Result {
        self.stage.step("Ana reads it")?;
        let shown: &[_] = &["conversations", "messages"];
        let ana = &self.ana;
        let unread = ana
            .asks(self.stage, get("/v5/unread"), (200, shown))
            .await?;
        self.stage
            .check("one message waits", unread.at("messages"), 1)?;
        let shown: &[_] = &["items.0.position", "items.0.text", "pin=items.0.pin.title"];
        let list = get(messages(conversation));
        let list = ana.asks(self.stage, list, (200, shown)).await?;
        let title = list.at("items.0.pin.title");
        self.stage.check("it is Bo's pin", title, "Green door")?;
        let read = put(
            format!("/v5/conversations/{conversation}/read"),
            json!({"position": 2}),
        );
        ana.asks(self.stage, read, (204, &[])).await?;
        let shown: &[_] = &["data.read.user_id", "data.read.position"];
        let heard = ("read.updated", shown);
        let event = self.bo.hears(self.stage, socket, heard).await?;
        let mark = event.at("data.read");
        let expected = json!({"user_id": self.ana.id, "position": 2});
        self.stage
            .check("Bo sees that Ana has read it", mark, expected)
    }

    async fn bo_closes_the_head(&mut self, conversation: &str, socket: &mut Socket) -> Result {
        self.stage.step("Bo closes the head with the \"x\"")?;
        let head = delete(format!("/v5/heads/{conversation}"));
        self.bo.asks(self.stage, head, (204, &[])).await?;
        let heard = (
            "head.closed",
            ["data.conversation_id", "me.head"].as_slice(),
        );
        self.bo.hears(self.stage, socket, heard).await?;
        let heads = self
            .bo
            .asks(self.stage, get("/v5/heads"), (200, &["items"]));
        let heads = heads.await?;
        self.stage.check("it is gone", heads.at("items"), json!([]))
    }

    async fn bo_misses_two_messages(&mut self, conversation: &str, socket: Socket) -> Result {
        self.stage
            .step("Bo loses his connection, and misses two messages")?;
        let cursor = socket.cursor();
        self.stage.gets(
            self.bo.name,
            &format!("nothing: the last event was {cursor}"),
        )?;
        socket.break_off();
        let mut missed = Vec::new();
        for text in ["Green it is.", "Shall we paint on Sunday?"] {
            let message = post(messages(conversation), json!({"text": text}));
            let shown: &[_] = &["position", "text"];
            let sent = self.ana.asks(self.stage, message, (201, shown)).await?;
            missed.push(for_others(sent.0));
        }
        self.stage.step("He comes back, and gets exactly those")?;
        let mut socket = self.bo.connects(self.stage, Some(&cursor)).await?;
        let mut last = Value::Null;
        for message in missed {
            let heard = ("message.created", MESSAGE);
            let event = self.bo.hears(self.stage, &mut socket, heard).await?;
            let what = "this is what he missed";
            self.stage.check(what, event.at("data.message"), message)?;
            last = event.at("me");
        }
        let quiet = socket.is_quiet().await?;
        self.stage.check("and nothing else", quiet, true)?;
        let state = last.pointer("/head/state").cloned().unwrap_or_default();
        self.stage.check("the head is back", state, "minimized")?;
        self.what_bo_has_is_what_there_is(conversation, &socket.cursor(), &last)
            .await
    }

    /// State before and events received give the state that is fetched after.
    async fn what_bo_has_is_what_there_is(
        &mut self,
        conversation: &str,
        cursor: &str,
        me: &Value,
    ) -> Result {
        self.stage
            .step("What Bo collected is what the server would tell him anew")?;
        let request = get(format!("/v5/conversations/{conversation}"));
        let shown: &[_] = &[
            "conversation.last_position",
            "unread=unread.messages",
            "head=head.state",
        ];
        let asked = self
            .bo
            .asks_with_position(self.stage, request, (200, shown));
        let (there, position) = asked.await?;
        let his = |name: &str| me.get(name).cloned().unwrap_or_default();
        for (what, part) in [
            ("where he has read", "read_position"),
            ("what is unread", "unread"),
            ("his head", "head"),
        ] {
            let what = format!("{what}: the same");
            self.stage.check(&what, his(part), there.at(part))?;
        }
        let what = "the place in the log: the same";
        self.stage.check(what, position, cursor)
    }
}

fn messages(conversation: &str) -> String {
    format!("/v5/conversations/{conversation}/messages")
}

/// A message of one's own as others see it: without one's own mark.
fn for_others(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.remove("client_message_id");
    }
    message
}
