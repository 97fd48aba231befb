//! What a run measures: counts and latencies, only while the window is open.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest latency that is told from longer ones, in microseconds.
const LATENCY_MAX_US: u64 = 120_000_000;
/// Digits that a latency is exact to.
const DIGITS: u8 = 3;

/// Latencies.
pub(crate) struct Latencies(RefCell<Histogram<u64>>);

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Result<Self> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX_US, DIGITS)?;
        Ok(Self(RefCell::new(histogram)))
    }

    /// Adds one.
    pub(crate) fn add(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.borrow_mut().saturating_record(us.max(1));
    }

    /// The latency in milliseconds that this share of all (0 to 1) does not exceed.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let us = self.0.borrow().value_at_quantile(share);
        Duration::from_micros(us).as_secs_f64() * 1e3
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.borrow().len()
    }
}

/// Counts and latencies of one run.
pub(crate) struct Meter {
    open: Cell<bool>,
    /// Requests that were answered well.
    acknowledged: Cell<u64>,
    /// Arrivals at others than who caused them.
    delivered: Cell<u64>,
    /// From the beginning of a request to its answer.
    pub(crate) answers: Latencies,
    /// From the beginning of a send to its arrival at another person.
    pub(crate) arrivals: Latencies,
}

impl Meter {
    /// A meter that does not measure yet.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            open: Cell::new(false),
            acknowledged: Cell::new(0),
            delivered: Cell::new(0),
            answers: Latencies::new()?,
            arrivals: Latencies::new()?,
        })
    }

    /// From now on everything counts.
    pub(crate) fn open(&self) {
        self.open.set(true);
    }

    /// From now on nothing counts.
    pub(crate) fn close(&self) {
        self.open.set(false);
    }

    /// A request was answered well.
    pub(crate) fn answered(&self, started: Instant) {
        if self.open.get() {
            self.acknowledged.set(self.acknowledged.get() + 1);
            self.answers.add(started.elapsed());
        }
    }

    /// What somebody did arrived at somebody else; with when it was begun, if that is known.
    pub(crate) fn delivered(&self, started: Option<Instant>) {
        if self.open.get() {
            self.delivered.set(self.delivered.get() + 1);
            if let Some(started) = started {
                self.arrivals.add(started.elapsed());
            }
        }
    }

    /// Requests that were answered well.
    pub(crate) const fn acknowledged_count(&self) -> u64 {
        self.acknowledged.get()
    }

    /// Arrivals at others.
    pub(crate) const fn delivered_count(&self) -> u64 {
        self.delivered.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_added() {
        let latencies = Latencies::new().unwrap();
        for ms in 1..=100 {
            latencies.add(Duration::from_millis(ms));
        }
        let near = |share, ms: f64| (latencies.quantile_ms(share) / ms - 1.0).abs() < 0.002;
        assert!(near(0.5, 50.0) && near(0.99, 99.0) && near(1.0, 100.0));
        assert_eq!(latencies.count(), 100);
    }

    #[test]
    fn what_is_beyond_the_scale_counts_as_its_end() {
        let latencies = Latencies::new().unwrap();
        latencies.add(Duration::from_secs(1_000));
        latencies.add(Duration::ZERO);
        assert_eq!(latencies.count(), 2);
        assert!(latencies.quantile_ms(1.0) >= 119_000.0);
    }

    #[test]
    fn only_the_open_window_counts() {
        let meter = Meter::new().unwrap();
        let now = crate::clock::now();
        meter.answered(now);
        meter.delivered(Some(now));
        assert_eq!(
            (meter.acknowledged_count(), meter.delivered_count()),
            (0, 0)
        );
        meter.open();
        meter.answered(now);
        meter.delivered(None);
        meter.close();
        meter.delivered(Some(now));
        assert_eq!(
            (meter.acknowledged_count(), meter.delivered_count()),
            (1, 1)
        );
        assert_eq!((meter.answers.count(), meter.arrivals.count()), (1, 0));
    }
}
