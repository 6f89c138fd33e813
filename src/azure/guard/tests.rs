//! What does the guard let through, and what never leaves?

mod bounds;

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::azure::scope::WriteScope;
use crate::azure::token::Simulated;
use crate::azure::wire::{Headers, WireFault};
use crate::engine::{BootTime, Busy};
use crate::model::{Disposition, OperationKey, Timestamp};

#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<WireRequest>>);

#[async_trait]
impl Wire for Recorder {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, WireFault> {
        self.0.lock().unwrap().push(request);
        Ok(WireResponse { status: 200, headers: Headers::new(), body: "{}".into() })
    }
}

struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000)
    }
    fn boot(&self) -> BootTime {
        BootTime { boot: "b".to_owned(), nanos: 1_000 }
    }
    fn enter(&self) -> Busy {
        Busy::idle()
    }
    async fn sleep_until(&self, _: Timestamp) {}
}

const TABLE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/rt";
const GATEWAY: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw";

const PLAN: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/\
                    replicationRecoveryPlans/p";

fn guard(access: Access) -> (RequestGuard, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let guard = RequestGuard {
        endpoint: Url::parse("https://management.azure.com").unwrap(),
        wire: recorder.clone(),
        token: Arc::new(Simulated),
        tenants: Arc::default(),
        clock: ClockRef(Arc::new(Still)),
        access,
        bodies: KnownBodies::default(),
    };
    (guard, recorder)
}

async fn try_it(
    guard: &RequestGuard,
    method: Method,
    url: &str,
    (purpose, context): (&Purpose, &CallContext),
) -> Result<(), String> {
    let request = WireRequest {
        method,
        url: url.parse().unwrap(),
        headers: Headers::new().with("Authorization", "Bearer dummy"),
        body: bytes::Bytes::new(),
    };
    guard.pass(request, context, purpose).await.map(|_| ()).map_err(|error| error.to_string())
}

const NO_CONTEXT: CallContext = CallContext { run: None, not_after: None, waited: None };

const READ: (&Purpose, &CallContext) = (&Purpose::Read, &NO_CONTEXT);

fn change() -> Purpose {
    Purpose::Change(OperationKey::parse("00000000-0000-0000-0000-000000000000").unwrap())
}

#[tokio::test]
async fn a_client_that_reads_cannot_write_whatever_it_is_asked() {
    let (guard, recorder) = guard(Access::ReadOnly);
    let host = "https://management.azure.com";
    for (method, path) in [
        (Method::Put, TABLE.to_owned()),
        (Method::Delete, TABLE.to_owned()),
        (Method::Patch, TABLE.to_owned()),
        (Method::Post, format!("{GATEWAY}/reset")),
        (Method::Post, format!("{PLAN}/unplannedFailover")),
        (Method::Post, format!("{GATEWAY}/getLearnedRoutes/../reset")),
    ] {
        let url = format!("{host}{path}?api-version=1");
        for purpose in [Purpose::Read, change()] {
            let result = try_it(&guard, method, &url, (&purpose, &NO_CONTEXT)).await;
            assert!(result.is_err(), "{method} {path} to {purpose}");
        }
    }
    assert!(recorder.0.lock().unwrap().is_empty());
    for (method, path) in [
        (Method::Get, TABLE.to_owned()),
        (Method::Post, format!("{GATEWAY}/getLearnedRoutes")),
        (Method::Post, format!("{GATEWAY}/arpTables/primary")),
    ] {
        let url = format!("{host}{path}?api-version=1");
        assert_eq!(try_it(&guard, method, &url, READ).await, Ok(()));
    }
}

#[tokio::test]
async fn a_write_reaches_only_what_the_plan_declares() {
    let change = change();
    let change = (&change, &NO_CONTEXT);
    let scope = WriteScope::only(ResourceId::parse(TABLE).unwrap());
    let (guard, recorder) = guard(Access::Writing(scope));
    let host = "https://management.azure.com";
    let declared = format!("{host}{}?api-version=1", TABLE.to_uppercase());
    assert_eq!(try_it(&guard, Method::Put, &declared, change).await, Ok(()));
    let other = format!("{host}{GATEWAY}?api-version=1");
    assert!(try_it(&guard, Method::Delete, &other, change).await.is_err());
    assert_eq!(recorder.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_changes_reaches_only_what_the_plan_declares_and_by_a_known_verb() {
    let change = change();
    let change = (&change, &NO_CONTEXT);
    let scope = WriteScope::only(ResourceId::parse(PLAN).unwrap());
    let (guard, recorder) = guard(Access::Writing(scope));
    let url = |path: &str| format!("https://management.azure.com{path}?api-version=1");
    let declared = url(&format!("{PLAN}/UnplannedFailover"));
    assert_eq!(try_it(&guard, Method::Post, &declared, change).await, Ok(()));
    for other in [format!("{PLAN}/purge"), format!("{PLAN}2/unplannedFailover"), PLAN.to_owned()] {
        let refused = try_it(&guard, Method::Post, &url(&other), change).await;
        assert!(refused.is_err(), "{other}");
    }
    assert_eq!(recorder.0.lock().unwrap().len(), 1);
}

/// Takes every request and answers none.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Wire for Silent {
    async fn send(&self, _: WireRequest) -> Result<WireResponse, WireFault> {
        Err(WireFault::Unanswered("reset".to_owned()))
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_every_post_that_changes_in_doubt_and_no_read() {
    let (mut guard, _) = guard(Access::Writing(WriteScope::only(ResourceId::parse(PLAN).unwrap())));
    guard.wire = Arc::new(Silent);
    let send = async |path: String, purpose: Purpose| {
        let request = WireRequest {
            method: Method::Post,
            url: format!("https://management.azure.com{path}").parse().unwrap(),
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        };
        guard.pass(request, &NO_CONTEXT, &purpose).await.unwrap_err().disposition
    };
    for verb in crate::model::recovery::VERBS {
        let lost = send(format!("{PLAN}/{verb}"), change()).await;
        assert_eq!(lost, Disposition::Ambiguous, "{verb}");
    }
    let read = send(format!("{GATEWAY}/getLearnedRoutes"), Purpose::Read).await;
    assert_eq!(read, Disposition::Transient { after: None });
    let mistaken = send(format!("{PLAN}/failoverCommit"), Purpose::Read).await;
    assert_eq!(mistaken, Disposition::Rejected, "a change is never sent as a read");
}

#[tokio::test]
async fn no_token_goes_to_another_host() {
    let (guard, recorder) = guard(Access::ReadOnly);
    for url in [
        "https://evil.example/x",
        "http://management.azure.com/x",
        "https://management.azure.com:444/x",
    ] {
        assert!(try_it(&guard, Method::Get, url, READ).await.is_err(), "{url}");
    }
    assert!(recorder.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_real_token_replaces_the_dummy_and_debug_shows_neither() {
    let (guard, recorder) = guard(Access::ReadOnly);
    let url = format!("https://management.azure.com{TABLE}");
    try_it(&guard, Method::Get, &url, READ).await.unwrap();
    let requests = recorder.0.lock().unwrap();
    assert_eq!(
        requests[0].headers.get("authorization"),
        Some("Bearer simulated-token-worth-nothing")
    );
    let shown = format!("{:?} {guard:?}", requests[0]);
    assert!(!shown.contains("Bearer"), "{shown}");
}

#[tokio::test]
async fn a_late_write_is_not_sent_by_either_clock() {
    let change = change();
    let scope = WriteScope::only(ResourceId::parse(TABLE).unwrap());
    let (guard, recorder) = guard(Access::Writing(scope));
    let url = format!("https://management.azure.com{TABLE}");
    let boot = |boot: &str, nanos| BootTime { boot: boot.to_owned(), nanos };
    let (past, future) = (Timestamp::from_millis(999), Timestamp::from_millis(9_999));
    for not_after in
        [(past, boot("b", 9_999)), (future, boot("b", 999)), (future, boot("other", 9_999))]
    {
        let context = CallContext { run: None, not_after: Some(not_after), waited: None };
        let refused = try_it(&guard, Method::Put, &url, (&change, &context)).await.unwrap_err();
        assert!(refused.contains("intent_expired"), "{refused}");
    }
    assert!(recorder.0.lock().unwrap().is_empty());
    let context =
        CallContext { run: None, not_after: Some((future, boot("b", 9_999))), waited: None };
    assert_eq!(try_it(&guard, Method::Put, &url, (&change, &context)).await, Ok(()));
}
