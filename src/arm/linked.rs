//! On what else does a write need a right? What a body refers to, and Azure asks about before it takes the body
//! (linked authorization): also what stood in it before, and the write only carries along.

use serde_json::Value;

use super::network::{PeeringView, SubnetView, VirtualNetworkView};
use super::read::{id_at, list};
use super::{GatewayView, kind};
use crate::model::ResourceId;

/// The right to use a resource in another.
const JOIN: &str = "join/action";

/// What a body of this type refers to, each with the right that is needed on it. Of other types than subnets,
/// networks and gateways, none: what those refer to, their step names.
#[must_use]
pub fn linked(of: &str, body: &Value) -> Vec<(ResourceId, &'static str)> {
    if of.eq_ignore_ascii_case(kind::SUBNETS) {
        subnet(body)
    } else if of.eq_ignore_ascii_case(kind::NETWORKS) {
        network(body)
    } else if of.eq_ignore_ascii_case(kind::GATEWAYS) {
        gateway(body)
    } else {
        Vec::new()
    }
}

fn subnet(body: &Value) -> Vec<(ResourceId, &'static str)> {
    let view = SubnetView::of(body);
    let policies = list(body, "/properties/serviceEndpointPolicies").iter();
    let one = [view.route_table(), view.security_group(), id_at(body, "/properties/natGateway/id")];
    let all = one.into_iter().flatten().chain(policies.filter_map(|own| id_at(own, "/id")));
    all.map(|id| (id, JOIN)).collect()
}

fn network(body: &Value) -> Vec<(ResourceId, &'static str)> {
    let plan = id_at(body, "/properties/ddosProtectionPlan/id").map(|id| (id, JOIN));
    let view = VirtualNetworkView::of(body);
    let peers = view.peerings().iter().filter_map(|side| PeeringView::of(side).remote());
    let peers = peers.map(|id| (id, "peer/action"));
    view.subnets().iter().flat_map(subnet).chain(plan).chain(peers).collect()
}

fn gateway(body: &Value) -> Vec<(ResourceId, &'static str)> {
    let all = GatewayView::of(body).configurations().iter();
    all.flat_map(|own| {
        ["/properties/subnet/id", "/properties/publicIPAddress/id"].map(|at| id_at(own, at))
    })
    .flatten()
    .map(|id| (id, JOIN))
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(kind: &str, name: &str) -> String {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}")
    }

    #[test]
    fn a_network_carries_what_its_subnets_and_peerings_refer_to() {
        let subnet = json!({ "name": "a", "properties": {
            "routeTable": { "id": id("routeTables", "t") },
            "networkSecurityGroup": { "id": id("networkSecurityGroups", "n") },
            "natGateway": { "id": id("natGateways", "w") },
            "serviceEndpointPolicies": [{ "id": id("serviceEndpointPolicies", "p") }] } });
        let told = |of: &str, body: &Value| -> Vec<String> {
            linked(of, body).into_iter().map(|(id, verb)| format!("{} {verb}", id.name())).collect()
        };
        let own = ["t join/action", "n join/action", "w join/action", "p join/action"];
        assert_eq!(told(kind::SUBNETS, &subnet), own);
        let network = json!({ "properties": { "subnets": [subnet],
            "ddosProtectionPlan": { "id": id("ddosProtectionPlans", "d") },
            "virtualNetworkPeerings": [{ "name": "x", "properties": {
                "remoteVirtualNetwork": { "id": id("virtualNetworks", "v") } } }] } });
        let all = [&own[..], &["d join/action", "v peer/action"]].concat();
        assert_eq!(told("microsoft.network/virtualnetworks", &network), all);
        assert!(told(kind::CONNECTIONS, &network).is_empty());
    }
}
