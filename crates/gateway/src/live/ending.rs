//! How a WebSocket ends.

use std::io;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_ws::{AggregatedMessageStream, CloseReason, Closed, ProtocolError};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use super::close::{self, CloseCode};
use super::line::Line;

/// How long a peer has to take the close frame, and as long again to end the connection after it.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// How long the close frame after a frame that could not be read may take to be written.
const LAST_WRITE_MAX: Duration = Duration::from_millis(100);

/// Why a session ends.
pub enum End {
    /// The peer is gone.
    Gone,
    /// The peer closed, and is owed a close frame in return.
    Closed,
    /// With this code.
    Close(CloseCode),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

impl End {
    /// The end after what is no frame, as the library tells it.
    #[must_use]
    pub fn of(error: &ProtocolError) -> Self {
        match error {
            ProtocolError::Overflow => Self::Close(close::TOO_LARGE),
            ProtocolError::Io(error) => match error.kind() {
                // Text that is not UTF-8, or a reserved bit.
                io::ErrorKind::InvalidData => Self::Close(close::MALFORMED),
                // Fragments that are too large together; the other one of this kind is a broken connection.
                io::ErrorKind::Other if !is_of_connection(error) => Self::Close(close::TOO_LARGE),
                _ => Self::Gone,
            },
            _ => Self::Close(close::MALFORMED),
        }
    }

    /// Tells the peer, and ends the connection.
    pub async fn carry_out(
        self,
        socket: actix_ws::Session,
        incoming: AggregatedMessageStream,
        line: Option<Line>,
    ) {
        let reason = match self {
            Self::Gone => {
                line.inspect(Line::end);
                return;
            }
            Self::Closed => None,
            Self::Close(code) => Some(CloseReason {
                code: code.code.into(),
                description: Some(code.reason.into()),
            }),
        };
        let told = timeout(GOODBYE_MAX, say_goodbye(socket, incoming, reason)).await;
        let Some(line) = line else { return };
        if told.is_err() {
            // A peer that does not take the close frame must not get what stands before it later.
            line.cut();
            return;
        }
        line.finish();
        // The peer's close frame, and its end of the connection.
        sleep(GOODBYE_MAX).await;
        line.end();
    }
}

/// Sends the close frame, and waits until the HTTP server has written it.
async fn say_goodbye(
    socket: actix_ws::Session,
    mut incoming: AggregatedMessageStream,
    reason: Option<CloseReason>,
) {
    if socket.close(reason).await.is_err() {
        return;
    }
    // What comes in ends together with what goes out.
    while let Some(message) = incoming.next().await {
        if message.is_err() {
            // It may be an error for ever.
            return sleep(LAST_WRITE_MAX).await;
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<PayloadError>)
}
