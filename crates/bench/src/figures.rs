//! The figures of a run.

use serde::Serialize;

use crate::meter::Meter;
use crate::usage::Used;

/// The figure that tells how much else the machine had to do.
pub(crate) const OTHERS: &str = "others' cores";

/// A figure: its name with the unit, and its value.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// The name with the unit.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: f64,
}

/// All figures of one run.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Figures {
    /// In the order of the table.
    pub(crate) list: Vec<Figure>,
    /// Why the run is void.
    pub(crate) void: Option<String>,
}

/// A count as a figure.
pub(crate) fn number(count: u64) -> f64 {
    // Counts of a run stay far below 2^32.
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

impl Figures {
    /// Adds one.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.list.push(Figure {
            name: name.into(),
            value,
        });
    }

    /// The one of this name.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.list
            .iter()
            .find(|it| it.name == name)
            .map(|it| it.value)
    }

    /// The figures of sends.
    pub(crate) fn of_sends(&mut self, meter: &Meter, used: &Used) {
        let (sent, delivered) = (
            number(meter.acknowledged_count()),
            number(meter.delivered_count()),
        );
        self.add("sends/s", sent / used.time);
        self.add("answer p50 ms", meter.answers.quantile_ms(0.5));
        self.add("answer p99 ms", meter.answers.quantile_ms(0.99));
        self.add("delivered/s", delivered / used.time);
        self.add("arrival p50 ms", meter.arrivals.quantile_ms(0.5));
        self.add("arrival p99 ms", meter.arrivals.quantile_ms(0.99));
        // The processes of a server that runs already are not known.
        if used.servers.is_empty() {
            return;
        }
        self.add(
            "CPU s/1000 delivered",
            1e3 * used.servers_total() / delivered.max(1.0),
        );
        self.of_cores(used, sent);
    }

    /// Who used the machine: milliseconds of each server for each act, then everybody's cores.
    pub(crate) fn of_cores(&mut self, used: &Used, acts: f64) {
        for (name, seconds) in &used.servers {
            self.add(format!("{name} ms/act"), 1e3 * seconds / acts.max(1.0));
        }
        self.add("server cores", used.servers_total() / used.time);
        self.add("bench cores", used.own / used.time);
        self.add(OTHERS, used.others / used.time);
    }
}
