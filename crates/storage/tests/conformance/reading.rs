//! Pages, read marks, unread counts, heads, and the order of lists.

use pinwire_domain::conversation::Unread;
use pinwire_domain::event::EventKind;
use pinwire_domain::head::HeadState::{Minimized, Open};
use pinwire_domain::settings::SettingsChange;
use pinwire_domain::{ConversationId, UserId};
use pinwire_storage::conversations::ConversationView;
use pinwire_storage::inbox::Filter;
use pinwire_storage::messages::Page;

use crate::acts::refusal;
use crate::stores::TestStore;

/// A conversation of two with this many messages of the first.
async fn talk(at: &TestStore, ana: UserId, bo: UserId, messages: i64) -> ConversationId {
    let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
    for n in 2..=messages {
        at.writes(ana, id, &format!("message {n}")).await;
    }
    id
}

async fn positions(
    at: &TestStore,
    viewer: UserId,
    id: ConversationId,
    page: Page,
    size: i64,
) -> Vec<i64> {
    let read = at
        .store
        .messages(viewer, id, page, size)
        .await
        .unwrap()
        .value;
    read.iter().map(|m| m.position).collect()
}

async fn heads(at: &TestStore, person: UserId) -> Vec<ConversationId> {
    let heads = at.store.heads(person).await.unwrap().value;
    heads.iter().map(|view| view.conversation.id).collect()
}

both! {
    a_mark_that_is_kept_back_is_shown_to_nobody_else(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let begun = at.store.begin_conversation(ana, vec![bo, cy], None, None).await.unwrap();
        let id = ConversationId::new(begun.outcome.0);
        for text in ["one", "two", "three"] {
            at.writes(ana, id, text).await;
        }
        let receipts = |read_receipts| SettingsChange {
            read_receipts: Some(read_receipts),
            ..SettingsChange::default()
        };
        at.store.read_to(bo, id, 1).await.unwrap();
        at.store.change_settings(bo, receipts(false)).await.unwrap();
        let head = at.store.head().await.unwrap();
        at.store.read_to(bo, id, 2).await.unwrap();
        let logged = at.store.log_after(head, 10).await.unwrap().0;
        assert_eq!(logged.len(), 1);
        assert_eq!((logged[0].0.kind, &logged[0].1[..]), (EventKind::MembershipUpdated, &[bo][..]));
        let shown = |view: ConversationView| -> Vec<i64> {
            view.conversation.members.iter().map(|m| m.read_position).collect()
        };
        let (bos, cys) = (at.sees(bo, id).await, at.sees(cy, id).await);
        assert_eq!((bos.mine.read_position, bos.mine.unread.messages), (2, 1));
        assert_eq!((bos.mine.sees_marks, cys.mine.sees_marks), (false, true));
        assert_eq!(shown(cys), [3, 1, 0]);

        at.store.change_settings(bo, receipts(true)).await.unwrap();
        assert_eq!(shown(at.sees(cy, id).await), [3, 1, 0]);
        let head = at.store.head().await.unwrap();
        at.store.read_to(bo, id, 2).await.unwrap();
        // A second time changes nothing.
        at.store.read_to(bo, id, 2).await.unwrap();
        let logged = at.store.log_after(head, 10).await.unwrap().0;
        let kinds: Vec<_> = logged.iter().map(|(event, people)| (event.kind, people.len())).collect();
        assert_eq!(kinds, [(EventKind::ReadUpdated, 3)]);
        assert_eq!(shown(at.sees(cy, id).await), [3, 2, 0]);
    }

    pages_go_both_ways_from_a_position(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = talk(at, ana, bo, 9).await;
        assert_eq!(positions(at, bo, id, Page::Newest, 3).await, [9, 8, 7]);
        assert_eq!(positions(at, bo, id, Page::Before(7), 3).await, [6, 5, 4]);
        assert_eq!(positions(at, bo, id, Page::After(7), 3).await, [8, 9]);
        assert_eq!(positions(at, bo, id, Page::Around(5), 4).await, [3, 4, 5, 6]);
        assert_eq!(positions(at, bo, id, Page::After(9), 3).await, [] as [i64; 0]);
        assert_eq!(positions(at, bo, id, Page::Before(1), 3).await, [] as [i64; 0]);
        let one = at.store.message(bo, id, 4).await.unwrap().value;
        assert_eq!(one.text.as_deref(), Some("message 4"));
        assert_eq!(refusal(at.store.message(bo, id, 10).await), "MessageNotFound");
    }

    unread_counts_what_others_wrote_after_my_mark(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = talk(at, ana, bo, 5).await;
        assert_eq!(at.sees(bo, id).await.mine.unread, Unread { messages: 5, more: false });
        assert_eq!(at.sees(ana, id).await.mine.unread.messages, 0);
        at.store.read_to(bo, id, 3).await.unwrap();
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 2);
        at.store.read_to(bo, id, 1).await.unwrap();
        assert_eq!(at.sees(bo, id).await.mine.read_position, 3);
        assert_eq!(refusal(at.store.read_to(bo, id, 6).await), "PositionBeyondEnd");
        at.execute("update messages set deleted_at = 1 where position = 4");
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 1);
        at.execute("update messages set kind = 'system' where position = 5");
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 0);
        // Sending moves my mark.
        at.writes(ana, id, "one more").await;
        at.writes(bo, id, "an answer").await;
        assert_eq!(at.sees(bo, id).await.mine.read_position, 7);
    }

    unread_is_exact_to_a_hundred(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = talk(at, ana, bo, 1).await;
        at.execute(&format!("update conversations set last_position = 100 where id = {id}"));
        assert_eq!(at.sees(bo, id).await.mine.unread, Unread { messages: 100, more: false });
        at.execute(&format!("update conversations set last_position = 101 where id = {id}"));
        assert_eq!(at.sees(bo, id).await.mine.unread, Unread { messages: 100, more: true });
    }

    the_unread_flag_stays_until_the_next_read(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = talk(at, ana, bo, 1).await;
        at.store.read_to(bo, id, 1).await.unwrap();
        let before = at.store.head().await.unwrap();
        at.store.flag_unread(bo, id, true).await.unwrap();
        at.store.flag_unread(bo, id, true).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), before + 1);
        assert_eq!(at.inbox(bo, Filter::Unread).await, [id]);
        at.store.read_to(bo, id, 1).await.unwrap();
        assert!(!at.sees(bo, id).await.mine.unread_flag);
        assert_eq!(at.inbox(bo, Filter::Unread).await, []);
    }

    totals_leave_out_archived_and_count_muted_apart(at) {
        let bo = at.person("bo");
        let mut ids = Vec::new();
        for name in ["ana", "cy", "dee", "eve"] {
            let person = at.person(name);
            ids.push(talk(at, person, bo, 2).await);
        }
        at.execute(&format!(
            "update memberships set muted_until = {} where user_id = {bo} and conversation_id = {};
             update memberships set archived = true where user_id = {bo} and conversation_id = {}",
            i64::MAX, ids[1], ids[2]
        ));
        let unread = at.store.unread(bo).await.unwrap().value;
        assert_eq!((unread.conversations, unread.messages, unread.muted), (2, 4, 2));
        assert_eq!(at.inbox(bo, Filter::Archived).await, [ids[2]]);
        assert_eq!(at.store.read_all(bo).await.unwrap(), 4);
        let unread = at.store.unread(bo).await.unwrap().value;
        assert_eq!((unread.conversations, unread.messages, unread.muted), (0, 0, 0));
    }

    conversations_stand_by_their_last_message(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let with_ana = talk(at, ana, bo, 1).await;
        let with_cy = talk(at, cy, bo, 1).await;
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [with_cy, with_ana]);
        // Reading does not move a conversation; a message does.
        at.store.read_to(bo, with_ana, 1).await.unwrap();
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [with_cy, with_ana]);
        at.writes(bo, with_ana, "hello").await;
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [with_ana, with_cy]);
        let first = at.store.conversations(bo, Filter::Inbox, None, 1).await.unwrap().value;
        let rest = at.store.conversations(bo, Filter::Inbox, first.next, 1).await.unwrap().value;
        assert_eq!(first.items[0].conversation.id, with_ana);
        assert_eq!(rest.items[0].conversation.id, with_cy);
        assert_eq!(rest.next, None);
    }

    the_x_closes_a_head_until_the_next_message(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = talk(at, ana, bo, 1).await;
        assert_eq!((heads(at, ana).await, heads(at, bo).await), (vec![id], vec![id]));
        at.store.set_head(bo, id, Open, Some("phone".into())).await.unwrap();
        let view = at.sees(bo, id).await;
        let head = view.mine.head(&view.conversation, at.now()).unwrap();
        assert_eq!((head.state, head.device_id.as_deref()), (Open, Some("phone")));
        at.store.close_head(bo, id).await.unwrap();
        assert_eq!(heads(at, bo).await, []);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 1);
        at.writes(ana, id, "still there?").await;
        let view = at.sees(bo, id).await;
        let head = view.mine.head(&view.conversation, at.now()).unwrap();
        assert_eq!((head.state, head.device_id), (Minimized, None));
        // Opening brings a closed head back.
        at.store.close_head(bo, id).await.unwrap();
        at.store.set_head(bo, id, Minimized, None).await.unwrap();
        assert_eq!(heads(at, bo).await, [id]);
    }

    the_oldest_minimized_head_goes_beyond_twenty_and_does_not_come_back(at) {
        let bo = at.person("bo");
        let mut ids = Vec::new();
        for n in 0..21 {
            let person = at.person(&format!("p{n}"));
            ids.push(talk(at, person, bo, 1).await);
            if n == 0 {
                at.store.set_head(bo, ids[0], Open, None).await.unwrap();
            }
        }
        let shown = heads(at, bo).await;
        assert_eq!(shown.len(), 20);
        assert!(shown.contains(&ids[0]) && !shown.contains(&ids[1]));
        at.store.close_head(bo, ids[20]).await.unwrap();
        let shown = heads(at, bo).await;
        assert_eq!(shown.len(), 19);
        assert!(!shown.contains(&ids[1]));
        at.writes(bo, ids[1], "back").await;
        assert_eq!(heads(at, bo).await[0], ids[1]);
    }

    heads_beyond_the_bound_stay_away_however_many_there_are(at) {
        let bo = at.person("bo");
        let mut ids = Vec::new();
        for n in 0..222 {
            let person = at.person(&format!("p{n}"));
            ids.push(talk(at, person, bo, 1).await);
        }
        ids.reverse();
        let (old, oldest) = (ids[100], ids[221]);
        assert_eq!(heads(at, bo).await, ids[..20]);
        at.store.close_head(bo, ids[0]).await.unwrap();
        assert_eq!(heads(at, bo).await, ids[1..20]);
        at.store.set_head(bo, oldest, Open, None).await.unwrap();
        assert_eq!(heads(at, bo).await, [&ids[1..20], &[oldest]].concat());
        at.store.set_head(bo, old, Open, None).await.unwrap();
        let shown = [&ids[1..19], &[old, oldest]].concat();
        assert_eq!(heads(at, bo).await, shown);
        at.store.set_head(bo, old, Minimized, None).await.unwrap();
        at.store.set_head(bo, oldest, Minimized, None).await.unwrap();
        assert_eq!(heads(at, bo).await, shown, "the one pushed out stays away");
        at.writes(bo, ids[19], "back").await;
        assert_eq!(heads(at, bo).await, [&[ids[19]], &ids[1..19], &[old]].concat());
    }
}
