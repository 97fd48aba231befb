//! Contacts: who is listed, in which order, and how they are found by name.

use std::collections::{HashMap, HashSet};

use pinwire_domain::contact::Reason::{self, FollowsMe, Frequent, IFollow, Mutual, Recent};
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::user::search_words;
use pinwire_domain::{ConversationId, PinId, UserId};
use pinwire_storage::contacts::{Contact, ContactMark, PinContact};

use crate::acts::refusal;
use crate::boards::full;
use crate::pins::secret_pin;
use crate::stores::TestStore;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The first one of a crowd has the id after this.
const CROWD: i64 = 10_000;

/// People and what they do, told shortly.
impl TestStore {
    fn named(&self, username: &str, full_name: &str) -> UserId {
        let id = self.person(username);
        self.execute(&format!(
            "update users set full_name = '{full_name}' where id = {id}"
        ));
        for word in search_words(full_name, username) {
            self.execute(&format!("insert into user_words values ('{word}', {id})"));
        }
        id
    }

    pub(crate) fn follow(&self, who: UserId, whom: UserId) {
        let now = self.now().as_millis();
        self.execute(&format!(
            "insert into follows values ({who}, {whom}, {now})"
        ));
    }

    async fn talk(&self, sender: UserId, others: &[UserId]) -> ConversationId {
        let begun = self
            .store
            .begin_conversation(sender, others.to_vec(), None, None);
        let id = ConversationId::new(begun.await.unwrap().outcome.0);
        self.writes(sender, id, "hello").await;
        id
    }

    async fn page(
        &self,
        user: UserId,
        query: &str,
        after: Option<ContactMark>,
        size: usize,
    ) -> (Vec<Contact>, Option<ContactMark>) {
        let page = self.store.contacts(user, asked(query), after, size);
        let page = page.await.unwrap().value;
        (page.items, page.next)
    }

    /// The names of all pages of a list, and why they are there.
    async fn listed(&self, user: UserId, query: &str) -> Vec<(String, Vec<Reason>)> {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let (items, next) = self.page(user, query, after, 3).await;
            listed.extend(items.into_iter().map(|c| (c.person.username, c.reasons)));
            after = next;
            if after.is_none() {
                return listed;
            }
        }
    }

    async fn names(&self, user: UserId, query: &str) -> Vec<String> {
        let listed = self.listed(user, query).await;
        listed.into_iter().map(|(name, _)| name).collect()
    }

    async fn for_pin(&self, user: UserId, pin: PinId) -> HashMap<String, bool> {
        let page = self.store.contacts_for_pin(full(user), pin, None, None, 25);
        let show = |c: PinContact| (c.contact.person.username, c.already_sent);
        page.await
            .unwrap()
            .value
            .items
            .into_iter()
            .map(show)
            .collect()
    }

    /// `count` people with the usernames `<name>1`, `<name>2` and so on, all of one full name.
    fn crowd(&self, name: &str, count: usize) {
        self.execute(&format!(
            "insert into users (id, username, full_name, email, version, created_at)
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
             select {CROWD} + i, '{name}' || i, '{name}', '{name}' || i, 1, 1 from n;
             insert into user_words select username, id from users where id > {CROWD};
             insert into user_words select full_name, id from users where id > {CROWD};
             insert into user_settings (user_id, typing, presence, read_receipts, pin_saved_notice, version,
                                        from_followers, from_everyone)
             select id, true, true, true, true, 0, 'inbox', 'inbox' from users where id > {CROWD}"
        ));
    }

    /// Ana follows the first `count` of the crowd, each a millisecond after the one before.
    fn follow_crowd(&self, ana: UserId, count: usize) {
        let start = self.now().as_millis();
        self.execute(&format!(
            "insert into follows select {ana}, id, {start} - 3000000 + id
             from users where id between {CROWD} + 1 and {CROWD} + {count}"
        ));
    }
}

fn asked(query: &str) -> Option<PeopleQuery> {
    (!query.is_empty()).then(|| PeopleQuery::parse(query).unwrap())
}

fn why(name: &str, reasons: &[Reason]) -> (String, Vec<Reason>) {
    (name.to_owned(), reasons.to_vec())
}

both! {
    contacts_are_those_one_talks_with_and_follows_in_the_order_of_their_ranks(at) {
        let [ana, bo, cy, di, ed, fay, gus, hal] =
            ["ana", "bo", "cy", "di", "ed", "fay", "gus", "hal"].map(|name| at.person(name));
        at.person("stranger");
        let pin = at.pin(ana);
        at.talk(hal, &[ana, gus]).await;
        let with_di = at.talk(ana, &[di]).await;
        at.wait_millis(20 * DAY_MS);
        for _ in 0..3 {
            at.sends_to(ana, pin, bo).await;
        }
        at.writes(di, with_di, "hi").await;
        at.wait_millis(10 * DAY_MS);
        at.follow(ana, cy);
        at.follow(cy, ana);
        at.follow(ana, di);
        at.follow(ana, ed);
        at.follow(fay, ana);
        assert_eq!(at.listed(ana, "").await, [
            why("di", &[Recent, IFollow]),
            why("bo", &[Recent, Frequent]),
            why("cy", &[Mutual]),
            why("ed", &[IFollow]),
            why("fay", &[FollowsMe]),
            why("hal", &[]),
            why("gus", &[]),
        ]);
        assert_eq!(at.listed(bo, "").await, [why("ana", &[Recent])]);
        assert_eq!(at.listed(ed, "").await, [why("ana", &[FollowsMe])]);
        assert_eq!(at.listed(gus, "").await, [why("hal", &[]), why("ana", &[])]);
    }

    a_list_tells_the_place_in_the_log_that_it_shows(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        at.talk(ana, &[bo]).await;
        let head = at.store.head().await.unwrap();
        assert!(head > 0);
        let list = at.store.contacts(ana, None, None, 25).await.unwrap();
        assert_eq!((list.cursor.seq, list.cursor.epoch.as_str()), (head, at.store.epoch()));
        let pin = at.pin(ana);
        let chooser = at.store.contacts_for_pin(full(ana), pin, None, None, 25).await.unwrap();
        assert_eq!(chooser.cursor, list.cursor);
    }

    nobody_learns_of_a_block_and_a_blocker_sees_the_blocked_no_more(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        at.follow(ana, cy);
        at.talk(ana, &[bo]).await;
        at.block(bo, ana);
        at.talk(ana, &[cy]).await;
        at.block(cy, ana);
        let before = at.listed(ana, "").await;
        assert_eq!(before, [why("cy", &[Recent, IFollow]), why("bo", &[Recent])]);
        at.execute("delete from blocks");
        assert_eq!(at.listed(ana, "").await, before);
        at.block(ana, bo);
        assert_eq!(at.names(ana, "").await, ["cy"]);
    }

    a_conversation_looks_the_same_to_its_maker_whatever_the_other_one_answered(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        at.talk(ana, &[bo]).await;
        for state in ["member", "requested", "ignored"] {
            at.execute(&format!("update memberships set state = '{state}' where user_id = {bo}"));
            assert_eq!(at.listed(ana, "").await, [why("bo", &[Recent])]);
            let known: &[&str] = if state == "member" { &["ana"] } else { &[] };
            assert_eq!(at.names(bo, "").await, known, "{state}");
        }
    }

    closed_accounts_left_groups_and_empty_conversations_make_no_contacts(at) {
        let [ana, bo, cy, di, ed] = ["ana", "bo", "cy", "di", "ed"].map(|name| at.person(name));
        let group = at.talk(ana, &[bo, cy, di]).await;
        at.execute(&format!(
            "update memberships set state = 'left' where user_id = {cy} and conversation_id = {group};
             update users set closed_at = 1 where id = {di}"
        ));
        at.store.begin_conversation(ana, vec![ed], None, None).await.unwrap();
        assert_eq!(at.names(ana, "").await, ["bo"]);
        assert_eq!(at.names(cy, "").await, Vec::<String>::new());
    }

    a_name_is_found_by_the_beginnings_of_its_words(at) {
        let ana = at.person("ana");
        for (username, full_name) in [
            ("zoe.b", "Zoë Ångström"),
            ("marta", "Ana-María D Été"),
            ("bob_zo", "Robert"),
        ] {
            let person = at.named(username, full_name);
            at.follow(ana, person);
        }
        at.named("zoestranger", "Zoe Stranger");
        for (query, found) in [
            ("zo", vec!["zoe.b", "bob_zo"]),
            ("ZOÉ", vec!["zoe.b"]),
            ("angs zoe", vec!["zoe.b"]),
            ("mar ete an", vec!["marta"]),
            ("zoe.b", vec!["zoe.b"]),
            ("oe", vec![]),
            ("zoe maria", vec![]),
            ("stranger", vec![]),
            ("robertson", vec![]),
        ] {
            assert_eq!(at.names(ana, query).await, found, "{query}");
        }
    }

    who_has_the_pin_already_is_told_as_the_caller_sees_it(at) {
        let [ana, bo, cy, di, ed] = ["ana", "bo", "cy", "di", "ed"].map(|name| at.person(name));
        let (pin, other) = (at.pin(ana), at.pin(bo));
        for person in [bo, cy, di, ed] {
            at.sends_to(ana, other, person).await;
        }
        assert_eq!(at.for_pin(ana, pin).await, HashMap::from(
            ["bo", "cy", "di", "ed"].map(|name| (name.to_owned(), false))
        ));
        at.sends_to(ana, pin, bo).await;
        at.sends_to(cy, pin, ana).await;
        at.block(ana, di);
        at.sends_to(di, pin, ana).await;
        at.execute("delete from blocks");
        at.sends_to(ana, pin, ed).await;
        at.execute(&format!(
            "update messages set deleted_at = 1 where pin_id = {pin} and conversation_id in
             (select id from conversations where creation_key = 'direct:{ana}:{ed}')"
        ));
        let told = ["bo", "cy", "di", "ed"].into_iter().zip([true, true, false, false]);
        assert_eq!(at.for_pin(ana, pin).await, told.map(|(n, has)| (n.to_owned(), has)).collect());
        assert!(at.for_pin(di, pin).await["ana"]);
    }

    only_for_a_pin_one_may_send_are_contacts_listed(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        let secret = secret_pin(at, ana).await;
        let refused = async |pin| refusal(at.store.contacts_for_pin(full(bo), pin, None, None, 25).await);
        assert_eq!(refused(PinId::new(99)).await, "PinNotFound");
        assert_eq!(refused(secret).await, "PinNotFound");
        at.sends_to(ana, secret, bo).await;
        assert_eq!(refused(secret).await, "PinIsSecret");
        assert_eq!(at.for_pin(ana, secret).await, HashMap::from([("bo".to_owned(), true)]));
    }

    a_contact_beyond_the_bounds_is_found_by_name(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        at.crowd("kim", 2_500);
        at.follow_crowd(ana, 2_001);
        at.talk(bo, &[ana]).await;
        let listed: HashSet<String> = at.page(ana, "", None, 9_999).await.0
            .into_iter().map(|c| c.person.username).collect();
        assert_eq!(listed.len(), 2_001);
        assert!(listed.contains("bo") && listed.contains("kim2") && !listed.contains("kim1"));
        // Few of the store fit the first two, more than are looked at one by one the last.
        for (query, count) in [("kim2001", 1), ("kim200", 3), ("kim19 kim", 111), ("kim", 2_000)] {
            assert_eq!(at.page(ana, query, None, 9_999).await.0.len(), count, "{query}");
        }
        assert_eq!(at.names(ana, "kim1 kim").await.len(), 1_111);
        assert!(at.names(ana, "kim1 kim").await.contains(&"kim1".to_owned()));
        // A follow that the bound cut off counts all the same for who is a candidate otherwise.
        at.talk(ana, &[UserId::new(CROWD + 1)]).await;
        at.execute("delete from user_words where user_id = 10001");
        assert_eq!(at.listed(ana, "").await[0], why("kim1", &[Recent, IFollow]));
    }

    a_query_that_fits_few_and_one_that_fits_many_find_the_same(at) {
        let ana = at.person("ana");
        at.crowd("kim", 999);
        at.follow_crowd(ana, 40);
        let bo = at.named("kimbo", "Bo");
        at.follow(bo, ana);
        at.talk(UserId::new(CROWD + 500), &[ana, UserId::new(CROWD + 501)]).await;
        // 1,000 words fit, which is the bound: one each.
        at.execute("delete from user_words where word = 'kim'");
        let few = at.listed(ana, "kim").await;
        assert_eq!(few.len(), 43);
        at.named("kimmy", "Kimmy");
        assert_eq!(at.listed(ana, "kim").await, few);
    }

    who_does_not_move_is_listed_exactly_once(at) {
        let [ana, bo] = ["ana", "bo"].map(|name| at.person(name));
        at.crowd("kim", 2_300);
        at.follow_crowd(ana, 2_100);
        for id in CROWD + 2_101..CROWD + 2_111 {
            at.wait_millis(DAY_MS / 2);
            at.talk(ana, &[UserId::new(id)]).await;
        }
        let mut seen = Vec::new();
        let mut after = None;
        let mut turn = 0;
        loop {
            let (items, next) = at.page(ana, "", after, 250).await;
            seen.extend(items.into_iter().map(|c| c.person.id.get()));
            after = next;
            if after.is_none() {
                break;
            }
            // Time goes by, somebody talks, and new people are followed.
            at.wait_millis(DAY_MS);
            turn += 1;
            at.talk(UserId::new(CROWD + 2_101), &[ana]).await;
            at.follow(ana, UserId::new(CROWD + 2_200 + turn));
            at.follow(bo, UserId::new(CROWD + 2_200 + turn));
        }
        let still: Vec<i64> = seen.iter().copied().filter(|id| *id != CROWD + 2_101).collect();
        let once: HashSet<i64> = still.iter().copied().collect();
        assert_eq!(still.len(), once.len());
        let wanted: HashSet<i64> = (CROWD + 101..=CROWD + 2_100).chain(CROWD + 2_102..CROWD + 2_111).collect();
        assert_eq!(once.symmetric_difference(&wanted).collect::<Vec<_>>(), Vec::<&i64>::new());
    }
}
