//! A WebSocket of the event stream.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::frame::Frame;

/// Bytes of the client's buffer for reading, of each socket.
const READ_BUFFER: usize = 4 * 1024;
/// Sockets from one of the loopback's addresses at most: an address has some 28,000 ports.
const SOCKETS_PER_ADDRESS: usize = 20_000;

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The epoch and seq of `hello`.
    pub(crate) hello: (String, i64),
}

/// The address that the socket of this number comes from; none for the system's choice, which is much faster than to
/// find a port for an address that was named.
fn source(number: usize) -> Option<SocketAddr> {
    let block = u8::try_from(number / SOCKETS_PER_ADDRESS % 200).ok()?;
    let address = Ipv4Addr::new(127, 0, 0, 1 + block);
    (block > 0).then(|| SocketAddr::new(IpAddr::V4(address), 0))
}

impl Socket {
    /// Connects, and waits for the first frame. `number` spreads the sockets over source addresses.
    pub(crate) async fn open(
        address: SocketAddr,
        token: &str,
        after: Option<&str>,
        number: usize,
    ) -> Result<Self> {
        let query = after.map_or_else(String::new, |it| format!("?after={it}"));
        let uri = format!("ws://{address}/v5/ws{query}");
        let request = ClientRequestBuilder::new(uri.parse()?)
            .with_header("Authorization", format!("Bearer {token}"));
        let tcp = TcpSocket::new_v4()?;
        if let Some(source) = source(number).filter(|_| address.ip().is_loopback()) {
            tcp.bind(source)?;
        }
        let tcp = tcp.connect(address).await?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, tcp, Some(config)).await?;
        let mut socket = Self {
            stream,
            hello: Default::default(),
        };
        let first = socket.next().await?;
        let hello = Frame::parse(&first)?;
        if hello.kind != "hello" {
            bail!("the first frame was {first}");
        }
        let epoch = hello.epoch.context("no epoch")?.to_owned();
        socket.hello = (epoch, hello.seq);
        Ok(socket)
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.stream.next().await.context("the stream ended")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(why) => bail!("closed by the server: {why:?}"),
                _ => {}
            }
        }
    }

    /// Answers a ping of the server.
    pub(crate) async fn pong(&mut self) -> Result<()> {
        let pong = Message::Text(Utf8Bytes::from_static(r#"{"type":"pong"}"#));
        self.stream.send(pong).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sockets_come_from_several_addresses() {
        assert_eq!(source(19_999), None);
        let second = source(20_000).map(|it| it.to_string());
        assert_eq!(second.as_deref(), Some("127.0.0.2:0"));
    }
}
