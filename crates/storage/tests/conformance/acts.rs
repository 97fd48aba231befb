//! What the tests of conversations do most: pins, sends, and what a person then sees.

use pinwire_domain::conversation::SendMode;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::{ConversationId, PinId, UserId};
use pinwire_storage::StoreError;
use pinwire_storage::conversations::ConversationView;
use pinwire_storage::idempotency::{IdempotencyKey, Made};
use pinwire_storage::inbox::Filter;
use pinwire_storage::send::{Recipient, SendRequest, Sent, SentTo, What};

use crate::boards::full;
use crate::stores::TestStore;

impl TestStore {
    /// A pin of this person's, on no board, made beside the acts.
    pub(crate) fn pin(&self, owner: UserId) -> PinId {
        let id = 1_000 + self.number("select count(*) from pins");
        self.execute(&format!(
            "insert into pins (id, owner_id, title, link, image_url, created_at, version)
             values ({id}, {owner}, 'A chair', 'https://chairs.example/{id}',
                     'https://img.example/{id}.jpg', {}, 1)",
            self.now().as_millis()
        ));
        PinId::new(id)
    }

    /// Blocks a person, beside the acts.
    pub(crate) fn block(&self, blocker: UserId, blocked: UserId) {
        self.execute(&format!(
            "insert into blocks values ({blocker}, {blocked}, 0)"
        ));
    }

    /// Lets strangers ask first, as who has set nothing does.
    pub(crate) fn is_wary(&self, person: UserId) {
        self.execute(&format!(
            "update user_settings set from_followers = null, from_everyone = null where user_id = {person}"
        ));
    }

    /// The same of each of these.
    pub(crate) fn are_wary(&self, people: &[UserId]) {
        for person in people {
            self.is_wary(*person);
        }
    }

    /// Lets anybody write to them.
    pub(crate) fn is_open(&self, person: UserId) {
        self.execute(&format!(
            "update user_settings set from_followers = 'inbox', from_everyone = 'inbox' where user_id = {person}"
        ));
    }

    /// Sends a pin to each of these people apart.
    pub(crate) async fn sends(&self, sender: UserId, pin: PinId, to: &[UserId]) -> Vec<SentTo> {
        let request = request(pin, to, SendMode::Separate);
        self.store
            .send(full(sender), request)
            .await
            .unwrap()
            .outcome
            .to
    }

    /// Sends a pin to one person: the conversation and the position.
    pub(crate) async fn sends_to(
        &self,
        sender: UserId,
        pin: PinId,
        to: UserId,
    ) -> (ConversationId, i64) {
        let sent = self.sends(sender, pin, &[to]).await;
        let (conversation, position) = sent[0].message.unwrap();
        (ConversationId::new(conversation), position)
    }

    /// Writes a text into a conversation: its position.
    pub(crate) async fn writes(&self, sender: UserId, id: ConversationId, text: &str) -> i64 {
        let draft = MessageDraft::new(Some(text), None).unwrap();
        self.store
            .send_message(full(sender), id, draft, None, None)
            .await
            .unwrap()
            .outcome
            .to[0]
            .message
            .unwrap()
            .1
    }

    /// The conversation as this person sees it.
    pub(crate) async fn sees(&self, person: UserId, id: ConversationId) -> ConversationView {
        self.store.conversation(person, id).await.unwrap().value
    }

    /// The ids of a person's conversations, in order.
    pub(crate) async fn inbox(&self, person: UserId, filter: Filter) -> Vec<ConversationId> {
        let page = self
            .store
            .conversations(person, filter, None, 100)
            .await
            .unwrap()
            .value;
        page.items.iter().map(|view| view.conversation.id).collect()
    }
}

/// A send of a pin with a note.
pub(crate) fn request(pin: PinId, to: &[UserId], mode: SendMode) -> SendRequest {
    SendRequest {
        what: What::Draft(
            MessageDraft::new(Some("For the hall?"), Some(Carried::Pin(pin))).unwrap(),
        ),
        recipients: to.iter().copied().map(Recipient::User).collect(),
        mode,
        client_message_id: None,
        key: None,
    }
}

/// A key of an act on this route with this body.
pub(crate) fn key(key: &str, route: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: key.into(),
        route: route.into(),
        body_hash: body.as_bytes().to_vec(),
    }
}

/// Why an act was refused, in words.
pub(crate) fn refusal<T>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Refused(refusal)) => format!("{refusal:?}"),
        Err(other) => panic!("not refused but failed: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

/// The message a send to one recipient made.
pub(crate) fn only(made: &Made<Sent>) -> (i64, i64) {
    assert_eq!(made.outcome.to.len(), 1);
    made.outcome.to[0].message.unwrap()
}
