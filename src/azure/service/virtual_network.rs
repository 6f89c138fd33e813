//! Virtual networks: their DNS servers, of which a failover may bring others. All else is kept as it is.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure};
use crate::model::Assessment;
use crate::model::action::DnsServers;

/// Compares the DNS servers of a network with the desired ones, in their order.
pub(crate) fn assess(spec: &DnsServers, body: Option<&Value>) -> Assessment {
    let verdict = match body {
        Some(body) => ensure(&spec.id, Some(body), &wanted(spec)),
        None => {
            let why = format!("The virtual network {} does not exist.", spec.id.name());
            blocked("network_absent", why)
        }
    };
    assessment(&spec.id, body, verdict)
}

/// What the action changes of the network's body.
pub(crate) fn wanted(spec: &DnsServers) -> Value {
    let servers: Vec<String> = spec.servers.iter().map(ToString::to_string).collect();
    json!({ "properties": { "dhcpOptions": { "dnsServers": servers } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Assessed, ResourceId};

    fn spec(servers: &[&str]) -> DnsServers {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
        DnsServers {
            id: ResourceId::parse(id).unwrap(),
            servers: servers.iter().map(|server| server.parse().unwrap()).collect(),
        }
    }

    fn network(servers: &[&str]) -> Value {
        json!({ "location": "eastasia", "etag": "W/1", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "dhcpOptions": { "dnsServers": servers },
            "subnets": [{ "name": "a", "id": "/x", "properties": { "addressPrefix": "10.0.0.0/24",
                "ipConfigurations": [{ "id": "/nic" }] } }] } })
    }

    #[test]
    fn servers_are_written_in_their_order_and_the_networks_subnets_stay() {
        let verdict =
            assess(&spec(&["10.0.0.4", "10.0.0.5"]), Some(&network(&["10.9.0.4"]))).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        let body = change.write.body.unwrap();
        assert_eq!(
            body["properties"]["dhcpOptions"]["dnsServers"],
            json!(["10.0.0.4", "10.0.0.5"])
        );
        assert_eq!(body["properties"]["subnets"][0]["properties"]["addressPrefix"], "10.0.0.0/24");
        let turned =
            assess(&spec(&["10.0.0.4", "10.0.0.5"]), Some(&network(&["10.0.0.5", "10.0.0.4"])));
        assert!(matches!(turned.verdict, Assessed::Change(_)), "machines ask the first one first");
    }

    #[test]
    fn a_network_is_written_and_taken_back_without_its_peerings() {
        let mut stands = network(&["10.9.0.4"]);
        let side = json!({ "name": "to-hub", "properties": { "peeringState": "Disconnected" } });
        stands["properties"]["virtualNetworkPeerings"] = json!([side]);
        let verdict = assess(&spec(&["10.0.0.4"]), Some(&stands)).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        assert_eq!(change.write.body.unwrap().pointer("/properties/virtualNetworkPeerings"), None);
        let crate::model::Undo::Restore { body, .. } = change.undo else { panic!() };
        assert_eq!(body.pointer("/properties/virtualNetworkPeerings"), None);
    }

    #[test]
    fn no_servers_are_azures_own_whether_shown_or_not() {
        assert_eq!(assess(&spec(&[]), Some(&network(&[]))).verdict, Assessed::Holds);
        let bare = json!({ "properties": { "addressSpace": {} } });
        assert_eq!(assess(&spec(&[]), Some(&bare)).verdict, Assessed::Holds);
        let verdict = assess(&spec(&[]), Some(&network(&["10.0.0.4"]))).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        assert_eq!(
            change.write.body.unwrap()["properties"]["dhcpOptions"]["dnsServers"],
            json!([])
        );
        assert!(matches!(assess(&spec(&[]), None).verdict, Assessed::Blocked { .. }));
    }
}
