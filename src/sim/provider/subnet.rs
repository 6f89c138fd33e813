//! What is left of a subnet that is written? A PUT replaces the whole, so a route table that is not sent is gone.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Provider, Put, Shown, child, default, id_at, subnet_check};
use crate::arm;
use crate::arm::kind;
use crate::arm::read::{is, text};
use crate::model::ResourceId;
use crate::model::azure_limits::wrong_subnet_size;
use crate::model::net::clash;
use crate::sim::body_rule::BodyRule;
use crate::sim::reply::Refusal;
use crate::sim::show::mark_parts;
use crate::sim::unconfirmed;
use crate::sim::usage::configurations_naming;
use crate::sim::world::World;

pub(super) struct SubnetType;

/// What stands in a subnet.
const USERS: [&str; 5] = [
    "ipConfigurations",
    "ipConfigurationProfiles",
    "privateEndpoints",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
];

impl Provider for SubnetType {
    fn kind(&self) -> &'static str {
        kind::SUBNETS
    }

    fn word(&self) -> &'static str {
        "Subnet"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (3, 10)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn is_shown_among(&self) -> Option<&'static str> {
        Some("subnets")
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Prefix("/properties/addressPrefix"),
            BodyRule::Prefix("/properties/addressPrefixes/*"),
            BodyRule::Needs(&["/properties/addressPrefix", "/properties/addressPrefixes"]),
        ]
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let prefixes = sent_prefixes(put)?;
        let vnet = put.id.parent();
        let space: Vec<IpNet> = vnet
            .as_ref()
            .and_then(|vnet| world.body(vnet))
            .and_then(|body| body.pointer("/properties/addressSpace/addressPrefixes"))
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(|p| p.as_str()?.parse().ok()).collect())
            .unwrap_or_default();
        let name = vnet.as_ref().map_or("", ResourceId::name);
        check_inside((put.id.name(), &prefixes), (name, &space))?;
        check_size(put.id.name(), &prefixes, put.stored)?;
        let overlapping = world.ids().any(|other| {
            other != put.id
                && other.parent() == vnet
                && other.is_a(self.kind())
                && world
                    .body(other)
                    .is_some_and(|body| clash(&prefixes, &prefixes_of(body)).is_some())
        });
        if overlapping {
            return Err(overlaps(put.id.name()));
        }
        let home = vnet.as_ref().and_then(|vnet| world.body(vnet));
        home.map_or(Ok(()), |home| subnet_check::given(world, put.id, home, put.body))
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let mut users = world.configurations_with(shown.id);
        // Network cards are nobody's type here: a world file tells of them.
        let cards = world.resources.of_type(kind::INTERFACES);
        users.extend(
            cards.flat_map(|(user, card)| configurations_naming(shown.id, user, &card.body)),
        );
        let servers = world.route_servers_in(shown.id);
        users.extend(servers.map(|own| json!({ "id": own.as_str() })));
        let others = body.pointer("/properties/ipConfigurations").and_then(Value::as_array);
        // A card that the world has, and tells of in its subnet as well, is one.
        let is_told = |other: &&Value| {
            users.iter().any(|own| is(own, "/id", text(other, "/id").unwrap_or_default()))
        };
        let others = others.into_iter().flatten().filter(|other| !is_told(other));
        let others: Vec<Value> = others.cloned().collect();
        users.extend(others);
        if !users.is_empty() {
            body["properties"]["ipConfigurations"] = json!(users);
        }
        let delegations = body.pointer_mut("/properties/delegations");
        mark_parts(delegations, shown.etag, shown.resource.state.as_str());
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            // Who uses it is Azure's to say.
            for key in USERS {
                properties.remove(key);
            }
            // Under one name or the other: one prefix that came in the list is shown as it came.
            if properties.get("addressPrefixes").is_some_and(|list| list == &json!([])) {
                properties.remove("addressPrefixes");
            }
        }
        super::keep(&mut properties, put.stored, &USERS);
        for delegation in
            properties.get_mut("delegations").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let name = delegation["name"].as_str().unwrap_or_default().to_owned();
            delegation["id"] = json!(format!("{}/delegations/{name}", put.id));
            delegation["type"] = json!("Microsoft.Network/virtualNetworks/subnets/delegations");
            let actions = json!(["Microsoft.Network/virtualNetworks/subnets/join/action"]);
            default(&mut delegation["properties"], "actions", actions);
        }
        for endpoint in properties
            .get_mut("serviceEndpoints")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            default(endpoint, "provisioningState", json!("Succeeded"));
            default(endpoint, "locations", json!(["*"]));
        }
        let mut body = child(put, properties);
        self.complete(&mut body);
        body
    }

    fn complete(&self, body: &mut Value) {
        let properties = &mut body["properties"];
        // What stands in subnets is found where it is; of others only a world file tells.
        if let Some(users) = properties.get_mut("ipConfigurations").and_then(Value::as_array_mut) {
            users.retain(|user| {
                let id = user["id"].as_str().unwrap_or_default();
                let of = id.rsplitn(3, '/').nth(2).and_then(|id| ResourceId::parse(id).ok());
                !of.as_ref().and_then(super::of).is_some_and(Provider::stands_in_subnets)
            });
            if users.is_empty()
                && let Some(properties) = properties.as_object_mut()
            {
                properties.remove("ipConfigurations");
            }
        }
        default(properties, "delegations", json!([]));
        default(properties, "ipamPoolPrefixAllocations", json!([]));
        default(properties, "privateEndpointNetworkPolicies", json!("Disabled"));
        default(properties, "privateLinkServiceNetworkPolicies", json!("Enabled"));
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        arm::linked(kind::SUBNETS, body)
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        subnet_check::references(body)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match user_of(world, id) {
            None => Ok(()),
            Some(user) => Err(in_use(id, &user)),
        }
    }
}

/// What stands in a subnet or is linked to it: one of the world's, or one that only its file tells of.
fn user_of(world: &World, id: &ResourceId) -> Option<ResourceId> {
    let told = || {
        let body = world.body(id)?;
        let mut linked = LINKED.iter().flat_map(|key| arm::read::list(body, key));
        let linked = linked.find_map(|own| id_at(own, "/id"));
        arm::SubnetView::of(body).standing().next().or(linked)
    };
    world.user_of(id).or_else(told)
}

/// Where a subnet names what keeps it besides.
const LINKED: [&str; 2] = ["/properties/privateEndpoints", "/properties/serviceAssociationLinks"];

/// Refuses a subnet that is not in its network's address space.
fn check_inside(
    (name, prefixes): (&str, &[IpNet]),
    (vnet, space): (&str, &[IpNet]),
) -> Result<(), Refusal> {
    if prefixes.iter().all(|own| space.iter().any(|space| space.contains(own))) {
        return Ok(());
    }
    let message = format!(
        "Subnet '{name}' is not valid because its IP address range is outside the IP address \
         range of virtual network '{vnet}'."
    );
    Err(Refusal::new(400, "NetcfgInvalidSubnet", message))
}

/// Refuses a subnet of a size that Azure does not make; one that stands is taken as it is.
fn check_size(name: &str, prefixes: &[IpNet], stored: Option<&Value>) -> Result<(), Refusal> {
    let stands = stored.map(prefixes_of).unwrap_or_default();
    let mut new = prefixes.iter().filter(|own| !stands.contains(own));
    match new.find_map(|own| Some((own, wrong_subnet_size(own)?))) {
        None => Ok(()),
        Some((prefix, why)) => {
            let message = format!("Subnet '{name}' is not valid: {prefix} {why}.");
            Err(Refusal::unconfirmed(&unconfirmed::SUBNET_SIZE, message))
        }
    }
}

fn overlaps(name: &str) -> Refusal {
    let message = format!("Subnet '{name}' overlaps with another subnet.");
    Refusal::unconfirmed(&unconfirmed::SUBNETS_OVERLAP, message)
}

/// Refuses a network whose write says subnets that cannot be, or leaves out one that is in use.
pub(super) fn check_within(world: &World, put: &Put<'_>) -> Result<(), Refusal> {
    let Some(sent) = put.body.pointer("/properties/subnets").and_then(Value::as_array) else {
        return Ok(());
    };
    let space = put.body.pointer("/properties/addressSpace/addressPrefixes");
    let space: Vec<IpNet> = space
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(|p| p.as_str()?.parse().ok()).collect())
        .unwrap_or_default();
    let mut before: Vec<IpNet> = Vec::new();
    let mut named: Vec<String> = Vec::new();
    for subnet in sent {
        let name = subnet["name"].as_str().unwrap_or_default();
        let prefixes = prefixes_of(subnet);
        check_inside((name, &prefixes), (put.id.name(), &space))?;
        if clash(&prefixes, &before).is_some() {
            return Err(overlaps(name));
        }
        before.extend(&prefixes);
        named.push(name.to_ascii_lowercase());
        if let Ok(id) = put.id.child("subnets", name) {
            check_size(name, &prefixes, world.body(&id))?;
            subnet_check::named(world, &id, subnet)?;
            subnet_check::given(world, &id, put.body, subnet)?;
        }
    }
    let left_out = world.ids().filter(|other| {
        other.parent().as_ref() == Some(put.id)
            && other.is_a(kind::SUBNETS)
            && !named.contains(&other.name().to_ascii_lowercase())
    });
    let mut used = left_out.filter_map(|subnet| Some((subnet, user_of(world, subnet)?)));
    used.next().map_or(Ok(()), |(subnet, user)| Err(in_use(subnet, &user)))
}

/// The refusal to delete a subnet that is in use, or the network that it is of.
pub(super) fn in_use(subnet: &ResourceId, user: &ResourceId) -> Refusal {
    let message = format!(
        "Subnet {} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the \
         resources within the subnet.",
        subnet.name()
    );
    Refusal::new(400, "InUseSubnetCannotBeDeleted", message)
}

/// The prefixes that a write sends, under either name; both may be there and say the same.
fn sent_prefixes(put: &Put<'_>) -> Result<Vec<IpNet>, Refusal> {
    let several = put.body.pointer("/properties/addressPrefixes").and_then(Value::as_array);
    let mut texts: Vec<&str> = several.into_iter().flatten().filter_map(Value::as_str).collect();
    match put.text("/properties/addressPrefix") {
        Some(one) => texts.push(one),
        None if texts.is_empty() => texts.push(""),
        None => {}
    }
    texts
        .into_iter()
        .map(|text| {
            text.parse().map_err(|_| {
                let message = format!(
                    "The address prefix '{text}' of subnet {} is not valid.",
                    put.id.name()
                );
                Refusal::new(400, "InvalidCIDRNotation", message)
            })
        })
        .collect()
}

/// All prefixes of a subnet's body.
pub(super) fn prefixes_of(body: &Value) -> Vec<IpNet> {
    arm::SubnetView::of(body).prefixes()
}
