//! The `pinwire` program.

use std::process::ExitCode;

use clap::Parser;
use pinwire_gateway::config::{Cli, Command, LogFormat, ServeArgs};
use pinwire_gateway::{asyncapi, openapi, start};
use pinwire_storage::Store;
use tracing_subscriber::EnvFilter;

/// Exit code for settings or a database that are of no use.
const UNUSABLE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => serve(cli.serve).await,
        Some(Command::Serve(args)) => serve(*args).await,
        Some(Command::Demo) => Err("not yet".to_owned()),
        Some(Command::Migrate(args)) => args.target().and_then(|target| {
            let applied = Store::migrate(&target).map_err(|e| e.to_string())?;
            println!("{} migrations applied", applied.len());
            Ok(())
        }),
        Some(Command::Openapi { asyncapi }) => print_document(asyncapi),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("pinwire: {reason}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn print_document(of_websocket: bool) -> Result<(), String> {
    let document = if of_websocket {
        asyncapi::document()
    } else {
        openapi::document()
    };
    let text = document.and_then(|d| serde_json::to_string_pretty(&d));
    println!("{}", text.map_err(|e| e.to_string())?);
    Ok(())
}

async fn serve(args: ServeArgs) -> Result<(), String> {
    log(&args)?;
    let gateway = start(args).await.map_err(|e| e.to_string())?;
    println!(
        "Pinwire listens on http://{0}\n  docs: http://{0}/docs",
        gateway.address
    );
    wait_for_end().await;
    gateway.stop().await;
    Ok(())
}

async fn wait_for_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        outcome = tokio::signal::ctrl_c() => drop(outcome),
    }
}

fn log(args: &ServeArgs) -> Result<(), String> {
    let filter = EnvFilter::try_new(&args.log).map_err(|e| format!("PINWIRE_LOG: {e}"))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let set = match args.log_format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    set.map_err(|e| e.to_string())
}
