//! Boards: their names, who sees them, their counts and pictures, their removal.

use pinwire_domain::board::{Access, BoardChange, BoardDraft, Privacy};
use pinwire_domain::{BoardId, Refusal, UserId};
use pinwire_storage::boards::Board;

use crate::acts::key;
use crate::pins::{pin, refusal};
use crate::stores::{START, TestStore};

/// All that a token of this person's own devices reaches.
pub(crate) fn full(user: UserId) -> Access {
    Access { user, secret: true }
}

fn public_only(user: UserId) -> Access {
    Access {
        user,
        secret: false,
    }
}

fn draft(name: &str, privacy: Privacy) -> BoardDraft {
    BoardDraft::new(name, None, privacy).unwrap()
}

/// A new board.
pub(crate) async fn board(at: &TestStore, owner: UserId, name: &str, privacy: Privacy) -> BoardId {
    let made = at
        .store
        .create_board(owner, draft(name, privacy), None)
        .await;
    made.unwrap().outcome
}

async fn seen(at: &TestStore, access: Access, id: BoardId) -> Board {
    at.store.board(access, id).await.unwrap().value
}

async fn change(at: &TestStore, access: Access, id: BoardId, to: BoardChange) -> Option<Refusal> {
    refusal(at.store.change_board(access, id, to).await)
}

fn renamed(name: &str) -> BoardChange {
    BoardChange::new(Some(name), None, None).unwrap()
}

fn made_secret() -> BoardChange {
    BoardChange::new(None, None, Some(Privacy::Secret)).unwrap()
}

both! {
    a_new_board_is_read_as_it_was_made(at) {
        let ana = at.person("ana");
        let draft = BoardDraft::new(" Cats ", Some("All of them"), Privacy::Protected).unwrap();
        let id = at.store.create_board(ana, draft, None).await.unwrap().outcome;
        assert_eq!(
            seen(at, full(ana), id).await,
            Board {
                id,
                owner_username: "ana".into(),
                name: "Cats".into(),
                description: Some("All of them".into()),
                privacy: Privacy::Protected,
                pin_count: 0,
                pictures: Vec::new(),
                created_at: START,
                pins_modified_at: None,
            }
        );
    }

    a_person_has_one_board_of_a_name(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let cafes = board(at, ana, "Cafés", Privacy::Public).await;
        let again = at.store.create_board(ana, draft("CAFES", Privacy::Secret), None).await;
        assert_eq!(refusal(again), Some(Refusal::BoardNameTaken));
        board(at, bo, "cafes", Privacy::Public).await;
        let dogs = board(at, ana, "Dogs", Privacy::Public).await;
        assert_eq!(change(at, full(ana), dogs, renamed("cafes")).await, Some(Refusal::BoardNameTaken));
        assert_eq!(change(at, full(ana), cafes, renamed("CAFÉS")).await, None, "its own name");
        at.store.delete_board(full(ana), cafes).await.unwrap();
        assert_eq!(change(at, full(ana), dogs, renamed("cafes")).await, None, "free again");
    }

    a_secret_board_is_as_if_it_were_not(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = board(at, ana, "Gifts", Privacy::Secret).await;
        assert_eq!(seen(at, full(ana), id).await.name, "Gifts");
        for access in [public_only(ana), full(bo)] {
            assert_eq!(refusal(at.store.board(access, id).await), Some(Refusal::BoardNotFound));
            assert_eq!(change(at, access, id, renamed("x")).await, Some(Refusal::BoardNotFound));
            let removed = at.store.delete_board(access, id).await;
            assert_eq!(refusal(removed), Some(Refusal::BoardNotFound));
            let pins = at.store.board_pins(access, id, None, 25).await;
            assert_eq!(refusal(pins), Some(Refusal::BoardNotFound));
        }
    }

    only_the_owner_changes_a_board(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = board(at, ana, "Cats", Privacy::Public).await;
        assert_eq!(change(at, full(bo), id, renamed("Mine")).await, Some(Refusal::BoardNotYours));
        let removed = at.store.delete_board(full(bo), id).await;
        assert_eq!(refusal(removed), Some(Refusal::BoardNotYours));
        assert_eq!(seen(at, full(bo), id).await.name, "Cats");
    }

    a_change_leaves_the_rest(at) {
        let ana = at.person("ana");
        let described = BoardDraft::new("Cats", Some("Soft"), Privacy::Public).unwrap();
        let id = at.store.create_board(ana, described, None).await.unwrap().outcome;
        assert_eq!(change(at, full(ana), id, renamed("Dogs")).await, None);
        let now = seen(at, full(ana), id).await;
        assert_eq!((now.name.as_str(), now.description.as_deref()), ("Dogs", Some("Soft")));
        let cleared = BoardChange::new(None, Some(None), None).unwrap();
        assert_eq!(change(at, full(ana), id, cleared).await, None);
        assert_eq!(change(at, full(ana), id, made_secret()).await, None);
        let now = seen(at, full(ana), id).await;
        assert_eq!(
            (now.name.as_str(), now.description, now.privacy),
            ("Dogs", None, Privacy::Secret)
        );
    }

    boards_are_listed_newest_first_by_pages(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let mut ids = Vec::new();
        for (name, privacy) in [
            ("1", Privacy::Public),
            ("2", Privacy::Secret),
            ("3", Privacy::Protected),
            ("4", Privacy::Public),
        ] {
            ids.push(board(at, ana, name, privacy).await);
            at.wait_millis(1);
        }
        board(at, bo, "5", Privacy::Public).await;
        let list = async |access, kinds: &[Privacy], before, size| {
            let page = at.store.own_boards(access, kinds, before, size).await.unwrap().value;
            (page.items.iter().map(|b| b.id).collect::<Vec<_>>(), page.next)
        };
        let all = &Privacy::ALL[..];
        assert_eq!(list(full(ana), all, None, 2).await, (vec![ids[3], ids[2]], Some(ids[2])));
        assert_eq!(list(full(ana), all, Some(ids[2]), 2).await, (vec![ids[1], ids[0]], None));
        assert_eq!(list(full(ana), &[Privacy::Secret], None, 2).await.0, [ids[1]]);
        assert_eq!(list(public_only(ana), all, None, 9).await.0, [ids[3], ids[2], ids[0]]);
        at.store.delete_board(full(ana), ids[3]).await.unwrap();
        assert_eq!(list(full(ana), all, None, 9).await.0, [ids[2], ids[1], ids[0]]);
    }

    a_board_counts_its_pins_and_shows_the_newest(at) {
        let ana = at.person("ana");
        let id = board(at, ana, "Cats", Privacy::Public).await;
        board(at, ana, "Empty", Privacy::Public).await;
        let mut pins = Vec::new();
        for n in 0..6 {
            at.wait_millis(1);
            pins.push(pin(at, ana, Some(id), &format!("{n}")).await);
        }
        let picture = |n: i64| format!("https://img.example/{n}.jpg");
        let now = seen(at, full(ana), id).await;
        assert_eq!(now.pin_count, 6);
        assert_eq!(now.pictures, [picture(5), picture(4), picture(3), picture(2)]);
        assert_eq!(now.pins_modified_at, Some(at.now()));
        at.store.delete_pin(full(ana), pins[5]).await.unwrap();
        let listed = at.store.own_boards(full(ana), &Privacy::ALL, None, 25).await.unwrap().value;
        let shown: Vec<_> = listed.items.iter().map(|b| (b.pin_count, b.pictures.len())).collect();
        assert_eq!(shown, [(0, 0), (5, 4)]);
        assert_eq!(listed.items[1].pictures[0], picture(4));
    }

    with_a_board_its_pins_go(at) {
        let ana = at.person("ana");
        let id = board(at, ana, "Cats", Privacy::Public).await;
        let other = board(at, ana, "Dogs", Privacy::Public).await;
        // More than one statement's worth.
        at.execute(&format!(
            "insert into pins (id, owner_id, board_id, image_url, created_at, version)
             with recursive n (n) as (select 1 union all select n + 1 from n where n < 2500)
             select n, {}, {}, 'https://img.example/x.jpg', 1, 1 from n",
            ana.get(),
            id.get()
        ));
        let kept = pin(at, ana, Some(other), "kept").await;
        at.store.delete_board(full(ana), id).await.unwrap();
        assert_eq!(refusal(at.store.board(full(ana), id).await), Some(Refusal::BoardNotFound));
        assert_eq!(at.number("select count(*) from pins where removed_at is null"), 1);
        assert_eq!(at.number("select count(*) from pins where version = 2"), 2_500);
        assert!(at.store.pin(full(ana), kept).await.is_ok());
        let again = at.store.delete_board(full(ana), id).await;
        assert_eq!(refusal(again), Some(Refusal::BoardNotFound));
    }

    a_repeat_with_the_same_key_makes_no_second_board(at) {
        let ana = at.person("ana");
        let key = key("k", "POST /v5/boards", "{}");
        let make = async || {
            at.store.create_board(ana, draft("Cats", Privacy::Public), Some(key.clone())).await
        };
        let first = make().await.unwrap();
        let second = make().await.unwrap();
        assert_eq!((first.replayed, second.replayed), (false, true));
        assert_eq!(first.outcome, second.outcome);
        assert_eq!(at.number("select count(*) from boards"), 1);
    }
}
