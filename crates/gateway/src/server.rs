//! Starting and stopping a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpMessage, HttpServer, web};
use pinwire_storage::keys::KeyPurpose;
use pinwire_storage::{OpenError, Store};
use secrecy::ExposeSecret;
use socket2::SockRef;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing_actix_web::{RequestId, TracingLogger};
use utoipa_actix_web::AppExt;

use crate::config::ServeArgs;
use crate::error::ApiError;
use crate::live::bus::{self, Bus, News};
use crate::live::hub::{Hub, Order};
use crate::live::redis::RedisBus;
use crate::live::session::STALL_MAX;
use crate::live::{Live, close, tail};
use crate::page::Bookmarks;
use crate::password::Passwords;
use crate::rate_limit::{Allowance, RateLimits};
use crate::token::Tokens;
use crate::{App, api, clock, routes, sweep};

/// Bytes the kernel holds for a peer that does not read.
const SEND_BUFFER: usize = 64 * 1024;
/// How long requests under way may take when the node stops.
const SHUTDOWN_S: u64 = 10;

/// A node that runs.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
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
    let mut server = HttpServer::new(move || {
        actix_web::App::new()
            .into_utoipa_app()
            .configure(routes::register)
            .map(|app| {
                app.wrap(from_fn(complete_answer))
                    .wrap(TracingLogger::<crate::server::PathSpan>::new())
            })
            .into_app()
            .app_data(app.clone())
            .configure(api::documents)
            .default_service(web::to(routes::no_such_route))
    })
    .on_connect(bound_peer)
    .shutdown_timeout(SHUTDOWN_S)
    .disable_signals()
    .server_hostname("pinwire");
    if let Some(workers) = workers {
        server = server.workers(usize::from(workers));
    }
    let bound = server
        .bind(listen)
        .map_err(|e| StartError::Listen(listen, e))?;
    let address = bound.addrs().first().copied().unwrap_or(listen);
    let running = bound.run();
    let handle = running.handle();
    Ok(Gateway {
        address,
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

/// Gives errors the request's id, and every answer the headers that all have.
async fn complete_answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let id = request_id(&request);
    let mut answer = match next.call(request).await {
        Ok(answer) => answer.map_into_boxed_body(),
        Err(error) => return Err(error),
    };
    let failed = answer
        .response()
        .error()
        .and_then(|e| e.as_error::<ApiError>().cloned());
    if let Some(error) = failed {
        let (request, _) = answer.into_parts();
        answer = ServiceResponse::new(request, error.respond(&id));
    }
    let allowance = answer.request().extensions().get::<Allowance>().copied();
    let headers = answer.headers_mut();
    if let Some(Allowance {
        limit,
        remaining,
        reset_s,
    }) = allowance
    {
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), limit.into());
        headers.insert(
            HeaderName::from_static("x-ratelimit-remaining"),
            remaining.into(),
        );
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset_s.into());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(answer)
}

fn request_id(request: &ServiceRequest) -> String {
    request
        .extensions()
        .get::<RequestId>()
        .map(RequestId::to_string)
        .unwrap_or_default()
}

/// What is logged of a request: never its query, which may hold a ticket.
pub struct PathSpan;

impl tracing_actix_web::RootSpanBuilder for PathSpan {
    fn on_request_start(request: &ServiceRequest) -> tracing::Span {
        tracing::info_span!(
            "request",
            method = %request.method(),
            path = request.path(),
            id = %request_id(request),
            status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(
        span: tracing::Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        if let Ok(answer) = outcome {
            span.record("status", answer.status().as_u16());
        }
    }
}
