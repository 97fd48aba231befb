//! Redis is lost and comes back. It only carries hints, so nothing is lost with it.

use std::time::Duration;

use pinwire_tests::{PATIENCE, Person, Pin, Profile, Socket, World};
use tokio::time::Instant;

/// How soon a pin arrives by the head check alone.
const PROMISE: Duration = Duration::from_secs(1);
/// What a node logs when it does not get events by the bus and so looks into the log.
const LOG_READ: &str = "read the log";

/// Ana on one node, and Bob with an open socket on the other.
struct Scene {
    world: World,
    ana: Person,
    bob: Person,
    pin: Pin,
    phone: Socket,
}

impl Scene {
    async fn set() -> Self {
        let world = World::start(Profile::Scaled).await;
        let [ana, bob] = world.people(["ana", "bob"]).await;
        let phone = bob.on(world.other_node()).connects().await;
        let pin = ana.pins("Green hall").await;
        Self {
            world,
            ana,
            bob,
            pin,
            phone,
        }
    }

    /// A pin goes from node to node: how long the send took, and how long until it was heard.
    async fn pin_arrives(&mut self) -> (Duration, Duration) {
        let began = Instant::now();
        let sent = self.ana.sends(&self.pin).to(&self.bob).await;
        let answered = began.elapsed();
        let heard = self.phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], sent.position());
        (answered, began.elapsed())
    }

    /// Whether a pin arrived without a look into the log.
    async fn pin_is_pushed(&mut self) -> bool {
        let looks = |world: &World| world.other_node().log().matches(LOG_READ).count();
        let before = looks(&self.world);
        self.pin_arrives().await;
        looks(&self.world) == before
    }

    /// Fails unless pins come by the bus. One alone may meet a head check by chance.
    async fn pins_are_pushed(&mut self, when: &str) {
        let began = Instant::now();
        while !self.pin_is_pushed().await {
            assert!(began.elapsed() < PATIENCE, "no pin came by the bus {when}");
        }
        println!("{when}: pins come by the bus after {:?}", began.elapsed());
    }

    /// Pins arrive in time, by the head check alone, and sends are answered meanwhile.
    async fn pins_arrive_without_bus(&mut self, why: &str) {
        let mut slowest = (Duration::ZERO, Duration::ZERO);
        for _ in 0..5 {
            let (answered, heard) = self.pin_arrives().await;
            slowest = (slowest.0.max(answered), slowest.1.max(heard));
        }
        let (answered, heard) = slowest;
        println!(
            "{why}: sends took {answered:?} at most, pins {heard:?}; the promise is {PROMISE:?}"
        );
        assert!(heard < PROMISE * 10, "{why}: a pin took {heard:?}");
        assert!(
            !self.pin_is_pushed().await,
            "{why}: the bus cannot have carried it"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back() {
    let mut scene = Scene::set().await;
    scene.pins_are_pushed("at first").await;

    scene.world.bus().kill();
    scene.pins_arrive_without_bus("Redis is dead").await;

    scene.world.bus().restart();
    scene.pins_are_pushed("Redis is back").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_frozen_and_thawed() {
    let mut scene = Scene::set().await;
    scene.pins_are_pushed("at first").await;

    scene.world.bus().freeze();
    scene.pins_arrive_without_bus("Redis is frozen").await;

    scene.world.bus().thaw();
    scene.pins_are_pushed("Redis is thawed").await;
}
