//! Starting and stopping a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use pinwire_storage::keys::KeyPurpose;
use pinwire_storage::{OpenError, Store};
use secrecy::ExposeSecret;
use socket2::SockRef;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::config::ServeArgs;
use crate::documents::Documents;
use crate::live::bus::{self, Bus, News};
use crate::live::hub::{Hub, Order};
use crate::live::redis::RedisBus;
use crate::live::session::STALL_MAX;
use crate::live::{Live, close, tail};
use crate::page::Bookmarks;
use crate::password::Passwords;
use crate::rate_limit::RateLimits;
use crate::token::Tokens;
use crate::{App, api, clock, middleware, routes, sweep};

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
/// Connections of clients on this node at most, however many files there may be.
const CONNECTIONS_MAX: u64 = 100_000;

/// A node that runs.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    app: web::Data<App>,
    handle: ServerHandle,
    hub: Arc<Hub>,
    server: JoinHandle<std::io::Result<()>>,
    followers: Vec<JoinHandle<()>>,
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is of no use.
    #[error("{0}")]
    Setting(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] pinwire_storage::StoreError),
    /// Redis cannot be reached.
    #[error("cannot reach Redis: {0}")]
    Redis(String),
    /// How many files may be open is not known.
    #[error("cannot tell how many files may be open: {0}")]
    Files(std::io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// Starts a node with these settings; it serves until [`Gateway::stop`].
///
/// # Errors
/// What stands in the way, in one line.
pub async fn start(config: ServeArgs) -> Result<Gateway, StartError> {
    let store_config = config.store().map_err(StartError::Setting)?;
    let source = clock::source();
    let opened = tokio::task::spawn_blocking(move || Store::open(&store_config, &source)).await;
    let (store, committed) = opened.map_err(|e| StartError::Setting(e.to_string()))??;
    let hub = Arc::new(Hub::default());
    let position = store.head().await?;
    hub.advance(position);
    let (inbox, news) = mpsc::channel::<News>(bus::WAITING_MAX);
    let bus = match &config.redis_url {
        None => Bus::Local,
        Some(url) => Bus::Redis(
            RedisBus::connect(url.expose_secret(), store.epoch(), inbox.clone())
                .await
                .map_err(|e| StartError::Redis(e.to_string()))?,
        ),
    };
    let mut followers = vec![
        tokio::spawn(tail::publish(store.clone(), committed, bus, inbox)),
        tokio::spawn(tail::follow(
            store.clone(),
            Arc::clone(&hub),
            news,
            position,
        )),
    ];
    let listen = config.listen;
    let workers = config.workers;
    let app = web::Data::new(application(store, &hub, config).await?);
    followers.push(tokio::spawn(sweep::run(app.clone().into_inner())));
    let files = rlimit::increase_nofile_limit(u64::MAX).map_err(StartError::Files)?;
    let workers = workers.map_or_else(available_workers, usize::from);
    let served = app.clone();
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .into_utoipa_app()
            .configure(routes::register)
            .map(|app| {
                app.wrap(from_fn(middleware::around))
                    .wrap(TracingLogger::<middleware::PathSpan>::new())
            })
            .into_app()
            .app_data(served.clone())
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
    .server_hostname("pinwire");
    let bound = server
        .bind(listen)
        .map_err(|e| StartError::Listen(listen, e))?;
    let address = bound.addrs().first().copied().unwrap_or(listen);
    let running = bound.run();
    let handle = running.handle();
    Ok(Gateway {
        address,
        app,
        handle,
        hub,
        server: tokio::spawn(running),
        followers,
    })
}

/// What every handler works with.
async fn application(store: Store, hub: &Arc<Hub>, config: ServeArgs) -> Result<App, StartError> {
    Ok(App {
        tokens: tokens(&store, &config).await?,
        passwords: Passwords::new().map_err(StartError::Setting)?,
        rate_limits: RateLimits::new(
            config.attempts_per_address,
            config.attempts_per_account,
            config.trusted_proxies.clone(),
        ),
        bookmarks: bookmarks(&store).await?,
        live: Live {
            hub: Arc::clone(hub),
        },
        documents: Documents::make().map_err(|e| StartError::Setting(e.to_string()))?,
        store,
        config,
    })
}

/// Access tokens by the keys that all nodes share.
async fn tokens(store: &Store, config: &ServeArgs) -> Result<Tokens, StartError> {
    let keys = store.signing_keys(KeyPurpose::AccessToken).await?;
    let seeds: Vec<_> = keys.into_iter().map(|key| (key.kid, key.secret)).collect();
    Tokens::new(config.issuer.clone(), &seeds).map_err(StartError::Setting)
}

/// Bookmarks by the key that all nodes share.
async fn bookmarks(store: &Store) -> Result<Bookmarks, StartError> {
    let keys = store.signing_keys(KeyPurpose::Bookmark).await?;
    let key = keys.into_iter().next();
    let key = key.ok_or_else(|| StartError::Setting("no key for bookmarks".into()))?;
    Ok(Bookmarks::new(key.secret))
}

impl Gateway {
    /// What its handlers work with.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Tells streams to come back elsewhere, lets requests under way end, and stops.
    pub async fn stop(self) {
        self.hub.order_all(Order::Close(close::RESTART));
        self.handle.stop(true).await;
        for follower in self.followers {
            follower.abort();
        }
        if let Ok(Err(error)) = self.server.await {
            tracing::warn!(%error, "the server ended with an error");
        }
    }
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
fn bound_peer(connection: &dyn std::any::Any, _: &mut Extensions) {
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
