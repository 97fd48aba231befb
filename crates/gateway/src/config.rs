//! Settings: each a flag and a `PINWIRE_…` variable.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use pinwire_domain::limits;
use pinwire_storage::{Migrate, StoreConfig, Target};
use secrecy::{ExposeSecret, SecretString};

use crate::rate_limit::{ATTEMPTS_PER_ACCOUNT_DEFAULT, ATTEMPTS_PER_ADDRESS_DEFAULT};
use crate::view::image::ImageTemplate;

/// Send a pin: conversations that revolve around pins, as a JSON REST and WebSocket API.
#[derive(Debug, Parser)]
#[command(name = "pinwire", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`, which is what runs when no command is named.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (the default).
    Serve(Box<ServeArgs>),
    /// Play the main job on a temporary store and show it as it happens.
    Demo,
    /// Bring the database's schema to this version, then end.
    Migrate(DatabaseArgs),
    /// Print the OpenAPI document, or the AsyncAPI document of the WebSocket.
    Openapi {
        /// Print the AsyncAPI document instead.
        #[arg(long)]
        asyncapi: bool,
    },
}

/// Where the data live.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// `postgres://user:password@host/name`, or `sqlite:path`. Several nodes need PostgreSQL and Redis.
    #[arg(
        long,
        env = "PINWIRE_DATABASE_URL",
        default_value = "sqlite:pinwire.db",
        hide_env_values = true
    )]
    pub database_url: SecretString,
}

/// Settings of a node.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address and port to listen on.
    #[arg(long, env = "PINWIRE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the data live.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// `redis://host:port`, the bus between several nodes. Without it the bus is this process.
    #[arg(long, env = "PINWIRE_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<SecretString>,
    /// The issuer in access tokens; the same on all nodes.
    #[arg(long, env = "PINWIRE_ISSUER", default_value = "pinwire")]
    pub issuer: String,
    /// Refuse an older schema instead of migrating it at start.
    #[arg(long, env = "PINWIRE_NO_MIGRATE")]
    pub no_migrate: bool,
    /// People in a conversation at most, 2 to 100.
    #[arg(long, env = "PINWIRE_CONVERSATION_PEOPLE", default_value_t = limits::CONVERSATION_PEOPLE_DEFAULT, value_parser = people)]
    pub conversation_people: usize,
    /// Connections to the database for reading, 1 to 256.
    #[arg(long, env = "PINWIRE_DATABASE_READERS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub database_readers: u32,
    /// Connections to PostgreSQL for writing, 1 to 64. SQLite has one writer.
    #[arg(long, env = "PINWIRE_DATABASE_WRITERS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub database_writers: u32,
    /// Threads that serve requests, 1 to 256; as many as cores by default.
    #[arg(long, env = "PINWIRE_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Web pages of these origins may open a WebSocket, separated by commas: `https://app.example`.
    #[arg(long, env = "PINWIRE_ALLOWED_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub allowed_origins: Vec<String>,
    /// Where pictures are served in real sizes: `https://img.example/{width}/{url}`. `{width}` becomes the
    /// pixels, `{url}` the picture's address, percent-encoded. Without it all sizes show that address.
    #[arg(long, env = "PINWIRE_IMAGE_URL_TEMPLATE")]
    pub image_url_template: Option<ImageTemplate>,
    /// Sign-ins and sign-ups a minute from one address, 1 or more.
    #[arg(long, env = "PINWIRE_ATTEMPTS_PER_ADDRESS", default_value_t = ATTEMPTS_PER_ADDRESS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts_per_address: u32,
    /// Sign-ins a minute to one account, 1 or more.
    #[arg(long, env = "PINWIRE_ATTEMPTS_PER_ACCOUNT", default_value_t = ATTEMPTS_PER_ACCOUNT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts_per_account: u32,
    /// Proxies that are believed when they name a client in `X-Forwarded-For`, as addresses or networks such as
    /// `10.0.0.0/8`, separated by commas.
    #[arg(long, env = "PINWIRE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// How log lines are written.
    #[arg(long, env = "PINWIRE_LOG_FORMAT", default_value = "text", value_enum)]
    pub log_format: LogFormat,
    /// What is logged, such as `info` or `pinwire_gateway=debug`.
    #[arg(long, env = "PINWIRE_LOG", default_value = "info")]
    pub log: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn people(text: &str) -> Result<usize, String> {
    let range = limits::CONVERSATION_PEOPLE_RANGE;
    text.parse()
        .ok()
        .filter(|n| range.contains(n))
        .ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    one.or_else(|_| text.parse())
        .map_err(|_| "must be an address or a network such as 10.0.0.0/8".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|e| e.to_string())?;
    let origin = url.origin().ascii_serialization();
    if origin == text {
        Ok(origin)
    } else {
        Err(format!("write it as `{origin}`"))
    }
}

impl DatabaseArgs {
    /// The target that the URL names.
    ///
    /// # Errors
    /// Says what is wrong with the URL, without showing it.
    pub fn target(&self) -> Result<Target, String> {
        let url = self.database_url.expose_secret();
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err("PINWIRE_DATABASE_URL: `sqlite:` needs the path of a file".into());
            }
            return Ok(Target::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Target::Postgres(url.to_owned()));
        }
        Err("PINWIRE_DATABASE_URL must begin with `postgres://` or `sqlite:`".into())
    }
}

impl ServeArgs {
    /// How the store is opened.
    ///
    /// # Errors
    /// Says what is wrong with the database URL.
    pub fn store(&self) -> Result<StoreConfig, String> {
        Ok(StoreConfig {
            target: self.database.target()?,
            readers: self.database_readers,
            writers: self.database_writers,
            migrate: if self.no_migrate {
                Migrate::Check
            } else {
                Migrate::Forward
            },
            people_max: self.conversation_people,
        })
    }
}
