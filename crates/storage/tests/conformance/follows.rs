//! Following and being followed.

use pinwire_domain::{Refusal, UserId};
use pinwire_storage::StoreError;
use pinwire_storage::follows::FollowMark;
use pinwire_storage::page::Page;
use pinwire_storage::people::Person;

use crate::stores::TestStore;

/// All pages of a list, as usernames.
macro_rules! all {
    ($at:expr, $list:ident, $user:expr, $size:expr) => {{
        let mut names: Vec<String> = Vec::new();
        let mut after: Option<FollowMark> = None;
        loop {
            let page: Page<Person, _> = $at.store.$list($user, after, $size).await.unwrap().value;
            assert!(page.items.len() <= $size);
            names.extend(page.items.into_iter().map(|person| person.username));
            after = page.next;
            if after.is_none() {
                break names;
            }
        }
    }};
}

fn people(at: &TestStore, count: usize) -> Vec<UserId> {
    (0..count)
        .map(|n| at.person(&format!("person{n}")))
        .collect()
}

both! {
    both_sides_see_a_follow_the_newest_first(at) {
        let ana = at.person("ana");
        let others = people(at, 5);
        for (number, other) in others.iter().enumerate() {
            // Two of one moment, so that the moment alone does not tell the place.
            if number != 3 {
                at.wait_millis(1_000);
            }
            let name = format!("Person{number}");
            assert_eq!(at.store.follow(ana, &name).await.unwrap().id, *other);
        }
        let newest = ["person4", "person3", "person2", "person1", "person0"];
        for size in 1..=6 {
            assert_eq!(all!(at, following, ana, size), newest, "pages of {size}");
        }
        at.store.follow(others[1], "ana").await.unwrap();
        at.wait_millis(1);
        at.store.follow(others[0], "ana").await.unwrap();
        assert_eq!(all!(at, followers, ana, 1), ["person0", "person1"]);
        assert_eq!(all!(at, followers, others[2], 5), ["ana"]);
    }

    a_second_follow_changes_nothing(at) {
        let ana = at.person("ana");
        people(at, 2);
        at.store.follow(ana, "person0").await.unwrap();
        at.wait_millis(1);
        at.store.follow(ana, "person1").await.unwrap();
        at.wait_millis(1);
        at.store.follow(ana, "person0").await.unwrap();
        assert_eq!(all!(at, following, ana, 5), ["person1", "person0"]);
        at.store.unfollow(ana, "person0").await.unwrap();
        at.store.unfollow(ana, "person0").await.unwrap();
        assert_eq!(all!(at, following, ana, 5), ["person1"]);
    }

    nobody_follows_themselves_or_who_is_not_there(at) {
        let ana = at.person("ana");
        let bo = at.person("bo");
        let refused = at.store.follow(ana, "ana").await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::Yourself)), "{refused}");
        let refused = at.store.follow(ana, "nobody").await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::UserNotFound)), "{refused}");
        let refused = at.store.unfollow(ana, "nobody").await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::UserNotFound)), "{refused}");
        at.store.follow(ana, "bo").await.unwrap();
        at.execute("update users set closed_at = 1 where username = 'bo'");
        let refused = at.store.follow(ana, "bo").await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(Refusal::UserNotFound)), "{refused}");
        assert_eq!(all!(at, following, ana, 5), [""; 0], "a closed account is not shown");
        assert_eq!(all!(at, followers, bo, 5), ["ana"]);
    }

    a_page_goes_on_where_it_was_though_rows_come_and_go(at) {
        let ana = at.person("ana");
        people(at, 6);
        for number in 0..4 {
            at.wait_millis(1);
            at.store.follow(ana, &format!("person{number}")).await.unwrap();
        }
        let first = at.store.following(ana, None, 2).await.unwrap().value;
        at.wait_millis(1);
        at.store.follow(ana, "person4").await.unwrap();
        // The very item the bookmark stands at.
        at.store.unfollow(ana, "person2").await.unwrap();
        let rest = at.store.following(ana, first.next, 5).await.unwrap().value;
        let names: Vec<_> = rest.items.into_iter().map(|p| p.username).collect();
        assert_eq!(names, ["person1", "person0"]);
        assert_eq!(rest.next, None);
    }
}
