//! Finding messages: by what, by whom, in which order; and how they become findable and cease to be.

use pinwire_domain::conversation::SendMode;
use pinwire_domain::message_query::{Filters, MessageQuery};
use pinwire_domain::{ConversationId, UserId};
use pinwire_storage::search::{FoundMessageMark, Indexed};

use crate::acts::{refusal, request};
use crate::boards::full;
use crate::stores::TestStore;

impl TestStore {
    /// Makes all messages findable; in how many turns.
    pub(crate) async fn index(&self) -> usize {
        for turn in 1..10_000 {
            if self.store.index_messages().await.unwrap() == Indexed::All {
                return turn;
            }
        }
        panic!("there is no end of messages");
    }

    /// What a person finds: conversations and positions.
    async fn finds_with(
        &self,
        person: UserId,
        typed: &str,
        filters: Filters,
    ) -> Vec<(ConversationId, i64)> {
        let query = MessageQuery::parse(typed, filters).unwrap();
        let found = self.store.search_messages(person, query, None, 250).await;
        let items = found.unwrap().value.items;
        items.iter().map(|m| (m.conversation, m.position)).collect()
    }

    /// The positions that a person finds.
    async fn finds(&self, person: UserId, typed: &str) -> Vec<i64> {
        let found = self.finds_with(person, typed, Filters::default()).await;
        found.iter().map(|(_, position)| *position).collect()
    }

    /// A conversation of these two, begun by a pin that is sent for the hall.
    async fn hall_of(&self, ana: UserId, bo: UserId) -> ConversationId {
        self.sends_to(ana, self.pin(ana), bo).await.0
    }

    /// All pages of this size, put together.
    async fn finds_in_pages(
        &self,
        person: UserId,
        typed: &str,
        size: usize,
    ) -> Vec<(ConversationId, i64)> {
        let query = MessageQuery::parse(typed, Filters::default()).unwrap();
        let mut all = Vec::new();
        let mut mark: Option<FoundMessageMark> = None;
        loop {
            let page = self
                .store
                .search_messages(person, query.clone(), mark, size)
                .await
                .unwrap()
                .value;
            assert!(page.items.len() <= size);
            all.extend(page.items.iter().map(|m| (m.conversation, m.position)));
            mark = page.next;
            if mark.is_none() {
                return all;
            }
            assert_eq!(page.items.len(), size);
        }
    }

    /// How many blocks hold something that this message is found by.
    fn terms_of(&self, id: ConversationId, position: i64) -> i64 {
        self.number(&format!(
            "select count(*) from search_blocks
             where conversation_id = {id} and entries like '%\n{position}:%'"
        ))
    }

    async fn edit(&self, by: UserId, (id, position): (ConversationId, i64), text: &str) {
        let edited = self
            .store
            .edit_message(by, (id, position), Some(text.into()));
        edited.await.unwrap();
    }
}

fn with(change: impl FnOnce(&mut Filters)) -> Filters {
    let mut filters = Filters::default();
    change(&mut filters);
    filters
}

both! {
    a_message_is_found_by_the_beginnings_of_its_words(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        let position = at.writes(ana, id, "Un café près de l'Étoile: https://www.cafe.example/menu").await;
        at.writes(ana, id, "東京タワーへ 👍").await;
        assert_eq!(at.finds(bo, "café").await, [] as [i64; 0], "not yet");
        at.index().await;
        for typed in ["café", "CAF", "etoile pres", "cafe.example", "www.cafe.exam", "menu caf"] {
            assert_eq!(at.finds(bo, typed).await, [position], "{typed}");
            assert_eq!(at.finds(ana, typed).await, [position], "{typed}");
        }
        for typed in ["東", "京タ", "タワー", "👍", "東京 👍"] {
            assert_eq!(at.finds(bo, typed).await, [position + 1], "{typed}");
        }
        for typed in ["afé", "café nowhere", "cafe.examplex", "京東", "#pin", "@77"] {
            assert_eq!(at.finds(bo, typed).await, [] as [i64; 0], "{typed}");
        }
        let query = MessageQuery::parse("menu", Filters::default()).unwrap();
        let found = at.store.search_messages(bo, query, None, 10).await.unwrap().value;
        assert_eq!(found.next, None);
        assert_eq!(found.items[0].sender.username, "ana");
        assert!(found.items[0].text.as_deref().unwrap().starts_with("Un café"));
    }

    a_pin_is_found_by_what_it_showed_when_it_was_sent(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        at.execute(&format!(
            "update pins set title = 'Grey cat', description = 'On a sofa', alt_text = 'whiskers',
                    link = 'https://xn--bcher-kva.example/%C3%A4pfel' where id = {pin}"
        ));
        let (id, position) = at.sends_to(ana, pin, bo).await;
        at.execute("update pins set title = 'Dog', description = null, alt_text = null, link = null");
        at.writes(bo, id, "no pin, but a cat").await;
        at.index().await;
        for typed in ["grey", "sofa", "whisk", "bücher.example", "apfel", "xn--bcher", "for the hall"] {
            assert_eq!(at.finds(bo, typed).await, [position], "{typed}");
        }
        assert_eq!(at.finds(bo, "dog").await, [] as [i64; 0]);
        assert_eq!(at.finds(bo, "cat").await, [position + 1, position]);
        let pins = with(|it| it.with_pin = true);
        assert_eq!(at.finds_with(bo, "cat", pins.clone()).await, [(id, position)]);
        assert_eq!(at.finds_with(bo, "", pins).await, [(id, position)]);
    }

    who_takes_no_part_finds_nothing(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.hall_of(ana, bo).await;
        at.index().await;
        assert_eq!(at.finds(bo, "hall").await, [1]);
        assert_eq!(at.finds(cy, "hall").await, [] as [i64; 0]);
        let there = with(|it| it.conversation = Some(id));
        let query = |filters| MessageQuery::parse("hall", filters).unwrap();
        let asked = |person| at.store.search_messages(person, query(there.clone()), None, 10);
        assert_eq!(refusal(asked(cy).await), "ConversationNotFound");
        assert_eq!(asked(bo).await.unwrap().value.items.len(), 1);
        for state in ["left", "removed", "requested", "ignored"] {
            at.execute(&format!("update memberships set state = '{state}' where user_id = {bo}"));
            assert_eq!(at.finds(bo, "hall").await, [] as [i64; 0], "{state}");
            assert_eq!(refusal(asked(bo).await), "ConversationNotFound", "{state}");
        }
        assert_eq!(at.finds(ana, "hall").await, [1]);
    }

    a_member_finds_what_was_sent_since_they_joined(at) {
        let people = ["ana", "bo", "cy"].map(|name| at.person(name));
        let [ana, bo, cy] = people;
        let group = request(at.pin(ana), &[bo, cy], SendMode::Group);
        let made = at.store.send(full(ana), group).await.unwrap();
        let id = ConversationId::new(made.outcome.to[0].message.unwrap().0);
        for _ in 0..3 {
            at.writes(ana, id, "for the hall").await;
        }
        at.index().await;
        at.execute(&format!(
            "update membership_periods set first_position = 3 where user_id = {cy}"
        ));
        assert_eq!(at.finds(cy, "hall").await, [4, 3]);
        assert_eq!(at.finds(bo, "hall").await, [4, 3, 2, 1]);
        // A period that is over shows nothing, also when another one follows.
        at.execute(&format!(
            "update membership_periods set left_seq = 100, last_position = 4 where user_id = {cy};
             insert into membership_periods (user_id, conversation_id, joined_seq, first_position)
             values ({cy}, {id}, 101, 5)"
        ));
        assert_eq!(at.finds(cy, "hall").await, [] as [i64; 0]);
        at.writes(ana, id, "hall").await;
        at.index().await;
        assert_eq!(at.finds(cy, "hall").await, [5]);
    }

    what_is_kept_from_somebody_is_not_found_by_them(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        for _ in 2..=6 {
            at.writes(ana, id, "for the hall").await;
        }
        for position in [2, 5, 6] {
            at.execute(&format!(
                "insert into message_exclusions values ({bo}, {id}, {position}, 'deleted_for_me')"
            ));
        }
        at.block(bo, ana);
        at.writes(ana, id, "the hall, withheld").await;
        at.index().await;
        assert_eq!(at.finds(bo, "hall").await, [4, 3, 1]);
        assert_eq!(at.finds_in_pages(bo, "hall", 1).await, [(id, 4), (id, 3), (id, 1)]);
        assert_eq!(at.finds(ana, "hall").await, [7, 6, 5, 4, 3, 2, 1]);
    }

    filters_narrow_what_is_found(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let one = at.hall_of(ana, bo).await;
        at.wait_millis(1_000);
        let two = at.hall_of(cy, bo).await;
        at.wait_millis(1_000);
        at.writes(bo, two, "for which hall?").await;
        at.index().await;
        let all = [(two, 2), (two, 1), (one, 1)];
        assert_eq!(at.finds_with(bo, "hall", Filters::default()).await, all);
        let from = |person| with(|it| it.from = Some(person));
        assert_eq!(at.finds_with(bo, "hall", from(ana)).await, all[2..]);
        assert_eq!(at.finds_with(bo, "", from(bo)).await, all[..1]);
        assert_eq!(at.finds_with(bo, "hall", with(|it| it.conversation = Some(two))).await, all[..2]);
        let moment = crate::stores::START.plus_millis(1_000);
        assert_eq!(at.finds_with(bo, "hall", with(|it| it.after = Some(moment))).await, all[..2]);
        assert_eq!(at.finds_with(bo, "hall", with(|it| it.before = Some(moment))).await, all[2..]);
        let between = with(|it| {
            it.after = Some(moment);
            it.before = Some(moment.plus_millis(1_000));
        });
        assert_eq!(at.finds_with(bo, "hall", between).await, all[1..2]);
    }

    pages_hold_each_message_once_the_newest_first(at) {
        let ana = at.person("ana");
        let mut expected = Vec::new();
        for n in 0..40 {
            let other = at.person(&format!("p{n}"));
            let id = at.hall_of(other, ana).await;
            expected.push((at.now(), id, 1));
            // Some were sent in the same moment.
            at.wait_millis(n % 3);
            let position = at.writes(ana, id, "the hall again").await;
            expected.push((at.now(), id, position));
        }
        for (_, id, _) in expected.clone().iter().step_by(14) {
            let position = at.writes(ana, *id, "hall, later").await;
            expected.push((at.now(), *id, position));
        }
        at.index().await;
        expected.sort_unstable();
        let expected: Vec<_> = expected.iter().rev().map(|(_, id, position)| (*id, *position)).collect();
        for size in [1, 7, 250] {
            assert_eq!(at.finds_in_pages(ana, "hall", size).await, expected, "{size}");
        }
        assert_eq!(at.finds_in_pages(ana, "hal lat", 2).await.len(), 6);
    }

    a_long_conversation_is_searched_from_its_newest_messages_on(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        let now = at.now().as_millis();
        at.execute(&format!(
            "insert into messages (conversation_id, position, sender_id, kind, text, created_at, version)
             with recursive n (i) as (select 2 union all select i + 1 from n where i < 1100)
             select {id}, i, {ana}, 'user', case when i = 300 then 'a hall with a zebra' else 'the hall' end,
                    {now} + i, 1 from n;
             update conversations set last_position = 1100;
             update search_progress set conversation_id = 0, position = 0"
        ));
        assert!(at.index().await > 1, "in more than one turn");
        let expected: Vec<_> = (1..=1_100).rev().map(|position| (id, position)).collect();
        assert_eq!(at.finds_in_pages(bo, "hall", 60).await, expected);
        assert_eq!(at.finds(bo, "zeb").await, [300]);
        assert_eq!(at.finds(bo, "hall zebra").await, [300]);
        assert_eq!(at.number("select count(*) from search_blocks"), 69);
    }
}

both! {
    a_message_that_is_forgotten_leaves_no_terms(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        at.writes(ana, id, "the secret hall").await;
        at.index().await;
        assert_eq!(at.terms_of(id, 2), 1);
        at.store.delete_for_everyone(ana, id, 2).await.unwrap();
        assert_eq!(at.terms_of(id, 2), 0);
        assert_eq!(at.finds(bo, "hall").await, [1]);
        at.index().await;
        assert_eq!(at.terms_of(id, 2), 0);
        // A pin's terms go with it, and the others of the block stay.
        let also = at.sends_to(bo, at.pin(bo), ana).await.1;
        at.index().await;
        assert_eq!(at.finds(bo, "hall").await, [also, 1]);
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        let pins = with(|it| it.with_pin = true);
        assert_eq!(at.finds_with(bo, "", pins).await, [(id, also)]);
        assert_eq!(at.finds(bo, "hall").await, [also]);
    }

    a_message_deleted_for_one_is_found_by_the_others(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        at.index().await;
        at.store.delete_for_me(bo, id, 1).await.unwrap();
        assert_eq!(at.finds(bo, "hall").await, [] as [i64; 0]);
        at.index().await;
        assert_eq!(at.finds(bo, "hall").await, [] as [i64; 0]);
        assert_eq!(at.finds(ana, "hall").await, [1]);
    }

    a_message_that_was_deleted_before_it_was_indexed_is_never_found(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        at.writes(ana, id, "the secret hall").await;
        at.store.delete_for_everyone(ana, id, 2).await.unwrap();
        at.index().await;
        assert_eq!(at.terms_of(id, 2), 0);
        assert_eq!(at.finds(bo, "hall").await, [1]);
    }

    an_edited_message_is_found_by_its_present_text(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        let late = at.writes(ana, id, "a red door").await;
        at.edit(ana, (id, late), "a blue door").await;
        at.index().await;
        assert_eq!(at.finds(bo, "blue").await, [late]);
        assert_eq!(at.finds(bo, "red").await, [] as [i64; 0]);
        at.edit(ana, (id, late), "a green gate").await;
        assert_eq!(at.finds(bo, "door").await, [] as [i64; 0], "at once");
        at.index().await;
        assert_eq!(at.finds(bo, "green gate").await, [late]);
        assert_eq!(at.finds(bo, "blue").await, [] as [i64; 0]);
    }

    what_pinwire_itself_wrote_is_not_found(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        at.writes(ana, id, "title_changed").await;
        at.execute("update messages set kind = 'system' where position = 2");
        at.index().await;
        assert_eq!(at.finds(bo, "title").await, [] as [i64; 0]);
    }

    the_answer_tells_up_to_where_messages_can_be_found(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        at.index().await;
        let id = at.hall_of(ana, bo).await;
        let told = async || {
            let query = MessageQuery::parse("hall", Filters::default()).unwrap();
            at.store.search_messages(bo, query, None, 10).await.unwrap().cursor.seq
        };
        assert_eq!(told().await, 0);
        at.index().await;
        assert_eq!(told().await, 1);
        // What is no message does not hold it up.
        at.store.read_to(bo, id, 1).await.unwrap();
        at.index().await;
        assert_eq!(told().await, at.store.head().await.unwrap());
        assert_eq!(at.store.index_messages().await.unwrap(), Indexed::All);
    }

    messages_of_an_older_store_become_findable(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        let now = at.now().as_millis();
        // More than a turn takes; and as the migration leaves it.
        at.execute(&format!(
            "insert into messages (conversation_id, position, sender_id, kind, text, created_at, version)
             with recursive n (i) as (select 2 union all select i + 1 from n where i < 1030)
             select {id}, i, {ana}, 'user', 'hall ' || i, {now}, 1 from n;
             update conversations set last_position = 1030;
             update search_progress set seq = (select seq from log_head), conversation_id = 0, position = 0"
        ));
        at.writes(ana, id, "hall 1031").await;
        let expected: Vec<i64> = (1..=1_031).rev().collect();
        assert_eq!(at.store.index_messages().await.unwrap(), Indexed::Older);
        assert_eq!(at.finds(bo, "hall 1031").await, [1_031], "new ones do not wait");
        at.index().await;
        let found = at.finds_in_pages(bo, "hall", 250).await;
        assert_eq!(found.iter().map(|(_, position)| *position).collect::<Vec<_>>(), expected);
        assert_eq!(at.number("select count(*) from search_progress where conversation_id is null"), 1);
    }

    a_log_that_was_trimmed_before_it_was_read_costs_no_message(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        at.writes(ana, id, "another hall").await;
        at.execute("delete from events where seq = 1; update log_head set trimmed_seq = 1");
        at.index().await;
        assert_eq!(at.finds(bo, "hall").await, [2, 1]);
    }

    very_long_messages_are_found_as_well(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        for n in 0..20 {
            let words: Vec<String> = (0..900).map(|i| format!("{i}x{n}")).collect();
            let text = words.join(" ");
            at.writes(ana, id, text.get(..4_999).unwrap_or(&text)).await;
        }
        at.index().await;
        assert_eq!(at.finds(bo, "7x19").await, [21]);
        assert_eq!(at.finds(bo, "7x").await.len(), 20);
    }

    any_number_of_nodes_index_each_message_once(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        let nodes = at.nodes();
        let mut tasks = Vec::new();
        for n in 0..4 {
            let node = nodes[n % nodes.len()].clone();
            tasks.push(tokio::spawn(async move {
                for _ in 0..60 {
                    node.index_messages().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }));
        }
        for n in 2..=150 {
            at.writes(ana, id, &format!("hall {n}")).await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        at.index().await;
        let expected: Vec<i64> = (1..=150).rev().collect();
        assert_eq!(at.finds(bo, "hall").await, expected);
        let lines = "select sum(length(entries) - length(replace(entries, '\n', ''))) from search_blocks";
        assert_eq!(at.number(lines), 150);
    }

    what_is_indexed_once_more_is_found_once(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let ids = [at.hall_of(ana, bo).await, at.hall_of(ana, at.person("cleo")).await];
        for n in 2..=150 {
            for id in ids {
                at.writes(ana, id, &format!("hall {n}")).await;
            }
        }
        at.index().await;
        // As after a crash before the last part of a turn.
        at.execute("update search_progress set seq = 0");
        at.index().await;
        assert_eq!(at.finds_in_pages(ana, "hall", 250).await.len(), 300);
        let lines = "select sum(length(entries) - length(replace(entries, '\n', ''))) from search_blocks";
        assert_eq!(at.number(lines), 300);
    }

    a_message_deleted_while_it_is_indexed_leaves_no_terms(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let id = at.hall_of(ana, bo).await;
        for n in 2..=200 {
            at.writes(ana, id, &format!("hall {n}")).await;
        }
        let nodes = at.nodes();
        let node = nodes[nodes.len() - 1].clone();
        let indexing = tokio::spawn(async move {
            while node.index_messages().await.unwrap() != Indexed::All {}
        });
        for position in (2..=200).step_by(7) {
            at.store.delete_for_everyone(ana, id, position).await.unwrap();
        }
        indexing.await.unwrap();
        at.index().await;
        let left = at.number(
            "select count(*) from search_blocks b join messages m
             on m.conversation_id = b.conversation_id and m.position / 16 = b.block
             where m.deleted_at is not null and b.entries like '%\n' || m.position || ':%'",
        );
        assert_eq!(left, 0);
        assert_eq!(at.finds(bo, "hall").await.len(), 200 - 29);
    }
}
