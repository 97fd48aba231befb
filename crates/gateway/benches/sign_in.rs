//! How long a sign-in takes: for an unknown user, a wrong password and the right one.
//!
//! `cargo bench -p pinwire-gateway --bench sign_in` prints the medians. The first two must be close, so that
//! nobody learns from the time whether there is an account.

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use pinwire_gateway::clock;
use pinwire_gateway::config::Cli;
use reqwest::{Client, StatusCode};

/// Tries of each kind.
const TRIES: usize = 300;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let folder = std::env::temp_dir().join(format!("pinwire-sign-in-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = measure(&format!("sqlite:{}", folder.join("pinwire.db").display())).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(database: &str) -> Outcome {
    let many = u32::MAX.to_string();
    let args = [
        ["--listen", "127.0.0.1:0"],
        ["--database-url", database],
        ["--attempts-per-address", &many],
        ["--attempts-per-account", &many],
    ];
    let cli = Cli::try_parse_from(["pinwire"].into_iter().chain(args.into_iter().flatten()))?;
    let gateway = pinwire_gateway::start(cli.serve).await?;
    let base = format!("http://{}/v5", gateway.address);
    let client = Client::new();
    let account = serde_json::json!({
        "username": "ana",
        "full_name": "Ana",
        "email": "ana@pinwire.example",
        "password": "correct horse",
    });
    let made = client
        .post(format!("{base}/accounts"))
        .json(&account)
        .send()
        .await?;
    expect(made.status(), StatusCode::CREATED)?;

    let kinds = [
        (
            "unknown user",
            "nobody",
            "wrong horse",
            StatusCode::UNAUTHORIZED,
        ),
        (
            "wrong password",
            "ana",
            "wrong horse",
            StatusCode::UNAUTHORIZED,
        ),
        ("right password", "ana", "correct horse", StatusCode::OK),
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    // In turn, so that what else the machine does falls on all alike.
    for _ in 0..TRIES {
        for ((_, username, password, status), times) in kinds.iter().zip(&mut times) {
            let form = [
                ("grant_type", "password"),
                ("username", username),
                ("password", password),
            ];
            let request = client.post(format!("{base}/oauth/token")).form(&form);
            let start = clock::monotonic();
            let answer = request.send().await?;
            let status_given = answer.status();
            answer.bytes().await?;
            times.push(start.elapsed());
            expect(status_given, *status)?;
        }
    }
    gateway.stop().await;

    let medians = times.map(median);
    for ((kind, ..), median) in kinds.iter().zip(&medians) {
        println!("{kind:14} {median:>10.2?} median of {TRIES}");
    }
    let [unknown, wrong, _] = medians.map(|median| median.as_secs_f64());
    println!("unknown user / wrong password: {:.4}", unknown / wrong);
    Ok(())
}

fn expect(given: StatusCode, expected: StatusCode) -> Outcome {
    if given == expected {
        return Ok(());
    }
    Err(format!("{given} instead of {expected}").into())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
