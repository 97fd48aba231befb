//! Conversations by their pins.

mod board;
mod states;

use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::group::History;
use pinwire_domain::message::{Carried, MessageDraft, PinState};
use pinwire_domain::settings::SettingsChange;
use pinwire_domain::{ConversationId, PinId, UserId, limits};
use pinwire_storage::conversation_pins::{ConversationPin, PinMark, PinSort};
use pinwire_storage::events::{Stretch, What};
use pinwire_storage::inbox::ActivityMark;
use pinwire_storage::messages::Message;

use crate::acts::{key, refusal};
use crate::boards::full;
use crate::changes::emoji;
use crate::pins::secret_pin;
use crate::stores::TestStore;

impl TestStore {
    /// Sends a pin into a conversation: the position.
    pub(crate) async fn shares(&self, sender: UserId, id: ConversationId, pin: PinId) -> i64 {
        let draft = MessageDraft::new(None, Some(Carried::Pin(pin))).unwrap();
        let sent = self.store.send_message(full(sender), id, draft, None, None);
        sent.await.unwrap().outcome.messages[0].position
    }

    /// A page of a conversation's pins.
    async fn page_of_pins(
        &self,
        viewer: UserId,
        id: ConversationId,
        (sort, after): (PinSort, Option<PinMark>),
        size: usize,
    ) -> (Vec<ConversationPin>, Option<PinMark>) {
        let page = self
            .store
            .conversation_pins((viewer, id), sort, after, size);
        let page = page.await.unwrap().value;
        (page.items, page.next)
    }

    /// All pins of a conversation, the newest first.
    async fn pins_of(&self, viewer: UserId, id: ConversationId) -> Vec<ConversationPin> {
        self.page_of_pins(viewer, id, (PinSort::Newest, None), 250)
            .await
            .0
    }

    /// The positions of a pin's discussion.
    async fn discussion(&self, viewer: UserId, id: ConversationId, pin: PinId) -> Vec<i64> {
        let page = self.store.pin_messages((viewer, id), pin, None, 250).await;
        let messages: Vec<Message> = page.unwrap().value.items;
        messages.iter().map(|message| message.position).collect()
    }

    /// What a person hears after `seq`: the kind, and what it is about.
    pub(crate) async fn hears_of(&self, person: UserId, seq: i64) -> Vec<(EventKind, What)> {
        let epoch = self.store.epoch().to_owned();
        let stretch = self.store.stream(person, Cursor { epoch, seq }, 1_000);
        let Stretch::Events { events, .. } = stretch.await.unwrap().value else {
            panic!("the cursor is of use");
        };
        let heard = events.into_iter().map(|it| (it.event.kind, it.what));
        heard.collect()
    }
}

fn ids(pins: &[ConversationPin]) -> Vec<PinId> {
    pins.iter()
        .map(|pin| PinId::new(pin.pin.snapshot.id))
        .collect()
}

/// What people put to a pin: emoji, how many, whether the viewer is among them.
fn reactions(pin: &ConversationPin, viewer: UserId) -> Vec<(String, usize, bool)> {
    let seen = pin.reactions.seen_by(Some(viewer)).into_iter();
    seen.map(|it| (it.emoji.to_owned(), it.count, it.mine))
        .collect()
}

fn savers(pin: &ConversationPin) -> Vec<UserId> {
    pin.saved_by.iter().map(|person| person.id).collect()
}

both! {
    a_conversation_lists_its_pins(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (chair, lamp, rug) = (at.pin(ana), at.pin(bo), at.pin(ana));
        let (id, _) = at.sends_to(ana, chair, bo).await;
        at.shares(bo, id, lamp).await;
        at.answers(bo, (id, 2), "Bright").await.unwrap();
        at.answers(ana, (id, 3), "Is it?").await.unwrap();
        at.wait_millis(5);
        at.shares(ana, id, rug).await;
        at.shares(bo, id, chair).await;
        at.answers(bo, (id, 6), "Again").await.unwrap();
        let all = at.pins_of(ana, id).await;
        assert_eq!(ids(&all), [chair, rug, lamp]);
        let first = &all[0];
        assert_eq!((first.first.position, first.first.sender.id), (1, ana));
        assert_eq!((first.last.position, first.last.sender.id), (6, bo));
        assert_eq!(first.last.at, at.now());
        assert_eq!(first.first.at, at.now().plus_millis(-5));
        assert_eq!((first.times_sent, first.replies), (2, 1));
        assert_eq!((all[2].times_sent, all[2].replies), (1, 2));
        assert_eq!((first.pin.snapshot.title.as_deref(), first.pin.state), (Some("A chair"), PinState::Live));
        let (discussed, _) = at.page_of_pins(bo, id, (PinSort::MostDiscussed, None), 25).await;
        assert_eq!(ids(&discussed), [lamp, chair, rug]);
        assert_eq!(at.pins_of(bo, id).await, all);
        let stranger = at.person("stranger");
        let pins = at.store.conversation_pins((stranger, id), PinSort::Newest, None, 25);
        assert_eq!(refusal(pins.await), "ConversationNotFound");
        let talk = at.group(&[ana, bo, stranger]).await;
        assert_eq!(at.pins_of(ana, talk).await, []);
    }

    pages_of_pins_meet_without_a_gap(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let first = at.pin(ana);
        let (id, _) = at.sends_to(ana, first, bo).await;
        let mut sent = vec![first];
        for n in 0..6 {
            let pin = at.pin(ana);
            let position = at.shares(ana, id, pin).await;
            for _ in 0..n % 3 {
                at.answers(bo, (id, position), "So?").await.unwrap();
            }
            sent.push(pin);
        }
        let whole = at.page_of_pins(ana, id, (PinSort::MostDiscussed, None), 7).await;
        assert_eq!((whole.0.len(), whole.1), (7, None));
        let replies: Vec<i64> = whole.0.iter().map(|pin| pin.replies).collect();
        assert_eq!(replies, [2, 2, 1, 1, 0, 0, 0]);
        for sort in [PinSort::Newest, PinSort::MostDiscussed] {
            let (whole, _) = at.page_of_pins(ana, id, (sort, None), 250).await;
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let (page, next) = at.page_of_pins(ana, id, (sort, after), 3).await;
                all.extend(page);
                after = next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(all, whole, "{sort:?}");
        }
        sent.reverse();
        assert_eq!(ids(&at.pins_of(ana, id).await), sent);
    }

    a_pin_shows_what_its_viewer_sees_of_it(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let dee = at.person("dee");
        at.follow(dee, ana);
        let id = at.group(&[ana, bo, cy]).await;
        at.block(cy, bo);
        let (lamp, rug) = (at.pin(bo), at.pin(ana));
        let withheld = at.shares(bo, id, lamp).await;
        let shown = at.shares(ana, id, rug).await;
        at.answers(bo, (id, shown), "Unheard").await.unwrap();
        assert_eq!(ids(&at.pins_of(ana, id).await), [rug, lamp]);
        let seen = at.pins_of(cy, id).await;
        assert_eq!((ids(&seen), seen[0].replies), (vec![rug], 0));
        assert_eq!(refusal(at.store.pin_messages((cy, id), lamp, None, 25).await), "PinNotFound");
        at.adds(ana, id, dee, History::FromJoin).await;
        assert_eq!(at.pins_of(dee, id).await, []);
        let sent_again = at.shares(ana, id, lamp).await;
        let seen = at.pins_of(cy, id).await;
        assert_eq!((seen[0].times_sent, seen[0].first.position), (1, sent_again));
        assert_eq!(ids(&at.pins_of(dee, id).await), [lamp]);
        at.store.delete_for_everyone(ana, id, shown).await.unwrap();
        at.store.delete_for_me(ana, id, withheld).await.unwrap();
        let seen = at.pins_of(ana, id).await;
        assert_eq!((ids(&seen), seen[0].times_sent), (vec![lamp], 1));
    }

    a_pins_discussion_is_all_that_was_said_about_it(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (chair, lamp) = (at.pin(ana), at.pin(bo));
        let (id, _) = at.sends_to(ana, chair, bo).await;
        at.shares(bo, id, lamp).await;
        at.answers(bo, (id, 1), "A chair").await.unwrap();
        at.writes(ana, id, "Nothing to do with it").await;
        at.shares(bo, id, chair).await;
        at.answers(ana, (id, 3), "Yes").await.unwrap();
        assert_eq!(at.discussion(ana, id, chair).await, [6, 5, 3, 1]);
        assert_eq!(at.discussion(bo, id, lamp).await, [2]);
        let page = at.store.pin_messages((ana, id), chair, None, 3).await.unwrap().value;
        assert_eq!(page.next, Some(3));
        let rest = at.store.pin_messages((ana, id), chair, page.next, 3).await.unwrap().value;
        assert_eq!((rest.items.len(), rest.items[0].position, rest.next), (1, 1, None));
        let beyond = at.store.pin_messages((ana, id), chair, Some(1), 3).await.unwrap().value;
        assert_eq!((beyond.items.len(), beyond.next), (0, None));
        let never = at.pin(ana);
        assert_eq!(refusal(at.store.pin_messages((ana, id), never, None, 3).await), "PinNotFound");
        let stranger = at.person("stranger");
        let asked = at.store.pin_messages((stranger, id), chair, None, 3).await;
        assert_eq!(refusal(asked), "ConversationNotFound");
    }

    a_pin_tells_the_conversations_that_hold_it(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let (with_bo, _) = at.sends_to(ana, pin, bo).await;
        let (with_cy, position) = at.sends_to(ana, pin, cy).await;
        let group = at.group(&[ana, bo, cy]).await;
        let holders = async |who: UserId, after: Option<ActivityMark>, size| {
            let page = at.store.conversations_with_pin(full(who), pin, after, size).await;
            let page = page.unwrap().value;
            let ids: Vec<ConversationId> = page.items.iter().map(|it| it.conversation.id).collect();
            (ids, page.next)
        };
        assert_eq!(holders(ana, None, 25).await.0, [with_cy, with_bo]);
        assert_eq!(holders(bo, None, 25).await.0, [with_bo]);
        at.shares(bo, group, pin).await;
        let (first, next) = holders(ana, None, 2).await;
        assert_eq!(first, [group, with_cy]);
        assert_eq!(holders(ana, next, 2).await, (vec![with_bo], None));
        at.store.delete_for_me(cy, with_cy, position).await.unwrap();
        assert_eq!(holders(cy, None, 25).await.0, [group]);
        // Nobody else's pin of a secret board, and none that is not there.
        let secret = secret_pin(at, ana).await;
        let own = at.store.conversations_with_pin(full(ana), secret, None, 25).await;
        assert_eq!(own.unwrap().value.items, []);
        for pin in [secret, PinId::new(1)] {
            let asked = at.store.conversations_with_pin(full(bo), pin, None, 25).await;
            assert_eq!(refusal(asked), "PinNotFound");
        }
        let removed = at.pin(ana);
        let (id, _) = at.sends_to(ana, removed, bo).await;
        at.store.delete_pin(full(ana), removed).await.unwrap();
        let page = at.store.conversations_with_pin(full(bo), removed, None, 25).await;
        assert_eq!(page.unwrap().value.items[0].conversation.id, id);
    }

    people_react_to_a_pin_in_a_conversation(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let pin = at.pin(ana);
        let (id, position) = at.sends_to(ana, pin, bo).await;
        let group = at.group(&[ana, bo, cy]).await;
        at.shares(ana, group, pin).await;
        at.block(cy, bo);
        let (up, seq) = (emoji("👍"), at.head().await);
        for _ in 0..2 {
            at.store.react_to_pin((bo, id), pin, up.clone(), true).await.unwrap();
            at.store.react_to_pin((bo, group), pin, up.clone(), true).await.unwrap();
        }
        let mine = |who| if who == bo { [("👍".to_owned(), 1, true)] } else { [("👍".to_owned(), 1, false)] };
        for who in [ana, bo] {
            assert_eq!(reactions(&at.pins_of(who, id).await[0], who), mine(who));
            assert_eq!(reactions(&at.pins_of(who, group).await[0], who), mine(who));
        }
        assert_eq!(reactions(&at.pins_of(cy, group).await[0], cy), []);
        let heard = at.hears_of(ana, seq).await;
        assert_eq!(heard.len(), 2);
        let (kind, What::PinReactions(about, all)) = &heard[0] else { panic!("{heard:?}") };
        assert_eq!((*kind, *about), (EventKind::ReactionChanged, pin));
        assert_eq!(all.kinds()[0].by[0].user, bo);
        at.store.react_to_pin((bo, id), pin, up.clone(), false).await.unwrap();
        assert_eq!(reactions(&at.pins_of(ana, id).await[0], ana), []);
        let other = at.pin(bo);
        let refused = at.store.react_to_pin((bo, id), other, up.clone(), true).await;
        assert_eq!(refusal(refused), "PinNotFound");
        let refused = at.store.react_to_pin((cy, id), pin, up.clone(), true).await;
        assert_eq!(refusal(refused), "ConversationNotFound");
        // With the last message that carries it, goes what was put to it.
        at.store.react_to_pin((ana, id), pin, up.clone(), true).await.unwrap();
        let again = at.shares(bo, id, pin).await;
        at.store.delete_for_everyone(ana, id, position).await.unwrap();
        assert_eq!(reactions(&at.pins_of(ana, id).await[0], bo).len(), 1);
        at.store.delete_for_everyone(bo, id, again).await.unwrap();
        at.shares(bo, id, pin).await;
        assert_eq!(reactions(&at.pins_of(ana, id).await[0], bo), []);
    }

    kinds_of_reaction_to_a_pin_are_bounded(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let known: Vec<_> = ["😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂", "🙃", "😉", "😊", "😇", "🥰", "😍",
            "🤩", "😘", "😗", "😚", "😙", "🥲"].into_iter().map(emoji).collect();
        let (last, first) = known.split_last().unwrap();
        assert_eq!(first.len(), limits::REACTION_KINDS_MAX);
        for one in first {
            at.store.react_to_pin((bo, id), pin, one.clone(), true).await.unwrap();
        }
        let refused = at.store.react_to_pin((bo, id), pin, last.clone(), true).await;
        assert_eq!(refusal(refused), "TooManyReactions { limit: 20 }");
    }

    who_saves_a_sent_pin_is_named_if_they_let_it_be_known(at) {
        let (ana, bo, cy) = (at.person("ana"), at.person("bo"), at.person("cy"));
        let id = at.group(&[ana, bo, cy]).await;
        let pin = at.pin(ana);
        let position = at.shares(ana, id, pin).await;
        let seq = at.head().await;
        let saved = at.store.save_sent_pin(full(bo), (id, position), None, None).await.unwrap().outcome;
        let copy = at.store.pin(full(bo), saved).await.unwrap().value;
        assert_eq!((copy.parent, copy.owner, copy.title.as_deref()), (Some(pin), bo, Some("A chair")));
        let heard = at.hears_of(ana, seq).await;
        let [(EventKind::PinSaved, What::PinSaved(about, saver))] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((*about, saver.id), (pin, bo));
        // A second save makes a second pin, and tells nobody anything new.
        at.store.save_sent_pin(full(bo), (id, position), None, None).await.unwrap();
        let silent = SettingsChange { pin_saved_notice: Some(false), ..SettingsChange::default() };
        at.store.change_settings(cy, silent).await.unwrap();
        let seq = at.head().await;
        at.store.save_sent_pin(full(cy), (id, position), None, None).await.unwrap();
        for (who, sees) in [(ana, vec![bo]), (bo, vec![bo]), (cy, vec![bo, cy])] {
            assert_eq!(savers(&at.pins_of(who, id).await[0]), sees);
            assert_eq!(at.hears_of(who, seq).await.len(), usize::from(who == cy));
        }
    }

    saving_a_sent_pin_asks_for_a_pin_that_may_be_saved(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let (id, position) = at.sends_to(ana, pin, bo).await;
        let words = at.writes(ana, id, "words").await;
        let secret = secret_pin(at, ana).await;
        let kept = at.shares(ana, id, secret).await;
        let save = async |who: UserId, position| {
            refusal(at.store.save_sent_pin(full(who), (id, position), None, None).await)
        };
        assert_eq!(save(bo, words).await, "NoPinInMessage");
        assert_eq!(save(bo, kept).await, "PinIsSecret");
        assert_eq!(save(bo, 99).await, "MessageNotFound");
        assert_eq!(save(at.person("cy"), position).await, "ConversationNotFound");
        let pins = at.number("select count(*) from pins");
        let again = key("k", "POST save", "{}");
        let save_once = || at.store.save_sent_pin(full(bo), (id, position), None, Some(again.clone()));
        let (one, two) = (save_once().await.unwrap(), save_once().await.unwrap());
        assert_eq!((one.outcome, one.replayed, two.replayed), (two.outcome, false, true));
        assert_eq!(at.number("select count(*) from pins"), pins + 1);
        at.store.delete_pin(full(ana), pin).await.unwrap();
        assert_eq!(save(bo, position).await, "PinNotFound");
        at.store.delete_for_everyone(ana, id, position).await.unwrap();
        assert_eq!(save(bo, position).await, "MessageDeleted");
        assert_eq!(at.number("select count(*) from pins"), pins + 1);
    }
}
