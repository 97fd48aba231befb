//! The `pinwire` program.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use pinwire_domain::policy::Placement;
use pinwire_domain::{limits, link};
use pinwire_gateway::config::{
    self, Cli, Command, DatabaseArgs, LogFormat, Right, RightArgs, ServeArgs,
};
use pinwire_gateway::demo::{self, DemoError};
use pinwire_gateway::{asyncapi, clock, openapi, start, welcome};
use pinwire_storage::links::LinkRules;
use pinwire_storage::{Migrate, Store, StoreConfig};
use tracing_subscriber::EnvFilter;

/// A request and a send make many small objects, on one thread, that another one drops.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a demo in which something was not as it should be.
const NOT_AS_IT_SHOULD_BE: u8 = 1;
/// Domains that one act blocks.
const DOMAINS_TOGETHER: usize = 500;
/// Exit code for settings or a database that are of no use.
const UNUSABLE: u8 = 2;

/// Why the program ends, and with which exit code.
struct Failure(u8, String);

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(UNUSABLE, error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::read() {
        Ok(cli) => run(cli).await,
        // Help and version are no failure.
        Err(answer) if !answer.use_stderr() => answer.exit(),
        Err(error) => Err(Failure(UNUSABLE, config::complaint(&error))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, reason)) => {
            // Whoever no longer reads it still gets the exit code.
            let _ = writeln!(std::io::stderr(), "pinwire: {}", config::one_line(&reason));
            ExitCode::from(code)
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => serve(cli.serve).await,
        Some(Command::Serve(args)) => serve(*args).await,
        Some(Command::Demo) => show().await,
        Some(Command::Migrate(args)) => migrate(&args),
        Some(Command::Grant(args)) => set_right(&args, true).await,
        Some(Command::Revoke(args)) => set_right(&args, false).await,
        Some(Command::BlockDomains { list, database }) => block_domains(&list, &database).await,
        Some(Command::Openapi { asyncapi }) => print_document(asyncapi),
    }
}

fn print_document(of_websocket: bool) -> Result<(), Failure> {
    let document = if of_websocket {
        asyncapi::document()
    } else {
        openapi::document()
    };
    print(&serde_json::to_string_pretty(&document?)?)
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    log(&args.log, args.log_format)?;
    let gateway = start(args).await?;
    print(&welcome::text(gateway.address))?;
    asked_to_end().await;
    tracing::info!("stopping: sockets are told to come back, requests under way end");
    gateway.stop().await;
    Ok(())
}

async fn show() -> Result<(), Failure> {
    log("warn", LogFormat::Text)?;
    tokio::select! {
        outcome = demo::run(std::io::stdout()) => match outcome {
            Err(error @ DemoError::Failed(_)) => Err(Failure(NOT_AS_IT_SHOULD_BE, error.to_string())),
            other => Ok(other?),
        },
        () = asked_to_end() => Err(Failure(NOT_AS_IT_SHOULD_BE, "the demo was interrupted".into())),
    }
}

fn migrate(args: &DatabaseArgs) -> Result<(), Failure> {
    let applied = Store::migrate(&args.target()?)?;
    if applied.is_empty() {
        return print("the schema is up to date");
    }
    print(&format!("migrated: {}", applied.join(", ")))
}

/// The store, for one command.
fn store(database: &DatabaseArgs) -> Result<Store, Failure> {
    let config = StoreConfig {
        target: database.target()?,
        readers: 1,
        writers: 1,
        migrate: Migrate::Check,
        people_max: limits::CONVERSATION_PEOPLE_DEFAULT,
        strangers: Placement::Requests,
        links: LinkRules::default(),
    };
    let (store, _) = Store::open(&config, &clock::source())?;
    Ok(store)
}

async fn set_right(args: &RightArgs, granted: bool) -> Result<(), Failure> {
    let store = store(&args.database)?;
    let user = store.profile(&args.username).await?.person.id;
    let name = &args.username;
    // Match arms name each right, so that a new one is not forgotten.
    match (args.right, granted) {
        (Right::Moderation, true) => store.grant_moderation(user).await?,
        (Right::Moderation, false) => store.revoke_moderation(user).await?,
    }
    print(&if granted {
        format!("{name} is a moderator; the right comes with their next sign-in")
    } else {
        format!("{name} is no moderator")
    })
}

async fn block_domains(list: &Path, database: &DatabaseArgs) -> Result<(), Failure> {
    let text = std::fs::read_to_string(list);
    let text = text.map_err(|error| format!("{}: {error}", list.display()))?;
    let (domains, others) = link::domains_of_list(&text);
    let store = store(database)?;
    let mut added = 0;
    for some in domains.chunks(DOMAINS_TOGETHER) {
        added += store.block_domains(None, some.to_vec(), None).await?;
    }
    let known = domains.len() - added;
    print(&format!(
        "blocked {added} domains; {known} were blocked or named before, {others} lines name none"
    ))
}

/// Prints to standard output. A reader who has seen enough, such as `head`, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Waits for SIGTERM or Ctrl-C.
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be listened to");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminated => {}
        outcome = tokio::signal::ctrl_c() => {
            if let Err(error) = outcome {
                tracing::warn!(%error, "Ctrl-C cannot be listened to");
            }
        }
    }
}

fn log(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|e| format!("PINWIRE_LOG: {e}"))?;
    // A reader of the log that went away is no failure; to tell of it on standard error would be one.
    let subscriber = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.try_init()?,
        LogFormat::Json => subscriber.json().try_init()?,
    }
    Ok(())
}
