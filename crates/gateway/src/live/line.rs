//! The connection beneath a WebSocket.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A second handle on a client's connection.
///
/// The HTTP server knows nothing of the end of a WebSocket: it waits for a request body that has no end, and writes
/// out what it holds however slowly the peer takes it. By this handle the connection ends when the WebSocket does.
#[derive(Clone)]
pub struct Line(Rc<Socket>);

impl Line {
    /// A handle on this connection.
    ///
    /// # Errors
    /// Too many files are open.
    pub fn of(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self(Rc::new(SockRef::from(stream).try_clone()?)))
    }

    /// Nothing more is sent; what was sent still arrives.
    pub fn finish(&self) {
        // It fails only for a connection that has ended already; so for the others.
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Ends it in both directions; what was sent still arrives.
    pub fn end(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Ends it; what the peer has not yet taken is thrown away.
    pub fn cut(&self) {
        let _ = self.0.set_linger(Some(Duration::ZERO));
        self.end();
    }
}
