//! The workloads.

mod sends;

use anyhow::Result;

use crate::cli::{Settings, Workload};
use crate::figures::Figures;
use crate::progress::Progress;
use crate::servers::{Profile, Target};

/// One workload with its parameters, run on one target after the other.
#[derive(Debug, Clone)]
pub(crate) enum Case {
    /// Messages one to one.
    Pairs {
        /// Senders at once.
        senders: usize,
        /// Pairs online.
        pairs: usize,
        /// Sends pins.
        by_pin: bool,
    },
    /// Messages in groups.
    Groups {
        /// Senders at once.
        senders: usize,
        /// Groups online.
        groups: usize,
        /// People in each.
        size: usize,
    },
}

impl Case {
    /// The cases of a workload.
    pub(crate) fn of(workload: &Workload) -> Vec<Self> {
        match workload {
            Workload::W1(sends) => sends
                .senders
                .iter()
                .map(|senders| Self::Pairs {
                    senders: *senders,
                    pairs: sends.pairs,
                    by_pin: sends.by_pin,
                })
                .collect(),
            Workload::W2(it) => vec![Self::Groups {
                senders: it.senders,
                groups: it.count,
                size: it.size,
            }],
        }
    }

    /// The name in tables; the bar knows cases by it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Pairs {
                senders, by_pin, ..
            } => {
                let what = if *by_pin { " by pin" } else { "" };
                format!("W1 {senders} senders{what}")
            }
            Self::Groups { size, .. } => format!("W2 groups of {size}"),
        }
    }

    /// Whether it can be run on this profile.
    pub(crate) const fn suits(&self, _profile: Profile) -> bool {
        match self {
            Self::Pairs { .. } | Self::Groups { .. } => true,
        }
    }

    /// Runs it.
    pub(crate) async fn run(
        &self,
        target: &mut Target,
        settings: &Settings,
        progress: &Progress,
    ) -> Result<Figures> {
        match self {
            Self::Pairs {
                senders,
                pairs,
                by_pin,
            } => {
                let mut pace = settings.pace(*senders);
                pace.by_pin = *by_pin;
                sends::pairs(target, *pairs, &pace, progress).await
            }
            Self::Groups {
                senders,
                groups,
                size,
            } => {
                let pace = settings.pace(*senders);
                sends::groups(target, (*groups, *size), &pace, progress).await
            }
        }
    }
}
