//! Tables and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::bar;
use crate::figures::{Figures, OTHERS, number};

/// Cores that others may use before a run says so.
const QUIET: f64 = 0.1;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// The workload.
    pub(crate) case: String,
    /// On which servers.
    pub(crate) profile: &'static str,
    /// Which run, from 1.
    pub(crate) run: usize,
    /// What was measured.
    pub(crate) figures: Figures,
}

/// All figures.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// In the order they were taken.
    pub(crate) measured: Vec<Measured>,
}

/// Median and bounds of a figure over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of these values; none of none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(*values.get(middle.checked_sub(1)?)?, upper)
        } else {
            upper
        };
        Some(Self {
            median,
            min: *values.first()?,
            max: *values.last()?,
        })
    }

    /// The median, and the bounds if they differ.
    fn text(&self) -> String {
        let (median, min, max) = (short(self.median), short(self.min), short(self.max));
        if min == max {
            median
        } else {
            format!("{median} ({min}–{max})")
        }
    }
}

/// A value with three digits or so.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        it if it >= 0.1 || it == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Report {
    /// Whether no run is void.
    pub(crate) fn is_valid(&self) -> bool {
        self.measured.iter().all(|it| it.figures.void.is_none())
    }

    /// A figure of a case on a profile over all valid runs.
    pub(crate) fn spread(&self, case: &str, profile: &str, figure: &str) -> Option<Spread> {
        let runs = self
            .measured
            .iter()
            .filter(|it| it.case == case && it.profile == profile && it.figures.void.is_none());
        let figures = runs.flat_map(|it| &it.figures.list);
        Spread::of(
            figures
                .filter(|it| it.name == figure)
                .map(|it| it.value)
                .collect(),
        )
    }

    /// The table of a case: a row for each figure, a column for each profile.
    pub(crate) fn table(&self, case: &str) -> String {
        let runs: Vec<_> = self.measured.iter().filter(|it| it.case == case).collect();
        let (mut profiles, mut figures) = (Vec::new(), Vec::new());
        for run in &runs {
            if !profiles.contains(&run.profile) {
                profiles.push(run.profile);
            }
            for figure in &run.figures.list {
                if !figures.contains(&figure.name.as_str()) {
                    figures.push(&figure.name);
                }
            }
        }
        let mut out = format!("\n{case:<26}");
        for profile in &profiles {
            let _ = write!(out, "{profile:>28}");
        }
        for figure in figures {
            let _ = write!(out, "\n  {figure:<24}");
            for profile in &profiles {
                let spread = self.spread(case, profile, figure);
                let text = spread.map_or_else(|| "-".to_owned(), |it| it.text());
                let _ = write!(out, "{text:>28}");
            }
        }
        for run in runs {
            if let Some(why) = &run.figures.void {
                let _ = write!(out, "\n  VOID: {}, run {}: {why}", run.profile, run.run);
            }
        }
        out
    }

    /// The bar, and how many runs are void.
    pub(crate) fn summary(&self) -> String {
        let mut out = bar::table(self);
        let void = self
            .measured
            .iter()
            .filter(|it| it.figures.void.is_some())
            .count();
        if void > 0 {
            let _ = writeln!(out, "\n{void} of {} runs are VOID", self.measured.len());
        }
        let others = self.measured.iter().flat_map(|it| &it.figures.list);
        let others = others.filter(|it| it.name == OTHERS).map(|it| it.value);
        if let Some(spread) = Spread::of(others.collect()).filter(|it| it.max > QUIET) {
            let text = spread.text();
            let _ = writeln!(
                out,
                "\nThe machine was not quiet: others used {text} cores meanwhile."
            );
        }
        out
    }

    /// All figures, with their medians and the bar.
    pub(crate) fn json(&self) -> Result<String> {
        let mut medians: BTreeMap<String, BTreeMap<&str, BTreeMap<&str, Spread>>> = BTreeMap::new();
        for run in &self.measured {
            let of_case = medians.entry(run.case.clone()).or_default();
            let of_profile = of_case.entry(run.profile).or_default();
            for figure in &run.figures.list {
                if let Some(spread) = self.spread(&run.case, run.profile, &figure.name) {
                    of_profile.insert(&figure.name, spread);
                }
            }
        }
        let whole = serde_json::json!({
            "machine": machine(),
            "medians": medians,
            "bar": bar::lines(self),
            "runs": self.measured,
        });
        Ok(serde_json::to_string_pretty(&whole)?)
    }
}

/// What the figures were measured on.
fn machine() -> serde_json::Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, name: &str| {
        let found = text
            .lines()
            .find_map(|it| it.strip_prefix(name).map(str::to_owned));
        found.map(|it| it.trim_start_matches([' ', '\t', ':']).to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    serde_json::json!({
        "cpu": line(&read("/proc/cpuinfo"), "model name"),
        "cores": number(u64::try_from(cores).unwrap_or(0)),
        "memory": line(&read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "load": read("/proc/loadavg").trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(
            spread,
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
        assert!((Spread::of(vec![1.0, 2.0]).unwrap().median - 1.5).abs() < 1e-9);
        assert_eq!(Spread::of(vec![]), None);
    }

    fn run(run: usize, value: f64, void: Option<&str>) -> Measured {
        let mut figures = Figures::default();
        figures.add("sends/s", value);
        figures.void = void.map(str::to_owned);
        Measured {
            case: "W1 32 senders".into(),
            profile: "server",
            run,
            figures,
        }
    }

    #[test]
    fn a_void_run_counts_nowhere_and_is_told() {
        let measured = vec![
            run(1, 100.0, None),
            run(2, 900.0, Some("1 faults: missing: x")),
        ];
        let report = Report { measured };
        assert!(!report.is_valid());
        let spread = report.spread("W1 32 senders", "server", "sends/s").unwrap();
        assert!((spread.max - 100.0).abs() < 1e-9);
        let table = report.table("W1 32 senders");
        assert!(table.contains("VOID: server, run 2: 1 faults: missing: x"));
        assert!(report.summary().contains("1 of 2 runs are VOID"));
    }

    #[test]
    fn values_are_short() {
        let texts = [1234.5, 12.34, 1.234, 0.01234, 0.0].map(short);
        assert_eq!(texts, ["1234", "12.3", "1.23", "0.012", "0.00"]);
    }
}
