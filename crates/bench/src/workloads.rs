//! The workloads.

mod fairness;
mod growth;
mod idle;
mod marks;
mod pages;
mod rates;
mod reference;
mod search;
mod sends;
mod sign_ins;
mod silence;
mod start;
mod storm;

use std::time::Duration;

use anyhow::Result;

use crate::cli::{
    Fairness, Fanout, Groups, Growth, Idle, Marks, Pages, Search, Settings, SignIns, Storm,
    Workload,
};
use crate::figures::Figures;
use crate::progress::Progress;
use crate::servers::{Profile, Target};

/// Seconds of each line of pgbench.
const PGBENCH_S: u64 = 5;

/// One workload with its parameters, run on one target after the other.
#[derive(Debug, Clone)]
pub(crate) enum Case {
    /// What the disk and the database can do.
    Reference,
    /// Readiness and idle memory.
    Start,
    /// W1: senders, pairs, and whether pins are sent.
    Pairs(usize, usize, bool),
    /// W2.
    Groups(Groups),
    /// W2b.
    Overlapping(Groups),
    /// W3.
    Idle(Idle),
    /// W4.
    Pages(Pages),
    /// W5: sends a second, and pairs.
    Rate(f64, usize),
    /// W6.
    Marks(Marks),
    /// One busy conversation.
    Fairness(Fairness),
    /// Very many sign-ins.
    SignIns(SignIns),
    /// What strangers can tell.
    Silence,
    /// Sockets that come back at once.
    Storm(Storm),
    /// Idle sockets of others.
    Fanout(Fanout),
    /// A store that grows.
    Growth(Growth),
    /// Searches in a large store.
    Search(Search),
}

impl Case {
    /// The cases of a workload.
    pub(crate) fn of(workload: &Workload) -> Result<Vec<Self>> {
        Ok(match workload {
            Workload::All => {
                let all = Workload::all()?;
                let cases = all.iter().map(Self::of).collect::<Result<Vec<_>>>()?;
                cases.into_iter().flatten().collect()
            }
            Workload::Reference => vec![Self::Reference],
            Workload::Start => vec![Self::Start],
            Workload::W1(it) => {
                let senders = it.senders.iter();
                senders
                    .map(|senders| Self::Pairs(*senders, it.pairs, it.by_pin))
                    .collect()
            }
            Workload::W2(it) => vec![Self::Groups(*it)],
            Workload::W2b(it) => vec![Self::Overlapping(*it)],
            Workload::W3(it) => vec![Self::Idle(*it)],
            Workload::W4(it) => vec![Self::Pages(*it)],
            Workload::W5(it) => it
                .rate
                .iter()
                .map(|rate| Self::Rate(*rate, it.pairs))
                .collect(),
            Workload::W6(it) => vec![Self::Marks(*it)],
            Workload::Fairness(it) => vec![Self::Fairness(*it)],
            Workload::SignIns(it) => vec![Self::SignIns(*it)],
            Workload::Silence => vec![Self::Silence],
            Workload::Storm(it) => vec![Self::Storm(*it)],
            Workload::Fanout(it) => vec![Self::Fanout(*it)],
            Workload::Growth(it) => vec![Self::Growth(*it)],
            Workload::Search(it) => vec![Self::Search(*it)],
        })
    }

    /// The name in tables; the bar knows cases by it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Reference => "reference".to_owned(),
            Self::Start => "start".to_owned(),
            Self::Pairs(senders, _, false) => format!("W1 {senders} senders"),
            Self::Pairs(senders, _, true) => format!("W1 {senders} senders by pin"),
            Self::Groups(it) => format!("W2 groups of {}", it.size),
            Self::Overlapping(it) => format!("W2b groups of {}", it.size),
            Self::Idle(it) => format!("W3 {} sockets", it.sockets),
            Self::Pages(it) => format!("W4 page of {}", it.messages),
            Self::Rate(rate, _) => format!("W5 {rate} a second"),
            Self::Marks(it) => format!("W6 groups of {}", it.size),
            Self::Fairness(_) => "fairness".to_owned(),
            Self::SignIns(it) => format!("{} sign-ins a second", it.rate),
            Self::Silence => "silence".to_owned(),
            Self::Storm(it) => format!("storm of {}", it.sockets),
            Self::Fanout(it) => format!("fan-out beside {}", it.sockets),
            Self::Growth(it) => format!("growth to 10^{}", it.up_to),
            Self::Search(it) => format!("search in 10^{}", it.power),
        }
    }

    /// Whether it can be run on this profile. The peer's people are gone when it starts anew, and its sockets cannot
    /// resume.
    pub(crate) const fn suits(&self, profile: Profile) -> bool {
        match self {
            Self::Reference => matches!(profile, Profile::Server),
            Self::Overlapping(_) => matches!(profile, Profile::Server | Profile::Url),
            Self::Start | Self::Growth(_) | Self::Search(_) | Self::SignIns(_) | Self::Silence => {
                matches!(profile, Profile::Server | Profile::Embedded)
            }
            Self::Storm(_) => !matches!(profile, Profile::Node),
            _ => true,
        }
    }

    /// Whether the first run is the only one.
    pub(crate) const fn is_once(&self) -> bool {
        matches!(self, Self::Growth(_) | Self::Search(_) | Self::Reference)
    }

    /// Runs it.
    pub(crate) async fn run(
        &self,
        target: &mut Target,
        settings: &Settings,
        progress: &Progress,
    ) -> Result<Figures> {
        match self {
            Self::Reference => reference::run(target, PGBENCH_S, progress).await,
            Self::Start => start::run(target, progress).await,
            Self::Pairs(senders, pairs, by_pin) => {
                let mut pace = settings.pace(*senders);
                pace.by_pin = *by_pin;
                sends::pairs(target, *pairs, &pace, progress).await
            }
            Self::Groups(it) => {
                let pace = settings.pace(it.senders);
                sends::groups(target, (it.count, it.size), &pace, progress).await
            }
            Self::Overlapping(it) => {
                let pace = settings.pace(it.senders);
                sends::overlapping(target, (it.count, it.size), &pace, progress).await
            }
            Self::Idle(it) => {
                let time = Duration::from_secs_f64(it.idle_seconds);
                idle::run(target, it.sockets, time, progress).await
            }
            Self::Pages(it) => {
                let pace = settings.pace(it.readers);
                pages::run(target, it.messages, &pace, progress).await
            }
            Self::Rate(rate, pairs) => {
                let pace = settings.pace(0);
                rates::run(target, (*rate, *pairs), &pace, progress).await
            }
            Self::Marks(it) => {
                let pace = settings.pace(it.readers);
                marks::run(target, (it.count, it.size, it.depth), &pace, progress).await
            }
            Self::Fairness(it) => fairness::run(target, &settings.pace(it.senders), progress).await,
            Self::SignIns(it) => sign_ins::run(target, it.rate, &settings.pace(0), progress).await,
            Self::Silence => silence::run(target, progress).await,
            Self::Storm(it) => storm::run(target, it.sockets, &settings.pace(0), progress).await,
            Self::Fanout(it) => {
                let pace = settings.pace(it.senders);
                growth::fan_out(target, it.sockets, &pace, progress).await
            }
            Self::Growth(it) => {
                let pace = settings.pace(it.senders);
                growth::store(target, it.up_to, &pace, progress).await
            }
            Self::Search(it) => search::run(target, it, progress).await,
        }
    }
}
