//! How much may a client hold? Connections, the time for a head and the life of each, all bounded.
//!
//! Whoever can reach a loopback port can open connections and say nothing on them. The simulator goes on
//! answering others, and keeps its descriptors.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::cut::{CuttableListener, Switch};
use super::tls::ServerIdentity;

/// What the clients of a server may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at once; more wait outside, where they cost nothing.
    pub connections: usize,
    /// How long a new client may take over its handshake and the head of its first request.
    pub first: Duration,
    /// How long it may take over the head of each later one: idle ones end so too.
    pub head: Duration,
    /// How long a request's body may take.
    pub body: Duration,
    /// How long a connection is kept; what it asked last is still answered.
    pub life: Duration,
    /// How long the last answers may take, of a connection and when the server ends.
    pub last: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            // A failover's workers have 32, and there is room for those of some.
            connections: 256,
            first: Duration::from_secs(10),
            // Longer than HTTP clients keep an idle connection, so that the client ends it: one that the
            // server ends may swallow a request.
            head: Duration::from_secs(120),
            body: Duration::from_secs(30),
            life: Duration::from_secs(3_600),
            last: Duration::from_secs(10),
        }
    }
}

/// Bytes of a request's head: the longest URLs of Azure's are 3 kB.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Waits for something, but not longer than `most` of the host's time.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a socket may be held is a matter of the host's time, in a drill too"
)]
pub(super) async fn within<T>(most: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(most, what).await.ok()
}

/// Serves until `shutdown` is done, then lets running requests end, within the bounds.
pub(super) async fn serve(
    mut listener: CuttableListener,
    identity: Option<Arc<ServerIdentity>>,
    router: Router,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) {
    let (ending, ended) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            (stream, _) = listener.accept(), if open.len() < bounds.connections => {
                let (identity, ended) = (identity.clone(), ended.clone());
                let router = Caller { switch: stream.switch(), router: router.clone(), bounds };
                open.spawn(async move {
                    match identity {
                        None => router.serve(stream, ended).await,
                        Some(identity) => {
                            let shaken = within(bounds.first, identity.shake(stream)).await;
                            if let Some(Ok(stream)) = shaken {
                                router.serve(stream, ended).await;
                            }
                        }
                    }
                });
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    // Those that are not done by then are dropped with the set.
    let _all_done = within(bounds.last, async { while open.join_next().await.is_some() {} }).await;
}

/// Whoever has connected.
struct Caller {
    switch: Switch,
    router: Router,
    bounds: Bounds,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

impl Caller {
    /// One connection, to its end. What fails concerns only its client.
    async fn serve<I>(self, io: I, mut ended: watch::Receiver<bool>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = self.bounds;
        let asked = Arc::new(Notify::new());
        let first = Arc::clone(&asked);
        let router = self.router.layer(Extension(ConnectInfo(self.switch)));
        let router = TowerToHyperService::new(router);
        let answers = service_fn(move |request: Request<Incoming>| -> Answering {
            first.notify_one();
            Box::pin(router.call(request))
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(io), answers);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            said = within(bounds.first, asked.notified()) => {
                if said.is_none() {
                    return;
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
}
