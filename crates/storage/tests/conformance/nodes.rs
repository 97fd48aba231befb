//! Two nodes on one PostgreSQL.

use std::collections::BTreeSet;
use std::time::Duration;

use pinwire_domain::message::MessageDraft;
use pinwire_domain::{ConversationId, UserId};
use tokio::time::sleep;

use crate::acts::{key, request};
use crate::boards::full;
use crate::stores::on_postgres;
use pinwire_domain::conversation::SendMode;

#[test]
fn writers_of_two_nodes_leave_no_hole_and_meet_no_deadlock() {
    on_postgres(async |at| {
        let people: Vec<_> = (0..6).map(|n| at.person(&format!("p{n}"))).collect();
        let pins: Vec<_> = people.iter().map(|p| at.pin(*p)).collect();
        let nodes = at.nodes();
        let mut sends = Vec::new();
        for n in 0..300_usize {
            let store = nodes[n % 2].clone();
            let sender = people[n % 6];
            // Overlapping people in every order.
            let to: Vec<_> = (1..=3).map(|k| people[(n + k * (n % 5 + 1)) % 6]).collect();
            let to: Vec<_> = to.into_iter().filter(|p| *p != sender).collect();
            if to.is_empty() {
                continue;
            }
            let mode = if n % 3 == 0 {
                SendMode::Group
            } else {
                SendMode::Separate
            };
            let send = request(pins[n % 6], &to, mode);
            sends.push(tokio::spawn(
                async move { store.send(full(sender), send).await },
            ));
        }
        for send in sends {
            send.await.unwrap().unwrap();
        }
        assert_eq!(
            at.number(
                "select count(*) from conversations c where last_position <>
                       (select count(*) from messages m where m.conversation_id = c.id)"
            ),
            0
        );
        assert_eq!(
            at.number("select max(seq) - count(*) from events"),
            0,
            "the log has no holes"
        );
        let doubles = at.number(
            "select count(*) from (select creation_key from conversations
             group by creation_key having count(*) > 1) as twice",
        );
        assert_eq!(doubles, 0);
    });
}

#[test]
fn a_key_makes_one_message_whichever_node_is_asked() {
    on_postgres(async |at| {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let nodes = at.nodes();
        let mut sends = Vec::new();
        for n in 0..400_usize {
            let store = nodes[n % 2].clone();
            let key = key(&format!("k{}", n / 4), "POST /messages", "body");
            let draft = MessageDraft::new(Some("once"), None).unwrap();
            sends.push(tokio::spawn(async move {
                store
                    .send_message(full(ana), id, draft, None, Some(key))
                    .await
                    .unwrap()
                    .outcome
                    .to[0]
                    .message
                    .unwrap()
                    .1
            }));
        }
        let mut positions = BTreeSet::new();
        for send in sends {
            positions.insert(send.await.unwrap());
        }
        assert_eq!(positions, (2..=101).collect::<BTreeSet<i64>>());
    });
}

/// Tasks that write one after another, and what each writes.
const TASKS: usize = 8;
const EACH: i64 = 40;

#[test]
fn nodes_that_write_in_turn_lose_no_count() {
    on_postgres(async |at| {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let mut ids = Vec::new();
        for other in 0..3 {
            let cy = at.person(&format!("cy{other}"));
            let people = vec![bo, cy];
            let begun = at.store.begin_conversation(ana, people, None, None).await;
            ids.push(ConversationId::new(begun.unwrap().outcome.0));
        }
        let nodes = at.nodes();
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let (nodes, ids) = (nodes.clone(), ids.clone());
            tasks.push(tokio::spawn(async move {
                for n in 0..EACH {
                    let at = usize::try_from(n).unwrap() + task;
                    // Each node has stretches in which it alone writes, and others.
                    let store = &nodes[at / 5 % 2];
                    let id = ids[at % 3];
                    let draft = MessageDraft::new(Some("hello"), None).unwrap();
                    let key = Some(key(&format!("{task}-{n}"), "POST /messages", "body"));
                    let sender = if task % 2 == 0 { ana } else { bo };
                    let sent = store
                        .send_message(full(sender), id, draft, None, key)
                        .await
                        .unwrap();
                    let position = sent.outcome.to[0].message.unwrap().1;
                    store.read_to(sender, id, position).await.unwrap();
                    // An act with the connection.
                    store.follow(sender, "cy0").await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let all = i64::try_from(TASKS).unwrap() * EACH;
        assert_eq!(at.number("select count(*) from messages"), all);
        assert_eq!(
            at.number("select sum(last_position) from conversations"),
            all
        );
        assert_eq!(at.number("select sum(messages_sent) from memberships"), all);
        assert_eq!(at.number("select max(seq) - count(*) from events"), 0);
        let behind = at.number(
            "select count(*) from conversations c where last_seq <>
             (select max(seq) from events e where e.conversation_id = c.id)",
        );
        assert_eq!(behind, 0);
    });
}

#[test]
fn a_group_that_another_node_changed_is_not_found_by_its_people() {
    on_postgres(async |at| {
        let [ana, bo, cy, dan] = ["ana", "bo", "cy", "dan"].map(|name| at.person(name));
        let pin = at.pin(ana);
        for other in [bo, cy, dan] {
            at.follow(other, ana);
        }
        let nodes = at.nodes();
        let sends = async |node: usize, to: &[UserId], mode| {
            let sent = nodes[node].send(full(ana), request(pin, to, mode)).await;
            sent.unwrap().outcome.to[0].message.unwrap().0
        };
        // Both write, so that they wait their turn and keep what they know.
        let mut group = sends(0, &[bo, cy], SendMode::Group).await;
        for round in 0..6 {
            for node in [1, 0, 1] {
                sends(node, &[dan], SendMode::Separate).await;
            }
            assert_eq!(sends(0, &[bo, cy], SendMode::Group).await, group, "{round}");
            let title = Some(format!("Halls {round}"));
            let id = ConversationId::new(group);
            nodes[1].name_group(ana, id, title).await.unwrap();
            let another = sends(0, &[bo, cy], SendMode::Group).await;
            assert_ne!(another, group, "it has a name now");
            group = another;
        }
    });
}

/// Rounds in which one node waits for the other; a node has two writers, and each keeps what it wrote last.
const ROUNDS: i64 = 12;
/// Keeps all writers from committing for a while.
const HOLD: &str = "begin; select seq from log_head for update; select pg_sleep(0.3); commit";

#[test]
fn what_a_writer_keeps_is_not_used_when_the_log_went_on_while_it_waited() {
    on_postgres(async |at| {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let nodes = at.nodes();
        for round in 1..=ROUNDS {
            // The second node keeps the conversation.
            nodes[1].flag_unread(bo, id, true).await.unwrap();
            // Its writers take turns: the other one has nothing to write.
            nodes[1].flag_unread(bo, id, true).await.unwrap();
            let (first, second) = (nodes[0].clone(), nodes[1].clone());
            let write = tokio::spawn(async move {
                sleep(Duration::from_millis(100)).await;
                let draft = MessageDraft::new(Some("hello"), None).unwrap();
                first.send_message(full(ana), id, draft, None, None).await
            });
            // It waits for the first one's lock on the conversation.
            let read = tokio::spawn(async move {
                sleep(Duration::from_millis(200)).await;
                second.read_to(bo, id, round).await
            });
            at.execute(HOLD);
            write.await.unwrap().unwrap();
            read.await.unwrap().unwrap();
            let last = at.number("select last_position from conversations");
            assert_eq!(last, round + 1);
        }
        let sent = at.number("select sum(messages_sent) from memberships");
        assert_eq!(sent, ROUNDS + 1);
    });
}
