//! Contacts: whom a person most likely wants to send a pin to, in order. Ranking grants no right.
//!
//! Scores are whole numbers, so that every node puts the same facts in the same order.

use std::cmp::Reverse;

use crate::{Time, UserId};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Points for a talk that takes place now.
const RECENT_POINTS: i64 = 400_000;
/// After this many milliseconds a talk counts half.
const RECENT_HALF_LIFE_MS: i64 = 7 * DAY_MS;
/// How old a talk may be to be called recent, in milliseconds.
const RECENT_MS: i64 = 14 * DAY_MS;

/// Points that frequent sending comes near to.
const FREQUENT_POINTS: i64 = 300_000;
/// The weight of talk that gives half of these points.
const FREQUENT_HALF_WEIGHT: i64 = 20;
/// After this many milliseconds without a word from the person, what was sent counts half.
const FREQUENT_HALF_LIFE_MS: i64 = 60 * DAY_MS;
/// The points from which on sending is called frequent: five fresh messages, or three pins.
const FREQUENT_FROM: i64 = FREQUENT_POINTS / 3;

const MUTUAL_POINTS: i64 = 250_000;
const I_FOLLOW_POINTS: i64 = 150_000;
const FOLLOWS_ME_POINTS: i64 = 50_000;

/// The score that no facts can pass.
#[cfg(test)]
const SCORE_MAX: i64 = RECENT_POINTS + FREQUENT_POINTS + MUTUAL_POINTS;

/// Talk in a group, and what a stranger writes unanswered, is worth this part of a talk of two.
const WEAKER: i64 = 4;

/// Why someone is among a person's contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The two wrote to each other within 14 days, in their own conversation.
    Recent,
    /// The person often writes or sends pins to them.
    Frequent,
    /// The two follow each other.
    Mutual,
    /// The person follows them, and is not followed.
    IFollow,
    /// They follow the person, and are not followed.
    FollowsMe,
}

/// What was said between a person and a candidate, in one kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Talk {
    /// Messages the person sent, those with a pin included.
    pub sent: i64,
    /// Pins the person sent.
    pub pins_sent: i64,
    /// When the person last wrote.
    pub last_sent_at: Option<Time>,
    /// Messages the candidate sent.
    pub received: i64,
    /// When the candidate last wrote.
    pub last_received_at: Option<Time>,
}

impl Talk {
    /// Somebody who writes and is not answered gains nothing by writing more.
    fn weight(&self) -> i64 {
        let sent = self.sent.max(0);
        let answered = self.received.clamp(0, sent);
        sent.saturating_mul(2)
            .saturating_add(answered)
            .saturating_add(self.pins_sent.max(0).saturating_mul(2))
    }
}

/// What is known of a person and a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Talk in the conversation of the two.
    pub direct: Talk,
    /// Talk in groups that both are in.
    pub groups: Talk,
    /// The person follows the candidate.
    pub i_follow: bool,
    /// The candidate follows the person.
    pub follows_me: bool,
}

impl Facts {
    /// Points for how long ago the two talked.
    fn recency(&self, now: Time) -> i64 {
        let worth = |at: Option<Time>| halved(RECENT_POINTS, at, now, RECENT_HALF_LIFE_MS);
        let known = self.direct.sent > 0 || self.i_follow;
        let received = worth(self.direct.last_received_at) / if known { 1 } else { WEAKER };
        let in_groups = worth(self.groups.last_sent_at.max(self.groups.last_received_at)) / WEAKER;
        worth(self.direct.last_sent_at).max(received).max(in_groups)
    }

    /// Points for how much the person sends.
    fn frequency(&self, now: Time) -> i64 {
        // The half weight is counted in quarters too, so that talk in groups is not rounded away.
        let quarters = (self.direct.weight().saturating_mul(WEAKER))
            .saturating_add(self.groups.weight())
            .min(i64::from(u32::MAX));
        let points = FREQUENT_POINTS * quarters / (quarters + FREQUENT_HALF_WEIGHT * WEAKER);
        let last = self.direct.last_sent_at.max(self.groups.last_sent_at);
        halved(points, last, now, FREQUENT_HALF_LIFE_MS)
    }

    const fn follow(&self) -> Option<(Reason, i64)> {
        match (self.i_follow, self.follows_me) {
            (true, true) => Some((Reason::Mutual, MUTUAL_POINTS)),
            (true, false) => Some((Reason::IFollow, I_FOLLOW_POINTS)),
            (false, true) => Some((Reason::FollowsMe, FOLLOWS_ME_POINTS)),
            (false, false) => None,
        }
    }

    fn talked_recently(&self, now: Time) -> bool {
        let last = self.direct.last_sent_at.max(self.direct.last_received_at);
        last.is_some_and(|at| age(at, now) <= RECENT_MS)
    }
}

/// How a candidate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rank {
    /// 0 to 950,000; more is better.
    pub score: i64,
    /// Why, in the order of [`Reason`]; none for talk that is long ago or in groups alone.
    pub reasons: Vec<Reason>,
}

/// Ranks one candidate by the facts, as of `now`.
#[must_use]
pub fn rank(facts: &Facts, now: Time) -> Rank {
    let frequency = facts.frequency(now);
    let follow = facts.follow();
    let recent = facts.talked_recently(now).then_some(Reason::Recent);
    let frequent = (frequency >= FREQUENT_FROM).then_some(Reason::Frequent);
    let reasons = [recent, frequent, follow.map(|(reason, _)| reason)];
    Rank {
        score: facts.recency(now) + frequency + follow.map_or(0, |(_, points)| points),
        reasons: reasons.into_iter().flatten().collect(),
    }
}

/// A candidate's place among the others; the smaller is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    score: Reverse<i64>,
    user: UserId,
}

impl Place {
    /// The place of this score. Of equal scores the older account comes first.
    #[must_use]
    pub const fn new(score: i64, user: UserId) -> Self {
        Self {
            score: Reverse(score),
            user,
        }
    }

    /// The score.
    #[must_use]
    pub const fn score(self) -> i64 {
        self.score.0
    }

    /// Who stands there.
    #[must_use]
    pub const fn user(self) -> UserId {
        self.user
    }
}

fn age(at: Time, now: Time) -> i64 {
    // What was sent after the list was begun is as fresh as can be.
    now.as_millis().saturating_sub(at.as_millis()).max(0)
}

/// Points that are halved with each half-life that went by since, in a straight line between.
fn halved(points: i64, since: Option<Time>, now: Time, half_life_ms: i64) -> i64 {
    let Some(since) = since else { return 0 };
    let age = age(since, now);
    let Some(halvings) = u32::try_from(age / half_life_ms)
        .ok()
        .filter(|n| *n < i64::BITS - 1)
    else {
        return 0;
    };
    let (high, low) = (points >> halvings, points >> (halvings + 1));
    high - (high - low) * (age % half_life_ms) / half_life_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_millis(1_795_406_400_000);

    fn days_ago(days: i64) -> Time {
        NOW.plus_millis(-days * DAY_MS)
    }

    fn talk() -> impl Strategy<Value = Talk> {
        let count = prop_oneof![Just(0), 0..40_i64, 0..=i64::MAX];
        let time = || proptest::option::of((-400..2_i64).prop_map(|d| NOW.plus_millis(d * DAY_MS)));
        (count.clone(), 0..40_i64, time(), count, time()).prop_map(
            |(sent, pins, last_sent_at, received, last_received_at)| Talk {
                sent,
                pins_sent: pins.min(sent),
                last_sent_at,
                received,
                last_received_at,
            },
        )
    }

    fn facts() -> impl Strategy<Value = Facts> {
        (talk(), talk(), any::<bool>(), any::<bool>()).prop_map(
            |(direct, groups, i_follow, follows_me)| Facts {
                direct,
                groups,
                i_follow,
                follows_me,
            },
        )
    }

    fn score(facts: &Facts) -> i64 {
        rank(facts, NOW).score
    }

    fn reasons(facts: &Facts) -> Vec<Reason> {
        rank(facts, NOW).reasons
    }

    proptest! {
        #[test]
        fn a_score_stays_in_its_range_and_never_grows_by_waiting(f in facts(), wait in 0..=i64::MAX) {
            let now = score(&f);
            prop_assert!((0..=SCORE_MAX).contains(&now));
            let later = rank(&f, NOW.plus_millis(wait)).score;
            prop_assert!((0..=now).contains(&later), "{later} after {now}");
        }

        #[test]
        fn a_message_or_pin_more_never_lowers_a_score(f in facts(), pin: bool, in_group: bool) {
            let mut more = f;
            let talk = if in_group { &mut more.groups } else { &mut more.direct };
            talk.sent = talk.sent.saturating_add(1);
            talk.pins_sent += i64::from(pin);
            talk.last_sent_at = talk.last_sent_at.max(Some(NOW));
            prop_assert!(score(&more) >= score(&f));
        }

        #[test]
        fn to_follow_never_lowers_a_score(f in facts()) {
            let with = |i_follow, follows_me| score(&Facts { i_follow, follows_me, ..f });
            let steps = [with(false, false), with(false, true), with(true, false), with(true, true)];
            prop_assert!(steps.is_sorted(), "{steps:?}");
        }

        #[test]
        fn talk_in_a_group_counts_no_more_than_talk_of_two(talk in talk()) {
            let direct = Facts { direct: talk, ..Facts::default() };
            let groups = Facts { groups: talk, ..Facts::default() };
            prop_assert!(score(&groups) <= score(&direct));
        }

        #[test]
        fn one_follow_reason_is_given_and_each_reason_once(f in facts()) {
            let reasons = rank(&f, NOW).reasons;
            prop_assert!(reasons.windows(2).all(|two| two[0] < two[1]), "{reasons:?}");
            let follows = reasons.iter().filter(|r| **r > Reason::Frequent).count();
            prop_assert_eq!(follows, usize::from(f.i_follow || f.follows_me));
        }

        #[test]
        fn any_order_of_candidates_sorts_to_the_same_list(
            scores in proptest::collection::vec(0..4_i64, 0..40),
            seed: u64,
        ) {
            let ids = 1_i64..;
            let mut places: Vec<Place> =
                scores.iter().zip(ids).map(|(s, id)| Place::new(*s, UserId::new(id))).collect();
            let mut others = places.clone();
            others.sort_by_key(|p| p.user.get().cast_unsigned().wrapping_mul(seed | 1));
            places.sort_unstable();
            others.sort_unstable();
            prop_assert_eq!(&places, &others);
            for two in places.windows(2) {
                let (a, b) = (two[0], two[1]);
                prop_assert!(a.score() > b.score() || (a.score() == b.score() && a.user() < b.user()));
            }
        }
    }

    #[test]
    fn a_talk_counts_half_after_its_half_life() {
        let at = |ms: i64| Some(NOW.plus_millis(-ms));
        let worth = |ms| halved(RECENT_POINTS, at(ms), NOW, RECENT_HALF_LIFE_MS);
        assert_eq!(worth(0), RECENT_POINTS);
        assert_eq!(worth(RECENT_HALF_LIFE_MS / 2), RECENT_POINTS * 3 / 4);
        assert_eq!(worth(RECENT_HALF_LIFE_MS), RECENT_POINTS / 2);
        assert_eq!(worth(RECENT_HALF_LIFE_MS * 100), 0);
        assert_eq!(halved(RECENT_POINTS, None, NOW, 1), 0);
    }

    #[test]
    fn recent_ends_after_its_bound() {
        let last = |ms: i64| {
            reasons(&Facts {
                direct: Talk {
                    last_received_at: Some(NOW.plus_millis(-ms)),
                    ..Talk::default()
                },
                ..Facts::default()
            })
        };
        assert_eq!(last(RECENT_MS), [Reason::Recent]);
        assert_eq!(last(RECENT_MS + 1), Vec::new());
    }

    #[test]
    fn five_messages_or_three_pins_are_frequent() {
        let sent = |sent, pins_sent| {
            let direct = Talk {
                sent,
                pins_sent,
                last_sent_at: Some(days_ago(0)),
                ..Talk::default()
            };
            reasons(&Facts {
                direct,
                ..Facts::default()
            })
        };
        assert_eq!(sent(4, 0), [Reason::Recent]);
        assert_eq!(sent(5, 0), [Reason::Recent, Reason::Frequent]);
        assert_eq!(sent(2, 2), [Reason::Recent]);
        assert_eq!(sent(3, 3), [Reason::Recent, Reason::Frequent]);
    }

    #[test]
    fn who_writes_unanswered_stays_below_who_was_answered_and_below_who_is_followed() {
        let stranger = Facts {
            direct: Talk {
                received: 5_000,
                last_received_at: Some(days_ago(0)),
                ..Talk::default()
            },
            ..Facts::default()
        };
        let answered = Facts {
            direct: Talk {
                sent: 1,
                last_sent_at: Some(days_ago(3)),
                received: 1,
                last_received_at: Some(days_ago(3)),
                ..Talk::default()
            },
            ..Facts::default()
        };
        let followed = Facts {
            i_follow: true,
            ..Facts::default()
        };
        assert!(score(&stranger) < score(&answered));
        assert!(score(&stranger) < score(&followed));
        assert_eq!(reasons(&stranger), [Reason::Recent]);
        let more = Talk {
            received: i64::MAX,
            ..stranger.direct
        };
        assert_eq!(
            score(&Facts {
                direct: more,
                ..stranger
            }),
            score(&stranger)
        );
    }

    #[test]
    fn those_one_sends_to_come_before_those_one_only_follows() {
        let sent_last_week = Facts {
            direct: Talk {
                sent: 3,
                pins_sent: 3,
                last_sent_at: Some(days_ago(7)),
                ..Talk::default()
            },
            ..Facts::default()
        };
        let mutual = Facts {
            i_follow: true,
            follows_me: true,
            ..Facts::default()
        };
        assert!(score(&sent_last_week) > score(&mutual));
        assert_eq!(reasons(&mutual), [Reason::Mutual]);
    }
}
