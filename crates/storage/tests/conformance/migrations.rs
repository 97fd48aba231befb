//! What a start makes of the schema it finds.

use pinwire_domain::limits;
use pinwire_storage::{Migrate, OpenError, SchemaError, Store, StoreConfig};

use crate::stores::{START, TestStore};

fn reopen(at: &TestStore, migrate: Migrate) -> Result<(), OpenError> {
    let source = pinwire_storage::Source::new(|| START, || 1);
    let config = StoreConfig {
        target: at.target(),
        readers: 1,
        writers: 1,
        migrate,
        people_max: limits::CONVERSATION_PEOPLE_DEFAULT,
    };
    Store::open(&config, &source).map(drop)
}

both! {
    an_altered_migration_is_refused_and_nothing_is_changed(at) {
        at.execute("update schema_migrations set checksum = 'other'");
        at.close().await;
        let refused = reopen(at, Migrate::Forward);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Altered(_)))), "{refused:?}");
        assert_eq!(at.number("select count(*) from schema_migrations where checksum = 'other'"), 1);
    }

    a_newer_schema_is_refused_only_if_it_says_so(at) {
        at.execute("insert into schema_migrations values ('9999-new', 'x', '2026-11-23-000001_first')");
        at.close().await;
        assert!(reopen(at, Migrate::Forward).is_ok());
        at.execute("update schema_migrations set min_version = '9999-new' where version = '9999-new'");
        let refused = reopen(at, Migrate::Forward);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Newer(_)))), "{refused:?}");
    }

    an_empty_database_is_refused_where_migrating_is_not_asked_for(at) {
        at.close().await;
        at.execute("delete from schema_migrations");
        let refused = reopen(at, Migrate::Check);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Older(_)))), "{refused:?}");
    }

    the_same_database_keeps_its_epoch_and_another_gets_a_new_one(at) {
        let before = at.store.epoch().to_owned();
        at.close().await;
        assert_eq!(at.epoch(), before);
        at.execute("update log_head set identity = 'another'");
        assert_ne!(at.epoch(), before);
    }
}
