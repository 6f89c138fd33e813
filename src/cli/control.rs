//! How does another process speak to a live run? A socket on loopback, opened by whoever drives it (D9).
//!
//! `socket.json` in the run's directory, readable by its owner only, holds the address and a random
//! token. The socket tells the events and takes commands; nothing else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::account;
use super::bounded::{Bounded, SocketPeer};
use super::error::{CliError, Status};
use super::files;
use super::settings::Environment;
use super::silence;
use super::watch::EventRecorder;
use crate::engine::{Clock, Command, Entropy, Handle, Recorded};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Seq, Timestamp};
use crate::outward;
use crate::store::regular;

/// How long another process waits for the one that drives: a command waits for a checkpoint at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long it waits for events, which are in the memory of whoever drives: one that hangs holds no look up for long.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// The header in which the time in the run stands.
const NOW: &str = "x-backroad-now";

/// The header in which it stands for how many seconds Azure has not answered the driver.
const SILENT: &str = "x-backroad-silent";

/// What the process that drives a run tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldEvents {
    /// Its events, from where they were asked for.
    pub events: Vec<Recorded>,
    /// The time in it.
    pub now: Timestamp,
    /// For how long Azure has not answered, where that has lasted.
    pub silent: Option<Duration>,
}

/// Bytes of one command: a step's name, who speaks, and a reason of a page.
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// Where a run's directory says where its socket is.
const SOCKET_FILE: &str = "socket.json";

/// The same, of a process of a version that had another name for it.
const ELDER_SOCKET_FILE: &str = "door.json";

/// What a run's directory says of its socket.
///
/// # Errors
/// There is none, or it cannot be read.
pub(super) fn read_socket(dir: &Path) -> std::io::Result<Vec<u8>> {
    let elder = |_| regular::read(&dir.join(ELDER_SOCKET_FILE), FILE_BYTES_MAX);
    regular::read(&dir.join(SOCKET_FILE), FILE_BYTES_MAX).or_else(elder)
}

/// Where the socket is.
#[derive(Serialize, Deserialize)]
struct Address {
    address: String,
    token: String,
}

/// An open socket; dropping it closes it.
#[derive(Debug)]
pub struct ControlSocket {
    file: PathBuf,
    _serving: JoinSet<()>,
}

#[derive(Clone)]
struct Behind {
    token: Arc<str>,
    recorder: Arc<EventRecorder>,
    clock: Arc<dyn Clock>,
    handle: Handle,
    at: SocketAddr,
}

impl ControlSocket {
    /// Opens a socket to a run that this process drives.
    ///
    /// # Errors
    /// Loopback cannot be listened on, or the file cannot be written.
    pub async fn open(
        dir: &Path,
        (recorder, clock): (Arc<EventRecorder>, Arc<dyn Clock>),
        handle: Handle,
        entropy: &dyn Entropy,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let token = blake3::Hash::from_bytes(two(entropy)).to_hex().to_string();
        outward::know(&token);
        let at = listener.local_addr()?;
        let address = Address { address: at.to_string(), token: token.clone() };
        let file = dir.join(SOCKET_FILE);
        // A new file has our rights, whatever an earlier process left.
        files::write_private(&file, &serde_json::to_vec(&address)?)
            .map_err(std::io::Error::other)?;
        let behind = Behind { token: token.into(), recorder, clock, handle, at };
        let router = Router::new()
            .route("/events", get(events))
            .route("/command", post(command))
            .layer(DefaultBodyLimit::max(COMMAND_BYTES_MAX))
            .with_state(behind)
            .into_make_service_with_connect_info::<SocketPeer>();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // A socket that fails leaves the run as it is; others then hear that it is held.
            drop(axum::serve(Bounded::new(listener), router).await);
        });
        Ok(Self { file, _serving: serving })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // What stays behind is found closed by whoever knocks.
        drop(std::fs::remove_file(&self.file));
    }
}

fn two(entropy: &dyn Entropy) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&entropy.bytes());
    bytes[16..].copy_from_slice(&entropy.bytes());
    bytes
}

impl Behind {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        // Hashes compare in constant time.
        blake3::hash(given.as_bytes()) == blake3::hash(self.token.as_bytes())
    }
}

/// From where on events are wanted.
#[derive(Debug, Deserialize)]
struct After {
    /// The place of the last that is known; all of them when absent.
    #[serde(default)]
    after: u64,
}

async fn events(
    State(behind): State<Behind>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> (StatusCode, [(&'static str, String); 2], String) {
    let silent = silence::lasting().unwrap_or_default().as_secs();
    // The time in the run is its driver's to say: a drill's is its own.
    let now = [(NOW, behind.clock.now().to_string()), (SILENT, silent.to_string())];
    if !behind.lets_in(&headers) {
        return (StatusCode::UNAUTHORIZED, now, String::new());
    }
    match serde_json::to_string(&behind.recorder.after(Seq(after))) {
        Ok(text) => (StatusCode::OK, now, outward::redacted(&text).into_owned()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, now, error.to_string()),
    }
}

async fn command(
    State(behind): State<Behind>,
    ConnectInfo(SocketPeer(peer)): ConnectInfo<SocketPeer>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    if !behind.lets_in(&headers) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let mut command: Command = match serde_json::from_slice(&body) {
        Ok(command) => command,
        Err(error) => {
            let why = outward::redacted(&error.to_string()).into_owned();
            return (StatusCode::BAD_REQUEST, why);
        }
    };
    let by = command.by();
    let own = account::own(&Environment::default());
    let said = by.account.take().map(|account| *account);
    by.account = Some(Box::new(account::of_neighbour((peer, behind.at), said, &own)));
    match behind.handle.command(command).await {
        Ok(()) => (StatusCode::OK, String::new()),
        Err(why) => (StatusCode::CONFLICT, outward::redacted(&why.to_string()).into_owned()),
    }
}

/// What speaks to sockets: made once by whoever speaks to them again and again, since it is dear to make.
#[derive(Debug, Clone)]
pub struct SocketClient {
    client: reqwest::Client,
}

impl SocketClient {
    /// One that keeps no connection: a socket ends each after a while, and might in the middle of a question.
    ///
    /// # Errors
    /// This host cannot have one.
    pub fn new() -> Result<Self, CliError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| closed(&error))?;
        Ok(Self { client })
    }

    /// The socket of the run in that directory.
    ///
    /// # Errors
    /// The process that holds the run has no socket: it is about to open or close it.
    pub fn at(&self, dir: &Path) -> Result<RunSocket, CliError> {
        let bytes = read_socket(dir).map_err(|e| closed(&e))?;
        let address: Address = serde_json::from_slice(&bytes).map_err(|e| closed(&e))?;
        outward::know(&address.token);
        Ok(RunSocket { address, client: self.client.clone() })
    }
}

fn closed(error: &(dyn std::error::Error + 'static)) -> CliError {
    CliError::new(Status::Refused, "Another process holds the run and does not answer.")
        .because(error)
        .hint("It may be starting or ending; try again in a moment.")
}

/// Another process's socket, seen from outside.
pub struct RunSocket {
    address: Address,
    client: reqwest::Client,
}

impl std::fmt::Debug for RunSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunSocket").field("address", &self.address.address).finish_non_exhaustive()
    }
}

impl RunSocket {
    /// The socket of the run in that directory.
    ///
    /// # Errors
    /// The process that holds the run has no socket: it is about to open or close it.
    pub fn at(dir: &Path) -> Result<Self, CliError> {
        SocketClient::new()?.at(dir)
    }

    async fn ask(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(u16, HeaderMap, String), CliError> {
        let gone = |error: &(dyn std::error::Error + 'static)| {
            CliError::new(Status::Refused, "The process that holds the run does not answer.")
                .because(error)
                .hint("It may just have ended; try again in a moment.")
        };
        let answer = request.bearer_auth(&self.address.token).send().await.map_err(|e| gone(&e))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        Ok((status, headers, answer.text().await.map_err(|e| gone(&e))?))
    }

    /// The run's events after one, and the time in it.
    ///
    /// # Errors
    /// Nobody answers, or something else than a socket does.
    pub async fn events_after(&self, last: Seq) -> Result<ToldEvents, CliError> {
        let url = format!("http://{}/events?after={}", self.address.address, last.0);
        let (status, headers, text) = self.ask(self.client.get(url).timeout(LOOK_WITHIN)).await?;
        if status != 200 {
            return Err(strange(status));
        }
        let events: Vec<Recorded> = serde_json::from_str(&text).map_err(|error| {
            CliError::new(Status::OutOfReach, "The run's events cannot be read.")
                .because(&error)
                .hint("Use the version of backroad that drives the run.")
        })?;
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let now = said(NOW).and_then(|text| Timestamp::parse(text).ok());
        let last = events.last().map(|last| last.at);
        let now = now.or(last).unwrap_or(Timestamp::from_millis(0));
        let silent = said(SILENT).and_then(|text| text.parse().ok()).filter(|silent| *silent > 0);
        Ok(ToldEvents { events, now, silent: silent.map(Duration::from_secs) })
    }

    /// Says a command; the inner error is the reason why it was refused.
    ///
    /// # Errors
    /// Nobody answers, or something else than a socket does.
    pub async fn command(&self, command: &Command) -> Result<Result<(), String>, CliError> {
        let url = format!("http://{}/command", self.address.address);
        let body = serde_json::to_string(command).map_err(|error| {
            CliError::new(Status::Bug, "The command cannot be written.").because(&error)
        })?;
        let (status, _, text) = self.ask(self.client.post(url).body(body)).await?;
        match status {
            200 => Ok(Ok(())),
            409 => Ok(Err(text)),
            _ => Err(strange(status)),
        }
    }
}

fn strange(status: u16) -> CliError {
    CliError::refused(format!("The process at the run's socket answered with {status}."))
        .hint("Its socket file may be an old one; try again in a moment.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::clock::{HostEntropy, RealClock};
    use crate::engine::handle;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(RealClock::new(std::num::NonZeroU32::MIN, None))
    }

    #[tokio::test]
    async fn the_socket_answers_to_its_token_only_and_leaves_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (handle, requests) = handle::channel();
        let recorder = Arc::new(EventRecorder::default());
        let socket = ControlSocket::open(folder.path(), (recorder, clock()), handle, &HostEntropy)
            .await
            .unwrap();
        let mut run = RunSocket::at(folder.path()).unwrap();
        assert_eq!(run.events_after(Seq(0)).await.unwrap().events, Vec::new());
        // Nobody drives: the command is refused with a reason, not lost.
        drop(requests);
        let command = Command::Cancel { by: "me".into(), reason: None };
        assert!(run.command(&command).await.unwrap().is_err());
        run.address.token = "wrong".to_owned();
        assert!(run.events_after(Seq(0)).await.is_err());
        drop(socket);
        assert!(RunSocket::at(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_token_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (handle, _requests) = handle::channel();
        let _socket =
            ControlSocket::open(folder.path(), (Arc::default(), clock()), handle, &HostEntropy)
                .await
                .unwrap();
        let mode = std::fs::metadata(folder.path().join(SOCKET_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
