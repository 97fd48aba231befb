//! Settings that are of no use: one line that names them, and exit code 2.

use pinwire_tests::{Profile, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_setting_is_named_in_one_line() {
    let world = World::without_nodes(Profile::Embedded, &[]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value, told) in [
        ("PINWIRE_LISTEN", "nowhere", "PINWIRE_LISTEN"),
        ("PINWIRE_LISTEN", "127.0.0.1:65536", "PINWIRE_LISTEN"),
        ("PINWIRE_LISTEN", &taken, "cannot listen on"),
        (
            "PINWIRE_DATABASE_URL",
            "mysql://localhost/pins",
            "PINWIRE_DATABASE_URL",
        ),
        ("PINWIRE_DATABASE_URL", "sqlite:", "PINWIRE_DATABASE_URL"),
        (
            "PINWIRE_DATABASE_URL",
            "sqlite:no/such/folder/pins.db",
            "no/such/folder",
        ),
        (
            "PINWIRE_DATABASE_URL",
            "postgres://pins:secret@127.0.0.1:1/pins",
            "unavailable",
        ),
        (
            "PINWIRE_DATABASE_URL",
            "postgres://pins:secret@db.example/pins?sslmode=require",
            "TLS",
        ),
        ("PINWIRE_REDIS_URL", "http://localhost", "PINWIRE_REDIS_URL"),
        (
            "PINWIRE_REDIS_URL",
            ":secret@localhost",
            "PINWIRE_REDIS_URL",
        ),
        ("PINWIRE_REDIS_URL", "redis://:secret@127.0.0.1:1", "Redis"),
        ("PINWIRE_CONVERSATION_PEOPLE", "1", "from 2 to 100"),
        ("PINWIRE_CONVERSATION_PEOPLE", "101", "from 2 to 100"),
        ("PINWIRE_CONVERSATION_PEOPLE", "ten", "from 2 to 100"),
        ("PINWIRE_DATABASE_READERS", "0", "PINWIRE_DATABASE_READERS"),
        ("PINWIRE_DATABASE_WRITERS", "65", "PINWIRE_DATABASE_WRITERS"),
        ("PINWIRE_WORKERS", "0", "PINWIRE_WORKERS"),
        (
            "PINWIRE_ALLOWED_ORIGINS",
            "https://app.example/",
            "PINWIRE_ALLOWED_ORIGINS",
        ),
        ("PINWIRE_LOG_FORMAT", "rhyme", "PINWIRE_LOG_FORMAT"),
        ("PINWIRE_LOG", "pinwire=loud", "PINWIRE_LOG"),
    ] {
        let (code, errors) = world
            .run(&["serve"], &[("PINWIRE_LOG", "error"), (name, value)])
            .await;
        let what = format!("{name}={value}: {errors}");
        assert_eq!(code, Some(2), "{what}");
        assert_eq!(errors.lines().count(), 1, "{what}");
        assert!(errors.contains(told), "{what}");
        assert!(!errors.contains("secret"), "{what}");
    }
    let (code, errors) = world.run(&["serve", "--no-such-flag"], &[]).await;
    assert_eq!((code, errors.lines().count()), (Some(2), 1), "{errors}");
}
