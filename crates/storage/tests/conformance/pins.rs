//! Pins: who sees them, what a change does, saving, lists, removal.

use pinwire_domain::board::{Access, Privacy};
use pinwire_domain::link::judge::Verdict;
use pinwire_domain::message::PinState;
use pinwire_domain::pin::{PinChange, PinDraft, Wording};
use pinwire_domain::{BoardId, PinId, Refusal, UserId};
use pinwire_storage::messages::Page;
use pinwire_storage::pins::{Pin, PinFilter};
use pinwire_storage::{Result, StoreError};

use crate::acts::key;
use crate::boards::{board, full};
use crate::stores::TestStore;

/// Why this was refused, if it was.
pub(crate) fn refusal<T>(outcome: Result<T>) -> Option<Refusal> {
    match outcome {
        Ok(_) => None,
        Err(StoreError::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    }
}

fn titled(title: &str) -> Wording {
    Wording::default().title(Some(Some(title.into()))).unwrap()
}

/// A new pin with this title and a picture of that name.
pub(crate) async fn pin(
    at: &TestStore,
    owner: UserId,
    board: Option<BoardId>,
    title: &str,
) -> PinId {
    let picture = format!("https://img.example/{title}.jpg");
    let draft = PinDraft::new(board, &picture, titled(title)).unwrap();
    at.store
        .create_pin(full(owner), draft, None)
        .await
        .unwrap()
        .outcome
}

/// A new pin on a secret board.
pub(crate) async fn secret_pin(at: &TestStore, owner: UserId) -> PinId {
    let secret = board(at, owner, "Secret", Privacy::Secret).await;
    pin(at, owner, Some(secret), "ring").await
}

async fn seen(at: &TestStore, user: UserId, id: PinId) -> Pin {
    at.store.pin(full(user), id).await.unwrap().value
}

async fn change(at: &TestStore, user: UserId, id: PinId, to: PinChange) -> Option<Refusal> {
    refusal(at.store.change_pin(full(user), id, to).await)
}

fn worded(wording: Wording) -> PinChange {
    PinChange {
        board: None,
        wording,
    }
}

async fn save(at: &TestStore, user: UserId, id: PinId, to: Option<BoardId>) -> Result<PinId> {
    Ok(at.store.save_pin(full(user), id, to, None).await?.outcome)
}

/// Owns a public and a secret board.
struct Ana {
    id: UserId,
    public: BoardId,
    secret: BoardId,
}

async fn ana(at: &TestStore) -> Ana {
    let id = at.person("ana");
    Ana {
        id,
        public: board(at, id, "Cats", Privacy::Public).await,
        secret: board(at, id, "Gifts", Privacy::Secret).await,
    }
}

both! {
    a_new_pin_is_read_as_it_was_made(at) {
        let ana = ana(at).await;
        let wording = titled("Cat")
            .description(Some(Some("A cat".into())))
            .and_then(|w| w.alt_text(Some(Some("Grey cat".into()))))
            .and_then(|w| w.link(Some(Some("https://cats.example/1".into()))))
            .and_then(|w| w.note(Some(Some("for Bo".into()))))
            .unwrap();
        let draft = PinDraft::new(Some(ana.public), "https://img.example/c.jpg", wording)
            .and_then(|d| d.dominant_color(Some("#6E7874".into())))
            .unwrap();
        let id = at.store.create_pin(full(ana.id), draft, None).await.unwrap().outcome;
        let found = seen(at, ana.id, id).await;
        assert_eq!(found.link_check.clone().unwrap().verdict, Verdict::Pending);
        let expected = Pin {
            id,
            owner: ana.id,
            owner_username: "ana".into(),
            board: Some(ana.public),
            title: Some("Cat".into()),
            description: Some("A cat".into()),
            alt_text: Some("Grey cat".into()),
            link: Some("https://cats.example/1".into()),
            link_check: found.link_check,
            link_id: found.link_id,
            picture_id: found.picture_id,
            picture_size: None,
            note: Some("for Bo".into()),
            dominant_color: Some("#6E7874".into()),
            image_url: "https://img.example/c.jpg".into(),
            parent: None,
            created_at: at.now(),
        };
        assert_eq!(seen(at, ana.id, id).await, expected);
        let bo = at.person("bo");
        assert_eq!(seen(at, bo, id).await, Pin { note: None, ..expected });
    }

    a_pin_goes_on_a_board_of_ones_own_or_on_none(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let put = async |board| {
            let draft = PinDraft::new(board, "https://img.example/x.jpg", Wording::default());
            refusal(at.store.create_pin(full(bo), draft.unwrap(), None).await)
        };
        assert_eq!(put(Some(ana.public)).await, Some(Refusal::BoardNotYours));
        assert_eq!(put(Some(ana.secret)).await, Some(Refusal::BoardNotFound));
        assert_eq!(put(Some(BoardId::new(7))).await, Some(Refusal::BoardNotFound));
        assert_eq!(at.number("select count(*) from pins"), 0);
        assert_eq!(put(None).await, None);
    }

    a_secret_pin_is_seen_by_its_owner_and_those_it_was_sent_to(at) {
        let ana = ana(at).await;
        let (bo, cy) = (at.person("bo"), at.person("cy"));
        let id = pin(at, ana.id, Some(ana.secret), "ring").await;
        assert_eq!(refusal(at.store.pin(full(bo), id).await), Some(Refusal::PinNotFound));
        at.sends_to(ana.id, id, bo).await;
        let shown = seen(at, bo, id).await;
        assert_eq!((shown.title.as_deref(), shown.board), (Some("ring"), None));
        assert_eq!(seen(at, ana.id, id).await.board, Some(ana.secret));
        for user in [ana.id, bo] {
            let public_only = Access { user, secret: false };
            assert_eq!(refusal(at.store.pin(public_only, id).await), Some(Refusal::PinNotFound));
        }
        assert_eq!(refusal(at.store.pin(full(cy), id).await), Some(Refusal::PinNotFound));
    }

    who_received_a_secret_pin_makes_none_from_it(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let id = pin(at, ana.id, Some(ana.secret), "ring").await;
        assert_eq!(refusal(save(at, bo, id, None).await), Some(Refusal::PinNotFound));
        at.sends_to(ana.id, id, bo).await;
        assert_eq!(refusal(save(at, bo, id, None).await), Some(Refusal::PinIsSecret));
        let copy = PinDraft::new(None, "https://img.example/x.jpg", Wording::default())
            .unwrap()
            .parent(Some(id));
        let made = at.store.create_pin(full(bo), copy, None).await;
        assert_eq!(refusal(made), Some(Refusal::PinIsSecret));
        assert!(save(at, ana.id, id, Some(ana.public)).await.is_ok());
    }

    a_saved_pin_is_the_savers_own(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let cats = board(at, bo, "Cats", Privacy::Public).await;
        let wording = titled("Cat").note(Some(Some("mine".into()))).unwrap();
        let draft = PinDraft::new(Some(ana.public), "https://img.example/c.jpg", wording).unwrap();
        let id = at.store.create_pin(full(ana.id), draft, None).await.unwrap().outcome;
        at.wait_millis(1);
        let copy = save(at, bo, id, Some(cats)).await.unwrap();
        let shown = seen(at, bo, copy).await;
        assert_eq!(
            (shown.owner, shown.board, shown.parent, shown.created_at),
            (bo, Some(cats), Some(id), at.now())
        );
        assert_eq!((shown.title.as_deref(), shown.note), (Some("Cat"), None));
        assert_eq!(shown.image_url, "https://img.example/c.jpg");
        assert_eq!(at.store.board(full(bo), cats).await.unwrap().value.pin_count, 1);
        let elsewhere = save(at, bo, id, Some(ana.public)).await;
        assert_eq!(refusal(elsewhere), Some(Refusal::BoardNotYours));
    }

    only_the_owner_changes_or_removes_a_pin(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let public = pin(at, ana.id, Some(ana.public), "cat").await;
        let secret = pin(at, ana.id, Some(ana.secret), "ring").await;
        for (id, why) in [(public, Refusal::PinNotYours), (secret, Refusal::PinNotFound)] {
            let changed = change(at, bo, id, worded(titled("mine"))).await;
            assert_eq!(changed.as_ref(), Some(&why));
            assert_eq!(refusal(at.store.delete_pin(full(bo), id).await), Some(why));
        }
        assert_eq!(seen(at, ana.id, public).await.title.as_deref(), Some("cat"));
    }

    a_change_leaves_the_rest_and_null_takes_away(at) {
        let ana = ana(at).await;
        let id = pin(at, ana.id, Some(ana.public), "cat").await;
        let described = Wording::default().description(Some(Some("Soft".into()))).unwrap();
        assert_eq!(change(at, ana.id, id, worded(described)).await, None);
        let now = seen(at, ana.id, id).await;
        assert_eq!(
            (now.title.as_deref(), now.description.as_deref()),
            (Some("cat"), Some("Soft"))
        );
        let untitled = Wording::default().title(Some(None)).unwrap();
        assert_eq!(change(at, ana.id, id, worded(untitled)).await, None);
        let now = seen(at, ana.id, id).await;
        assert_eq!((now.title, now.description.as_deref()), (None, Some("Soft")));
        assert_eq!(now.board, Some(ana.public));
    }

    a_pin_moves_between_the_owners_boards(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let others = board(at, bo, "Bo's", Privacy::Public).await;
        let id = pin(at, ana.id, Some(ana.public), "cat").await;
        let moved = |board| PinChange { board: Some(board), wording: Wording::default() };
        assert_eq!(change(at, ana.id, id, moved(others)).await, Some(Refusal::BoardNotYours));
        assert_eq!(change(at, ana.id, id, moved(ana.secret)).await, None);
        let count = async |board| at.store.board(full(ana.id), board).await.unwrap().value.pin_count;
        assert_eq!((count(ana.public).await, count(ana.secret).await), (0, 1));
        assert_eq!(refusal(at.store.pin(full(bo), id).await), Some(Refusal::PinNotFound));
    }

    a_sent_pin_shows_what_became_of_it(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let id = pin(at, ana.id, Some(ana.public), "cat").await;
        let (conversation, _) = at.sends_to(ana.id, id, bo).await;
        let state = async || {
            let page = at.store.messages(bo, conversation, Page::Newest, 1).await.unwrap().value;
            page[0].pin.clone().unwrap().state
        };
        assert_eq!(state().await, PinState::Live);
        let noted = Wording::default().note(Some(Some("for Bo".into()))).unwrap();
        change(at, ana.id, id, worded(noted)).await;
        let moved = PinChange { board: Some(ana.secret), wording: titled("cat") };
        change(at, ana.id, id, moved).await;
        assert_eq!(state().await, PinState::Live, "nothing that the message shows has changed");
        change(at, ana.id, id, worded(titled("Cat"))).await;
        assert_eq!(state().await, PinState::Edited);
        assert_eq!(at.number("select count(*) from pins where link_changed_at is not null"), 0);
        let linked = Wording::default().link(Some(Some("https://shop.example/".into()))).unwrap();
        change(at, ana.id, id, worded(linked)).await;
        assert_eq!(state().await, PinState::LinkChanged);
        assert_eq!(at.number("select count(*) from pins where link_changed_at is not null"), 1);
        at.store.delete_pin(full(ana.id), id).await.unwrap();
        assert_eq!(state().await, PinState::Removed);
    }

    a_removed_pin_keeps_its_row_and_is_gone_for_all(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let id = pin(at, ana.id, Some(ana.public), "cat").await;
        at.sends_to(ana.id, id, bo).await;
        at.store.delete_pin(full(ana.id), id).await.unwrap();
        for user in [ana.id, bo] {
            assert_eq!(refusal(at.store.pin(full(user), id).await), Some(Refusal::PinNotFound));
            assert_eq!(refusal(save(at, user, id, None).await), Some(Refusal::PinNotFound));
            let again = at.store.delete_pin(full(user), id).await;
            assert_eq!(refusal(again), Some(Refusal::PinNotFound));
        }
        assert_eq!(at.number("select count(*) from pins"), 1);
        assert_eq!(at.store.board(full(ana.id), ana.public).await.unwrap().value.pin_count, 0);
    }

    pins_are_listed_newest_first_by_pages(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let shown = board(at, ana.id, "Shop", Privacy::Protected).await;
        let mut ids = Vec::new();
        for board in [Some(ana.public), Some(ana.secret), Some(shown), None, Some(ana.public)] {
            ids.push(pin(at, ana.id, board, "x").await);
            at.wait_millis(1);
        }
        pin(at, bo, None, "x").await;
        let list = async |access, protected, before, size| {
            let filter = PinFilter { protected };
            let page = at.store.own_pins(access, filter, before, size).await.unwrap().value;
            (page.items.iter().map(|p| p.id).collect::<Vec<_>>(), page.next)
        };
        let access = full(ana.id);
        assert_eq!(list(access, true, None, 3).await, (vec![ids[4], ids[3], ids[2]], Some(ids[2])));
        assert_eq!(list(access, true, Some(ids[2]), 3).await, (vec![ids[1], ids[0]], None));
        assert_eq!(list(access, false, None, 9).await.0, [ids[4], ids[3], ids[1], ids[0]]);
        let public_only = Access { secret: false, ..access };
        assert_eq!(list(public_only, false, None, 9).await.0, [ids[4], ids[3], ids[0]]);
        at.store.delete_pin(access, ids[4]).await.unwrap();
        assert_eq!(list(access, true, None, 1).await, (vec![ids[3]], Some(ids[3])));
    }

    a_boards_pins_are_listed_for_all_who_see_it(at) {
        let ana = ana(at).await;
        let bo = at.person("bo");
        let mut ids = Vec::new();
        for board in [ana.public, ana.secret, ana.public] {
            ids.push(pin(at, ana.id, Some(board), "x").await);
            at.wait_millis(1);
        }
        let list = async |user, board, before| {
            let page = at.store.board_pins(full(user), board, before, 1).await.unwrap().value;
            (page.items.iter().map(|p| p.id).collect::<Vec<_>>(), page.next)
        };
        assert_eq!(list(bo, ana.public, None).await, (vec![ids[2]], Some(ids[2])));
        assert_eq!(list(bo, ana.public, Some(ids[2])).await, (vec![ids[0]], None));
        assert_eq!(list(ana.id, ana.secret, None).await, (vec![ids[1]], None));
    }

    a_repeat_with_the_same_key_makes_no_second_pin(at) {
        let ana = ana(at).await;
        let make = async |body| {
            let draft = PinDraft::new(None, "https://img.example/x.jpg", Wording::default());
            let key = key("k", "POST /v5/pins", body);
            at.store.create_pin(full(ana.id), draft.unwrap(), Some(key)).await
        };
        let first = make("1").await.unwrap();
        let second = make("1").await.unwrap();
        assert_eq!((first.replayed, second.replayed), (false, true));
        assert_eq!(first.outcome, second.outcome);
        assert_eq!(refusal(make("2").await), Some(Refusal::IdempotencyKeyReused));
        at.wait_millis(pinwire_domain::limits::IDEMPOTENCY_KEPT_MS);
        assert!(!make("2").await.unwrap().replayed, "kept for a day");
        assert_eq!(at.number("select count(*) from pins"), 2);
    }
}
