//! Route tables: exactly the routes that the runbook says, or one of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::body::{self, assessment, blocked, ensure, set, with_tags};
use crate::arm::read::{list, name};
use crate::model::action::{Destination, NextHop, RouteTable, TableRoute};
use crate::model::{Assessed, Assessment, ResourceId, Undo};

/// The private addresses of firewalls that routes lead to.
pub(crate) type Firewalls = BTreeMap<ResourceId, IpAddr>;

/// Compares a route table with the desired one; a route too many is a difference.
pub(crate) fn assess(spec: &RouteTable, body: Option<&Value>, firewalls: &Firewalls) -> Assessment {
    let verdict = ensure(&spec.id, body, &wanted(spec, firewalls));
    assessment(&spec.id, body, verdict)
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &RouteTable, firewalls: &Firewalls) -> Value {
    let routes = spec.routes.iter().map(|route| {
        let properties = route_properties(&route.prefix, &route.next_hop, firewalls);
        json!({ "name": route.name, "properties": properties })
    });
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": { "routes": routes.collect::<Vec<_>>() },
    });
    set(&mut wanted, "disableBgpRoutePropagation", spec.propagate_gateway_routes.map(|on| !on));
    with_tags(wanted, &spec.tags)
}

/// What takes a table back that the run made. Its own single routes have gone before: what else is in it was put
/// there by others, and would be lost with it.
pub(crate) fn undo(spec: &RouteTable, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = body::undo(undo, body, &wanted(spec, &Firewalls::new()));
    if let (Some(body), Undo::Delete { .. }, Assessed::Change(_)) = (body, undo, &verdict) {
        let ours = |name: &str| spec.routes.iter().any(|own| own.name.eq_ignore_ascii_case(name));
        let routes = list(body, "/properties/routes").iter();
        let theirs: Vec<&str> = routes.filter_map(name).filter(|name| !ours(name)).collect();
        if !theirs.is_empty() {
            let why = format!(
                "Others have put {} into {} since. Agree with them, take the routes out, and undo again.",
                theirs.join(", "),
                spec.id.name()
            );
            verdict = blocked("routes_of_others", why);
        }
    }
    assessment(&spec.id, body, verdict)
}

/// Compares one route of a table with the desired one; the table's others are not looked at.
pub(crate) fn assess_route(
    spec: &TableRoute,
    body: Option<&Value>,
    firewalls: &Firewalls,
) -> Assessment {
    let verdict = ensure(&spec.id, body, &wanted_route(spec, firewalls));
    assessment(&spec.id, body, verdict)
}

/// The body of one route that the action writes.
pub(crate) fn wanted_route(spec: &TableRoute, firewalls: &Firewalls) -> Value {
    json!({ "properties": route_properties(&spec.prefix, &spec.next_hop, firewalls) })
}

fn route_properties(prefix: &Destination, hop: &NextHop, firewalls: &Firewalls) -> Value {
    let mut properties = json!({ "addressPrefix": prefix.to_string() });
    let (kind, address) = match hop {
        NextHop::Appliance(address) => ("VirtualAppliance", Some(*address)),
        NextHop::Firewall(id) => ("VirtualAppliance", firewalls.get(id).copied()),
        NextHop::VnetLocal => ("VnetLocal", None),
        NextHop::Internet => ("Internet", None),
        NextHop::None => ("None", None),
    };
    properties["nextHopType"] = json!(kind);
    // A next hop of another kind has none, whatever stood there.
    properties["nextHopIpAddress"] = json!(address.map(|address| address.to_string()));
    properties
}

/// The private address of a firewall's body; a verdict where there is none to write.
pub(crate) fn firewall_address(id: &ResourceId, body: Option<&Value>) -> Result<IpAddr, Assessed> {
    let Some(body) = body else {
        let why = format!(
            "The firewall {} does not exist, and a route is to lead to it. Make it first, or name the \
             address of an appliance.",
            id.name()
        );
        return Err(blocked("firewall_absent", why));
    };
    crate::arm::firewall_address(body).ok_or_else(|| Assessed::NotYet {
        why: format!(
            "the firewall {} has no private address: it is stopped, or not done",
            id.name()
        ),
        after: std::time::Duration::from_secs(15),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Region;
    use crate::model::action::{Route, Tags};

    fn id(rest: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{rest}")).unwrap()
    }

    fn spec() -> RouteTable {
        let route = |name: &str, prefix: &str, next_hop: NextHop| Route {
            name: name.to_owned(),
            prefix: Destination::parse(prefix).unwrap(),
            next_hop,
        };
        RouteTable {
            id: id("routeTables/rt"),
            location: Region::parse("southeastasia").unwrap(),
            routes: vec![
                route("via-fw", "10.0.0.0/8", NextHop::Firewall(id("azureFirewalls/fw"))),
                route("monitor", "AzureMonitor", NextHop::Internet),
            ],
            propagate_gateway_routes: None,
            tags: Tags::new(),
        }
    }

    fn firewalls() -> Firewalls {
        Firewalls::from([(id("azureFirewalls/fw"), "10.10.10.4".parse().unwrap())])
    }

    #[test]
    fn each_route_that_is_added_changed_or_removed_is_named() {
        let there = json!({ "location": "southeastasia", "properties": {
            "disableBgpRoutePropagation": true, "routes": [
                { "name": "VIA-FW", "properties": { "addressPrefix": "10.0.0.0/8",
                    "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4" } },
                { "name": "aks", "properties": { "addressPrefix": "10.244.0.0/24", "nextHopType": "None" } },
            ] } });
        let verdict = assess(&spec(), Some(&there), &firewalls()).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        let paths: Vec<&str> = change.changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "properties.routes[via-fw].properties.nextHopIpAddress",
                "properties.routes[monitor]",
                "properties.routes[aks]",
            ]
        );
        assert!(change.changes[2].after.is_null() && change.changes[1].before.is_null());
        let body = change.write.body.unwrap();
        assert_eq!(body["properties"]["disableBgpRoutePropagation"], true, "nobody said otherwise");
        assert_eq!(body["properties"]["routes"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_route_to_a_firewall_holds_its_private_address() {
        let body = json!({ "properties": { "ipConfigurations": [
            { "properties": { "publicIPAddress": { "id": "/x" } } },
            { "properties": { "privateIPAddress": "10.10.10.4" } } ] } });
        let fw = id("azureFirewalls/fw");
        assert_eq!(firewall_address(&fw, Some(&body)), Ok("10.10.10.4".parse().unwrap()));
        let hub = json!({ "properties": { "hubIPAddresses": { "privateIPAddress": "10.9.0.4" } } });
        assert!(firewall_address(&fw, Some(&hub)).is_ok());
        let none = firewall_address(&fw, None);
        assert!(matches!(none, Err(Assessed::Blocked { .. })), "{none:?}");
        let stopped = firewall_address(&fw, Some(&json!({ "properties": {} })));
        assert!(matches!(stopped, Err(Assessed::NotYet { .. })), "{stopped:?}");
    }

    #[test]
    fn a_route_that_leads_to_an_appliance_no_longer_loses_its_address() {
        let mut spec = spec();
        spec.routes.truncate(1);
        spec.routes[0].next_hop = NextHop::Internet;
        let there = json!({ "location": "southeastasia", "properties": { "routes": [
            { "name": "via-fw", "properties": { "addressPrefix": "10.0.0.0/8",
                "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4" } } ] } });
        let verdict = assess(&spec, Some(&there), &firewalls()).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        let properties = &change.write.body.unwrap()["properties"]["routes"][0]["properties"];
        let wanted = json!({ "addressPrefix": "10.0.0.0/8", "nextHopType": "Internet" });
        assert_eq!(*properties, wanted);
        let Assessed::Change(new) = assess(&spec, None, &firewalls()).verdict else { panic!() };
        let properties = &new.write.body.unwrap()["properties"]["routes"][0]["properties"];
        assert_eq!(*properties, wanted, "nothing is sent as null");
    }

    #[test]
    fn a_single_route_looks_at_no_other() {
        let route = TableRoute {
            id: id("routeTables/rt/routes/monitor"),
            prefix: Destination::Tag("AzureMonitor".to_owned()),
            next_hop: NextHop::Internet,
        };
        let there = json!({ "properties": { "addressPrefix": "azuremonitor", "nextHopType": "internet",
            "nextHopIpAddress": "", "hasBgpOverride": false } });
        let verdict = assess_route(&route, Some(&there), &Firewalls::new()).verdict;
        assert_eq!(verdict, Assessed::Holds);
    }
}
