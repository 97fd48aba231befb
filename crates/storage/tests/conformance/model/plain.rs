//! Conversations, heads and unread as their definitions say, in the plainest way: everything is counted and sorted
//! anew from lists of messages.

use std::collections::{BTreeMap, BTreeSet};

use pinwire_domain::{ConversationId, UserId, limits};

/// A message, for everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) sender: UserId,
    pub(super) text: Option<String>,
    pub(super) is_system: bool,
    pub(super) is_deleted: bool,
    /// Who put the one emoji that people of this test have to it.
    pub(super) reactions: BTreeSet<UserId>,
}

/// What is one member's own.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Member {
    /// The first position that they see.
    first: i64,
    read: i64,
    flag: bool,
    pub(super) muted: bool,
    pub(super) archived: bool,
    /// Hidden until a message beyond it.
    hidden: Option<i64>,
    /// Closed up to this position.
    closed: i64,
    pub(super) is_open: bool,
}

/// A conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversation {
    pub(super) is_group: bool,
    /// By position, from 1.
    pub(super) messages: Vec<Message>,
    pub(super) members: BTreeMap<UserId, Member>,
    /// Who is asked into it.
    pub(super) asked: BTreeMap<UserId, Option<i64>>,
    /// What people deleted for themselves.
    gone: BTreeSet<(UserId, i64)>,
    /// When it moved last: what is larger moved later.
    activity: u64,
}

/// How many unread messages, and whether there are more.
pub(super) type Unread = (i64, bool);

impl Conversation {
    pub(super) fn last(&self) -> i64 {
        i64::try_from(self.messages.len()).unwrap()
    }

    pub(super) fn message(&self, position: i64) -> &Message {
        &self.messages[usize::try_from(position).unwrap() - 1]
    }

    /// A message that this member sees.
    pub(super) fn seen(&self, user: UserId, position: i64) -> Option<&Message> {
        let is_seen =
            position >= self.members[&user].first && !self.gone.contains(&(user, position));
        is_seen.then(|| self.message(position))
    }

    pub(super) fn unread(&self, user: UserId) -> Unread {
        let from = self.members[&user].read + 1;
        let counts = |position: &i64| {
            let seen = self.seen(user, *position);
            seen.is_some_and(|it| it.sender != user && !it.is_system && !it.is_deleted)
        };
        let count = (from..=self.last()).filter(counts).count();
        let count = i64::try_from(count).unwrap();
        (
            count.min(limits::UNREAD_EXACT_MAX),
            count > limits::UNREAD_EXACT_MAX,
        )
    }

    pub(super) fn flag(&self, user: UserId) -> bool {
        self.members[&user].flag
    }

    pub(super) fn is_hidden(&self, user: UserId) -> bool {
        let hidden = self.members[&user].hidden;
        hidden.is_some_and(|position| position >= self.last())
    }

    fn is_in_inbox(&self, user: UserId) -> bool {
        !self.members[&user].archived && !self.is_hidden(user)
    }

    fn has_head(&self, user: UserId) -> bool {
        let mine = &self.members[&user];
        self.last() > 0 && self.last() > mine.closed && !mine.muted && !mine.archived
    }
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Plain {
    pub(super) conversations: BTreeMap<ConversationId, Conversation>,
    now: u64,
}

/// What is unread over all conversations: conversations, messages, whether there are more, muted, requests.
pub(super) type Totals = (i64, i64, bool, i64, i64);

impl Plain {
    /// The conversations that a person takes part in.
    pub(super) fn of(&self, user: UserId) -> Vec<ConversationId> {
        let all = self.conversations.iter();
        all.filter(|(_, it)| it.members.contains_key(&user))
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn at(&mut self, id: ConversationId) -> &mut Conversation {
        self.conversations.get_mut(&id).unwrap()
    }

    pub(super) fn mine(&mut self, user: UserId, id: ConversationId) -> &mut Member {
        self.at(id).members.get_mut(&user).unwrap()
    }

    /// A conversation of these people, without a message.
    pub(super) fn begin(&mut self, id: ConversationId, people: &[UserId], is_group: bool) {
        self.now += 1;
        let member = |person: &UserId| (*person, Member::default());
        let conversation = Conversation {
            is_group,
            members: people.iter().map(member).collect(),
            activity: self.now,
            ..Conversation::default()
        };
        self.conversations.insert(id, conversation);
    }

    fn add(&mut self, id: ConversationId, message: Message) {
        self.now += 1;
        let now = self.now;
        let conversation = self.at(id);
        conversation.messages.push(message);
        conversation.activity = now;
        let members: Vec<UserId> = conversation.members.keys().copied().collect();
        for member in members {
            self.push_out(member);
        }
    }

    /// Somebody writes, and so has read all.
    pub(super) fn say(&mut self, id: ConversationId, sender: UserId, text: &str) {
        self.add(
            id,
            Message {
                sender,
                text: Some(text.to_owned()),
                is_system: false,
                is_deleted: false,
                reactions: BTreeSet::new(),
            },
        );
        let last = self.at(id).last();
        self.read(id, sender, last);
    }

    /// A change of the group is told in it.
    fn tell(&mut self, id: ConversationId, sender: UserId) {
        self.add(
            id,
            Message {
                sender,
                text: None,
                is_system: true,
                is_deleted: false,
                reactions: BTreeSet::new(),
            },
        );
    }

    pub(super) fn read(&mut self, id: ConversationId, user: UserId, position: i64) {
        let mine = self.mine(user, id);
        mine.read = mine.read.max(position);
        mine.flag = false;
    }

    pub(super) fn mark_unread(&mut self, id: ConversationId, user: UserId, flag: bool) {
        self.mine(user, id).flag = flag;
    }

    pub(super) fn delete_for_me(&mut self, id: ConversationId, user: UserId, position: i64) {
        self.at(id).gone.insert((user, position));
    }

    /// Somebody is added by a member, or comes when they were asked: they see what is written from then on, or all.
    pub(super) fn join(&mut self, id: ConversationId, by: UserId, person: UserId, sees_all: bool) {
        let conversation = self.at(id);
        let last = conversation.last();
        conversation.asked.remove(&person);
        let member = Member {
            first: if sees_all { 1 } else { last + 1 },
            read: last,
            ..Member::default()
        };
        conversation.members.insert(person, member);
        self.tell(id, by);
    }

    pub(super) fn part(&mut self, id: ConversationId, by: UserId, person: UserId) {
        self.at(id).members.remove(&person);
        self.tell(id, by);
    }

    pub(super) fn hide(&mut self, id: ConversationId, user: UserId, hides: bool) {
        let last = self.at(id).last();
        if self.at(id).is_hidden(user) != hides {
            self.mine(user, id).hidden = hides.then_some(last);
        }
    }

    pub(super) fn draw_head(&mut self, id: ConversationId, user: UserId, opens: bool) {
        let last = self.at(id).last();
        let mine = self.mine(user, id);
        mine.closed = last - 1;
        mine.is_open = opens;
        self.push_out(user);
    }

    pub(super) fn close_head(&mut self, id: ConversationId, user: UserId) {
        let last = self.at(id).last();
        let mine = self.mine(user, id);
        mine.closed = last;
        mine.is_open = false;
    }

    /// Of more heads than there may be, the oldest minimized one goes; where all are open, the oldest.
    pub(super) fn push_out(&mut self, user: UserId) {
        loop {
            let heads = self.heads(user);
            if heads.len() <= limits::HEADS_MAX {
                return;
            }
            let minimized = heads.iter().rev().find(|(_, is_open)| !is_open);
            let (oldest, _) = *minimized.or(heads.last()).unwrap();
            self.close_head(oldest, user);
        }
    }

    fn by_activity(
        &self,
        user: UserId,
        shows: impl Fn(&Conversation) -> bool,
    ) -> Vec<ConversationId> {
        let mut ids = self.of(user);
        ids.retain(|id| shows(&self.conversations[id]));
        ids.sort_by_key(|id| std::cmp::Reverse(self.conversations[id].activity));
        ids
    }

    /// The heads, by last activity, each with whether it is open.
    pub(super) fn heads(&self, user: UserId) -> Vec<(ConversationId, bool)> {
        let ids = self.by_activity(user, |it| it.has_head(user)).into_iter();
        ids.map(|id| (id, self.conversations[&id].members[&user].is_open))
            .collect()
    }

    pub(super) fn inbox(&self, user: UserId) -> Vec<ConversationId> {
        self.by_activity(user, |it| it.is_in_inbox(user))
    }

    pub(super) fn unread_conversations(&self, user: UserId) -> Vec<ConversationId> {
        self.by_activity(user, |it| {
            it.is_in_inbox(user) && (it.flag(user) || it.unread(user).0 > 0)
        })
    }

    pub(super) fn archived(&self, user: UserId) -> Vec<ConversationId> {
        self.by_activity(user, |it| it.members[&user].archived)
    }

    pub(super) fn totals(&self, user: UserId) -> Totals {
        let (mut conversations, mut messages, mut more, mut muted) = (0, 0, false, 0);
        for id in self.inbox(user) {
            let it = &self.conversations[&id];
            let (count, are_more) = it.unread(user);
            more |= are_more;
            if it.members[&user].muted {
                muted += count;
            } else {
                messages += count;
                conversations += i64::from(count > 0 || it.flag(user));
            }
        }
        let all = self.conversations.values();
        let requests = all.filter(|it| it.asked.contains_key(&user)).count();
        let requests = i64::try_from(requests).unwrap();
        (conversations, messages, more, muted, requests)
    }
}
