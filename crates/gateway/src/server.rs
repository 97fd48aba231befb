//! Starting and stopping a node.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web;
use pinwire_storage::keys::KeyPurpose;
use pinwire_storage::{OpenError, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::admissions::Admissions;
use crate::config::ServeArgs;
use crate::documents::Documents;
use crate::inspector::journey::Traveller;
use crate::live::bus::{self, News};
use crate::live::hub::{Hub, Order};
use crate::live::presence::{self, Presence};
use crate::live::redis::{Ears, RedisBus};
use crate::live::signs::{self, Sign, Signs};
use crate::live::{Live, acks, close, tail};
use crate::page::Bookmarks;
use crate::password::Passwords;
use crate::rate_limit::RateLimits;
use crate::token::Tokens;
use crate::{App, clock, indexing, inspector, jobs, listener, metrics, shares, sweep};

/// A node that runs.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it tells what it measures.
    pub metrics_address: Option<SocketAddr>,
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
    let redis = config.redis().map_err(StartError::Setting)?;
    let source = clock::source();
    let opened = tokio::task::spawn_blocking(move || Store::open(&store_config, &source)).await;
    let (store, committed) = opened.map_err(|e| StartError::Setting(e.to_string()))??;
    let (outbox, outgoing) = mpsc::channel(signs::WAITING_MAX);
    let live = live(redis.is_some().then_some(outbox));
    let admissions = Arc::new(Admissions::default());
    let position = store.head().await?;
    live.hub.advance(position);
    let (inbox, news) = mpsc::channel::<News>(bus::WAITING_MAX);
    let mut followers = Vec::new();
    let others = match redis {
        None => None,
        Some(at) => {
            let ears = Ears {
                inbox: inbox.clone(),
                signs: Arc::clone(&live.signs),
            };
            let bus = RedisBus::connect(at, store.epoch(), ears)
                .await
                .map_err(|e| StartError::Redis(e.to_string()))?;
            let (others, batches) = mpsc::channel(bus::WAITING_MAX);
            followers.push(tokio::spawn(signs::tell_others(outgoing, bus.clone())));
            followers.push(tokio::spawn(tail::tell_others(batches, bus)));
            Some(others)
        }
    };
    followers.extend([
        tokio::spawn(tail::publish(store.clone(), committed, inbox, others)),
        tokio::spawn(tail::follow(
            store.clone(),
            (live.clone(), Arc::clone(&admissions)),
            news,
            position,
        )),
    ]);
    let traveller = traveller(&config);
    followers.extend(beside(&store, &live, traveller.clone()));
    let metrics = config.metrics_listen.map(metrics::serve).transpose()?;
    let app =
        web::Data::new(application(store, (live.clone(), admissions), traveller, config).await?);
    followers.push(tokio::spawn(sweep::run(app.clone().into_inner())));
    followers.push(tokio::spawn(shares::run(app.clone().into_inner())));
    let (address, server) = listener::serve(app.clone())?;
    let metrics_address = metrics.as_ref().map(|(address, _)| *address);
    if let Some((_, server)) = metrics {
        followers.push(tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::warn!(%error, "metrics are not served any more");
            }
        }));
    }
    Ok(Gateway {
        address,
        metrics_address,
        app,
        handle: server.handle(),
        hub: live.hub,
        server: tokio::spawn(server),
        followers,
    })
}

/// What goes on beside requests and the way of events.
fn beside(store: &Store, live: &Live, traveller: Option<Arc<Traveller>>) -> [JoinHandle<()>; 5] {
    [
        tokio::spawn(acks::run(Arc::clone(&live.acks), store.clone())),
        tokio::spawn(presence::run(
            Arc::clone(&live.presence),
            Arc::clone(&live.signs),
            store.clone(),
        )),
        tokio::spawn(indexing::run(store.clone(), Arc::clone(&live.hub))),
        tokio::spawn(jobs::run(store.clone())),
        tokio::spawn(inspector::run(store.clone(), traveller)),
    ]
}

/// The way of events and signs, with the way of the signs to the other nodes, if there are any.
fn live(outbox: Option<mpsc::Sender<Sign>>) -> Live {
    let hub = Arc::new(Hub::default());
    let presence = Arc::new(Presence::new(Arc::clone(&hub)));
    let signs = Signs::new(Arc::clone(&hub), Arc::clone(&presence), outbox);
    Live {
        hub,
        presence,
        signs: Arc::new(signs),
        acks: Arc::default(),
    }
}

/// What every handler works with.
async fn application(
    store: Store,
    (live, admissions): (Live, Arc<Admissions>),
    traveller: Option<Arc<Traveller>>,
    config: ServeArgs,
) -> Result<App, StartError> {
    Ok(App {
        tokens: tokens(&store, &config).await?,
        admissions,
        passwords: Passwords::new().map_err(StartError::Setting)?,
        rate_limits: RateLimits::new(config.per_minute(), config.trusted_proxies.clone()),
        traveller,
        node: store.new_node(),
        bookmarks: bookmarks(&store).await?,
        live,
        documents: Documents::default(),
        store,
        config,
    })
}

/// Who looks where links lead, unless nobody shall.
fn traveller(config: &ServeArgs) -> Option<Arc<Traveller>> {
    let looks = !config.no_link_checks;
    looks.then(|| Arc::new(Traveller::new(&config.link_networks)))
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
        if let Err(error) = self.app.store.forget_node(self.app.node).await {
            tracing::warn!(%error, "this node counts for some seconds more");
        }
        if let Err(error) = self.app.store.checkpoint().await {
            tracing::warn!(%error, "the newest rows stay in the file beside the database");
        }
    }
}
