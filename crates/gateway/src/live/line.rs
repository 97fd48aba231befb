//! A client's connection.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use bytes::{Buf, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// Bytes that are read at once.
const READ_AT_ONCE: usize = 4 * 1024;

/// A client's connection. The HTTP server reads and writes it; a handler can end it by a clone, also while the server
/// waits for a peer that takes nothing. What was upgraded has it alone.
#[derive(Clone)]
pub struct Line(Rc<RefCell<TcpStream>>);

impl Line {
    /// Of a connection that was just taken.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self(Rc::new(RefCell::new(stream)))
    }

    fn poll<T>(&self, poll: impl FnOnce(Pin<&mut TcpStream>) -> T) -> T {
        poll(Pin::new(&mut *self.0.borrow_mut()))
    }

    /// Waits until something has come, and puts it behind what is in `buffer`; 0 is the end. While it waits, an empty
    /// buffer takes no memory.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut stream = self.0.borrow_mut();
            ready!(stream.poll_read_ready(cx))?;
            buffer.reserve(READ_AT_ONCE);
            let read = pin!(stream.read_buf(buffer)).poll(cx);
            if read.is_pending() && buffer.is_empty() {
                *buffer = BytesMut::new();
            }
            read
        })
        .await
    }

    /// Writes as much from the front of `buffer` as there is room for at once. Whether that was all.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn write_at_once(&mut self, buffer: &mut BytesMut) -> io::Result<bool> {
        while !buffer.is_empty() {
            match self.0.borrow().try_write(buffer) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => buffer.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        *buffer = BytesMut::new();
        Ok(true)
    }

    /// Writes all that is in `buffer`.
    ///
    /// # Errors
    /// The connection is broken, or the peer took no byte for as long as `patience`.
    pub async fn write(&mut self, buffer: &mut BytesMut, patience: Duration) -> io::Result<()> {
        while !buffer.is_empty() {
            let write = poll_fn(|cx| self.poll(|stream| stream.poll_write(cx, buffer)));
            match timeout(patience, write).await?? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => buffer.advance(written),
            }
        }
        *buffer = BytesMut::new();
        Ok(())
    }

    /// Nothing more is sent; what was sent still arrives, if the peer ends the connection, too, or takes it in time.
    pub async fn finish(mut self, time: Duration) {
        if self.end(Shutdown::Write).is_err() {
            return;
        }
        // What is not read when the connection is let go of would make the kernel throw away what was sent.
        let _ = timeout(time, self.read_to_end()).await;
    }

    async fn read_to_end(&mut self) {
        let mut unheard = BytesMut::new();
        while self.read(&mut unheard).await.is_ok_and(|read| read > 0) {
            unheard.clear();
        }
    }

    /// Ends it; what the peer has not yet taken is thrown away.
    pub fn cut(&self) {
        // Both fail only for a connection that has ended already.
        let _ = SockRef::from(&*self.0.borrow()).set_linger(Some(Duration::ZERO));
        let _ = self.end(Shutdown::Both);
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        SockRef::from(&*self.0.borrow()).shutdown(how)
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn connected() -> (Line, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Line::new(stream), peer)
    }

    #[tokio::test]
    async fn what_comes_is_read_and_then_the_end() {
        let (mut line, mut peer) = connected().await;
        peer.write_all(b"hello").await.unwrap();
        let mut buffer = BytesMut::new();
        assert_eq!(line.read(&mut buffer).await.unwrap(), 5);
        assert_eq!(buffer, "hello");
        peer.shutdown().await.unwrap();
        assert_eq!(line.read(&mut buffer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn while_nothing_comes_there_is_no_buffer() {
        let (mut line, _peer) = connected().await;
        let mut buffer = BytesMut::new();
        let waiting = timeout(Duration::from_millis(20), line.read(&mut buffer));
        assert!(waiting.await.is_err());
        assert_eq!(buffer.capacity(), 0);
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_waited_for_as_long_as_was_said() {
        let (mut line, peer) = connected().await;
        let mut buffer = BytesMut::from(vec![0; 64 * 1024 * 1024].as_slice());
        assert!(!line.write_at_once(&mut buffer).unwrap());
        let error = line.write(&mut buffer, Duration::from_millis(20)).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(!buffer.is_empty());
        drop(peer);
    }

    #[tokio::test]
    async fn a_clone_cuts_it_off() {
        let (mut line, mut peer) = connected().await;
        let mut buffer = BytesMut::from(vec![0; 64 * 1024 * 1024].as_slice());
        assert!(!line.write_at_once(&mut buffer).unwrap());
        line.clone().cut();
        let stalled = Duration::from_secs(10);
        let error = line.write(&mut buffer, stalled).await.unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::TimedOut);
        drop(line);
        let mut heard = Vec::new();
        let error = peer.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_peer_hears_all_before_the_end() {
        let (mut line, mut peer) = connected().await;
        peer.write_all(b"unheard").await.unwrap();
        let mut buffer = BytesMut::from("goodbye");
        assert!(line.write_at_once(&mut buffer).unwrap());
        assert_eq!(buffer.capacity(), 0);
        let hears = async move {
            let mut heard = String::new();
            peer.read_to_string(&mut heard).await.unwrap();
            heard
        };
        let (heard, ()) = tokio::join!(hears, line.finish(Duration::from_secs(10)));
        assert_eq!(heard, "goodbye");
    }
}
