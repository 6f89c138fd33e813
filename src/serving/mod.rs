//! How much may a client hold of a server? Connections, the time for a head and the life of each, all bounded.
//!
//! Whoever can reach a port can open connections and say nothing on them. A server goes on answering others, and keeps
//! its descriptors. Comes in: a listener, what to do with each connection, and when to end. Knows nothing of ours.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// What the clients of a server may hold.
#[derive(Debug, Clone, Copy)]
pub struct ClientBounds {
    /// Connections at once; more wait outside, where they cost nothing.
    pub connections: usize,
    /// How long the head of a first request may take; as any other's when absent.
    pub first: Option<Duration>,
    /// How long the head of a request may take; idle connections end so too.
    pub head: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// How long a connection is kept; what it asked last is still answered.
    pub life: Duration,
    /// How long the last answers may take, of a connection and when the server ends.
    pub last: Duration,
}

/// Whether the server is about to end: its connections then answer what they were asked, and nothing else.
#[derive(Debug, Clone)]
pub struct EndOfServing(watch::Receiver<bool>);

/// Waits for something, but not longer than `most` of the host's time.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a socket may be held is a matter of the host's time, in a drill too"
)]
pub async fn within<T>(most: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(most, what).await.ok()
}

/// Serves until `shutdown` is done, then lets running requests end, within the bounds. Each connection is handed to
/// `welcome`.
pub async fn serve<L, W, F>(
    mut listener: L,
    bounds: ClientBounds,
    shutdown: impl Future<Output = ()>,
    welcome: W,
) where
    L: Listener,
    W: Fn(L::Io, L::Addr, EndOfServing) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (ending, ended) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            // Where no descriptor is to be had the listener waits a moment: others may come later.
            (stream, peer) = listener.accept(), if open.len() < bounds.connections => {
                open.spawn(welcome(stream, peer, EndOfServing(ended.clone())));
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    // Those that are not done by then are dropped with the set: a stream of changes never is.
    let _all_done = within(bounds.last, async { while open.join_next().await.is_some() {} }).await;
}

type ServedAnswer =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

/// Answers one connection, to its end. What fails concerns only its client.
pub async fn answer<I>(io: I, router: Router, bounds: ClientBounds, ended: EndOfServing)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let EndOfServing(mut ended) = ended;
    let asked = Arc::new(Notify::new());
    let first = Arc::clone(&asked);
    let router = TowerToHyperService::new(router);
    let answers = service_fn(move |request: Request<Incoming>| -> ServedAnswer {
        first.notify_one();
        Box::pin(router.call(request))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(bounds.head_bytes)
        .serve_connection(TokioIo::new(io), answers);
    let mut serving = pin!(serving);
    if let Some(first) = bounds.first {
        tokio::select! {
            _ = serving.as_mut() => return,
            said = within(first, asked.notified()) => {
                if said.is_none() {
                    return;
                }
            }
        }
    }
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = within(bounds.life, async { ended.wait_for(|ended| *ended).await.is_ok() }) => {}
    }
    serving.as_mut().graceful_shutdown();
    drop(within(bounds.last, serving).await);
}
