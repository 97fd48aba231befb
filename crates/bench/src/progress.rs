//! The progress bar: on standard error, and only where that is a terminal.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar is drawn anew while nothing happens.
const TICK: Duration = Duration::from_millis(250);

/// What the bench is doing.
pub(crate) struct Progress {
    bar: ProgressBar,
    title: RefCell<String>,
}

impl Progress {
    /// A bar that is not yet of anything.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:24}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        Self {
            bar,
            title: RefCell::default(),
        }
    }

    /// A workload begins.
    pub(crate) fn title(&self, title: &str) {
        self.title.replace(title.to_owned());
        self.begin("starting", 0);
    }

    /// A part of it begins, of so many steps.
    pub(crate) fn begin(&self, what: &str, steps: usize) {
        self.bar
            .set_length(u64::try_from(steps).unwrap_or(u64::MAX));
        self.bar.set_position(0);
        self.bar
            .set_message(format!("{}: {what}", self.title.borrow()));
    }

    /// A step was made.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Waits so long, a step for each tenth of a second.
    pub(crate) async fn wait(&self, what: &str, time: Duration) {
        let steps = time.as_millis().div_ceil(100);
        self.begin(what, usize::try_from(steps).unwrap_or(usize::MAX));
        let end = tokio::time::Instant::now() + time;
        for _ in 1..steps {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.step();
        }
        tokio::time::sleep_until(end).await;
    }

    /// Prints lines of the outcome above the bar.
    pub(crate) fn print(&self, lines: &str) {
        self.bar.suspend(|| println!("{lines}"));
    }

    /// The bar goes away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
