//! After any operations, unread counts, heads and lists of every person are what a plain model of their definitions
//! says.

mod plain;
mod steps;

use pinwire_domain::UserId;
use pinwire_domain::head::HeadState;
use pinwire_storage::Store;
use pinwire_storage::conversations::ConversationView;
use pinwire_storage::inbox::{Filter, UnreadTotals};
use pinwire_storage::messages::{Message, Page};
use rand::seq::IndexedRandom;

use crate::changes::emoji;
use crate::stores::{TestStore, on_postgres, on_sqlite};
use plain::Plain;
use steps::Walk;

/// Operations of all people together.
const STEPS: usize = 50_000;
/// The same by two nodes in turn.
const STEPS_OF_TWO: usize = 15_000;
/// After how many of them everything is compared.
const COMPARED_EVERY: usize = 500;
/// Messages of each conversation that are compared, the newest.
const PAGE: i64 = 50;
/// Conversations whose messages are compared, each time and of each person.
const PAGES: usize = 3;
/// Gives the same operations again.
const SEED: &str = "PINWIRE_TEST_SEED";

#[test]
fn a_plain_model_agrees_on_sqlite() {
    on_sqlite(agrees);
}

#[test]
fn a_plain_model_agrees_on_postgres() {
    on_postgres(agrees);
}

#[test]
fn a_plain_model_agrees_on_two_nodes() {
    on_postgres(async |at| {
        let nodes = at.nodes();
        agree(at, &nodes, STEPS_OF_TWO).await;
    });
}

async fn agrees(at: &mut TestStore) {
    let node = at.store.clone();
    agree(at, &[node], STEPS).await;
}

/// Each operation is done by any of these nodes: what one has in memory must not hide what another one wrote.
async fn agree(at: &mut TestStore, nodes: &[Store], steps: usize) {
    let seed: u64 = match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ()),
    };
    println!("{SEED}={seed}");
    let mut walk = Walk::begin(at, seed).await;
    for step in 1..=steps {
        walk.at.store = nodes.choose(&mut walk.chance).unwrap().clone();
        walk.step().await;
        if step % COMPARED_EVERY == 0 {
            for user in walk.people.clone() {
                compare(&mut walk, user, step).await;
            }
        }
    }
}

async fn compare(walk: &mut Walk<'_>, user: UserId, step: usize) {
    let when = format!("{user} after {step} steps");
    let plain = &walk.plain;
    let lists = [
        (Filter::Inbox, plain.inbox(user)),
        (Filter::Unread, plain.unread_conversations(user)),
        (Filter::Archived, plain.archived(user)),
    ];
    for (filter, expected) in lists {
        let page = walk.at.store.conversations(user, filter, None, 250);
        let views = page.await.unwrap().value.items;
        let ids: Vec<_> = views.iter().map(|it| it.conversation.id).collect();
        assert_eq!(ids, expected, "{filter:?} of {when}");
        for view in &views {
            compare_view(plain, user, view, &when);
        }
    }
    let heads = walk.at.store.heads(user).await.unwrap().value;
    let heads: Vec<_> = heads
        .iter()
        .map(|it| {
            let head = it.mine.head(&it.conversation, walk.at.now());
            let is_open = head.unwrap().state == HeadState::Open;
            (it.conversation.id, is_open)
        })
        .collect();
    assert_eq!(heads, plain.heads(user), "heads of {when}");
    let UnreadTotals {
        conversations,
        messages,
        more,
        muted,
        requests,
    } = walk.at.store.unread(user).await.unwrap().value;
    let totals = (conversations, messages, more, muted, requests);
    assert_eq!(totals, plain.totals(user), "totals of {when}");
    compare_messages(walk, user, &when).await;
}

fn compare_view(plain: &Plain, user: UserId, view: &ConversationView, when: &str) {
    let id = view.conversation.id;
    let it = &plain.conversations[&id];
    let when = format!("{id} of {when}");
    let mine = &view.mine;
    assert_eq!(
        ((mine.unread.messages, mine.unread.more), mine.unread_flag),
        (it.unread(user), it.flag(user)),
        "{when}"
    );
    assert_eq!(
        (mine.archived, mine.muted_until.is_some()),
        (it.members[&user].archived, it.members[&user].muted),
        "{when}"
    );
    assert_eq!(view.conversation.last_position, it.last(), "{when}");
    let people: Vec<UserId> = it.members.keys().copied().collect();
    let mut members: Vec<UserId> = view
        .conversation
        .members
        .iter()
        .map(|m| m.person.id)
        .collect();
    members.sort_unstable();
    assert_eq!(members, people, "{when}");
    let last = view.last_message.as_deref().map(shown);
    let expected = match it.last() {
        0 => None,
        last => it.seen(user, last).map(|message| (last, message.clone())),
    };
    assert_eq!(last, expected, "{when}");
}

/// A message as the model has it.
fn shown(message: &Message) -> (i64, plain::Message) {
    let kinds = message.reactions.kinds().iter();
    let thumbs = kinds.filter(|kind| kind.emoji == emoji("👍").as_str());
    let reactions = thumbs.flat_map(|kind| kind.by.iter().map(|by| by.user));
    let shown = plain::Message {
        sender: message.sender.id,
        text: message.text.clone(),
        is_system: message.notice.is_some(),
        is_deleted: message.deleted_at.is_some(),
        reactions: reactions.collect(),
    };
    (message.position, shown)
}

/// Some conversations as their members page through them.
async fn compare_messages(walk: &mut Walk<'_>, user: UserId, when: &str) {
    let ids = walk.plain.of(user);
    let some: Vec<_> = ids.sample(&mut walk.chance, PAGES).copied().collect();
    for id in some {
        let page = walk.at.store.messages(user, id, Page::Newest, PAGE).await;
        let page: Vec<_> = page.unwrap().value.iter().map(shown).collect();
        let it = &walk.plain.conversations[&id];
        let seen = (1..=it.last()).rev().filter_map(|position| {
            let message = it.seen(user, position)?;
            Some((position, message.clone()))
        });
        let expected: Vec<_> = seen.take(usize::try_from(PAGE).unwrap()).collect();
        assert_eq!(page, expected, "messages of {id} of {when}");
    }
}
