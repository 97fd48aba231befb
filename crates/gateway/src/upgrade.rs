//! Connections that leave HTTP.
//!
//! A request for a WebSocket is asked of the application like any other. If its handler agrees, what runs from then on
//! has the bare connection: the HTTP server's buffers and timers are gone, which are many times what an idle WebSocket
//! needs, and nobody else reads, writes or ends it.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_codec::{Encoder, Framed, FramedParts};
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, HttpMessage as _, Request, Response, StatusCode};
use actix_web::dev::{Service, ServiceResponse};
use bytes::BytesMut;

use crate::live::feed::STALL_MAX;
use crate::live::line::Line;
use crate::live::session::Opening;
use crate::live::socket::Socket;

/// How long a peer that got no WebSocket has to end the connection.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Where a handler leaves what is to run on the connection. Only requests that ask for another protocol have it.
#[derive(Clone, Default)]
pub struct Upgrade(Rc<Cell<Option<Opening>>>);

impl Upgrade {
    /// Agrees to a WebSocket; the answer has to say so.
    pub fn agree(&self, opening: Opening) {
        self.0.set(Some(opening));
    }
}

/// Answers a request that asks for another protocol, and runs what its handler has agreed to.
pub async fn serve<S, B>(app: Rc<S>, request: Request, framed: Framed<Line, Codec>)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    // Boxed, so that every connection has room for neither, and a WebSocket only for what runs.
    if let Some((opening, socket)) = Box::pin(answer(app, request, framed)).await {
        Box::pin(opening.run(socket)).await;
    }
}

async fn answer<S, B>(
    app: Rc<S>,
    request: Request,
    framed: Framed<Line, Codec>,
) -> Option<(Opening, Socket)>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    let upgrade = Upgrade::default();
    request.extensions_mut().insert(upgrade.clone());
    let response: Response<BoxBody> = match app.call(request).await {
        Ok(answer) => Response::from(answer).map_into_boxed_body(),
        Err(error) => error.error_response().into(),
    };
    let FramedParts {
        io,
        codec,
        read_buf,
        write_buf,
        ..
    } = framed.into_parts();
    let mut writer = Writer {
        line: io,
        codec,
        unsent: write_buf,
    };
    match upgrade.0.take() {
        Some(opening) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            writer.head(response.drop_body(), BodySize::Stream)?;
            writer.send().await?;
            Some((opening, Socket::new(writer.line, read_buf)))
        }
        _ => {
            writer.whole(response).await?;
            writer.line.finish(GOODBYE_MAX).await;
            None
        }
    }
}

/// Writes an answer. What cannot be written ends the connection: there is nobody to tell.
struct Writer {
    line: Line,
    codec: Codec,
    unsent: BytesMut,
}

impl Writer {
    fn head(&mut self, head: Response<()>, size: BodySize) -> Option<()> {
        let head = Message::Item((head, size));
        self.codec.encode(head, &mut self.unsent).ok()
    }

    async fn send(&mut self) -> Option<()> {
        self.line.write(&mut self.unsent, STALL_MAX).await.ok()
    }

    /// An answer that is no agreement; nothing can be asked after it.
    async fn whole(&mut self, response: Response<BoxBody>) -> Option<()> {
        let (mut head, body) = response.into_parts();
        head.head_mut().set_connection_type(ConnectionType::Close);
        self.head(head, body.size())?;
        let mut body = pin!(body);
        while let Some(chunk) = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            let chunk = Message::Chunk(Some(chunk.ok()?));
            self.codec.encode(chunk, &mut self.unsent).ok()?;
            self.send().await?;
        }
        self.codec
            .encode(Message::Chunk(None), &mut self.unsent)
            .ok()?;
        self.send().await
    }
}
