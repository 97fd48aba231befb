//! Settings: each a flag and a `PINWIRE_…` variable.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, Resettable};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use pinwire_domain::limits;
use pinwire_domain::link::lists::Lists;
use pinwire_domain::policy::Placement;
use pinwire_storage::links::LinkRules;
use pinwire_storage::{Migrate, StoreConfig, Target};
use secrecy::{ExposeSecret, SecretString};

use crate::live::redis::Address;
use crate::rate_limit::{
    ATTEMPTS_PER_ACCOUNT_DEFAULT, ATTEMPTS_PER_ADDRESS_DEFAULT, PerMinute, READS_PER_USER_DEFAULT,
    WRITES_PER_USER_DEFAULT,
};
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

impl Cli {
    /// What the command line and the variables say. A variable that is empty says nothing: that is how a setting is
    /// left out where its name always stands, as in a compose file.
    ///
    /// # Errors
    /// They are of no use, or ask for help.
    pub fn read() -> Result<Self, clap::Error> {
        let told = |argument: clap::Arg| {
            let variable = argument.get_env().and_then(std::env::var_os);
            if variable.is_some_and(|value| value.is_empty()) {
                argument.env(Resettable::Reset)
            } else {
                argument
            }
        };
        let mut command = Self::command()
            .mut_args(told)
            .mut_subcommands(|it| it.mut_args(told));
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
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
    /// Give somebody a right: `pinwire grant ana moderation`. A SQLite file must not be served meanwhile.
    Grant(RightArgs),
    /// Take a right back.
    Revoke(RightArgs),
    /// Block the domains of a list, one a line, or of a hosts file.
    BlockDomains {
        /// The list.
        list: PathBuf,
        /// Where the data live.
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Print the OpenAPI document, or the AsyncAPI document of the event stream.
    Openapi {
        /// Print the AsyncAPI document instead.
        #[arg(long)]
        asyncapi: bool,
    },
}

/// Somebody and a right.
#[derive(Debug, Clone, Args)]
pub struct RightArgs {
    /// The username.
    pub username: String,
    /// The right.
    pub right: Right,
    /// Where the data live.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// What operators give to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Right {
    /// To decide on what was reported.
    Moderation,
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
    /// Address and port of `GET /metrics`, for Prometheus; keep it from the public. Without it nothing is measured.
    #[arg(long, env = "PINWIRE_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
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
    #[arg(long, env = "PINWIRE_NO_MIGRATE", value_parser = BoolishValueParser::new())]
    pub no_migrate: bool,
    /// People in a conversation at most, 2 to 100.
    #[arg(long, env = "PINWIRE_CONVERSATION_PEOPLE", default_value_t = limits::CONVERSATION_PEOPLE_DEFAULT, value_parser = people)]
    pub conversation_people: usize,
    /// Where first messages of strangers land with new accounts, until these say otherwise: `inbox`, `requests` or
    /// `nobody`.
    #[arg(long, env = "PINWIRE_STRANGERS", default_value = "requests", value_parser = strangers)]
    pub strangers: Placement,
    /// Connections to the database for reading, 1 to 256.
    #[arg(long, env = "PINWIRE_DATABASE_READERS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub database_readers: u32,
    /// Connections to PostgreSQL for writing, 1 to 64; a second one helps where PostgreSQL has cores of its own.
    /// SQLite has one writer.
    #[arg(long, env = "PINWIRE_DATABASE_WRITERS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub database_writers: u32,
    /// Threads that serve requests, 1 to 256; as many as cores by default.
    #[arg(long, env = "PINWIRE_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Web pages of these origins may call the API and open a WebSocket, separated by commas:
    /// `https://app.example`.
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
    /// Requests a minute by one person that change something, and frames that do, 1 or more; each node gives its share.
    #[arg(long, env = "PINWIRE_WRITES_PER_USER", default_value_t = WRITES_PER_USER_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub writes_per_user: u32,
    /// Requests a minute by one person that read, and frames that do, 1 or more; each node gives its share.
    #[arg(long, env = "PINWIRE_READS_PER_USER", default_value_t = READS_PER_USER_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub reads_per_user: u32,
    /// Proxies that are believed when they name a client in `X-Forwarded-For`, as addresses or networks such as
    /// `10.0.0.0/8`, separated by commas.
    #[arg(long, env = "PINWIRE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Judge links by their address alone, and look nowhere; pictures are not read either.
    #[arg(long, env = "PINWIRE_NO_LINK_CHECKS", value_parser = BoolishValueParser::new())]
    pub no_link_checks: bool,
    /// Networks that links may lead to, and pictures be read from, though they are not of the public internet, such as
    /// `10.0.0.0/8`, separated by commas.
    #[arg(long, env = "PINWIRE_LINK_NETWORKS", value_delimiter = ',', value_parser = network)]
    pub link_networks: Vec<IpNet>,
    /// A file of more hosts of shorteners, one a line.
    #[arg(long, env = "PINWIRE_SHORTENERS")]
    pub shorteners: Option<PathBuf>,
    /// A file of more hosts of affiliate networks, one a line.
    #[arg(long, env = "PINWIRE_AFFILIATE_HOSTS")]
    pub affiliate_hosts: Option<PathBuf>,
    /// A file of more parameters that name who earns by a click, one a line; after a host and a space, one that does so
    /// there.
    #[arg(long, env = "PINWIRE_AFFILIATE_PARAMETERS")]
    pub affiliate_parameters: Option<PathBuf>,
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

/// What is wrong with the settings, in one line.
#[must_use]
pub fn complaint(error: &clap::Error) -> String {
    let text = error.to_string();
    // What follows is advice and usage.
    let reason = text.split("\n\n").next().unwrap_or_default();
    let line = one_line(reason.trim_start_matches("error: "));
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => match variable(flag) {
            Some(name) => line.replacen(&format!("'{flag}'"), &format!("{name} or '{flag}'"), 1),
            None => line,
        },
        _ => line,
    }
}

/// The same text without breaks and indents: whoever greps a log for a failure finds all of it.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The variable that sets the same as a flag, named as in `--listen <LISTEN>`.
fn variable(flag: &str) -> Option<String> {
    let long = flag.split(' ').next()?.strip_prefix("--")?;
    let command = Cli::command();
    let argument = command
        .get_arguments()
        .find(|a| a.get_long() == Some(long))?;
    Some(argument.get_env()?.to_string_lossy().into_owned())
}

/// The text of a file, if one is named.
fn read(path: Option<&PathBuf>) -> Result<Option<String>, String> {
    let text = path.map(|path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    });
    text.transpose()
}

fn strangers(text: &str) -> Result<Placement, String> {
    Placement::from_name(text).ok_or_else(|| "must be `inbox`, `requests` or `nobody`".into())
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
        let server = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or("PINWIRE_DATABASE_URL must begin with `postgres://` or `sqlite:`")?;
        if !is_plain(server) {
            return Err(
                "PINWIRE_DATABASE_URL must be `postgres://user:password@host:port/name`, with what is \
                 special in a password percent-encoded"
                    .into(),
            );
        }
        Ok(Target::Postgres(url.to_owned()))
    }
}

/// Whether a URL of PostgreSQL (without its scheme) is unmistakable. What the client library says of one that is
/// not quotes it, so a part of the password could come to light.
fn is_plain(server: &str) -> bool {
    let percents_name_bytes = server.split('%').skip(1).all(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.bytes().all(|b| b.is_ascii_hexdigit()) && digits.len() == 2 && digits != "00"
    });
    let end = server.find(['/', '?', '#']).unwrap_or(server.len());
    let (authority, rest) = server.split_at(end);
    // The person ends with the `@`.
    let (person, hosts) = authority.split_at(authority.find('@').map_or(0, |at| at + 1));
    // Several hosts are tried in turn.
    let hosts_are_plain = hosts
        .split(',')
        .all(|host| url::Url::parse(&format!("postgres://{person}{host}/")).is_ok());
    percents_name_bytes && hosts_are_plain && !hosts.contains('@') && !rest.contains('@')
}

impl ServeArgs {
    /// The settings of a node when nothing is set, whatever the variables say.
    ///
    /// # Errors
    /// When the defaults are of no use.
    pub fn defaults() -> Result<Self, clap::Error> {
        let command = Cli::command().mut_args(|argument| argument.env(Resettable::Reset));
        let matches = command.try_get_matches_from(["pinwire"])?;
        Ok(Cli::from_arg_matches(&matches)?.serve)
    }

    /// The Redis that the URL names, if there is one.
    ///
    /// # Errors
    /// The URL is of no use; it is not shown, since a password may stand in it.
    pub fn redis(&self) -> Result<Option<Address>, String> {
        let Some(url) = &self.redis_url else {
            return Ok(None);
        };
        let address = Address::of(url.expose_secret());
        let form = "PINWIRE_REDIS_URL must be `redis://user:password@host:port/number`";
        address.map(Some).ok_or_else(|| form.to_owned())
    }

    /// How often what may be tried.
    #[must_use]
    pub const fn per_minute(&self) -> PerMinute {
        PerMinute {
            attempts_per_address: self.attempts_per_address,
            attempts_per_account: self.attempts_per_account,
            writes_per_user: self.writes_per_user,
            reads_per_user: self.reads_per_user,
        }
    }

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
            strangers: self.strangers,
            links: LinkRules {
                lists: self.lists()?,
                are_inspected: !self.no_link_checks,
            },
        })
    }

    /// Pinwire's lists, and those of the operator.
    fn lists(&self) -> Result<Lists, String> {
        let mut lists = Lists::ours();
        if let Some(list) = read(self.shorteners.as_ref())? {
            lists.add_shorteners(&list);
        }
        if let Some(list) = read(self.affiliate_hosts.as_ref())? {
            lists.add_affiliate_hosts(&list);
        }
        if let Some(list) = read(self.affiliate_parameters.as_ref())? {
            lists.add_affiliate_parameters(&list);
        }
        Ok(lists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint_of(arguments: &[&str]) -> String {
        let arguments = ["pinwire"].iter().chain(arguments);
        complaint(&Cli::try_parse_from(arguments).unwrap_err())
    }

    #[test]
    fn a_bad_value_is_one_line_that_names_flag_and_variable() {
        assert_eq!(
            complaint_of(&["--listen", "here"]),
            "invalid value 'here' for PINWIRE_LISTEN or '--listen <LISTEN>': invalid socket address syntax"
        );
        assert_eq!(
            complaint_of(&["serve", "--log-format", "x\ny"]),
            "invalid value 'x y' for PINWIRE_LOG_FORMAT or '--log-format <LOG_FORMAT>' \
             [possible values: text, json]"
        );
        assert_eq!(
            complaint_of(&["--frob"]),
            "unexpected argument '--frob' found"
        );
    }

    #[test]
    fn people_are_bounded() {
        for (text, fits) in [("1", false), ("2", true), ("100", true), ("101", false)] {
            assert_eq!(people(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        assert!(origin("https://app.example").is_ok());
        assert!(origin("http://localhost:3000").is_ok());
        for text in [
            "https://app.example/",
            "https://APP.example",
            "app.example",
            "null",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    fn target(url: &str) -> Result<Target, String> {
        let database_url = url.to_owned().into();
        DatabaseArgs { database_url }.target()
    }

    #[test]
    fn a_database_url_is_a_file_or_a_server() {
        let file = |path: &str| Ok(Target::Sqlite(PathBuf::from(path)));
        assert_eq!(target("sqlite:a.db"), file("a.db"));
        assert_eq!(target("sqlite:///var/a.db"), file("/var/a.db"));
        for url in [
            "postgres://localhost/pinwire",
            "postgresql://u:p%40ss@[::1]:5432/pinwire?sslmode=disable",
            "postgres://u:p@a:1,b:2/pinwire",
            "postgres:///pinwire?host=/run/postgresql",
        ] {
            assert_eq!(target(url), Ok(Target::Postgres(url.to_owned())));
        }
        for url in ["", "mysql://x", "sqlite:", "sqlite::memory:"] {
            assert!(target(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_mistakable_database_url_is_refused_without_showing_it() {
        for url in [
            "postgres://u:sec%zzret@h/d",
            "postgres://u:sec%00ret@h/d",
            "postgres://u:secret%4",
            "postgres://u:secret@[::1/d",
            "postgres://u:sec/ret@h/d",
            "postgres://u:1?secret@h/d",
            "postgres://u:s@ecret@h/d",
        ] {
            let refused = target(url).unwrap_err();
            assert!(!refused.contains("ecret"), "{refused}");
        }
    }
}
