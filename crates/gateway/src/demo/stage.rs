//! What the reader sees: who does what, what came of it, and whether it is as it should be.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::{DemoError, Result};

/// Columns that the one who acts is written in.
const NAME_WIDTH: usize = 8;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";

/// Writes the story as it happens, and counts.
pub(super) struct Stage<W> {
    out: W,
    coloured: bool,
    steps: u32,
    checks: u32,
}

impl<W: Write> Stage<W> {
    pub(super) const fn new(out: W, coloured: bool) -> Self {
        Self {
            out,
            coloured,
            steps: 0,
            checks: 0,
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured {
            format!("{colour}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, text: &str) -> Result {
        writeln!(self.out, "{text}")?;
        // The reader watches: nothing waits for the next line.
        Ok(self.out.flush()?)
    }

    /// What is to be seen.
    pub(super) fn title(&mut self, title: &str) -> Result {
        self.line(&self.paint(BOLD, title))
    }

    /// The story goes on.
    pub(super) fn step(&mut self, title: &str) -> Result {
        self.steps += 1;
        let heading = format!("{:>2}  {title}", self.steps);
        self.line("")?;
        self.line(&self.paint(BOLD, &heading))
    }

    /// Somebody asks for something.
    pub(super) fn asks(&mut self, who: &str, what: &str) -> Result {
        self.line(&format!("{who:>NAME_WIDTH$}  > {what}"))
    }

    /// Somebody gets something.
    pub(super) fn gets(&mut self, who: &str, what: &str) -> Result {
        self.line(&format!("{who:>NAME_WIDTH$}  < {what}"))
    }

    /// More of the line before.
    pub(super) fn detail(&mut self, what: &str) -> Result {
        let indented = format!("{:NAME_WIDTH$}    {what}", "");
        self.line(&self.paint(DIM, &indented))
    }

    /// Something is as it should be, or the demo ends here.
    pub(super) fn check(
        &mut self,
        what: &str,
        got: impl Into<Value>,
        want: impl Into<Value>,
    ) -> Result {
        let (got, want) = (got.into(), want.into());
        self.checks += 1;
        if got == want {
            let line = format!("{:>NAME_WIDTH$}    {what}", "ok");
            return self.line(&self.paint(GREEN, &line));
        }
        let line = format!("{:>NAME_WIDTH$}    {what}", "WRONG");
        self.line(&self.paint(RED, &line))?;
        Err(DemoError::Failed(format!(
            "in step {}, {what}: expected {want}, got {got}",
            self.steps
        )))
    }

    /// How it went.
    pub(super) fn summary(&mut self, took: Duration) -> Result {
        let (steps, checks) = (self.steps, self.checks);
        let seconds = took.as_secs_f64();
        let text = format!("All as it should be: {steps} steps, {checks} checks, {seconds:.1} s.");
        self.line("")?;
        self.line(&self.paint(BOLD, &text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(coloured: bool, play: impl FnOnce(&mut Stage<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        play(&mut Stage::new(&mut out, coloured));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_wrong_thing_is_named_and_ends_the_demo() {
        let text = shown(false, |stage| {
            stage.step("Ana sends").unwrap();
            stage.check("one message", 1, 1).unwrap();
            let error = stage.check("no more", 1, 0).unwrap_err().to_string();
            assert_eq!(
                error,
                "the demo failed: in step 1, no more: expected 0, got 1"
            );
        });
        assert_eq!(
            text,
            "\n 1  Ana sends\n      ok    one message\n   WRONG    no more\n"
        );
    }

    #[test]
    fn colour_is_for_terminals_alone() {
        let play = |stage: &mut Stage<&mut Vec<u8>>| stage.check("x", 1, 1).unwrap();
        assert!(!shown(false, play).contains('\x1b'));
        assert!(shown(true, play).contains('\x1b'));
    }
}
