//! How does the page run beside a run? In threads of its own, so that whoever watches takes nothing from whoever
//! drives; its address lies in the state directory, for `web invite`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;

use super::page::PageSource;
use crate::cli::clock::{HostEntropy, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::session::Interrupts;
use crate::engine::Clock;
use crate::model::limits::FILE_BYTES_MAX;
use crate::store::regular;
use crate::web::{PageBounds, PageIdentity, Web, WebSettings, WebSource, serve};

/// How the page is served.
#[derive(Debug, Clone, Args)]
pub struct ServePageArgs {
    /// Where to listen; beyond loopback only with a certificate.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Let people act on it, each by a link of their own (`web invite`); without it the page only shows.
    #[arg(long)]
    pub allow_actions: bool,
    /// The certificate and those above it (PEM): the page is then reached over https.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Another name under which the page is reached, as the certificate has it. May be repeated.
    #[arg(long, value_name = "HOST")]
    pub name: Vec<String>,
}

/// A page beside a run that this process drives.
#[derive(Debug, Clone, Default, Args)]
pub struct PageBesideArgs {
    /// Serve the page of this run on loopback, and of all others here; prints where it is.
    #[arg(long)]
    pub web: bool,
    /// Where that page listens; loopback only [default: a port that is free].
    #[arg(long, value_name = "ADDRESS", requires = "web")]
    pub web_listen: Option<SocketAddr>,
    /// Let people act on that page, each by a link of their own (`web invite`).
    #[arg(long, requires = "web")]
    pub allow_actions: bool,
}

/// The threads that answer for the page.
const THREADS: usize = 2;

/// How far the page's threads stand behind others of this host, as `nice` counts.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 10;

/// A thread of the page's gives way to whoever drives: where both want a core, the page gets what is left and a tenth.
fn yield_to_runs() {
    // There a thread has a priority of its own; elsewhere this would be said of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, BEHIND) {
        tracing::debug!(%error, "the page's threads have the priority of others");
    }
}

/// A page that is served.
#[derive(Debug)]
pub(super) struct RunningPage {
    url: String,
    file: PathBuf,
    ends: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A page beyond this host is served by TLS only.
fn open_to_all(listen: std::net::SocketAddr) -> CliError {
    let what = format!(
        "The page would listen on {listen} without TLS, where others could read along and act."
    );
    CliError::usage(what).hint(
        "Name a certificate with `--tls-cert FILE --tls-key FILE`, or stay on loopback and reach it \
         through `ssh -L`.",
    )
}

/// The page's own threads, behind those that drive runs.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("page")
        .on_thread_start(yield_to_runs)
        .enable_all()
        .build()
}

impl RunningPage {
    /// Serves the page from now on.
    ///
    /// # Errors
    /// It cannot be listened there, or the certificate cannot be used.
    pub(super) fn start(context: &Context, args: &ServePageArgs) -> Result<Self, CliError> {
        let identity = identity(args)?;
        let secure = identity.is_some();
        if !args.listen.ip().is_loopback() && !secure {
            return Err(open_to_all(args.listen));
        }
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let what = format!("The page cannot be served on {}.", args.listen);
            CliError::new(Status::OutOfReach, what)
                .because(error)
                .hint("Name another place with `--listen`; port 0 is any that is free.")
        };
        let listener = std::net::TcpListener::bind(args.listen).map_err(|error| failed(&error))?;
        listener.set_nonblocking(true).map_err(|error| failed(&error))?;
        let at = listener.local_addr().map_err(|error| failed(&error))?;
        let hosts = hosts(at, &args.name, secure)?;
        let scheme = if secure { "https" } else { "http" };
        let named = hosts.first().map_or_else(|| at.to_string(), Clone::clone);
        let url = format!("{scheme}://{named}/");
        let account = context.account.counted().0.to_owned();
        let actions = args.allow_actions;
        let settings = WebSettings { hosts, secure, actions, account, port: at.port() };
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new(NonZeroU32::MIN, None));
        let source = Arc::new(PageSource::new(context.clone()));
        let page_source = Arc::clone(&source) as Arc<dyn WebSource>;
        let invitations = context.state.invitations();
        let web = Web::new(page_source, invitations, settings, (clock, Arc::new(HostEntropy)));
        let runtime = runtime().map_err(|error| failed(&error))?;
        let (ends, ended) = oneshot::channel();
        let listing = source.list_elsewhere();
        let served = async move {
            let mut aside = JoinSet::new();
            aside.spawn(listing);
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            let over = async move { drop(ended.await) };
            serve(listener, web, identity, PageBounds::default(), over).await;
        };
        let thread = std::thread::Builder::new()
            .name("page".to_owned())
            .spawn(move || {
                yield_to_runs();
                runtime.block_on(served);
                // What is still worked out for somebody who is gone is not waited for.
                runtime.shutdown_background();
            })
            .map_err(|error| failed(&error))?;
        let file = address_file(context);
        let address = PageAddress { url: url.clone() };
        if let Err(error) = address.keep(context) {
            tracing::warn!(
                why = error.what,
                "the page's address is not kept; `web invite` takes it with --url"
            );
        }
        Ok(Self { url, file, ends: Some(ends), thread: Some(thread) })
    }

    /// The page beside a run that this process is about to drive; none where none is asked for.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(super) fn beside(
        context: &Context,
        args: &PageBesideArgs,
    ) -> Result<Option<Self>, CliError> {
        if !args.web {
            return Ok(None);
        }
        let listen = args.web_listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        if !listen.ip().is_loopback() {
            return Err(CliError::usage("The page beside a run listens on loopback only.").hint(
                "Serve it elsewhere with `backroad web --listen ADDRESS --tls-cert … --tls-key …`.",
            ));
        }
        let page = Self::start(
            context,
            &ServePageArgs {
                listen,
                allow_actions: args.allow_actions,
                tls_cert: None,
                tls_key: None,
                name: Vec::new(),
            },
        )?;
        context.ui.say(&format!("The page: {}", page.url()));
        Ok(Some(page))
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Goes on showing what became of the run until an interrupt, of which one may have come since the run ended; in the
    /// background the page ends with its run.
    pub(super) async fn stay(
        self,
        context: &Context,
        interrupted: bool,
        interrupts: &mut Interrupts,
    ) {
        if context.background.is_none() && !interrupted {
            let url = &self.url;
            context.ui.say(&format!("The page stays at {url} until this is interrupted (Ctrl-C)."));
            interrupts.next().await;
        }
        self.end();
    }

    /// Ends it.
    pub(super) fn end(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if let Some(ends) = self.ends.take() {
            // One that ended by itself hears nothing.
            let _heard = ends.send(()).is_ok();
            let own = PageAddress::read(&self.file).is_some_and(|there| there.url == self.url);
            if own {
                drop(std::fs::remove_file(&self.file));
            }
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for RunningPage {
    fn drop(&mut self) {
        self.close();
    }
}

fn identity(args: &ServePageArgs) -> Result<Option<PageIdentity>, CliError> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let chain = files::read("certificate", certificate, FILE_BYTES_MAX)?;
    let secret = files::read("key", key, FILE_BYTES_MAX)?;
    let identity = PageIdentity::of(&chain, &secret).map_err(|error| {
        CliError::usage(format!(
            "The certificate {} and the key {} cannot be used.",
            certificate.display(),
            key.display()
        ))
        .because(&error)
        .hint("Both are PEM: the certificate with those above it, and its own key.")
    })?;
    Ok(Some(identity))
}

/// What browsers may call the page; the first is the one that is printed.
fn hosts(at: SocketAddr, names: &[String], secure: bool) -> Result<Vec<String>, CliError> {
    let port = at.port();
    let usual = if secure { 443 } else { 80 };
    let mut hosts = Vec::new();
    let mut add = |host: &str| {
        // Browsers leave the usual port out.
        if port == usual {
            hosts.push(host.to_owned());
        }
        hosts.push(format!("{host}:{port}"));
    };
    for name in names {
        let name = name.trim().to_ascii_lowercase();
        let good = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !good {
            return Err(CliError::usage(format!("`{name}` is no name of a host."))
                .hint("Write it without scheme and port: `--name failover.contoso.example`."));
        }
        add(&name);
    }
    if at.ip().is_unspecified() {
        if names.is_empty() {
            return Err(CliError::usage(
                "The page would listen everywhere, and does not know what it is called.",
            )
            .hint("Say it with `--name HOST`, as the certificate has it."));
        }
        return Ok(hosts);
    }
    let ip = match at.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    };
    add(&ip);
    if at.ip().is_loopback() {
        add("localhost");
    }
    Ok(hosts)
}

/// Where the page of a state directory is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageAddress {
    url: String,
}

fn address_file(context: &Context) -> PathBuf {
    context.state.path().join("page.json")
}

impl PageAddress {
    /// The one that is served for this state directory.
    ///
    /// # Errors
    /// None is.
    pub(super) fn of(context: &Context) -> Result<Self, CliError> {
        Self::read(&address_file(context)).ok_or_else(|| {
            CliError::refused("No page is served for this state directory.").hint(
                "Serve it with `backroad web --allow-actions` first, or say where it will be with `--url URL`.",
            )
        })
    }

    /// One that was typed.
    ///
    /// # Errors
    /// It is no address of a page.
    pub(super) fn typed(text: &str) -> Result<Self, CliError> {
        let wrong = || {
            CliError::usage(format!("`{text}` is no address of a page."))
                .hint("It begins with https://, or on loopback with http://.")
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self { url: format!("{origin}/") })
    }

    fn read(file: &std::path::Path) -> Option<Self> {
        serde_json::from_slice(&regular::read(file, FILE_BYTES_MAX).ok()?).ok()
    }

    fn keep(&self, context: &Context) -> Result<(), CliError> {
        files::make_folder(context.state.path())?;
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        files::write_private(&address_file(context), &bytes).map_err(|error| {
            CliError::new(Status::OutOfReach, "The page's address cannot be kept.").because(&error)
        })
    }

    /// A link with a token in the part that browsers send nobody.
    pub(super) fn link(&self, token: &str) -> String {
        format!("{}enter#{token}", self.url)
    }
}
