//! What did this look like to a client of that age? Keys that an api-version does not know yet.
//!
//! The network provider writes its answers for the api-version that it is asked in. Where recordings of
//! several versions differ in a key, the version from which on it is there stands here.

use serde_json::Value;

use crate::model::ResourceId;

/// Type, key of the body or of its properties, and the first api-version that has it.
const SINCE: &[(&str, &str, &str)] = &[
    ("Microsoft.Network/virtualNetworks", "/properties/enableDdosProtection", "2017-09-01"),
    ("Microsoft.Network/virtualNetworks", "/properties/virtualNetworkPeerings", "2016-06-01"),
    ("Microsoft.Network/virtualNetworks", "/properties/privateEndpointVNetPolicies", "2024-03-01"),
    ("Microsoft.Network/virtualNetworks/subnets", "/properties/delegations", "2018-08-01"),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/privateEndpointNetworkPolicies",
        "2019-04-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/privateLinkServiceNetworkPolicies",
        "2019-04-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/resourceGuid",
        "2020-06-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/peeringSyncLevel",
        "2020-11-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/doNotVerifyRemoteGateways",
        "2020-05-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/peerCompleteVnets",
        "2023-09-01",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteVirtualNetworkAddressSpace",
        "2020-11-01",
    ),
    ("Microsoft.Network/publicIPAddresses", "/sku", "2017-10-01"),
    ("Microsoft.Network/publicIPAddresses", "/sku/tier", "2018-08-01"),
    ("Microsoft.Network/publicIPAddresses", "/properties/ipTags", "2017-10-01"),
    ("Microsoft.Network/publicIPAddresses", "/properties/ddosSettings", "2022-05-01"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/allowGlobalReach", "2018-07-01"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/globalReachEnabled", "2018-07-01"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/stag", "2018-07-01"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/gatewayManagerEtag", "2016-12-01"),
    ("Microsoft.Network/expressRouteCircuits/authorizations", "/type", "2018-07-01"),
    ("Microsoft.Network/expressRouteCircuits/peerings", "/type", "2018-07-01"),
    ("Microsoft.Network/expressRouteCircuits/peerings", "/properties/connections", "2018-02-01"),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/peeredConnections",
        "2018-12-01",
    ),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/gatewayManagerEtag",
        "2016-12-01",
    ),
    ("Microsoft.Network/expressRouteCircuits/peerings", "/properties/lastModifiedBy", "2016-12-01"),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/microsoftPeeringConfig/legacyMode",
        "2017-08-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/allowRemoteVnetTraffic",
        "2023-09-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/allowVirtualWanTraffic",
        "2023-09-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/virtualNetworkGatewayMigrationStatus",
        "2024-03-01",
    ),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/isMigrateToCSES", "2022-01-01"),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/natRules", "2020-11-01"),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/enableBgpRouteTranslationForNat",
        "2020-11-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/virtualNetworkGatewayPolicyGroups",
        "2021-08-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/disableIPSecReplayProtection",
        "2021-05-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/packetCaptureDiagnosticState",
        "2019-09-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/enablePrivateIpAddress",
        "2018-01-01",
    ),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/vpnGatewayGeneration", "2018-01-01"),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/activeActive", "2016-09-01"),
    ("Microsoft.Network/connections", "/properties/expressRouteGatewayBypass", "2018-07-01"),
    ("Microsoft.Network/connections", "/properties/connectionMode", "2020-06-01"),
    ("Microsoft.Network/routeTables", "/properties/disableBgpRoutePropagation", "2017-10-01"),
    ("Microsoft.Network/routeTables/routes", "/type", "2018-01-01"),
    ("Microsoft.Network/routeTables/routes", "/properties/hasBgpOverride", "2020-11-01"),
    ("Microsoft.Network/virtualNetworks/subnets", "/type", "2017-10-01"),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/ipConfigurations/*/type",
        "2018-01-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/bgpSettings/bgpPeeringAddresses",
        "2018-01-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vpnAuthenticationTypes",
        "2020-05-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vngClientConnectionConfigurations",
        "2021-05-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/radiusServers",
        "2019-08-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vpnClientIpsecPolicies",
        "2018-01-01",
    ),
    ("Microsoft.Network/connections", "/properties/enableBgp", "2017-10-01"),
    ("Microsoft.Network/virtualNetworks", "/properties/enableVmProtection", "2017-09-01"),
    ("Microsoft.Network/connections", "/properties/connectionProtocol", "2018-01-01"),
    ("Microsoft.Network/connections", "/properties/useLocalAzureIpAddress", "2018-01-01"),
    ("Microsoft.Network/connections", "/properties/trafficSelectorPolicies", "2018-01-01"),
    ("Microsoft.Network/connections", "/properties/dpdTimeoutSeconds", "2018-01-01"),
    ("Microsoft.Network/connections", "/properties/usePolicyBasedTrafficSelectors", "2017-10-01"),
    ("Microsoft.Network/connections", "/properties/ipsecPolicies", "2017-10-01"),
];

/// Type, key, and the first api-version that has it no more.
const UNTIL: &[(&str, &str, &str)] =
    &[("Microsoft.Network/virtualNetworks", "/properties/enableVmProtection", "2020-06-01")];

/// A body, or a list of them, as a client of an api-version sees it.
pub(super) fn shaped(body: &Value, api_version: &str) -> Value {
    let mut body = body.clone();
    shape(&mut body, api_version);
    body
}

fn shape(value: &mut Value, api_version: &str) {
    let kind = value
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| ResourceId::parse(id).ok())
        .map(|id| id.resource_type());
    if let Some(kind) = kind {
        let early = SINCE.iter().filter(|(_, _, since)| api_version < *since);
        let late = UNTIL.iter().filter(|(_, _, until)| api_version >= *until);
        for (_, pointer, _) in early.chain(late).filter(|(of, _, _)| kind.is(of)) {
            remove(value, pointer);
        }
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(|inner| shape(inner, api_version)),
        Value::Array(list) => list.iter_mut().for_each(|inner| shape(inner, api_version)),
        _ => {}
    }
}

/// Removes a key; `*` in the pointer stands for every item of a list.
fn remove(value: &mut Value, pointer: &str) {
    if let Some((list, rest)) = pointer.split_once("/*") {
        let items = value.pointer_mut(list).and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(|item| remove(item, rest));
        return;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let parent = if parent.is_empty() { Some(value) } else { value.pointer_mut(parent) };
    if let Some(object) = parent.and_then(Value::as_object_mut) {
        object.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_old_client_does_not_see_what_came_later() {
        let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        let body = json!({ "value": [{
            "id": format!("{network}/expressRouteCircuits/c"),
            "properties": { "stag": 2, "serviceKey": "k", "peerings": [{
                "id": format!("{network}/expressRouteCircuits/c/peerings/p"), "type": "t",
            }] },
        }] });
        let old = shaped(&body, "2017-11-01");
        assert_eq!(old["value"][0]["properties"]["stag"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["peerings"][0]["type"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["serviceKey"], "k");
        assert_eq!(shaped(&body, "2024-03-01"), body);
    }
}
