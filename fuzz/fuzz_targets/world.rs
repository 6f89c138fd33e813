//! Does any sequence of requests bring the simulated Azure down? Lines of `METHOD seconds path body`.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest};
use backroad::sim::{Answers, Scenario, World};
use libfuzzer_sys::fuzz_target;

static SCENARIO: LazyLock<Scenario> = LazyLock::new(|| {
    Scenario::parse("two-circuits", include_str!("../../runbooks/worlds/two-circuits.yaml"))
        .expect("the shipped world is one")
});

fuzz_target!(|text: &str| {
    let mut world = World::new(&SCENARIO);
    let mut now = SCENARIO.now;
    for line in text.lines().take(40) {
        let mut words = line.splitn(4, ' ');
        let Some(method) = words.next().and_then(Method::parse) else { continue };
        let seconds: u32 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        now = now + Duration::from_secs(u64::from(seconds));
        let path = words.next().unwrap_or_default();
        let body = words.next().unwrap_or_default().to_owned();
        let Ok(url) = format!("https://management.azure.com{path}").parse() else { continue };
        let request = WireRequest {
            method,
            url,
            headers: Headers::new(),
            body: bytes::Bytes::from(body),
        };
        let (answer, _) = world.answer(&request, now);
        let answer = answer.expect("there are no faults in this world");
        if answer.status >= 400 {
            let body: serde_json::Value =
                serde_json::from_slice(&answer.body).expect("an error has a body");
            assert!(body["error"]["code"].is_string(), "{body}");
        }
    }
});
