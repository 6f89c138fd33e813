//! Names of private zones and endpoints of traffic managers: where clients are told to go.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, set};
use crate::model::Assessment;
use crate::model::action::{DnsRecord, Steering, TrafficEndpoint};
use crate::model::steering::TTL;

/// Compares what tells clients where to go with what it shall tell.
pub(crate) fn assess(steering: &Steering, body: Option<&Value>) -> Assessment {
    let id = steering.id();
    let verdict = match (steering, body) {
        (Steering::Endpoint(spec), None) => {
            let profile = id.parent().map_or(String::new(), |profile| profile.name().to_owned());
            let why = format!(
                "The profile {profile} has no endpoint {}, and only who knows its target can make one. Make \
                 it first, or write the name that it has.",
                spec.id.name()
            );
            blocked("endpoint_absent", why)
        }
        _ => ensure(id, body, &wanted(steering, body)),
    };
    assessment(id, body, verdict)
}

/// The body that the action writes.
pub(crate) fn wanted(steering: &Steering, body: Option<&Value>) -> Value {
    match steering {
        Steering::Record(spec) => record(spec, body),
        Steering::Endpoint(spec) => endpoint(spec),
    }
}

fn record(spec: &DnsRecord, body: Option<&Value>) -> Value {
    let (list, key) =
        if spec.is_v6() { ("aaaaRecords", "ipv6Address") } else { ("aRecords", "ipv4Address") };
    let addresses: Vec<Value> =
        spec.addresses.iter().map(|address| json!({ key: address })).collect();
    let mut wanted = json!({ "properties": { list: addresses } });
    // Azure takes no record set without one.
    let ttl = spec.ttl.or(body.is_none().then_some(TTL));
    set(&mut wanted, "ttl", ttl);
    wanted
}

fn endpoint(spec: &TrafficEndpoint) -> Value {
    let mut wanted = json!({ "properties": {} });
    let word = |on: bool| if on { "Enabled" } else { "Disabled" };
    set(&mut wanted, "endpointStatus", spec.enabled.map(word));
    set(&mut wanted, "priority", spec.priority);
    set(&mut wanted, "weight", spec.weight);
    wanted
}

#[cfg(test)]
mod tests {
    use super::super::body::undo;
    use super::*;
    use crate::model::{Assessed, PlannedChange, ResourceId, Undo};

    fn id(rest: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{rest}")).unwrap()
    }

    fn name(addresses: &[&str], ttl: Option<u32>) -> Steering {
        Steering::Record(DnsRecord {
            id: id("privateDnsZones/corp.example/A/app1"),
            addresses: addresses.iter().map(|own| own.parse().unwrap()).collect(),
            ttl,
        })
    }

    /// A record set as Azure shows it.
    fn shown(addresses: &[&str]) -> Value {
        let list: Vec<Value> = addresses.iter().map(|own| json!({ "ipv4Address": own })).collect();
        json!({ "id": "x", "name": "app1", "type": "Microsoft.Network/privateDnsZones/A", "etag": "e",
            "properties": { "metadata": { "owner": "noc" }, "fqdn": "app1.corp.example.", "ttl": 3600,
                "aRecords": list, "isAutoRegistered": false } })
    }

    fn change(verdict: Assessed) -> PlannedChange {
        match verdict {
            Assessed::Change(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_stands_for_exactly_its_addresses_in_any_order_and_keeps_its_ttl() {
        let spec = name(&["10.20.0.4", "10.20.0.5"], None);
        assert_eq!(
            assess(&spec, Some(&shown(&["10.20.0.5", "10.20.0.4"]))).verdict,
            Assessed::Holds
        );
        for other in [vec!["10.20.0.4"], vec!["10.20.0.4", "10.20.0.5", "10.1.0.4"]] {
            let made = change(assess(&spec, Some(&shown(&other))).verdict);
            let written = made.write.body.unwrap();
            assert_eq!(written["properties"]["ttl"], 3_600);
            assert_eq!(
                written["properties"]["metadata"]["owner"], "noc",
                "what others wrote stays"
            );
            assert_eq!(written["properties"]["aRecords"].as_array().unwrap().len(), 2);
            assert!(
                written["properties"].get("isAutoRegistered").is_none(),
                "only Azure writes that"
            );
        }
        let new = change(assess(&spec, None).verdict).write.body.unwrap();
        assert_eq!(new["properties"]["ttl"], TTL);
    }

    #[test]
    fn a_name_goes_back_to_the_addresses_that_it_had() {
        let spec = name(&["10.20.0.4"], Some(30));
        let made = change(assess(&spec, Some(&shown(&["10.1.0.4"]))).verdict);
        let now = made.write.body.unwrap();
        let back = change(undo(&made.undo, Some(&now), &wanted(&spec, Some(&now))));
        let properties = &back.write.body.unwrap()["properties"];
        assert_eq!(properties["aRecords"], json!([{ "ipv4Address": "10.1.0.4" }]));
        assert_eq!(properties["ttl"], 3_600);
    }

    #[test]
    fn an_endpoint_that_is_not_there_is_never_made() {
        let spec = Steering::Endpoint(TrafficEndpoint {
            id: id("trafficManagerProfiles/tm/azureEndpoints/ea"),
            enabled: Some(false),
            priority: None,
            weight: None,
        });
        assert!(matches!(assess(&spec, None).verdict, Assessed::Blocked { .. }));
        let there = json!({ "properties": { "endpointStatus": "Enabled", "priority": 1,
            "target": "ea.example.com", "endpointMonitorStatus": "Online" } });
        let made = change(assess(&spec, Some(&there)).verdict);
        let written = made.write.body.clone().unwrap();
        assert_eq!(written["properties"]["endpointStatus"], "Disabled");
        assert_eq!(written["properties"]["target"], "ea.example.com");
        assert!(written["properties"].get("endpointMonitorStatus").is_none());
        assert!(matches!(made.undo, Undo::Restore { .. }));
        assert_eq!(assess(&spec, Some(&written)).verdict, Assessed::Holds);
    }
}
