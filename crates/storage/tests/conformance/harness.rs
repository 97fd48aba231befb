//! What the other tests lean on.

use crate::stores::START;

both! {
    a_new_store_has_an_empty_log_and_the_clock_of_its_test(at) {
        assert_eq!(at.store.head().await.unwrap(), 0);
        assert_eq!(at.now(), START);
        at.wait_millis(1_500);
        assert_eq!(at.now(), START.plus_millis(1_500));
    }

    people_are_different_accounts(at) {
        let ana = at.person("ana");
        let bo = at.person("bo");
        assert_ne!(ana, bo);
        assert_eq!(at.number("select count(*) from users"), 2);
    }
}
