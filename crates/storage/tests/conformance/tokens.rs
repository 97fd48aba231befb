//! Refresh tokens and the keys that all nodes share.

use pinwire_domain::event::EventKind;
use pinwire_domain::{Refusal, token};
use pinwire_storage::StoreError;
use pinwire_storage::keys::KeyPurpose;
use pinwire_storage::sessions::Granted;

use crate::sessions::{signed_in, somebody};
use crate::stores::{START, TestStore};

async fn refresh(at: &TestStore, token: &[u8]) -> Granted {
    at.store.refresh(token.to_vec()).await.unwrap()
}

async fn is_refused(at: &TestStore, token: &[u8]) -> bool {
    let outcome = at.store.refresh(token.to_vec()).await;
    matches!(outcome, Err(StoreError::Refused(Refusal::InvalidGrant)))
}

async fn live(at: &TestStore, granted: &Granted) -> bool {
    at.store
        .session_owner(granted.session)
        .await
        .unwrap()
        .is_some()
}

both! {
    a_refresh_token_is_followed_by_another(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        at.wait_millis(60_000);
        let second = refresh(at, &first.refresh_token).await;
        assert_ne!(second.refresh_token, first.refresh_token);
        assert_eq!(second.refresh_token.len(), 32);
        assert_eq!((second.user, second.session), (ana, first.session));
        assert_eq!(second.scopes, first.scopes);
        assert_eq!(second.refresh_expires_at, START.plus_millis(60_000 + token::REFRESH_TOKEN_MS));
        let shown = at.store.session(ana, first.session).await.unwrap().value;
        assert_eq!(shown.last_used_at, START.plus_millis(60_000));
        assert_eq!(shown.expires_at, second.refresh_expires_at);
        let third = refresh(at, &second.refresh_token).await;
        assert_ne!(third.refresh_token, second.refresh_token);
        assert!(is_refused(at, b"forged").await);
    }

    a_retry_whose_answer_was_lost_gets_the_same_successor(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        let second = refresh(at, &first.refresh_token).await;
        at.wait_millis(token::REFRESH_RETRY_MS);
        assert_eq!(refresh(at, &first.refresh_token).await, second);
        assert!(live(at, &first).await);
        assert_eq!(at.number("select count(*) from refresh_tokens"), 2);
    }

    a_token_used_again_later_signs_the_session_out(at) {
        let ana = somebody(at, "ana");
        let other = signed_in(at, ana).await;
        let first = signed_in(at, ana).await;
        let second = refresh(at, &first.refresh_token).await;
        at.wait_millis(token::REFRESH_RETRY_MS + 1);
        assert!(is_refused(at, &first.refresh_token).await);
        assert!(!live(at, &first).await);
        assert!(is_refused(at, &second.refresh_token).await);
        let event = at.committed.recv().await.unwrap().events[0].0.clone();
        assert_eq!((event.kind, event.user), (EventKind::SessionRevoked, Some(ana)));
        assert!(live(at, &other).await, "another device's session is another family");
    }

    a_token_used_again_after_its_successor_signs_the_session_out(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        let second = refresh(at, &first.refresh_token).await;
        let third = refresh(at, &second.refresh_token).await;
        // Within the time of a retry, but the answer was not lost.
        assert!(is_refused(at, &first.refresh_token).await);
        assert!(is_refused(at, &third.refresh_token).await);
        assert!(!live(at, &first).await);
    }

    a_token_ends_when_it_is_not_used(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        at.wait_millis(token::REFRESH_TOKEN_MS - 1);
        let second = refresh(at, &first.refresh_token).await;
        at.wait_millis(token::REFRESH_TOKEN_MS);
        assert!(is_refused(at, &second.refresh_token).await);
    }

    a_token_ends_with_its_session_and_account(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        at.store.sign_out(ana, first.session).await.unwrap();
        assert!(is_refused(at, &first.refresh_token).await);
        let second = signed_in(at, ana).await;
        at.execute("update users set closed_at = 1");
        assert!(is_refused(at, &second.refresh_token).await);
    }

    parallel_refreshes_on_all_nodes_get_the_same_successor(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        let nodes = at.nodes();
        let tries: Vec<_> = (0..20)
            .map(|number| {
                let (store, token) = (nodes[number % nodes.len()].clone(), first.refresh_token.clone());
                tokio::spawn(async move { store.refresh(token).await.unwrap() })
            })
            .collect();
        let expected = refresh(at, &first.refresh_token).await;
        for attempt in tries {
            assert_eq!(attempt.await.unwrap(), expected);
        }
        assert_eq!(at.number("select count(*) from refresh_tokens"), 2);
        assert!(live(at, &first).await);
    }

    a_revoked_token_ends_its_session(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        let second = refresh(at, &first.refresh_token).await;
        at.store.revoke_refresh_token(b"unknown".to_vec()).await.unwrap();
        assert!(live(at, &first).await);
        at.store.revoke_refresh_token(first.refresh_token.clone()).await.unwrap();
        assert!(!live(at, &first).await);
        assert!(is_refused(at, &second.refresh_token).await);
        at.store.revoke_refresh_token(second.refresh_token).await.unwrap();
        assert_eq!(at.store.head().await.unwrap(), 1);
    }

    no_token_is_stored(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        let second = refresh(at, &first.refresh_token).await;
        for token in [first.refresh_token, second.refresh_token] {
            let hex = token.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
            let column = at.bytes_as_hex("token_hash");
            let count = at.number(&format!(
                "select count(*) from refresh_tokens where {column} = '{hex}'"
            ));
            assert_eq!(count, 0);
        }
        assert_eq!(at.number("select count(*) from refresh_tokens"), 2);
    }

    all_nodes_make_a_key_once(at) {
        let nodes = at.nodes();
        let tries: Vec<_> = (0..20)
            .map(|number| {
                let store = nodes[number % nodes.len()].clone();
                tokio::spawn(async move { store.signing_keys(KeyPurpose::AccessToken).await.unwrap() })
            })
            .collect();
        let keys = at.store.signing_keys(KeyPurpose::AccessToken).await.unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].secret.len(), 32);
        for attempt in tries {
            assert_eq!(attempt.await.unwrap(), keys);
        }
        let others = at.store.signing_keys(KeyPurpose::Bookmark).await.unwrap();
        assert_ne!(others, keys);
    }

    the_newest_key_comes_first_and_a_retired_one_is_gone(at) {
        let made = at.store.signing_keys(KeyPurpose::Link).await.unwrap();
        at.execute(&format!(
            "insert into signing_keys (kid, purpose, secret, created_at)
             select 'newer', purpose, secret, created_at + 1 from signing_keys where kid = '{}'",
            made[0].kid
        ));
        let kids = |keys: Vec<pinwire_storage::keys::SigningKey>| -> Vec<String> {
            keys.into_iter().map(|key| key.kid).collect()
        };
        let both = at.store.signing_keys(KeyPurpose::Link).await.unwrap();
        assert_eq!(kids(both), ["newer".to_owned(), made[0].kid.clone()]);
        at.execute("update signing_keys set retired_at = 1 where kid <> 'newer'");
        assert_eq!(kids(at.store.signing_keys(KeyPurpose::Link).await.unwrap()), ["newer"]);
    }
}
