//! How is the page put behind a socket? Bounded in connections, in time and in what lies unread.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Web;
use super::socket::PatientSocket;
use super::trust::{PageIdentity, PagePeer};

/// What those who watch may hold.
#[derive(Debug, Clone, Copy)]
pub struct PageBounds {
    /// Connections at once; more wait outside, where they cost nothing.
    pub connections: usize,
    /// How long a handshake may take.
    pub first: Duration,
    /// How long the head of a request may take; idle connections end so too.
    pub head: Duration,
    /// How long a connection is kept, a stream of changes too: a page opens another.
    pub life: Duration,
    /// How long bytes may lie that nobody takes.
    pub unread: Duration,
    /// How long the last answers may take when the page ends.
    pub last: Duration,
}

impl Default for PageBounds {
    fn default() -> Self {
        Self {
            // A browser holds six at most, and a page two for most of the time.
            connections: 256,
            first: Duration::from_secs(10),
            head: Duration::from_secs(60),
            life: Duration::from_secs(3_600),
            unread: Duration::from_secs(20),
            last: Duration::from_secs(1),
        }
    }
}

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Waits for something, but not longer than `most` of the host's time.
#[expect(clippy::disallowed_methods, reason = "a socket's time is the host's, in a drill too")]
async fn within<T>(most: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(most, what).await.ok()
}

/// Serves the page until `shutdown` is done.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    identity: Option<PageIdentity>,
    bounds: PageBounds,
    shutdown: impl Future<Output = ()>,
) {
    let (ending, ended) = watch::channel(false);
    let router = web.router();
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept(), if open.len() < bounds.connections => {
                let Ok((stream, peer)) = accepted else {
                    // No descriptor to be had, or a peer that went away: others may come later.
                    let pause = std::future::pending::<()>();
                    let _waited = within(Duration::from_millis(200), pause).await;
                    continue;
                };
                let ours = stream.local_addr().ok();
                let watcher = PageWatcher {
                    web: web.clone(),
                    router: router.clone(),
                    ends: (peer, ours),
                    bounds,
                };
                let (identity, ended) = (identity.clone(), ended.clone());
                let stream = PatientSocket::new(stream, bounds.unread);
                open.spawn(async move {
                    match identity {
                        None => watcher.serve(stream, ended).await,
                        Some(PageIdentity(acceptor)) => {
                            let shaken = within(bounds.first, acceptor.accept(stream)).await;
                            if let Some(Ok(stream)) = shaken {
                                watcher.serve(stream, ended).await;
                            }
                        }
                    }
                });
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    // Those that are not done by then are dropped with the set: a stream of changes never is.
    let _all_done = within(bounds.last, async { while open.join_next().await.is_some() {} }).await;
}

/// Whoever has connected.
struct PageWatcher {
    web: Web,
    router: Router,
    ends: (SocketAddr, Option<SocketAddr>),
    bounds: PageBounds,
}

type PageAnswering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

impl PageWatcher {
    /// One connection, to its end. What fails concerns only its client.
    async fn serve<I>(self, io: I, mut ended: watch::Receiver<bool>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = self.bounds;
        let peer = self.peer().await;
        let router = TowerToHyperService::new(self.router.layer(Extension(peer)));
        let answers = service_fn(move |request: Request<Incoming>| -> PageAnswering {
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
            _ = within(bounds.life, async { ended.wait_for(|ended| *ended).await.is_ok() }) => {}
        }
        serving.as_mut().graceful_shutdown();
        drop(within(bounds.last, serving).await);
    }

    /// Who is at the other end: on this host, and of our account, by the kernel's word.
    async fn peer(&self) -> PagePeer {
        let (peer, Some(ours)) = self.ends else { return PagePeer { reads: false } };
        if !peer.ip().is_loopback() || !ours.ip().is_loopback() {
            return PagePeer { reads: false };
        }
        let source = Arc::clone(&self.web.parts().source);
        let asked = tokio::task::spawn_blocking(move || source.is_own(peer, ours)).await;
        // Where the system does not say whose a connection is, loopback is all there is to go by.
        PagePeer { reads: asked.ok().flatten().unwrap_or(true) }
    }
}
