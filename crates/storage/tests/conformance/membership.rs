//! What a member sets for themselves: mute, archive, hide.

use pinwire_domain::membership::MembershipChange;
use pinwire_domain::{ConversationId, Time, UserId, limits};
use pinwire_storage::inbox::Filter;

use crate::acts::refusal;
use crate::stores::TestStore;

const MINUTE: i64 = 60_000;

impl TestStore {
    async fn changes(&self, person: UserId, id: ConversationId, change: MembershipChange) {
        self.store
            .change_membership(person, id, change)
            .await
            .unwrap();
    }

    async fn heads_of(&self, person: UserId) -> Vec<ConversationId> {
        let heads = self.store.heads(person).await.unwrap().value;
        heads.iter().map(|view| view.conversation.id).collect()
    }

    /// Unread conversations, messages in them, and in muted ones.
    async fn totals(&self, person: UserId) -> (i64, i64, i64) {
        let totals = self.store.unread(person).await.unwrap().value;
        (totals.conversations, totals.messages, totals.muted)
    }
}

fn mute(until: Option<Time>) -> MembershipChange {
    MembershipChange {
        muted_until: Some(until),
        ..MembershipChange::default()
    }
}

fn archive(archived: bool) -> MembershipChange {
    MembershipChange {
        archived: Some(archived),
        ..MembershipChange::default()
    }
}

fn hide(hidden: bool) -> MembershipChange {
    MembershipChange {
        hidden: Some(hidden),
        ..MembershipChange::default()
    }
}

both! {
    a_muted_conversation_counts_apart_and_has_no_head_until_then(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let until = at.now().plus_millis(10 * MINUTE);
        let before = at.store.head().await.unwrap();
        at.changes(bo, id, mute(Some(until))).await;
        at.changes(bo, id, mute(Some(until))).await;
        assert_eq!(at.store.head().await.unwrap(), before + 1, "a repeat is no change");
        assert_eq!(at.sees(bo, id).await.mine.muted_until, Some(until));
        at.writes(ana, id, "two").await;
        assert_eq!((at.totals(bo).await, at.heads_of(bo).await), ((0, 0, 2), vec![]));
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [id]);
        assert_eq!(at.heads_of(ana).await, [id], "it is hers alone");
        at.wait_millis(10 * MINUTE);
        assert_eq!((at.totals(bo).await, at.heads_of(bo).await), ((1, 2, 0), vec![id]));
        at.changes(bo, id, mute(None)).await;
        assert_eq!(at.store.head().await.unwrap(), before + 2, "it had ended by itself");
        let furthest = at.now().plus_millis(limits::MUTE_MAX_MS);
        at.changes(bo, id, mute(Some(furthest))).await;
        let beyond = at.store.change_membership(bo, id, mute(Some(furthest.plus_millis(1)))).await;
        assert!(refusal(beyond).starts_with("InvalidValue"));
        at.changes(bo, id, mute(None)).await;
        assert_eq!((at.totals(bo).await, at.heads_of(bo).await), ((1, 2, 0), vec![id]));
    }

    an_archived_conversation_never_counts_and_stays_so(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.changes(bo, id, archive(true)).await;
        at.writes(ana, id, "two").await;
        assert_eq!((at.totals(bo).await, at.heads_of(bo).await), ((0, 0, 0), vec![]));
        assert_eq!(at.inbox(bo, Filter::Inbox).await, []);
        assert_eq!(at.inbox(bo, Filter::Archived).await, [id]);
        at.changes(bo, id, archive(false)).await;
        assert_eq!((at.totals(bo).await, at.heads_of(bo).await), ((1, 2, 0), vec![id]));
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [id]);
    }

    a_hidden_conversation_comes_back_with_the_next_message(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.changes(bo, id, hide(true)).await;
        assert_eq!((at.totals(bo).await, at.inbox(bo, Filter::Inbox).await), ((0, 0, 0), vec![]));
        assert_eq!(at.heads_of(bo).await, [id], "a head has its own x");
        at.changes(bo, id, hide(false)).await;
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [id]);
        at.changes(bo, id, hide(true)).await;
        at.writes(ana, id, "two").await;
        assert_eq!((at.totals(bo).await, at.inbox(bo, Filter::Inbox).await), ((1, 2, 0), vec![id]));
        // What is kept from bo moves nothing of his.
        at.block(bo, ana);
        at.changes(bo, id, hide(true)).await;
        at.writes(ana, id, "three").await;
        assert_eq!(at.inbox(bo, Filter::Inbox).await, []);
        at.execute("delete from blocks");
        at.writes(bo, id, "four").await;
        assert_eq!(at.inbox(bo, Filter::Inbox).await, [id]);
    }

    a_head_beyond_the_bound_does_not_come_back_when_another_is_archived(at) {
        let bo = at.person("bo");
        let mut ids = Vec::new();
        for n in 0..=limits::HEADS_MAX {
            let friend = at.person(&format!("friend{n}"));
            ids.push(at.sends_to(friend, at.pin(friend), bo).await.0);
        }
        assert_eq!(at.heads_of(bo).await.len(), limits::HEADS_MAX);
        let newest = ids.pop().unwrap();
        at.changes(bo, newest, archive(true)).await;
        let heads = at.heads_of(bo).await;
        assert_eq!(heads.len(), limits::HEADS_MAX - 1);
        assert!(!heads.contains(&ids[0]));
        at.changes(bo, newest, archive(false)).await;
        assert_eq!(at.heads_of(bo).await[0], newest);
    }

    who_takes_no_part_sets_nothing(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let refused = at.store.change_membership(cy, id, archive(true)).await;
        assert_eq!(refusal(refused), "ConversationNotFound");
        assert_eq!(at.store.head().await.unwrap(), 1);
    }
}
