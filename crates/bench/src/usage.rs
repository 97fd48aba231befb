//! What processes use, from `/proc`.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// Milliseconds of a tick in `/proc`, the same on every Linux that Rust runs on.
const TICK_MS: u64 = 10;
/// Bytes of what `/proc` calls a kB.
const KIB: u64 = 1024;

/// A line of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Its own time and that of its children that have ended, in ticks.
    ticks: u64,
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name in brackets may hold anything.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

fn all() -> BTreeMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let text = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, parse_stat(&text)?))
        })
        .collect()
}

/// A process and all that descend from it.
fn family(root: u32, all: &BTreeMap<u32, Stat>) -> HashSet<u32> {
    let mut family = HashSet::from([root]);
    loop {
        let found: Vec<_> = all
            .iter()
            .filter(|(pid, stat)| family.contains(&stat.parent) && !family.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if found.is_empty() {
            return family;
        }
        family.extend(found);
    }
}

fn seconds(ticks: u64) -> f64 {
    Duration::from_millis(ticks * TICK_MS).as_secs_f64()
}

/// The time that processes have used so far, in seconds, and that of the whole machine.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    at: Instant,
    /// By the server's name.
    servers: BTreeMap<&'static str, f64>,
    own: f64,
    machine: f64,
}

/// What was used between two snapshots.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    /// Seconds between the two.
    pub(crate) time: f64,
    /// Seconds of CPU by the server's name.
    pub(crate) servers: BTreeMap<&'static str, f64>,
    /// Seconds of CPU of the load generator.
    pub(crate) own: f64,
    /// Seconds of CPU of everybody else on the machine.
    pub(crate) others: f64,
}

impl Snapshot {
    /// Takes one. `servers` are names and process ids.
    pub(crate) fn take(servers: &[(&'static str, u32)]) -> Self {
        let all = all();
        let mut used = BTreeMap::new();
        for (name, pid) in servers {
            let family = family(*pid, &all);
            let ticks = family
                .iter()
                .filter_map(|it| all.get(it))
                .map(|it| it.ticks);
            *used.entry(*name).or_insert(0.0) += seconds(ticks.sum());
        }
        let own = all.get(&std::process::id()).map_or(0, |it| it.ticks);
        Self {
            at: crate::clock::now(),
            servers: used,
            own: seconds(own),
            machine: seconds(machine_ticks().unwrap_or(0)),
        }
    }

    /// What was used since then.
    pub(crate) fn until(&self, later: &Self) -> Used {
        let servers: BTreeMap<_, _> = later
            .servers
            .iter()
            .map(|(name, used)| (*name, used - self.servers.get(name).unwrap_or(&0.0)))
            .collect();
        let own = later.own - self.own;
        let others = later.machine - self.machine - own - servers.values().sum::<f64>();
        Used {
            time: (later.at - self.at).as_secs_f64(),
            servers,
            own,
            others: others.max(0.0),
        }
    }
}

impl Used {
    /// Seconds of CPU of all servers.
    pub(crate) fn servers_total(&self) -> f64 {
        self.servers.values().sum()
    }
}

/// The ticks that the machine was busy.
fn machine_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.split_whitespace().skip(1);
    let fields: Vec<u64> = fields.filter_map(|it| it.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7];
    Some(busy.iter().filter_map(|it| fields.get(*it)).sum())
}

/// Memory of a process and all that descend from it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident, in bytes; what several share counts for each.
    pub(crate) resident: u64,
    /// Resident, in bytes, what several share being divided among them.
    pub(crate) proportional: u64,
}

/// The memory that a server and its children use.
pub(crate) fn memory(pid: u32) -> Memory {
    let mut memory = Memory::default();
    for pid in family(pid, &all()) {
        let line = |file: &str, name: &str| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
            kib(&text, name)
        };
        memory.resident += line("status", "VmRSS:").unwrap_or(0);
        memory.proportional += line("smaps_rollup", "Pss:").unwrap_or(0);
    }
    memory
}

/// A line such as `VmRSS:   123 kB`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|it| it.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194304 100 0 0 0 11 22 3 4 20 0 1 0 100";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                parent: 7,
                ticks: 40
            })
        );
        assert_eq!(parse_stat("42 (a"), None);
    }

    #[test]
    fn a_family_is_all_that_descend() {
        let stat = |parent| Stat { parent, ticks: 0 };
        let all = BTreeMap::from([(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(9))]);
        assert_eq!(family(1, &all), HashSet::from([1, 2, 3]));
        assert_eq!(family(4, &all), HashSet::from([4]));
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(kib("Name: x\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12_288));
        assert_eq!(kib("Name: x\n", "VmRSS:"), None);
    }

    #[test]
    fn this_process_uses_something() {
        assert!(memory(std::process::id()).resident > 0);
        let own = [("own", std::process::id())];
        let before = Snapshot::take(&own);
        assert!(before.until(&Snapshot::take(&own)).time >= 0.0);
    }
}
