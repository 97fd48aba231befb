//! Groups: title, and who comes and goes.

use pinwire_domain::conversation::SendMode;
use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::group::{History, NoticeCode};
use pinwire_domain::head::HeadState;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::user::ProfileChange;
use pinwire_domain::{ConversationId, UserId, limits};
use pinwire_storage::events::Stretch;
use pinwire_storage::groups::Added;
use pinwire_storage::inbox::Filter;
use pinwire_storage::messages::{Message, Page};
use pinwire_storage::send::{Recipient, SendRequest};

use crate::acts::{key, refusal, request};
use crate::boards::full;
use crate::stores::TestStore;

impl TestStore {
    pub(crate) async fn adds(
        &self,
        adder: UserId,
        id: ConversationId,
        person: UserId,
        history: History,
    ) -> Added {
        let added = self
            .store
            .add_members(adder, id, vec![person], history, None)
            .await
            .unwrap()
            .outcome;
        assert_eq!(added.len(), 1);
        assert_eq!(added[0].0, person.get());
        added[0].1
    }

    /// What a person sees of a conversation, the oldest first.
    async fn history(&self, person: UserId, id: ConversationId) -> Vec<Message> {
        let page = self.store.messages(person, id, Page::After(0), 250).await;
        page.unwrap().value
    }

    pub(crate) async fn positions(&self, person: UserId, id: ConversationId) -> Vec<i64> {
        let history = self.history(person, id).await;
        history.iter().map(|m| m.position).collect()
    }

    pub(crate) async fn members_of(&self, person: UserId, id: ConversationId) -> Vec<UserId> {
        let view = self.sees(person, id).await;
        let members = view.conversation.members.iter();
        members.map(|m| m.person.id).collect()
    }

    async fn last_notice(&self, person: UserId, id: ConversationId) -> (NoticeCode, Vec<UserId>) {
        let last = self.sees(person, id).await.last_message.unwrap();
        let notice = last.notice.clone().unwrap();
        let named: Vec<UserId> = notice.people.iter().map(|it| it.id).collect();
        assert_eq!(named, notice.told.people);
        assert_eq!(last.text, None);
        (notice.told.code, named)
    }

    /// The kinds of a person's events after `seq`.
    async fn heard(&self, person: UserId, seq: i64) -> Vec<EventKind> {
        let epoch = self.store.epoch().to_owned();
        let after = Cursor { epoch, seq };
        let stretch = self.store.stream(person, after, 250).await.unwrap().value;
        let Stretch::Events { events, .. } = stretch else {
            panic!("{stretch:?}")
        };
        events.iter().map(|it| it.event.kind).collect()
    }

    pub(crate) async fn head(&self) -> i64 {
        self.store.head().await.unwrap()
    }
}

both! {
    a_group_gets_a_title_from_any_member(at) {
        let (ana, bo, cy, dee) = (at.person("ana"), at.person("bo"), at.person("cy"), at.person("dee"));
        let id = at.group(&[ana, bo, cy]).await;
        let before = at.head().await;
        at.store.name_group(bo, id, Some(" Hall ".into())).await.unwrap();
        let view = at.sees(cy, id).await;
        assert_eq!((view.conversation.title.as_deref(), view.conversation.version), (Some("Hall"), 2));
        assert_eq!(at.last_notice(cy, id).await, (NoticeCode::TitleChanged, vec![]));
        assert_eq!(view.mine.unread.messages, 0, "a system message never counts");
        for person in [ana, bo, cy] {
            assert_eq!(at.heard(person, before).await, [EventKind::ConversationUpdated]);
        }
        at.store.name_group(cy, id, Some("Hall".into())).await.unwrap();
        assert_eq!(at.head().await, before + 1, "a repeat is no change");
        at.store.name_group(cy, id, None).await.unwrap();
        assert_eq!(at.sees(ana, id).await.conversation.title, None);
        assert_eq!(refusal(at.store.name_group(dee, id, None).await), "ConversationNotFound");
        let long = "x".repeat(limits::CONVERSATION_TITLE_MAX + 1);
        assert!(refusal(at.store.name_group(ana, id, Some(long)).await).starts_with("InvalidValue"));
        let (direct, _) = at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(refusal(at.store.name_group(bo, direct, Some("Us".into())).await), "NotAGroup");
    }

    a_group_is_found_again_until_its_title_or_people_change(at) {
        let (ana, bo, cy, dee) = (at.person("ana"), at.person("bo"), at.person("cy"), at.person("dee"));
        let id = at.group(&[ana, bo, cy]).await;
        assert_eq!(at.group(&[bo, cy, ana]).await, id);
        at.store.name_group(bo, id, Some("Hall".into())).await.unwrap();
        at.store.name_group(bo, id, None).await.unwrap();
        let second = at.group(&[ana, bo, cy]).await;
        assert_ne!(second, id);
        at.store.leave_group(cy, second).await.unwrap();
        let third = at.group(&[ana, bo, cy]).await;
        assert_ne!(third, second);
        at.is_wary(dee);
        at.adds(ana, third, dee, History::FromJoin).await;
        assert_eq!(at.group(&[ana, bo, cy]).await, third, "who is asked changes nothing yet");
        at.follow(dee, ana);
        at.adds(ana, third, dee, History::FromJoin).await;
        let pin = at.pin(ana);
        let sent = at.store.send(full(ana), request(pin, &[bo, cy], SendMode::Group)).await.unwrap();
        assert_ne!(sent.outcome.to[0].message.unwrap().0, third.get());
        // With a title, it is a new one each time.
        let named = at.store.begin_conversation(ana, vec![bo], Some("Us".into()), None).await.unwrap();
        let again = at.store.begin_conversation(ana, vec![bo], Some("Us".into()), None).await.unwrap();
        assert_ne!(named.outcome.0, again.outcome.0);
        assert_eq!(at.sees(bo, ConversationId::new(named.outcome.0)).await.conversation.title.as_deref(), Some("Us"));
    }

    a_contact_is_added_and_anybody_else_is_asked(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let [dee, eve, fay, gus] = ["dee", "eve", "fay", "gus"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        at.are_wary(&[dee, eve, fay, gus]);
        at.follow(dee, ana);
        at.execute(&format!("update user_settings set from_everyone = 'inbox' where user_id in ({eve}, {fay})"));
        let (talk, _) = at.sends_to(ana, at.pin(ana), eve).await;
        at.writes(eve, talk, "Nice").await;
        at.follow(ana, fay);
        at.sends_to(ana, at.pin(ana), fay).await;
        at.are_wary(&[eve, fay]);
        at.follow(gus, ana);
        at.block(gus, ana);
        let before = at.head().await;
        let all = vec![dee, eve, fay, gus, bo, dee];
        let added = at.store.add_members(ana, id, all, History::FromJoin, None).await.unwrap().outcome;
        let statuses: Vec<Added> = added.iter().map(|it| it.1).collect();
        assert_eq!(statuses, [Added::Added, Added::Added, Added::Asked, Added::Asked, Added::Member]);
        assert_eq!(at.members_of(bo, id).await, [ana, bo, cy, dee, eve]);
        assert_eq!(at.last_notice(bo, id).await, (NoticeCode::MembersAdded, vec![dee, eve]));
        for person in [ana, bo, dee, eve] {
            assert_eq!(at.heard(person, before).await, [EventKind::MemberJoined]);
        }
        assert_eq!(at.heard(fay, before).await, [EventKind::RequestCreated]);
        assert_eq!(at.heard(gus, before).await, []);
        assert_eq!(at.store.unread(fay).await.unwrap().value.requests, 1);
        assert_eq!(at.store.unread(gus).await.unwrap().value.requests, 0);
        for person in [fay, gus] {
            assert_eq!(refusal(at.store.conversation(person, id).await), "ConversationNotFound");
            assert_eq!(at.adds(bo, id, person, History::All).await, Added::Asked, "once is enough");
        }
        assert_eq!(at.heard(fay, before).await.len(), 1);
        // A contact by now.
        at.follow(fay, bo);
        assert_eq!(at.adds(bo, id, fay, History::FromJoin).await, Added::Added);
        assert_eq!(at.store.unread(fay).await.unwrap().value.requests, 0);
        let gone = at.store.add_members(ana, id, vec![dee, UserId::new(99)], History::All, None).await;
        assert_eq!(refusal(gone), "RecipientUnavailable { recipients: [1] }");
        let nobody = at.store.add_members(ana, id, vec![], History::All, None).await;
        assert_eq!(refusal(nobody), "NoRecipients");
        let outside = at.store.add_members(gus, id, vec![dee], History::All, None).await;
        assert_eq!(refusal(outside), "ConversationNotFound");
    }

    who_joins_sees_what_comes_and_the_rest_if_it_is_given(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let [dee, eve] = ["dee", "eve"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        let pin = at.pin(ana);
        at.store.send(full(ana), request(pin, &[bo, cy], SendMode::Group)).await.unwrap();
        at.writes(bo, id, "two").await;
        at.follow(dee, ana);
        at.follow(eve, ana);
        at.adds(ana, id, dee, History::FromJoin).await;
        at.adds(ana, id, eve, History::All).await;
        let joined = at.head().await;
        assert_eq!(at.positions(dee, id).await, [3, 4]);
        assert_eq!(at.positions(eve, id).await, [1, 2, 3, 4]);
        assert_eq!(refusal(at.store.message(dee, id, 2).await), "MessageNotFound");
        for person in [dee, eve] {
            let view = at.sees(person, id).await;
            assert_eq!(view.mine.unread.messages, 0, "what was there before is no news");
            assert_eq!(at.inbox(person, Filter::Inbox).await, [id]);
        }
        at.writes(bo, id, "five").await;
        assert_eq!(at.sees(dee, id).await.mine.unread.messages, 1);
        assert_eq!(at.sees(eve, id).await.mine.unread.messages, 1);
        // The picture of the head is of a pin that dee does not see, nor does she hear of changes of before.
        let picture = async |person| {
            let view = at.sees(person, id).await;
            view.mine.last_pin_image(&view.conversation).map(str::to_owned)
        };
        assert!(picture(eve).await.is_some() && picture(dee).await.is_none());
        at.store.edit_message(bo, (id, 2), Some("2".into())).await.unwrap();
        assert_eq!(at.heard(dee, joined).await, [EventKind::MessageCreated]);
        assert_eq!(at.heard(eve, joined).await, [EventKind::MessageCreated, EventKind::MessageEdited]);
        let has = async |person| {
            let again = SendRequest {
                recipients: vec![Recipient::Conversation(id)],
                ..request(pin, &[], SendMode::Separate)
            };
            at.store.would_send(full(person), again).await.unwrap()[0].already_sent
        };
        assert_eq!((has(dee).await, has(eve).await), (false, true));
        at.store.delete_for_everyone(ana, id, 1).await.unwrap();
        assert!(picture(eve).await.is_none());
        let second = at.pin(bo);
        let draft = MessageDraft::new(None, Some(Carried::Pin(second))).unwrap();
        at.store.send_message(full(bo), id, draft, None, None).await.unwrap();
        assert!(picture(dee).await.is_some());
    }

    only_the_owner_removes_and_who_is_removed_hears_no_more(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        at.writes(ana, id, "one").await;
        at.store.set_head(cy, id, HeadState::Open, None).await.unwrap();
        assert_eq!(refusal(at.store.remove_member(bo, id, cy).await), "ConversationNotYours");
        assert_eq!(refusal(at.store.remove_member(ana, id, UserId::new(99)).await), "MemberNotFound");
        let before = at.head().await;
        at.store.remove_member(ana, id, cy).await.unwrap();
        at.writes(ana, id, "three").await;
        assert_eq!(at.heard(cy, before).await, [EventKind::MemberLeft]);
        assert_eq!(at.heard(bo, before).await, [EventKind::MemberLeft, EventKind::MessageCreated]);
        assert_eq!(at.last_notice_before(bo, id).await, (NoticeCode::MemberRemoved, vec![cy]));
        assert_eq!(at.members_of(bo, id).await, [ana, bo]);
        assert_eq!(refusal(at.store.conversation(cy, id).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.messages(cy, id, Page::Newest, 9).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.message(cy, id, 1).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.read_to(cy, id, 1).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.leave_group(cy, id).await), "ConversationNotFound");
        assert_eq!(refusal(at.store.remove_member(ana, id, cy).await), "MemberNotFound");
        assert_eq!(at.store.heads(cy).await.unwrap().value, []);
        assert_eq!(at.store.sync(cy, None, 9).await.unwrap().value.page.items, []);
        // What was before is not told again, either.
        assert_eq!(at.heard(cy, 0).await, [EventKind::MemberLeft]);
        // Back again, she sees what comes from then on.
        at.follow(cy, bo);
        at.adds(bo, id, cy, History::FromJoin).await;
        assert_eq!(at.positions(cy, id).await, [4]);
        assert_eq!(at.heard(cy, before).await, [EventKind::MemberLeft, EventKind::MemberJoined]);
        let logged = at.store.log_after(before, 10).await.unwrap().0;
        let concerned: Vec<usize> = logged.iter().map(|(_, people)| people.len()).collect();
        assert_eq!(concerned, [2, 1, 2, 3]);
    }

    who_comes_back_has_a_head_like_somebody_new(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        at.writes(ana, id, "hello").await;
        at.follow(cy, ana);
        let head = async || {
            let heads = at.store.heads(cy).await.unwrap().value;
            let head = heads.first()?.mine.head(&heads[0].conversation, at.now())?;
            Some((head.state, head.device_id))
        };
        let phone = Some("phone".to_owned());
        at.store.set_head(cy, id, HeadState::Open, phone.clone()).await.unwrap();
        assert_eq!(head().await, Some((HeadState::Open, phone)));
        at.store.leave_group(cy, id).await.unwrap();
        assert_eq!(head().await, None);
        at.adds(ana, id, cy, History::FromJoin).await;
        assert_eq!(head().await, Some((HeadState::Minimized, None)));
    }

    a_group_passes_on_when_its_owner_leaves(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, cy, bo]).await;
        assert_eq!(at.sees(cy, id).await.conversation.owner, ana);
        let before = at.head().await;
        at.store.remove_member(ana, id, ana).await.unwrap();
        let conversation = at.sees(cy, id).await.conversation;
        assert_eq!((conversation.owner, conversation.created_by), (bo, ana));
        let last = at.sees(cy, id).await.last_message.unwrap();
        let notice = last.notice.clone().unwrap().told;
        assert_eq!((last.sender.id, notice.code, notice.owner), (ana, NoticeCode::MemberLeft, Some(bo)));
        assert_eq!(at.heard(ana, before).await, [EventKind::MemberLeft]);
        at.wait_millis(1);
        at.follow(ana, cy);
        at.adds(cy, id, ana, History::FromJoin).await;
        assert_eq!(refusal(at.store.remove_member(ana, id, cy).await), "ConversationNotYours");
        at.store.leave_group(bo, id).await.unwrap();
        assert_eq!(at.sees(ana, id).await.conversation.owner, cy, "she was there before");
        at.store.leave_group(cy, id).await.unwrap();
        at.store.leave_group(ana, id).await.unwrap();
        assert_eq!(refusal(at.store.conversation(ana, id).await), "ConversationNotFound");
        let (direct, _) = at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(refusal(at.store.leave_group(bo, direct).await), "DirectNotLeavable");
        assert_eq!(refusal(at.store.remove_member(bo, direct, bo).await), "DirectNotLeavable");
        assert_eq!(refusal(at.store.remove_member(bo, direct, ana).await), "NotAGroup");
    }

    a_group_has_room_for_so_many_with_those_who_are_asked(at) {
        let ana = at.person("ana");
        let others: Vec<UserId> = (0..limits::CONVERSATION_PEOPLE_DEFAULT).map(|n| at.person(&format!("p{n}"))).collect();
        let id = at.group(&[ana, others[0], others[1]]).await;
        at.are_wary(&others);
        let contacts = others[2..5].to_vec();
        for person in &contacts {
            at.follow(*person, ana);
        }
        let before = at.head().await;
        let all = others[2..].to_vec();
        let refused = at.store.add_members(ana, id, all, History::FromJoin, None).await;
        assert_eq!(refusal(refused), "TooManyPeople { limit: 10 }");
        assert_eq!(at.head().await, before);
        let fitting = others[2..9].to_vec();
        at.store.add_members(ana, id, fitting, History::FromJoin, None).await.unwrap();
        let refused = at.store.add_members(ana, id, vec![others[9]], History::FromJoin, None).await;
        assert_eq!(refusal(refused), "TooManyPeople { limit: 10 }");
        // One who is asked is not asked any more: there is room again.
        let before = at.head().await;
        at.store.remove_member(ana, id, others[8]).await.unwrap();
        assert_eq!(at.heard(others[8], before).await, [EventKind::MemberLeft]);
        assert_eq!(at.heard(ana, before).await, []);
        assert_eq!(at.adds(ana, id, others[9], History::FromJoin).await, Added::Asked);
    }

    who_is_asked_joins_or_ignores_it(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let [dee, eve] = ["dee", "eve"].map(|name| at.person(name));
        at.are_wary(&[dee, eve]);
        let id = at.group(&[ana, bo, cy]).await;
        at.writes(ana, id, "one").await;
        at.adds(ana, id, dee, History::All).await;
        at.adds(ana, id, eve, History::FromJoin).await;
        at.writes(ana, id, "two").await;
        let asked = at.store.requests(dee, None, 9).await.unwrap().value.items;
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].conversation.id, asked[0].conversation.members.len()), (id, 3));
        assert_eq!(at.store.request(dee, id).await.unwrap().value, asked[0]);
        assert_eq!(refusal(at.store.request(bo, id).await), "RequestNotFound");
        for id in [id, ConversationId::new(99)] {
            assert_eq!(refusal(at.store.accept_request(bo, id).await), "RequestNotFound");
            assert_eq!(refusal(at.store.ignore_request(bo, id).await), "RequestNotFound");
        }
        let before = at.head().await;
        at.store.accept_request(dee, id).await.unwrap();
        assert_eq!(at.positions(dee, id).await, [1, 2, 3]);
        assert_eq!(at.last_notice(bo, id).await, (NoticeCode::MemberJoined, vec![]));
        at.store.accept_request(eve, id).await.unwrap();
        assert_eq!(at.positions(eve, id).await, [4]);
        assert_eq!(at.heard(eve, before).await, [EventKind::MemberJoined]);
        assert_eq!(at.heard(bo, before).await, [EventKind::MemberJoined; 2]);
        assert_eq!(at.store.unread(eve).await.unwrap().value.requests, 0);
        let fay = at.person("fay");
        at.is_wary(fay);
        at.adds(ana, id, fay, History::All).await;
        let before = at.head().await;
        at.store.ignore_request(fay, id).await.unwrap();
        assert_eq!(at.heard(fay, before).await, [EventKind::RequestIgnored]);
        assert_eq!(at.heard(ana, before).await, []);
        assert_eq!(refusal(at.store.accept_request(fay, id).await), "RequestNotFound");
        assert_eq!(at.adds(ana, id, fay, History::All).await, Added::Asked);
        assert_eq!(at.store.requests(fay, None, 9).await.unwrap().value.items, []);
    }

    a_changed_profile_is_told_to_those_who_see_the_person(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let [dee, eve] = ["dee", "eve"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        at.are_wary(&[dee, eve]);
        at.block(eve, ana);
        at.adds(ana, id, dee, History::All).await;
        at.adds(ana, id, eve, History::All).await;
        at.writes(cy, id, "one").await;
        at.store.leave_group(cy, id).await.unwrap();
        let renames = async |person: UserId| {
            let before = at.head().await;
            let name = format!("{person} the second");
            let change = ProfileChange::default().full_name(Some(&name)).unwrap();
            at.store.change_profile(person, change).await.unwrap();
            let logged = at.store.log_after(before, 1).await.unwrap().0;
            let concerned = logged[0].1.len();
            (at.heard(ana, before).await.len(), at.heard(person, before).await.len(), concerned)
        };
        // Nobody learns who is asked, or ignores it.
        assert_eq!(renames(dee).await, (0, 1, 1));
        assert_eq!(renames(eve).await, (0, 1, 1));
        // What cy wrote shows her as she is called now.
        assert_eq!(renames(cy).await, (1, 1, 3));
        assert_eq!(renames(bo).await, (1, 1, 2));
    }

    adding_again_with_its_key_gives_the_same(at) {
        let (ana, bo, cy, dee) = (at.person("ana"), at.person("bo"), at.person("cy"), at.person("dee"));
        let id = at.group(&[ana, bo, cy]).await;
        at.follow(dee, ana);
        let add = async || {
            let key = Some(key("k", "POST /members", "body"));
            at.store.add_members(ana, id, vec![dee], History::FromJoin, key).await.unwrap()
        };
        let (first, again) = (add().await, add().await);
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!(first.outcome, again.outcome);
    }

    comings_and_goings_of_many_at_once_leave_each_their_time(at) {
        let people: Vec<UserId> = (0..5).map(|n| at.person(&format!("p{n}"))).collect();
        let id = at.group(&people[..3]).await;
        for person in &people {
            for other in &people {
                if person != other {
                    at.follow(*person, *other);
                }
            }
        }
        let nodes = at.nodes();
        let acts: Vec<_> = (0..80).map(|n| {
            let store = nodes[n % nodes.len()].clone();
            let (owner, who, whom) = (people[0], people[n % 3], people[3 + n / 8 % 2]);
            tokio::spawn(async move {
                match n % 8 {
                    0 | 4 => drop(store.add_members(who, id, vec![whom], History::FromJoin, None).await.unwrap()),
                    2 => drop(store.remove_member(owner, id, whom).await),
                    6 => drop(store.leave_group(whom, id).await),
                    _ => {
                        let draft = MessageDraft::new(Some("x"), None).unwrap();
                        store.send_message(full(who), id, draft, None, None).await.unwrap();
                    }
                }
            })
        }).collect();
        for act in acts {
            act.await.unwrap();
        }
        let last = at.sees(people[0], id).await.conversation.last_position;
        assert_eq!(at.positions(people[0], id).await, (1..=last).collect::<Vec<_>>());
        let events = at.store.log_after(0, 1_000).await.unwrap().0;
        // Each message is heard by those whose joining came before it, and whose leaving did not.
        let mut present: std::collections::BTreeSet<UserId> = people[..3].iter().copied().collect();
        for (event, concerned) in events.iter().filter(|(it, _)| it.conversation == Some(id)) {
            let message = at.store.message(people[0], id, event.position.unwrap_or(1)).await.unwrap().value;
            if let Some(notice) = message.notice.filter(|_| event.position.is_some()) {
                match notice.told.code {
                    NoticeCode::MembersAdded => present.extend(notice.told.people),
                    NoticeCode::MemberRemoved => present.retain(|it| !notice.told.people.contains(it)),
                    NoticeCode::MemberLeft => present.retain(|it| *it != message.sender.id),
                    other => panic!("{other:?}"),
                }
            }
            let mut concerned = concerned.clone();
            concerned.sort_unstable();
            assert_eq!(concerned, present.iter().copied().collect::<Vec<_>>(), "{event:?}");
        }
        // Those who were told at once are the same.
        let logged: std::collections::HashMap<i64, Vec<UserId>> =
            events.into_iter().map(|(event, people)| (event.seq, people)).collect();
        while let Ok(batch) = at.committed.try_recv() {
            for (event, people) in batch.events {
                let Some(mut people) = people else { continue };
                let mut concerned = logged[&event.seq].clone();
                people.sort_unstable();
                concerned.sort_unstable();
                assert_eq!(people, concerned, "{event:?}");
            }
        }
    }
}

impl TestStore {
    /// The notice of the last message but one.
    async fn last_notice_before(
        &self,
        person: UserId,
        id: ConversationId,
    ) -> (NoticeCode, Vec<UserId>) {
        let history = self.history(person, id).await;
        let notice = history[history.len() - 2].notice.clone().unwrap();
        (notice.told.code, notice.told.people)
    }
}
