//! The HTTP listener: which connections are taken, and how long each may keep the node waiting.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{Extensions, Server};
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use socket2::SockRef;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::live::feed::STALL_MAX;
use crate::live::line::Line;
use crate::server::StartError;
use crate::{App, api, middleware, routes};

/// Bytes the kernel holds for a peer that does not read.
const SEND_BUFFER: usize = 64 * 1024;
/// How long requests under way may take when the node stops.
const SHUTDOWN_S: u64 = 10;

/// How long the head of a request may take to arrive.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may stay without a request.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// How long a connection may take to end.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);
/// Files that are not connections of clients: those of the database, the bus and the process.
const FILES_KEPT: u64 = 512;
/// Files of one connection: the HTTP server's handle, and that of a WebSocket.
const FILES_OF_CONNECTION: u64 = 2;
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
    let bound = HttpServer::new(move || {
        actix_web::App::new()
            .into_utoipa_app()
            .configure(routes::register)
            .map(|app| {
                app.wrap(from_fn(middleware::around))
                    .wrap(TracingLogger::<middleware::PathSpan>::new())
            })
            .into_app()
            .app_data(app.clone())
            .configure(api::documents::page)
            .default_service(web::to(routes::no_such_route))
    })
    .workers(workers)
    .max_connections(connections_of_worker(files, workers))
    .client_request_timeout(HEAD_TIME_MAX)
    .keep_alive(IDLE_MAX)
    .client_disconnect_timeout(GOODBYE_TIME_MAX)
    .on_connect(bound_peer)
    .shutdown_timeout(SHUTDOWN_S)
    .disable_signals()
    .server_hostname("pinwire")
    .bind(listen)
    .map_err(|e| StartError::Listen(listen, e))?;
    let address = bound.addrs().first().copied().unwrap_or(listen);
    Ok((address, bound.run()))
}

/// As many threads as there are cores.
fn available_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The connections that one worker takes at most, so that all together stay below the number of files that may be
/// open: beyond it new ones wait, and nothing that is open breaks.
fn connections_of_worker(files: u64, workers: usize) -> usize {
    let all = files.saturating_sub(FILES_KEPT) / FILES_OF_CONNECTION;
    let all = all.min(CONNECTIONS_MAX);
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    (all / workers.max(1)).max(1)
}

/// A peer that takes nothing is let go of: what the kernel holds for it is bounded, and for how long.
fn bound_peer(connection: &dyn std::any::Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
        return;
    };
    let socket = SockRef::from(stream);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER))
        .and_then(|()| user_timeout(&socket, STALL_MAX));
    if let Err(error) = set {
        tracing::debug!(%error, "a socket option was refused");
    }
    match Line::of(stream) {
        Ok(line) => {
            data.insert(line);
        }
        Err(error) => tracing::debug!(%error, "a WebSocket on this connection will linger"),
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
        assert_eq!(connections_of_worker(1_024, 2), 128);
        assert_eq!(connections_of_worker(1_000_000, 4), 25_000);
        assert_eq!(connections_of_worker(100, 2), 1);
    }
}
