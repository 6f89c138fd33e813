//! May this request leave? The one guard outward (D3), above any wire.
//!
//! Every request passes here, with what it is for: reads always, changes only for an actuator and only to
//! what the plan declares; never a change that was made as a read; never to another host; never later
//! than its intent allows. The real token is put in here, so that nothing above could log it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core_021 as core;
use url::Url;

use super::bounded::JsonShape;
use super::error::{unanswered, unread};
use super::hygiene::{cleaned, cleaned_fault};
use super::purpose::Purpose;
use super::scope::Access;
use super::tenancy::{self, Tenants, subscription_of};
use super::token::TokenSource;
use super::wire::{Headers, Method, Wire, WireRequest, WireResponse};
use crate::engine::{CallContext, Clock};
use crate::model::url_path::from_url_path;
use crate::model::{ResourceId, StepError};

/// Below this many calls left in a bucket we wait before the next, so that Azure need not refuse.
const CALLS_LEFT_MIN: u64 = 10;

/// How long we wait then: buckets refill at ten a second or more (azure-facts 3.7).
const PACE: Duration = Duration::from_secs(1);

/// Tokens of other tenants that a write names resources of.
const AUXILIARY: &str = "x-ms-authorization-auxiliary";

/// The guard. One for each client; what it allows is fixed when it is made.
#[derive(Debug)]
pub(super) struct RequestGuard {
    pub(super) endpoint: Url,
    pub(super) wire: Arc<dyn Wire>,
    pub(super) token: Arc<dyn TokenSource>,
    /// Whose token goes where.
    pub(super) tenants: Arc<Tenants>,
    pub(super) clock: ClockRef,
    pub(super) access: Access,
}

/// A clock that can stand in a value with `Debug`.
#[derive(Clone)]
pub(super) struct ClockRef(pub(super) Arc<dyn Clock>);

impl std::fmt::Debug for ClockRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl RequestGuard {
    /// Lets a request through, or says why not.
    pub(super) async fn pass(
        &self,
        mut request: WireRequest,
        context: &CallContext,
        purpose: &Purpose,
    ) -> Result<WireResponse, StepError> {
        let url = Url::parse(&request.url).map_err(|_| refused("the URL cannot be read"))?;
        self.check_host(&url)?;
        self.check_access(purpose, request.method, &url)?;
        request.headers.push("x-ms-return-client-request-id", "true");
        if let Some(key) = purpose.key() {
            request.headers.remove("x-ms-client-request-id");
            request.headers.push("x-ms-client-request-id", key.as_str());
        }
        if let Some(run) = &context.run {
            request.headers.push("x-ms-correlation-request-id", correlation_id(run.as_str()));
        }
        let (method, path) = (request.method, url.path().to_owned());
        let subscription = subscription_of(&path).unwrap_or_default();
        let (mut renewed, mut moved) = (false, None);
        // A token that was revoked, or ended on its way, is asked for once more, and so is one for the
        // tenant that a refusal names. What is answered with 401 was not looked at: sending a write again
        // then is no second write.
        let response = loop {
            let tenant = self.tenants.of(subscription);
            let token = match (self.token.token_for(tenant.as_deref()).await, &moved) {
                (Ok(token), _) => token,
                (Err(error), None) => {
                    return Err(StepError::transient("no_token", error.to_string(), None));
                }
                // The tenant that was just learned of is one that we are not known in.
                (Err(error), Some((refusal, before))) => {
                    self.tenants.learn(subscription, Option::clone(before));
                    let (sent, why) = (before.as_deref(), error.to_string());
                    return Err(tenancy::explained(refusal, subscription, sent, Some(&why)));
                }
            };
            request.headers.remove("authorization");
            request.headers.push("Authorization", format!("Bearer {}", token.expose()));
            self.send_along(&mut request, subscription, purpose).await?;
            self.check_time(context)?;
            let answer = self.wire.send(request.clone()).await;
            let answer = answer.map_err(|fault| unanswered(&cleaned_fault(fault), purpose))?;
            // Before anything is built of it.
            JsonShape::of(&answer.body).check().map_err(|much| {
                let why = format!("Azure's answer was not taken in: {much}.");
                unread(much.code(), &why, purpose)
            })?;
            tracing::debug!(%method, %purpose, path, status = answer.status, "azure answered");
            let answer = cleaned(answer);
            if tenancy::is_of_another(&answer) && !subscription.is_empty() {
                let wanted =
                    tenancy::wanted(&answer).filter(|wanted| tenant.as_ref() != Some(wanted));
                let Some(wanted) = wanted.filter(|_| moved.is_none()) else {
                    return Err(tenancy::explained(&answer, subscription, tenant.as_deref(), None));
                };
                tracing::info!(
                    subscription,
                    tenant = wanted,
                    "a token of another tenant is wanted"
                );
                let before = self.tenants.learn(subscription, Some(wanted));
                moved = Some((answer, before));
                continue;
            }
            if answer.status != 401 || renewed {
                break answer;
            }
            renewed = true;
            self.token.refused(&token).await;
        };
        self.pace(&response).await;
        Ok(response)
    }

    /// What crosses tenants takes a token of each: Azure looks at our rights on both sides.
    async fn send_along(
        &self,
        request: &mut WireRequest,
        subscription: &str,
        purpose: &Purpose,
    ) -> Result<(), StepError> {
        request.headers.remove(AUXILIARY);
        if !purpose.may_change() {
            return Ok(());
        }
        let mut tokens = Vec::new();
        for tenant in self.tenants.beside(subscription, &request.body) {
            let token = self.token.token_for(tenant.as_deref()).await;
            let token =
                token.map_err(|error| StepError::transient("no_token", error.to_string(), None))?;
            tokens.push(format!("Bearer {}", token.expose()));
        }
        if !tokens.is_empty() {
            request.headers.push(AUXILIARY, tokens.join(", "));
        }
        Ok(())
    }

    /// Gives the token of a subscription's tenant up for a new one: what it may do was read when it was
    /// made.
    pub(super) async fn renew_token(&self, subscription: &str) {
        let tenant = self.tenants.of(subscription);
        if let Ok(token) = self.token.token_for(tenant.as_deref()).await {
            self.token.refused(&token).await;
        }
    }

    fn check_host(&self, url: &Url) -> Result<(), StepError> {
        let same = url.scheme() == self.endpoint.scheme()
            && url.host_str() == self.endpoint.host_str()
            && url.port_or_known_default() == self.endpoint.port_or_known_default();
        if same { Ok(()) } else { Err(refused("it goes to another host than the endpoint")) }
    }

    /// What the call is for, and what it looks like, must agree; then the plan must declare it.
    fn check_access(&self, purpose: &Purpose, method: Method, url: &Url) -> Result<(), StepError> {
        match purpose.changed(method, url.path()).map_err(refused)? {
            Some(resource) => self.check_scope(resource),
            None => Ok(()),
        }
    }

    fn check_scope(&self, path: &str) -> Result<(), StepError> {
        let Access::Writing(scope) = &self.access else {
            return Err(refused("this client can only read"));
        };
        let resource = ResourceId::parse(&from_url_path(path))
            .map_err(|_| refused("it does not name one resource"))?;
        if scope.contains(&resource) {
            Ok(())
        } else {
            Err(refused("the plan declares no write to that resource"))
        }
    }

    /// A process that was stopped for long must not send a stale write (docs/storage.md 6). By the wall
    /// clock, and by the one that counts while the host sleeps, unless the host was started anew.
    fn check_time(&self, context: &CallContext) -> Result<(), StepError> {
        let Some((at, boot)) = &context.not_after else {
            return Ok(());
        };
        let now = self.clock.0.boot();
        let late = self.clock.0.now() > *at || now.boot != boot.boot || now.nanos > boot.nanos;
        if late {
            return Err(StepError::transient(
                "intent_expired",
                "The time in which this write might be sent is over; it was not sent.",
                None,
            ));
        }
        Ok(())
    }

    async fn pace(&self, response: &WireResponse) {
        let left = response
            .headers
            .iter()
            .filter(|(name, _)| {
                name.to_ascii_lowercase().starts_with("x-ms-ratelimit-remaining-subscription")
            })
            .filter_map(|(_, value)| value.parse::<u64>().ok())
            .min();
        if left.is_some_and(|left| left < CALLS_LEFT_MIN) {
            self.clock.0.sleep_until(self.clock.0.now() + PACE).await;
        }
    }
}

fn refused(why: &str) -> StepError {
    StepError::rejected("guard", format!("The request was not sent: {why}."))
}

/// The correlation id of a run: the same on all its requests, so that Azure's support finds them.
#[must_use]
pub fn correlation_id(run: &str) -> String {
    let hash = blake3::hash(run.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The `HttpClient` that one call of the generated client is given: it sends through the guard, and
/// keeps the raw answer and our own error, which the generated types would lose.
#[derive(Debug)]
pub(super) struct Attempt {
    guard: Arc<RequestGuard>,
    context: CallContext,
    purpose: Purpose,
    outcome: Mutex<Option<Result<WireResponse, StepError>>>,
}

impl Attempt {
    pub(super) fn new(guard: Arc<RequestGuard>, context: CallContext, purpose: Purpose) -> Self {
        Self { guard, context, purpose, outcome: Mutex::new(None) }
    }

    /// What came of it.
    pub(super) fn take(&self) -> Result<WireResponse, StepError> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| {
            Err(StepError::rejected("not_built", "The request could not be built from its names."))
        })
    }
}

#[async_trait]
impl core::HttpClient for Attempt {
    async fn execute_request(&self, request: &core::Request) -> core::Result<core::Response> {
        let method = Method::parse(request.method().as_ref()).ok_or_else(lost)?;
        let mut headers = Headers::new();
        for (name, value) in request.headers().iter() {
            headers.push(name.as_str(), value.as_str());
        }
        let body = match request.body() {
            core::Body::Bytes(bytes) => bytes.clone(),
            // Nothing of ours streams.
            core::Body::SeekableStream(_) => return Err(lost()),
        };
        let wire = WireRequest { method, url: request.url().to_string(), headers, body };
        let outcome = self.guard.pass(wire, &self.context, &self.purpose).await;
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        // The raw answer is what is read: the generated client need not make its own types of it.
        Err(lost())
    }
}

/// What the generated client is told in place of an answer.
fn lost() -> core::Error {
    core::Error::from(core::error::ErrorKind::Other)
}

#[cfg(test)]
mod tests {
    mod bounds;

    use super::*;
    use crate::azure::scope::WriteScope;
    use crate::azure::token::Simulated;
    use crate::azure::wire::WireFault;
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

    const TABLE: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/rt";
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
            url: url.to_owned(),
            headers: Headers::new().with("Authorization", "Bearer dummy"),
            body: bytes::Bytes::new(),
        };
        guard.pass(request, context, purpose).await.map(|_| ()).map_err(|error| error.to_string())
    }

    const NO_CONTEXT: CallContext = CallContext { run: None, not_after: None };

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
        for other in
            [format!("{PLAN}/purge"), format!("{PLAN}2/unplannedFailover"), PLAN.to_owned()]
        {
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
        let (mut guard, _) =
            guard(Access::Writing(WriteScope::only(ResourceId::parse(PLAN).unwrap())));
        guard.wire = Arc::new(Silent);
        let send = async |path: String, purpose: Purpose| {
            let request = WireRequest {
                method: Method::Post,
                url: format!("https://management.azure.com{path}"),
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
            let context = CallContext { run: None, not_after: Some(not_after) };
            let refused = try_it(&guard, Method::Put, &url, (&change, &context)).await.unwrap_err();
            assert!(refused.contains("intent_expired"), "{refused}");
        }
        assert!(recorder.0.lock().unwrap().is_empty());
        let context = CallContext { run: None, not_after: Some((future, boot("b", 9_999))) };
        assert_eq!(try_it(&guard, Method::Put, &url, (&change, &context)).await, Ok(()));
    }
}
