//! How much may whoever speaks to the socket take? So many connections, and so long for each.
//!
//! Whoever connects and says nothing, or says it byte by byte, must not keep others out, nor use up the
//! descriptors that the run itself needs.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Connections at once: a few people and a page or two, each with a handful.
const CONNECTIONS_MAX: usize = 64;

/// How long one connection may last: a command waits half a minute for a checkpoint at most.
const CONNECTION_MAX: Duration = Duration::from_secs(60);

/// A listener with bounds.
#[derive(Debug)]
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    longest: Duration,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with(listener, CONNECTIONS_MAX, CONNECTION_MAX)
    }

    fn with(listener: TcpListener, most: usize, longest: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(most)), longest }
    }
}

impl Listener for Bounded {
    type Io = Guest;
    type Addr = SocketAddr;

    #[expect(clippy::disallowed_methods, reason = "a socket's time is the host's, in a drill too")]
    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let until = Box::pin(tokio::time::sleep_until(Instant::now() + self.longest));
                    return (Guest { stream, until, _place: place }, address);
                }
                // No descriptor to be had, or a peer that went away: others may come later.
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Who connects.
#[derive(Debug, Clone, Copy)]
pub(super) struct SocketPeer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for SocketPeer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A connection that ends when its time is up, whatever is still on its way.
#[derive(Debug)]
pub(super) struct Guest {
    stream: TcpStream,
    until: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn over(&mut self, context: &mut Context<'_>) -> Option<io::Error> {
        let over = self.until.as_mut().poll(context).is_ready();
        over.then(|| io::Error::new(io::ErrorKind::TimedOut, "the connection's time is up"))
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.over(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.over(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A socket with room for two, each for a moment, in front of something that answers.
    async fn socket() -> (SocketAddr, tokio::task::JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounded = Bounded::with(listener, 2, Duration::from_millis(300));
        let router = axum::Router::new().fallback(|| std::future::ready("here"));
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { drop(axum::serve(bounded, router).await) });
        (address, serving)
    }

    #[tokio::test]
    async fn whoever_connects_and_says_nothing_keeps_nobody_out_for_long() {
        let (address, _serving) = socket().await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        // Behind twenty that say nothing: their time is up, two by two.
        let mut asks = TcpStream::connect(address).await.unwrap();
        asks.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut told = String::new();
        asks.read_to_string(&mut told).await.unwrap();
        assert!(told.ends_with("here"), "{told}");
        drop(silent);
    }
}
