//! For any acts, with connections that break at any moment: what a client took once, with the events since, is what a
//! fresh fetch gives. No gap, no repeat, no inversion, which [`Socket`] and [`Replica`] look after.

use std::time::Duration;

use futures_util::future::join_all;
use pinwire_tests::{PATIENCE, Person, Pin, Replica, Socket, World, json, on_both_profiles};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use tokio::time::{Instant, sleep};

on_both_profiles!(a_snapshot_with_its_events_is_a_fresh_snapshot);

const PEOPLE: [&str; 5] = ["ana", "bob", "cleo", "dan", "eve"];
/// Acts of all people together.
const ACTS: usize = 2_000;
/// How long after it an acknowledgement is surely written.
const ACK_WRITTEN: Duration = Duration::from_secs(4);
/// Gives the same acts again. They still meet in another order, since the people act at the same time.
const SEED: &str = "PINWIRE_TEST_SEED";

async fn a_snapshot_with_its_events_is_a_fresh_snapshot(world: &World) {
    let seed: u64 = match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => random_state(),
    };
    println!("{SEED}={seed}");
    let people = world.people(PEOPLE).await;
    let mut devices = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let place = u64::try_from(place).unwrap();
        devices
            .push(Device::new(world, person, &people, StdRng::seed_from_u64(seed ^ place)).await);
    }
    join_all(devices.iter_mut().map(Device::acts)).await;
    // Each takes and acknowledges what is left, which is written a moment later and is news to the others.
    for device in &mut devices {
        device.settles().await;
    }
    sleep(ACK_WRITTEN).await;
    for device in &mut devices {
        device.settles().await;
        device.replica.is_up_to_date().await;
    }
    let reconnects: usize = devices.iter().map(|it| it.reconnects).sum();
    assert!(reconnects > 20, "only {reconnects} reconnects");
}

fn seq_of(cursor: &str) -> i64 {
    let (_, seq) = cursor.split_once(':').expect("a cursor");
    seq.parse().expect("a number")
}

fn random_state() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ())
}

/// A person's device, which acts, listens, and loses its connection now and then.
struct Device<'a> {
    world: &'a World,
    person: Person,
    others: Vec<Person>,
    pin: Pin,
    board: String,
    replica: Replica,
    socket: Option<Socket>,
    reconnects: usize,
    chance: StdRng,
}

impl<'a> Device<'a> {
    async fn new(world: &'a World, person: &Person, people: &[Person], chance: StdRng) -> Self {
        let others = people.iter().filter(|it| it.id != person.id).cloned();
        Self {
            world,
            person: person.clone(),
            others: others.collect(),
            pin: person.pins(&format!("{}'s hall", person.username)).await,
            board: person.makes_board("Halls", "PUBLIC").await,
            replica: Replica::fetch(person).await,
            socket: None,
            reconnects: 0,
            chance,
        }
    }

    async fn acts(&mut self) {
        for _ in 0..ACTS / PEOPLE.len() {
            self.act().await;
            self.changes_connection().await;
            self.listens().await;
        }
    }

    fn of_a_hundred(&mut self, percent: u32) -> bool {
        self.chance.random_ratio(percent, 100)
    }

    /// Some of the others: one at least.
    fn some_others(&mut self) -> Vec<Person> {
        let count = self.chance.random_range(1..=3);
        self.others
            .sample(&mut self.chance, count)
            .cloned()
            .collect()
    }

    async fn act(&mut self) {
        let kind = self.chance.random_range(0..100);
        let conversations = self.replica.conversations();
        let Some(conversation) = conversations
            .choose(&mut self.chance)
            .filter(|_| kind >= 30)
        else {
            return self.sends(kind).await;
        };
        let me = &self.person;
        match kind {
            30..36 => drop(me.replies(conversation, &format!("{kind} words")).await),
            36..42 => self.takes_up(&conversation.clone(), kind).await,
            42..50 => self.changes(&conversation.clone(), kind).await,
            50..65 => {
                let last = self.replica.last_position(conversation);
                me.reads(conversation, self.chance.random_range(0..=last))
                    .await;
            }
            65..67 => me.marks_unread(conversation).await,
            67..72 => self.works_on_pins(&conversation.clone(), kind).await,
            72..74 => me.unmarks_unread(conversation).await,
            74..76 => {
                let changes = [
                    json!({"muted_until": "2100-01-01T00:00:00Z"}),
                    json!({"muted_until": null, "archived": false}),
                    json!({"archived": true}),
                    json!({"hidden": true}),
                    json!({"hidden": false, "archived": false}),
                ];
                let change = changes.choose(&mut self.chance).unwrap();
                me.arranges(conversation, change).await;
            }
            76 => drop(
                me.begins_to_write(conversation, &format!("{kind} wor"))
                    .await,
            ),
            77 => me.drops_draft(conversation).await,
            78..80 => me.draws_head(conversation, "open").await,
            80..83 => me.draws_head(conversation, "minimized").await,
            83..89 => me.closes_head(conversation).await,
            89..92 => {
                let all = me.api.request(Method::POST, "/v5/conversations/read_all");
                all.send().await.is(200);
            }
            92..94 => me.is_called(&format!("{} the {kind}th", me.username)).await,
            94..96 => drop(me.sets(&json!({"read_receipts": kind == 95})).await),
            _ => {
                let last = self.replica.last_position(conversation);
                if let Some(socket) = &self.socket {
                    socket.says(
                        &json!({"type": "read", "conversation_id": conversation, "position": last}),
                    );
                }
            }
        }
    }

    /// Answers some message, passes it on, or shares something: what one may not do is refused.
    async fn takes_up(&mut self, conversation: &str, kind: i32) {
        let last = self.replica.last_position(conversation).max(1);
        let position = self.chance.random_range((last - 5).max(1)..=last);
        let others = self.some_others();
        let me = &self.person;
        let message = match kind {
            36 | 37 => json!({"text": format!("{kind} answers"), "reply_to": position}),
            38 => json!({"user_id": me.id}),
            39 => json!({"board_id": self.board}),
            40 => {
                let about = json!({"text": format!("{kind} words"), "about_pin_id": self.pin.id});
                let answer = me.writing(conversation, &about).send().await;
                // It may not have been sent here.
                assert!(matches!(answer.status, 201 | 422), "{answer}");
                return;
            }
            _ => {
                let to = json!([{"user_id": others[0].id}]);
                let answer = me.forwards(conversation, position, &to).await;
                assert!(matches!(answer.status, 201 | 404 | 409), "{answer}");
                return;
            }
        };
        let answer = me.writing(conversation, &message).send().await;
        assert!(matches!(answer.status, 201 | 404 | 409), "{answer}");
    }

    /// Changes some message, of anybody's: what one may not do is refused.
    async fn changes(&mut self, conversation: &str, kind: i32) {
        let last = self.replica.last_position(conversation);
        // Mostly one of the last, which others see in their lists.
        let first = if kind % 2 == 0 { last } else { 1 };
        let position = self
            .chance
            .random_range(first.min(last).max(1)..=last.max(1));
        let emoji = ["👍", "❤️", "🎉"][self.chance.random_range(0..3)];
        let me = &self.person;
        let answer = match kind {
            42 | 43 => {
                me.edits(conversation, position, &format!("{kind} other words"))
                    .await
            }
            44 | 45 => me.deletes(conversation, position, "everyone").await,
            46 => me.deletes(conversation, position, "me").await,
            47 => me.takes_back(conversation, position, emoji).await,
            _ => me.reacts(conversation, position, emoji).await,
        };
        assert!(
            matches!(answer.status, 200 | 204 | 403 | 404 | 409),
            "{answer}"
        );
    }

    /// Changes one's own pin, which others were sent, or does something with one of the conversation's.
    async fn works_on_pins(&mut self, conversation: &str, kind: i32) {
        let me = &self.person;
        let pins = me.pins_of(conversation).await;
        let first = pins.choose(&mut self.chance);
        let (id, position) = match first {
            Some(pin) => (&pin["pin"]["pin_id"], &pin["first_sent"]["position"]),
            None => return,
        };
        let pin = Pin {
            id: id.as_str().unwrap().to_owned(),
            title: String::new(),
        };
        let answer = match (kind, self.chance.random_range(0..3)) {
            (67 | 68, _) => me.reacts_to_pin(conversation, &pin, "👍").await,
            (69, _) => me.takes_back_from_pin(conversation, &pin, "👍").await,
            (70, _) => {
                me.saves_sent(conversation, position.as_i64().unwrap())
                    .await
            }
            (_, 0) => {
                me.removes_pin(&self.pin).await;
                self.pin = me.pins("Another hall").await;
                return;
            }
            (_, place) => {
                let elsewhere = format!("https://halls-{place}.example/");
                let title = format!("Hall {}", self.chance.random::<u16>());
                let change = json!({"title": title, "link": elsewhere});
                me.changes_pin(&self.pin, &change).await
            }
        };
        assert!(
            matches!(answer.status, 200 | 201 | 204 | 404 | 409 | 422),
            "{answer}"
        );
    }

    async fn sends(&mut self, kind: i32) {
        let others = self.some_others();
        let others: Vec<&Person> = others.iter().collect();
        let me = &self.person;
        let key = format!("k-{}", self.chance.random::<u64>());
        match kind % 5 {
            0 => drop(me.sends(&self.pin).saying("Look").to_each(&others).await),
            1 => drop(me.sends(&self.pin).to_group(&others).await),
            2 => {
                let ids: Vec<_> = others.iter().map(|it| &it.id).collect();
                let begun = me
                    .api
                    .post("/v5/conversations", &json!({"user_ids": ids}))
                    .await;
                assert!(matches!(begun.status, 200 | 201), "{begun}");
            }
            3 => {
                let twice = [(); 2].map(|()| me.sends(&self.pin).key(&key).to_group(&others));
                let answers = join_all(twice).await;
                assert_eq!(answers[0].answer.body, answers[1].answer.body);
            }
            _ => drop(me.sends(&self.pin).to(others[0]).await),
        }
    }

    /// Connects, breaks off, polls instead, moves to another node, or begins anew.
    async fn changes_connection(&mut self) {
        if self.of_a_hundred(5) {
            let node = self.world.nodes.choose(&mut self.chance).unwrap();
            self.person = self.person.on(node);
        }
        if self.socket.is_some() && self.of_a_hundred(6) {
            // Frames that were not looked at are lost with it.
            self.socket = None;
        } else if self.socket.is_none() && self.of_a_hundred(25) {
            self.reconnects += 1;
            self.socket = Some(self.person.connects_after(&self.replica.cursor()).await);
        } else if self.socket.is_none() && self.of_a_hundred(20) {
            self.polls().await;
        } else if self.socket.is_none() && self.of_a_hundred(5) {
            self.replica = Replica::fetch(&self.person).await;
        }
    }

    async fn polls(&mut self) -> usize {
        let page = self.person.polls(&self.replica.cursor(), 0).await.is(200);
        self.replica.apply_page(&page).await
    }

    async fn listens(&mut self) {
        if let Some(socket) = &mut self.socket {
            for frame in socket.drain().await {
                assert_ne!(frame["type"], "error", "{frame}");
                self.replica.apply(&frame).await;
            }
            socket.says(&json!({"type": "ack", "seq": seq_of(&socket.cursor())}));
        }
    }

    /// Listens until there is nothing more.
    async fn settles(&mut self) {
        let began = Instant::now();
        loop {
            self.listens().await;
            let left = if self.socket.is_some() {
                let page = self.person.polls(&self.replica.cursor(), 0).await.is(200);
                page["items"].as_array().unwrap().len()
            } else {
                self.polls().await
            };
            if left == 0 {
                return;
            }
            let who = &self.person.username;
            assert!(
                began.elapsed() < PATIENCE,
                "{who}'s socket keeps back {left} events"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}
