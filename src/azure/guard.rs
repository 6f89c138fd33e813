//! May this request leave? The one guard outward (D3), above any wire.
//!
//! Every request passes here, with what it is for: reads always, changes only for an actuator and only to
//! what the plan declares; never a change that was made as a read; never to another host; never later
//! than its intent allows. The real token is put in here, so that nothing above could log it.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::bounded::JsonShape;
use super::error::{unanswered, unread};
use super::hygiene::{clean_body, clean_headers, cleaned_fault};
use super::known_body::KnownBodies;
use super::purpose::Purpose;
use super::scope::Access;
use super::tenancy::{self, Tenants, subscription_of};
use super::token::TokenSource;
use super::wire::{Method, Wire, WireRequest, WireResponse};
use crate::engine::{CallContext, Clock};
use crate::model::url_path::from_url_path;
use crate::model::{ResourceId, StepError};
use crate::outward::{self, Secret};

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
    /// What was answered before.
    pub(super) bodies: KnownBodies,
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
        self.check_host(&request.url)?;
        self.check_access(purpose, request.method, &request.url)?;
        mark(&mut request, context, purpose);
        let (method, path) = (request.method, request.url.path().to_owned());
        let subscription = subscription_of(&path).unwrap_or_default();
        let (mut renewed, mut moved) = (false, None);
        // A token that was revoked, or ended on its way, is asked for once more, and so is one for the
        // tenant that a refusal names. What is answered with 401 was not looked at: sending a write again
        // then is no second write.
        let response = loop {
            let tenant = self.tenants.of(subscription);
            let token = self.token_of(subscription, tenant.as_deref(), moved.as_ref()).await?;
            request.headers.remove("authorization");
            request.headers.push("Authorization", format!("Bearer {}", token.expose()));
            self.send_along(&mut request, subscription, purpose).await?;
            self.check_time(context)?;
            let answer = self.wire.send(request.clone()).await;
            let answer = answer.map_err(|fault| unanswered(&cleaned_fault(fault), purpose))?;
            tracing::debug!(%method, %purpose, path, status = answer.status, "azure answered");
            let answer = self.taken_in(answer, (method, &path), purpose)?;
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

    /// An answer as the rest of us may see it, if it is not too much.
    fn taken_in(
        &self,
        answer: WireResponse,
        (method, path): (Method, &str),
        purpose: &Purpose,
    ) -> Result<WireResponse, StepError> {
        let WireResponse { status, headers, body: raw } = answer;
        let reads = method == Method::Get;
        if reads && let Some(body) = self.bodies.clean(path, &raw, outward::known_revision()) {
            return Ok(WireResponse { status, headers: clean_headers(headers), body });
        }
        // Before anything is built of it.
        JsonShape::of(&raw).check().map_err(|much| {
            let why = format!("Azure's answer was not taken in: {much}.");
            unread(much.code(), &why, purpose)
        })?;
        let (body, known) = clean_body(raw.clone());
        if reads {
            self.bodies.keep(path, raw, known, &body);
        }
        // Behind the body, whose keys they may repeat.
        Ok(WireResponse { status, headers: clean_headers(headers), body })
    }

    /// A token of a tenant. Where that was just learned of by a refusal and does not know us, it is forgotten again.
    async fn token_of(
        &self,
        subscription: &str,
        tenant: Option<&str>,
        moved: Option<&(WireResponse, Option<String>)>,
    ) -> Result<Secret, StepError> {
        match (self.token.token_for(tenant).await, moved) {
            (Ok(token), _) => Ok(token),
            (Err(error), None) => Err(StepError::transient("no_token", error.to_string(), None)),
            // The tenant that was just learned of is one that we are not known in.
            (Err(error), Some((refusal, before))) => {
                self.tenants.learn(subscription, Option::clone(before));
                let (sent, why) = (before.as_deref(), error.to_string());
                Err(tenancy::explained(refusal, subscription, sent, Some(&why)))
            }
        }
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

/// Says whose request it is: the operation's, and the run's.
fn mark(request: &mut WireRequest, context: &CallContext, purpose: &Purpose) {
    request.headers.push("x-ms-return-client-request-id", "true");
    if let Some(key) = purpose.key() {
        request.headers.remove("x-ms-client-request-id");
        request.headers.push("x-ms-client-request-id", key.as_str());
    }
    if let Some(run) = &context.run {
        request.headers.push("x-ms-correlation-request-id", correlation_id(run.as_str()));
    }
}

pub(super) fn refused(why: &str) -> StepError {
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

#[cfg(test)]
mod tests;
