//! Route tables: exactly the routes that the runbook says.

use serde_json::{Value, json};

use super::body::{assessment, ensure};
use crate::model::Assessment;
use crate::model::action::{NextHop, Route, RouteTable};

/// Compares a route table with the desired one; a route too many is a difference.
pub(crate) fn assess(spec: &RouteTable, body: Option<&Value>) -> Assessment {
    let verdict = ensure(&spec.id, body, &wanted(spec));
    assessment(&spec.id, body, verdict)
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &RouteTable) -> Value {
    json!({
        "location": spec.location.as_str(),
        "properties": {
            "disableBgpRoutePropagation": !spec.propagate_gateway_routes,
            "routes": spec.routes.iter().map(route).collect::<Vec<_>>(),
        },
    })
}

fn route(route: &Route) -> Value {
    let mut properties = json!({ "addressPrefix": route.prefix.to_string() });
    let kind = match &route.next_hop {
        NextHop::Appliance(address) => {
            properties["nextHopIpAddress"] = json!(address.to_string());
            "VirtualAppliance"
        }
        NextHop::VnetLocal => "VnetLocal",
        NextHop::Internet => "Internet",
        NextHop::None => "None",
    };
    properties["nextHopType"] = json!(kind);
    json!({ "name": route.name, "properties": properties })
}
