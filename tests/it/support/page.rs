//! A page over runs in memory: what it is asked and told goes by no socket, and no time but its own passes.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use backroad::cli::clock::{HostEntropy, RealClock};
use backroad::engine::{BootTime, Busy, Clock, Command, Recorded, RunState};
use backroad::model::{Account, Person, Plan, RunId, Seq, Timestamp};
use backroad::render::board::KeptEstate;
use backroad::render::machine::RunMeasures;
use backroad::render::machine::measures::measures;
use backroad::render::ready::ReadyTrend;
use backroad::render::run_view_at;
use backroad::render::view::Driven;
use backroad::store::{Invitations, Invited, RunProgress, StateDir};
use backroad::web::{
    FreshEvents, PagePeer, RunBeside, RunOfList, RunsListed, Web, WebProblem, WebSettings,
    WebSource,
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

/// The name under which the page is known.
pub(crate) const HOST: &str = "127.0.0.1:4711";

/// Runs in memory, and what was told to them.
pub(crate) struct MemoryRuns {
    pub(crate) run: RunId,
    pub(crate) events: Vec<Recorded>,
    pub(crate) driven: Driven,
    pub(crate) told: Mutex<Vec<Command>>,
    pub(crate) estate: Option<KeptEstate>,
    pub(crate) readiness: Vec<ReadyTrend>,
    /// How often measures were asked for.
    pub(crate) measured: AtomicUsize,
    /// How many of the events have happened; all when it is more.
    pub(crate) happened: AtomicUsize,
    /// How often somebody looked at the run.
    pub(crate) looks: AtomicUsize,
    /// What a look takes, by a clock that goes by itself alone.
    pub(crate) takes: Option<(Arc<HandClock>, Duration)>,
}

/// A clock that somebody moves by hand.
#[derive(Debug)]
pub(crate) struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub(crate) fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    pub(crate) fn pass(&self, time: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = *now + time;
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn boot(&self) -> BootTime {
        RealClock::new(NonZeroU32::MIN, None).boot()
    }

    fn enter(&self) -> Busy {
        Busy::idle()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = (*now).max(at);
    }
}

#[async_trait]
impl WebSource for MemoryRuns {
    async fn listed(&self, from: usize, count: usize) -> Result<RunsListed, WebProblem> {
        let listed = |progress| RunOfList { progress, line: None };
        let all = self.progress(&self.run).into_iter().map(listed);
        let driven = usize::from(self.driven == Driven::ByAProcess);
        Ok(RunsListed { total: 1, driven, runs: all.skip(from).take(count).collect() })
    }

    fn progress(&self, run: &RunId) -> Option<RunProgress> {
        (*run == self.run).then(|| RunProgress {
            run: run.clone(),
            head: self.events.last().map(|last| last.seq),
            driven: self.driven == Driven::ByAProcess,
        })
    }

    async fn fresh(&self, _: &RunId, after: Seq) -> Result<FreshEvents, WebProblem> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        if let Some((clock, takes)) = &self.takes {
            clock.pass(*takes);
        }
        let happened = self.happened.load(Ordering::SeqCst).min(self.events.len());
        let happened = &self.events[..happened];
        let events = happened.iter().filter(|one| one.seq > after).cloned().collect();
        let now = happened.last().unwrap().at;
        Ok(FreshEvents { events, driven: self.driven, now, stale: None })
    }

    fn beside(&self, _: &RunId) -> RunBeside {
        RunBeside::default()
    }

    fn estate(&self, _: &RunId) -> Option<KeptEstate> {
        self.estate.clone()
    }

    async fn report(&self, _: &RunId) -> Result<String, WebProblem> {
        Ok("<!doctype html><title>Report</title>".to_owned())
    }

    async fn document(&self, _: &RunId, _: &Plan) -> Result<String, WebProblem> {
        Ok("<!doctype html><title>Procedure</title>".to_owned())
    }

    fn readiness(&self) -> Result<Vec<ReadyTrend>, WebProblem> {
        Ok(self.readiness.clone())
    }

    async fn measures(&self) -> Result<Vec<RunMeasures>, WebProblem> {
        self.measured.fetch_add(1, Ordering::SeqCst);
        let state = RunState::fold(&self.events).unwrap();
        let now = self.events.last().unwrap().at;
        let view = run_view_at(&state, &self.events, self.driven, now).unwrap();
        Ok(measures(&state, &self.events, &view).into_iter().collect())
    }

    async fn tell(&self, _: &RunId, command: Command) -> Result<(), WebProblem> {
        self.told.lock().unwrap().push(command);
        Ok(())
    }

    fn is_own(&self, _: SocketAddr, _: SocketAddr) -> Option<bool> {
        None
    }

    fn person(&self, name: &str, _: Option<&str>) -> Person {
        let account = Account {
            name: "ops".to_owned(),
            uid: Some(900),
            host: "jump".to_owned(),
            login: None,
            sudo_user: None,
            said: false,
            invited: true,
        };
        Person { name: name.to_owned(), account: Some(Box::new(account)) }
    }
}

/// A page that is asked in this process.
pub(crate) struct PageBench {
    pub(crate) web: Web,
    pub(crate) runs: Arc<MemoryRuns>,
    invitations: Invitations,
    _folder: tempfile::TempDir,
}

/// An answer, taken in whole.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl PageBench {
    pub(crate) fn of(run: RunId, events: Vec<Recorded>, driven: Driven) -> Self {
        Self::with(run, events, driven, |_| {})
    }

    pub(crate) fn with(
        run: RunId,
        events: Vec<Recorded>,
        driven: Driven,
        change: impl FnOnce(&mut WebSettings),
    ) -> Self {
        Self::with_more((run, events, driven), change, |_| {})
    }

    /// The same, with more beside the run.
    pub(crate) fn with_more(
        (run, events, driven): (RunId, Vec<Recorded>, Driven),
        change: impl FnOnce(&mut WebSettings),
        more: impl FnOnce(&mut MemoryRuns),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let invitations = StateDir::new(folder.path()).invitations();
        let mut settings = WebSettings {
            hosts: vec![HOST.to_owned()],
            secure: false,
            actions: true,
            account: "ops".to_owned(),
            port: 4711,
        };
        change(&mut settings);
        let mut runs = MemoryRuns {
            run,
            events,
            driven,
            told: Mutex::default(),
            estate: None,
            readiness: Vec::new(),
            measured: AtomicUsize::new(0),
            happened: AtomicUsize::new(usize::MAX),
            looks: AtomicUsize::new(0),
            takes: None,
        };
        more(&mut runs);
        let runs = Arc::new(runs);
        let clock: Arc<dyn Clock> = match &runs.takes {
            Some((clock, _)) => Arc::clone(clock) as Arc<dyn Clock>,
            None => Arc::new(RealClock::new(NonZeroU32::MIN, None)),
        };
        let source = Arc::clone(&runs) as Arc<dyn WebSource>;
        let web = Web::new(source, invitations.clone(), settings, (clock, Arc::new(HostEntropy)));
        Self { web, runs, invitations, _folder: folder }
    }

    /// A path of the run.
    pub(crate) fn path(&self, part: &str) -> String {
        format!("/runs/{}{part}", self.runs.run)
    }

    /// Asks as whoever sits on this host and is of its account.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answered {
        self.ask_as(request, PagePeer { reads: true }).await
    }

    pub(crate) async fn ask_as(&self, request: Request<Body>, peer: PagePeer) -> Answered {
        let response = self.open(request, peer).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answered { status: parts.status, headers: parts.headers, text }
    }

    /// An answer whose body is still to come: a stream of changes has no end.
    pub(crate) async fn open(&self, mut request: Request<Body>, peer: PagePeer) -> Response<Body> {
        request.extensions_mut().insert(peer);
        TowerToHyperService::new(self.web.router()).call(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask(get(path).body(Body::empty()).unwrap()).await
    }

    /// Somebody who came by a link: their cookie.
    pub(crate) async fn enter(&self, name: &str, role: Option<&str>) -> String {
        let token = self.invite(name, role);
        let entered = self.ask(post("/enter", &serde_json::json!({ "token": token }), "")).await;
        assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
        let cookie = entered.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The secret of a link.
    pub(crate) fn invite(&self, name: &str, role: Option<&str>) -> String {
        let at = RealClock::new(NonZeroU32::MIN, None).now();
        let token = blake3::hash(format!("{name}{role:?}{at}").as_bytes()).to_hex().to_string();
        let invited = Invited {
            name: name.to_owned(),
            role: role.map(str::to_owned),
            by: "ops".to_owned(),
            at,
            until: at + std::time::Duration::from_secs(3_600),
        };
        self.invitations.invite(&token, &invited).unwrap();
        token
    }

    /// The forms that somebody is offered.
    pub(crate) async fn forms(&self, cookie: &str) -> Vec<Value> {
        let request = get(&self.path("/forms")).header("cookie", cookie);
        let forms = self.ask(request.body(Body::empty()).unwrap()).await;
        forms.json()["forms"].as_array().unwrap().clone()
    }
}

/// A request as a browser sends it from the page itself.
pub(crate) fn get(path: &str) -> axum::http::request::Builder {
    Request::builder().uri(path).header("host", HOST)
}

/// What the page's own script sends.
pub(crate) fn post(path: &str, sent: &Value, cookie: &str) -> Request<Body> {
    Request::builder()
        .method("POST")
        .uri(path)
        .header("host", HOST)
        .header("origin", format!("http://{HOST}"))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
        .header("cookie", cookie)
        .body(Body::from(sent.to_string()))
        .unwrap()
}
