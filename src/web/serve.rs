//! How is the page put behind a socket? Bounded in connections, in time and in what lies unread.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use tokio::net::TcpListener;

use super::Web;
use super::socket::PatientSocket;
use super::trust::{PageIdentity, PagePeer};
use crate::serving::{self, ClientBounds, within};

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

impl PageBounds {
    fn of_clients(self) -> ClientBounds {
        ClientBounds {
            connections: self.connections,
            first: None,
            head: self.head,
            head_bytes: HEAD_BYTES_MAX,
            life: self.life,
            last: self.last,
        }
    }
}

/// Serves the page until `shutdown` is done.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    identity: Option<PageIdentity>,
    bounds: PageBounds,
    shutdown: impl Future<Output = ()>,
) {
    let held = bounds.of_clients();
    let router = web.router();
    serving::serve(listener, held, shutdown, |stream: tokio::net::TcpStream, peer, ended| {
        let ours = stream.local_addr().ok();
        let (web, router, identity) = (web.clone(), router.clone(), identity.clone());
        let stream = PatientSocket::new(stream, bounds.unread);
        async move {
            let Some(PageIdentity(acceptor)) = identity else {
                let router = router.layer(Extension(at_the_other_end(&web, (peer, ours)).await));
                return serving::answer(stream, router, held, ended).await;
            };
            let shaken = within(bounds.first, acceptor.accept(stream)).await;
            if let Some(Ok(stream)) = shaken {
                let router = router.layer(Extension(at_the_other_end(&web, (peer, ours)).await));
                serving::answer(stream, router, held, ended).await;
            }
        }
    })
    .await;
}

/// Who is at the other end: on this host, and of our account, by the kernel's word.
async fn at_the_other_end(web: &Web, ends: (SocketAddr, Option<SocketAddr>)) -> PagePeer {
    let (peer, Some(ours)) = ends else { return PagePeer { reads: false } };
    if !peer.ip().is_loopback() || !ours.ip().is_loopback() {
        return PagePeer { reads: false };
    }
    let source = Arc::clone(&web.parts().source);
    let asked = tokio::task::spawn_blocking(move || source.is_own(peer, ours)).await;
    // Where the system does not say whose a connection is, loopback is all there is to go by.
    PagePeer { reads: asked.ok().flatten().unwrap_or(true) }
}
