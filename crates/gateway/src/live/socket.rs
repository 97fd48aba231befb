//! A WebSocket on a connection of its own: frames in and out.

use std::io;
use std::time::Duration;

use actix_codec::Decoder;
use actix_http::ws::{CloseReason, Codec, Frame, Item, OpCode, Parser, ProtocolError};
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::close;
use super::ending::End;
use super::line::Line;

/// Bytes of a client frame at most.
pub const FRAME_MAX: usize = 64 * 1024;
/// Bytes of the head of a client's frame at most.
const FRAME_HEAD_MAX: usize = 14;
/// Bytes that are gathered at most before they are sent; one frame may be larger.
const GATHERED_MAX: usize = 32 * 1024;

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text.
    Text(String),
    /// Bytes, which no frame of this protocol is.
    Binary,
    /// To be answered with the same.
    Ping(Bytes),
    /// An answer.
    Pong,
    /// The end.
    Close,
}

/// A WebSocket. Nothing is kept for one that is idle but where it stands.
pub struct Socket {
    line: Line,
    codec: Codec,
    /// What came and is no whole frame yet.
    unread: BytesMut,
    /// The first parts of a text of which there is more to come.
    parts: Option<BytesMut>,
    /// What is to be sent.
    unsent: BytesMut,
}

impl Socket {
    /// On a connection whose handshake is over, with what came after it.
    #[must_use]
    pub fn new(line: Line, unread: BytesMut) -> Self {
        Self {
            line,
            codec: Codec::new().max_size(FRAME_MAX),
            unread,
            parts: None,
            unsent: BytesMut::new(),
        }
    }

    /// Waits for what the client says next.
    ///
    /// # Errors
    /// The end that follows from what is no frame, or from a connection that has ended.
    pub async fn next(&mut self) -> Result<Incoming, End> {
        loop {
            while let Some(frame) = self.frame()? {
                if let Some(message) = self.take(frame)? {
                    return Ok(message);
                }
            }
            match self.line.read(&mut self.unread).await {
                Ok(0) | Err(_) => return Err(End::Gone),
                Ok(_) => {}
            }
        }
    }

    /// The next frame of what came, if it is whole.
    fn frame(&mut self) -> Result<Option<Frame>, End> {
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
            return Ok(None);
        }
        match self.codec.decode(&mut self.unread) {
            // It is told as too large only when all of it is there.
            Ok(None) if self.unread.len() > FRAME_MAX + FRAME_HEAD_MAX => {
                Err(End::Close(close::TOO_LARGE))
            }
            Ok(frame) => Ok(frame),
            Err(ProtocolError::Overflow) => Err(End::Close(close::TOO_LARGE)),
            Err(_) => Err(End::Close(close::MALFORMED)),
        }
    }

    /// What a frame says, unless more of it is to come.
    fn take(&mut self, frame: Frame) -> Result<Option<Incoming>, End> {
        Ok(Some(match frame {
            Frame::Text(bytes) => text(bytes.into())?,
            Frame::Binary(_) | Frame::Continuation(Item::FirstBinary(_)) => Incoming::Binary,
            Frame::Ping(bytes) => Incoming::Ping(bytes),
            Frame::Pong(_) => Incoming::Pong,
            Frame::Close(_) => Incoming::Close,
            Frame::Continuation(Item::FirstText(part) | Item::Continue(part)) => {
                self.add(&part)?;
                return Ok(None);
            }
            Frame::Continuation(Item::Last(part)) => {
                self.add(&part)?;
                text(self.parts.take().unwrap_or_default().into())?
            }
        }))
    }

    fn add(&mut self, part: &[u8]) -> Result<(), End> {
        let parts = self.parts.get_or_insert_default();
        parts.extend_from_slice(part);
        if parts.len() > FRAME_MAX {
            return Err(End::Close(close::TOO_LARGE));
        }
        Ok(())
    }

    /// Puts a text to what is to be sent.
    pub fn put(&mut self, text: &str) {
        Parser::write_message(&mut self.unsent, text, OpCode::Text, true, false);
    }

    /// Puts the answer to a ping to what is to be sent.
    pub fn put_pong(&mut self, bytes: &Bytes) {
        Parser::write_message(&mut self.unsent, bytes, OpCode::Pong, true, false);
    }

    /// Whether more may be put to what is to be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.unsent.len() < GATHERED_MAX
    }

    /// Sends what there is room for at once. Whether that was all.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send_at_once(&mut self) -> io::Result<bool> {
        self.line.write_at_once(&mut self.unsent)
    }

    /// Sends all that is to be sent.
    ///
    /// # Errors
    /// The connection is broken, or the peer took no byte for as long as `patience`.
    pub async fn send(&mut self, patience: Duration) -> io::Result<()> {
        self.line.write(&mut self.unsent, patience).await
    }

    /// Says goodbye, and ends the connection. The peer has so long to take what was said, and as long again to end it.
    pub async fn close(mut self, reason: Option<CloseReason>, time: Duration) {
        Parser::write_close(&mut self.unsent, reason, false);
        match timeout(time, self.send(time)).await {
            Ok(Ok(())) => self.line.finish(time).await,
            // A peer that does not take the close frame must not get what stands before it later.
            _ => self.line.cut(),
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<Incoming, End> {
    let text = String::from_utf8(bytes).map_err(|_| End::Close(close::MALFORMED))?;
    Ok(Incoming::Text(text))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::close::CloseCode;
    use super::*;

    const CONTINUE: u8 = 0;
    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    const PING: u8 = 9;
    const LAST: u8 = 0x80;

    async fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Socket::new(Line::new(stream), BytesMut::new()), peer)
    }

    /// A client's frame; its mask changes nothing.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short if short < 126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(long).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    }

    async fn said(bytes: Vec<u8>) -> Result<Incoming, End> {
        let (mut socket, mut peer) = connected().await;
        let says = tokio::spawn(async move {
            peer.write_all(&bytes).await.unwrap();
            peer
        });
        let heard = socket.next().await;
        says.await.unwrap();
        heard
    }

    async fn ends_with(bytes: Vec<u8>) -> Option<CloseCode> {
        match said(bytes).await {
            Err(End::Close(code)) => Some(code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn parts_of_a_text_are_put_together_also_around_a_ping() {
        let (mut socket, mut peer) = connected().await;
        let parts = [
            frame(TEXT, b"on"),
            frame(LAST | PING, b"?"),
            frame(CONTINUE, b"e t"),
            frame(LAST | CONTINUE, b"ext"),
            frame(LAST | TEXT, "é".as_bytes()),
        ];
        peer.write_all(&parts.concat()).await.unwrap();
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(socket.next().await.ok().unwrap());
        }
        let text = |text: &str| Incoming::Text(text.to_owned());
        let ping = Incoming::Ping(Bytes::from_static(b"?"));
        assert_eq!(heard, [ping, text("one text"), text("é")]);
        drop(peer);
        assert!(matches!(socket.next().await, Err(End::Gone)));
    }

    #[tokio::test]
    async fn a_frame_at_the_bound_is_taken_and_one_past_it_is_not() {
        let most = vec![b'x'; FRAME_MAX];
        assert!(said(frame(LAST | TEXT, &most)).await.is_ok());
        let more = vec![b'x'; FRAME_MAX + 1];
        assert_eq!(
            ends_with(frame(LAST | TEXT, &more)).await,
            Some(close::TOO_LARGE)
        );
        let in_parts = [frame(TEXT, &most), frame(LAST | CONTINUE, b"x")];
        assert_eq!(ends_with(in_parts.concat()).await, Some(close::TOO_LARGE));
    }

    #[tokio::test]
    async fn a_frame_that_says_it_is_huge_is_not_waited_for() {
        let mut huge = frame(LAST | TEXT, &vec![b'x'; 2 * FRAME_MAX]);
        huge[2..10].copy_from_slice(&(1_u64 << 40).to_be_bytes());
        assert_eq!(ends_with(huge).await, Some(close::TOO_LARGE));
    }

    #[tokio::test]
    async fn what_is_no_frame_is_malformed() {
        let mut unmasked = frame(LAST | TEXT, b"{}");
        unmasked[1] &= 0x7f;
        for malformed in [
            unmasked,
            frame(LAST | TEXT, b"\xff"),
            frame(LAST | CONTINUE, b"of nothing"),
            frame(LAST | TEXT | 0x40, b"{}"),
            frame(PING, b"in parts"),
        ] {
            let told = format!("{malformed:?}");
            assert_eq!(ends_with(malformed).await, Some(close::MALFORMED), "{told}");
        }
        assert_eq!(
            said(frame(BINARY, b"{}")).await.ok(),
            Some(Incoming::Binary)
        );
    }

    #[tokio::test]
    async fn frames_that_are_put_are_sent_together() {
        let (mut socket, mut peer) = connected().await;
        socket.put("a");
        socket.put("b");
        assert!(socket.has_room());
        assert!(socket.send_at_once().unwrap());
        let mut heard = [0; 6];
        peer.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\x81\x01a\x81\x01b");
        socket.put(&"x".repeat(GATHERED_MAX));
        assert!(!socket.has_room());
    }

    #[tokio::test]
    async fn who_takes_no_close_frame_is_cut_off() {
        let (mut socket, mut peer) = connected().await;
        for _ in 0..2_000 {
            socket.put(&"x".repeat(GATHERED_MAX));
        }
        assert!(!socket.send_at_once().unwrap());
        socket.close(None, Duration::from_millis(50)).await;
        let mut heard = Vec::new();
        let error = peer.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
