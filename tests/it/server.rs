//! The simulator's server keeps HTTP's side of the bargain, whatever the world behind it answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::azure::wire::{Headers, Method, WireFault, WireRequest, WireResponse};
use backroad::engine::{BootTime, Busy, Clock};
use backroad::model::Timestamp;
use backroad::sim::server::{
    Answers, Bounds, LATENCY_HEADER, ServePace, ServerIdentity, Service, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const VNET: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
const OPERATION: &str = "/subscriptions/s/providers/Microsoft.Network/locations/eastasia/operations/o?api-version=2024-03-01&t=1&c=a%2Bb&s=x&h=y";

/// A world of four answers, each two seconds late.
#[derive(Default)]
struct Desk {
    faults: Vec<Value>,
    asked: Vec<String>,
}

impl Answers for Desk {
    fn answer(
        &mut self,
        request: &WireRequest,
        _now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, Duration) {
        self.asked.push(request.url.to_string());
        let target = request.url.as_str().splitn(4, '/').nth(3).unwrap_or_default();
        let answer = |status: u16, headers: Headers, body: &str| {
            Ok(WireResponse {
                status,
                headers: headers.with("x-ms-request-id", "r-1"),
                body: body.to_owned().into(),
            })
        };
        let outcome = match request.method {
            Method::Put => answer(
                201,
                Headers::new().with("Retry-After", "3").with(
                    "Azure-AsyncOperation",
                    format!("https://management.azure.com{OPERATION}"),
                ),
                r#"{"properties":{"provisioningState":"Updating"}}"#,
            ),
            Method::Delete => Err(WireFault::Unanswered("lost".to_owned())),
            Method::Get if target == &OPERATION[1..] => {
                answer(200, Headers::new(), r#"{"status":"Succeeded"}"#)
            }
            _ => answer(200, Headers::new().with("ETag", "W/\"1\""), r#"{"name":"v"}"#),
        };
        (outcome, Duration::from_secs(2))
    }

    fn snapshot(&mut self, _now: Timestamp) -> Value {
        json!({"asked": self.asked, "faults": self.faults, "authorizationKey": "key-of-the-circuit"})
    }

    fn add_fault(&mut self, fault: Value, _now: Timestamp) -> Result<(), String> {
        if fault.get("kind").is_none() {
            return Err("A fault needs a kind.".to_owned());
        }
        self.faults.push(fault);
        Ok(())
    }
}

/// A clock that moves when somebody sleeps and not otherwise.
struct StepClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn boot(&self) -> BootTime {
        BootTime { boot: "step".to_owned(), nanos: 0 }
    }

    fn enter(&self) -> Busy {
        Busy::idle()
    }

    async fn sleep_until(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

struct Bench {
    origin: String,
    client: reqwest::Client,
    clock: Arc<StepClock>,
    #[expect(dead_code, reason = "the server lives as long as this")]
    tasks: JoinSet<()>,
}

impl Bench {
    async fn open(pace: ServePace) -> Self {
        Self::serving(pace, Service::default()).await
    }

    async fn serving(pace: ServePace, service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let start = Timestamp::parse("2026-01-31T03:00:00Z").unwrap();
        let clock = Arc::new(StepClock(Mutex::new(start)));
        let world = Arc::new(Mutex::new(Desk::default()));
        let mut tasks = JoinSet::new();
        let running = serve(listener, world, clock.clone(), (pace, service), pending());
        tasks.spawn(async move { running.await.unwrap() });
        Self { origin, client: reqwest::Client::new(), clock, tasks }
    }

    fn ask(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, url)
            .header("Authorization", "Bearer anything")
            .header("x-ms-client-request-id", "c-1")
    }

    fn arm(&self, path: &str) -> String {
        format!("{}{path}?api-version=2024-03-01", self.origin)
    }

    async fn page(&self, name: &str) -> Value {
        let answer = self.client.get(format!("{}/_sim/{name}", self.origin)).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

#[tokio::test]
async fn a_get_brings_the_worlds_answer_with_its_headers() {
    let bench = Bench::open(ServePace::Server).await;
    let answer = bench.ask(reqwest::Method::GET, &bench.arm(VNET)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "etag"), Some("W/\"1\""));
    assert_eq!(header(&answer, "x-ms-request-id"), Some("r-1"));
    assert_eq!(answer.text().await.unwrap(), r#"{"name":"v"}"#);
}

#[tokio::test]
async fn an_operation_url_leads_back_to_the_host_that_was_asked() {
    let bench = Bench::open(ServePace::Server).await;
    let by_name = bench.origin.replace("127.0.0.1", "localhost");
    let answer = bench
        .ask(reqwest::Method::PUT, &format!("{by_name}{VNET}"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let operation = header(&answer, "azure-asyncoperation").unwrap().to_owned();
    assert_eq!(operation, format!("{by_name}{OPERATION}"));
    let polled = bench.ask(reqwest::Method::GET, &operation).send().await.unwrap();
    assert_eq!(polled.text().await.unwrap(), r#"{"status":"Succeeded"}"#);
}

#[tokio::test]
async fn a_missing_token_is_a_401_that_the_world_never_sees() {
    let bench = Bench::open(ServePace::Server).await;
    let answer = bench.client.put(bench.arm(VNET)).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let body = answer.text().await.unwrap();
    assert!(body.contains("InvalidAuthenticationToken"), "{body}");
    assert_eq!(bench.page("world").await["asked"], json!([]));
    assert_eq!(bench.page("ledger").await[0]["status"], 401);
}

#[tokio::test]
async fn a_fault_ends_the_connection_without_an_answer() {
    let bench = Bench::open(ServePace::Server).await;
    let error = bench.ask(reqwest::Method::DELETE, &bench.arm(VNET)).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(bench.page("ready").await["ready"], true);
}

#[tokio::test]
async fn the_ledger_lists_every_request_in_order() {
    let bench = Bench::open(ServePace::Server).await;
    for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE] {
        // The last one is lost on purpose.
        let _lost_or_not = bench.ask(method, &bench.arm(VNET)).send().await.is_ok();
    }
    let ledger = bench.page("ledger").await;
    let rows: Vec<_> = ledger
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["seq"], &row["method"], &row["status"], &row["accepted"]))
        .collect();
    assert_eq!(
        rows,
        [
            (&json!(1), &json!("GET"), &json!(200), &json!(false)),
            (&json!(2), &json!("PUT"), &json!(201), &json!(true)),
            (&json!(3), &json!("DELETE"), &json!(0), &Value::Null),
        ]
    );
    assert_eq!(ledger[1]["path"], VNET);
    assert_eq!(ledger[1]["client_request_id"], "c-1");
    assert_eq!(ledger[1]["at"], "2026-01-31T03:00:02.000Z");
}

#[tokio::test]
async fn the_server_waits_on_its_clock_or_leaves_the_waiting_to_the_caller() {
    for (pace, waited, told) in [(ServePace::Server, 2, None), (ServePace::Caller, 0, Some("2000"))]
    {
        let bench = Bench::open(pace).await;
        let before = bench.clock.now();
        let answer = bench.ask(reqwest::Method::GET, &bench.arm(VNET)).send().await.unwrap();
        assert_eq!(bench.clock.now().since(before), Duration::from_secs(waited));
        assert_eq!(header(&answer, LATENCY_HEADER), told);
    }
}

#[tokio::test]
async fn a_fault_is_added_or_refused_with_the_reason_and_the_world_shows_no_key() {
    let bench = Bench::open(ServePace::Server).await;
    let post = |body: &'static str| {
        bench.client.post(format!("{}/_sim/faults", bench.origin)).body(body).send()
    };
    assert_eq!(post(r#"{"kind":"region_down"}"#).await.unwrap().status(), 201);
    for (wrong, why) in [("{}", "needs a kind"), ("{", "not JSON")] {
        let answer = post(wrong).await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains(why));
    }
    let world = bench.page("world").await;
    assert_eq!(world["faults"].as_array().unwrap().len(), 1);
    assert!(!world.to_string().contains("key-of-the-circuit"));
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut tasks = JoinSet::new();
    let clock = Arc::new(StepClock(Mutex::new(Timestamp::from_millis(0))));
    let world = Arc::new(Mutex::new(Desk::default()));
    let running = serve(listener, world, clock, (ServePace::Server, Service::default()), async {
        let _stopped_or_dropped = stopped.await.is_ok();
    });
    tasks.spawn(async move { running.await.unwrap() });
    let ready = reqwest::get(format!("http://{address}/_sim/ready")).await;
    assert_eq!(ready.unwrap().status(), 200);
    stop.send(()).unwrap();
    tasks.join_next().await.unwrap().unwrap();
    assert!(reqwest::get(format!("http://{address}/_sim/ready")).await.is_err());
}

/// Room for four clients, each with little time.
fn tight() -> Bounds {
    let moment = Duration::from_millis(300);
    Bounds { connections: 4, first: moment, head: moment, body: moment, ..Bounds::default() }
}

/// Says something and nothing more; gives what was answered until the server ended the connection.
#[expect(clippy::disallowed_methods, reason = "a server's time is the host's")]
async fn told(origin: &str, words: &[u8]) -> (tokio::net::TcpStream, Vec<u8>) {
    let address = origin.split("//").nth(1).unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    let whole = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    // A connection that is reset has ended too.
    drop(whole.await.unwrap());
    (stream, answer)
}

#[tokio::test]
async fn clients_of_the_simulator_that_say_nothing_keep_nobody_out_for_long() {
    for is_tls in [false, true] {
        let identity = is_tls.then(|| Arc::new(ServerIdentity::new().unwrap()));
        let service = Service { identity, bounds: tight(), ..Service::default() };
        let bench = Bench::serving(ServePace::Caller, service).await;
        let address = bench.origin.split("//").nth(1).unwrap().to_owned();
        let mut silent = Vec::new();
        for place in 0..20 {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            // Some say nothing, and some begin a head that never ends.
            if place % 2 == 0 {
                stream.write_all(b"GET /slow HTTP/1.1\r\nx-a: ").await.unwrap();
            }
            silent.push(stream);
        }
        let ready = if is_tls {
            let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build();
            client.unwrap().get(format!("https://{address}/_sim/ready"))
        } else {
            bench.client.get(format!("{}/_sim/ready", bench.origin))
        };
        let answer = ready.timeout(Duration::from_secs(20)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "behind twenty that say nothing");
        drop(silent);
    }
}

#[tokio::test]
async fn what_a_client_of_the_simulator_may_send_is_bounded_in_time_and_size() {
    let service = Service { bounds: tight(), ..Service::default() };
    let bench = Bench::serving(ServePace::Caller, service).await;
    let head = |length: usize, path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    // A body that does not come, to Azure's paths and to our own.
    for (path, said) in [("/subscriptions/s", "408"), ("/_sim/faults", "did not come in time")] {
        let (_open, answer) = told(&bench.origin, head(100, path).as_bytes()).await;
        assert!(String::from_utf8_lossy(&answer).contains(said), "{path}");
    }
    let long = bench.client.post(format!("{}/_sim/faults", bench.origin)).body(vec![b'x'; 1 << 20]);
    let answer = long.send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("longer than 65536 bytes"));
    let long = bench.ask(reqwest::Method::PUT, &bench.arm(VNET)).body(vec![b' '; (8 << 20) + 1]);
    assert_eq!(long.send().await.unwrap().status(), 413);
    // A head without an end.
    let endless = [b"GET / HTTP/1.1\r\nx-a: ".to_vec(), vec![b'a'; 1 << 20]].concat();
    let (_open, answer) = told(&bench.origin, &endless).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{} bytes", answer.len());
}
