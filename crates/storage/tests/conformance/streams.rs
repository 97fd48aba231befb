//! The log as each person reads it.

use pinwire_domain::board::Privacy;
use pinwire_domain::conversation::SendMode;
use pinwire_domain::draft::DraftContent;
use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::group::History;
use pinwire_domain::head::HeadState;
use pinwire_domain::membership::MembershipChange;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::reaction::Emoji;
use pinwire_domain::settings::SettingsChange;
use pinwire_domain::{ConversationId, PinId, Time, UserId};
use pinwire_storage::events::{ResyncReason, Stretch, Subjects, What};
use pinwire_storage::log::LoggedEvent;
use pinwire_storage::send::{SendRequest, What as Sending};

use crate::acts::request;
use crate::boards::{board, full};
use crate::explain;
use crate::stores::{TestStore, on_postgres, on_sqlite};

/// The next events that were committed, with those they concern, and what was known of them.
async fn taken(at: &mut TestStore, count: usize) -> (Vec<(LoggedEvent, Vec<UserId>)>, Subjects) {
    let (mut all, mut subjects) = (Vec::new(), Subjects::default());
    while all.len() < count.max(1) {
        let batch = at.committed.try_recv().expect("it was committed");
        all.extend(batch.events);
        subjects.absorb(batch.subjects);
    }
    all.sort_by_key(|(event, _)| event.seq);
    let mut told = Vec::with_capacity(all.len());
    for (event, people) in all {
        // Where the act did not know whom it concerns, that is looked up.
        let people = match people {
            Some(people) => people,
            None => at
                .store
                .audiences(vec![event.clone()])
                .await
                .unwrap()
                .remove(0),
        };
        told.push((event, people));
    }
    (told, subjects)
}

/// The one event of the last act, described by what its batch had in memory and as it is read from the database;
/// `known` tells whether the batch had it.
async fn same_as_read(at: &mut TestStore, known: usize) {
    let (events, subjects) = taken(at, 1).await;
    assert_eq!(events.len(), 1);
    explain::run(at);
    let described = at.store.describe(events.clone(), &subjects).await.unwrap();
    assert_eq!(explain::run(at).is_empty(), known == 1, "{events:?}");
    let read = at
        .store
        .describe(events, &Subjects::default())
        .await
        .unwrap();
    assert_eq!(described, read);
}

/// All of a person's events after `seq`, read in stretches of two.
async fn hears(at: &TestStore, person: UserId, seq: i64) -> Vec<(i64, EventKind)> {
    let mut heard = Vec::new();
    let mut after = seq;
    loop {
        match stretch(at, person, after).await {
            Stretch::Events {
                events,
                reached,
                more,
            } => {
                heard.extend(events.iter().map(|e| (e.event.seq, e.event.kind)));
                after = reached;
                if !more {
                    return heard;
                }
            }
            Stretch::Resync(reason) => panic!("{reason:?}"),
        }
    }
}

async fn stretch(at: &TestStore, person: UserId, seq: i64) -> Stretch {
    let after = Cursor {
        epoch: at.store.epoch().into(),
        seq,
    };
    at.store.stream(person, after, 2).await.unwrap().value
}

both! {
    each_person_hears_what_concerns_them_once_and_in_order(at) {
        use EventKind::{HeadClosed, MembershipUpdated, MessageCreated, ReadUpdated};
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        at.sends_to(cy, at.pin(cy), ana).await;
        at.store.read_to(bo, id, 1).await.unwrap();
        at.store.close_head(bo, id).await.unwrap();
        at.store.flag_unread(bo, id, true).await.unwrap();
        assert_eq!(hears(at, ana, 0).await, [(1, MessageCreated), (2, MessageCreated), (3, ReadUpdated)]);
        let bos = [(1, MessageCreated), (3, ReadUpdated), (4, HeadClosed), (5, MembershipUpdated)];
        assert_eq!(hears(at, bo, 0).await, bos);
        assert_eq!(hears(at, bo, 3).await, bos[2..]);
        assert_eq!(hears(at, cy, 0).await, [(2, MessageCreated)]);
        assert_eq!(hears(at, cy, 2).await, []);
    }

    a_cursor_of_another_history_asks_for_a_new_start(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(stretch(at, bo, 2).await, Stretch::Resync(ResyncReason::Ahead));
        let other = Cursor { epoch: "other".into(), seq: 0 };
        let read = at.store.stream(bo, other, 2).await.unwrap().value;
        assert_eq!(read, Stretch::Resync(ResyncReason::Epoch));
        at.execute("update log_head set trimmed_seq = 1");
        assert_eq!(stretch(at, bo, 0).await, Stretch::Resync(ResyncReason::Trimmed));
        assert!(matches!(stretch(at, bo, 1).await, Stretch::Events { .. }));
    }

    an_event_shows_the_present_and_a_withheld_message_shows_nothing(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.block(bo, ana);
        at.writes(ana, id, "unwanted").await;
        let Stretch::Events { events, .. } = stretch(at, bo, 0).await else { panic!() };
        assert_eq!(events.len(), 1);
        let What::Message(message) = &events[0].what else { panic!() };
        let conversation = events[0].conversation.as_ref().unwrap();
        assert_eq!((message.position, conversation.members.len()), (1, 2));
        assert_eq!(hears(at, ana, 0).await.len(), 2);
    }

    a_membership_period_bounds_what_is_heard(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        at.writes(ana, id, "two").await;
        at.writes(ana, id, "three").await;
        at.execute(&format!(
            "update membership_periods set joined_seq = 1, left_seq = 2 where user_id = {bo}"
        ));
        assert_eq!(hears(at, bo, 0).await.iter().map(|e| e.0).collect::<Vec<_>>(), [2]);
        let logged = at.store.log_after(0, 10).await.unwrap();
        let concerned: Vec<usize> = logged.0.iter().map(|(_, people)| people.len()).collect();
        assert_eq!((concerned, logged.1), (vec![1, 2, 1], 3));
    }

    what_is_committed_is_told_in_order_without_holes(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let writes: Vec<_> = (0..50)
            .map(|n| {
                let store = at.store.clone();
                tokio::spawn(async move {
                    let text = format!("{n}");
                    let draft = MessageDraft::new(Some(&text), None);
                    store.send_message(full(bo), id, draft.unwrap(), None, None).await.unwrap()
                })
            })
            .collect();
        for write in writes {
            write.await.unwrap();
        }
        let mut told = Vec::new();
        while let Ok(batch) = at.committed.try_recv() {
            told.extend(batch.events.iter().map(|(e, _)| e.seq));
        }
        told.sort_unstable();
        assert_eq!(told, (1..=51).collect::<Vec<_>>());
        assert_eq!(at.number("select max(position) from messages"), 51);
        assert_eq!(at.number("select count(distinct position) from messages"), 51);
        assert_eq!(at.number("select last_seq from conversations"), 51);
        let times = at.store.log_after(0, 1).await.unwrap().0;
        assert_eq!(times[0].0.at, Time::from_millis(at.now().as_millis()));
    }
}

/// Answers, what messages carry and what is passed on are known, too, also where somebody does not see what is answered.
async fn answers_are_true(at: &mut TestStore, (ana, bo): (UserId, UserId), id: ConversationId) {
    let hall = board(at, ana, "Hall", Privacy::Public).await;
    // Bo's is kept from cy.
    for (who, position) in [(ana, 1), (bo, 3), (ana, 4)] {
        at.answers(who, (id, position), "Yes").await.unwrap();
        same_as_read(at, 1).await;
    }
    for carried in [Carried::Board(hall), Carried::Profile(bo)] {
        let draft = MessageDraft::new(None, Some(carried)).unwrap();
        at.store
            .send_message(full(ana), id, draft, None, None)
            .await
            .unwrap();
        same_as_read(at, 1).await;
    }
    let forward = SendRequest {
        what: Sending::Forward(id, 1),
        ..request(PinId::new(1), &[bo], SendMode::Separate)
    };
    at.store.send(full(ana), forward).await.unwrap();
    same_as_read(at, 1).await;
}

/// A message that was changed is read for those who are told, also when the batch before had it in memory.
async fn changes_are_read(at: &mut TestStore, (ana, bo): (UserId, UserId), id: ConversationId) {
    let place = (id, 3);
    let text = Some("3".to_owned());
    at.store.edit_message(ana, place, text).await.unwrap();
    same_as_read(at, 0).await;
    let emoji = Emoji::parse("👍").unwrap();
    at.store.react(ana, place, emoji, true).await.unwrap();
    same_as_read(at, 0).await;
    at.store.delete_for_me(ana, id, 2).await.unwrap();
    same_as_read(at, 0).await;
    at.store.delete_for_everyone(ana, id, 3).await.unwrap();
    same_as_read(at, 0).await;
    changes_of_the_group_are_read(at, (ana, bo), id).await;
}

/// Who comes and goes is not decided in memory; what follows knows of it.
async fn changes_of_the_group_are_read(
    at: &mut TestStore,
    (ana, bo): (UserId, UserId),
    id: ConversationId,
) {
    let dee = at.person("dee");
    at.follow(dee, ana);
    at.adds(ana, id, dee, History::FromJoin).await;
    same_as_read(at, 0).await;
    for known in [1, 1] {
        at.writes(bo, id, "hello").await;
        same_as_read(at, known).await;
    }
    at.store
        .name_group(bo, id, Some("Hall".into()))
        .await
        .unwrap();
    same_as_read(at, 0).await;
    at.writes(dee, id, "hello").await;
    same_as_read(at, 1).await;
    at.store.remove_member(ana, id, dee).await.unwrap();
    taken(at, 2).await;
    at.writes(bo, id, "hello").await;
    same_as_read(at, 1).await;
}

async fn what_is_ones_own_is_true(at: &mut TestStore, bo: UserId, group: ConversationId) {
    let hidden = MembershipChange {
        hidden: Some(true),
        muted_until: Some(Some(at.now())),
        ..MembershipChange::default()
    };
    at.store.change_membership(bo, group, hidden).await.unwrap();
    same_as_read(at, 1).await;
    let draft = DraftContent::new(Some("For"), None).unwrap();
    at.store.keep_draft(bo, group, draft).await.unwrap();
    same_as_read(at, 0).await;
}

/// What a batch had in memory is what the database has, act by act.
async fn memory_is_true(at: &mut TestStore) {
    let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
    let (direct, _) = at.sends_to(ana, at.pin(ana), bo).await;
    same_as_read(at, 1).await;
    let group = at
        .store
        .begin_conversation(ana, vec![bo, cy], None, None)
        .await
        .unwrap();
    same_as_read(at, 1).await;
    let group = ConversationId::new(group.outcome.0);
    at.block(cy, bo);
    for id in [direct, group, group] {
        at.writes(bo, id, "hello").await;
        same_as_read(at, 1).await;
    }
    // What somebody sees who has blocked another member is read.
    at.writes(ana, group, "hello").await;
    same_as_read(at, 0).await;
    at.execute("delete from blocks");
    at.store.close_head(ana, group).await.unwrap();
    same_as_read(at, 0).await;
    // Cy does not see bo's two: what lies between the marks is not known, and read.
    for (person, position, known) in [(bo, 3, 1), (cy, 1, 0), (cy, 3, 1)] {
        at.store.read_to(person, group, position).await.unwrap();
        same_as_read(at, known).await;
    }
    at.store.flag_unread(ana, group, true).await.unwrap();
    same_as_read(at, 1).await;
    at.store.deliver(ana, vec![(group, 2)]).await.unwrap();
    same_as_read(at, 1).await;
    what_is_ones_own_is_true(at, bo, group).await;
    at.writes(ana, group, "three").await;
    same_as_read(at, 1).await;
    answers_are_true(at, (ana, bo), group).await;
    changes_are_read(at, (ana, bo), group).await;
    at.store
        .set_head(cy, group, HeadState::Open, Some("phone".into()))
        .await
        .unwrap();
    same_as_read(at, 0).await;
    private_marks_are_true(at, ana, bo, group).await;
    let many: Vec<_> = (0..20)
        .map(|n| {
            let (store, id) = (at.store.clone(), if n % 3 == 0 { direct } else { group });
            let who = if n % 2 == 0 { ana } else { bo };
            tokio::spawn(async move {
                let draft = MessageDraft::new(Some("x"), None).unwrap();
                store
                    .send_message(full(who), id, draft, None, None)
                    .await
                    .unwrap()
            })
        })
        .collect();
    for one in many {
        one.await.unwrap();
    }
    at.writes(bo, direct, "last").await;
    at.writes(bo, group, "last").await;
    let (events, subjects) = taken(at, 22).await;
    let known = at.store.describe(events.clone(), &subjects).await.unwrap();
    let read = at
        .store
        .describe(events, &Subjects::default())
        .await
        .unwrap();
    assert_eq!(known.last(), read.last());
}

/// The same while somebody keeps their read mark back, and when they show it again.
async fn private_marks_are_true(at: &mut TestStore, ana: UserId, bo: UserId, id: ConversationId) {
    for shown in [false, true] {
        let change = SettingsChange {
            read_receipts: Some(shown),
            ..SettingsChange::default()
        };
        at.store.change_settings(bo, change).await.unwrap();
        same_as_read(at, 0).await;
        let position = at.writes(ana, id, "more").await;
        same_as_read(at, 1).await;
        at.store.read_to(bo, id, position).await.unwrap();
        same_as_read(at, 1).await;
        let position = at.writes(bo, id, "answer").await;
        same_as_read(at, 1).await;
        at.store.read_to(ana, id, position).await.unwrap();
        same_as_read(at, 1).await;
        let somebody = at.person(&format!("somebody_{shown}"));
        at.sends_to(somebody, at.pin(somebody), bo).await;
        same_as_read(at, 1).await;
    }
}

#[test]
fn memory_is_true_on_sqlite() {
    explain::record();
    on_sqlite(memory_is_true);
}

#[test]
fn memory_is_true_on_postgres() {
    explain::record();
    on_postgres(memory_is_true);
}
