//! What a run measures: counts and latencies, of its window alone.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::clock;

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

    fn forget(&self) {
        self.0.borrow_mut().reset();
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> u64 {
        self.0.borrow().len()
    }
}

/// Counts and latencies of one run. What happens while the window is open is counted; of what was begun in it the
/// latency is taken, however late it ends.
pub(crate) struct Meter {
    opened: Cell<Option<Instant>>,
    closed: Cell<Option<Instant>>,
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
            opened: Cell::new(None),
            closed: Cell::new(None),
            acknowledged: Cell::new(0),
            delivered: Cell::new(0),
            answers: Latencies::new()?,
            arrivals: Latencies::new()?,
        })
    }

    /// The window opens.
    pub(crate) fn open(&self) {
        self.opened.set(Some(clock::now()));
        self.closed.set(None);
    }

    /// What was measured is forgotten, and the window opens anew.
    pub(crate) fn reset(&self) {
        self.acknowledged.set(0);
        self.delivered.set(0);
        self.answers.forget();
        self.arrivals.forget();
        self.open();
    }

    /// The window closes.
    pub(crate) fn close(&self) {
        self.closed.set(Some(clock::now()));
    }

    fn is_open(&self) -> bool {
        self.opened.get().is_some() && self.closed.get().is_none()
    }

    fn covers(&self, started: Instant) -> bool {
        let closed = self.closed.get();
        self.opened.get().is_some_and(|it| started >= it) && closed.is_none_or(|it| started < it)
    }

    /// A request was answered well.
    pub(crate) fn answered(&self, started: Instant) {
        if self.is_open() {
            self.acknowledged.set(self.acknowledged.get() + 1);
        }
        if self.covers(started) {
            self.answers.add(started.elapsed());
        }
    }

    /// What somebody did arrived at somebody else.
    pub(crate) fn delivered(&self, started: Instant) {
        if self.is_open() {
            self.delivered.set(self.delivered.get() + 1);
        }
        if self.covers(started) {
            self.arrivals.add(started.elapsed());
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
        let counts = || (meter.acknowledged_count(), meter.delivered_count());
        let latencies = || (meter.answers.count(), meter.arrivals.count());
        let before = clock::now();
        meter.answered(before);
        meter.delivered(before);
        assert_eq!((counts(), latencies()), ((0, 0), (0, 0)));
        meter.open();
        let within = clock::now();
        meter.answered(before);
        meter.answered(within);
        meter.delivered(within);
        assert_eq!((counts(), latencies()), ((2, 1), (1, 1)));
        meter.close();
        // It was begun in time, and ends late: its latency must not be left out.
        meter.delivered(within);
        meter.delivered(clock::now());
        assert_eq!((counts(), latencies()), ((2, 1), (1, 2)));
        meter.reset();
        assert_eq!((counts(), latencies()), ((0, 0), (0, 0)));
    }
}
