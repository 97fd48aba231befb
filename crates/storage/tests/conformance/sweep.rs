//! Removing what is over.

use pinwire_domain::user::{AccountDraft, ProfileChange};
use pinwire_domain::{limits, token};
use pinwire_storage::idempotency::IdempotencyKey;
use pinwire_storage::sweep::Swept;
use pinwire_storage::tickets::Admission;

use crate::sessions::{signed_in, somebody};

both! {
    a_sweep_of_a_new_store_finds_nothing(at) {
        assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
    }

    a_sweep_removes_what_is_over_and_leaves_the_rest(at) {
        let ana = somebody(at, "ana");
        let gone = signed_in(at, ana).await;
        at.store.refresh(gone.refresh_token).await.unwrap();
        at.store.sign_out(ana, gone.session).await.unwrap();
        let here = signed_in(at, ana).await;
        let admission = Admission {
            user: ana,
            session: here.session,
            scopes: String::new(),
            token_expires_at: at.now(),
        };
        at.store.make_ticket(admission).await.unwrap();

        let swept = at.store.sweep().await.unwrap();
        assert_eq!(swept, Swept { refresh_tokens: 2, sessions: 1, ..Swept::default() });
        assert!(!swept.more());
        assert_eq!(at.number("select count(*) from tickets"), 1);

        at.wait_millis(token::TICKET_MS);
        let swept = at.store.sweep().await.unwrap();
        assert_eq!(swept, Swept { tickets: 1, ..Swept::default() });
        let next = at.store.refresh(here.refresh_token).await.unwrap();

        // The used token has outlived its time; the session goes on with the newer one.
        at.wait_millis(token::REFRESH_TOKEN_MS - token::TICKET_MS);
        let swept = at.store.sweep().await.unwrap();
        assert_eq!((swept.refresh_tokens, swept.sessions), (1, 0));
        assert!(at.store.refresh(next.refresh_token).await.is_ok());
    }

    a_key_is_kept_for_a_day(at) {
        let draft = AccountDraft::parse("ana", "ana@pinwire.example", "Ana").unwrap();
        let key = IdempotencyKey { key: "k".into(), route: "r".into(), body_hash: vec![1] };
        at.store.create_account(draft, "hash".into(), Some(key)).await.unwrap();
        at.wait_millis(limits::IDEMPOTENCY_KEPT_MS - 1);
        assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
        at.wait_millis(1);
        let swept = at.store.sweep().await.unwrap();
        assert_eq!(swept, Swept { idempotency_keys: 1, ..Swept::default() });
        at.execute(
            "insert into idempotency_keys (user_id, key, route, body_hash, outcome, created_at)
             select id, 'for ever', 'r', '', '', 0 from users",
        );
        at.wait_millis(limits::IDEMPOTENCY_KEPT_MS * 1_000);
        assert_eq!(at.store.sweep().await.unwrap().idempotency_keys, 0);
    }

    the_log_is_trimmed_from_its_beginning(at) {
        let ana = somebody(at, "ana");
        let name = |name: &str| ProfileChange::default().full_name(Some(name)).unwrap();
        at.store.change_profile(ana, name("One")).await.unwrap();
        at.wait_millis(1);
        at.store.change_profile(ana, name("Two")).await.unwrap();
        at.wait_millis(limits::EVENT_LOG_KEPT_MS);
        let swept = at.store.sweep().await.unwrap();
        assert_eq!(swept, Swept { events: 1, ..Swept::default() });
        assert_eq!(at.number("select trimmed_seq from log_head"), 1);
        assert_eq!(at.number("select min(seq) from events"), 2);
        assert_eq!(at.store.head().await.unwrap(), 2);
    }

    one_sweep_removes_a_thousand_rows_at_most(at) {
        let ana = somebody(at, "ana").get();
        at.execute(&format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1001)
             insert into idempotency_keys (user_id, key, route, body_hash, outcome, created_at, expires_at)
             select {ana}, cast(i as text), 'r', '', '', 0, 1 from n"
        ));
        let swept = at.store.sweep().await.unwrap();
        assert_eq!((swept.idempotency_keys, swept.more()), (1_000, true));
        let swept = at.store.sweep().await.unwrap();
        assert_eq!((swept.idempotency_keys, swept.more()), (1, false));
    }
}
