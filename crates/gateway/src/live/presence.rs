//! Who is online: has a socket or an event stream open, on any node.
//!
//! Each node tells the others by the bus who came to it and who went, and repeats every [`REPEAT_EVERY`] who is there.
//! What is not repeated is over after [`EXPIRES_AFTER`]: so the people of a killed node go offline, and what the bus lost
//! is made up for. Nothing is stored.
//!
//! A socket that asked is told of those who are online, and of each change from then on. Who may see whom is asked of the
//! store when a socket asks, when somebody comes, and when somebody's settings or conversations change.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pinwire_domain::UserId;
use pinwire_domain::event::EventKind;
use pinwire_storage::Store;
use pinwire_storage::log::LoggedEvent;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::frames::{Frame, PresenceState, ServerFrame};
use super::hub::{Hub, StreamKey};
use super::signs::{NodeId, Signs};

/// How often comings and goings are told.
const TURN_EVERY: Duration = Duration::from_millis(500);
/// How long somebody without a stream is still online: it may only have moved.
const LINGER: Duration = Duration::from_secs(5);
/// How often a node repeats who is there.
pub const REPEAT_EVERY: Duration = Duration::from_secs(10);
/// How long what another node told holds: two repeats may be lost.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(25);
/// How often it is looked for what has expired.
const EXPIRE_EVERY: Duration = Duration::from_secs(2);
/// People of other nodes that are remembered; of more it is not known that they are online.
const ELSEWHERE_MAX: usize = 200_000;
/// People in one message of the bus, and in one question to the store.
const PART_MAX: usize = 500;

/// The people that a socket watches, each with whether it was told that they are online.
type Watched = HashMap<UserId, bool>;

#[derive(Default)]
struct State {
    /// With a stream at this node, or without one since less than [`LINGER`].
    here: HashSet<UserId>,
    /// Those of them without a stream, and since when.
    leaving: HashMap<UserId, Instant>,
    /// With a stream at other nodes, until then.
    elsewhere: HashMap<UserId, Vec<(NodeId, Instant)>>,
    /// What each socket watches, by person and stream.
    watching: HashMap<UserId, HashMap<u64, Watched>>,
    /// The sockets that watch somebody.
    watchers: HashMap<UserId, HashSet<StreamKey>>,
    /// Who came or went.
    moved: HashSet<UserId>,
    /// Whose sight, or by whom they are seen, may have changed.
    unsettled: HashSet<UserId>,
}

impl State {
    fn is_online(&self, user: UserId) -> bool {
        self.here.contains(&user) || self.elsewhere.contains_key(&user)
    }

    fn watched_by(&mut self, stream: StreamKey) -> Option<&mut Watched> {
        self.watching.get_mut(&stream.user)?.get_mut(&stream.id)
    }

    /// Takes away the other nodes of a person that are not to be kept.
    fn leave_elsewhere(&mut self, user: UserId, keep: impl Fn(&(NodeId, Instant)) -> bool) {
        let Some(nodes) = self.elsewhere.get_mut(&user) else {
            return;
        };
        nodes.retain(keep);
        if nodes.is_empty() {
            self.elsewhere.remove(&user);
            if !self.is_online(user) {
                self.moved.insert(user);
            }
        }
    }

    fn forget(&mut self, stream: StreamKey) {
        let Some(mine) = self.watching.get_mut(&stream.user) else {
            return;
        };
        let people = mine.remove(&stream.id).unwrap_or_default();
        if mine.is_empty() {
            self.watching.remove(&stream.user);
        }
        for person in people.keys() {
            if let Some(watchers) = self.watchers.get_mut(person) {
                watchers.remove(&stream);
                if watchers.is_empty() {
                    self.watchers.remove(person);
                }
            }
        }
    }
}

/// Who is online, and who wants to know.
pub struct Presence {
    hub: Arc<Hub>,
    state: Mutex<State>,
}

/// What a socket watches; over when dropped.
pub struct Watch {
    presence: Arc<Presence>,
    stream: StreamKey,
}

impl Watch {
    /// Watches these people and nobody else. Gives those of the `visible` ones who are online now.
    #[must_use]
    pub fn set(&self, people: &[UserId], visible: &[UserId]) -> Vec<UserId> {
        let stream = self.stream;
        let mut state = self.presence.lock();
        state.forget(stream);
        if people.is_empty() {
            return Vec::new();
        }
        let mut watched: Watched = people.iter().map(|person| (*person, false)).collect();
        let mut online = Vec::new();
        for person in visible {
            if state.is_online(*person)
                && let Some(told) = watched.get_mut(person)
            {
                *told = true;
                online.push(*person);
            }
        }
        for person in watched.keys() {
            state.watchers.entry(*person).or_default().insert(stream);
        }
        let mine = state.watching.entry(stream.user).or_default();
        mine.insert(stream.id, watched);
        online
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.presence.lock().forget(self.stream);
    }
}

impl Presence {
    /// Of the streams of this hub.
    #[must_use]
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a socket watch people, nobody at first.
    #[must_use]
    pub fn watch(self: &Arc<Self>, stream: StreamKey) -> Watch {
        Watch {
            presence: Arc::clone(self),
            stream,
        }
    }

    /// Takes what another node tells of its people.
    pub fn hear(&self, node: NodeId, online: &[i64], offline: &[i64], now: Instant) {
        let mut state = self.lock();
        let until = now + EXPIRES_AFTER;
        for user in online.iter().copied().map(UserId::new) {
            let was_online = state.is_online(user);
            if !state.elsewhere.contains_key(&user) && state.elsewhere.len() >= ELSEWHERE_MAX {
                continue;
            }
            let nodes = state.elsewhere.entry(user).or_default();
            nodes.retain(|(other, _)| *other != node);
            nodes.push((node, until));
            if !was_online {
                state.moved.insert(user);
            }
        }
        for user in offline.iter().copied().map(UserId::new) {
            state.leave_elsewhere(user, |(other, _)| *other != node);
        }
    }

    /// Looks again at who sees whom, if an event may have changed it.
    pub fn follow(&self, event: &LoggedEvent, people: &[UserId]) {
        match event.kind {
            EventKind::SettingsUpdated => {
                self.lock().unsettled.insert(event.actor);
            }
            EventKind::ConversationUpdated => self.lock().unsettled.extend(people),
            _ => {}
        }
    }

    /// Notes who came and who went; gives those to tell the other nodes of.
    fn turn(&self, now: Instant) -> (Vec<UserId>, Vec<UserId>) {
        let (mut came, mut gone) = (Vec::new(), Vec::new());
        let changed = self.hub.take_changes();
        let mut guard = self.lock();
        let state = &mut *guard;
        for user in changed {
            if self.hub.is_listening(user) {
                state.leaving.remove(&user);
                if state.here.insert(user) {
                    came.push(user);
                }
            } else if state.here.contains(&user) {
                state.leaving.entry(user).or_insert(now);
            }
        }
        let over = |since: &Instant| now.duration_since(*since) >= LINGER;
        state.leaving.retain(|user, since| {
            let stays = !over(since);
            if !stays {
                state.here.remove(user);
                gone.push(*user);
            }
            stays
        });
        state.moved.extend(came.iter().chain(&gone));
        (came, gone)
    }

    /// Lets go of those whose node did not repeat them.
    fn expire(&self, now: Instant) {
        let mut state = self.lock();
        let over: Vec<UserId> = state
            .elsewhere
            .iter()
            .filter(|(_, nodes)| nodes.iter().any(|(_, until)| *until <= now))
            .map(|(user, _)| *user)
            .collect();
        for user in over {
            state.leave_elsewhere(user, |(_, until)| *until > now);
        }
    }

    fn everyone_here(&self) -> Vec<UserId> {
        self.lock().here.iter().copied().collect()
    }

    /// Tells the sockets that want to know what has changed.
    async fn settle(&self, store: &Store) {
        let (moved, unsettled) = {
            let mut state = self.lock();
            let moved = std::mem::take(&mut state.moved);
            (moved, std::mem::take(&mut state.unsettled))
        };
        for user in moved {
            self.tell_of(store, user, false).await;
        }
        for user in unsettled {
            self.tell_of(store, user, true).await;
            self.tell_to(store, user).await;
        }
    }

    /// Tells of a person those who watch them; those who were told before only if they are to be asked for `again`.
    async fn tell_of(&self, store: &Store, person: UserId, again: bool) {
        let Some(mut asked) = self.to_ask_about(person, again) else {
            // Whoever was told is told, whatever they may see now.
            return self.agree(person, |_| Some(false));
        };
        asked.sort_unstable();
        asked.dedup();
        for part in asked.chunks(PART_MAX) {
            let Some(visible) = see(store, person, part).await else {
                return;
            };
            self.agree(person, |watcher| {
                let is_asked = part.binary_search(&watcher).is_ok();
                is_asked.then(|| visible.contains(&watcher))
            });
        }
    }

    /// Who watches a person and may have to be told that they are online; none if they are not.
    fn to_ask_about(&self, person: UserId, again: bool) -> Option<Vec<UserId>> {
        let state = self.lock();
        if !state.is_online(person) {
            return None;
        }
        let watchers = state.watchers.get(&person).into_iter().flatten();
        let was_told = |stream: &StreamKey| {
            let watched = state.watching.get(&stream.user)?.get(&stream.id)?;
            watched.get(&person).copied()
        };
        let asked = watchers.filter(|stream| again || was_told(stream) == Some(false));
        Some(asked.map(|stream| stream.user).collect())
    }

    /// Tells a person of those whom their sockets watch.
    async fn tell_to(&self, store: &Store, watcher: UserId) {
        let people: HashSet<UserId> = {
            let state = self.lock();
            let mine = state.watching.get(&watcher).into_iter().flatten();
            let people = mine.flat_map(|(_, watched)| watched.keys().copied());
            people.filter(|person| state.is_online(*person)).collect()
        };
        let people: Vec<UserId> = people.into_iter().collect();
        for part in people.chunks(PART_MAX) {
            let Some(visible) = see(store, watcher, part).await else {
                return;
            };
            for person in part {
                let shown = visible.contains(person);
                self.agree(*person, |it| (it == watcher).then_some(shown));
            }
        }
    }

    /// Tells those who watch a person, and for whom `shown` decides, unless they were told the same already.
    fn agree(&self, person: UserId, shown: impl Fn(UserId) -> Option<bool>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let is_online = state.is_online(person);
        let streams: Vec<StreamKey> = state
            .watchers
            .get(&person)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        for stream in streams {
            let Some(shown) = shown(stream.user) else {
                continue;
            };
            let now = shown && is_online;
            let told = state.watched_by(stream).and_then(|it| it.get_mut(&person));
            let Some(told) = told.filter(|told| **told != now) else {
                continue;
            };
            let state_now = if now {
                PresenceState::Online
            } else {
                PresenceState::Offline
            };
            let sent = Frame::of(&frame(person, state_now))
                .is_ok_and(|frame| self.hub.sign_to(stream, &Arc::new(frame)));
            if sent {
                *told = now;
            } else {
                // A socket with no room is told at the next turn.
                state.moved.insert(person);
            }
        }
    }
}

/// The frame that tells of a person.
#[must_use]
pub fn frame(person: UserId, state: PresenceState) -> ServerFrame {
    ServerFrame::Presence {
        user_id: person.to_string(),
        state,
    }
}

/// Those of these people who and `user` see each other; none if the store cannot be read, and then nobody is told.
async fn see(store: &Store, user: UserId, people: &[UserId]) -> Option<HashSet<UserId>> {
    match store.see_presence(user, people).await {
        Ok(seen) => Some(seen.into_iter().collect()),
        Err(error) => {
            tracing::warn!(%error, "who is online is not told");
            None
        }
    }
}

/// Tells the sockets of this node, and the other nodes, who comes and who goes. Runs as long as the node does.
pub async fn run(presence: Arc<Presence>, signs: Arc<Signs>, store: Store) {
    let mut turns = interval(TURN_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut repeat_at = Instant::now() + REPEAT_EVERY;
    let mut expire_at = Instant::now() + EXPIRE_EVERY;
    loop {
        let now = turns.tick().await;
        let (mut came, gone) = presence.turn(now);
        if now >= repeat_at {
            repeat_at = now + REPEAT_EVERY;
            came = presence.everyone_here();
        }
        if now >= expire_at {
            expire_at = now + EXPIRE_EVERY;
            presence.expire(now);
        }
        for part in came.chunks(PART_MAX) {
            signs.tell_presence(part, &[]);
        }
        for part in gone.chunks(PART_MAX) {
            signs.tell_presence(&[], part);
        }
        presence.settle(&store).await;
    }
}

#[cfg(test)]
mod tests;
