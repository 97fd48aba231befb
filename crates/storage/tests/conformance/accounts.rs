//! Sign-up, profiles and finding people.

use pinwire_domain::board::Privacy;
use pinwire_domain::event::EventKind;
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::user::{AccountDraft, ProfileChange};
use pinwire_domain::{Refusal, UserId};
use pinwire_storage::idempotency::IdempotencyKey;
use pinwire_storage::users::Counts;
use pinwire_storage::{Store, StoreError};

use crate::boards::{board, full};
use crate::pins::pin;
use crate::stores::{START, TestStore};

fn draft(username: &str, full_name: &str) -> AccountDraft {
    let email = format!("{username}@pinwire.example");
    AccountDraft::parse(username, &email, full_name).unwrap()
}

async fn sign_up(store: &Store, username: &str, full_name: &str) -> UserId {
    let draft = draft(username, full_name);
    store
        .create_account(draft, "hash".into(), None)
        .await
        .unwrap()
        .outcome
}

fn key(name: &str, body: &[u8]) -> IdempotencyKey {
    IdempotencyKey {
        key: name.into(),
        route: "POST /v5/accounts".into(),
        body_hash: body.to_vec(),
    }
}

/// The usernames that a query finds, page by page.
async fn found(at: &TestStore, query: &str, size: usize) -> Vec<String> {
    let query = PeopleQuery::parse(query).unwrap();
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = at
            .store
            .search_users(query.clone(), after, size)
            .await
            .unwrap();
        assert!(page.items.len() <= size);
        names.extend(page.items.into_iter().map(|person| person.username));
        after = page.next;
        if after.is_none() {
            return names;
        }
    }
}

both! {
    a_new_account_is_read_back(at) {
        let id = sign_up(&at.store, "ana", "Ana María").await;
        let account = at.store.account(id).await.unwrap().value;
        let profile = account.profile;
        assert_eq!(account.email, "ana@pinwire.example");
        assert_eq!(profile.person.id, id);
        assert_eq!(profile.person.username, "ana");
        assert_eq!(profile.person.full_name, "Ana María");
        assert_eq!(profile.person.profile_image, None);
        assert_eq!(profile.person.version, 1);
        assert_eq!((profile.about, profile.website_url), (None, None));
        assert_eq!(profile.created_at, START);
        assert_eq!(profile.counts, Counts { boards: 0, pins: 0, followers: 0, following: 0 });
        assert_eq!(at.store.head().await.unwrap(), 0, "a sign-up concerns nobody else");
    }

    a_taken_username_or_address_is_refused_and_writes_nothing(at) {
        sign_up(&at.store, "ana", "Ana").await;
        let same_name = AccountDraft::parse("ANA", "other@pinwire.example", "Other").unwrap();
        let refused = at.store.create_account(same_name, "hash".into(), None).await;
        assert!(matches!(refused, Err(StoreError::Refused(Refusal::UsernameTaken))), "{refused:?}");
        let same_email = AccountDraft::parse("other", "ANA@pinwire.example", "Other").unwrap();
        let refused = at.store.create_account(same_email, "hash".into(), None).await;
        assert!(matches!(refused, Err(StoreError::Refused(Refusal::EmailTaken))), "{refused:?}");
        assert_eq!(at.number("select count(*) from users"), 1);
        assert_eq!(at.number("select count(*) from user_words"), 1);
    }

    of_many_who_want_a_name_at_once_one_gets_it(at) {
        let mut tries = Vec::new();
        for number in 0..16 {
            let store = at.store.clone();
            let email = format!("ana{number}@pinwire.example");
            let draft = AccountDraft::parse("ana", &email, "Ana").unwrap();
            tries.push(tokio::spawn(async move {
                store.create_account(draft, "hash".into(), None).await
            }));
        }
        let mut made = 0;
        for attempt in tries {
            match attempt.await.unwrap() {
                Ok(_) => made += 1,
                Err(StoreError::Refused(Refusal::UsernameTaken)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(made, 1);
    }

    a_repeated_sign_up_gives_the_same_account(at) {
        let first = draft("ana", "Ana");
        let sign_up = |draft: &AccountDraft, body: &[u8]| {
            at.store.create_account(draft.clone(), "hash".into(), Some(key("k", body)))
        };
        let made = sign_up(&first, b"1").await.unwrap();
        assert!(!made.replayed);
        let again = sign_up(&first, b"1").await.unwrap();
        assert_eq!((again.outcome, again.replayed), (made.outcome, true));
        let other = sign_up(&draft("ben", "Ben"), b"2").await;
        let reused = StoreError::Refused(Refusal::IdempotencyKeyReused);
        assert_eq!(other.unwrap_err().to_string(), reused.to_string());
        assert_eq!(at.number("select count(*) from users"), 1);
    }

    a_change_of_profile_is_an_event_and_a_new_version(at) {
        let id = sign_up(&at.store, "ana", "Ana").await;
        let change = ProfileChange::default()
            .full_name(Some("Ana Böhm"))
            .and_then(|c| c.about(Some(Some("I pin."))))
            .and_then(|c| c.profile_image(Some(Some("https://i.example/ana.jpg"))))
            .and_then(|c| c.website_url(Some(Some("https://ana.example/"))))
            .unwrap();
        at.store.change_profile(id, change.clone()).await.unwrap();
        let account = at.store.account(id).await.unwrap();
        let profile = account.value.profile;
        assert_eq!(profile.person.full_name, "Ana Böhm");
        assert_eq!(profile.person.profile_image.as_deref(), Some("https://i.example/ana.jpg"));
        assert_eq!(profile.about.as_deref(), Some("I pin."));
        assert_eq!(profile.website_url.as_deref(), Some("https://ana.example/"));
        assert_eq!(profile.person.version, 2);
        assert_eq!(account.cursor.seq, 1);
        let committed = at.committed.recv().await.unwrap();
        let kinds: Vec<_> = committed.events.iter().map(|(e, _)| (e.kind, e.actor)).collect();
        assert_eq!(kinds, [(EventKind::UserUpdated, id)]);

        at.store.change_profile(id, change).await.unwrap();
        at.store.change_profile(id, ProfileChange::default()).await.unwrap();
        let account = at.store.account(id).await.unwrap();
        assert_eq!((account.value.profile.person.version, account.cursor.seq), (2, 1));

        let away = ProfileChange::default().about(Some(None)).unwrap();
        at.store.change_profile(id, away).await.unwrap();
        let profile = at.store.account(id).await.unwrap().value.profile;
        assert_eq!(profile.about, None);
        assert_eq!(profile.website_url.as_deref(), Some("https://ana.example/"));
    }

    a_profile_counts_what_everyone_may_see(at) {
        let ana = sign_up(&at.store, "ana", "Ana").await;
        sign_up(&at.store, "ben", "Ben").await;
        at.store.follow(ana, "ben").await.unwrap();
        let mut boards = vec![None];
        for privacy in Privacy::ALL {
            boards.push(Some(board(at, ana, privacy.name(), privacy).await));
        }
        for board in boards {
            pin(at, ana, board, "kept").await;
        }
        let gone = board(at, ana, "gone", Privacy::Public).await;
        pin(at, ana, Some(gone), "gone").await;
        at.store.delete_board(full(ana), gone).await.unwrap();
        let own = at.store.account(ana).await.unwrap().value.profile.counts;
        assert_eq!(own, Counts { boards: 3, pins: 4, followers: 0, following: 1 });
        let public = at.store.profile("ANA").await.unwrap().counts;
        assert_eq!(public, Counts { boards: 1, pins: 2, followers: 0, following: 1 });
        let ben = at.store.profile("ben").await.unwrap().counts;
        assert_eq!((ben.followers, ben.following), (1, 0));
    }

    nobody_finds_a_closed_account(at) {
        let ana = sign_up(&at.store, "ana", "Ana").await;
        at.execute("update users set closed_at = 1");
        for error in [
            at.store.profile("ana").await.unwrap_err(),
            at.store.profile("nobody").await.unwrap_err(),
            at.store.account(ana).await.unwrap_err(),
            at.store.change_profile(ana, ProfileChange::default()).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Refused(Refusal::UserNotFound)), "{error}");
        }
        assert_eq!(found(at, "ana", 5).await, [""; 0]);
    }

    people_are_found_by_the_beginning_of_any_word(at) {
        for (username, full_name) in [
            ("zoe.ana", "Zoë Müller"),
            ("anabel", "Anabel Ana"),
            ("ana", "María Ana López"),
            ("bo_b", "Bo Ángström-Ana"),
        ] {
            sign_up(&at.store, username, full_name).await;
        }
        // Who is called so comes first, then whole words by age, then longer words.
        let all = ["ana", "zoe.ana", "anabel", "bo_b"];
        for size in 1..=5 {
            assert_eq!(found(at, "Ana", size).await, all, "pages of {size}");
        }
        assert_eq!(found(at, "an", 25).await, ["zoe.ana", "anabel", "ana", "bo_b"]);
        assert_eq!(found(at, "anab", 25).await, ["anabel"]);
        assert_eq!(found(at, "ang", 25).await, ["bo_b"]);
        assert_eq!(found(at, "MUL zoë", 25).await, ["zoe.ana"]);
        assert_eq!(found(at, "lop mar an", 25).await, ["ana"]);
        assert_eq!(found(at, "@bo_b", 25).await, ["bo_b"]);
        assert_eq!(found(at, "lopez zoe", 25).await, [""; 0]);
    }

    a_new_name_replaces_the_words_of_the_old_one(at) {
        let id = sign_up(&at.store, "ana", "Maria").await;
        let change = ProfileChange::default().full_name(Some("Lena")).unwrap();
        at.store.change_profile(id, change).await.unwrap();
        assert_eq!(found(at, "maria", 5).await, [""; 0]);
        assert_eq!(found(at, "lena", 5).await, ["ana"]);
        assert_eq!(found(at, "an", 5).await, ["ana"]);
    }
}
