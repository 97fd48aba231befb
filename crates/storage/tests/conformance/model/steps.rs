//! Random operations, done to the store and to the model alike. What a person may not do is refused by the store, and
//! changes nothing in either.

use pinwire_domain::conversation::SendMode;
use pinwire_domain::group::History;
use pinwire_domain::head::HeadState;
use pinwire_domain::membership::MembershipChange;
use pinwire_domain::message::MessageDraft;
use pinwire_domain::{ConversationId, Time, UserId};
use pinwire_storage::StoreError;
use pinwire_storage::groups::Added;
use pinwire_storage::send::{Recipient, SendRequest, What};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::plain::Plain;
use crate::acts::request;
use crate::boards::full;
use crate::changes::emoji;
use crate::stores::TestStore;

/// People who act.
const PEOPLE: usize = 8;
/// Groups there are at first.
const GROUPS: usize = 20;
/// Time between two operations, in milliseconds.
const PAUSE_MS: i64 = 50;

/// The store and the model on their common way.
pub(super) struct Walk<'a> {
    pub(super) at: &'a mut TestStore,
    pub(super) plain: Plain,
    pub(super) people: Vec<UserId>,
    pub(super) chance: StdRng,
    count: usize,
}

/// Whether an act was done; anything but a refusal fails.
fn done<T>(outcome: Result<T, StoreError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(StoreError::Refused(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(at: &'a mut TestStore, seed: u64) -> Self {
        let people: Vec<UserId> = (0..PEOPLE).map(|n| at.person(&format!("p{n}"))).collect();
        // The last two follow nobody, and are asked where others are added.
        for one in &people[..PEOPLE - 2] {
            for other in people.iter().filter(|other| *other != one) {
                at.follow(*one, *other);
            }
        }
        let mut walk = Self {
            at,
            plain: Plain::default(),
            people,
            chance: StdRng::seed_from_u64(seed),
            count: 0,
        };
        for _ in 0..GROUPS {
            walk.begins_group().await;
        }
        walk
    }

    fn position(&mut self, id: ConversationId) -> i64 {
        let last = self.plain.at(id).last();
        // Mostly one of the last.
        let first = if self.chance.random_ratio(3, 4) {
            last - 5
        } else {
            1
        };
        self.chance
            .random_range(first.clamp(1, last.max(1))..=last.max(1))
    }

    pub(super) async fn step(&mut self) {
        self.at.wait_millis(PAUSE_MS);
        self.count += 1;
        let user = *self.people.choose(&mut self.chance).unwrap();
        let ids = self.plain.of(user);
        let Some(id) = ids.choose(&mut self.chance).copied() else {
            return self.sends(user).await;
        };
        match self.chance.random_range(0..100) {
            0..30 => self.writes(user, id).await,
            30..38 => self.sends(user).await,
            38..50 => self.reads(user, id).await,
            50..56 => self.marks_unread(user, id).await,
            56..70 => self.changes_message(user, id).await,
            70..80 => self.changes_group(user, id).await,
            80..90 => self.arranges(user, id).await,
            90..99 => self.draws_head(user, id).await,
            _ => self.begins_group().await,
        }
    }

    async fn begins_group(&mut self) {
        let count = self.chance.random_range(3..=PEOPLE);
        let people: Vec<UserId> = self
            .people
            .sample(&mut self.chance, count)
            .copied()
            .collect();
        // Not more and more of them, so that each moves now and then.
        if self
            .plain
            .conversations
            .values()
            .filter(|it| it.is_group)
            .count()
            >= 2 * GROUPS
        {
            return;
        }
        let title = Some(format!("Group {}", self.count));
        let others = people[1..].to_vec();
        let begun = self
            .at
            .store
            .begin_conversation(people[0], others, title, None);
        let id = ConversationId::new(begun.await.unwrap().outcome.0);
        self.plain.begin(id, &people, true);
    }

    async fn writes(&mut self, user: UserId, id: ConversationId) {
        let text = format!("text {}", self.count);
        let position = self.at.writes(user, id, &text).await;
        self.plain.say(id, user, &text);
        assert_eq!(position, self.plain.at(id).last());
    }

    /// Writes to one other person, whether they have a conversation or not.
    async fn sends(&mut self, user: UserId) {
        let other = *self.people.choose(&mut self.chance).unwrap();
        if other == user {
            return;
        }
        let text = format!("text {}", self.count);
        let draft = MessageDraft::new(Some(&text), None).unwrap();
        let sending = SendRequest {
            what: What::Draft(draft),
            recipients: vec![Recipient::User(other)],
            ..request(pinwire_domain::PinId::new(1), &[], SendMode::Separate)
        };
        let sent = self.at.store.send(full(user), sending).await.unwrap();
        let (id, _) = sent.outcome.to[0].message.unwrap();
        let id = ConversationId::new(id);
        if !self.plain.conversations.contains_key(&id) {
            self.plain.begin(id, &[user, other], false);
        }
        self.plain.say(id, user, &text);
    }

    async fn reads(&mut self, user: UserId, id: ConversationId) {
        let last = self.plain.at(id).last();
        let position = if self.chance.random_bool(0.5) {
            last
        } else {
            self.chance.random_range(0..=last + 1)
        };
        if done(self.at.store.read_to(user, id, position).await) {
            self.plain.read(id, user, position);
        } else {
            assert_eq!(position, last + 1);
        }
    }

    async fn marks_unread(&mut self, user: UserId, id: ConversationId) {
        let flag = self.chance.random_bool(0.8);
        self.at.store.flag_unread(user, id, flag).await.unwrap();
        self.plain.mark_unread(id, user, flag);
    }

    async fn changes_message(&mut self, user: UserId, id: ConversationId) {
        if self.plain.at(id).last() == 0 {
            return;
        }
        let position = self.position(id);
        let place = (id, position);
        let store = self.at.store.clone();
        let sees = self.plain.at(id).seen(user, position).is_some();
        let index = usize::try_from(position).unwrap() - 1;
        let is_done = match self.chance.random_range(0..5) {
            0 => {
                let is_done = done(store.delete_for_everyone(user, id, position).await);
                let message = &mut self.plain.at(id).messages[index];
                if is_done {
                    message.text = None;
                    message.is_deleted = true;
                    message.reactions.clear();
                }
                assert_eq!(
                    is_done,
                    sees && message.sender == user && !message.is_system
                );
                return;
            }
            1 => {
                let is_done = done(store.delete_for_me(user, id, position).await);
                if is_done {
                    self.plain.delete_for_me(id, user, position);
                }
                return;
            }
            2 => {
                let text = format!("other {}", self.count);
                let is_done = done(store.edit_message(user, place, Some(text.clone())).await);
                if is_done {
                    self.plain.at(id).messages[index].text = Some(text);
                }
                is_done
            }
            3 => {
                let is_done = done(store.react(user, place, emoji("👍"), true).await);
                if is_done {
                    self.plain.at(id).messages[index].reactions.insert(user);
                }
                is_done
            }
            _ => {
                let is_done = done(store.react(user, place, emoji("👍"), false).await);
                if is_done {
                    self.plain.at(id).messages[index].reactions.remove(&user);
                }
                is_done
            }
        };
        assert!(
            sees || !is_done,
            "{user} changed {place:?}, which they do not see"
        );
    }

    async fn changes_group(&mut self, user: UserId, id: ConversationId) {
        let other = *self.people.choose(&mut self.chance).unwrap();
        let store = self.at.store.clone();
        match self.chance.random_range(0..10) {
            0..6 => {
                let sees_all = self.chance.random_bool(0.3);
                let history = if sees_all {
                    History::All
                } else {
                    History::FromJoin
                };
                let is_wary = self.people[PEOPLE - 2..].contains(&other);
                if is_wary {
                    self.at.is_wary(other);
                }
                let added = store
                    .add_members(user, id, vec![other], history, None)
                    .await;
                if is_wary {
                    self.at.is_open(other);
                }
                match added {
                    Ok(made) => self.is_added(user, (id, other), made.outcome[0].1, sees_all),
                    Err(error) => assert!(!done::<()>(Err(error))),
                }
                self.answers(other).await;
            }
            6 | 7 => {
                let was_asked = self.plain.at(id).asked.contains_key(&other);
                if done(store.remove_member(user, id, other).await) {
                    if was_asked {
                        self.plain.at(id).asked.remove(&other);
                    } else if self.plain.at(id).members.contains_key(&other) {
                        self.plain.part(id, user, other);
                    }
                }
            }
            _ => {
                let leaves = done(store.leave_group(user, id).await);
                assert_eq!(leaves, self.plain.at(id).is_group);
                if leaves {
                    self.plain.part(id, user, user);
                }
            }
        }
    }

    fn is_added(
        &mut self,
        user: UserId,
        (id, other): (ConversationId, UserId),
        how: Added,
        sees_all: bool,
    ) {
        let is_member = self.plain.at(id).members.contains_key(&other);
        assert_eq!(how == Added::Member, is_member);
        match how {
            Added::Member => {}
            Added::Added => self.plain.join(id, user, other, sees_all),
            // Who ignored it is asked no more, and looks as if they had not answered yet.
            Added::Asked => {
                let kept = sees_all.then_some(1);
                self.plain.at(id).asked.entry(other).or_insert(kept);
            }
        }
    }

    /// Somebody who may be asked into groups answers one of the requests, or lets it be.
    async fn answers(&mut self, person: UserId) {
        let page = self
            .at
            .store
            .requests(person, None, 250)
            .await
            .unwrap()
            .value;
        let ids: Vec<ConversationId> = page.items.iter().map(|it| it.conversation.id).collect();
        let mine = self.plain.conversations.iter_mut();
        // Who ignored a request before is not asked again, which their own list tells alone.
        for (id, conversation) in mine {
            if !ids.contains(id) {
                conversation.asked.remove(&person);
            }
        }
        let Some(id) = ids.choose(&mut self.chance).copied() else {
            return;
        };
        let sees_all = self.plain.at(id).asked[&person].is_some();
        match self.chance.random_range(0..4) {
            0 => {
                self.at.store.accept_request(person, id).await.unwrap();
                self.plain.join(id, person, person, sees_all);
            }
            1 => {
                self.at.store.ignore_request(person, id).await.unwrap();
                self.plain.at(id).asked.remove(&person);
            }
            _ => {}
        }
    }

    async fn arranges(&mut self, user: UserId, id: ConversationId) {
        let on = self.chance.random_bool(0.5);
        let far_off = Time::from_millis(i64::from(i32::MAX) * 1_000);
        let mut change = MembershipChange::default();
        match self.chance.random_range(0..3) {
            0 => {
                change.muted_until = Some(on.then_some(far_off));
                self.plain.mine(user, id).muted = on;
            }
            1 => {
                change.archived = Some(on);
                self.plain.mine(user, id).archived = on;
            }
            _ => {
                change.hidden = Some(on);
                self.plain.hide(id, user, on);
            }
        }
        self.at
            .store
            .change_membership(user, id, change)
            .await
            .unwrap();
        self.plain.push_out(user);
    }

    async fn draws_head(&mut self, user: UserId, id: ConversationId) {
        let store = self.at.store.clone();
        match self.chance.random_range(0..4) {
            0 => {
                store.close_head(user, id).await.unwrap();
                self.plain.close_head(id, user);
            }
            which => {
                let (state, device) = match which {
                    1 => (HeadState::Open, Some("phone".to_owned())),
                    _ => (HeadState::Minimized, None),
                };
                store.set_head(user, id, state, device).await.unwrap();
                self.plain.draw_head(id, user, state == HeadState::Open);
            }
        }
    }
}
