//! What a start makes of the schema it finds.

use pinwire_storage::{Migrate, OpenError, SchemaError};

both! {
    an_altered_migration_is_refused_and_nothing_is_changed(at) {
        at.execute("update schema_migrations set checksum = 'other'");
        let refused = at.start_again(Migrate::Forward);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Altered(_)))), "{refused:?}");
        assert_eq!(at.number("select count(*) from schema_migrations where checksum <> 'other'"), 0);
    }

    a_newer_schema_is_refused_only_if_it_says_so(at) {
        at.execute(
            "insert into schema_migrations values ('9999-new', 'x', '2026-11-23-000001_first')",
        );
        assert!(at.start_again(Migrate::Forward).is_ok());
        at.execute("update schema_migrations set min_version = '9999-new' where version = '9999-new'");
        let refused = at.start_again(Migrate::Forward);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Newer(_)))), "{refused:?}");
    }

    an_older_schema_is_refused_where_migrating_is_not_asked_for(at) {
        at.execute("delete from schema_migrations");
        let refused = at.start_again(Migrate::Check);
        assert!(matches!(refused, Err(OpenError::Schema(SchemaError::Older(_)))), "{refused:?}");
        assert_eq!(at.number("select count(*) from schema_migrations"), 0);
    }

    a_database_of_another_identity_gets_a_new_epoch(at) {
        let before = at.store.epoch().to_owned();
        at.execute("update log_head set identity = 'another', seq = 7");
        let after = at.start_again(Migrate::Forward).unwrap();
        assert_ne!(after, before);
        assert_eq!(at.store.head().await.unwrap(), 7);
    }
}

#[test]
fn a_second_node_finds_the_same_epoch() {
    crate::stores::on_postgres(async |at| {
        assert_eq!(at.start_again(Migrate::Forward).unwrap(), at.store.epoch());
    });
}
