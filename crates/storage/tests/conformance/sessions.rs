//! Sessions, passwords and tickets.

use pinwire_domain::event::EventKind;
use pinwire_domain::{Refusal, SessionId, UserId, limits, token};
use pinwire_storage::StoreError;
use pinwire_storage::passwords::{Credentials, PasswordChange};
use pinwire_storage::sessions::{Granted, SignIn};
use pinwire_storage::tickets::Admission;

use crate::stores::{START, TestStore};

/// Somebody with the password hash `hash`.
pub(crate) fn somebody(at: &TestStore, username: &str) -> UserId {
    let user = at.person(username);
    at.execute("update users set password_hash = 'hash' where password_hash is null");
    user
}

fn attempt(user: UserId) -> SignIn {
    SignIn {
        user,
        verified_hash: "hash".into(),
        scopes: "pins:read boards:read".into(),
        user_agent: Some("Firefox".into()),
    }
}

pub(crate) async fn signed_in(at: &TestStore, user: UserId) -> Granted {
    at.store.sign_in(attempt(user)).await.unwrap()
}

async fn live(at: &TestStore, session: SessionId) -> bool {
    at.store.session_owner(session).await.unwrap().is_some()
}

fn admission(granted: &Granted) -> Admission {
    Admission {
        user: granted.user,
        session: granted.session,
        scopes: "pins:read".into(),
        token_expires_at: START.plus_millis(60_000),
    }
}

fn change(verified: &str, kept: Option<SessionId>) -> PasswordChange {
    PasswordChange {
        verified_hash: verified.into(),
        new_hash: "new hash".into(),
        kept,
    }
}

both! {
    a_session_lives_from_sign_in_to_sign_out(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        assert_eq!(granted.refresh_token.len(), 32);
        assert_eq!(granted.refresh_expires_at, START.plus_millis(token::REFRESH_TOKEN_MS));
        assert_eq!(at.store.session_owner(granted.session).await.unwrap(), Some(ana));
        assert!(!live(at, SessionId::new(7)).await);

        let shown = at.store.session(ana, granted.session).await.unwrap().value;
        assert_eq!(shown.scopes, "pins:read boards:read");
        assert_eq!(shown.user_agent.as_deref(), Some("Firefox"));
        assert_eq!((shown.created_at, shown.last_used_at), (START, START));

        at.store.sign_out(ana, granted.session).await.unwrap();
        assert!(!live(at, granted.session).await);
        let event = at.committed.recv().await.unwrap().events[0].0.clone();
        assert_eq!((event.kind, event.user), (EventKind::SessionRevoked, Some(ana)));
        let again = at.store.sign_out(ana, granted.session).await.unwrap_err();
        assert!(matches!(again, StoreError::Refused(Refusal::SessionNotFound)), "{again}");
        assert_eq!(at.store.head().await.unwrap(), 1);
    }

    a_session_ends_by_itself_and_with_its_account(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        at.wait_millis(token::REFRESH_TOKEN_MS - 1);
        assert!(live(at, granted.session).await);
        at.wait_millis(1);
        assert!(!live(at, granted.session).await);
        let other = signed_in(at, ana).await;
        at.execute("update users set closed_at = 1");
        assert!(!live(at, other.session).await);
        let refused = at.store.sign_in(attempt(ana)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::WrongCredentials)), "{refused}");
    }

    sessions_are_listed_and_signed_out_for_their_owner_alone(at) {
        let ana = somebody(at, "ana");
        let bo = somebody(at, "bo");
        let mut mine = Vec::new();
        for _ in 0..3 {
            at.wait_millis(1);
            mine.push(signed_in(at, ana).await.session);
        }
        let theirs = signed_in(at, bo).await.session;
        mine.reverse();
        let first = at.store.sessions(ana, None, 2).await.unwrap().value;
        let second = at.store.sessions(ana, first.next, 2).await.unwrap().value;
        let listed: Vec<_> = first.items.iter().chain(&second.items).map(|s| s.id).collect();
        assert_eq!(listed, mine);
        assert_eq!(second.next, None);

        for error in [
            at.store.sign_out(ana, theirs).await.unwrap_err(),
            at.store.session(ana, theirs).await.map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Refused(Refusal::SessionNotFound)), "{error}");
        }
        assert_eq!(at.store.sign_out_everywhere(ana).await.unwrap(), 3);
        assert_eq!(at.store.sign_out_everywhere(ana).await.unwrap(), 0);
        assert_eq!(at.store.head().await.unwrap(), 1, "one event for all");
        assert_eq!(at.store.sessions(ana, None, 5).await.unwrap().value.items, []);
        assert!(live(at, theirs).await);
    }

    beyond_the_bound_the_session_unused_for_longest_goes(at) {
        let ana = somebody(at, "ana");
        let first = signed_in(at, ana).await;
        at.wait_millis(1);
        let second = signed_in(at, ana).await;
        for _ in 2..limits::SESSIONS_MAX {
            at.wait_millis(1);
            signed_in(at, ana).await;
        }
        at.wait_millis(1);
        at.store.refresh(first.refresh_token).await.unwrap();
        assert!(live(at, second.session).await);
        assert_eq!(at.store.head().await.unwrap(), 0);
        signed_in(at, ana).await;
        assert!(live(at, first.session).await);
        assert!(!live(at, second.session).await);
        let listed = at.store.sessions(ana, None, 250).await.unwrap().value.items;
        assert_eq!(listed.len(), limits::SESSIONS_MAX);
        assert_eq!(at.store.head().await.unwrap(), 1);
    }

    credentials_are_found_by_username_and_address(at) {
        let ana = somebody(at, "ana");
        let outsider = at.person("outsider");
        let expected = Some(Credentials { user: ana, hash: "hash".into(), is_suspended: false });
        for login in ["ana", "ANA", "ana@pinwire.example", " Ana@Pinwire.Example"] {
            assert_eq!(at.store.credentials(login).await.unwrap(), expected, "{login}");
        }
        for login in ["", "nobody", "nobody@pinwire.example", "outsider", "ana@"] {
            assert_eq!(at.store.credentials(login).await.unwrap(), None, "{login}");
        }
        assert_eq!(at.store.password_hash(outsider).await.unwrap(), None);
        assert_eq!(at.store.password_hash(ana).await.unwrap().as_deref(), Some("hash"));
        at.execute("update users set closed_at = 1");
        assert_eq!(at.store.credentials("ana").await.unwrap(), None);
    }

    a_new_password_signs_out_the_other_sessions(at) {
        let ana = somebody(at, "ana");
        let here = signed_in(at, ana).await;
        let there = signed_in(at, ana).await;
        let wrong = at.store.change_password(ana, change("other", None)).await.unwrap_err();
        assert!(matches!(wrong, StoreError::Refused(Refusal::WrongPassword)), "{wrong}");
        assert!(live(at, there.session).await);

        at.store.change_password(ana, change("hash", Some(here.session))).await.unwrap();
        assert!(live(at, here.session).await);
        assert!(!live(at, there.session).await);
        assert_eq!(at.store.password_hash(ana).await.unwrap().as_deref(), Some("new hash"));
        let event = at.committed.recv().await.unwrap().events[0].0.clone();
        assert_eq!((event.kind, event.user), (EventKind::SessionRevoked, Some(ana)));

        at.store.change_password(ana, change("new hash", None)).await.unwrap();
        assert!(!live(at, here.session).await);
    }

    a_password_changed_meanwhile_lets_nobody_in(at) {
        let ana = somebody(at, "ana");
        at.store.change_password(ana, change("hash", None)).await.unwrap();
        let refused = at.store.sign_in(attempt(ana)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::WrongCredentials)), "{refused}");
        assert_eq!(at.number("select count(*) from sessions"), 0);
    }

    a_rehash_replaces_only_the_hash_it_was_made_for(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        let verified = Credentials { user: ana, hash: "hash".into(), is_suspended: false };
        at.store.rehash_password(verified.clone(), "stronger".into()).await.unwrap();
        at.store.rehash_password(verified, "late".into()).await.unwrap();
        assert_eq!(at.store.password_hash(ana).await.unwrap().as_deref(), Some("stronger"));
        assert!(live(at, granted.session).await);
    }

    a_ticket_lets_in_once(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        let ticket = at.store.make_ticket(admission(&granted)).await.unwrap();
        assert_eq!(ticket.len(), 32);
        assert_eq!(at.store.redeem_ticket(b"forged").await.unwrap(), None);
        at.wait_millis(token::TICKET_MS - 1);
        assert_eq!(at.store.redeem_ticket(&ticket).await.unwrap(), Some(admission(&granted)));
        assert_eq!(at.store.redeem_ticket(&ticket).await.unwrap(), None);
    }

    a_ticket_is_of_no_use_when_late_or_signed_out(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        let late = at.store.make_ticket(admission(&granted)).await.unwrap();
        at.wait_millis(token::TICKET_MS);
        assert_eq!(at.store.redeem_ticket(&late).await.unwrap(), None);
        let signed_out = at.store.make_ticket(admission(&granted)).await.unwrap();
        at.store.sign_out(ana, granted.session).await.unwrap();
        assert_eq!(at.store.redeem_ticket(&signed_out).await.unwrap(), None);
    }

    of_a_hundred_who_race_for_a_ticket_one_gets_it(at) {
        let ana = somebody(at, "ana");
        let granted = signed_in(at, ana).await;
        let ticket = at.store.make_ticket(admission(&granted)).await.unwrap();
        let nodes = at.nodes();
        let tries: Vec<_> = (0..100)
            .map(|number| {
                let (store, ticket) = (nodes[number % nodes.len()].clone(), ticket.clone());
                tokio::spawn(async move { store.redeem_ticket(&ticket).await.unwrap() })
            })
            .collect();
        let mut let_in = 0;
        for attempt in tries {
            let_in += usize::from(attempt.await.unwrap().is_some());
        }
        assert_eq!(let_in, 1);
    }
}
