//! How does the simulated Azure stand on its own? Behind HTTP, on loopback, until it is interrupted.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::az_config::{self, ServedWorld};
use super::sim_env::EnvArgs;
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::region_down::{self, RegionsDown};
use crate::cli::world;
use crate::engine::Clock;
use crate::render::json;
use crate::sim::server::{ServePace, ServerIdentity, Service, serve as serve_world};
use crate::sim::{Answers as _, ScaledClock, World};

/// The verbs of the simulator.
#[derive(Debug, Subcommand)]
pub enum SimVerb {
    /// Serve a world over HTTP on loopback; prints one JSON line with `endpoint` once it listens.
    Serve(ServeArgs),
    /// Print what to export so that Azure's tools and SDKs speak to a served world.
    Env(EnvArgs),
}

/// What `sim serve` takes.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The world.
    #[arg(long, value_name = "FILE")]
    pub world: PathBuf,
    /// The regions that go down.
    #[command(flatten)]
    pub down: RegionsDown,
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// What decides its chance [default: the world's].
    #[arg(long)]
    pub seed: Option<u64>,
    /// How much faster than the host's its clock goes.
    #[arg(long, default_value = "1")]
    pub speed: NonZeroU32,
    /// Tell clients to wait in the host's seconds, not in the world's: for tools that do not know of `--speed`.
    #[arg(long)]
    pub host_waits: bool,
    /// Over https, with a certificate that is made anew at each start.
    #[arg(long)]
    pub tls: bool,
    /// Where to write that certificate (PEM), for clients to trust.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_certificate: Option<PathBuf>,
    /// Also give tokens to managed identities, as a machine's metadata service and App Service do.
    #[arg(long)]
    pub identity_endpoint: bool,
    /// Write a configuration of `az` there that is logged in to this world; also what `sim env` reads.
    #[arg(long, value_name = "DIR", requires = "tls")]
    pub az_config: Option<PathBuf>,
}

pub(super) async fn serve(context: &Context, args: &ServeArgs) -> Result<Status, CliError> {
    if !args.listen.ip().is_loopback() {
        return Err(CliError::usage(
            "The simulator takes any token, so it listens on loopback only.",
        ));
    }
    let (mut world, start) = world::load(context, &args.world, args.seed)?;
    region_down::lay_over(&mut world, &args.down.regions, start)?;
    let accounts = world.accounts();
    let clock = ScaledClock::new(start, args.speed);
    let identity = identity(args)?;
    let hand = clock.clone();
    let advance: Arc<dyn Fn(std::time::Duration) + Send + Sync> =
        Arc::new(move |by| hand.advance(by));
    let certificate = identity.as_ref().map(|identity| identity.certificate().to_owned());
    let host: Arc<dyn Clock> = Arc::new(RealClock::new(NonZeroU32::MIN, None));
    let service = Service {
        identity,
        advance: Some(advance),
        with_identity: args.identity_endpoint,
        client_speed: args.host_waits.then_some(args.speed),
        host: Some(host),
        ..Service::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let listen = |error: std::io::Error| {
        CliError::new(
            Status::OutOfReach,
            format!("The simulator cannot listen on {}.", args.listen),
        )
        .because(&error)
    };
    let listener = TcpListener::bind(args.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let endpoint = format!("{}://{address}", if args.tls { "https" } else { "http" });
    let line = served(args, &endpoint, &world);
    if let (Some(folder), Some(certificate)) = (&args.az_config, &certificate) {
        let served = ServedWorld { port: address.port(), accounts: &accounts, certificate };
        az_config::write(folder, &served)?;
    }
    context.ui.data(&json::line(&line));
    let mut interrupts = crate::cli::interrupts::Interrupts::listen();
    let interrupted = async move { interrupts.next().await };
    serve_world(
        listener,
        Arc::new(Mutex::new(world)),
        clock,
        (ServePace::Server, service),
        interrupted,
    )
    .await
    .map_err(|error| CliError::new(Status::OutOfReach, "The simulator ended.").because(&error))?;
    Ok(Status::Done)
}

/// What is told of a world that is served.
fn served(args: &ServeArgs, endpoint: &str, world: &World) -> Value {
    let mut line = json!({
        "schema": "backroad.sim/1",
        "endpoint": endpoint,
        "speed": args.speed,
        "seed": world.seed(),
        "tenant": world.tenants().first(),
        "subscriptions": world.accounts().iter().map(|(id, _, _)| id).collect::<Vec<_>>(),
    });
    if args.identity_endpoint {
        line["identity_endpoint"] = format!("{endpoint}/msi/token").into();
    }
    line
}

/// The certificate of a server that is reached over https, written where it was asked for.
fn identity(args: &ServeArgs) -> Result<Option<Arc<ServerIdentity>>, CliError> {
    if !args.tls {
        return Ok(None);
    }
    let identity = ServerIdentity::new().map_err(|error| {
        CliError::new(Status::OutOfReach, "No certificate can be made for https.")
            .because(&error)
            .hint("Without `--tls` it is served over http, to this host alone.")
    })?;
    if let Some(path) = &args.tls_certificate {
        files::write_over(path, identity.certificate().as_bytes())?;
    }
    Ok(Some(Arc::new(identity)))
}
