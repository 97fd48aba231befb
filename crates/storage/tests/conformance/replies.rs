//! Messages that answer others, are about a pin, carry a board or a profile, or are passed on.

use pinwire_domain::board::{Access, BoardChange, Privacy};
use pinwire_domain::conversation::SendMode::Separate;
use pinwire_domain::group::History;
use pinwire_domain::message::{BoardState, Carried, MessageDraft, PinState};
use pinwire_domain::{BoardId, ConversationId, PinId, UserId, limits};
use pinwire_storage::StoreError;
use pinwire_storage::messages::{Message, Page, Quote};
use pinwire_storage::send::{Recipient, SendRequest, What};

use crate::acts::{key, refusal, request};
use crate::boards::{board, full};
use crate::changes::holds;
use crate::explain;
use crate::pins::secret_pin;
use crate::stores::{TestStore, on_postgres, on_sqlite};

fn draft(text: &str) -> MessageDraft {
    MessageDraft::new(Some(text), None).unwrap()
}

fn carrying(carried: Carried) -> MessageDraft {
    MessageDraft::new(None, Some(carried)).unwrap()
}

impl TestStore {
    async fn says(
        &self,
        access: Access,
        id: ConversationId,
        draft: MessageDraft,
    ) -> Result<Message, StoreError> {
        let sent = self.store.send_message(access, id, draft, None, None).await;
        sent.map(|made| Message::clone(&made.outcome.messages[0]))
    }

    /// Answers a message.
    pub(crate) async fn answers(
        &self,
        sender: UserId,
        (id, position): (ConversationId, i64),
        text: &str,
    ) -> Result<Message, StoreError> {
        let draft = draft(text).reply_to(Some(position)).unwrap();
        self.says(full(sender), id, draft).await
    }

    /// Passes a message on to these people and conversations.
    async fn passes_on(
        &self,
        access: Access,
        (id, position): (ConversationId, i64),
        to: Vec<Recipient>,
    ) -> Result<Vec<Message>, StoreError> {
        let request = SendRequest {
            what: What::Forward(id, position),
            recipients: to,
            ..request(PinId::new(1), &[], Separate)
        };
        let made = self.store.send(access, request).await?;
        let messages = made.outcome.messages.iter();
        Ok(messages.map(|message| Message::clone(message)).collect())
    }

    async fn looks(&self, viewer: UserId, id: ConversationId, position: i64) -> Message {
        self.store
            .message(viewer, id, position)
            .await
            .unwrap()
            .value
    }

    /// What `viewer` is shown of the message that one answers.
    async fn quote(&self, viewer: UserId, (id, position): (ConversationId, i64)) -> Option<Quote> {
        let message = self.looks(viewer, id, position).await;
        let page = self.store.messages(viewer, id, Page::Newest, 250).await;
        let mut page = page.unwrap().value.into_iter();
        assert_eq!(
            page.find(|m| m.position == position).as_ref(),
            Some(&message)
        );
        message.reply_to.unwrap().seen_by(Some(viewer)).cloned()
    }
}

both! {
    an_answer_shows_what_it_answers_as_it_is_now(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let answer = at.answers(bo, (id, 1), "Lovely").await.unwrap();
        assert_eq!(at.looks(bo, id, 2).await, answer);
        assert_eq!(*at.sees(ana, id).await.last_message.unwrap(), answer);
        let quote = at.quote(ana, (id, 2)).await.unwrap();
        assert_eq!((quote.sender.id, quote.text.as_deref(), quote.deleted_at), (ana, Some("For the hall?"), None));
        let thing = quote.carries.unwrap();
        assert_eq!((thing.thing, thing.title.as_deref()), (Carried::Pin(pin), Some("A chair")));
        assert_eq!(answer.about_pin, Some(pin), "an answer to a pin is about it");
        let long = "é".repeat(limits::QUOTE_TEXT_MAX + 1);
        at.store.edit_message(ana, (id, 1), Some(long.clone())).await.unwrap();
        let text = at.quote(bo, (id, 2)).await.unwrap().text.unwrap();
        assert_eq!(text.strip_suffix('…'), long.strip_suffix('é'));
        // An answer to an answer is about the same.
        assert_eq!(at.answers(ana, (id, 2), "Is it?").await.unwrap().about_pin, Some(pin));
        at.wait_millis(1);
        assert!(holds(at, "For the hall?"));
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        assert!(!holds(at, "For the hall?"), "an answer keeps no copy");
        let left = at.quote(bo, (id, 2)).await.unwrap();
        assert_eq!((left.sender.id, left.text, left.carries), (ana, None, None));
        assert_eq!(left.deleted_at, Some(at.now()));
        // Deleted itself, the answer says no more what it answered.
        at.store.delete_for_everyone(bo, id, 2).await.unwrap();
        let gone = at.looks(ana, id, 2).await;
        assert_eq!((gone.reply_to, gone.about_pin), (None, None));
    }

    an_answer_shows_nothing_of_what_one_may_not_see(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        at.block(cy, bo);
        let withheld = at.writes(bo, id, "unwanted").await;
        let position = at.answers(ana, (id, withheld), "Really?").await.unwrap().position;
        assert!(at.quote(ana, (id, position)).await.is_some());
        assert!(at.quote(cy, (id, position)).await.is_none());
        assert_eq!(refusal(at.answers(cy, (id, withheld), "What?").await), "MessageNotFound");
        let mine = at.writes(ana, id, "mine").await;
        let second = at.answers(cy, (id, mine), "Yes").await.unwrap().position;
        at.store.delete_for_me(bo, id, mine).await.unwrap();
        // What bo deleted is there for the others.
        let dee = at.person("dee");
        at.follow(dee, ana);
        at.adds(ana, id, dee, History::FromJoin).await;
        assert_eq!(refusal(at.answers(dee, (id, mine), "Yes").await), "MessageNotFound");
        let third = at.answers(ana, (id, mine), "Once more").await.unwrap().position;
        assert!(at.quote(ana, (id, third)).await.is_some());
        assert!(at.quote(cy, (id, second)).await.is_some());
        assert!(at.quote(dee, (id, third)).await.is_none(), "she came later");
        assert!(at.quote(bo, (id, third)).await.is_none(), "he deleted it for himself");
    }

    what_cannot_be_answered_is_refused(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        let position = at.writes(ana, id, "one").await;
        let (other, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let before = at.store.head().await.unwrap();
        assert_eq!(refusal(at.answers(bo, (id, position + 1), "x").await), "MessageNotFound");
        assert_eq!(refusal(at.answers(cy, (other, 1), "x").await), "ConversationNotFound");
        assert_eq!(at.store.head().await.unwrap(), before);
        at.store.delete_for_everyone(ana, id, position).await.unwrap();
        assert_eq!(refusal(at.answers(bo, (id, position), "x").await), "MessageDeleted");
        at.store.name_group(ana, id, Some("Hall".into())).await.unwrap();
        let told = at.sees(ana, id).await.conversation.last_position;
        assert_eq!(refusal(at.answers(bo, (id, told), "x").await), "SystemMessage");
    }

    a_message_is_about_a_pin_that_was_sent_here(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        let [chair, lamp] = [at.pin(ana), at.pin(bo)];
        at.sends_to(ana, lamp, bo).await;
        at.block(cy, ana);
        at.says(full(ana), id, carrying(Carried::Pin(chair))).await.unwrap();
        let about = |pin| draft("too dear").about_pin(Some(pin));
        let said = at.says(full(bo), id, about(chair)).await.unwrap();
        assert_eq!(said.about_pin, Some(chair));
        assert_eq!(at.looks(ana, id, said.position).await, said);
        let elsewhere = at.says(full(bo), id, about(lamp)).await;
        assert_eq!(refusal(elsewhere), "PinNotInConversation");
        let unseen = at.says(full(cy), id, about(chair)).await;
        assert_eq!(refusal(unseen), "PinNotInConversation");
        at.says(full(bo), id, carrying(Carried::Pin(lamp))).await.unwrap();
        // What it names goes before what it answers.
        let both = about(lamp).reply_to(Some(1)).unwrap();
        let both = at.says(full(bo), id, both).await.unwrap();
        assert_eq!((both.about_pin, both.reply_to.unwrap().position), (Some(lamp), 1));
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        let deleted = at.says(full(bo), id, about(chair)).await;
        assert_eq!(refusal(deleted), "PinNotInConversation");
    }

    a_board_is_shared_as_it_is_and_a_secret_one_by_its_owner(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let hall = board(at, ana, "Hall", Privacy::Public).await;
        let ring = board(at, ana, "Ring", Privacy::Secret).await;
        for (pin, on) in [(at.pin(ana), hall), (at.pin(ana), ring)] {
            at.execute(&format!("update pins set board_id = {on} where id = {pin}"));
        }
        let share = async |access, board: BoardId| at.says(access, id, carrying(Carried::Board(board))).await;
        let shared = share(full(bo), hall).await.unwrap();
        assert_eq!(at.looks(ana, id, shared.position).await, shared);
        let (snapshot, state) = shared.board.unwrap();
        assert_eq!((snapshot.name.as_str(), snapshot.owner_username.as_str()), ("Hall", "ana"));
        assert_eq!((state, snapshot.image_url.is_some()), (BoardState::Open, true));
        assert_eq!(refusal(share(full(bo), ring).await), "BoardNotFound");
        let public_only = Access { user: ana, secret: false };
        assert_eq!(refusal(share(public_only, ring).await), "BoardNotFound");
        assert_eq!(refusal(share(full(ana), BoardId::new(1)).await), "BoardNotFound");
        let secret = share(full(ana), ring).await.unwrap();
        assert_eq!(at.looks(bo, id, secret.position).await, secret);
        let (snapshot, state) = secret.board.unwrap();
        assert_eq!((snapshot.image_url, state), (None, BoardState::Secret), "its pins are not shown");
        assert_eq!(refusal(at.store.board(full(bo), ring).await), "BoardNotFound");
        let hidden = BoardChange::new(Some("Mine"), None, Some(Privacy::Secret)).unwrap();
        at.store.change_board(full(ana), hall, hidden).await.unwrap();
        let (snapshot, state) = at.looks(bo, id, shared.position).await.board.unwrap();
        assert_eq!((snapshot.name.as_str(), state), ("Hall", BoardState::Secret));
        at.store.delete_board(full(ana), hall).await.unwrap();
        let (_, state) = at.looks(bo, id, shared.position).await.board.unwrap();
        assert_eq!(state, BoardState::Removed);
        at.store.edit_message(bo, (id, shared.position), Some("Look".into())).await.unwrap();
        at.store.edit_message(bo, (id, shared.position), None).await.unwrap();
        at.store.delete_for_everyone(bo, id, shared.position).await.unwrap();
        assert_eq!(at.looks(ana, id, shared.position).await.board, None);
        assert_eq!(at.number("select count(*) from messages where board_snapshot like '%Hall%'"), 0);
    }

    a_profile_is_shared_unless_one_has_blocked_the_person(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let share = async |person| at.says(full(ana), id, carrying(Carried::Profile(person))).await;
        for person in [ana, cy] {
            let shared = share(person).await.unwrap();
            assert_eq!(at.looks(bo, id, shared.position).await, shared);
            assert_eq!(shared.profile.unwrap().id, person);
        }
        at.execute(&format!("update users set full_name = 'Cy Ng' where id = {cy}"));
        assert_eq!(at.looks(bo, id, 3).await.profile.unwrap().full_name, "Cy Ng");
        let quote = at.answers(bo, (id, 3), "Who?").await.unwrap().reply_to.unwrap();
        let thing = quote.seen_by(Some(ana)).unwrap().carries.clone().unwrap();
        assert_eq!((thing.thing, thing.title.as_deref()), (Carried::Profile(cy), Some("Cy Ng")));
        assert_eq!(refusal(share(UserId::new(99)).await), "UserNotFound");
        // Whom somebody has blocked reads of them as a stranger does; who blocked them does not.
        at.block(cy, ana);
        assert!(share(cy).await.is_ok());
        at.block(ana, cy);
        assert_eq!(refusal(share(cy).await), "UserNotFound");
    }

    a_message_is_passed_on_as_it_is_now(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let chair = at.pin(ana);
        let (from, _) = at.sends_to(ana, chair, bo).await;
        let (to, _) = at.sends_to(cy, at.pin(cy), bo).await;
        at.execute(&format!("update pins set version = 2, title = 'A stool' where id = {chair}"));
        let mut recipients = vec![Recipient::Conversation(to), Recipient::User(ana)];
        recipients.push(Recipient::Username("cy".into()));
        let sent = at.passes_on(full(bo), (from, 1), recipients).await.unwrap();
        let places: Vec<_> = sent.iter().map(|m| (m.conversation, m.position)).collect();
        assert_eq!(places, [(to, 2), (from, 2)]);
        for message in sent {
            assert_eq!(at.looks(bo, message.conversation, message.position).await, message);
            assert!(message.forwarded);
            assert_eq!((message.sender.id, message.text.as_deref()), (bo, Some("For the hall?")));
            let pin = message.pin.unwrap();
            assert_eq!((pin.snapshot.title.as_deref(), pin.state), (Some("A stool"), PinState::Live));
        }
        // What an answer answers stays where it is.
        let answer = at.answers(cy, (to, 2), "No").await.unwrap();
        let sent = at.passes_on(full(bo), (to, answer.position), vec![Recipient::User(ana)]).await.unwrap();
        assert_eq!((&sent[0].reply_to, sent[0].about_pin, sent[0].text.as_deref()), (&None, None, Some("No")));
        // Once for a key.
        let again = SendRequest {
            what: What::Forward(to, answer.position),
            key: Some(key("k", "POST /forward", "x")),
            ..request(chair, &[ana], Separate)
        };
        let first = at.store.send(full(bo), again.clone()).await.unwrap();
        at.store.delete_for_everyone(cy, to, answer.position).await.unwrap();
        let second = at.store.send(full(bo), again).await.unwrap();
        assert_eq!((first.outcome.to, second.replayed), (second.outcome.to, true));
    }

    what_one_may_not_send_is_not_passed_on(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let ring = secret_pin(at, ana).await;
        let (id, _) = at.sends_to(ana, ring, bo).await;
        let to_cy = || vec![Recipient::User(cy)];
        let before = at.store.head().await.unwrap();
        assert_eq!(refusal(at.passes_on(full(bo), (id, 1), to_cy()).await), "PinIsSecret");
        assert_eq!(refusal(at.passes_on(full(cy), (id, 1), vec![Recipient::User(ana)]).await), "ConversationNotFound");
        assert_eq!(refusal(at.passes_on(full(bo), (id, 2), to_cy()).await), "MessageNotFound");
        let none = at.passes_on(full(ana), (id, 1), vec![Recipient::User(UserId::new(99))]).await;
        assert_eq!(refusal(none), "NobodyAvailable { recipients: [0] }");
        assert_eq!(refusal(at.passes_on(full(ana), (id, 1), vec![]).await), "NoRecipients");
        assert_eq!(at.store.head().await.unwrap(), before);
        at.passes_on(full(ana), (id, 1), to_cy()).await.unwrap();
        at.store.delete_for_me(bo, id, 1).await.unwrap();
        assert_eq!(refusal(at.passes_on(full(bo), (id, 1), to_cy()).await), "MessageNotFound");
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        assert_eq!(refusal(at.passes_on(full(ana), (id, 1), to_cy()).await), "MessageDeleted");
    }
}

/// What a page shows of answers and of what messages carry is read in the page's one statement; an answer is one
/// statement more than a message that is none.
async fn count(at: &mut TestStore) {
    let (ana, bo) = (at.person("ana"), at.person("bo"));
    let hall = board(at, ana, "Hall", Privacy::Public).await;
    let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
    for n in 1..=5 {
        at.answers(bo, (id, n), "Lovely").await.unwrap();
    }
    for carried in [Carried::Board(hall), Carried::Profile(bo)] {
        at.says(full(ana), id, carrying(carried)).await.unwrap();
    }
    explain::run(at);
    at.store.messages(ana, id, Page::Newest, 50).await.unwrap();
    assert_eq!(explain::run(at).len(), 1);
    at.says(full(ana), id, draft("plain")).await.unwrap();
    explain::run(at);
    at.says(full(ana), id, draft("plain")).await.unwrap();
    let plain = explain::run(at);
    at.answers(ana, (id, 3), "answer").await.unwrap();
    let answer = explain::run(at);
    assert_eq!(answer.len(), plain.len() + 1, "{answer:#?}");
}

#[test]
fn few_statements_on_sqlite() {
    explain::record();
    on_sqlite(count);
}

#[test]
fn few_statements_on_postgres() {
    explain::record();
    on_postgres(count);
}
