//! What a client checks of each frame, by whatever door it comes.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value;

use crate::contract::Contract;

/// Fails the test on a frame that is not as documented, and on a gap, a repeat or an inversion.
pub(crate) struct Follower {
    /// Whose stream it is.
    pub(crate) who: String,
    contract: Arc<Contract>,
    epoch: String,
    /// The seq of the last frame that had one.
    last: i64,
    heard: Vec<Value>,
}

impl Follower {
    pub(crate) fn new(who: String, contract: Arc<Contract>) -> Self {
        Self {
            who,
            contract,
            epoch: String::new(),
            last: 0,
            heard: Vec::new(),
        }
    }

    /// Takes the next frame.
    pub(crate) fn takes(&mut self, frame: &Value) {
        self.contract.check_frame(frame);
        self.follow(frame);
        self.heard.push(frame.clone());
    }

    /// Where to resume: after the last frame.
    pub(crate) fn cursor(&self) -> String {
        format!("{}:{}", self.epoch, self.last)
    }

    /// How many frames there were.
    pub(crate) fn count(&self) -> usize {
        self.heard.len()
    }

    fn follow(&mut self, frame: &Value) {
        let seq = frame["seq"].as_i64();
        match frame["type"].as_str().expect("a type") {
            "ok" | "error" | "close" | "typing" | "presence" => return,
            "hello" | "resync_required" => {
                frame["epoch"]
                    .as_str()
                    .expect("an epoch")
                    .clone_into(&mut self.epoch);
            }
            "ping" => assert!(seq >= Some(self.last), "{}: {frame}", self.story()),
            _ => {
                assert!(
                    seq > Some(self.last),
                    "an inversion or a repeat: {frame:#}; {}",
                    self.story()
                );
                assert_eq!(
                    frame["prev"],
                    self.last,
                    "a gap: {frame:#}; {}",
                    self.story()
                );
            }
        }
        self.last = seq.expect("a seq");
    }

    /// All that was heard, for a failure to tell.
    pub(crate) fn story(&self) -> String {
        let mut story = format!("{} heard:", self.who);
        for frame in &self.heard {
            write!(story, "\n  {frame}").expect("a String takes all");
        }
        story
    }
}
