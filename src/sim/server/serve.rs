//! Who answers a request, and when? The router, the world behind it and the pace of its answers.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::admin;
use super::bounded::{self, Bounds, within};
use super::cut::{CuttableListener, Switch};
use super::exchange::{error, has_token, http_response, origin, wire_request};
use super::ledger::Ledger;
use super::login;
use super::tls::ServerIdentity;
use crate::azure::wire::{WireFault, WireRequest, WireResponse};
use crate::engine::Clock;
use crate::model::Timestamp;
use crate::model::limits::BODY_BYTES_MAX;

/// What stands behind the server: the simulated Azure.
pub trait Answers: Send + 'static {
    /// Answers a request, or loses it, and says how late.
    fn answer(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, Duration);

    /// The world as it is now, in the form in which two worlds are compared.
    fn snapshot(&mut self, now: Timestamp) -> Value;

    /// Adds a fault, as a world file writes one.
    ///
    /// # Errors
    /// It is no fault; the sentence says why.
    fn add_fault(&mut self, fault: Value, now: Timestamp) -> Result<(), String>;

    /// The world as a world file, from which it can be begun again; nothing where there is none.
    fn world_file(&mut self, _now: Timestamp) -> Value {
        Value::Null
    }

    /// The faults that are still to strike.
    fn faults(&self) -> Value {
        Value::Array(Vec::new())
    }

    /// Takes every fault away.
    fn clear_faults(&mut self) {}

    /// The tenants that it knows; the first is that of tokens that name none.
    fn tenants(&self) -> Vec<String> {
        Vec::new()
    }

    /// What each site reaches, and over which circuit.
    fn network(&mut self, _now: Timestamp) -> Value {
        Value::Array(Vec::new())
    }
}

/// Who waits out the time that an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServePace {
    /// The server, on its clock, before it answers. For clients that live in real time.
    Server,
    /// The caller: the answer comes at once and says in [`LATENCY_HEADER`] how late it should have
    /// been.
    ///
    /// For a client in the same virtual time. While it waits for the socket it still counts as busy,
    /// so virtual time stands; were the handler to sleep on that clock, neither would ever wake. The
    /// client lets the time pass itself once it has the answer. A lost answer takes no time, as it
    /// brings no header.
    Caller,
}

/// In [`ServePace::Caller`]: how late the answer should have been, in whole milliseconds.
pub const LATENCY_HEADER: &str = "x-sim-latency-ms";

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener does not say where it listens, or failed.
    #[error("the simulator cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// How a world is served.
#[derive(Clone, Default)]
pub struct Service {
    /// Over https, with this certificate; http without one.
    pub identity: Option<Arc<ServerIdentity>>,
    /// Moves the clock on, where it can be.
    pub advance: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
    /// What its clients may hold.
    pub bounds: Bounds,
    /// Whether the token endpoints of managed identities are open.
    pub with_identity: bool,
    /// How much faster the world's clock goes than its clients': what they are told to wait is as much shorter.
    /// Nothing is said to clients that keep the world's time.
    pub client_speed: Option<NonZeroU32>,
    /// What time it is to its clients, for their tokens; the world's where nothing is said.
    pub host: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("identity", &self.identity).finish_non_exhaustive()
    }
}

pub(super) struct Served<W> {
    pub(super) world: Arc<Mutex<W>>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) service: Service,
    pace: ServePace,
    /// Where we listen, for clients that name no host.
    pub(super) address: Arc<str>,
}

impl<W> Clone for Served<W> {
    fn clone(&self) -> Self {
        Self {
            world: Arc::clone(&self.world),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            service: self.service.clone(),
            pace: self.pace,
            address: Arc::clone(&self.address),
        }
    }
}

impl<W> fmt::Debug for Served<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("address", &self.address)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// Serves the world until `shutdown` is done, then lets running requests end.
///
/// Any path and method reaches the world, with a bearer token of any value; without one the answer
/// is 401. A fault closes the connection without an answer. Operation URLs point at the host that
/// the client named, so that SDKs can poll them.
///
/// # Errors
/// The listener failed.
pub async fn serve<W: Answers>(
    listener: TcpListener,
    world: Arc<Mutex<W>>,
    clock: Arc<dyn Clock>,
    (pace, service): (ServePace, Service),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (identity, bounds) = (service.identity.clone(), service.bounds);
    let endpoints = login::routes::<W>(service.with_identity);
    let served = Served {
        world,
        ledger: Arc::default(),
        clock,
        pace,
        service,
        address: listener.local_addr()?.to_string().into(),
    };
    let router = admin::routes::<W>().merge(endpoints).fallback(answer::<W>).with_state(served);
    bounded::serve(CuttableListener(listener), identity, router, bounds, shutdown).await;
    Ok(())
}

/// A handler that panicked leaves the world as it was before or after one request: usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer<W: Answers>(
    State(served): State<Served<W>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(read) = within(served.service.bounds.body, to_bytes(body, BODY_BYTES_MAX)).await
    else {
        return error(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeout",
            "The request's content did not come in time.",
        );
    };
    let Ok(body) = read else {
        return error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestContentTooLarge",
            "The request content size exceeds the maximum size of 8 MB.",
        );
    };
    let scheme = if served.service.identity.is_some() { "https" } else { "http" };
    let origin = origin(&parts, scheme, &served.address);
    let request = match wire_request(&parts, &origin, body) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let (answered, latency) = served.ask(&request, parts.uri.path());
    if served.pace == ServePace::Server && !latency.is_zero() {
        let clock = &served.clock;
        let _busy = clock.enter();
        clock.sleep_until(clock.now() + latency).await;
    }
    let Ok(answer) = answered else {
        switch.cut();
        return Response::new(Body::empty());
    };
    let mut response = http_response(answer, &origin);
    if let Some(speed) = served.service.client_speed {
        shorten_wait(&mut response, speed);
    }
    if served.pace == ServePace::Caller {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        response.headers_mut().insert(LATENCY_HEADER, HeaderValue::from(millis));
    }
    response
}

impl<W> Served<W> {
    /// What time it is to the clients.
    pub(super) fn host_now(&self) -> Timestamp {
        self.service.host.as_ref().unwrap_or(&self.clock).now()
    }
}

impl<W: Answers> Served<W> {
    /// Asks the world and writes the request down, in one turn: the ledger's order is the world's.
    fn ask(
        &self,
        request: &WireRequest,
        path: &str,
    ) -> (Result<WireResponse, WireFault>, Duration) {
        let mut world = lock(&self.world);
        let now = self.clock.now();
        let (answer, latency) = if has_token(&request.headers) {
            world.answer(request, now)
        } else {
            (Ok(unauthorized()), Duration::ZERO)
        };
        let status = answer.as_ref().ok().map(|answer| answer.status);
        lock(&self.ledger).record(request, path, now, status);
        (answer, latency)
    }
}

/// Turns a wait of the world's time into the client's, in whole seconds, since less is no wait to many.
fn shorten_wait(response: &mut Response<Body>, speed: NonZeroU32) {
    let told = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    if let Some(seconds) = told.and_then(|text| text.parse::<u32>().ok()) {
        let own = seconds.div_ceil(speed.get()).max(1);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(own));
    }
}

/// What ARM's front end says to a request without a token (azure-facts 3.5).
fn unauthorized() -> WireResponse {
    let body = json!({"error": {
        "code": "InvalidAuthenticationToken",
        "message": "The 'Authorization' header is missing or holds no bearer token.",
    }});
    WireResponse {
        status: 401,
        headers: crate::azure::wire::Headers::new()
            .with("Content-Type", "application/json; charset=utf-8")
            .with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
            .with("x-ms-failure-cause", "gateway"),
        body: body.to_string().into(),
    }
}
