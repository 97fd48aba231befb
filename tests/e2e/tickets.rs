//! Tickets, by which browsers open sockets.

use futures_util::future::join_all;
use pinwire_tests::{World, on_both_profiles};

on_both_profiles!(
    a_ticket_opens_one_socket_on_any_node,
    a_ticket_lives_thirty_seconds,
    of_a_hundred_who_race_one_wins,
    a_ticket_ends_with_its_session,
);

async fn a_ticket_opens_one_socket_on_any_node(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let ticket = ana.takes_ticket().await;

    let elsewhere = bob.on(world.other_node());
    let mut browser = elsewhere.socket().by_ticket(&ticket).open().await;
    assert_eq!(
        browser.hello["user"]["username"], "ana",
        "a ticket is bound to who took it"
    );
    for person in [&ana, &elsewhere] {
        let again = person.socket().by_ticket(&ticket).try_open().await;
        assert_eq!(again.err(), Some(401), "it is used up");
    }
    let pin = bob.pins("Green hall").await;
    bob.sends(&pin).to(&ana).await;
    browser.next_is("message.created").await;

    for wrong in ["", "x", "AAAA", &"A".repeat(43)] {
        let opened = ana.socket().by_ticket(wrong).try_open().await;
        assert_eq!(opened.err(), Some(401), "{wrong:?}");
    }
    let ticket = ana.takes_ticket().await;
    let both = format!("/v5/ws?ticket={ticket}");
    let both = ana.api.get(&both).await;
    both.is_refused(401, "unauthenticated");
}

async fn a_ticket_lives_thirty_seconds(world: &World) {
    let ana = world.person("ana").await;
    let age = |ms: i64| {
        world.database.execute(&format!(
            "update tickets set expires_at = expires_at - {ms}"
        ));
    };
    // Some seconds are left for a slow machine.
    let young = ana.takes_ticket().await;
    age(20_000);
    ana.socket().by_ticket(&young).open().await;
    let old = ana.takes_ticket().await;
    age(30_000);
    assert_eq!(
        ana.socket().by_ticket(&old).try_open().await.err(),
        Some(401)
    );
}

async fn of_a_hundred_who_race_one_wins(world: &World) {
    let ana = world.person("ana").await;
    let ticket = ana.takes_ticket().await;
    let at = [ana.clone(), ana.on(world.other_node())];
    let races = (0..100).map(|place| at[place % 2].socket().by_ticket(&ticket).try_open());
    let opened = join_all(races).await;
    let winners = opened.iter().filter(|it| it.is_ok()).count();
    let losers = opened.iter().filter(|it| matches!(it, Err(401))).count();
    assert_eq!((winners, losers), (1, 99));
}

async fn a_ticket_ends_with_its_session(world: &World) {
    let ana = world.person("ana").await;
    let tablet = ana.signs_in().await;
    let ticket = tablet.takes_ticket().await;
    tablet.signs_out().await.is(200);
    assert_eq!(
        ana.socket().by_ticket(&ticket).try_open().await.err(),
        Some(401)
    );
}
