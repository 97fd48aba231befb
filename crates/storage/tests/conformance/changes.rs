//! Messages are deleted, edited, and reacted to.

use pinwire_domain::event::EventKind;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::reaction::Emoji;
use pinwire_domain::{ConversationId, UserId, limits};
use pinwire_storage::Target;
use pinwire_storage::messages::Message;

use crate::acts::refusal;
use crate::boards::full;
use crate::stores::TestStore;

/// Whether a dump of the whole database holds these words.
pub(crate) fn holds(at: &TestStore, words: &str) -> bool {
    match at.target() {
        Target::Sqlite(path) => {
            // Without what was freed and not yet written over.
            let copy =
                path.with_file_name(format!("dump-{}", at.number("select seq from log_head")));
            drop(std::fs::remove_file(&copy));
            at.execute(&format!("vacuum into '{}'", copy.display()));
            let bytes = std::fs::read(copy).unwrap();
            bytes.windows(words.len()).any(|it| it == words.as_bytes())
        }
        Target::Postgres(_) => {
            let found = at.number(&format!(
                "select count(*) from information_schema.tables
                 where table_schema = 'public' and table_type = 'BASE TABLE'
                   and query_to_xml('select * from ' || quote_ident(table_name), true, false, '')::text
                       like '%{words}%'"
            ));
            found > 0
        }
    }
}

pub(crate) fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

async fn looks(at: &TestStore, viewer: UserId, id: ConversationId, position: i64) -> Message {
    at.store.message(viewer, id, position).await.unwrap().value
}

/// The kinds of the events after `seq`, with whether they are one person's own.
async fn happened(at: &TestStore, seq: i64) -> Vec<(EventKind, Option<UserId>)> {
    let (events, _) = at.store.log_after(seq, 100).await.unwrap();
    events.iter().map(|(e, _)| (e.kind, e.user)).collect()
}

both! {
    what_is_deleted_for_everyone_is_in_no_dump(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let draft = MessageDraft::new(Some("mysecretone"), Some(Carried::Pin(at.pin(ana)))).unwrap();
        at.store.send_message(full(ana), id, draft, Some("mysecretmark".into()), None).await.unwrap();
        at.store.edit_message(ana, (id, 2), Some("mysecrettwo".into())).await.unwrap();
        at.store.react(bo, (id, 2), emoji("👍"), true).await.unwrap();
        at.index().await;
        assert!(holds(at, "mysecretone") && holds(at, "mysecrettwo") && holds(at, "mysecretmark"));
        assert_eq!(refusal(at.store.delete_for_everyone(bo, id, 2).await), "MessageNotYours");
        let before = at.store.head().await.unwrap();
        at.wait_millis(1);
        for _ in 0..2 {
            at.store.delete_for_everyone(ana, id, 2).await.unwrap();
        }
        assert_eq!(happened(at, before).await, [(EventKind::MessageDeleted, None)]);
        assert!(!holds(at, "mysecret"));
        let left = looks(at, bo, id, 2).await;
        assert_eq!((left.text, left.pin, left.client_message_id), (None, None, None));
        assert_eq!((left.deleted_at, left.edited_at, left.version), (Some(at.now()), None, 4));
        assert!(left.reactions.kinds().is_empty());
        assert_eq!(at.store.revisions(bo, id, 2).await.unwrap().value, []);
        // It does not count, and its pin is no picture any more.
        let seen = at.sees(bo, id).await;
        assert_eq!(seen.mine.unread.messages, 1);
        assert!(seen.last_message.unwrap().deleted_at.is_some());
        assert_eq!(seen.conversation.last_pin_image.as_deref(), Some("https://img.example/1000.jpg"));
        assert_eq!(refusal(at.store.edit_message(ana, (id, 2), Some("x".into())).await), "MessageDeleted");
        assert_eq!(refusal(at.store.react(bo, (id, 2), emoji("👍"), true).await), "MessageDeleted");
        assert_eq!(at.writes(ana, id, "three").await, 3);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 2);
    }

    what_is_deleted_for_one_is_there_for_the_others(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let before = at.store.head().await.unwrap();
        for _ in 0..2 {
            at.store.delete_for_me(bo, id, 1).await.unwrap();
        }
        assert_eq!(happened(at, before).await, [(EventKind::MessageDeleted, Some(bo))]);
        assert_eq!(refusal(at.store.message(bo, id, 1).await), "MessageNotFound");
        assert_eq!(looks(at, ana, id, 1).await.position, 1);
        let seen = at.sees(bo, id).await;
        assert_eq!((seen.mine.unread.messages, seen.last_message), (0, None));
        assert_eq!(refusal(at.store.delete_for_me(bo, id, 2).await), "MessageNotFound");
        assert_eq!(refusal(at.store.delete_for_me(cy, id, 1).await), "ConversationNotFound");
        // Of a message that is kept from her bo hears only that her head has another picture.
        let before = at.store.head().await.unwrap();
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        let heard = [(EventKind::MessageDeleted, None), (EventKind::MembershipUpdated, Some(bo))];
        assert_eq!(happened(at, before).await, heard);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 0);
        at.store.read_to(bo, id, 1).await.unwrap();
        at.writes(ana, id, "two").await;
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 1);
    }

    a_text_is_changed_within_its_window(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let sent = at.now();
        let position = at.writes(ana, id, "one").await;
        at.wait_millis(limits::EDIT_WINDOW_MS);
        let edited = at.store.edit_message(ana, (id, position), Some("two".into())).await.unwrap();
        assert_eq!(looks(at, ana, id, position).await, edited);
        assert_eq!((edited.edited_at, edited.version), (Some(at.now()), 2));
        let before = at.store.head().await.unwrap();
        at.store.edit_message(ana, (id, position), Some("two".into())).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), before);
        let texts = at.store.revisions(bo, id, position).await.unwrap().value;
        let texts: Vec<_> = texts.iter().map(|it| (it.text.as_deref().unwrap(), it.written_at)).collect();
        assert_eq!(texts, [("one", sent), ("two", at.now())]);
        at.wait_millis(1);
        let late = at.store.edit_message(ana, (id, position), Some("three".into())).await;
        assert_eq!(refusal(late), "EditWindowOver { minutes: 15 }");
        assert_eq!(refusal(at.store.edit_message(bo, (id, 1), None).await), "MessageNotYours");
    }

    a_text_is_changed_not_too_often(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        for n in 0..limits::EDITS_MAX {
            at.store.edit_message(ana, (id, 1), Some(format!("text {n}"))).await.unwrap();
        }
        let refused = at.store.edit_message(ana, (id, 1), None).await;
        assert_eq!(refusal(refused), "TooManyEdits { limit: 50 }");
        let texts = at.store.revisions(bo, id, 1).await.unwrap().value;
        assert_eq!(texts.len(), limits::EDITS_MAX + 1);
        assert_eq!(texts[0].text.as_deref(), Some("For the hall?"));
    }

    people_react_each_once_with_each_emoji(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let before = at.store.head().await.unwrap();
        for (person, adds) in [(ana, true), (ana, true), (bo, true), (ana, false), (ana, false)] {
            at.store.react(person, (id, 1), emoji("❤️"), adds).await.unwrap();
        }
        assert_eq!(happened(at, before).await, [(EventKind::ReactionChanged, None); 3]);
        let message = looks(at, ana, id, 1).await;
        assert_eq!(message.version, 4);
        let seen = message.reactions.seen_by(Some(ana));
        assert_eq!((seen.len(), seen[0].emoji, seen[0].count, seen[0].mine), (1, "❤️", 1, false));
        assert_eq!(*at.sees(ana, id).await.last_message.unwrap(), message);
        let stranger = at.store.react(cy, (id, 1), emoji("❤️"), true).await;
        assert_eq!(refusal(stranger), "ConversationNotFound");
        assert_eq!(refusal(at.store.react(bo, (id, 2), emoji("❤️"), true).await), "MessageNotFound");
        // Who has blocked somebody does not see their reaction.
        at.block(ana, bo);
        at.store.react(bo, (id, 1), emoji("👍"), true).await.unwrap();
        let message = looks(at, ana, id, 1).await;
        assert_eq!(message.reactions.seen_by(Some(ana)).len(), 1);
        assert_eq!(message.reactions.seen_by(Some(bo)).len(), 2);
    }
}
