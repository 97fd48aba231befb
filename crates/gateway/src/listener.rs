//! The HTTP listener: which connections are taken, and how long each may keep the node waiting.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::h1::Codec;
use actix_http::{HttpService, Protocol, Request};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_factory, fn_service,
};
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web;
use futures_util::{FutureExt, TryFutureExt};
use socket2::{Domain, SockRef, Socket, Type};
use tracing_actix_web::TracingLogger;

use crate::live::feed::STALL_MAX;
use crate::live::line::Line;
use crate::server::StartError;
use crate::{App, api, middleware, routes, upgrade};

/// Bytes the kernel holds for a peer that does not read.
const SEND_BUFFER: usize = 64 * 1024;
/// How long requests under way may take when the node stops.
const SHUTDOWN_S: u64 = 10;

/// How long the head of a request may take to arrive.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may stay without a request.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// Connections that wait to be taken: many come at once when another node has stopped.
const BACKLOG: i32 = 4_096;
/// How long a connection may take to end.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);
/// Files that are not connections of clients: those of the database, the bus and the process.
const FILES_KEPT: u64 = 512;
/// Connections of clients on this node at most, however many files there may be.
const CONNECTIONS_MAX: u64 = 100_000;

/// Listens at the address of the settings; gives the address, and the server, which runs once it is awaited.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve(app: web::Data<App>) -> Result<(SocketAddr, Server), StartError> {
    let listen = app.config.listen;
    let files = rlimit::increase_nofile_limit(u64::MAX).map_err(StartError::Files)?;
    let workers = app
        .config
        .workers
        .map_or_else(available_workers, usize::from);
    let failed = |e| StartError::Listen(listen, e);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections_of_worker(files, workers))
        .shutdown_timeout(SHUTDOWN_S)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let listener = listen_at(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let worker = move || {
        let (app, stopping) = (app.clone(), stopping.clone());
        let stopping = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        fn_factory(move || worker(app.clone(), stopping.clone()))
    };
    let server = builder.listen("pinwire", listener, worker);
    Ok((address, server.map_err(failed)?.run()))
}

fn listen_at(address: SocketAddr) -> std::io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(socket2::Protocol::TCP))?;
    // Connections of a node that ended just now must not keep the next one from starting.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What one thread does with a connection: HTTP, and what a request of it was upgraded to.
async fn worker<F>(
    app: web::Data<App>,
    stopping: impl Fn() -> F + 'static,
) -> Result<impl Service<TcpStream, Response = (), Error = DispatchError>, ()>
where
    F: Future<Output = ()> + 'static,
{
    let app = Rc::new(application(app).new_service(AppConfig::default()).await?);
    let asked = Rc::clone(&app);
    let upgraded = move |(request, framed): (Request, Framed<Line, Codec>)| {
        upgrade::serve(Rc::clone(&app), request, framed).map(Ok::<_, Infallible>)
    };
    let http = HttpService::build()
        .graceful_shutdown_signal(stopping)
        .keep_alive(IDLE_MAX)
        .client_request_timeout(HEAD_TIME_MAX)
        .client_disconnect_timeout(GOODBYE_TIME_MAX)
        .on_connect_ext(|line: &Line, data| drop(data.insert(line.clone())))
        .upgrade(fn_service(upgraded))
        .finish(fn_service(move |request: Request| {
            // Boxed, so that a connection does not keep the room for it while nothing is asked.
            let answer = Box::pin(asked.call(request));
            answer.map_err(|e| e.error_response())
        }));
    fn_service(async |stream: TcpStream| {
        bound_peer(&stream);
        let peer = stream.peer_addr().ok();
        Ok::<_, DispatchError>((Line::new(stream), Protocol::Http1, peer))
    })
    .and_then(http)
    .new_service(())
    .await
}

/// All operations, behind what every request passes.
fn application(
    app: web::Data<App>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<impl MessageBody>,
    Error = actix_web::Error,
    InitError = (),
> {
    let application = actix_web::App::new()
        .app_data(app)
        // Operations answer for all paths that are as long as theirs.
        .configure(api::documents::page)
        .configure(routes::serve)
        .default_service(web::to(routes::no_such_route))
        .wrap(from_fn(middleware::around))
        .wrap(TracingLogger::<middleware::PathSpan>::new());
    application.into_factory()
}

/// As many threads as there are cores.
fn available_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The connections that one worker takes at most, so that all together stay below the number of files that may be
/// open: beyond it new ones wait, and nothing that is open breaks.
fn connections_of_worker(files: u64, workers: usize) -> usize {
    let all = files.saturating_sub(FILES_KEPT).min(CONNECTIONS_MAX);
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    (all / workers.max(1)).max(1)
}

/// A peer that takes nothing is let go of: what the kernel holds for it is bounded, and for how long.
fn bound_peer(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER))
        .and_then(|()| user_timeout(&socket, STALL_MAX));
    if let Err(error) = set {
        tracing::debug!(%error, "a socket option was refused");
    }
}

#[cfg(target_os = "linux")]
fn user_timeout(socket: &SockRef<'_>, timeout: Duration) -> std::io::Result<()> {
    socket.set_tcp_user_timeout(Some(timeout))
}

#[cfg(not(target_os = "linux"))]
fn user_timeout(_: &SockRef<'_>, _: Duration) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_stay_below_the_open_files() {
        assert_eq!(connections_of_worker(1_024, 2), 256);
        assert_eq!(connections_of_worker(1_000_000, 4), 25_000);
        assert_eq!(connections_of_worker(100, 2), 1);
    }
}
