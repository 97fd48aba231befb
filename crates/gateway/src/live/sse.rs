//! Server-Sent Events: the frames of a stream, one after another in the body of one answer.
//!
//! The body holds one frame at most that the HTTP server did not take yet, and the server takes the next one when the
//! peer has room for it: so a slow peer costs no memory, and its stream reads the log at its pace.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::{self, Bytes};
use futures_util::Stream;
use futures_util::stream::poll_fn;
use pinwire_domain::event::Cursor;
use pinwire_storage::StoreError;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::close::{self, CloseCode};
use super::ending::End;
use super::feed::{Feed, STALL_MAX, Start, Step};
use super::frames::{Frame, ServerFrame};
use super::hub::Door;
use super::line::Line;
use crate::App;
use crate::auth::Caller;

/// How long a client waits before it comes back, unless it is told something else.
const RETRY: Duration = Duration::from_secs(2);
/// How long a peer has to take the last frame.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// A stream that has begun: the place it goes on from, and its body.
pub struct Opened<B> {
    /// The place.
    pub place: Cursor,
    /// The body.
    pub body: B,
}

/// Begins a stream, which goes on in the background until either side ends it.
///
/// # Errors
/// When the store cannot be read.
pub async fn open(
    app: web::Data<App>,
    caller: Caller,
    line: Option<Line>,
    start: Start,
) -> Result<Opened<impl Stream<Item = Result<Bytes, Infallible>>>, StoreError> {
    let mut feed = Feed::join(app, caller, Door::Events);
    let first = feed.begin(start).await?;
    let place = feed.place();
    let (out, mut body) = mpsc::channel(1);
    let answer = Answer { feed, out };
    actix_web::rt::spawn(answer.run(first, line));
    Ok(Opened {
        place,
        body: poll_fn(move |cx| body.poll_recv(cx).map(|chunk| chunk.map(Ok))),
    })
}

/// A running answer.
struct Answer {
    feed: Feed,
    out: mpsc::Sender<Bytes>,
}

impl Answer {
    async fn run(mut self, first: Vec<Frame>, line: Option<Line>) {
        let end = match self.begin(first).await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        let Self { feed, out } = self;
        // What comes from now on is not for this peer.
        drop(feed);
        let End::Close(code) = end else { return };
        let told = timeout(GOODBYE_MAX, say_goodbye(&out, code)).await;
        if let (Err(_), Some(line)) = (told, line) {
            // A peer that does not take the last frame must not get what stands before it later.
            line.cut();
        }
    }

    async fn begin(&mut self, first: Vec<Frame>) -> Step {
        let retry = format!("retry: {}\n\n", RETRY.as_millis());
        self.write(retry.into()).await?;
        for frame in first {
            self.tell(&frame).await?;
        }
        Ok(())
    }

    async fn serve(&mut self) -> End {
        loop {
            let step = tokio::select! {
                biased;
                () = self.out.closed() => Err(End::Gone),
                wake = self.feed.wake() => match self.feed.follow(wake).await {
                    Ok(Some(frame)) => self.tell(&frame).await,
                    Ok(None) => Ok(()),
                    Err(end) => Err(end),
                },
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn tell(&mut self, frame: &Frame) -> Step {
        let place = frame.seq.map(|_| self.feed.place());
        self.write(event(frame, place.as_ref())).await
    }

    async fn write(&mut self, text: Bytes) -> Step {
        let out = &self.out;
        let write = async move {
            match timeout(STALL_MAX, out.send(text)).await {
                Ok(sent) => sent.map_err(|_| End::Gone),
                Err(_) => Err(End::Close(close::TOO_SLOW)),
            }
        };
        self.feed.unless_ended(write).await
    }
}

/// Sends the last frame, and waits until the HTTP server has taken it.
async fn say_goodbye(out: &mpsc::Sender<Bytes>, code: CloseCode) {
    let frame = ServerFrame::Close {
        code: code.code,
        reason: code.reason.to_owned(),
    };
    // Both fail only when the peer is gone, and a frame of two plain values is always written.
    if let Ok(frame) = Frame::of(&frame)
        && out.send(event(&frame, None)).await.is_ok()
    {
        drop(out.reserve().await);
    }
}

/// A frame as an event of the event stream format. JSON has no line breaks of its own.
fn event(frame: &Frame, place: Option<&Cursor>) -> Bytes {
    let Frame { kind, text, .. } = frame;
    let event = match place {
        Some(place) => format!("id: {place}\nevent: {kind}\ndata: {text}\n\n"),
        None => format!("event: {kind}\ndata: {text}\n\n"),
    };
    event.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_event_whose_id_is_its_place() {
        let frame = Frame::of(&ServerFrame::Ping { seq: 7 }).unwrap();
        let place = "19a2:7".parse().unwrap();
        assert_eq!(
            event(&frame, Some(&place)),
            "id: 19a2:7\nevent: ping\ndata: {\"type\":\"ping\",\"seq\":7}\n\n"
        );
        assert!(event(&frame, None).starts_with(b"event: ping\n"));
    }
}
