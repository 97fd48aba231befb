//! How a WebSocket ends.

use std::io;
use std::time::Duration;

use actix_http::ws::CloseReason;

use super::close::{self, CloseCode};
use super::socket::Socket;

/// How long a peer has to take the close frame, and as long again to end the connection after it.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Why a session ends.
#[derive(Debug)]
pub enum End {
    /// The peer is gone.
    Gone,
    /// The peer closed, and is owed a close frame in return.
    Closed,
    /// With this code.
    Close(CloseCode),
}

/// The end after what could not be sent.
impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Close(close::TOO_SLOW),
            _ => Self::Gone,
        }
    }
}

impl End {
    /// Tells the peer, and ends the connection.
    pub async fn carry_out(self, socket: Socket) {
        let reason = match self {
            Self::Gone => return,
            Self::Closed => None,
            Self::Close(code) => Some(CloseReason {
                code: code.code.into(),
                description: Some(code.reason.into()),
            }),
        };
        socket.close(reason, GOODBYE_MAX).await;
    }
}
