//! What a person has set.

use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::policy::{ContactPolicy, Placement};
use pinwire_domain::settings::{Settings, SettingsChange};
use pinwire_storage::events::{Stretch, What};
use pinwire_storage::settings::OwnSettings;

/// What holds for the people of these tests until they change it.
fn unchanged() -> OwnSettings {
    let contacts = ContactPolicy::with_strangers(Placement::Inbox);
    let values = Settings {
        contacts,
        ..Settings::default()
    };
    OwnSettings { values, version: 0 }
}

both! {
    settings_are_kept_and_told_to_their_owner_alone(at) {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        at.sends_to(ana, at.pin(ana), bo).await;
        assert_eq!(at.store.settings(ana).await.unwrap().value, unchanged());
        let change = SettingsChange { presence: Some(false), ..SettingsChange::default() };
        at.store.change_settings(ana, change).await.unwrap();
        // A change to what is there already is none.
        at.store.change_settings(ana, change).await.unwrap();
        at.store.change_settings(bo, SettingsChange::default()).await.unwrap();
        let read = at.store.settings(ana).await.unwrap();
        let values = Settings { presence: false, ..unchanged().values };
        assert_eq!(read.value, OwnSettings { values, version: 1 });
        assert_eq!(read.cursor.seq, 2);
        assert_eq!(at.store.settings(bo).await.unwrap().value, unchanged());
        assert_eq!(at.number("select count(*) from user_settings where version > 0"), 1);

        let again = SettingsChange { presence: Some(true), ..SettingsChange::default() };
        at.store.change_settings(ana, again).await.unwrap();
        let state = at.store.sync(ana, None, 10).await.unwrap().value;
        assert_eq!(state.settings, OwnSettings { values: unchanged().values, version: 2 });

        for (person, told) in [(ana, 2), (bo, 0)] {
            let after = Cursor { epoch: at.store.epoch().into(), seq: 1 };
            let stretch = at.store.stream(person, after, 10).await.unwrap().value;
            let Stretch::Events { events, .. } = stretch else { panic!() };
            assert_eq!(events.len(), told);
            for event in events {
                assert_eq!(event.event.kind, EventKind::SettingsUpdated);
                // As they are now.
                assert_eq!(event.what, What::Settings(state.settings));
                assert_eq!(event.viewers, [(ana, None)]);
            }
        }
    }

    changes_at_once_are_all_kept(at) {
        let ana = at.person("ana");
        let changes = [
            SettingsChange { typing: Some(false), ..SettingsChange::default() },
            SettingsChange { presence: Some(false), ..SettingsChange::default() },
            SettingsChange { read_receipts: Some(false), ..SettingsChange::default() },
            SettingsChange { pin_saved_notice: Some(false), ..SettingsChange::default() },
        ];
        let mut under_way = Vec::new();
        for (place, change) in changes.into_iter().enumerate() {
            let nodes = at.nodes();
            let store = nodes[place % nodes.len()].clone();
            under_way.push(tokio::spawn(async move { store.change_settings(ana, change).await }));
        }
        for change in under_way {
            change.await.unwrap().unwrap();
        }
        let values = Settings { typing: false, presence: false, read_receipts: false, pin_saved_notice: false, ..unchanged().values };
        assert_eq!(at.store.settings(ana).await.unwrap().value, OwnSettings { values, version: 4 });
    }
}
