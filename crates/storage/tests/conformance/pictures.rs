//! Pictures: read once, kept by those who were sent them, and held against links if they are too small.

use pinwire_domain::link::judge::{Reason, Verdict};
use pinwire_domain::message::PinState;
use pinwire_domain::picture::{Picture, PictureSize};
use pinwire_domain::pin::{PinDraft, Wording};
use pinwire_domain::{PinId, UserId, limits};
use pinwire_storage::pin_snapshots::SentPin;
use pinwire_storage::pins::PinFilter;

use crate::boards::full;
use crate::stores::TestStore;

const SMALL: PictureSize = PictureSize {
    width: limits::PICTURE_SIDE_MIN - 1,
    height: 900,
};
const LARGE: PictureSize = PictureSize {
    width: 600,
    height: 900,
};

fn grey(size: PictureSize) -> Picture {
    Picture {
        size,
        dominant_color: Some("#808080".into()),
    }
}

/// What a pin shows of its picture.
type Shown = (Option<PictureSize>, Option<String>);

fn shown(size: PictureSize, color: &str) -> Shown {
    (Some(size), Some(color.to_owned()))
}

impl TestStore {
    /// A pin of that picture, whose owner says its colour.
    async fn pin_of(&self, owner: UserId, picture: &str, color: Option<&str>) -> PinId {
        let draft = PinDraft::new(None, picture, Wording::default());
        let draft = draft.and_then(|it| it.dominant_color(color.map(str::to_owned)));
        let made = self.store.create_pin(full(owner), draft.unwrap(), None);
        made.await.unwrap().outcome
    }

    /// Reads the pictures that are due; their addresses.
    async fn reads_pictures(&self, found: Option<Picture>) -> Vec<String> {
        let mut read = Vec::new();
        while let Some(due) = self.store.next_reading().await.unwrap() {
            read.push(due.address.clone());
            self.store.note_reading(due, found.clone()).await.unwrap();
        }
        read
    }

    async fn shows(&self, owner: UserId, pin: PinId) -> Shown {
        let pin = self.store.pin(full(owner), pin).await.unwrap().value;
        (pin.picture_size, pin.dominant_color)
    }
}

const ONE: &str = "https://img.example/1.jpg";

both! {
    a_picture_is_read_once_for_all_pins_of_it(at) {
        let ana = at.person("ana");
        let plain = at.pin_of(ana, ONE, None).await;
        let said = at.pin_of(ana, ONE, Some("#FF0000")).await;
        assert_eq!(at.shows(ana, plain).await, (None, None));
        assert_eq!(at.reads_pictures(Some(grey(LARGE))).await, [ONE]);
        assert_eq!(at.shows(ana, plain).await, shown(LARGE, "#808080"));
        assert_eq!(at.shows(ana, said).await, shown(LARGE, "#FF0000"));
        // Also those that are made later, from it or from a pin.
        let later = at.pin_of(ana, ONE, None).await;
        let saved = at.store.save_pin(full(ana), plain, None, None).await.unwrap().outcome;
        assert_eq!(at.reads_pictures(None).await, [""; 0]);
        for pin in [later, saved] {
            assert_eq!(at.shows(ana, pin).await, shown(LARGE, "#808080"));
        }
        let filter = PinFilter { protected: true };
        let listed = at.store.own_pins(full(ana), filter, None, 9).await.unwrap().value;
        assert!(listed.items.iter().all(|it| it.picture_size == Some(LARGE)));
    }

    who_holds_a_pin_is_told_when_its_picture_is_read(at) {
        let [ana, bo, cy] = [at.person("ana"), at.person("bo"), at.person("cy")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let seq = at.head().await;
        at.reads_pictures(Some(grey(LARGE))).await;
        let of = |pin: &SentPin| {
            let kept = pin.snapshot.clone();
            (kept.image_width, kept.image_height, kept.dominant_color)
        };
        let wanted = (Some(600), Some(900), Some("#808080".to_owned()));
        let sent = at.sent_pin(bo, id).await;
        assert_eq!((of(&sent), sent.state), (wanted.clone(), PinState::Live));
        assert_eq!(sent.link_check.unwrap().verdict, Verdict::Pending);
        assert_eq!(at.hears_of_pins(bo, seq).await, 1);
        // Who sends it now sends it so, though a writer may have it in memory as it was.
        let (id, _) = at.sends_to(ana, pin, cy).await;
        assert_eq!(of(&at.sent_pin(cy, id).await), wanted);
        // Also when the pin is gone.
        at.store.delete_pin(full(ana), pin).await.unwrap();
        assert_eq!(of(&at.sent_pin(cy, id).await), wanted);
    }

    a_message_that_was_being_sent_meanwhile_is_found_later(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let (id, _) = at.sends_to(ana, pin, bo).await;
        at.reads_pictures(Some(grey(LARGE))).await;
        let sized = "\"image_width\":";
        at.execute(&format!(
            "update messages set pin_snapshot = replace(replace(pin_snapshot, '{sized} 600', '{sized} null'),
                 '{sized}600', '{sized}null')"
        ));
        assert_eq!(at.sent_pin(bo, id).await.snapshot.image_width, None);
        let seq = at.head().await;
        at.wait_millis(15_000);
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.sent_pin(bo, id).await.snapshot.image_width, Some(600));
        assert_eq!(at.hears_of_pins(bo, seq).await, 1);
    }

    who_was_told_of_a_picture_is_not_told_again(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        at.sends_to(ana, pin, bo).await;
        at.reads_pictures(Some(grey(LARGE))).await;
        let seq = at.head().await;
        at.wait_millis(15_000);
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.hears_of_pins(bo, seq).await, 0);
    }

    a_picture_that_is_too_small_is_held_against_the_link(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let (id, _) = at.sends_to(ana, pin, bo).await;
        at.reads_pictures(Some(grey(SMALL))).await;
        for check in [at.check(ana, pin).await, at.sent_pin(bo, id).await.link_check.unwrap()] {
            assert_eq!((check.verdict, check.reasons), (Verdict::Warn, vec![Reason::SmallPicture]));
        }
        // The link itself is as it was: another pin may lead there with a picture of its own.
        let token = at.check(ana, pin).await.token;
        let followed = at.store.follow_link(token).await.unwrap();
        assert_eq!(followed.check.verdict, Verdict::Pending);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        assert_eq!(at.sent_pin(bo, id).await.link_check.unwrap().verdict, Verdict::Warn);
        // A pin that leads nowhere promises nothing.
        let alone = at.pin_of(ana, ONE, None).await;
        assert_eq!(at.store.pin(full(ana), alone).await.unwrap().value.link_check, None);
    }

    a_picture_that_cannot_be_read_is_tried_thrice_and_again_for_another_pin(at) {
        let ana = at.person("ana");
        let pin = at.pin_of(ana, ONE, None).await;
        for _ in 1..limits::LINK_TRIES {
            assert_eq!(at.reads_pictures(None).await, [ONE]);
            at.wait_millis(limits::LINK_TRIED_AGAIN_MS - 1);
            assert_eq!(at.reads_pictures(None).await, [""; 0]);
            at.wait_millis(1);
        }
        assert_eq!(at.reads_pictures(None).await, [ONE]);
        at.wait_millis(24 * 60 * 60 * 1_000);
        assert_eq!(at.reads_pictures(None).await, [""; 0], "given up");
        at.pin_of(ana, ONE, None).await;
        assert_eq!(at.reads_pictures(Some(grey(LARGE))).await, [ONE]);
        assert_eq!(at.shows(ana, pin).await, shown(LARGE, "#808080"));
    }

    one_node_alone_reads_a_picture_and_a_killed_one_loses_none(at) {
        let ana = at.person("ana");
        let pin = at.pin_of(ana, ONE, None).await;
        let late = at.store.next_reading().await.unwrap().unwrap();
        assert_eq!(at.store.next_reading().await.unwrap(), None);
        at.wait_millis(limits::LINK_LEASE_MS);
        let own = at.store.next_reading().await.unwrap().unwrap();
        // Who comes back after the lease changes nothing.
        at.store.note_reading(late, Some(grey(SMALL))).await.unwrap();
        assert_eq!(at.shows(ana, pin).await, (None, None));
        at.store.note_reading(own, Some(grey(LARGE))).await.unwrap();
        assert_eq!(at.shows(ana, pin).await, shown(LARGE, "#808080"));
    }
}
