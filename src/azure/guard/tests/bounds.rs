//! Where exactly does the guard close? The edges of its bounds.

use super::*;
use crate::model::limits;

/// Answers everything with the same status, headers and body.
#[derive(Debug)]
struct Always(WireResponse);

#[async_trait]
impl Wire for Always {
    async fn send(&self, _: WireRequest) -> Result<WireResponse, WireFault> {
        Ok(self.0.clone())
    }
}

/// A clock that counts how often somebody slept.
#[derive(Default)]
struct Slept(Mutex<Vec<Timestamp>>);

#[async_trait]
impl Clock for Slept {
    fn now(&self) -> Timestamp {
        Still.now()
    }
    fn boot(&self) -> BootTime {
        Still.boot()
    }
    fn enter(&self) -> Busy {
        Busy::idle()
    }
    async fn sleep_until(&self, at: Timestamp) {
        self.0.lock().unwrap().push(at);
    }
}

async fn answered(answer: WireResponse) -> (Result<(), String>, Vec<Timestamp>) {
    let (mut guard, _) = guard(Access::ReadOnly);
    let clock = Arc::new(Slept::default());
    (guard.wire, guard.clock) = (Arc::new(Always(answer)), ClockRef(clock.clone()));
    let url = format!("https://management.azure.com{TABLE}");
    let result = try_it(&guard, Method::Get, &url, READ).await;
    let slept = clock.0.lock().unwrap().clone();
    (result, slept)
}

fn body(body: impl Into<bytes::Bytes>) -> WireResponse {
    WireResponse { status: 200, headers: Headers::new(), body: body.into() }
}

#[tokio::test]
async fn a_write_goes_out_at_the_last_moment_of_its_time_and_not_after_it() {
    let change = change();
    let scope = WriteScope::only(ResourceId::parse(TABLE).unwrap());
    let (guard, recorder) = guard(Access::Writing(scope));
    let url = format!("https://management.azure.com{TABLE}");
    let (now, boot) = (Still.now(), Still.boot());
    for (at, nanos, sent) in [(0, 0, true), (1, 0, false), (0, 1, false)] {
        let at = Timestamp::from_millis(now.as_millis() - at);
        let boot = BootTime { nanos: boot.nanos - nanos, ..boot.clone() };
        let context = CallContext { run: None, not_after: Some((at, boot)), waited: None };
        let result = try_it(&guard, Method::Put, &url, (&change, &context)).await;
        assert_eq!(result.is_ok(), sent, "{result:?}");
    }
    assert_eq!(recorder.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_largest_answer_that_is_read_is_read_and_one_byte_more_is_not() {
    let most = || vec![b' '; limits::BODY_BYTES_MAX];
    assert_eq!(answered(body(most())).await.0, Ok(()));
    let more = [most(), vec![b' ']].concat();
    let refused = answered(body(more)).await.0.unwrap_err();
    assert!(refused.contains("body_too_large"), "{refused}");
}

#[tokio::test]
async fn an_answer_nested_deeper_than_can_be_kept_is_not_taken() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(answered(body(nested(limits::BODY_DEPTH_MAX))).await.0, Ok(()));
    for mixed in [nested(limits::BODY_DEPTH_MAX + 1), "{\"a\":".repeat(limits::BODY_DEPTH_MAX + 1)]
    {
        let refused = answered(body(mixed)).await.0.unwrap_err();
        assert!(refused.contains("body_too_deep"), "{refused}");
    }
}

#[test]
fn only_brackets_outside_of_text_nest() {
    let many = "[".repeat(limits::BODY_DEPTH_MAX + 1);
    for flat in [
        format!("[\"{many}\"]"),
        format!(r#"["a \" {many}"]"#),
        format!(r#"["a \\\" {many}"]"#),
        format!("[{}]", vec!["[]"; limits::BODY_DEPTH_MAX + 1].join(",")),
    ] {
        assert!(JsonShape::of(flat.as_bytes()).check().is_ok(), "{flat}");
    }
    for deep in [
        format!(r#"["a\\",{many}"#),
        format!(r#"["a",{many}"#),
        format!(r#"["\"",{many}"#),
        format!("[]]]]{many}"),
    ] {
        assert!(JsonShape::of(deep.as_bytes()).check().is_err(), "{deep}");
    }
}

#[tokio::test]
async fn a_bucket_that_runs_low_is_let_fill_before_the_next_call() {
    let name = "x-ms-ratelimit-remaining-subscription-reads";
    for (left, waits) in [("9", true), ("0", true), ("10", false), ("11999", false), ("few", false)]
    {
        let mut answer = body("{}");
        answer.headers.push(name, left);
        answer.headers.push("x-ms-ratelimit-remaining-tenant-reads", "1");
        let (result, slept) = answered(answer).await;
        assert_eq!(result, Ok(()));
        let until = waits.then(|| Still.now() + PACE);
        assert_eq!(slept, until.into_iter().collect::<Vec<_>>(), "{left} left");
    }
}

#[test]
fn one_run_has_one_correlation_id_and_two_runs_have_two() {
    let id = correlation_id("01jd0000000000000000000001");
    assert!(uuid::Uuid::parse_str(&id).is_ok(), "{id}");
    assert_eq!(id, correlation_id("01jd0000000000000000000001"));
    assert_ne!(id, correlation_id("01jd0000000000000000000002"));
}
