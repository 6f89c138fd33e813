//! What may a route table and its routes say?

use serde_json::{Value, json};

use super::{Provider, Put, Shown, child, default, top_level};
use crate::arm::kind;
use crate::arm::read::text;
use crate::model::ResourceId;
use crate::model::azure_limits::{ROUTES_PER_TABLE, ROUTES_PER_TABLE_USAGE};
use crate::model::destination::Destination;
use crate::sim::body_rule::BodyRule;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// Where a route leads to.
const PREFIX: &str = "/properties/addressPrefix";

pub(super) struct RouteTableType;

pub(super) struct RouteType;

impl Provider for RouteTableType {
    fn kind(&self) -> &'static str {
        kind::ROUTE_TABLES
    }

    fn computed(&self) -> &'static [&'static str] {
        &["subnets"]
    }

    fn word(&self) -> &'static str {
        "RouteTable"
    }

    fn children(&self) -> &'static [&'static str] {
        &["routes"]
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (2, 2)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn usages(&self) -> &'static [(&'static str, u64)] {
        // Azure updates 562695: 600 since the spring of 2026, 200 before.
        &[("RouteTables", 600)]
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let routes = put.body.pointer("/properties/routes").and_then(Value::as_array);
        let routes = routes.map(Vec::as_slice).unwrap_or_default();
        check_count(world, put.id, routes.len())?;
        routes.iter().try_for_each(check_hop)?;
        routes.iter().enumerate().try_for_each(|(place, own)| {
            let name = |route: &Value| text(route, "/name").unwrap_or_default().to_owned();
            let before = routes.iter().take(place);
            check_alone(&name(own), own, before.map(|other| (name(other), other)))
        })
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        world.show_users(shown.id, "routeTable", body);
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("subnets");
            properties.remove("routes");
        }
        default(&mut properties, "disableBgpRoutePropagation", json!(false));
        default(&mut properties, "disablePeeringRoute", json!("None"));
        top_level(put, properties)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.resources.user_of(id, kind::SUBNETS) {
            None => Ok(()),
            // As reported in Microsoft's own troubleshooting of it, of March 2025; it names no user.
            Some(_) => Err(Refusal::new(
                400,
                "InUseRouteTableCannotBeDeleted",
                format!("Route table {} is in use and cannot be deleted.", id.name()),
            )),
        }
    }
}

impl Provider for RouteType {
    fn kind(&self) -> &'static str {
        kind::ROUTES
    }

    fn word(&self) -> &'static str {
        "Route"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (2, 2)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Destination("/properties/addressPrefix"),
            BodyRule::Address("/properties/nextHopIpAddress"),
            BodyRule::Needs(&["/properties/addressPrefix"]),
            BodyRule::Needs(&["/properties/nextHopType"]),
        ]
    }

    fn usages(&self) -> &'static [(&'static str, u64)] {
        &[(ROUTES_PER_TABLE_USAGE, ROUTES_PER_TABLE as u64)]
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        check_hop(put.body)?;
        let Some(table) = put.id.parent() else { return Ok(()) };
        let others = || world.resources.children(&table).filter(|(id, _)| *id != put.id);
        check_count(world, &table, others().count() + 1)?;
        let others = others().map(|(id, route)| (id.name().to_owned(), &route.body));
        check_alone(put.id.name(), put.body, others)
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        default(&mut properties, "hasBgpOverride", json!(false));
        child(put, properties)
    }
}

/// A table takes one route to a prefix, whatever their names (cloud-provider-azure 657).
fn check_alone<'r>(
    name: &str,
    route: &Value,
    mut others: impl Iterator<Item = (String, &'r Value)>,
) -> Result<(), Refusal> {
    let leads_to = |route: &Value| Destination::parse(text(route, PREFIX)?);
    let Some(own) = leads_to(route) else { return Ok(()) };
    let same = |other: &Value| leads_to(other).is_some_and(|other| other.is_same(&own));
    match others.find(|(_, other)| same(other)) {
        None => Ok(()),
        Some((other, _)) => Err(Refusal::new(
            400,
            "RouteConflict",
            format!(
                "Route: {name} conflicts with Route: {other}. Routes cannot have the same AddressPrefix."
            ),
        )),
    }
}

/// Refuses more routes in a table than this world allows.
fn check_count(world: &World, table: &ResourceId, count: usize) -> Result<(), Refusal> {
    let limit = world.governance.quota(ROUTES_PER_TABLE_USAGE).map(usize::try_from);
    let limit = limit.and_then(Result::ok).unwrap_or(ROUTES_PER_TABLE);
    if count <= limit {
        return Ok(());
    }
    let message = format!(
        "Route table {table} cannot have {count} routes: the limit of the subscription is {limit}."
    );
    Err(Refusal::unconfirmed(&unconfirmed::ROUTES_MANY, message))
}

fn check_hop(route: &Value) -> Result<(), Refusal> {
    let prefix = text(route, PREFIX);
    if prefix.is_none_or(|prefix| Destination::parse(prefix).is_none()) {
        let message = format!(
            "The address prefix '{}' of a route is neither a prefix nor a service tag.",
            prefix.unwrap_or_default()
        );
        return Err(Refusal::new(400, "InvalidAddressPrefixFormat", message));
    }
    let hop = route.pointer("/properties/nextHopType").and_then(Value::as_str);
    let address = route
        .pointer("/properties/nextHopIpAddress")
        .filter(|address| address.as_str().is_some_and(|text| !text.is_empty()));
    let appliance = hop.is_some_and(|hop| hop.eq_ignore_ascii_case("VirtualAppliance"));
    if appliance != address.is_some() {
        let message = "Only a next hop of type VirtualAppliance has an address.";
        return Err(Refusal::unconfirmed(&unconfirmed::NEXT_HOP, message));
    }
    Ok(())
}
