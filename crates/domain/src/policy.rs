//! The receiver's gate: what one person's act does to another, decided in one place.

/// Where an act of one person lands with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It arrives.
    Inbox,
    /// It waits as a contact request.
    Requests,
    /// It is stored and never shown to the receiver; the sender notices nothing.
    Withheld,
}

/// Where a person wants the first message of others to land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// Nowhere: the person does not hear of it.
    Nobody,
    /// Among the contact requests.
    Requests,
    /// In the inbox.
    Inbox,
}

impl Placement {
    const ALL: [Self; 3] = [Self::Nobody, Self::Requests, Self::Inbox];

    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Requests => "requests",
            Self::Inbox => "inbox",
        }
    }

    /// The placement of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Where a person wants first messages to land, by what they have to do with the sender. Of the relations that hold the
/// most open one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactPolicy {
    /// They follow each other.
    pub mutual: Placement,
    /// The person follows the sender.
    pub i_follow: Placement,
    /// The person accepted the sender, or wrote to them.
    pub talked_before: Placement,
    /// The sender follows the person.
    pub follows_me: Placement,
    /// Anybody.
    pub everyone: Placement,
}

impl ContactPolicy {
    /// What holds until the person says otherwise, where those to whom they have nothing to do land at `strangers`.
    #[must_use]
    pub const fn with_strangers(strangers: Placement) -> Self {
        Self {
            mutual: Placement::Inbox,
            i_follow: Placement::Inbox,
            talked_before: Placement::Inbox,
            follows_me: strangers,
            everyone: strangers,
        }
    }
}

impl Default for ContactPolicy {
    fn default() -> Self {
        Self::with_strangers(Placement::Requests)
    }
}

/// What the receiver has to do with the sender, as the receiver sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four facts that hold or not, each by itself"
)]
pub struct Relation {
    /// The receiver follows the sender.
    pub i_follow: bool,
    /// The sender follows the receiver.
    pub follows_me: bool,
    /// The receiver accepted the sender, or wrote to them.
    pub talked_before: bool,
    /// The receiver has blocked the sender.
    pub blocked: bool,
}

impl Relation {
    /// Where the receiver's policy puts a first message, whether the sender is blocked or not.
    fn placement(self, policy: ContactPolicy) -> Placement {
        [
            (self.i_follow && self.follows_me, policy.mutual),
            (self.i_follow, policy.i_follow),
            (self.talked_before, policy.talked_before),
            (self.follows_me, policy.follows_me),
        ]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, placement)| placement)
        .fold(policy.everyone, Placement::max)
    }
}

/// Where a first message lands, and what the sender may know of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// Where it lands.
    pub gate: Gate,
    /// Whether the sender has to wait for an answer. Does not depend on a block: nobody learns of one by it.
    pub awaits_answer: bool,
}

/// Decides where a first message of the sender lands, and what becomes of who is taken into a group by them.
#[must_use]
pub fn landing(relation: Relation, policy: ContactPolicy) -> Landing {
    let placement = relation.placement(policy);
    let gate = match placement {
        _ if relation.blocked => Gate::Withheld,
        Placement::Inbox => Gate::Inbox,
        Placement::Requests => Gate::Requests,
        Placement::Nobody => Gate::Withheld,
    };
    Landing {
        gate,
        awaits_answer: placement != Placement::Inbox,
    }
}

/// Decides where an act of a member lands with another one of the same conversation: what was agreed to once, arrives.
#[must_use]
pub const fn gate_of_member(blocked: bool) -> Gate {
    if blocked { Gate::Withheld } else { Gate::Inbox }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every relation there can be, without a block.
    fn relations() -> impl Iterator<Item = Relation> {
        (0..8).map(|bits| Relation {
            i_follow: bits & 1 > 0,
            follows_me: bits & 2 > 0,
            talked_before: bits & 4 > 0,
            blocked: false,
        })
    }

    #[test]
    fn whom_one_follows_or_talked_with_arrives_and_anybody_else_asks() {
        for relation in relations() {
            let known = relation.i_follow || relation.talked_before;
            let expected = if known { Gate::Inbox } else { Gate::Requests };
            let landing = landing(relation, ContactPolicy::default());
            assert_eq!(landing.gate, expected, "{relation:?}");
            assert_eq!(landing.awaits_answer, !known, "{relation:?}");
        }
    }

    #[test]
    fn a_block_withholds_whatever_else_holds_and_does_not_show() {
        for strangers in Placement::ALL {
            let policy = ContactPolicy::with_strangers(strangers);
            for relation in relations() {
                let open = landing(relation, policy);
                let blocked = Relation {
                    blocked: true,
                    ..relation
                };
                let shut = landing(blocked, policy);
                assert_eq!(shut.gate, Gate::Withheld);
                assert_eq!(shut.awaits_answer, open.awaits_answer, "{relation:?}");
            }
        }
    }

    #[test]
    fn the_most_open_relation_that_holds_wins() {
        let nobody = ContactPolicy {
            mutual: Placement::Nobody,
            i_follow: Placement::Nobody,
            talked_before: Placement::Nobody,
            follows_me: Placement::Nobody,
            everyone: Placement::Nobody,
        };
        for relation in relations() {
            let shut = landing(relation, nobody);
            assert_eq!((shut.gate, shut.awaits_answer), (Gate::Withheld, true));
            for placement in [Placement::Requests, Placement::Inbox] {
                let cases = [
                    (
                        relation.i_follow && relation.follows_me,
                        ContactPolicy {
                            mutual: placement,
                            ..nobody
                        },
                    ),
                    (
                        relation.i_follow,
                        ContactPolicy {
                            i_follow: placement,
                            ..nobody
                        },
                    ),
                    (
                        relation.talked_before,
                        ContactPolicy {
                            talked_before: placement,
                            ..nobody
                        },
                    ),
                    (
                        relation.follows_me,
                        ContactPolicy {
                            follows_me: placement,
                            ..nobody
                        },
                    ),
                    (
                        true,
                        ContactPolicy {
                            everyone: placement,
                            ..nobody
                        },
                    ),
                ];
                for (holds, policy) in cases {
                    let expected = match (holds, placement) {
                        (false, _) => Gate::Withheld,
                        (true, Placement::Inbox) => Gate::Inbox,
                        (true, _) => Gate::Requests,
                    };
                    assert_eq!(landing(relation, policy).gate, expected, "{relation:?}");
                }
            }
        }
    }

    #[test]
    fn every_placement_is_found_by_its_name() {
        for placement in Placement::ALL {
            assert_eq!(Placement::from_name(placement.name()), Some(placement));
        }
        assert_eq!(Placement::from_name("attic"), None);
    }
}
