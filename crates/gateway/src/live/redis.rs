//! Redis Pub/Sub: at most once, so every loss of the connection leads to a look at the log's head.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, PushInfo, PushKind, Value};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use super::bus::{self, Batch, Heard, Inbox, News};
use super::signs::{Sign, Signs};
use crate::clock;

/// How long a publish may take before it is given up; the head check makes up for it.
const PUBLISH_TIMEOUT: Duration = Duration::from_millis(500);
/// How often the subscription is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Where Redis is.
pub struct Address(redis::ConnectionInfo);

impl Address {
    /// What a URL names; none for one that is of no use.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let info = redis::IntoConnectionInfo::into_connection_info(url);
        info.ok().map(Self)
    }
}

/// Who hears what other nodes publish.
#[derive(Clone)]
pub struct Ears {
    /// That the log went on.
    pub inbox: Inbox,
    /// What goes past the log.
    pub signs: Arc<Signs>,
}

/// The connection for publishing.
#[derive(Clone)]
pub struct RedisBus {
    connection: ConnectionManager,
    channel: String,
    /// Names this node in its messages.
    node: String,
}

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        // The default gives up for good after six tries.
        .set_number_of_retries(1_000_000)
        .set_min_delay(Duration::from_millis(100))
        .set_max_delay(Duration::from_secs(1))
        .set_response_timeout(Some(Duration::from_secs(2)))
        .set_connection_timeout(Some(Duration::from_secs(2)))
}

impl RedisBus {
    /// Connects, and starts to hand on what other nodes publish. `epoch` keeps installations apart.
    ///
    /// # Errors
    /// When Redis cannot be reached at the start.
    pub async fn connect(
        Address(mut info): Address,
        epoch: &str,
        ears: Ears,
    ) -> Result<Self, redis::RedisError> {
        // Pushes need RESP3.
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(redis::ProtocolVersion::RESP3);
        info = info.set_redis_settings(settings);
        let client = redis::Client::open(info)?;
        let channel = format!("pinwire:{epoch}:log");
        let publishing = timeout(
            Duration::from_secs(5),
            ConnectionManager::new_with_config(client.clone(), config()),
        )
        .await
        .map_err(|_| redis::RedisError::from((redis::ErrorKind::Io, "timed out")))??;
        let (pushes, pushed) = mpsc::unbounded_channel();
        let subscribing = config()
            .set_push_sender(pushes)
            .set_automatic_resubscription();
        let mut subscription = ConnectionManager::new_with_config(client, subscribing).await?;
        subscription.subscribe(&[&channel]).await?;
        let node = format!("{:x}", u64::from_be_bytes(clock::random_bytes()));
        tokio::spawn(keep_alive(subscription, ears.inbox.clone()));
        tokio::spawn(forward(pushed, node.clone(), ears));
        Ok(Self {
            connection: publishing,
            channel,
            node,
        })
    }

    /// Tells the other nodes of a batch, or gives up soon.
    pub async fn publish(&self, batch: &Batch) {
        self.send(bus::encode(&self.node, batch)).await;
    }

    /// Tells the other nodes of a sign, or gives up soon.
    pub async fn publish_sign(&self, sign: &Sign) {
        if let Some(message) = bus::encode_sign(&self.node, sign) {
            self.send(message).await;
        }
    }

    async fn send(&self, message: String) {
        let mut connection = self.connection.clone();
        let publish = connection.publish::<_, _, ()>(&self.channel, message);
        match timeout(PUBLISH_TIMEOUT, publish).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the bus is away"),
            Err(_) => tracing::debug!("the bus did not answer in time"),
        }
    }
}

/// Hands pushes on at once: their channel has no bound of its own.
async fn forward(mut pushes: mpsc::UnboundedReceiver<PushInfo>, node: String, ears: Ears) {
    while let Some(push) = pushes.recv().await {
        let news = match push.kind {
            PushKind::Message => match push.data.get(1) {
                // This node's tail was told at once.
                Some(Value::BulkString(text)) if bus::is_from(text, &node) => None,
                Some(Value::BulkString(text)) => match bus::decode(text) {
                    Some(Heard::Batch(batch)) => Some(News::Batch(batch)),
                    Some(Heard::Sign(teller, sign)) => {
                        ears.signs.take(teller, sign);
                        None
                    }
                    None => None,
                },
                _ => None,
            },
            // Subscribed (again): what was published meanwhile is lost.
            PushKind::Subscribe => Some(News::CheckHead),
            PushKind::Disconnection => {
                tracing::warn!("the bus is gone: events come by the head check until it is back");
                Some(News::CheckHead)
            }
            _ => None,
        };
        if let Some(news) = news {
            // A full inbox loses a hint, which the head check finds.
            drop(ears.inbox.try_send(news));
        }
    }
}

/// A subscription that is only listened to does not notice that the server is frozen.
async fn keep_alive(mut subscription: ConnectionManager, inbox: Inbox) {
    let mut ticks = interval(PING_EVERY);
    loop {
        ticks.tick().await;
        if inbox.is_closed() {
            return;
        }
        let answer: Result<(), _> = redis::cmd("PING").query_async(&mut subscription).await;
        if answer.is_err() {
            drop(inbox.try_send(News::CheckHead));
        }
    }
}
