//! Tries that are counted exactly, and nodes.

use pinwire_domain::quota::{Left, Quota};
use pinwire_storage::Store;

const QUOTA: Quota = Quota {
    most: 3,
    window_ms: 60_000,
};

/// How many tries are left; none if this one was too many.
async fn tries(store: &Store, key: &str) -> Option<u32> {
    let counted = store.count_attempt(key.to_owned(), QUOTA).await.unwrap();
    counted.ok().map(|left| left.tries)
}

both! {
    tries_at_the_bound_pass_and_one_past_it_does_not(at) {
        for left in [2, 1, 0] {
            assert_eq!(tries(&at.store, "ana").await, Some(left));
        }
        let refused = at.store.count_attempt("ana".into(), QUOTA).await.unwrap();
        let left = Left { tries: 0, next_in_ms: 20_000, all_in_ms: 60_000 };
        assert_eq!(refused, Err(left));
        assert_eq!(tries(&at.store, "bo").await, Some(2), "counted apart");
        at.wait_millis(19_999);
        assert_eq!(tries(&at.store, "ana").await, None, "a refused try costs nothing");
        at.wait_millis(1);
        assert_eq!(tries(&at.store, "ana").await, Some(0));
        at.wait_millis(60_000);
        assert_eq!(at.store.sweep().await.unwrap().counts, 2);
        assert_eq!(tries(&at.store, "ana").await, Some(2));
    }

    no_key_is_kept(at) {
        tries(&at.store, "account 4711").await;
        assert_eq!(at.number("select count(*) from attempts where cast(key_hash as text) like '%4711%'"), 0);
        assert_eq!(at.number("select length(key_hash) from attempts"), 32);
    }
}

#[test]
fn tries_on_several_nodes_count_together() {
    crate::stores::on_postgres(async |at| {
        let nodes = at.nodes();
        let tries = (0..40).map(|turn| {
            let store = nodes[turn % 2].clone();
            tokio::spawn(async move { tries(&store, "ana").await })
        });
        let mut passed = 0;
        for one in tries.collect::<Vec<_>>() {
            passed += usize::from(one.await.unwrap().is_some());
        }
        assert_eq!(passed, 3);
    });
}

#[test]
fn nodes_are_counted_while_they_run() {
    crate::stores::on_postgres(async |at| {
        let nodes = at.nodes();
        let (one, other) = (nodes[0].new_node(), nodes[1].new_node());
        assert_eq!(nodes[0].count_nodes(one).await.unwrap(), 1);
        assert_eq!(nodes[1].count_nodes(other).await.unwrap(), 2);
        assert_eq!(nodes[0].count_nodes(one).await.unwrap(), 2);
        nodes[0].forget_node(one).await.unwrap();
        assert_eq!(nodes[1].count_nodes(other).await.unwrap(), 1);
        at.wait_millis(5_001);
        // Killed, it could not say so.
        assert_eq!(nodes[0].count_nodes(one).await.unwrap(), 1);
    });
}
