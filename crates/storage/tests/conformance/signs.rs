//! Who sees signs of whom.

use pinwire_domain::settings::SettingsChange;
use pinwire_domain::{ConversationId, UserId};

use crate::acts::refusal;
use crate::stores::TestStore;

impl TestStore {
    /// Those who see that this person types, in order.
    async fn typing(&self, user: UserId, id: ConversationId) -> Vec<UserId> {
        let mut people = self.store.typing_audience(user, id).await.unwrap();
        people.sort_unstable();
        people
    }

    /// Those of these people who see whether this person is online, in order.
    async fn presence(&self, user: UserId, others: &[UserId]) -> Vec<UserId> {
        let mut people = self.store.see_presence(user, others).await.unwrap();
        people.sort_unstable();
        people
    }

    /// A group of the first and the others.
    pub(crate) async fn group(&self, people: &[UserId]) -> ConversationId {
        let begun = self
            .store
            .begin_conversation(people[0], people[1..].to_vec(), None, None);
        ConversationId::new(begun.await.unwrap().outcome.0)
    }

    fn is(&self, state: &str, user: UserId) {
        self.execute(&format!(
            "update memberships set state = '{state}' where user_id = {user}"
        ));
    }
}

both! {
    members_see_signs_of_each_other(at) {
        let [ana, bo, cy, di] = ["ana", "bo", "cy", "di"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        // A second conversation with the same people changes nothing.
        at.group(&[ana, bo]).await;
        assert_eq!(at.typing(ana, id).await, [bo, cy]);
        assert_eq!(at.presence(ana, &[bo, cy, di, ana]).await, [bo, cy]);
        assert_eq!(at.presence(bo, &[ana]).await, [ana]);
        assert_eq!(at.presence(ana, &[cy]).await, [cy], "nobody else than was asked for");
        assert_eq!(at.presence(ana, &[]).await, []);
        assert_eq!(at.presence(di, &[ana, bo, cy]).await, []);
        for (person, conversation) in [(di, id), (ana, ConversationId::new(77))] {
            let refused = at.store.typing_audience(person, conversation).await;
            assert_eq!(refusal(refused), "ConversationNotFound");
        }
        assert_eq!(at.store.head().await.unwrap(), 2, "a sign is no event");
    }

    only_members_see_signs(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        for state in ["requested", "ignored", "left", "removed"] {
            at.is(state, bo);
            assert_eq!(at.typing(ana, id).await, [cy], "{state}");
            assert_eq!(at.presence(ana, &[bo, cy]).await, [cy], "{state}");
            assert_eq!(at.presence(bo, &[ana, cy]).await, [], "{state}");
            let refused = at.store.typing_audience(bo, id).await;
            assert_eq!(refusal(refused), "ConversationNotFound", "{state}");
        }
        at.is("member", bo);
        assert_eq!(at.typing(ana, id).await, [bo, cy]);
    }

    each_setting_holds_in_both_directions(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        let no_typing = SettingsChange { typing: Some(false), ..SettingsChange::default() };
        at.store.change_settings(bo, no_typing).await.unwrap();
        assert_eq!(at.typing(ana, id).await, [cy]);
        assert_eq!(at.typing(bo, id).await, []);
        assert_eq!(at.presence(ana, &[bo, cy]).await, [bo, cy]);
        let no_presence =
            SettingsChange { typing: Some(true), presence: Some(false), ..SettingsChange::default() };
        at.store.change_settings(bo, no_presence).await.unwrap();
        assert_eq!(at.typing(ana, id).await, [bo, cy]);
        assert_eq!(at.typing(bo, id).await, [ana, cy]);
        assert_eq!(at.presence(ana, &[bo, cy]).await, [cy]);
        assert_eq!(at.presence(bo, &[ana, cy]).await, []);
    }

    a_block_keeps_signs_back_in_both_directions(at) {
        let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| at.person(name));
        let id = at.group(&[ana, bo, cy]).await;
        at.block(bo, ana);
        assert_eq!(at.typing(ana, id).await, [cy]);
        assert_eq!(at.typing(bo, id).await, [cy]);
        assert_eq!(at.typing(cy, id).await, [ana, bo]);
        assert_eq!(at.presence(ana, &[bo, cy]).await, [cy]);
        assert_eq!(at.presence(bo, &[ana, cy]).await, [cy]);
    }
}
