//! What did this look like to a client of that age? Keys that an api-version does not know yet.
//!
//! The network provider writes its answers for the api-version that it is asked in; and it has come to say
//! more over the years, to old api-versions too. Where recordings differ in a key, the version and the month
//! from which on it is there stand here. A world whose clock stands in 2017 answers as Azure did in 2017.

use serde_json::Value;

use crate::model::{ResourceId, Timestamp};

/// Type, key of the body or of its properties, the first api-version that has it, and the month in which
/// Azure first answered with it, where the recordings tell. Nothing where it makes no difference.
const SINCE: &[(&str, &str, &str, &str)] = &[
    ("Microsoft.Network/virtualNetworks", "/properties/enableDdosProtection", "", "2017-06"),
    ("Microsoft.Network/virtualNetworks", "/properties/virtualNetworkPeerings", "", "2016-06"),
    (
        "Microsoft.Network/virtualNetworks",
        "/properties/privateEndpointVNetPolicies",
        "2024-03-01",
        "2024-01",
    ),
    ("Microsoft.Network/virtualNetworks/subnets", "/properties/delegations", "2018-08-01", ""),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/privateEndpointNetworkPolicies",
        "2019-04-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/privateLinkServiceNetworkPolicies",
        "2019-04-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/resourceGuid",
        "2020-06-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/peeringSyncLevel",
        "2020-11-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/doNotVerifyRemoteGateways",
        "2020-05-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/peerCompleteVnets",
        "2023-09-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteVirtualNetworkAddressSpace",
        "2020-11-01",
        "",
    ),
    ("Microsoft.Network/publicIPAddresses", "/sku", "", "2017-06"),
    ("Microsoft.Network/publicIPAddresses", "/sku/tier", "", "2021-01"),
    ("Microsoft.Network/publicIPAddresses", "/properties/ipTags", "2017-10-01", "2017-11"),
    ("Microsoft.Network/publicIPAddresses", "/properties/ddosSettings", "2022-05-01", ""),
    ("Microsoft.Network/expressRouteCircuits", "/properties/allowGlobalReach", "", "2018-06"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/globalReachEnabled", "", "2018-06"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/stag", "", "2018-06"),
    ("Microsoft.Network/expressRouteCircuits", "/properties/gatewayManagerEtag", "2016-12-01", ""),
    ("Microsoft.Network/expressRouteCircuits/authorizations", "/type", "", "2018-06"),
    ("Microsoft.Network/expressRouteCircuits/peerings", "/type", "", "2018-06"),
    ("Microsoft.Network/expressRouteCircuits/peerings", "/properties/connections", "", "2018-06"),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/peeredConnections",
        "",
        "2018-10",
    ),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/gatewayManagerEtag",
        "2016-12-01",
        "",
    ),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/lastModifiedBy",
        "2016-12-01",
        "",
    ),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        "/properties/microsoftPeeringConfig/legacyMode",
        "2017-08-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/allowRemoteVnetTraffic",
        "2023-09-01",
        "2024-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/allowVirtualWanTraffic",
        "2023-09-01",
        "2024-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/virtualNetworkGatewayMigrationStatus",
        "2024-03-01",
        "",
    ),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/isMigrateToCSES", "2022-01-01", ""),
    (
        "Microsoft.Network/virtualNetworks",
        "/properties/addressSpace/ipamPoolPrefixAllocations",
        "2023-11-01",
        "2024-08",
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/ipamPoolPrefixAllocations",
        "2023-11-01",
        "2024-08",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteAddressSpace/ipamPoolPrefixAllocations",
        "2023-11-01",
        "2024-08",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteVirtualNetworkAddressSpace/ipamPoolPrefixAllocations",
        "2023-11-01",
        "2024-08",
    ),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/bgpSettings", "", "2016-06"),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/natRules", "2020-11-01", ""),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/enableBgpRouteTranslationForNat",
        "2020-11-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/virtualNetworkGatewayPolicyGroups",
        "2021-08-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/disableIPSecReplayProtection",
        "2021-05-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/packetCaptureDiagnosticState",
        "2019-09-01",
        "2019-06",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/enablePrivateIpAddress",
        "",
        "2020-03",
    ),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/vpnGatewayGeneration", "", "2019-06"),
    ("Microsoft.Network/virtualNetworkGateways", "/properties/activeActive", "", "2016-06"),
    ("Microsoft.Network/connections", "/properties/expressRouteGatewayBypass", "2018-07-01", ""),
    ("Microsoft.Network/connections", "/properties/connectionMode", "", "2020-09"),
    ("Microsoft.Network/routeTables/routes", "/type", "", "2018-06"),
    ("Microsoft.Network/routeTables/routes", "/properties/hasBgpOverride", "2020-11-01", ""),
    ("Microsoft.Network/virtualNetworks/subnets", "/type", "", "2018-06"),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/ipConfigurations/*/type",
        "",
        "2018-06",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/bgpSettings/bgpPeeringAddresses",
        "",
        "2020-01",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vpnAuthenticationTypes",
        "2020-05-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vngClientConnectionConfigurations",
        "2021-05-01",
        "",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/radiusServers",
        "",
        "2020-03",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vpnClientIpsecPolicies",
        "",
        "2018-06",
    ),
    (
        "Microsoft.Network/virtualNetworkGateways",
        "/properties/vpnClientConfiguration/vpnClientProtocols",
        "",
        "2017-06",
    ),
    ("Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "/type", "", "2018-06"),
    ("Microsoft.Network/connections", "/properties/enableBgp", "", "2016-12"),
    ("Microsoft.Network/virtualNetworks", "/properties/enableVmProtection", "", "2017-06"),
    ("Microsoft.Network/connections", "/properties/connectionProtocol", "", "2019-06"),
    ("Microsoft.Network/connections", "/properties/useLocalAzureIpAddress", "", "2019-06"),
    ("Microsoft.Network/connections", "/properties/trafficSelectorPolicies", "", "2019-06"),
    ("Microsoft.Network/connections", "/properties/dpdTimeoutSeconds", "", "2019-06"),
    ("Microsoft.Network/connections", "/properties/usePolicyBasedTrafficSelectors", "", "2017-06"),
    ("Microsoft.Network/connections", "/properties/ipsecPolicies", "", "2017-06"),
    ("Microsoft.Network/publicIPAddresses", "/properties/publicIPAddressVersion", "", "2016-06"),
    ("Microsoft.Network/routeTables", "/properties/disableBgpRoutePropagation", "", "2017-10"),
];

/// Type, key, the first api-version that has it no more, and the month from which on Azure left it out.
const UNTIL: &[(&str, &str, &str, &str)] = &[
    ("Microsoft.Network/virtualNetworks", "/properties/enableVmProtection", "2020-06-01", NEVER),
    // Rolled out and taken back within a few weeks.
    (
        "Microsoft.Network/virtualNetworks",
        "/properties/addressSpace/ipamPoolPrefixAllocations",
        NEVER,
        "2024-11",
    ),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "/properties/ipamPoolPrefixAllocations",
        NEVER,
        "2024-11",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteAddressSpace/ipamPoolPrefixAllocations",
        NEVER,
        "2024-11",
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "/properties/remoteVirtualNetworkAddressSpace/ipamPoolPrefixAllocations",
        NEVER,
        "2024-11",
    ),
];

/// Later than any api-version and any month.
const NEVER: &str = "9999";

/// A body, or a list of them, as a client of an api-version sees it.
pub(super) fn shaped(body: &Value, api_version: &str, now: Timestamp) -> Value {
    let mut body = body.clone();
    shape(&mut body, api_version, &now.to_string());
    body
}

fn shape(value: &mut Value, api_version: &str, today: &str) {
    let kind = value
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| ResourceId::parse(id).ok())
        .map(|id| id.resource_type());
    if let Some(kind) = kind {
        let early = SINCE
            .iter()
            .filter(|(_, _, since, month)| api_version < *since || today < *month)
            .map(|(of, pointer, _, _)| (*of, *pointer));
        let late = UNTIL
            .iter()
            .filter(|(_, _, until, month)| api_version >= *until || today >= *month)
            .map(|(of, pointer, _, _)| (*of, *pointer));
        for (_, pointer) in early.chain(late).filter(|(of, _)| kind.is(of)) {
            remove(value, pointer);
        }
    }
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| shape(inner, api_version, today))
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| shape(inner, api_version, today)),
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
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let old = shaped(&body, "2017-11-01", at("2018-02-01T00:00:00Z"));
        assert_eq!(old["value"][0]["properties"]["stag"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["peerings"][0]["type"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["serviceKey"], "k");
        assert_eq!(shaped(&body, "2024-03-01", at("2026-01-01T00:00:00Z")), body);
    }
}
