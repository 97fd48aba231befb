//! What the node measures, for Prometheus, on a listener of its own.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

use crate::server::StartError;

/// Bounds of histograms of time, in seconds.
const SECONDS: [f64; 10] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];
/// Bounds of histograms of how many there are.
const COUNTS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Open streams: sockets, event streams, and polls that wait.
pub const STREAMS: &str = "pinwire_streams";
/// How often a node read the log itself, since the bus had lost something or was late.
pub const LOG_READS: &str = "pinwire_log_reads_total";
/// How often a stream read the log, since its queue was full.
pub const STREAM_OVERFLOWS: &str = "pinwire_stream_overflows_total";
/// How often a client was told to fetch the state anew.
pub const RESYNCS: &str = "pinwire_resyncs_total";

/// The one collector of the process.
static COLLECTOR: OnceLock<PrometheusHandle> = OnceLock::new();

fn collector() -> Result<PrometheusHandle, StartError> {
    if let Some(handle) = COLLECTOR.get() {
        return Ok(handle.clone());
    }
    let failed = |e: metrics_exporter_prometheus::BuildError| StartError::Setting(e.to_string());
    let seconds = Matcher::Suffix("_seconds".into());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)
        .and_then(|builder| builder.set_buckets(&COUNTS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(failed)?;
    Ok(COLLECTOR.get_or_init(|| handle).clone())
}

async fn show(handle: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::plaintext())
        .body(handle.render())
}

/// How often samples are counted into their buckets: until then each is kept, also when nobody asks.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

async fn keep_up(handle: &PrometheusHandle) {
    let mut ticks = interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// Serves `GET /metrics` at an address of its own; gives the address, and what serves once it is awaited.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve(
    listen: SocketAddr,
) -> Result<(SocketAddr, impl Future<Output = std::io::Result<()>>), StartError> {
    let collector = collector()?;
    let handle = web::Data::new(collector.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(handle.clone())
            .route("/metrics", web::get().to(show))
    })
    .workers(1)
    .disable_signals()
    .bind(listen)
    .map_err(|e| StartError::Listen(listen, e))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    let server = server.run();
    let serving = async move {
        tokio::select! {
            ended = server => ended,
            () = keep_up(&collector) => Ok(()),
        }
    };
    Ok((address, serving))
}
