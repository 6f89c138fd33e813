//! How much may a client of the simulator hold? What holds of any server's, and how long a request's body may take.
//!
//! Whoever can reach a loopback port can open connections and say nothing on them. The simulator goes on
//! answering others, and keeps its descriptors.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};

use super::cut::CuttableListener;
use super::tls::ServerIdentity;
use crate::serving::{self, ClientBounds};

pub(super) use crate::serving::within;

/// What the clients of the simulator may hold.
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

impl Bounds {
    fn of_clients(self) -> ClientBounds {
        ClientBounds {
            connections: self.connections,
            first: Some(self.first),
            head: self.head,
            head_bytes: HEAD_BYTES_MAX,
            life: self.life,
            last: self.last,
        }
    }
}

/// Serves until `shutdown` is done, then lets running requests end, within the bounds.
pub(super) async fn serve(
    listener: CuttableListener,
    identity: Option<Arc<ServerIdentity>>,
    router: Router,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) {
    let held = bounds.of_clients();
    serving::serve(listener, held, shutdown, |stream, _, ended| {
        let identity = identity.clone();
        let router = router.clone().layer(Extension(ConnectInfo(stream.switch())));
        async move {
            match identity {
                None => serving::answer(stream, router, held, ended).await,
                Some(identity) => {
                    let shaken = within(bounds.first, identity.shake(stream)).await;
                    if let Some(Ok(stream)) = shaken {
                        serving::answer(stream, router, held, ended).await;
                    }
                }
            }
        }
    })
    .await;
}
