//! Drafts, the same on all devices of a person.

use pinwire_domain::draft::DraftContent;
use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::{PinId, UserId};
use pinwire_storage::events::{Stretch, What};

use crate::acts::refusal;
use crate::stores::TestStore;

fn content(text: &str) -> DraftContent {
    DraftContent::new(Some(text), None).unwrap()
}

/// What the events after `seq` tell a person.
async fn hears(at: &TestStore, person: UserId, seq: i64) -> Vec<(EventKind, What)> {
    let epoch = at.store.epoch().into();
    let stretch = at
        .store
        .stream(person, Cursor { epoch, seq }, 100)
        .await
        .unwrap()
        .value;
    let Stretch::Events { events, .. } = stretch else {
        panic!("{stretch:?}")
    };
    events
        .into_iter()
        .map(|it| (it.event.kind, it.what))
        .collect()
}

both! {
    a_draft_is_kept_changed_and_dropped(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(refusal(at.store.draft(bo, id).await), "DraftNotFound");
        let first = at.store.keep_draft(bo, id, content("For the ")).await.unwrap();
        assert_eq!((first.text.as_deref(), first.version), (Some("For the "), 1));
        assert_eq!(at.store.keep_draft(bo, id, content("For the ")).await.unwrap(), first);
        assert_eq!(at.store.head().await.unwrap(), 2, "a repeat is no change");
        assert_eq!(at.store.draft(bo, id).await.unwrap().value, first);
        assert_eq!(at.sees(bo, id).await.draft.as_ref(), Some(&first));
        assert_eq!(at.sees(ana, id).await.draft, None, "it is his alone");
        let with_pin = DraftContent::new(None, Some(PinId::new(7))).unwrap();
        let second = at.store.keep_draft(bo, id, with_pin).await.unwrap();
        assert_eq!((second.text, second.pin, second.version), (None, Some(PinId::new(7)), 2));
        at.store.drop_draft(bo, id).await.unwrap();
        at.store.drop_draft(bo, id).await.unwrap();
        at.store.drop_draft(ana, id).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), 4);
        assert_eq!(refusal(at.store.draft(bo, id).await), "DraftNotFound");
        let again = at.store.keep_draft(bo, id, content("Anew")).await.unwrap();
        assert_eq!(again.version, 4, "a device that was away takes it for the newest");
        at.writes(bo, id, "Anew").await;
        assert_eq!(at.store.draft(bo, id).await.unwrap().value, again, "sending leaves it");
    }

    the_event_of_a_draft_shows_its_present_to_its_person(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let draft = at.store.keep_draft(bo, id, content("One")).await.unwrap();
        assert_eq!(hears(at, bo, 1).await, [(EventKind::DraftUpdated, What::Draft(draft))]);
        assert_eq!(hears(at, ana, 1).await, []);
        at.store.drop_draft(bo, id).await.unwrap();
        let heard = hears(at, bo, 1).await;
        assert_eq!(heard.len(), 2);
        for (_, what) in heard {
            let What::Draft(left) = what else { panic!("{what:?}") };
            assert!(left.is_dropped() && left.version == 2, "no text comes back from the log");
        }
    }

    who_takes_no_part_has_no_draft(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let kept = at.store.keep_draft(cy, id, content("Hm")).await;
        assert_eq!(refusal(kept), "ConversationNotFound");
        assert_eq!(refusal(at.store.draft(cy, id).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.drop_draft(cy, id).await), "ConversationNotFound");
        assert_eq!(at.number("select count(*) from drafts"), 0);
    }
}
