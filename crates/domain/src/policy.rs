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
    /// The receiver accepted or wrote to the sender before.
    pub talked_before: bool,
    /// The receiver has blocked the sender.
    pub blocked: bool,
}

/// Decides where an act of the sender lands.
///
/// Contact requests are not offered yet, so every relation but a block leads to the inbox; the table of
/// relations and settings goes here and nowhere else.
#[must_use]
pub const fn gate(relation: Relation) -> Gate {
    if relation.blocked {
        Gate::Withheld
    } else {
        Gate::Inbox
    }
}

/// Decides what becomes of a person whom the sender wants to add to a group: a contact is added, anybody else is
/// asked. A contact is who follows the sender, or has written to them; that the sender follows somebody gives no right.
#[must_use]
pub const fn gate_of_group(relation: Relation) -> Gate {
    if relation.blocked {
        Gate::Withheld
    } else if relation.i_follow || relation.talked_before {
        Gate::Inbox
    } else {
        Gate::Requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_withholds_whatever_else_holds() {
        for i_follow in [false, true] {
            for talked_before in [false, true] {
                let relation = Relation {
                    i_follow,
                    talked_before,
                    ..Relation::default()
                };
                assert_eq!(gate(relation), Gate::Inbox);
                assert_eq!(
                    gate(Relation {
                        blocked: true,
                        ..relation
                    }),
                    Gate::Withheld
                );
            }
        }
    }

    #[test]
    fn a_contact_is_added_to_a_group_and_anybody_else_is_asked() {
        for (i_follow, follows_me, talked_before, open) in [
            (false, false, false, Gate::Requests),
            (false, true, false, Gate::Requests),
            (true, false, false, Gate::Inbox),
            (true, true, false, Gate::Inbox),
            (false, false, true, Gate::Inbox),
        ] {
            let relation = Relation {
                i_follow,
                follows_me,
                talked_before,
                blocked: false,
            };
            assert_eq!(gate_of_group(relation), open, "{relation:?}");
            let blocked = Relation {
                blocked: true,
                ..relation
            };
            assert_eq!(gate_of_group(blocked), Gate::Withheld, "{relation:?}");
        }
    }
}
