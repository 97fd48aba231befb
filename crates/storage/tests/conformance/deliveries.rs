//! Up to where messages have reached somebody.

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, UserId};

use crate::stores::TestStore;

impl TestStore {
    /// The marks of all members, as this person sees them.
    async fn delivered(&self, viewer: UserId, id: ConversationId) -> Vec<i64> {
        let view = self.sees(viewer, id).await;
        let members = view.conversation.members.iter();
        members.map(|m| m.delivered_position).collect()
    }
}

both! {
    a_delivery_mark_moves_on_and_never_back(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let (other, _) = at.sends_to(ana, at.pin(ana), cy).await;
        at.writes(ana, id, "two").await;
        let head = at.store.head().await.unwrap();
        at.store.deliver(bo, vec![(id, 1)]).await.unwrap();
        assert_eq!(at.delivered(ana, id).await, [0, 1]);
        // Beyond the end is up to the end; back, and into what one takes no part in, is nothing.
        at.store.deliver(bo, vec![(id, 7), (other, 1)]).await.unwrap();
        at.store.deliver(bo, vec![(id, 1), (id, 2)]).await.unwrap();
        at.store.deliver(bo, Vec::new()).await.unwrap();
        at.store.deliver(bo, vec![(ConversationId::new(77), 1)]).await.unwrap();
        assert_eq!(at.delivered(ana, id).await, [0, 2]);
        assert_eq!(at.delivered(ana, other).await, [0, 0]);
        let logged = at.store.log_after(head, 10).await.unwrap().0;
        let kinds: Vec<_> = logged.iter().map(|(event, people)| (event.kind, &people[..])).collect();
        let told = (EventKind::DeliveryUpdated, &[ana, bo][..]);
        assert_eq!(kinds, [told, told]);
        let bos = at.sees(bo, id).await;
        assert_eq!((bos.mine.read_position, bos.mine.unread.messages), (0, 2));
    }

    several_conversations_are_one_act(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (one, _) = at.sends_to(ana, at.pin(ana), cy).await;
        let (two, _) = at.sends_to(bo, at.pin(bo), cy).await;
        at.store.deliver(cy, vec![(one, 1), (two, 1)]).await.unwrap();
        assert_eq!(at.delivered(ana, one).await, [0, 1]);
        assert_eq!(at.delivered(bo, two).await, [0, 1]);
    }
}
