//! The `pinwire` program.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use pinwire_gateway::config::{self, Cli, Command, DatabaseArgs, LogFormat, ServeArgs};
use pinwire_gateway::demo::{self, DemoError};
use pinwire_gateway::{asyncapi, openapi, start, welcome};
use pinwire_storage::Store;
use tracing_subscriber::EnvFilter;

/// Exit code of a demo in which something was not as it should be.
const NOT_AS_IT_SHOULD_BE: u8 = 1;
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
