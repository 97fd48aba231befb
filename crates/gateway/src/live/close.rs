//! Why a WebSocket is closed by the server, and whether the client may come back by itself.

/// A close code with its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode {
    /// The code on the wire.
    pub code: u16,
    /// A stable name, sent as the close reason.
    pub reason: &'static str,
    /// What the client does next.
    pub then: &'static str,
}

const fn close(code: u16, reason: &'static str, then: &'static str) -> CloseCode {
    CloseCode { code, reason, then }
}

/// A frame over the bound.
pub const TOO_LARGE: CloseCode = close(
    1009,
    "frame_too_large",
    "Send smaller frames; reconnect and resume.",
);
/// The server ends or restarts.
pub const RESTART: CloseCode = close(
    1012,
    "restart",
    "Reconnect after a random delay of up to 5 seconds and resume.",
);
/// Not a frame as documented: not text, or not JSON with a known `type`.
pub const MALFORMED: CloseCode = close(4001, "malformed", "Mend the client; do not retry as is.");
/// The session was signed out or its token expired.
pub const SIGNED_OUT: CloseCode = close(
    4003,
    "signed_out",
    "Get a new access token first, then reconnect and resume.",
);
/// The peer took no byte, or answered no ping, for too long.
pub const TOO_SLOW: CloseCode = close(4008, "too_slow", "Reconnect at once and resume.");
/// More frames than allowed.
pub const FLOOD: CloseCode = close(4029, "flood", "Slow down; reconnect after 10 seconds.");
/// The person opened another connection and had too many.
pub const TOO_MANY_CONNECTIONS: CloseCode = close(
    4429,
    "too_many_connections",
    "Do not reconnect by yourself.",
);

/// Every close code, for the documents.
pub const ALL: &[CloseCode] = &[
    TOO_LARGE,
    RESTART,
    MALFORMED,
    SIGNED_OUT,
    TOO_SLOW,
    FLOOD,
    TOO_MANY_CONNECTIONS,
];
