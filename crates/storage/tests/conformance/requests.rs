//! Contact requests: a stranger's first pin waits, and whoever sent it learns nothing of what becomes of it.

use pinwire_domain::conversation::{MembershipState, SendMode};
use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::group::History;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::policy::Placement;
use pinwire_domain::report::{Action, CaseState, Decision, Subject};
use pinwire_domain::settings::{ContactPolicyChange, SettingsChange};
use pinwire_domain::{ConversationId, PinId, UserId, limits};
use pinwire_storage::events::{Stretch, What as Shown};
use pinwire_storage::inbox::Filter;
use pinwire_storage::send::{Recipient, SendRequest, What};

use crate::acts::{only, refusal, request};
use crate::boards::full;
use crate::stores::TestStore;

impl TestStore {
    /// Somebody who has set nothing.
    fn stranger(&self, username: &str) -> UserId {
        let person = self.person(username);
        self.is_wary(person);
        person
    }

    async fn waiting(&self, person: UserId) -> Vec<ConversationId> {
        let page = self.store.requests(person, None, 9).await.unwrap().value;
        page.items.iter().map(|it| it.conversation.id).collect()
    }

    /// The kinds of events that a person hears after a place.
    async fn told(&self, person: UserId, seq: i64) -> Vec<EventKind> {
        let cursor = Cursor {
            epoch: self.store.epoch().into(),
            seq,
        };
        let Stretch::Events { events, .. } =
            self.store.stream(person, cursor, 99).await.unwrap().value
        else {
            panic!()
        };
        events.iter().map(|it| it.event.kind).collect()
    }

    async fn tries(&self, sender: UserId, to: UserId, text: &str, pin: Option<PinId>) -> String {
        let draft = MessageDraft::new(Some(text), pin.map(Carried::Pin)).unwrap();
        let send = |draft| SendRequest {
            what: What::Draft(draft),
            ..request(PinId::new(1), &[to], SendMode::Separate)
        };
        let would = self
            .store
            .would_send(full(sender), send(draft.clone()))
            .await;
        let would = would.map_or_else(
            |e| refusal::<()>(Err(e)),
            |it| format!("{}", it[0].available),
        );
        let sent = self.store.send(full(sender), send(draft)).await;
        let sent = sent.map_or_else(
            |e| refusal::<()>(Err(e)),
            |it| format!("{}", it.outcome.to[0].message.is_some()),
        );
        assert_eq!(would, sent, "a dry run says the same");
        sent
    }

    async fn sets(&self, person: UserId, contacts: ContactPolicyChange) {
        let change = SettingsChange {
            contacts,
            ..SettingsChange::default()
        };
        self.store.change_settings(person, change).await.unwrap();
    }
}

both! {
    a_day_has_so_many_requests_whatever_becomes_of_them(at) {
        let (ana, late) = (at.stranger("ana"), at.stranger("late"));
        let pin = at.pin(ana);
        let most = limits::REQUESTS_A_DAY_NEW_MAX;
        for number in 0..most {
            let other = at.stranger(&format!("bo{number}"));
            if number == 2 {
                at.store.block(other, ana).await.unwrap();
            }
            let (id, _) = at.sends_to(ana, pin, other).await;
            match number {
                0 => at.store.accept_request(other, id).await.unwrap(),
                1 => at.store.ignore_request(other, id).await.unwrap(),
                _ => {}
            }
        }
        let refused = at.tries(ana, late, "hello", Some(pin)).await;
        assert!(refused.starts_with("DailyLimit"), "{refused}");
        // Whom she knows, she writes to as ever.
        let friend = at.person("friend");
        at.sends_to(ana, pin, friend).await;
        at.wait_millis(24 * 60 * 60 * 1_000);
        at.sends_to(ana, pin, late).await;
        assert_eq!(at.waiting(late).await.len(), 1);
    }

    a_day_has_so_many_invitations_into_groups(at) {
        let ana = at.stranger("ana");
        let most = limits::INVITATIONS_A_DAY_NEW_MAX;
        let mut group = None;
        for number in 0..most - 1 {
            let other = at.stranger(&format!("bo{number}"));
            let begun = at.store.begin_conversation(ana, vec![other], Some("Hall".into()), None);
            group = Some(ConversationId::new(begun.await.unwrap().outcome.0));
        }
        // By adding, too, and also one who never hears of it.
        let group = group.unwrap();
        let shut = at.stranger("shut");
        at.store.block(shut, ana).await.unwrap();
        at.store.add_members(ana, group, vec![shut], History::All, None).await.unwrap();
        let late = at.stranger("late");
        let refused = at.store.add_members(ana, group, vec![late], History::All, None).await;
        assert!(refusal(refused).starts_with("DailyLimit"));
        let refused = at.store.begin_conversation(ana, vec![late], Some("Hall".into()), None).await;
        assert!(refusal(refused).starts_with("DailyLimit"));
        // Whom she knows she adds as ever, also one who has blocked her since: she does not learn of it.
        let [friend, former] = ["friend", "former"].map(|name| at.person(name));
        at.store.block(former, ana).await.unwrap();
        at.store.add_members(ana, group, vec![friend, former], History::All, None).await.unwrap();
        at.wait_millis(limits::DAY_MS);
        at.store.add_members(ana, group, vec![late], History::All, None).await.unwrap();
        assert_eq!(at.waiting(late).await, [group]);
        assert_eq!(at.store.sweep().await.unwrap().counts, 10);
    }

    the_same_to_many_strangers_waits_for_a_moderator(at) {
        let mo = at.person("mo");
        at.store.grant_moderation(mo).await.unwrap();
        let ana = at.stranger("ana");
        at.wait_millis(limits::ACCOUNT_NEW_MS);
        let pin = at.pin(ana);
        let most = limits::SAME_TO_STRANGERS_MAX;
        for number in 0..most {
            let other = at.stranger(&format!("bo{number}"));
            at.sends_to(ana, pin, other).await;
            assert_eq!(at.waiting(other).await.len(), 1, "{number}");
        }
        let [late, shut] = ["late", "shut"].map(|name| at.stranger(name));
        at.store.block(shut, ana).await.unwrap();
        let before = at.store.head().await.unwrap();
        let (id, position) = at.sends_to(ana, pin, late).await;
        at.sends_to(ana, pin, shut).await;
        // Ana sees what she always sees, and nobody is told.
        assert_eq!((position, at.members_of(ana, id).await), (1, vec![ana, late]));
        assert_eq!(at.waiting(late).await, []);
        assert_eq!(at.told(late, before).await, []);
        // Another pin is another thing, and so is this one among friends.
        at.sends_to(ana, pin, at.person("friend")).await;

        let open = at.store.cases(CaseState::Open, None, 9).await.unwrap().items;
        let [case] = &open[..] else { panic!("{open:?}") };
        assert_eq!((case.subject, case.reporters), (Subject::Pin(pin), 0));
        at.store.claim_case(mo, case.id).await.unwrap();
        let nothing = Decision::new(Action::None, None, None).unwrap();
        at.store.resolve_case(mo, case.id, nothing).await.unwrap();
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.waiting(late).await, [id]);
        assert_eq!(at.told(late, before).await, [EventKind::RequestCreated]);
        assert_eq!(at.waiting(shut).await, []);
        assert_eq!(at.number("select count(*) from held_requests"), 0);
        // It was looked at.
        let next = at.stranger("next");
        at.sends_to(ana, pin, next).await;
        assert_eq!(at.waiting(next).await.len(), 1);
    }

    new_accounts_count_together_and_what_is_bad_never_arrives(at) {
        let mo = at.person("mo");
        at.store.grant_moderation(mo).await.unwrap();
        let senders: Vec<_> = ["ana", "bo"].map(|name| at.stranger(name)).into();
        let pins = [at.pin(senders[0]), at.pin(senders[1])];
        at.execute("update pins set image_url = 'https://img.example/same.jpg'");
        for number in 0..limits::SAME_TO_STRANGERS_MAX {
            let other = at.stranger(&format!("cy{number}"));
            let turn = usize::try_from(number).unwrap() % 2;
            at.sends_to(senders[turn], pins[turn], other).await;
            assert_eq!(at.waiting(other).await.len(), 1, "{number}");
        }
        let late = at.stranger("late");
        at.sends_to(senders[0], pins[0], late).await;
        assert_eq!(at.waiting(late).await, []);
        let open = at.store.cases(CaseState::Open, None, 9).await.unwrap().items;
        at.store.claim_case(mo, open[0].id).await.unwrap();
        let remove = Decision::new(Action::Remove, None, None).unwrap();
        at.store.resolve_case(mo, open[0].id, remove).await.unwrap();
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.waiting(late).await, []);
        assert_eq!(at.number("select count(*) from held_requests"), 0);
        at.wait_millis(limits::DAY_MS);
        at.store.sweep().await.unwrap();
        assert_eq!(at.number("select count(*) from request_marks"), 0);
    }

    who_is_seldom_answered_asks_fewer(at) {
        let ana = at.stranger("ana");
        at.wait_millis(limits::ACCOUNT_NEW_MS);
        let mut asked = Vec::new();
        for number in 0..limits::REQUESTS_UNANSWERED_MAX {
            let (pin, other) = (at.pin(ana), at.stranger(&format!("bo{number}")));
            asked.push((at.sends_to(ana, pin, other).await.0, other));
        }
        at.wait_millis(limits::DAY_MS);
        let few = limits::REQUESTS_A_DAY_NEW_MAX;
        for number in 0..few {
            let (pin, other) = (at.pin(ana), at.stranger(&format!("cy{number}")));
            at.sends_to(ana, pin, other).await;
        }
        let (pin, late) = (at.pin(ana), at.stranger("late"));
        let refused = at.tries(ana, late, "hello", Some(pin)).await;
        assert!(refused.starts_with("DailyLimit"), "{refused}");
        // To be ignored makes no difference, to be taken does.
        let (id, other) = asked[0];
        at.store.ignore_request(other, id).await.unwrap();
        assert_eq!(at.tries(ana, late, "hello", Some(pin)).await, refused);
        let enough = usize::try_from(few).unwrap() + 1;
        for (id, other) in &asked[1..=enough] {
            at.store.accept_request(*other, *id).await.unwrap();
        }
        at.sends_to(ana, pin, late).await;
    }

    a_strangers_first_pin_waits_for_an_answer(at) {
        let (ana, bo) = (at.stranger("ana"), at.stranger("bo"));
        let pin = at.pin(ana);
        let before = at.store.head().await.unwrap();
        let (id, position) = at.sends_to(ana, pin, bo).await;
        assert_eq!(position, 1);
        assert_eq!(at.told(bo, before).await, [EventKind::RequestCreated]);
        assert_eq!(at.told(ana, before).await, [EventKind::MessageCreated]);
        // Bo's part of it is the request alone.
        assert_eq!(at.waiting(bo).await, [id]);
        let asked = at.store.request(bo, id).await.unwrap().value;
        assert_eq!(asked.message.unwrap().pin.unwrap().snapshot.id, pin.get());
        assert_eq!(asked.conversation.members.iter().map(|it| it.person.id).collect::<Vec<_>>(), [ana]);
        assert_eq!(refusal(at.store.conversation(bo, id).await), "ConversationNotFound");
        assert_eq!(at.inbox(bo, Filter::All).await, []);
        let totals = at.store.unread(bo).await.unwrap().value;
        assert_eq!((totals.messages, totals.requests), (0, 1));
        assert_eq!(at.store.heads(bo).await.unwrap().value.len(), 0);
        // Ana sees both of them, and waits.
        assert_eq!(at.members_of(ana, id).await, [ana, bo]);
        assert_eq!(at.tries(ana, bo, "again", Some(pin)).await, "AwaitingAnswer");
        let draft = MessageDraft::new(Some("please"), None).unwrap();
        let refused = at.store.send_message(full(ana), id, draft, None, None).await;
        assert_eq!(refusal(refused), "AwaitingAnswer");
        let to_it = SendRequest { recipients: vec![Recipient::Conversation(id)], ..request(pin, &[], SendMode::Separate) };
        assert_eq!(refusal(at.store.send(full(ana), to_it).await), "AwaitingAnswer");

        let anas = at.sees(ana, id).await;
        let before = at.store.head().await.unwrap();
        at.store.accept_request(bo, id).await.unwrap();
        assert_eq!(at.told(ana, before).await, []);
        assert_eq!(at.sees(ana, id).await, anas, "nothing that Ana sees has changed");
        let cursor = Cursor { epoch: at.store.epoch().into(), seq: before };
        let Stretch::Events { events, .. } = at.store.stream(bo, cursor, 9).await.unwrap().value else { panic!() };
        let Shown::Accepted(Some(message)) = &events[0].what else { panic!() };
        assert_eq!((events.len(), events[0].event.kind, message.position), (1, EventKind::RequestAccepted, 1));
        assert_eq!(at.waiting(bo).await, []);
        assert_eq!(at.inbox(bo, Filter::Unread).await, [id]);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 1);
        assert_eq!(at.writes(ana, id, "two").await, 2);
        assert_eq!(at.positions(bo, id).await, [1, 2]);
        assert_eq!(refusal(at.store.accept_request(bo, id).await), "RequestNotFound");
    }

    what_becomes_of_a_request_does_not_show(at) {
        let ana = at.stranger("ana");
        let pin = at.pin(ana);
        let people = ["silent", "ignores", "blocks", "blocked", "nobody", "gone"].map(|name| at.stranger(name));
        let [silent, ignores, blocks, blocked, nobody, gone] = people;
        at.store.block(blocked, ana).await.unwrap();
        at.store.block(gone, ana).await.unwrap();
        at.store.unblock(gone, ana).await.unwrap();
        at.sets(nobody, ContactPolicyChange { everyone: Some(Placement::Nobody), ..ContactPolicyChange::default() }).await;
        let before = at.store.head().await.unwrap();
        let mut ids = Vec::new();
        for person in people {
            assert_eq!(at.tries(ana, person, "x", None).await, "FirstContactNeedsPin");
            assert!(at.tries(ana, person, &"x".repeat(141), Some(pin)).await.starts_with("InvalidValue"));
            assert_eq!(at.tries(ana, person, &"x".repeat(140), Some(pin)).await, "true");
            ids.push(at.inbox(ana, Filter::All).await[0]);
        }
        at.store.ignore_request(ignores, ids[1]).await.unwrap();
        at.store.block(blocks, ana).await.unwrap();
        for (person, waits) in people.into_iter().zip([true, false, false, false, false, true]) {
            assert_eq!(!at.waiting(person).await.is_empty(), waits, "{person}");
            assert_eq!(at.inbox(person, Filter::All).await, []);
        }
        // The request of who was blocked is gone with an event, where there was one.
        assert_eq!(at.told(blocks, before).await, [EventKind::RequestCreated, EventKind::RequestIgnored, EventKind::BlockAdded]);
        assert_eq!(at.told(blocked, before).await, []);
        assert_eq!(at.told(nobody, before).await, []);
        // Ana sees the same of each.
        let (mut refusals, mut views) = (Vec::new(), Vec::new());
        for (person, id) in people.into_iter().zip(&ids) {
            refusals.push(at.tries(ana, person, "more", Some(pin)).await);
            let view = at.sees(ana, *id).await;
            let members = view.conversation.members.iter();
            let members: Vec<_> = members.filter(|it| it.person.id != ana).map(|it| (it.read_position, it.delivered_position)).collect();
            views.push(format!("{:?} {members:?} {:?}", view.mine.unread, view.conversation.last_position));
        }
        refusals.dedup();
        views.dedup();
        assert_eq!((refusals, views.len()), (vec!["AwaitingAnswer".to_owned()], 1));
        assert_eq!(at.told(ana, before).await, [EventKind::MessageCreated; 6]);
        let _ = silent;
    }

    who_knows_the_sender_is_not_asked(at) {
        let ana = at.stranger("ana");
        let [follows, talked, follower, open] = ["follows", "talked", "follower", "open"].map(|name| at.stranger(name));
        at.follow(follows, ana);
        at.follow(ana, follower);
        at.sets(open, ContactPolicyChange { everyone: Some(Placement::Inbox), ..ContactPolicyChange::default() }).await;
        let (group, _) = only(&at.store.send(full(ana), request(at.pin(ana), &[open, talked], SendMode::Group)).await.unwrap());
        let group = ConversationId::new(group);
        assert_eq!(at.waiting(talked).await, [group]);
        at.store.accept_request(talked, group).await.unwrap();
        at.writes(talked, group, "hello").await;
        for person in [follows, talked, open] {
            let (id, _) = at.sends_to(ana, at.pin(ana), person).await;
            assert_eq!(at.writes(ana, id, "and more").await, 2);
            assert_eq!(at.sees(person, id).await.mine.unread.messages, 2);
        }
        let (id, _) = at.sends_to(ana, at.pin(ana), follower).await;
        assert_eq!(at.waiting(follower).await, [id]);
    }

    writing_is_an_answer(at) {
        let (ana, bo) = (at.stranger("ana"), at.stranger("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let before = at.store.head().await.unwrap();
        assert_eq!(at.sends_to(bo, at.pin(bo), ana).await, (id, 2));
        assert_eq!(at.told(bo, before).await, [EventKind::RequestAccepted, EventKind::MessageCreated]);
        assert_eq!(at.told(ana, before).await, [EventKind::MessageCreated]);
        assert_eq!(at.positions(bo, id).await, [1, 2]);
        assert_eq!(at.writes(ana, id, "three").await, 3);
        // Also of who had ignored it, and of who had blocked the sender then: they do not see what was withheld.
        let [cy, dee] = ["cy", "dee"].map(|name| at.stranger(name));
        at.store.block(dee, ana).await.unwrap();
        for (person, seen) in [(cy, vec![1, 2]), (dee, vec![2])] {
            let (id, _) = at.sends_to(ana, at.pin(ana), person).await;
            if person == cy {
                at.store.ignore_request(cy, id).await.unwrap();
            }
            at.store.unblock(person, ana).await.unwrap();
            assert_eq!(at.sends_to(person, at.pin(person), ana).await, (id, 2));
            assert_eq!(at.positions(person, id).await, seen);
            assert_eq!(at.writes(ana, id, "three").await, 3);
        }
    }

    a_conversation_is_begun_and_asks_with_its_first_message(at) {
        let (ana, bo) = (at.stranger("ana"), at.stranger("bo"));
        let begun = at.store.begin_conversation(ana, vec![bo], None, None).await.unwrap();
        let id = ConversationId::new(begun.outcome.0);
        assert_eq!(at.waiting(bo).await, []);
        assert_eq!(at.members_of(ana, id).await, [ana, bo]);
        let draft = MessageDraft::new(Some("x"), None).unwrap();
        let refused = at.store.send_message(full(ana), id, draft, None, None).await;
        assert_eq!(refusal(refused), "FirstContactNeedsPin");
        let draft = MessageDraft::new(Some("x"), Some(Carried::Pin(at.pin(ana)))).unwrap();
        at.store.send_message(full(ana), id, draft, None, None).await.unwrap();
        assert_eq!(at.waiting(bo).await, [id]);
        let state = at.number(&format!(
            "select count(*) from memberships where user_id = {bo} and state = '{}'",
            MembershipState::Requested.name()
        ));
        assert_eq!(state, 1);
    }

    a_group_holds_nobody_who_has_not_agreed(at) {
        let (ana, bo, cy) = (at.stranger("ana"), at.stranger("bo"), at.stranger("cy"));
        at.follow(bo, ana);
        let before = at.store.head().await.unwrap();
        let sent = at.store.send(full(ana), request(at.pin(ana), &[bo, cy], SendMode::Group)).await.unwrap();
        let id = ConversationId::new(only(&sent).0);
        assert_eq!(at.members_of(ana, id).await, [ana, bo]);
        assert_eq!(at.told(cy, before).await, [EventKind::RequestCreated]);
        at.writes(bo, id, "two").await;
        let asked = at.store.request(cy, id).await.unwrap().value;
        assert_eq!((asked.message, asked.conversation.members.len()), (None, 2));
        // The group is found by its people, and writing into it is no way around the answer.
        let written = at.store.send(full(cy), request(at.pin(cy), &[ana, bo], SendMode::Group)).await;
        assert_eq!(refusal(written), "ConversationNotFound");
        at.store.accept_request(cy, id).await.unwrap();
        assert_eq!(at.members_of(ana, id).await, [ana, bo, cy]);
        assert_eq!(at.positions(cy, id).await, [1, 2, 3]);
    }
}
