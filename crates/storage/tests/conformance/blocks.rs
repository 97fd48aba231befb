//! Blocks: nothing of the blocked arrives or moves anything, and they notice nothing.

use pinwire_domain::conversation::SendMode;
use pinwire_domain::head::HeadState;
use pinwire_domain::membership::MembershipChange;
use pinwire_domain::message::MessageDraft;
use pinwire_domain::user::ProfileChange;
use pinwire_domain::{ConversationId, UserId};
use pinwire_storage::conversations::ConversationView;
use pinwire_storage::inbox::Filter;
use pinwire_storage::send::{Recipient, SendRequest};

use crate::acts::{refusal, request};
use crate::boards::full;
use crate::stores::TestStore;

impl TestStore {
    /// What of a conversation another person's message would move.
    async fn stands(&self, person: UserId, id: ConversationId) -> String {
        let ConversationView {
            conversation,
            mine,
            last_message,
            ..
        } = self.sees(person, id).await;
        let heads = self.store.heads(person).await.unwrap().value;
        let heads: Vec<_> = heads.iter().map(|it| it.conversation.id).collect();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {heads:?} {:?} {:?}",
            mine.last_position(&conversation),
            mine.last_message_at(&conversation),
            mine.activity_seq(&conversation),
            mine.last_pin_image(&conversation),
            mine.unread,
            mine.is_hidden(&conversation),
            last_message.map(|it| it.position),
            self.inbox(person, Filter::Inbox).await,
            self.inbox(person, Filter::Unread).await,
        )
    }
}

both! {
    a_block_is_told_once_and_listed_newest_first(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let before = at.store.head().await.unwrap();
        at.store.block(ana, bo).await.unwrap();
        at.store.block(ana, bo).await.unwrap();
        at.wait_millis(5);
        at.store.block(ana, cy).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), before + 2);
        let page = at.store.blocks(ana, None, 1).await.unwrap().value;
        assert_eq!(page.items[0].person.id, cy);
        let page = at.store.blocks(ana, page.next, 1).await.unwrap().value;
        assert_eq!((page.items[0].person.id, page.next), (bo, None));
        assert_eq!(at.store.blocks(bo, None, 9).await.unwrap().value.items, []);
        at.store.unblock(ana, bo).await.unwrap();
        at.store.unblock(ana, bo).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), before + 3);
        assert_eq!(refusal(at.store.block(ana, ana).await), "Yourself");
        assert_eq!(refusal(at.store.block(ana, UserId::new(99)).await), "UserNotFound");
        assert_eq!(at.store.head().await.unwrap(), before + 3);
    }

    what_the_blocked_write_moves_nothing(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.writes(bo, id, "two").await;
        let (other, _) = at.sends_to(cy, at.pin(cy), bo).await;
        at.store.block(bo, ana).await.unwrap();
        let before = at.stands(bo, id).await;
        let anas = at.sees(ana, id).await;
        at.wait_millis(1_000);
        at.writes(ana, id, "unwanted").await;
        at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(at.stands(bo, id).await, before);
        assert_eq!(at.positions(bo, id).await, [1, 2]);
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [other, id]);
        // Whoever is blocked sees what they would see otherwise.
        let after = at.sees(ana, id).await;
        assert_eq!(after.mine.last_position(&after.conversation), 4);
        assert_eq!(after.conversation.members, anas.conversation.members.iter().map(|m| {
            let mut m = m.clone();
            if m.person.id == ana { m.read_position = 4; }
            m
        }).collect::<Vec<_>>());
        // What is closed or hidden stays so.
        at.store.close_head(bo, id).await.unwrap();
        let hide = MembershipChange { hidden: Some(true), ..MembershipChange::default() };
        at.store.change_membership(bo, id, hide).await.unwrap();
        let before = at.stands(bo, id).await;
        at.writes(ana, id, "unwanted, too").await;
        assert_eq!(at.stands(bo, id).await, before);
        assert_eq!(at.store.read_all(bo).await.unwrap(), 1, "only what was unread");
        assert_eq!(refusal(at.store.read_to(bo, id, 3).await), "PositionBeyondEnd");
        // Taken back, what comes next moves it, and what was withheld stays so.
        at.store.unblock(bo, ana).await.unwrap();
        assert_eq!(at.positions(bo, id).await, [1, 2]);
        at.writes(ana, id, "six").await;
        assert_eq!(at.positions(bo, id).await, [1, 2, 6]);
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [id, other]);
        let view = at.sees(bo, id).await;
        assert_eq!(view.mine.unread.messages, 1);
        assert_eq!(view.last_message.unwrap().position, 6);
        assert_eq!(at.store.heads(bo).await.unwrap().value.len(), 2);
    }

    acts_of_one_batch_stand_still_at_the_right_place(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let sent = at.store.send(full(ana), request(at.pin(ana), &[bo, cy], SendMode::Group)).await;
        let id = ConversationId::new(crate::acts::only(&sent.unwrap()).0);
        at.store.block(bo, ana).await.unwrap();
        for _ in 0..20 {
            let mut writes = Vec::new();
            for n in 0..12 {
                let store = at.store.clone();
                let who = if n % 3 == 0 { cy } else { ana };
                writes.push(tokio::spawn(async move {
                    let draft = MessageDraft::new(Some("x"), None).unwrap();
                    store.send_message(full(who), id, draft, None, None).await.unwrap()
                }));
            }
            for write in writes {
                write.await.unwrap();
            }
            let view = at.sees(bo, id).await;
            let last = *at.positions(bo, id).await.last().unwrap();
            assert_eq!(view.mine.last_position(&view.conversation), last);
            let seq = at.number(&format!(
                "select seq from events where conversation_id = {id} and position = {last}
                 and kind = 'message.created'"
            ));
            assert_eq!(view.mine.activity_seq(&view.conversation), seq);
        }
    }

    a_conversation_that_the_blocked_begin_does_not_show(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        at.store.block(bo, ana).await.unwrap();
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(at.writes(ana, id, "two").await, 2);
        let sent = at.store.send(full(ana), request(at.pin(ana), &[bo, cy], SendMode::Group)).await;
        let group = ConversationId::new(crate::acts::only(&sent.unwrap()).0);
        for id in [id, group] {
            assert_eq!(refusal(at.store.conversation(bo, id).await), "ConversationNotFound");
        }
        assert_eq!(at.inbox(bo, Filter::All).await, []);
        assert_eq!(at.store.requests(bo, None, 9).await.unwrap().value.items, []);
        assert_eq!(at.store.unread(bo).await.unwrap().value.requests, 0);
        assert_eq!(at.sees(ana, id).await.last_message.unwrap().position, 2);
    }

    what_the_blocked_change_is_gone(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        let (id, _) = at.sends_to(bo, at.pin(bo), ana).await;
        let position = at.writes(ana, id, "nice").await;
        at.store.block(bo, ana).await.unwrap();
        let text = Some("not so nice".to_owned());
        at.store.edit_message(ana, (id, position), text).await.unwrap();
        assert_eq!(at.positions(bo, id).await, [1]);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 0);
        assert_eq!(refusal(at.store.message(bo, id, position).await), "MessageNotFound");
        assert_eq!(at.positions(ana, id).await, [1, 2]);
    }

    who_has_blocked_somebody_does_not_write_to_them(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let pin = at.pin(bo);
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.store.block(bo, ana).await.unwrap();
        let draft = MessageDraft::new(Some("x"), None).unwrap();
        let sent = at.store.send_message(full(bo), id, draft, None, None).await;
        assert_eq!(refusal(sent), "BlockedByYou");
        let to_both = SendRequest {
            recipients: vec![Recipient::Conversation(id), Recipient::User(cy)],
            ..request(pin, &[], SendMode::Separate)
        };
        let sent = at.store.send(full(bo), to_both).await.unwrap().outcome.to;
        assert_eq!(sent[0].message, None);
        assert!(sent[1].message.is_some());
        let sent = at.store.send(full(bo), request(pin, &[ana], SendMode::Separate)).await;
        assert!(refusal(sent).starts_with("NobodyAvailable"));
        at.store.unblock(bo, ana).await.unwrap();
        assert_eq!(at.writes(bo, id, "again").await, 2);
    }

    marks_of_the_blocked_are_not_shown_and_their_profile_is_not_told(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        let (id, _) = at.sends_to(bo, at.pin(bo), ana).await;
        at.store.block(bo, ana).await.unwrap();
        let from = at.store.head().await.unwrap();
        at.store.read_to(ana, id, 1).await.unwrap();
        let change = ProfileChange::default().full_name(Some("Ana the Great")).unwrap();
        at.store.change_profile(ana, change).await.unwrap();
        let heard = at.store.log_after(from, 9).await.unwrap().0;
        let cursor = pinwire_domain::event::Cursor { epoch: at.store.epoch().into(), seq: from };
        let stream = at.store.stream(bo, cursor, 9).await.unwrap().value;
        let pinwire_storage::events::Stretch::Events { events, .. } = stream else { panic!() };
        assert_eq!(events, []);
        assert!(heard.iter().filter(|(e, _)| e.conversation.is_none()).all(|(_, to)| *to == [ana]));
        assert_eq!(at.sees(bo, id).await.mine.blocked, [ana]);
        at.store.set_head(bo, id, HeadState::Open, None).await.unwrap();
        assert_eq!(at.sees(ana, id).await.mine.blocked, []);
    }
}

/// Blocks and sends in a thousand races: whatever `bo` saw when the block was answered, is all they ever see.
async fn races(at: &TestStore, nodes: [&pinwire_storage::Store; 2], races: usize) {
    let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
    let (id, _) = at.sends_to(bo, at.pin(bo), ana).await;
    at.writes(ana, id, "before").await;
    let mut withheld = 0;
    for _ in 0..races {
        let store = nodes[0].clone();
        let send = tokio::spawn(async move {
            let draft = MessageDraft::new(Some("now?"), None).unwrap();
            store
                .send_message(full(ana), id, draft, None, None)
                .await
                .unwrap()
        });
        nodes[1].block(bo, ana).await.unwrap();
        let seen = at.positions(bo, id).await;
        let sent = send.await.unwrap().outcome.to[0].message.unwrap().1;
        let later = at.positions(bo, id).await;
        assert_eq!(later, seen, "after the block's answer");
        withheld += usize::from(!later.contains(&sent));
        nodes[1].unblock(bo, ana).await.unwrap();
    }
    assert!(withheld > 0, "no race was won by a block");
}

#[test]
fn a_block_that_was_answered_is_never_followed_by_a_message() {
    crate::stores::on_sqlite(async |at| races(at, [&at.store, &at.store], 1_000).await);
}

#[test]
fn a_block_that_one_node_answered_holds_on_the_other() {
    crate::stores::on_postgres(async |at| {
        let nodes = at.nodes();
        races(at, [&nodes[0], &nodes[1]], 1_000).await;
    });
}

#[test]
fn a_group_is_not_begun_beside_a_block() {
    crate::stores::on_postgres(async |at| {
        let nodes = at.nodes();
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let pin = at.pin(ana);
        for n in 0..200 {
            let dee = at.person(&format!("dee{n}"));
            let store = nodes[0].clone();
            let send = tokio::spawn(async move {
                let request = request(pin, &[bo, cy, dee], SendMode::Group);
                store.send(full(ana), request).await.unwrap()
            });
            nodes[1].block(bo, ana).await.unwrap();
            let seen = at.inbox(bo, Filter::All).await;
            send.await.unwrap();
            assert_eq!(at.inbox(bo, Filter::All).await, seen);
            nodes[1].unblock(bo, ana).await.unwrap();
        }
    });
}
