//! What do gateways, route tables and routes say under `with`? Their values to desired states.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::actions::{ActionValues, Built, PUBLIC_IPS};
use crate::model::action::{
    Autoscale, Destination, DnsServers, Gateway, NextHop, Removal, RemovalKind, Route, RouteTable,
    SecurityGroupUse, TableRoute,
};
use crate::model::azure_limits::{DNS_SERVERS_MAX, ROUTES_PER_TABLE, scales_between};
use crate::model::destination::SERVICE_TAG_ROUTES_MAX;
use crate::model::tags::Tags;
use crate::model::{Action, ResourceId, resource_name};
use crate::runbook::{Code, Diagnostic};

/// Tags that were read.
pub(super) fn tags(value: Option<&Value>) -> Tags {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = value.and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

pub(super) fn gateway(values: &ActionValues<'_>) -> Built<Action> {
    let vnet = values.id("vnet")?;
    let kind = "Microsoft.Network/virtualNetworkGateways";
    let sku = values.text("sku")?.to_owned();
    Ok(Action::Gateway(Gateway {
        id: values.beside("name", kind, Some(&vnet))?,
        location: values.region("location")?,
        subnet: vnet.child("subnets", "GatewaySubnet").map_err(|_| None)?,
        public_ip: match values.get("public_ip") {
            Some(_) => Some(values.beside("public_ip", PUBLIC_IPS, Some(&vnet))?),
            None => None,
        },
        autoscale: autoscale(values, &sku)?,
        allow_remote_vnet_traffic: values.said("allow_remote_vnet_traffic"),
        allow_virtual_wan_traffic: values.said("allow_virtual_wan_traffic"),
        tags: tags(values.get("tags")),
        sku,
    }))
}

fn autoscale(values: &ActionValues<'_>, sku: &str) -> Built<Option<Autoscale>> {
    let Some(bounds) = values.get("autoscale") else { return Ok(None) };
    let bound = |key: &str| {
        bounds.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).ok_or(None)
    };
    let (min, max) = (bound("min")?, bound("max")?);
    let wrong = if !sku.eq_ignore_ascii_case("ErGwScale") {
        Some(format!("Only an ErGwScale gateway scales, and this one is {sku}."))
    } else if min > max {
        Some(format!("`min` is {min}, and `max` no more than {max}."))
    } else if !scales_between(min.into(), max.into()) {
        Some(format!(
            "`min` is {min} and `max` {max}: a gateway that scales has two units at least, and one of one unit has \
             `max: 1`."
        ))
    } else {
        None
    };
    match wrong {
        Some(message) => Err(values.wrong("autoscale", Code::BadValue, message)),
        None => Ok(Some(Autoscale { min, max })),
    }
}

pub(super) fn route_table(values: &ActionValues<'_>) -> Built<Action> {
    let vnet = values.id("vnet").ok();
    let mut routes: Vec<Route> = Vec::new();
    for item in values.get("routes").and_then(Value::as_array).ok_or(None)? {
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(why) = resource_name::wrong_child(&name) {
            let message = format!("The route's name `{name}` {why}.");
            return Err(values.wrong("routes", Code::BadName, message));
        }
        let (prefix, next_hop) = way(values, item, "routes")?;
        routes.push(Route { name, prefix, next_hop });
    }
    let mut names = BTreeSet::new();
    if let Some(twin) = routes.iter().find(|own| !names.insert(own.name.to_ascii_lowercase())) {
        let message = format!("The table has two routes of the name `{}`.", twin.name);
        return Err(values.wrong("routes", Code::BadValue, message));
    }
    if let Some(message) = same_prefix(&routes) {
        return Err(values.wrong("routes", Code::BadValue, message));
    }
    if routes.len() > ROUTES_PER_TABLE {
        let message = format!(
            "The table has {} routes, and Azure takes {ROUTES_PER_TABLE} in a table.",
            routes.len()
        );
        return Err(values.wrong("routes", Code::BadValue, message));
    }
    let by_tag = routes.iter().filter(|own| own.prefix.prefix().is_none()).count();
    if by_tag > SERVICE_TAG_ROUTES_MAX {
        let message = format!(
            "{by_tag} routes name service tags, and Azure takes {SERVICE_TAG_ROUTES_MAX} in a table."
        );
        return Err(values.wrong("routes", Code::BadValue, message));
    }
    Ok(Action::RouteTable(RouteTable {
        id: values.beside("name", "Microsoft.Network/routeTables", vnet.as_ref())?,
        location: values.region("location")?,
        routes,
        propagate_gateway_routes: values.said("propagate_gateway_routes"),
        tags: tags(values.get("tags")),
    }))
}

/// Two routes of a table that lead to one prefix: Azure refuses the table (cloud-provider-azure 657).
fn same_prefix(routes: &[Route]) -> Option<String> {
    routes.iter().enumerate().find_map(|(place, own)| {
        let other = routes.iter().take(place).find(|other| other.prefix.is_same(&own.prefix))?;
        Some(format!(
            "The routes `{}` and `{}` both lead to {}, and Azure takes one route to a prefix in a table.",
            other.name, own.name, own.prefix
        ))
    })
}

pub(super) fn route(values: &ActionValues<'_>) -> Built<Action> {
    let own: Value = ["prefix", "next_hop", "firewall"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), values.get(key)?.clone())))
        .collect();
    let (prefix, next_hop) = way(values, &own, "next_hop")?;
    let id = values.child(&values.id("route_table")?, "routes")?;
    Ok(Action::Route(TableRoute { id, prefix, next_hop }))
}

pub(super) fn no_route(values: &ActionValues<'_>) -> Built<Action> {
    let id = values.child(&values.id("route_table")?, "routes")?;
    Ok(Action::Remove(Removal {
        kind: RemovalKind::Route,
        id,
        authorization: None,
        gateway: None,
        remote: None,
    }))
}

/// Where a route leads to and over what.
fn way(values: &ActionValues<'_>, item: &Value, key: &str) -> Built<(Destination, NextHop)> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let hop = match (text("next_hop"), text("firewall")) {
        (None, Some(id)) => NextHop::Firewall(
            ResourceId::parse(id)
                .map_err(|error| values.wrong(key, Code::BadValue, format!("{error}.")))?,
        ),
        (Some("vnet_local"), None) => NextHop::VnetLocal,
        (Some("internet"), None) => NextHop::Internet,
        (Some("none"), None) => NextHop::None,
        (Some(other), None) => NextHop::Appliance(other.parse().map_err(|_| {
            let message = format!("`{other}` is no next hop.");
            let help = "Write an appliance's address, or vnet_local, internet, none, or name an Azure \
                        Firewall under `firewall`. An ExpressRoute gateway cannot be a next hop.";
            Some(Diagnostic::error(Code::BadValue, values.span(key), message).with_help(help))
        })?),
        (Some(_), Some(_)) | (None, None) => {
            let message = "A route has either `next_hop` or `firewall`.";
            return Err(values.wrong(key, Code::MissingKey, message));
        }
    };
    let prefix = text("prefix").and_then(Destination::parse).ok_or(None)?;
    if let (Destination::Prefix(to), NextHop::Appliance(over)) = (&prefix, &hop)
        && to.addr().is_ipv4() != over.is_ipv4()
    {
        let message = format!("{to} cannot be reached over {over}: one is IPv4, the other IPv6.");
        return Err(values.wrong(key, Code::BadValue, message));
    }
    Ok((prefix, hop))
}

pub(super) fn security_group(values: &ActionValues<'_>, used: bool) -> Built<Action> {
    let (subnet, security_group) = (values.id("subnet")?, values.id("security_group")?);
    if used && subnet.name().eq_ignore_ascii_case("GatewaySubnet") {
        let message =
            "A GatewaySubnet takes no network security group: its gateway would not work.";
        return Err(values.wrong("subnet", Code::GatewaySubnet, message));
    }
    Ok(Action::SecurityGroup(SecurityGroupUse { subnet, security_group, used }))
}

pub(super) fn dns(values: &ActionValues<'_>) -> Built<Action> {
    let list = values.get("servers").and_then(Value::as_array).ok_or(None)?;
    let servers: Vec<IpAddr> =
        list.iter().filter_map(|server| server.as_str()?.parse().ok()).collect();
    if servers.len() > DNS_SERVERS_MAX {
        let message = format!(
            "A network has at most {DNS_SERVERS_MAX} DNS servers, and these are {}.",
            servers.len()
        );
        return Err(values.wrong("servers", Code::BadValue, message));
    }
    Ok(Action::Dns(DnsServers { id: values.id("vnet")?, servers }))
}

#[cfg(test)]
mod tests {
    use crate::plan::{CompileOptions, compile};
    use crate::runbook::SourceFile;

    /// What is said of a table with a route `a` to the first prefix and a route `b` to the second.
    fn said(both: [&str; 2]) -> Vec<String> {
        let [a, b] = both.map(|prefix| format!("prefix: '{prefix}', next_hop: internet"));
        said_of(&format!("{{ name: a, {a} }}, {{ name: b, {b} }}"))
    }

    /// What is said of a table with these routes.
    fn said_of(routes: &str) -> Vec<String> {
        let text = format!(
            "runbook: r\ntitle: R\nsteps:\n  table:\n    action: route_table.ensure\n    with:\n      name: \
             /subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/routeTables/rt\n      location: \
             southeastasia\n      routes: [{routes}]\n"
        );
        said_of_text(text)
    }

    fn said_of_text(text: String) -> Vec<String> {
        let compiled = compile(&SourceFile::new("r.yaml", text), &CompileOptions::default());
        compiled.diagnostics.sorted().iter().map(|own| own.message.clone()).collect()
    }

    #[test]
    fn a_table_has_one_route_to_a_prefix() {
        let wide = said(["10.0.0.0/8", "10.0.0.0/9"]);
        let twice =
            |said: &Vec<String>| said.iter().any(|own| own.contains("`a` and `b` both lead to"));
        assert!(!twice(&wide), "{wide:?}");
        for both in [
            ["10.0.0.0/8", "10.0.0.0/8"],
            ["fd00:0::/48", "fd00::/48"],
            ["AzureMonitor", "azuremonitor"],
        ] {
            let said = said(both);
            assert!(twice(&said), "{both:?}: {said:?}");
        }
    }

    #[test]
    fn a_route_and_its_next_hop_are_of_one_family() {
        for (prefix, hop, apart) in [
            ("2001:db8::/32", "10.10.10.10", true),
            ("10.0.0.0/8", "fd00::1", true),
            ("10.0.0.0/8", "10.10.10.10", false),
            ("AzureMonitor", "10.10.10.10", false),
        ] {
            let said = said_of(&format!("{{ name: a, prefix: '{prefix}', next_hop: '{hop}' }}"));
            let told = said.iter().any(|own| own.contains("one is IPv4, the other IPv6"));
            assert_eq!(told, apart, "{prefix} {hop}: {said:?}");
        }
    }

    #[test]
    fn a_table_has_a_thousand_routes_at_most() {
        for (count, many) in [(1_000, false), (1_001, true)] {
            let route = |n: u32| {
                let (high, low) = (n / 256, n % 256);
                format!("{{ name: r{n}, prefix: 10.{high}.{low}.0/24, next_hop: internet }}")
            };
            let said = said_of(&(0..count).map(route).collect::<Vec<_>>().join(", "));
            let told = said.iter().any(|own| own.starts_with("The table has 1001 routes"));
            assert_eq!(told, many, "{said:?}");
        }
    }

    #[test]
    fn a_network_has_twenty_dns_servers_at_most() {
        for (count, many) in [(20, false), (21, true)] {
            let servers: Vec<String> = (1..=count).map(|n| format!("10.0.0.{n}")).collect();
            let said = said_of_text(format!(
                "runbook: r\ntitle: R\nsteps:\n  names:\n    action: vnet.dns\n    with:\n      vnet: \
                 /subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v\n      servers: [{}]\n",
                servers.join(", ")
            ));
            let told = said.iter().any(|own| own.contains("at most 20 DNS servers"));
            assert_eq!(told, many, "{said:?}");
        }
    }
}
