//! Which call of ARM? The generated client for what it covers, raw JSON for what it does not (D2, D13).
//!
//! Each call is one attempt with its own request id. The generated client builds the request (`built`); what
//! comes back is read raw.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

pub(super) use super::built::Reading;
use super::built::{BuiltCall, BuiltRequests};
use super::called::kind;
use super::error::refusal;
use super::guard::{RequestGuard, refused};
use super::list::Pages;
use super::operation;
use super::purpose::Purpose;
use super::wire::{Headers, Method, WireRequest, WireResponse};
use crate::arm::version;
use crate::engine::{CallContext, PollAnswer};
use crate::model::{HandleKind, OperationHandle, ResourceId, StepError, limits};

/// Whether a resource is of a provider of its own, which the generated client does not cover.
fn is_plain(resource: &ResourceId) -> bool {
    version::of(resource.as_str()) != version::NETWORK
}

/// How long a reading POST may take; each took ten seconds or more on the wire (docs/wire.md 2).
const READING_MAX: Duration = Duration::from_secs(180);

/// Calls through one guard.
#[derive(Debug, Clone)]
pub(super) struct Client {
    guard: Arc<RequestGuard>,
    built: Arc<BuiltRequests>,
}

impl Client {
    pub(super) fn new(guard: Arc<RequestGuard>) -> Self {
        let built = Arc::new(BuiltRequests::new(guard.endpoint.clone()));
        Self { guard, built }
    }

    /// Lets the next call that is about a resource go with a new token.
    pub(super) async fn renew_token(&self, about: &ResourceId) {
        self.guard.renew_token(about.subscription()).await;
    }

    /// A resource's body; none when it is not there. As long as it is the same, so is what is given.
    pub(super) async fn get(
        &self,
        resource: &ResourceId,
        context: &CallContext,
    ) -> Result<Option<Arc<Value>>, StepError> {
        let request = if is_plain(resource) {
            self.plain(Method::Get, resource)
        } else {
            self.built.of(resource, &BuiltCall::Get).await?
        };
        let path = request.url.path().to_owned();
        let response = self.guard.pass(request, context, &Purpose::Read).await?;
        if !(200..300).contains(&response.status) {
            return Ok(read_body(&response)?.map(Arc::new));
        }
        self.guard.bodies.read(&path, &response.body, || read_body(&response))
    }

    /// A request without a body about a resource whose type the generated client does not cover.
    fn plain(&self, method: Method, resource: &ResourceId) -> WireRequest {
        WireRequest {
            method,
            url: self.url(resource.as_str()),
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        }
    }

    /// The key of a VPN connection, which has a path of its own; none when the connection is not there.
    pub(super) async fn shared_key(
        &self,
        connection: &ResourceId,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let path = format!("{connection}/sharedkey");
        self.get_path(&path, &[("api-version", version::NETWORK)], context).await
    }

    /// A path of the endpoint's, with a query.
    fn url_with(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.guard.endpoint.clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// What a GET of any path shows; none when it is not there. For what the generated client does not
    /// cover: groups, locks, rights, registrations, inventories.
    pub(super) async fn get_path(
        &self,
        path: &str,
        query: &[(&str, &str)],
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let url = self.url_with(path, query);
        let request = WireRequest {
            method: Method::Get,
            url: url.clone(),
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        };
        let response = self.guard.pass(request, context, &Purpose::Read).await?;
        if response.status == 404 {
            return Ok(None);
        }
        let Some(mut body) = read_body(&response)? else { return Ok(None) };
        // The rest of a list: absolute URLs, used as they are (azure-facts 3.8).
        let mut pages = Pages::from(&url, &response.body);
        while let Some(url) = pages.next_of(&mut body)? {
            let handle = OperationHandle { url, kind: HandleKind::Location };
            let response = self.poll(&handle, context).await?;
            pages.take(&response.body)?;
            pages.add(&mut body, read_body(&response)?)?;
        }
        Ok(Some(body))
    }

    /// Asks a question that has a body and is answered at once; none where nobody answers it.
    pub(super) async fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let url = self.url_with(path, query);
        let request = WireRequest {
            method: Method::Post,
            url,
            headers: Headers::new().with("Content-Type", "application/json"),
            body: body.to_string().into(),
        };
        let response = self.guard.pass(request, context, &Purpose::Read).await?;
        if response.status == 404 {
            return Ok(None);
        }
        read_body(&response)
    }

    /// The items of a list; none where there is no such list.
    pub(super) async fn get_list(
        &self,
        path: &str,
        context: &CallContext,
    ) -> Result<Vec<Value>, StepError> {
        let body = self.get_path(path, &[("api-version", version::of(path))], context).await?;
        let list = body.and_then(|mut body| body.get_mut("value").map(Value::take));
        Ok(match list {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        })
    }

    /// A resource of any type; one that the generated client does not cover is read by its path.
    pub(super) async fn get_any(
        &self,
        resource: &ResourceId,
        context: &CallContext,
    ) -> Result<Option<Arc<Value>>, StepError> {
        match kind(resource) {
            Ok(_) => self.get(resource, context).await,
            Err(_) => {
                let path = resource.as_str();
                let query = [("api-version", version::of(path))];
                Ok(self.get_path(path, &query, context).await?.map(Arc::new))
            }
        }
    }

    /// Removes a resource: one attempt, for its purpose.
    pub(super) async fn delete(
        &self,
        resource: &ResourceId,
        (purpose, context): (&Purpose, &CallContext),
    ) -> Result<WireResponse, StepError> {
        let request = if is_plain(resource) {
            self.plain(Method::Delete, resource)
        } else {
            self.built.of(resource, &BuiltCall::Delete).await?
        };
        self.guard.pass(request, context, purpose).await
    }

    /// Writes a resource: our own JSON, since the generated PUT takes neither it nor a header (D2).
    pub(super) async fn put(
        &self,
        resource: &ResourceId,
        body: &Value,
        (if_match, sync): (Option<&str>, bool),
        (purpose, context): (&Purpose, &CallContext),
    ) -> Result<WireResponse, StepError> {
        let mut headers = Headers::new().with("Content-Type", "application/json");
        if let Some(etag) = if_match {
            headers.push("If-Match", etag);
        }
        let mut url = self.url(resource.as_str());
        if sync {
            url.query_pairs_mut().append_pair("syncRemoteAddressSpace", "true");
        }
        let request =
            WireRequest { method: Method::Put, url, headers, body: body.to_string().into() };
        self.guard.pass(request, context, purpose).await
    }

    /// Asks a resource for a change that is no body: one attempt, for its purpose.
    pub(super) async fn post(
        &self,
        resource: &ResourceId,
        verb: &str,
        body: Option<&Value>,
        (purpose, context): (&Purpose, &CallContext),
    ) -> Result<WireResponse, StepError> {
        let mut headers = Headers::new();
        if body.is_some() {
            headers.push("Content-Type", "application/json");
        }
        let request = WireRequest {
            method: Method::Post,
            url: self.url(&format!("{resource}/{verb}")),
            headers,
            body: body.map(ToString::to_string).unwrap_or_default().into(),
        };
        self.guard.pass(request, context, purpose).await
    }

    /// Asks how an operation stands; the URL goes out as it came in.
    pub(super) async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<WireResponse, StepError> {
        let request = WireRequest {
            method: Method::Get,
            url: self.built.polled(&handle.url).map_err(|_| refused("the URL cannot be read"))?,
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        };
        self.guard.pass(request, context, &Purpose::Read).await
    }

    /// Reads what ARM gives only as an action, and waits for the answer; none when the resource is
    /// not there.
    pub(super) async fn read(
        &self,
        resource: &ResourceId,
        reading: &Reading,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let request = self.built.of(resource, &BuiltCall::Read(reading.clone())).await?;
        let response = self.guard.pass(request, context, &Purpose::Read).await?;
        self.result_of(response, context).await
    }

    /// Follows a reading POST to its result: `Location`, within a bound.
    async fn result_of(
        &self,
        mut response: WireResponse,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let clock = &self.guard.clock.0;
        let until = clock.now() + READING_MAX;
        let location = response.headers.get("location").map(str::to_owned);
        while response.status == 202 {
            let Some(url) =
                location.clone().or_else(|| operation::handle(&response).map(|h| h.url))
            else {
                return Err(StepError::transient(
                    "no_location",
                    "Azure named no result to read.",
                    None,
                ));
            };
            let after = response.headers.retry_after().unwrap_or(limits::POLL_INTERVAL_DEFAULT);
            let next = clock.now() + after.max(limits::POLL_INTERVAL_MIN);
            if next > until {
                let why = "Azure did not give the result of a read within three minutes.";
                return Err(StepError::transient("read_too_slow", why, None));
            }
            clock.sleep_until(next).await;
            let handle = OperationHandle { url, kind: HandleKind::Location };
            response = self.poll(&handle, context).await?;
        }
        // Some answers name only the status URL: its body then is a status, and the result is lost.
        if location.is_none()
            && let Ok(PollAnswer::Failed(error)) =
                operation::read_polled(HandleKind::AsyncOperation, &response)
        {
            return Err(error);
        }
        read_body(&response)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.guard.endpoint.clone();
        url.set_path(path);
        url.set_query(Some(&format!("api-version={}", version::of(path))));
        url
    }
}

fn read_body(response: &WireResponse) -> Result<Option<Value>, StepError> {
    match response.status {
        404 => {
            // A missing group or subscription is not an absent resource.
            let error = refusal(response, &Purpose::Read);
            if ["ResourceGroupNotFound", "SubscriptionNotFound"].contains(&error.code.as_str()) {
                return Err(error);
            }
            Ok(None)
        }
        200..=299 if response.body.is_empty() => Ok(Some(Value::Null)),
        200..=299 => serde_json::from_slice(&response.body)
            .map(Some)
            .map_err(|_| StepError::transient("unreadable", "Azure's answer is not JSON.", None)),
        _ => Err(refusal(response, &Purpose::Read)),
    }
}

#[cfg(test)]
mod tests;
