//! Lists stay true while they are paged through and others write.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all};
use pinwire_tests::{Person, Value, World, on_both_profiles};

on_both_profiles!(
    messages_are_paged_without_skip_or_repeat_while_32_write,
    what_does_not_move_is_listed_exactly_once,
);

/// Who write at the same time.
const WRITERS: usize = 32;
/// Messages of each.
const MESSAGES: usize = 12;

async fn messages_are_paged_without_skip_or_repeat_while_32_write(world: &World) {
    let people = world.people(["ana", "bob", "cleo", "dan"]).await;
    let others: Vec<&Person> = people[1..].iter().collect();
    let group = people[0].begins_group(&others, Some("Hall")).await;
    people[0].replies(&group, "first").await;
    let node = world.other_node();
    let writers = (0..WRITERS).map(|writer| {
        let person = people[writer % people.len()].on(if writer % 2 == 0 {
            node
        } else {
            &world.nodes[0]
        });
        let group = &group;
        async move {
            for message in 0..MESSAGES {
                let text = format!("{writer} says {message}");
                person.replies(group, &text).await;
            }
        }
    });
    let reader = people[1].on(node);
    let all = i64::try_from(WRITERS * MESSAGES).unwrap() + 1;
    let reads = async {
        let mut walks = 0;
        loop {
            let newest = pages_back(&reader, &group).await;
            walks += 1;
            if newest == all {
                return walks;
            }
        }
    };
    let follows = pages_forward(&reader, &group, all);
    let (_, (walks, ())) = join(join_all(writers), join(reads, follows)).await;
    assert!(walks > 2, "nobody wrote while it was read: {walks} walks");
}

/// Pages from the newest message to the first, each position once; the newest.
async fn pages_back(reader: &Person, group: &str) -> i64 {
    let path = format!("/v5/conversations/{group}/messages?page_size=7");
    let mut next = path.clone();
    let mut positions: Vec<i64> = Vec::new();
    loop {
        let page = reader.api.get(&next).await.is(200);
        positions.extend(positions_of(&page));
        match page["bookmark"].as_str() {
            Some(bookmark) => next = format!("{path}&bookmark={bookmark}"),
            None => break,
        }
    }
    let newest = positions[0];
    let expected: Vec<i64> = (1..=newest).rev().collect();
    assert_eq!(positions, expected);
    newest
}

/// Pages from the first message on, as new ones come, up to the last; each position once.
async fn pages_forward(reader: &Person, group: &str, last: i64) {
    let mut reached = 0;
    while reached < last {
        let path = format!("/v5/conversations/{group}/messages?page_size=7&after={reached}");
        for position in positions_of(&reader.api.get(&path).await.is(200)) {
            assert_eq!(position, reached + 1);
            reached = position;
        }
    }
}

fn positions_of(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|it| it["position"].as_i64().unwrap()).collect()
}

/// Conversations in the list.
const CONVERSATIONS: usize = 30;
/// Every so many of them moves.
const MOVES_EVERY: usize = 3;

async fn what_does_not_move_is_listed_exactly_once(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut ids = Vec::new();
    for number in 0..CONVERSATIONS {
        let title = format!("Hall {number}");
        ids.push(bob.begins_group(&[&ana], Some(&title)).await);
    }
    let moving: BTreeSet<&String> = ids.iter().step_by(MOVES_EVERY).collect();
    let path = "/v5/conversations?page_size=2";
    let first = ana.api.get(path).await;
    let cursor = first.cursor();
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    let mut page = first.is(200);
    // Between any two pages, conversations move that are listed already, and such as are not yet.
    let mut mover = ids.iter().step_by(MOVES_EVERY).cycle();
    loop {
        for item in page["items"].as_array().unwrap() {
            let id = item["conversation"]["id"].as_str().unwrap();
            *listed.entry(id.to_owned()).or_default() += 1;
        }
        let Some(bookmark) = page["bookmark"].as_str() else {
            break;
        };
        bob.replies(mover.next().unwrap(), "moves").await;
        let path = format!("{path}&bookmark={bookmark}");
        page = ana.on(world.other_node()).api.get(&path).await.is(200);
    }
    for id in ids.iter().filter(|id| !moving.contains(id)) {
        assert_eq!(listed.get(id), Some(&1), "{id} did not move");
    }
    let events = ana.polls(&cursor, 0).await.is(200);
    let moved: BTreeSet<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["data"]["conversation_id"].as_str())
        .collect();
    for id in &moving {
        let is_listed = listed.contains_key(*id);
        assert!(is_listed || moved.contains(id.as_str()), "{id} is lost");
    }
    let unlisted = moving.iter().filter(|id| !listed.contains_key(**id));
    assert!(unlisted.count() > 0, "none moved before it was listed");
}
