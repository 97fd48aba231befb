//! Signals to servers that a test has started, by their pid.

use std::process::Command;

/// Sends a signal, such as `STOP`.
pub(crate) fn send(signal: &str, pid: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .status()
        .expect("sh runs");
    assert!(sent.success(), "kill -{signal} {pid} failed");
}
