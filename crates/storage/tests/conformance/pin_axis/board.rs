//! From conversation to board.

use pinwire_domain::board::{BoardDraft, Privacy};
use pinwire_domain::{BoardId, ConversationId, PinId, UserId, limits};
use pinwire_storage::Result;
use pinwire_storage::conversation_pins::Chosen;
use pinwire_storage::pins::Pin;

use crate::acts::{key, refusal};
use crate::boards::full;
use crate::pins::secret_pin;
use crate::stores::TestStore;

impl TestStore {
    async fn makes_board(
        &self,
        who: UserId,
        id: ConversationId,
        chosen: Chosen,
        name: &str,
    ) -> Result<BoardId> {
        let draft = BoardDraft::new(name, Some("From our talk"), Privacy::Secret).unwrap();
        let made = self
            .store
            .create_board_from_conversation(full(who), id, (draft, chosen), None);
        Ok(made.await?.outcome)
    }

    async fn on_board(&self, who: UserId, board: BoardId) -> Vec<Pin> {
        let page = self.store.board_pins(full(who), board, None, 1_000).await;
        page.unwrap().value.items
    }
}

fn parents(pins: &[Pin]) -> Vec<Option<PinId>> {
    pins.iter().map(|pin| pin.parent).collect()
}

both! {
    a_board_is_made_of_a_conversations_pins(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (chair, lamp, gone) = (at.pin(ana), at.pin(bo), at.pin(ana));
        let (id, _) = at.sends_to(ana, chair, bo).await;
        at.shares(bo, id, lamp).await;
        at.shares(ana, id, gone).await;
        at.shares(bo, id, chair).await;
        let secret = secret_pin(at, ana).await;
        at.shares(ana, id, secret).await;
        at.store.delete_pin(full(ana), gone).await.unwrap();
        let board = at.makes_board(bo, id, Chosen::All, "Hall").await.unwrap();
        let pins = at.on_board(bo, board).await;
        assert_eq!(parents(&pins), [Some(chair), Some(lamp)]);
        assert!(pins.iter().all(|pin| pin.owner == bo));
        let made = at.store.board(full(bo), board).await.unwrap().value;
        assert_eq!((made.pin_count, made.privacy, made.name.as_str()), (2, Privacy::Secret, "Hall"));
        assert_eq!(made.description.as_deref(), Some("From our talk"));
        // Its owner may keep a secret board's pin.
        let own = at.makes_board(ana, id, Chosen::All, "Hall").await.unwrap();
        assert_eq!(parents(&at.on_board(ana, own).await), [Some(secret), Some(chair), Some(lamp)]);
        let one = at.makes_board(bo, id, Chosen::These(vec![lamp, lamp]), "Lamps").await.unwrap();
        assert_eq!(parents(&at.on_board(bo, one).await), [Some(lamp)]);
        let talk = at.group(&[ana, bo, at.person("cy")]).await;
        let empty = at.makes_board(bo, talk, Chosen::All, "Empty").await.unwrap();
        assert_eq!(at.on_board(bo, empty).await, []);
    }

    what_cannot_be_kept_makes_no_board(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (pin, never) = (at.pin(ana), at.pin(ana));
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let secret = secret_pin(at, ana).await;
        at.shares(ana, id, secret).await;
        at.makes_board(bo, id, Chosen::All, "Taken").await.unwrap();
        let (boards, pins) = ("select count(*) from boards", "select count(*) from pins");
        let before = (at.number(boards), at.number(pins));
        let refused = async |who: UserId, these: &[PinId], name: &str| {
            refusal(at.makes_board(who, id, Chosen::These(these.to_vec()), name).await)
        };
        assert_eq!(refused(bo, &[pin, never], "a").await, "PinNotInConversation");
        assert_eq!(refused(bo, &[pin, secret], "a").await, "PinIsSecret");
        assert_eq!(refused(bo, &[pin], "TAKEN").await, "BoardNameTaken");
        assert_eq!(refused(at.person("cy"), &[pin], "a").await, "ConversationNotFound");
        at.store.delete_pin(full(ana), pin).await.unwrap();
        assert_eq!(refused(bo, &[pin], "a").await, "PinNotFound");
        assert_eq!((at.number(boards), at.number(pins)), before);
    }

    a_board_takes_over_a_bounded_number_of_pins(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let first = at.pin(ana);
        let (id, _) = at.sends_to(ana, first, bo).await;
        let most = i64::try_from(limits::BOARD_FROM_CONVERSATION_MAX).unwrap();
        for number in 2..=most {
            let pin = at.pin(ana);
            let position = number;
            at.execute(&format!(
                "insert into messages (conversation_id, position, sender_id, kind, pin_id, pin_snapshot, created_at,
                                       version)
                 select conversation_id, {position}, sender_id, kind, {pin}, pin_snapshot, created_at, version
                 from messages where position = 1;
                 update conversations set last_position = {position}"
            ));
        }
        let board = at.makes_board(bo, id, Chosen::All, "All").await.unwrap();
        let pins = at.on_board(bo, board).await;
        assert_eq!(pins.len(), limits::BOARD_FROM_CONVERSATION_MAX);
        assert_eq!(pins.last().unwrap().parent, Some(first));
        assert!(pins.windows(2).all(|two| two[0].parent > two[1].parent));
        let one_more = at.pin(bo);
        at.shares(bo, id, one_more).await;
        let refused = at.makes_board(bo, id, Chosen::All, "More").await;
        assert_eq!(refusal(refused), "TooManyPins { limit: 500 }");
        let some = Chosen::These(vec![one_more, first]);
        let board = at.makes_board(bo, id, some, "Some").await.unwrap();
        assert_eq!(at.on_board(bo, board).await.len(), 2);
    }

    a_board_is_made_once_for_its_key(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let pin = at.pin(ana);
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let draft = BoardDraft::new("Once", None, Privacy::Public).unwrap();
        let again = key("k", "POST board", "{}");
        let make = || at.store.create_board_from_conversation(
            full(bo), id, (draft.clone(), Chosen::All), Some(again.clone()));
        let (one, two) = (make().await.unwrap(), make().await.unwrap());
        assert_eq!((one.outcome, one.replayed, two.replayed), (two.outcome, false, true));
        assert_eq!(at.number("select count(*) from boards"), 1);
    }
}
