//! How does the simulated Azure stand on its own? Behind HTTP, on loopback, until it is interrupted.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::world;
use crate::engine::Clock;
use crate::render::json;
use crate::sim::ScaledClock;
use crate::sim::server::{Identity, Pace, Service, serve as serve_world};

/// What was typed about a served world.
pub(super) struct Served<'a> {
    pub(super) world: &'a Path,
    pub(super) listen: SocketAddr,
    pub(super) seed: Option<u64>,
    pub(super) speed: NonZeroU32,
    pub(super) tls: bool,
    pub(super) certificate: Option<&'a Path>,
}

pub(super) async fn serve(context: &Context, wanted: Served<'_>) -> Result<Status, CliError> {
    if !wanted.listen.ip().is_loopback() {
        return Err(CliError::usage(
            "The simulator takes any token, so it listens on loopback only.",
        ));
    }
    let (world, start) = world::load(wanted.world, wanted.seed)?;
    let clock = ScaledClock::new(start, wanted.speed);
    let identity = identity(&wanted)?;
    let hand = clock.clone();
    let advance: Arc<dyn Fn(std::time::Duration) + Send + Sync> =
        Arc::new(move |by| hand.advance(by));
    let service = Service { identity, advance: Some(advance), ..Service::default() };
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let listen = |error: std::io::Error| {
        CliError::new(
            Status::OutOfReach,
            format!("The simulator cannot listen on {}.", wanted.listen),
        )
        .because(&error)
    };
    let listener = TcpListener::bind(wanted.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let line = json!({
        "schema": "backroad.sim/1",
        "endpoint": format!("{}://{address}", if wanted.tls { "https" } else { "http" }),
        "speed": wanted.speed,
        "seed": world.seed(),
    });
    context.ui.data(&json::line(&line));
    let mut interrupts = crate::cli::session::Interrupts::listen();
    let interrupted = async move { interrupts.next().await };
    serve_world(listener, Arc::new(Mutex::new(world)), clock, (Pace::Server, service), interrupted)
        .await
        .map_err(|error| {
            CliError::new(Status::OutOfReach, "The simulator ended.").because(&error)
        })?;
    Ok(Status::Done)
}

/// The certificate of a server that is reached over https, written where it was asked for.
fn identity(wanted: &Served<'_>) -> Result<Option<Arc<Identity>>, CliError> {
    if !wanted.tls {
        return Ok(None);
    }
    let identity = Identity::new()
        .map_err(|error| CliError::new(Status::OutOfReach, "There is no TLS.").because(&error))?;
    if let Some(path) = wanted.certificate {
        files::write_over(path, identity.certificate().as_bytes())?;
    }
    Ok(Some(Arc::new(identity)))
}
