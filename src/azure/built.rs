//! Which request does the generated client make of a resource's names? Built once for each call, and kept.
//!
//! Nothing of it depends on anything but the call and the id, and a run asks for the same resource hundreds of
//! times. The generated client holds a dummy token and sends nowhere: what it would have sent is taken down, and
//! goes out through the guard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core_021 as core;
use azure_mgmt_network::package_2024_03::Client as Network;
use azure_mgmt_network::package_2024_03::models::EffectiveRoutesParameters;
use url::Url;

use super::called::{CalledKind, kind};
use super::wire::{Headers, Method, WireRequest};
use crate::model::hub::HUB_TABLES;
use crate::model::{ResourceId, StepError};

/// A read that ARM models as an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reading {
    LearnedRoutes,
    AdvertisedRoutes { peer: String },
    BgpPeers,
    ArpTable { path: &'static str },
    CircuitRoutes { path: &'static str },
    CircuitRouteSummary { path: &'static str },
    HubRoutes { table: String },
}

/// A call of the generated client that is about one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BuiltCall {
    Get,
    Delete,
    Read(Reading),
}

/// The requests of one endpoint.
#[derive(Debug)]
pub(super) struct BuiltRequests {
    endpoint: Url,
    /// By call, then by id in the letters it was given.
    kept: Mutex<BTreeMap<BuiltCall, BTreeMap<String, WireRequest>>>,
    /// The URLs of operations, as received and as read.
    polled: Mutex<BTreeMap<String, Url>>,
}

/// URLs of operations that are kept, all of which go when there are more.
const POLLED_MAX: usize = 128;

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

/// The `HttpClient` of the generated client: takes one request down and answers nothing.
#[derive(Debug, Default)]
struct RequestRecorder(Mutex<Option<WireRequest>>);

#[async_trait]
impl core::HttpClient for RequestRecorder {
    async fn execute_request(&self, request: &core::Request) -> core::Result<core::Response> {
        let method = Method::parse(request.method().as_ref()).ok_or_else(lost)?;
        let mut headers = Headers::new();
        for (name, value) in request.headers().iter() {
            headers.push(name.as_str().to_owned(), value.as_str());
        }
        let body = match request.body() {
            core::Body::Bytes(bytes) => bytes.clone(),
            // Nothing of ours streams.
            core::Body::SeekableStream(_) => return Err(lost()),
        };
        let wire = WireRequest { method, url: request.url().clone(), headers, body };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
        // The raw answer is what is read: the generated client need not make its own types of it.
        Err(lost())
    }
}

/// What the generated client is told in place of an answer.
fn lost() -> core::Error {
    core::Error::from(core::error::ErrorKind::Other)
}

/// Calls a verb of the generated client for a resource, whatever its type. The request is kept by
/// the recorder; what the generated call makes of its answer does not matter.
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

impl BuiltRequests {
    pub(super) fn new(endpoint: Url) -> Self {
        Self { endpoint, kept: Mutex::default(), polled: Mutex::default() }
    }

    /// The request of a call.
    pub(super) async fn of(
        &self,
        resource: &ResourceId,
        call: &BuiltCall,
    ) -> Result<WireRequest, StepError> {
        if let Some(built) = self.known(resource, call) {
            return Ok(built);
        }
        let built = self.build(resource, call).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let of_call = kept.entry(call.clone()).or_default();
        of_call.insert(resource.as_str().to_owned(), built.clone());
        Ok(built)
    }

    /// The URL of an operation, read once: it is thousands of letters long.
    pub(super) fn polled(&self, url: &str) -> Result<Url, url::ParseError> {
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = polled.get(url) {
            return Ok(known.clone());
        }
        let read = Url::parse(url)?;
        if polled.len() >= POLLED_MAX {
            polled.clear();
        }
        polled.insert(url.to_owned(), read.clone());
        Ok(read)
    }

    fn known(&self, resource: &ResourceId, call: &BuiltCall) -> Option<WireRequest> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(call)?.get(resource.as_str()).cloned()
    }

    async fn build(
        &self,
        resource: &ResourceId,
        call: &BuiltCall,
    ) -> Result<WireRequest, StepError> {
        let recorder = Arc::new(RequestRecorder::default());
        let transport: Arc<dyn core::HttpClient> = recorder.clone();
        let network = Network::builder(Arc::new(Dummy))
            .endpoint(self.endpoint.clone())
            .scopes(&["unused"])
            .retry(core::RetryOptions::none())
            .transport(core::TransportOptions::new(transport))
            .build()
            .map_err(|error| StepError::rejected("client", error.to_string()))?;
        match call {
            BuiltCall::Get => by_kind!(network, resource, get),
            BuiltCall::Delete => by_kind!(network, resource, delete),
            BuiltCall::Read(reading) => read(&network, resource, reading).await,
        }
        let built = recorder.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        built.ok_or_else(|| {
            StepError::rejected("not_built", "The request could not be built from its names.")
        })
    }
}

/// Calls the action that a read is.
async fn read(network: &Network, resource: &ResourceId, reading: &Reading) {
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
}
