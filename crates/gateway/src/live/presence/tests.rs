//! Who is there, and who is told of it, without a store.

use super::*;
use crate::live::hub::{Door, Stream, Told};

const ANA: UserId = UserId::new(1);
const BO: UserId = UserId::new(2);
const MOMENT: Duration = Duration::from_millis(1);

fn presence() -> Arc<Presence> {
    Arc::new(Presence::new(Arc::new(Hub::default())))
}

fn is_online(presence: &Presence, user: UserId) -> bool {
    presence.lock().is_online(user)
}

fn join(presence: &Presence, user: UserId) -> Stream {
    presence.hub.join(user, Door::Socket)
}

/// What a stream was told.
fn told(stream: &mut Stream) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(Told::Sign(frame)) = stream.queue.try_recv() {
        texts.push(frame.text.clone());
    }
    texts
}

#[tokio::test]
async fn who_leaves_is_gone_after_a_while_and_not_before() {
    let (presence, now) = (presence(), Instant::now());
    let stream = join(&presence, ANA);
    assert_eq!(presence.turn(now), (vec![ANA], vec![]));
    assert_eq!(presence.turn(now), (vec![], vec![]));
    drop(stream);
    assert_eq!(presence.turn(now), (vec![], vec![]));
    assert_eq!(presence.turn(now + LINGER - MOMENT), (vec![], vec![]));
    assert!(is_online(&presence, ANA));
    assert_eq!(presence.turn(now + LINGER), (vec![], vec![ANA]));
    assert!(!is_online(&presence, ANA));
}

#[tokio::test]
async fn who_comes_back_in_time_never_left() {
    let (presence, now) = (presence(), Instant::now());
    drop(join(&presence, ANA));
    assert_eq!(presence.turn(now), (vec![], vec![]), "came and went");
    let first = join(&presence, ANA);
    presence.turn(now);
    drop(first);
    presence.turn(now);
    let _second = join(&presence, ANA);
    assert_eq!(presence.turn(now + LINGER), (vec![], vec![]));
    assert_eq!(presence.everyone_here(), [ANA]);
}

#[test]
fn what_another_node_told_holds_until_it_expires() {
    let (presence, now) = (presence(), Instant::now());
    presence.hear(7, &[1], &[], now);
    presence.hear(8, &[1], &[], now + REPEAT_EVERY);
    presence.hear(7, &[], &[1], now + REPEAT_EVERY);
    assert!(is_online(&presence, ANA), "at the other one still");
    let end = now + REPEAT_EVERY + EXPIRES_AFTER;
    presence.expire(end - MOMENT);
    assert!(is_online(&presence, ANA));
    presence.expire(end);
    assert!(!is_online(&presence, ANA));
    assert!(presence.lock().elsewhere.is_empty());
}

#[test]
fn people_of_other_nodes_have_a_bound() {
    let (presence, now) = (presence(), Instant::now());
    let bound = i64::try_from(ELSEWHERE_MAX).unwrap();
    let all: Vec<i64> = (1..=bound).collect();
    presence.hear(7, &all, &[], now);
    presence.hear(7, &[bound + 1], &[], now);
    assert!(is_online(&presence, UserId::new(bound)));
    assert!(!is_online(&presence, UserId::new(bound + 1)));
    // Who is known already is repeated as before.
    presence.hear(7, &[bound], &[], now + REPEAT_EVERY);
    presence.expire(now + EXPIRES_AFTER);
    assert_eq!(presence.lock().elsewhere.len(), 1);
}

#[tokio::test]
async fn a_change_is_told_once_and_only_to_who_may_see_it() {
    let (presence, now) = (presence(), Instant::now());
    let (mut bos, mut strangers) = (join(&presence, BO), join(&presence, UserId::new(3)));
    let watch = presence.watch(bos.key());
    let strange = presence.watch(strangers.key());
    assert_eq!(watch.set(&[ANA], &[ANA]), []);
    assert_eq!(strange.set(&[ANA], &[]), []);
    presence.hear(7, &[1], &[], now);
    for _ in 0..2 {
        presence.agree(ANA, |watcher| Some(watcher == BO));
    }
    let online = r#"{"type":"presence","user_id":"1","state":"online"}"#;
    assert_eq!(told(&mut bos), [online]);
    assert_eq!(watch.set(&[ANA, BO], &[ANA]), [ANA], "told anew");

    presence.hear(7, &[], &[1], now);
    presence.agree(ANA, |_| Some(false));
    assert_eq!(told(&mut bos), [online.replace("online", "offline")]);
    assert_eq!(told(&mut strangers), [""; 0]);

    drop((watch, strange));
    let state = presence.lock();
    assert!(state.watching.is_empty() && state.watchers.is_empty());
}

#[tokio::test]
async fn a_socket_without_room_is_told_later() {
    let (presence, now) = (presence(), Instant::now());
    let mut bos = join(&presence, BO);
    let watch = presence.watch(bos.key());
    assert_eq!(watch.set(&[ANA], &[ANA]), []);
    let other = Arc::new(Frame::of(&ServerFrame::Ping { seq: 1 }).unwrap());
    while presence.hub.sign_to(bos.key(), &other) {}
    presence.hear(7, &[1], &[], now);
    presence.lock().moved.clear();
    presence.agree(ANA, |_| Some(true));
    assert_eq!(presence.lock().moved, HashSet::from([ANA]));
    told(&mut bos);
    presence.agree(ANA, |_| Some(true));
    assert_eq!(told(&mut bos).len(), 1);
}
