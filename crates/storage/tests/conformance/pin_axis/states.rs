//! That a pin stands otherwise is told to every conversation that holds it.

use std::collections::HashMap;

use pinwire_domain::board::Privacy;
use pinwire_domain::event::EventKind;
use pinwire_domain::group::History;
use pinwire_domain::message::PinState::{self, Edited, LinkChanged, Removed};
use pinwire_domain::pin::{PinChange, Wording};
use pinwire_domain::{PinId, UserId, limits};
use pinwire_storage::events::What;

use crate::boards::{board, full};
use crate::pins::pin;
use crate::stores::TestStore;

impl TestStore {
    /// What a person hears after `seq` of how pins stand: the pin, and its states by position.
    async fn hears_states(&self, person: UserId, seq: i64) -> Vec<(PinId, Vec<(i64, PinState)>)> {
        let heard = self.hears_of(person, seq).await.into_iter();
        heard
            .filter(|(kind, _)| *kind == EventKind::PinStateChanged)
            .map(|(_, what)| match what {
                What::PinStates(pin, mut states) => {
                    let states = states.remove(&person).unwrap().into_iter();
                    (pin, states.map(|(at, pin)| (at, pin.state)).collect())
                }
                other => panic!("{other:?}"),
            })
            .collect()
    }

    async fn edits(&self, owner: UserId, pin: PinId, wording: Wording) {
        let change = PinChange {
            board: None,
            wording,
        };
        self.store
            .change_pin(full(owner), pin, change)
            .await
            .unwrap();
    }

    /// Runs all jobs; how many turns that took.
    async fn run_jobs(&self) -> usize {
        let mut turns = 0;
        while self.store.run_job().await.unwrap() {
            turns += 1;
        }
        turns
    }
}

fn titled(title: &str) -> Wording {
    Wording::default().title(Some(Some(title.into()))).unwrap()
}

fn leading_to(link: &str) -> Wording {
    Wording::default().link(Some(Some(link.into()))).unwrap()
}

both! {
    each_conversation_hears_once_that_a_pin_stands_otherwise(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let (with_bo, _) = at.sends_to(ana, pin, bo).await;
        at.sends_to(ana, pin, cy).await;
        at.shares(bo, with_bo, pin).await;
        let seq = at.head().await;
        at.edits(ana, pin, titled("A better chair")).await;
        assert_eq!(at.hears_states(bo, seq).await, [(pin, vec![(2, Edited), (1, Edited)])]);
        assert_eq!(at.hears_states(cy, seq).await, [(pin, vec![(1, Edited)])]);
        assert_eq!(at.hears_states(ana, seq).await.len(), 2);
        // Edited again, it stands as it stood, but for who was sent it since.
        at.shares(bo, with_bo, pin).await;
        let seq = at.head().await;
        at.edits(ana, pin, titled("The best chair")).await;
        assert_eq!(at.hears_states(bo, seq).await, [(pin, vec![(3, Edited), (2, Edited), (1, Edited)])]);
        assert_eq!(at.hears_states(cy, seq).await, []);
        let seq = at.head().await;
        at.edits(ana, pin, leading_to("https://elsewhere.example/")).await;
        assert_eq!(at.hears_states(cy, seq).await, [(pin, vec![(1, LinkChanged)])]);
        let seq = at.head().await;
        at.store.delete_pin(full(ana), pin).await.unwrap();
        assert_eq!(at.hears_states(cy, seq).await, [(pin, vec![(1, Removed)])]);
        assert_eq!(at.hears_states(bo, seq).await.len(), 1);
        assert_eq!(at.run_jobs().await, 0, "all were told at once");
    }

    what_others_do_not_see_of_a_pin_tells_nobody(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        at.sends_to(ana, pin, bo).await;
        let seq = at.head().await;
        at.edits(ana, pin, Wording::default().note(Some(Some("for me".into()))).unwrap()).await;
        at.edits(ana, pin, titled("A chair")).await;
        assert_eq!(at.head().await, seq);
    }

    a_member_hears_only_of_what_they_see(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let dee = at.person("dee");
        at.follow(dee, ana);
        let id = at.group(&[ana, bo, cy]).await;
        at.block(cy, bo);
        let pin = at.pin(ana);
        let withheld = at.shares(bo, id, pin).await;
        at.adds(ana, id, dee, History::FromJoin).await;
        let seq = at.head().await;
        at.edits(ana, pin, titled("Another")).await;
        assert_eq!(at.hears_states(ana, seq).await, [(pin, vec![(withheld, Edited)])]);
        for who in [cy, dee] {
            assert_eq!(at.hears_states(who, seq).await, []);
        }
        let shown = at.shares(ana, id, pin).await;
        let seq = at.head().await;
        at.store.delete_pin(full(ana), pin).await.unwrap();
        for who in [cy, dee] {
            assert_eq!(at.hears_states(who, seq).await, [(pin, vec![(shown, Removed)])]);
        }
        assert_eq!(at.hears_states(bo, seq).await, [(pin, vec![(shown, Removed), (withheld, Removed)])]);
    }

    a_removed_board_tells_of_each_of_its_pins(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let cats = board(at, ana, "Cats", Privacy::Public).await;
        let (one, two) = (pin(at, ana, Some(cats), "one").await, pin(at, ana, Some(cats), "two").await);
        let before = pin(at, ana, Some(cats), "before").await;
        let (id, _) = at.sends_to(ana, one, bo).await;
        at.shares(ana, id, two).await;
        at.shares(ana, id, before).await;
        at.store.delete_pin(full(ana), before).await.unwrap();
        at.wait_millis(1);
        let seq = at.head().await;
        at.store.delete_board(full(ana), cats).await.unwrap();
        let heard: HashMap<PinId, _> = at.hears_states(bo, seq).await.into_iter().collect();
        assert_eq!(heard, HashMap::from([(one, vec![(1, Removed)]), (two, vec![(2, Removed)])]));
    }

    many_conversations_are_told_by_a_job_each_once(at) {
        let ana = at.person("ana");
        let pin = at.pin(ana);
        let most = i64::try_from(limits::TOLD_TOGETHER_MAX).unwrap();
        let conversations = 2 * most + 1;
        let bo = at.person("bo");
        let (first, _) = at.sends_to(ana, pin, bo).await;
        at.execute(&copies(conversations - 1));
        let seq = at.head().await;
        at.edits(ana, pin, leading_to("https://elsewhere.example/")).await;
        assert_eq!(at.head().await - seq, most);
        let told = format!(
            "select count(distinct conversation_id) from events where kind = 'pin.state_changed' and seq > {seq}"
        );
        assert_eq!((at.number(&told), at.number("select count(*) from jobs")), (most, 1));
        // A pin that is sent meanwhile is sent as it is now.
        let (late, _) = at.sends_to(ana, pin, at.person("cy")).await;
        let turns = at.run_jobs().await;
        assert!((1..=2).contains(&turns), "{turns}");
        let events = format!("select count(*) from events where kind = 'pin.state_changed' and seq > {seq}");
        let number = at.number(&events);
        assert_eq!(number, at.number(&told), "each once");
        let missed = format!(
            "select count(*) from conversations where id <> {late} and not exists (select 1 from events
             where kind = 'pin.state_changed' and conversation_id = conversations.id)"
        );
        assert_eq!((at.number(&missed), at.number("select count(*) from jobs")), (0, 0));
        assert_eq!(at.hears_states(bo, seq).await, [(pin, vec![(1, LinkChanged)])]);
        assert!(first < late);
        // What a newer version left is not ours to do.
        at.execute("insert into jobs values (1, '{\"Unheard\":{}}', 0)");
        assert_eq!(at.run_jobs().await, 0);
        let moved = "select count(*) from conversations where last_seq < 1";
        assert_eq!(at.number(moved), 0, "who catches up finds them");
    }
}

/// As many copies of the only conversation.
fn copies(count: i64) -> String {
    format!(
        "insert into conversations
             (id, kind, creation_key, created_by, created_at, last_position, last_seq, activity_seq, version)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < {count})
         select i, 'direct', 'copy ' || i, created_by, created_at, last_position, 0, 0, version
         from conversations cross join n where id > {count};
         insert into messages
             (conversation_id, position, sender_id, kind, pin_id, pin_snapshot, created_at, version)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < {count})
         select i, position, sender_id, kind, pin_id, pin_snapshot, created_at, version
         from messages cross join n where conversation_id > {count}"
    )
}
