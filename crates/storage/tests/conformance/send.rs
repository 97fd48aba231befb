//! Sending a pin: to whom, once, and what is refused.

use pinwire_domain::UserId;
use pinwire_domain::board::Access;
use pinwire_domain::conversation::SendMode::{Group, Separate};
use pinwire_domain::message::MessageDraft;
use pinwire_storage::send::{Recipient, SendRequest, SentTo};

use crate::acts::{key, only, refusal, request};
use crate::boards::full;
use crate::pins::secret_pin;

both! {
    two_people_have_one_conversation_whoever_sends(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (chair, lamp) = (at.pin(ana), at.pin(bo));
        let (first, one) = at.sends_to(ana, chair, bo).await;
        let (second, two) = at.sends_to(bo, lamp, ana).await;
        assert_eq!((first, one, two), (second, 1, 2));
        assert_eq!(at.number("select count(*) from conversations"), 1);
        assert_eq!(at.store.head().await.unwrap(), 2);
    }

    a_send_to_several_goes_to_each_apart_and_each_once(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let known = at.sends_to(ana, pin, bo).await.0;
        let mut twice = request(pin, &[cy, bo, cy], Separate);
        twice.recipients.push(Recipient::Username("bo".into()));
        twice.recipients.push(Recipient::Conversation(known));
        twice.recipients.push(Recipient::Username("nobody".into()));
        let sent = at.store.send(full(ana), twice).await.unwrap().outcome.to;
        let places: Vec<_> = sent.iter().map(|s| s.recipients.clone()).collect();
        assert_eq!(places, [vec![0, 2], vec![1, 3, 4], vec![5]]);
        assert_eq!(sent[1].message, Some((known.get(), 2)));
        assert_eq!(sent[2].message, None);
        assert_eq!(at.number("select count(*) from messages"), 3);
    }

    a_group_is_found_again_by_its_people(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (chair, lamp) = (at.pin(ana), at.pin(cy));
        let first = at.store.send(full(ana), request(chair, &[bo, cy], Group)).await.unwrap();
        let again = at.store.send(full(cy), request(lamp, &[ana, bo, ana], Group)).await.unwrap();
        assert_eq!(only(&first).0, only(&again).0);
        assert_eq!(only(&again).1, 2);
        // A group of two people is their direct conversation.
        let pair = at.store.send(full(ana), request(chair, &[bo], Group)).await.unwrap();
        assert_eq!(only(&pair).0, at.sends_to(bo, at.pin(bo), ana).await.0.get());
    }

    who_cannot_be_reached_is_told_apart_only_as_unavailable(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        at.execute(&format!("update users set closed_at = 1 where id = {bo}"));
        at.block(ana, cy);
        let nobody = UserId::new(99);
        let all = at.store.send(full(ana), request(pin, &[bo, cy, nobody], Separate)).await;
        assert_eq!(refusal(all), "NobodyAvailable { recipients: [0, 1, 2] }");
        let dee = at.person("dee");
        let group = at.store.send(full(ana), request(pin, &[dee, bo], Group)).await;
        assert_eq!(refusal(group), "RecipientUnavailable { recipients: [1] }");
        let some = at.store.send(full(ana), request(pin, &[bo, dee], Separate)).await.unwrap().outcome.to;
        assert_eq!(some[0], SentTo { recipients: vec![0], message: None });
        assert!(some[1].message.is_some());
        assert_eq!(at.number("select count(*) from messages"), 1);
    }

    what_a_send_may_not_do_changes_nothing(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let theirs = at.sends_to(bo, at.pin(bo), cy).await.0;
        let before = at.store.head().await.unwrap();
        let to = |recipients| SendRequest { recipients, ..request(pin, &[], Separate) };
        let send = |request| at.store.send(full(ana), request);
        assert_eq!(refusal(send(to(vec![])).await), "NoRecipients");
        assert_eq!(refusal(send(to(vec![Recipient::User(ana)])).await), "Yourself");
        assert_eq!(
            refusal(send(to(vec![Recipient::Conversation(theirs)])).await),
            "ConversationNotFound"
        );
        let mut group = to(vec![Recipient::User(bo), Recipient::Conversation(theirs)]);
        group.mode = Group;
        assert_eq!(refusal(send(group).await), "ConversationInGroup");
        let many: Vec<_> = (0..11).map(|n| Recipient::User(UserId::new(1_000 + n))).collect();
        assert_eq!(refusal(send(to(many)).await), "TooManyRecipients { limit: 10 }");
        at.execute(&format!("update pins set removed_at = 1 where id = {pin}"));
        assert_eq!(refusal(send(to(vec![Recipient::User(bo)])).await), "PinNotFound");
        assert_eq!(at.store.head().await.unwrap(), before);
        assert_eq!(at.number("select count(*) from conversations"), 1);
    }

    a_group_holds_as_many_as_the_limit_and_not_one_more(at) {
        let ana = at.person("ana");
        let others: Vec<UserId> = (0..10).map(|n| at.person(&format!("p{n}"))).collect();
        let pin = at.pin(ana);
        let nine = request(pin, &others[..9], Group);
        assert!(at.store.send(full(ana), nine).await.is_ok());
        let ten = at.store.send(full(ana), request(pin, &others, Group)).await;
        assert_eq!(refusal(ten), "TooManyPeople { limit: 10 }");
    }

    a_secret_pin_is_sent_by_its_owner_alone(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = secret_pin(at, ana).await;
        let stranger = at.store.send(full(bo), request(pin, &[cy], Separate)).await;
        assert_eq!(refusal(stranger), "PinNotFound");
        at.sends_to(ana, pin, bo).await;
        let receiver = at.store.send(full(bo), request(pin, &[cy], Separate)).await;
        assert_eq!(refusal(receiver), "PinIsSecret");
        let unaware = Access { secret: false, ..full(ana) };
        let hidden = at.store.send(unaware, request(pin, &[cy], Separate)).await;
        assert_eq!(refusal(hidden), "PinNotFound");
    }

    a_repeat_with_the_same_key_makes_nothing_new(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let mut send = request(pin, &[bo], Separate);
        send.key = Some(key("k1", "POST /send", "body"));
        let first = at.store.send(full(ana), send.clone()).await.unwrap();
        at.wait_millis(400 * 24 * 60 * 60 * 1_000);
        let again = at.store.send(full(ana), send.clone()).await.unwrap();
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!(first.outcome.to, again.outcome.to);
        assert_eq!(at.store.head().await.unwrap(), 1);
        // Another body, another route; another person's key is their own.
        send.key = Some(key("k1", "POST /send", "other"));
        assert_eq!(refusal(at.store.send(full(ana), send.clone()).await), "IdempotencyKeyReused");
        send.key = Some(key("k1", "POST /other", "body"));
        assert_eq!(refusal(at.store.send(full(ana), send).await), "IdempotencyKeyReused");
        let mut bos = request(at.pin(bo), &[ana], Separate);
        bos.key = Some(key("k1", "POST /send", "body"));
        assert!(!at.store.send(full(bo), bos).await.unwrap().replayed);
    }

    a_refused_act_does_not_use_up_its_key(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let mut send = request(pinwire_domain::PinId::new(1_000), &[bo], Separate);
        send.key = Some(key("k1", "POST /send", "body"));
        assert_eq!(refusal(at.store.send(full(ana), send.clone()).await), "PinNotFound");
        at.pin(ana);
        assert!(!at.store.send(full(ana), send).await.unwrap().replayed);
    }

    twins_in_flight_make_one_message(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let sends = (0..40).map(|n| {
            let mut send = request(pin, &[bo], Separate);
            send.key = Some(key(&format!("k{}", n % 10), "POST /send", "body"));
            let store = at.store.clone();
            tokio::spawn(async move { store.send(full(ana), send).await.unwrap() })
        });
        let mut new = 0;
        for send in sends.collect::<Vec<_>>() {
            new += i32::from(!send.await.unwrap().replayed);
        }
        assert_eq!(new, 10);
        assert_eq!(at.number("select count(*) from messages"), 10);
        assert_eq!(at.number("select max(position) from messages"), 10);
    }

    a_dry_run_tells_what_a_send_would_do_and_writes_nothing(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (chair, lamp) = (at.pin(ana), at.pin(ana));
        let (known, _) = at.sends_to(ana, chair, bo).await;
        let nobody = UserId::new(99);
        let would = at.store.would_send(full(ana), request(chair, &[bo, cy, nobody], Separate)).await.unwrap();
        let told: Vec<_> =
            would.iter().map(|w| (w.available, w.existing, w.already_sent)).collect();
        assert_eq!(told, [(true, Some(known), true), (true, None, false), (false, None, false)]);
        let other = at.store.would_send(full(ana), request(lamp, &[bo], Separate)).await.unwrap();
        assert!(!other[0].already_sent);
        assert_eq!(at.store.head().await.unwrap(), 1);
        assert_eq!(at.number("select count(*) from conversations"), 1);
    }

    only_members_write_and_see(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let draft = MessageDraft::new(Some("hi"), None).unwrap();
        let written = at.store.send_message(full(cy), id, draft, None, None).await;
        assert_eq!(refusal(written), "ConversationNotFound");
        assert_eq!(refusal(at.store.conversation(cy, id).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.read_to(cy, id, 1).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.close_head(cy, id).await), "ConversationNotFound");
    }

    a_conversation_begun_without_a_message_is_the_one_found_later(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, new) = at.store.begin_conversation(ana, vec![bo], None, None).await.unwrap().outcome;
        assert!(new);
        let again = at.store.begin_conversation(bo, vec![ana], None, None).await.unwrap().outcome;
        assert_eq!(again, (id, false));
        assert_eq!(at.sends_to(ana, at.pin(ana), bo).await.0.get(), id);
        let alone = at.store.begin_conversation(ana, vec![ana], None, None).await;
        assert_eq!(refusal(alone), "NoRecipients");
    }

    what_a_blocked_person_writes_is_withheld_and_moves_nothing(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        at.store.read_to(bo, id, 1).await.unwrap();
        at.block(bo, ana);
        assert_eq!(at.writes(ana, id, "are you there?").await, 2);
        assert_eq!(at.sees(bo, id).await.mine.unread.messages, 0);
        let seen = at.store.messages(bo, id, pinwire_storage::messages::Page::Newest, 10).await;
        assert_eq!(seen.unwrap().value.len(), 1);
        assert_eq!(at.sees(ana, id).await.last_message.unwrap().position, 2);
    }
}
