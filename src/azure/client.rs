//! Which call of ARM? The generated client for what it covers, raw JSON for what it does not (D2, D13).
//!
//! Each call is one attempt with its own request id. The generated client builds the URL and holds a
//! dummy token; what comes back is read raw.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core_021 as core;
use azure_mgmt_network::package_2024_03::Client as Network;
use azure_mgmt_network::package_2024_03::models::EffectiveRoutesParameters;
use serde_json::Value;
use url::Url;

use super::called::{CalledKind, kind};
use super::error::refusal;
use super::guard::{Attempt, RequestGuard, refused};
use super::list::Pages;
use super::operation;
use super::purpose::Purpose;
use super::wire::{Headers, Method, WireRequest, WireResponse};
use crate::arm::version;
use crate::engine::{CallContext, PollAnswer};
use crate::model::hub::HUB_TABLES;
use crate::model::{HandleKind, OperationHandle, ResourceId, StepError, limits};

/// Whether a resource is of a provider of its own, which the generated client does not cover.
fn is_plain(resource: &ResourceId) -> bool {
    version::of(resource.as_str()) != version::NETWORK
}

/// How long a reading POST may take; each took ten seconds or more on the wire (docs/wire.md 2).
const READING_MAX: Duration = Duration::from_secs(180);

/// A read that ARM models as an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    LearnedRoutes,
    AdvertisedRoutes { peer: String },
    BgpPeers,
    ArpTable { path: &'static str },
    CircuitRoutes { path: &'static str },
    CircuitRouteSummary { path: &'static str },
    HubRoutes { table: String },
}

/// Calls through one guard.
#[derive(Debug, Clone)]
pub(super) struct Client {
    guard: Arc<RequestGuard>,
}

/// The credential of the generated client: what never holds the token cannot log it.
#[derive(Debug)]
struct Dummy;

#[async_trait]
impl core::auth::TokenCredential for Dummy {
    async fn get_token(&self, _: &[&str]) -> core::Result<core::auth::AccessToken> {
        let never = core::date::parse_rfc3339("9999-12-31T23:59:59Z")?;
        Ok(core::auth::AccessToken::new("put-in-at-the-guard", never))
    }

    async fn clear_cache(&self) -> core::Result<()> {
        Ok(())
    }
}

/// Calls a verb of the generated client for a resource, whatever its type. The answer is kept raw by
/// the attempt; what the generated call makes of it does not matter.
macro_rules! by_kind {
    ($network:expr, $resource:expr, $verb:ident) => {{
        let (network, resource) = (&$network, $resource);
        let (group, subscription) = (resource.resource_group(), resource.subscription());
        let (name, parent) = (resource.name(), resource.parent());
        let parent = parent.as_ref().map_or("", ResourceId::name);
        macro_rules! top {
            ($client:ident) => {
                drop(network.$client().$verb(group, name, subscription).send().await)
            };
        }
        macro_rules! child {
            ($client:ident) => {
                drop(network.$client().$verb(group, parent, name, subscription).send().await)
            };
        }
        // The clients of hubs take the subscription first.
        macro_rules! top_of_wan {
            ($client:ident) => {
                drop(network.$client().$verb(subscription, group, name).send().await)
            };
        }
        macro_rules! child_of_hub {
            ($client:ident) => {
                drop(network.$client().$verb(subscription, group, parent, name).send().await)
            };
        }
        match kind(resource)? {
            CalledKind::Circuit => top!(express_route_circuits_client),
            CalledKind::PublicIp => top!(public_ip_addresses_client),
            CalledKind::RouteTable => top!(route_tables_client),
            CalledKind::Gateway => top!(virtual_network_gateways_client),
            CalledKind::Connection => top!(virtual_network_gateway_connections_client),
            CalledKind::SecurityGroup => top!(network_security_groups_client),
            CalledKind::Network => top!(virtual_networks_client),
            CalledKind::Firewall => top!(azure_firewalls_client),
            CalledKind::LocalGateway => top!(local_network_gateways_client),
            CalledKind::Route => child!(routes_client),
            CalledKind::Authorization => child!(express_route_circuit_authorizations_client),
            CalledKind::Subnet => child!(subnets_client),
            CalledKind::Peering => child!(virtual_network_peerings_client),
            CalledKind::CircuitPeering => child!(express_route_circuit_peerings_client),
            CalledKind::Wan => top!(virtual_wans_client),
            CalledKind::Hub => top_of_wan!(virtual_hubs_client),
            CalledKind::HubGateway => top!(express_route_gateways_client),
            CalledKind::HubConnection => child!(express_route_connections_client),
            CalledKind::HubVnet => child_of_hub!(hub_virtual_network_connections_client),
            CalledKind::HubTable => child_of_hub!(hub_route_tables_client),
        }
    }};
}

impl Client {
    pub(super) fn new(guard: Arc<RequestGuard>) -> Self {
        Self { guard }
    }

    /// Lets the next call that is about a resource go with a new token.
    pub(super) async fn renew_token(&self, about: &ResourceId) {
        self.guard.renew_token(about.subscription()).await;
    }

    /// The generated client over one attempt.
    fn network(&self, attempt: &Arc<Attempt>) -> Result<Network, StepError> {
        let transport: Arc<dyn core::HttpClient> = attempt.clone();
        Network::builder(Arc::new(Dummy))
            .endpoint(self.guard.endpoint.clone())
            .scopes(&["unused"])
            .retry(core::RetryOptions::none())
            .transport(core::TransportOptions::new(transport))
            .build()
            .map_err(|error| StepError::rejected("client", error.to_string()))
    }

    /// A resource's body; none when it is not there.
    pub(super) async fn get(
        &self,
        resource: &ResourceId,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        if is_plain(resource) {
            let response = self.plain(Method::Get, resource, (&Purpose::Read, context)).await?;
            return read_body(&response);
        }
        let attempt =
            Arc::new(Attempt::new(Arc::clone(&self.guard), context.clone(), Purpose::Read));
        let network = self.network(&attempt)?;
        by_kind!(network, resource, get);
        let response = attempt.take()?;
        read_body(&response)
    }

    /// A request without a body about a resource whose type the generated client does not cover.
    async fn plain(
        &self,
        method: Method,
        resource: &ResourceId,
        (purpose, context): (&Purpose, &CallContext),
    ) -> Result<WireResponse, StepError> {
        let request = WireRequest {
            method,
            url: self.url(resource.as_str()),
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        };
        self.guard.pass(request, context, purpose).await
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
    ) -> Result<Option<Value>, StepError> {
        match kind(resource) {
            Ok(_) => self.get(resource, context).await,
            Err(_) => {
                let path = resource.as_str();
                self.get_path(path, &[("api-version", version::of(path))], context).await
            }
        }
    }

    /// Removes a resource: one attempt, for its purpose.
    pub(super) async fn delete(
        &self,
        resource: &ResourceId,
        (purpose, context): (&Purpose, &CallContext),
    ) -> Result<WireResponse, StepError> {
        if is_plain(resource) {
            return self.plain(Method::Delete, resource, (purpose, context)).await;
        }
        let (guard, purpose) = (Arc::clone(&self.guard), purpose.clone());
        let attempt = Arc::new(Attempt::new(guard, context.clone(), purpose));
        let network = self.network(&attempt)?;
        by_kind!(network, resource, delete);
        attempt.take()
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
            url: Url::parse(&handle.url).map_err(|_| refused("the URL cannot be read"))?,
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
        let attempt =
            Arc::new(Attempt::new(Arc::clone(&self.guard), context.clone(), Purpose::Read));
        let network = self.network(&attempt)?;
        let (group, subscription) = (resource.resource_group(), resource.subscription());
        let name = resource.name();
        let gateways = network.virtual_network_gateways_client();
        let circuits = network.express_route_circuits_client();
        let peering = crate::arm::PRIVATE_PEERING;
        match reading {
            Reading::LearnedRoutes => {
                drop(gateways.get_learned_routes(group, name, subscription).send().await);
            }
            Reading::AdvertisedRoutes { peer } => {
                let call = gateways.get_advertised_routes(group, name, peer, subscription);
                drop(call.send().await);
            }
            Reading::BgpPeers => {
                drop(gateways.get_bgp_peer_status(group, name, subscription).send().await);
            }
            Reading::ArpTable { path } => {
                let call = circuits.list_arp_table(group, name, peering, *path, subscription);
                drop(call.send().await);
            }
            Reading::CircuitRouteSummary { path } => {
                let call =
                    circuits.list_routes_table_summary(group, name, peering, *path, subscription);
                drop(call.send().await);
            }
            Reading::HubRoutes { table } => {
                let asked = EffectiveRoutesParameters {
                    resource_id: Some(format!("{resource}/{HUB_TABLES}/{table}")),
                    virtual_wan_resource_type: Some("RouteTable".to_owned()),
                };
                let hubs = network.virtual_hubs_client();
                let call = hubs.get_effective_virtual_hub_routes(subscription, group, name);
                drop(call.effective_routes_parameters(asked).send().await);
            }
            Reading::CircuitRoutes { path } => {
                let call = circuits.list_routes_table(group, name, peering, *path, subscription);
                drop(call.send().await);
            }
        }
        let response = attempt.take()?;
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
