//! What do actions about a virtual WAN say under `with`? Their values to desired states.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use super::actions::{ActionValues, Built, key_source};
use super::network::tags;
use crate::model::action::{
    Autoscale, HubAction, HubConnection, HubGateway, HubPreference, HubRoute, HubRoutes, HubVnet,
    Routing, Verification, VirtualHub,
};
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES};
use crate::model::{Action, ResourceId};
use crate::runbook::{Code, Diagnostic};

const HUBS: &str = "Microsoft.Network/virtualHubs";
const GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";

/// The longest prefix that a hub takes.
const HUB_PREFIX_MAX: u8 = 24;

/// An action about a virtual WAN, by its name; none for another one's.
pub(super) fn action(name: &str, values: &ActionValues<'_>) -> Built<Option<Action>> {
    Ok(Some(Action::Hub(match name {
        "virtual_hub.ensure" => hub(values)?,
        "hub_gateway.ensure" => gateway(values)?,
        "hub_connection.ensure" => connection(values)?,
        "hub_vnet.ensure" => vnet(values)?,
        "hub_routes.ensure" => routes(values)?,
        _ => return Ok(None),
    })))
}

/// `verify.hub_routes`.
pub(super) fn verification(values: &ActionValues<'_>) -> Built<Verification> {
    let hub = values.id("hub")?;
    let table = values.text("table").unwrap_or(DEFAULT_TABLE).to_owned();
    values.takable("table", hub.child(HUB_TABLES, &table))?;
    Ok(Verification::HubRoutes { hub, table, expect: values.prefixes("expect") })
}

fn hub(values: &ActionValues<'_>) -> Built<HubAction> {
    let wan = values.id("wan")?;
    let prefix: IpNet = values.text("prefix")?.parse().map_err(|_| None)?;
    if !matches!(prefix, IpNet::V4(own) if own.prefix_len() <= HUB_PREFIX_MAX) {
        let message = format!("{prefix} is not what a hub takes: an IPv4 prefix of /24 or larger.");
        return Err(values.wrong("prefix", Code::BadValue, message));
    }
    let units = values.get("routing_units_min").and_then(Value::as_u64);
    Ok(HubAction::Hub(VirtualHub {
        id: values.beside("name", HUBS, Some(&wan))?,
        wan,
        location: values.region("location")?,
        prefix,
        preference: values
            .get("routing_preference")
            .and_then(Value::as_str)
            .and_then(HubPreference::parse),
        routing_units_min: units.map(u32::try_from).transpose().map_err(|_| None)?,
        tags: tags(values.get("tags")),
    }))
}

fn gateway(values: &ActionValues<'_>) -> Built<HubAction> {
    let hub = values.id("hub")?;
    let bound = |key: &str| {
        let units = values.get("units").and_then(|units| units.get(key)).and_then(Value::as_u64);
        units.and_then(|units| u32::try_from(units).ok()).ok_or(None)
    };
    let (min, max) = (bound("min")?, bound("max")?);
    if min > max {
        let message = format!("`min` is {min}, and `max` no more than {max}.");
        return Err(values.wrong("units", Code::BadValue, message));
    }
    Ok(HubAction::Gateway(HubGateway {
        id: values.beside("name", GATEWAYS, Some(&hub))?,
        hub,
        location: values.region("location")?,
        units: Autoscale { min, max },
        allow_non_wan_traffic: values.said("allow_non_virtual_wan_traffic"),
        tags: tags(values.get("tags")),
    }))
}

fn connection(values: &ActionValues<'_>) -> Built<HubAction> {
    let gateway = values.id("gateway")?;
    let id = values.child(&gateway, "expressRouteConnections")?;
    let circuit = values.id("circuit")?;
    let authorization = key_source(values, Some(&circuit))?;
    if authorization.is_none() && circuit.subscription() != id.subscription() {
        return Err(values.keyless());
    }
    let weight = values.get("routing_weight").and_then(Value::as_u64);
    let hub = values.get("hub").map(|_| values.id("hub")).transpose()?;
    let routing = routing(values, hub.as_ref())?;
    let default = |table: &ResourceId| table.name().eq_ignore_ascii_case(DEFAULT_TABLE);
    if routing.associated.as_ref().is_some_and(|table| !default(table)) {
        let message =
            "A circuit's connection follows the default table of its hub; Azure takes no other.";
        return Err(values.wrong("associated", Code::BadValue, message));
    }
    Ok(HubAction::Connection(HubConnection {
        id,
        circuit,
        authorization,
        routing_weight: weight.map(u16::try_from).transpose().map_err(|_| None)?,
        internet_security: values.said("internet_security"),
        fast_path: values.said("fast_path"),
        routing,
    }))
}

fn vnet(values: &ActionValues<'_>) -> Built<HubAction> {
    let hub = values.id("hub")?;
    Ok(HubAction::Vnet(HubVnet {
        id: values.child(&hub, "hubVirtualNetworkConnections")?,
        vnet: values.id("vnet")?,
        internet_security: values.said("internet_security"),
        routing: routing(values, Some(&hub))?,
    }))
}

/// Which tables a connection follows and fills.
fn routing(values: &ActionValues<'_>, hub: Option<&ResourceId>) -> Built<Routing> {
    let table = |key: &'static str, text: &str| {
        let id = match hub {
            _ if text.starts_with('/') => ResourceId::parse(text),
            Some(hub) => hub.child(HUB_TABLES, text),
            None => {
                let message = format!("`{text}` is a name, and nothing says of which hub.");
                let diagnostic = Diagnostic::error(Code::MissingKey, values.span(key), message)
                    .with_help("Write the whole id of the table, or add `hub`.");
                return Err(Some(diagnostic));
            }
        };
        values.takable(key, id)
    };
    let associated = match values.text("associated") {
        Ok(text) => Some(table("associated", text)?),
        Err(_) => None,
    };
    let propagated = match values.get("propagated").and_then(Value::as_array) {
        Some(list) => {
            let names = list.iter().filter_map(Value::as_str);
            let tables = names.map(|text| table("propagated", text)).collect::<Built<Vec<_>>>()?;
            Some(tables)
        }
        None => None,
    };
    let labels = labels(values);
    for (key, empty) in [
        ("propagated", propagated.as_ref().is_some_and(Vec::is_empty)),
        ("labels", labels.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if empty {
            let message =
                format!("`{key}` names none. Azure's word for none is a table of its own.");
            let diagnostic = Diagnostic::error(Code::BadValue, values.span(key), message)
                .with_help(
                    "Write `propagated: [noneRouteTable]` and `labels: [none]`, or leave both out.",
                );
            return Err(Some(diagnostic));
        }
    }
    Ok(Routing { associated, propagated, labels })
}

fn labels(values: &ActionValues<'_>) -> Option<Vec<String>> {
    let list = values.get("labels").and_then(Value::as_array)?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn routes(values: &ActionValues<'_>) -> Built<HubAction> {
    let mut routes: Vec<HubRoute> = Vec::new();
    for item in values.get("routes").and_then(Value::as_array).ok_or(None)? {
        let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
        let prefixes = match item.get("prefixes") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let prefixes: Vec<IpNet> =
            prefixes.into_iter().filter_map(|net| net.parse().ok()).collect();
        let next_hop = ResourceId::parse(text("next_hop"))
            .map_err(|error| values.wrong("routes", Code::BadValue, format!("{error}.")))?;
        if prefixes.is_empty() {
            let message = format!("The route `{}` has no destination.", text("name"));
            return Err(values.wrong("routes", Code::BadValue, message));
        }
        let kind = next_hop.resource_type();
        let known = [
            "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
            "Microsoft.Network/azureFirewalls",
        ];
        if !known.iter().any(|known| kind.is(known)) {
            let message = format!(
                "The route `{}` leads to a {kind}; in a hub it leads to one of the hub's connections to a \
                 virtual network, or to an Azure Firewall.",
                text("name")
            );
            return Err(values.wrong("routes", Code::BadValue, message));
        }
        routes.push(HubRoute { name: text("name").to_owned(), prefixes, next_hop });
    }
    let mut names = BTreeSet::new();
    if let Some(twin) = routes.iter().find(|own| !names.insert(own.name.to_ascii_lowercase())) {
        let message = format!("The table has two routes of the name `{}`.", twin.name);
        return Err(values.wrong("routes", Code::BadValue, message));
    }
    // Azure refuses the second one (DuplicateDestinations), and leaves the table Failed
    // (terraform-provider-azurerm 31254 and PR 31258).
    let mut known = BTreeMap::new();
    for route in &routes {
        for prefix in &route.prefixes {
            if let Some(first) = known.insert(prefix.trunc(), &route.name) {
                let message = match *first == route.name {
                    true => format!("The route `{}` names {prefix} twice.", route.name),
                    false => format!("`{first}` and `{}` both lead to {prefix}.", route.name),
                };
                return Err(values.wrong("routes", Code::BadValue, message));
            }
        }
    }
    Ok(HubAction::Routes(HubRoutes {
        id: values.child(&values.id("hub")?, HUB_TABLES)?,
        labels: labels(values),
        routes,
    }))
}

#[cfg(test)]
mod tests {
    use crate::plan::{CompileOptions, compile};
    use crate::runbook::SourceFile;

    fn told(prefixes: [&str; 2]) -> String {
        let id = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualHubs/hub";
        let route = |name: &str, prefix: &str| {
            format!(
                "{{ name: {name}, prefixes: [\"{prefix}\"], next_hop: {id}/hubVirtualNetworkConnections/c }}"
            )
        };
        let (a, b) = (route("a", prefixes[0]), route("b", prefixes[1]));
        let text = format!(
            "runbook: r\ntitle: R\nsteps:\n  table:\n    action: hub_routes.ensure\n    with:\n      hub: {id}\n      \
             name: defaultRouteTable\n      routes: [{a}, {b}]\n"
        );
        let compiled = compile(&SourceFile::new("r.yaml", text), &CompileOptions::default());
        compiled.diagnostics.sorted().iter().map(|own| own.message.clone()).collect()
    }

    #[test]
    fn a_hubs_table_has_one_route_to_a_destination() {
        assert_eq!(told(["10.99.0.0/16", "10.98.0.0/16"]), "");
        assert_eq!(told(["10.99.0.0/16", "10.99.0.0/17"]), "");
        let twice = told(["10.99.0.0/16", "10.99.0.0/16"]);
        assert!(twice.contains("`a` and `b` both lead to 10.99.0.0/16."), "{twice}");
    }
}
