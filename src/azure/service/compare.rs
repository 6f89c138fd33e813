//! Is what Azure shows what is wanted, and what would have to be written where it is not?
//!
//! The rules are rows of [`crate::model::compared`]. What has no row compares without letter case, and
//! a list of named things by their names.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::body::{blocked, is_secret_key, without_secrets};
use crate::arm::read::text;
use crate::model::azure_limits::{Resize, resize, resizes_in_place};
use crate::model::compared::{ComparedField, How, Remedy, Unshown, field};
use crate::model::{Assessed, Change, ResourceId};

/// What a body is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// What the runbook wants: more than was asked holds.
    Wanted,
    /// How it was before a step: more than there was is a difference.
    Before,
}

/// What came of a comparison.
#[derive(Debug)]
pub(super) struct Compared {
    /// The fields that differ.
    pub(super) changes: Vec<Change>,
    /// Why the step is blocked, where a difference cannot be written.
    pub(super) stuck: Option<Assessed>,
    /// The body with the wanted fields in it: what holds stays as it is, whatever its letters.
    pub(super) merged: Value,
}

/// Compares a body with what is wanted of it.
pub(super) fn compare(
    resource: &ResourceId,
    wanted: &Value,
    body: &Value,
    against: Against,
) -> Compared {
    let of = resource.resource_type();
    let mut walk = Walk { resource, of: of.as_str(), against, changes: Vec::new(), stuck: None };
    let merged = walk.value(&BodyPlace::default(), wanted, Some(body)).unwrap_or(Value::Null);
    Compared { changes: walk.changes, stuck: walk.stuck, merged }
}

/// Where in a body: for the table, and for people.
#[derive(Debug, Clone, Default)]
struct BodyPlace {
    path: String,
    shown: String,
}

impl BodyPlace {
    fn key(&self, key: &str) -> Self {
        let join = |whole: &str, mark: &str| {
            if whole.is_empty() { key.to_owned() } else { format!("{whole}{mark}{key}") }
        };
        Self { path: join(&self.path, "/"), shown: join(&self.shown, ".") }
    }

    fn item(&self, name: &str) -> Self {
        Self { path: format!("{}/*", self.path), shown: format!("{}[{name}]", self.shown) }
    }
}

struct Walk<'a> {
    resource: &'a ResourceId,
    of: &'a str,
    against: Against,
    changes: Vec<Change>,
    stuck: Option<Assessed>,
}

impl Walk<'_> {
    /// Compares one value, and gives what is to be written in its place; nothing where nothing is.
    fn value(&mut self, at: &BodyPlace, wanted: &Value, body: Option<&Value>) -> Option<Value> {
        // Null, or a list or a text of nothing, is what is not shown.
        let nothing = |body: &&Value| {
            body.is_null()
                || body.as_array().is_some_and(Vec::is_empty)
                || body.as_str().is_some_and(str::is_empty)
        };
        let body = body.filter(|body| !nothing(body));
        let row = field(self.of, &at.path);
        match (row.map(|row| row.how), wanted, body) {
            (Some(How::AtLeast), Value::Object(_), _) if wanted.get("name").is_some() => {
                self.size(at, wanted, body)
            }
            (Some(How::Tags), Value::Object(wanted), _) => Some(self.tags(at, wanted, body)),
            (_, Value::Object(wanted), _) => Some(self.object(at, wanted, body)),
            (_, Value::Array(wanted), Some(Value::Array(body)))
                if are_named(wanted) && (!wanted.is_empty() || are_named(body)) =>
            {
                Some(self.named(at, row, wanted, body))
            }
            _ => self.leaf(at, row, wanted, body),
        }
    }

    fn object(
        &mut self,
        at: &BodyPlace,
        wanted: &Map<String, Value>,
        body: Option<&Value>,
    ) -> Value {
        let body = body.and_then(Value::as_object);
        let mut merged = body.cloned().unwrap_or_default();
        for (key, wanted) in wanted {
            // Values of keys are not compared; what is written has them.
            let value = if is_secret_key(key) {
                Some(wanted.clone())
            } else {
                self.value(&at.key(key), wanted, body.and_then(|body| body.get(key)))
            };
            match value {
                Some(Value::Null) | None => drop(merged.remove(key)),
                Some(value) => drop(merged.insert(key.clone(), value)),
            }
        }
        // What came of nothing but fields that are not shown is not sent either.
        merged.retain(|key, value| {
            let is_new = body.is_none_or(|body| !body.contains_key(key));
            let asked =
                wanted.get(key).and_then(Value::as_object).is_some_and(|own| !own.is_empty());
            !(is_new && asked && value.as_object().is_some_and(Map::is_empty))
        });
        Value::Object(merged)
    }

    /// Tags: names in any letters, values exactly; those of others stay.
    fn tags(&mut self, at: &BodyPlace, wanted: &Map<String, Value>, body: Option<&Value>) -> Value {
        let mut merged = body.and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, value) in wanted {
            // A tag that stands keeps the letters of its name: Azure does.
            let known = merged.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
            let has = known.as_ref().and_then(|known| merged.get(known)).cloned();
            if has.as_ref() != Some(value) {
                self.differs(&at.item(name).shown, has.as_ref(), value);
                merged.insert(known.unwrap_or_else(|| name.clone()), value.clone());
            }
        }
        if self.against == Against::Before {
            let surplus: Vec<String> = merged
                .keys()
                .filter(|name| !wanted.keys().any(|own| own.eq_ignore_ascii_case(name)))
                .cloned()
                .collect();
            for name in surplus {
                let has = merged.remove(&name);
                self.differs(&at.item(&name).shown, has.as_ref(), &Value::Null);
            }
        }
        Value::Object(merged)
    }

    /// A list of named things; each that is added, changed or gone is a difference of its own.
    fn named(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &[Value],
        body: &[Value],
    ) -> Value {
        let mut merged = Vec::new();
        let mut known = Vec::new();
        for item in wanted {
            let name = text(item, "/name").unwrap_or_default();
            let is_known = |place: &usize| known.contains(place);
            let by_name = body.iter().enumerate().position(|(place, other)| {
                !is_known(&place)
                    && text(other, "/name").is_some_and(|other| other.eq_ignore_ascii_case(name))
            });
            // Where nobody looks at names once it stands, any other is as good.
            let nameless = field(self.of, &at.item(name).key("name").path)
                .is_some_and(|row| row.how == How::NotOnceItStands)
                && self.against == Against::Wanted;
            // Of several, the one with its address is it; one that shows another address is not.
            let own = address(item);
            let by_address = (0..body.len())
                .find(|place| nameless && own.is_some() && address(&body[*place]) == own);
            let free: Vec<usize> =
                (0..body.len()).filter(|place| nameless && !is_known(place)).collect();
            let without = free.iter().copied().find(|place| address(&body[*place]).is_none());
            let only = free.first().copied().filter(|_| wanted.len() == 1);
            let found = by_address.or(by_name).or(without).or(only);
            let value = match found {
                Some(place) => {
                    known.push(place);
                    self.value(&at.item(name), item, body.get(place))
                }
                None => {
                    let item = without_nulls(item);
                    self.differs(&at.item(name).shown, None, &item);
                    Some(item)
                }
            };
            merged.extend(value);
        }
        let may_be_more =
            self.against == Against::Wanted && row.is_some_and(|row| row.how == How::Set);
        for (_, item) in body.iter().enumerate().filter(|(place, _)| !known.contains(place)) {
            if may_be_more {
                merged.push(item.clone());
            } else {
                let name = text(item, "/name").unwrap_or_default();
                self.differs(&at.item(name).shown, Some(item), &Value::Null);
            }
        }
        Value::Array(merged)
    }

    fn leaf(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &Value,
        body: Option<&Value>,
    ) -> Option<Value> {
        let Some(body) = body else {
            if wanted.is_null() || wanted.as_array().is_some_and(Vec::is_empty) {
                return Some(wanted.clone());
            }
            // A flag that is not shown is off: older answers leave `false` out.
            let off = *wanted == Value::Bool(false);
            match row.map(|row| row.unshown) {
                Some(Unshown::Nothing) => return None,
                Some(Unshown::Off) if off || wanted.as_f64() == Some(0.0) => {}
                None if off => {}
                _ => self.mismatch(at, row, wanted, None),
            }
            return Some(wanted.clone());
        };
        let holds = match row.map_or(How::AnyCase, |row| row.how) {
            How::NotOnceItStands => self.against == Against::Wanted || same(wanted, body),
            How::Exactly if wanted.is_string() => wanted == body,
            How::Exactly if wanted.is_array() => in_order(wanted, body),
            How::Exactly | How::AnyCase | How::Tags => same(wanted, body),
            How::Set => match self.against {
                Against::Wanted => is_within(wanted, body),
                Against::Before => is_within(wanted, body) && is_within(body, wanted),
            },
            How::AtLeast => match (self.against, wanted.as_f64(), body.as_f64()) {
                (Against::Wanted, Some(wanted), Some(body)) => body >= wanted,
                _ => same(wanted, body),
            },
        };
        if holds {
            return Some(body.clone());
        }
        self.mismatch(at, row, wanted, Some(body));
        Some(wanted.clone())
    }

    /// The size of a gateway: one that does all that is asked holds, and is never made smaller.
    fn size(&mut self, at: &BodyPlace, wanted: &Value, body: Option<&Value>) -> Option<Value> {
        let names = (text(wanted, "/name"), body.and_then(|body| text(body, "/name")));
        let (Some(asked), Some(has)) = names else { return body.cloned() };
        let way = match self.against {
            Against::Wanted => resize(has, asked),
            // What was there before comes back, smaller as well, where Azure does that.
            Against::Before if asked.eq_ignore_ascii_case(has) => Resize::None,
            Against::Before if resizes_in_place(has, asked) => Resize::InPlace,
            Against::Before => Resize::Refused,
        };
        if way == Resize::None {
            return body.cloned();
        }
        if way == Resize::Refused {
            self.stuck.get_or_insert_with(|| {
                let why = format!(
                    "It is {has}, {asked} is wanted, and Azure does not make one of the other in place. \
                     Take {has} into the runbook, migrate the gateway on a quiet day, or choose another \
                     name and remove this one first."
                );
                blocked("sku_cannot_change", why)
            });
        }
        self.differs(&format!("{}.name", at.shown), Some(&has.into()), &asked.into());
        Some(wanted.clone())
    }

    fn mismatch(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &Value,
        body: Option<&Value>,
    ) {
        if let (
            Against::Wanted,
            Some(ComparedField { what, path, remedy: Remedy::Person(fix), .. }),
        ) = (self.against, row)
        {
            self.stuck.get_or_insert_with(|| {
                let stands = match body.map(in_words) {
                    Some(has) => format!("with {what} {has}"),
                    None => format!("without {what}"),
                };
                let why = format!(
                    "It exists {stands}, the runbook wants {what} {}, and Azure cannot change that in \
                     place. {fix}",
                    in_words(wanted)
                );
                let code = if *path == "zones" { "zones_cannot_change" } else { "cannot_change" };
                blocked(code, why)
            });
        }
        self.differs(&at.shown, body, wanted);
    }

    fn differs(&mut self, path: &str, before: Option<&Value>, after: &Value) {
        self.changes.push(Change {
            resource: self.resource.clone(),
            path: path.to_owned(),
            before: before.map_or(Value::Null, without_secrets),
            after: without_secrets(after),
        });
    }
}

/// A value for a sentence: `a`, or 1, 2.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) => {
            let items = list.iter().map(|item| item.as_str().unwrap_or_default());
            items.collect::<Vec<_>>().join(", ")
        }
        other => format!("`{other}`"),
    }
}

/// The public address of a gateway's configuration.
fn address(configuration: &Value) -> Option<String> {
    text(configuration, "/properties/publicIPAddress/id").map(str::to_ascii_lowercase)
}

fn are_named(list: &[Value]) -> bool {
    list.iter().all(|item| text(item, "/name").is_some())
}

/// Whether all that is wanted is in a list, in any order; a single value is a list of one.
fn is_within(wanted: &Value, body: &Value) -> bool {
    let items = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let body = items(body);
    items(wanted).iter().all(|item| body.iter().any(|other| same(item, other)))
}

/// Whether two lists have the same things in the same order.
fn in_order(wanted: &Value, body: &Value) -> bool {
    let (Some(wanted), Some(body)) = (wanted.as_array(), body.as_array()) else { return false };
    wanted.len() == body.len() && wanted.iter().zip(body).all(|(wanted, body)| same(wanted, body))
}

/// What is wanted, without what is wanted not to be there.
pub(super) fn without_nulls(wanted: &Value) -> Value {
    match wanted {
        Value::Object(object) => {
            let there = object.iter().filter(|(_, value)| !value.is_null());
            there
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Whether two texts are one address or prefix: `FD00:0:0::/48` is `fd00::/48`.
fn same_address(wanted: &str, body: &str) -> bool {
    let prefix = |text: &str| text.parse::<IpNet>().ok();
    let address = |text: &str| text.parse::<IpAddr>().ok();
    prefix(wanted).is_some_and(|own| prefix(body) == Some(own))
        || address(wanted).is_some_and(|own| address(body) == Some(own))
}

/// Whether a value is as wanted. Texts compare without case and spaces, as Azure answers with other
/// letters than it was sent ("Southeast Asia"), and lists in any order.
pub(super) fn same(wanted: &Value, body: &Value) -> bool {
    match (wanted, body) {
        (Value::String(wanted), Value::String(body)) => {
            let fold = |text: &str| -> String {
                text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_lowercase()
            };
            fold(wanted) == fold(body) || same_address(wanted, body)
        }
        (Value::Array(wanted), Value::Array(body)) => {
            let mut left: Vec<&Value> = body.iter().collect();
            wanted.len() == body.len()
                && wanted.iter().all(|item| {
                    let place = left.iter().position(|other| same(item, other));
                    place.is_some_and(|place| {
                        left.remove(place);
                        true
                    })
                })
        }
        (Value::Object(wanted), Value::Object(body)) => wanted
            .iter()
            .filter(|(key, _)| !is_secret_key(key))
            .all(|(key, wanted)| body.get(key).is_some_and(|body| same(wanted, body))),
        (Value::Number(wanted), Value::Number(body)) => wanted.as_f64() == body.as_f64(),
        _ => wanted == body,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::route_table::Firewalls;
    use super::super::{
        association, authorization, bandwidth, circuit_tier, connection, gateway, hub, public_ip,
        route_table, steering, subnet, virtual_network, vnet_peering, vpn,
    };
    use super::*;
    use crate::model::action::{
        Association, Authorization, Autoscale, BgpSpeaker, CircuitBandwidth, CircuitTier,
        Connection, Destination, DnsRecord, DnsServers, Gateway, HubAction, HubConnection,
        HubGateway, HubPreference, HubRoute, HubRoutes, HubVnet, LocalGateway, NextHop, Peering,
        PublicIp, Route, RouteTable, Routing, SecurityGroupUse, Steering, Subnet, TableRoute, Tags,
        Tier, TrafficEndpoint, VirtualHub, Vpn, VpnConnection, VpnGateway,
    };
    use crate::model::azure_limits::{GATEWAY_SKUS, VPN_SKUS};
    use crate::model::compared::FIELDS;
    use crate::model::{Action, Assessment, Region, SecretRef};

    /// Chance, from a seed that a failure names.
    #[derive(Clone)]
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }

        fn flip(&mut self) -> bool {
            self.below(2) == 0
        }

        fn pick<T: Clone>(&mut self, from: &[T]) -> T {
            from[self.below(from.len())].clone()
        }

        fn shuffle<T>(&mut self, list: &mut [T]) {
            for place in (1..list.len()).rev() {
                list.swap(place, self.below(place + 1));
            }
        }

        fn letters(&mut self, text: &str) -> String {
            text.chars()
                .map(|c| if self.flip() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
                .collect()
        }
    }

    fn id(kind: &str, name: &str) -> ResourceId {
        let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{group}/{kind}/{name}")).unwrap()
    }

    fn maybe(chance: &mut Chance) -> Option<bool> {
        chance.flip().then(|| chance.flip())
    }

    fn tags(chance: &mut Chance) -> Tags {
        let mut tags = Tags::new();
        for name in ["costCenter", "Owner", "stage"] {
            if chance.flip() {
                tags.insert(name.to_owned(), chance.pick(&["a", "A", ""]).to_owned());
            }
        }
        tags
    }

    fn hop(chance: &mut Chance) -> NextHop {
        match chance.below(4) {
            0 => NextHop::None,
            1 => NextHop::Appliance("10.0.0.4".parse().unwrap()),
            2 => NextHop::Firewall(id("azureFirewalls", "fw")),
            _ => NextHop::Internet,
        }
    }

    fn destination(chance: &mut Chance) -> Destination {
        chance.pick(&["10.1.0.0/16", "AzureMonitor", "fd00:db8::/32"]).parse().unwrap()
    }

    fn firewalls() -> Firewalls {
        Firewalls::from([(id("azureFirewalls", "fw"), "10.0.1.4".parse().unwrap())])
    }

    /// An action of one of the kinds that compare fields; `kind` counts them.
    fn action(kind: usize, chance: &mut Chance) -> Action {
        let region = Region::parse("southeastasia").unwrap();
        let vnet = id("virtualNetworks", "v");
        let subnet = vnet.child("subnets", "s").unwrap();
        match kind {
            0 => {
                let mut zones = vec!["1".to_owned(), "2".to_owned(), "3".to_owned()];
                chance.shuffle(&mut zones);
                zones.truncate(chance.below(4));
                let id = id("publicIPAddresses", "p");
                Action::PublicIp(PublicIp { id, location: region, zones, tags: tags(chance) })
            }
            1 => {
                let mut prefixes = vec!["10.0.0.0/27".parse().unwrap()];
                if chance.flip() {
                    prefixes.push("fd00:db8::/64".parse().unwrap());
                    chance.shuffle(&mut prefixes);
                }
                Action::Subnet(Subnet { id: subnet, prefixes })
            }
            2 => {
                let sku = chance.pick(GATEWAY_SKUS).name.to_owned();
                let scales = sku == "ErGwScale" && chance.flip();
                Action::Gateway(Gateway {
                    id: id("virtualNetworkGateways", "gw"),
                    location: region,
                    sku,
                    subnet: vnet.child("subnets", "GatewaySubnet").unwrap(),
                    public_ip: chance.flip().then(|| id("publicIPAddresses", "p")),
                    autoscale: scales.then(|| Autoscale { min: chance.pick(&[2, 4]), max: 10 }),
                    allow_remote_vnet_traffic: maybe(chance),
                    allow_virtual_wan_traffic: maybe(chance),
                    tags: tags(chance),
                })
            }
            3 => Action::Connection(Connection {
                id: id("connections", "c"),
                location: region,
                gateway: id("virtualNetworkGateways", "gw"),
                circuit: id("expressRouteCircuits", "er"),
                authorization: None,
                routing_weight: chance.pick(&[None, Some(0), Some(10), Some(100)]),
                fast_path: maybe(chance),
                private_link_fast_path: maybe(chance),
                tags: tags(chance),
            }),
            4 => Action::Peering(Peering {
                id: vnet.child("virtualNetworkPeerings", "p").unwrap(),
                remote: id("virtualNetworks", "w"),
                allow_access: maybe(chance),
                allow_forwarded_traffic: maybe(chance),
                allow_gateway_transit: maybe(chance),
                use_remote_gateways: maybe(chance),
            }),
            5 => {
                let mut names = vec!["a", "b", "c"];
                chance.shuffle(&mut names);
                names.truncate(chance.below(4));
                let routes = names.into_iter().map(|name| Route {
                    name: name.to_owned(),
                    prefix: destination(chance),
                    next_hop: hop(chance),
                });
                Action::RouteTable(RouteTable {
                    id: id("routeTables", "rt"),
                    location: region,
                    routes: routes.collect(),
                    propagate_gateway_routes: maybe(chance),
                    tags: tags(chance),
                })
            }
            6 => Action::Association(Association {
                subnet,
                route_table: id("routeTables", chance.pick(&["rt", "ru"])),
            }),
            7 => Action::Bandwidth(CircuitBandwidth {
                id: id("expressRouteCircuits", "er"),
                mbps_min: chance.pick(&[50, 200, 1_000]),
            }),
            8 => Action::Route(TableRoute {
                id: id("routeTables", "rt").child("routes", "a").unwrap(),
                prefix: destination(chance),
                next_hop: hop(chance),
            }),
            9 => Action::SecurityGroup(SecurityGroupUse {
                subnet,
                security_group: id("networkSecurityGroups", chance.pick(&["n", "m"])),
                used: true,
            }),
            10 => {
                let mut servers: Vec<IpAddr> =
                    vec!["10.0.0.4".parse().unwrap(), "10.0.0.5".parse().unwrap()];
                chance.shuffle(&mut servers);
                servers.truncate(chance.below(3));
                Action::Dns(DnsServers { id: vnet, servers })
            }
            11 => Action::Tier(CircuitTier {
                id: id("expressRouteCircuits", "er"),
                at_least: chance.pick(&[Tier::Standard, Tier::Premium]),
            }),
            12 => {
                let mut prefixes =
                    vec!["10.100.0.0/16".parse().unwrap(), "10.101.0.0/16".parse().unwrap()];
                chance.shuffle(&mut prefixes);
                prefixes.truncate(1 + chance.below(2));
                Action::Vpn(Vpn::LocalGateway(LocalGateway {
                    id: id("localNetworkGateways", "hq"),
                    location: region,
                    address: chance.pick(&["203.0.113.7", "203.0.113.8"]).parse().unwrap(),
                    prefixes,
                    bgp: chance.flip().then(|| BgpSpeaker {
                        asn: chance.pick(&[65_001, 65_002]),
                        address: "10.100.0.1".parse().unwrap(),
                    }),
                    tags: tags(chance),
                }))
            }
            13 => {
                let mut public_ips =
                    vec![id("publicIPAddresses", "p"), id("publicIPAddresses", "q")];
                chance.shuffle(&mut public_ips);
                public_ips.truncate(1 + chance.below(2));
                Action::Vpn(Vpn::Gateway(VpnGateway {
                    id: id("virtualNetworkGateways", "vgw"),
                    location: region,
                    sku: chance.pick(&["VpnGw1AZ", "VpnGw2AZ", "VpnGw5AZ"]).to_owned(),
                    subnet: vnet.child("subnets", "GatewaySubnet").unwrap(),
                    public_ips,
                    asn: chance.flip().then(|| chance.pick(&[65_010, 65_011])),
                    tags: tags(chance),
                }))
            }
            14 => Action::Vpn(Vpn::Connection(VpnConnection {
                id: id("connections", "vpn"),
                location: region,
                gateway: id("virtualNetworkGateways", "vgw"),
                local_gateway: id("localNetworkGateways", "hq"),
                shared_key: SecretRef::Param("psk".to_owned()),
                bgp: maybe(chance),
                routing_weight: chance.pick(&[None, Some(0), Some(10)]),
                tags: tags(chance),
            })),
            15 => {
                let (kind, mut addresses) = if chance.flip() {
                    ("A", vec!["10.20.0.4".parse().unwrap(), "10.20.0.5".parse().unwrap()])
                } else {
                    ("AAAA", vec!["fd00::4".parse().unwrap(), "fd00::5".parse().unwrap()])
                };
                chance.shuffle(&mut addresses);
                addresses.truncate(1 + chance.below(2));
                Action::Steering(Steering::Record(DnsRecord {
                    id: id("privateDnsZones", "corp.example").child(kind, "app").unwrap(),
                    addresses,
                    ttl: chance.pick(&[None, Some(30), Some(60)]),
                }))
            }
            16 => {
                let kind = chance.pick(&["azureEndpoints", "externalEndpoints", "nestedEndpoints"]);
                Action::Steering(Steering::Endpoint(TrafficEndpoint {
                    id: id("trafficManagerProfiles", "tm").child(kind, "ea").unwrap(),
                    enabled: maybe(chance),
                    priority: chance.pick(&[None, Some(2), Some(3)]),
                    weight: chance.pick(&[None, Some(2), Some(3)]),
                }))
            }
            17 => Action::Authorization(Authorization {
                id: id("expressRouteCircuits", "er").child("authorizations", "a").unwrap(),
            }),
            _ => Action::Hub(hub_action(kind - 18, chance)),
        }
    }

    fn routing(chance: &mut Chance) -> Routing {
        let table = |name: &str| id("virtualHubs", "h").child("hubRouteTables", name).unwrap();
        let mut tables = vec![table("defaultRouteTable"), table("rt")];
        chance.shuffle(&mut tables);
        tables.truncate(1 + chance.below(2));
        let mut labels = vec!["default".to_owned(), "apps".to_owned()];
        chance.shuffle(&mut labels);
        labels.truncate(1 + chance.below(2));
        Routing {
            associated: chance.flip().then(|| table(chance.pick(&["defaultRouteTable", "rt"]))),
            propagated: chance.flip().then_some(tables),
            labels: chance.flip().then_some(labels),
        }
    }

    fn hub_action(kind: usize, chance: &mut Chance) -> HubAction {
        let location = Region::parse("southeastasia").unwrap();
        let hub = id("virtualHubs", "h");
        match kind {
            0 => HubAction::Hub(VirtualHub {
                id: hub,
                wan: id("virtualWans", "w"),
                location,
                prefix: "10.40.0.0/23".parse().unwrap(),
                preference: chance
                    .flip()
                    .then(|| chance.pick(&[HubPreference::Expressroute, HubPreference::AsPath])),
                routing_units_min: chance.flip().then(|| chance.pick(&[2, 5])),
                tags: tags(chance),
            }),
            1 => HubAction::Gateway(HubGateway {
                id: id("expressRouteGateways", "g"),
                hub,
                location,
                units: Autoscale { min: chance.pick(&[1, 2]), max: chance.pick(&[2, 4]) },
                allow_non_wan_traffic: maybe(chance),
                tags: tags(chance),
            }),
            2 => HubAction::Connection(HubConnection {
                id: id("expressRouteGateways", "g").child("expressRouteConnections", "c").unwrap(),
                circuit: id("expressRouteCircuits", "er"),
                authorization: None,
                routing_weight: chance.flip().then(|| chance.pick(&[0, 100])),
                internet_security: maybe(chance),
                fast_path: maybe(chance),
                routing: routing(chance),
            }),
            3 => HubAction::Vnet(HubVnet {
                id: hub.child("hubVirtualNetworkConnections", "n").unwrap(),
                vnet: id("virtualNetworks", "v"),
                internet_security: maybe(chance),
                routing: routing(chance),
            }),
            _ => {
                let mut names = vec!["a", "b", "c"];
                chance.shuffle(&mut names);
                names.truncate(1 + chance.below(3));
                let routes = names.into_iter().map(|name| HubRoute {
                    name: name.to_owned(),
                    prefixes: vec![
                        "10.60.0.0/16".parse().unwrap(),
                        chance.pick(&["10.61.0.0/16", "10.62.0.0/16"]).parse().unwrap(),
                    ],
                    next_hop: hub.child("hubVirtualNetworkConnections", "n").unwrap(),
                });
                HubAction::Routes(HubRoutes {
                    routes: routes.collect(),
                    labels: chance.flip().then(|| vec!["apps".to_owned()]),
                    id: hub.child("hubRouteTables", "rt").unwrap(),
                })
            }
        }
    }

    const KINDS: usize = 23;

    fn assess(action: &Action, body: Option<&Value>) -> Assessment {
        match action {
            Action::PublicIp(spec) => public_ip::assess(spec, body),
            Action::Subnet(spec) => subnet::assess(spec, body),
            Action::Gateway(spec) => gateway::assess(spec, body),
            Action::Connection(spec) => connection::assess(spec, body),
            Action::Peering(spec) => vnet_peering::assess(spec, body),
            Action::RouteTable(spec) => route_table::assess(spec, body, &firewalls()),
            Action::Route(spec) => route_table::assess_route(spec, body, &firewalls()),
            Action::Association(spec) => association::assess(spec, body),
            Action::SecurityGroup(spec) => association::assess_security(spec, body),
            Action::Bandwidth(spec) => bandwidth::assess(spec, body),
            Action::Tier(spec) => circuit_tier::assess(spec, body),
            Action::Dns(spec) => virtual_network::assess(spec, body),
            Action::Authorization(spec) => authorization::assess(spec, body),
            Action::Vpn(own) => vpn::assess(own, body),
            Action::Steering(own) => steering::assess(own, body),
            Action::Hub(spec) => hub::assess(spec, body),
            other => panic!("{other:?} compares no fields"),
        }
    }

    /// What is there before an action, where it cannot make it itself.
    fn ground(action: &Action) -> Option<Value> {
        match action {
            Action::Association(_) | Action::SecurityGroup(_) => {
                Some(json!({ "properties": { "addressPrefix": "10.0.0.0/27" } }))
            }
            Action::Dns(_) => Some(json!({ "properties": {
                "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } })),
            Action::Tier(_) => Some(json!({ "sku": {
                "name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData" } })),
            Action::Steering(Steering::Endpoint(_)) => {
                Some(json!({ "properties": { "target": "ea.example.com" } }))
            }
            Action::Bandwidth(_) => Some(json!({ "properties": {
                "serviceProviderProperties": { "bandwidthInMbps": 100 } } })),
            _ => None,
        }
    }

    /// Applies an action until nothing is left to write; says how many writes it took.
    fn applied(action: &Action, mut body: Option<Value>) -> (usize, Value) {
        for writes in 0..3 {
            match assess(action, body.as_ref()).verdict {
                Assessed::Change(change) => body = change.write.body,
                Assessed::Holds => return (writes, body.unwrap()),
                other => panic!("{action:?} of {body:?}: {other:?}"),
            }
        }
        panic!("{action:?} finds its own work different: {body:?}");
    }

    fn of(action: &Action) -> String {
        action.written().unwrap().resource_type().as_str().to_owned()
    }

    /// A body as Azure may show it: in other letters and order, with more in it, and without what the
    /// table says that Azure leaves out.
    fn shown(of: &str, path: &str, value: &Value, chance: &mut Chance) -> Option<Value> {
        let row = field(of, path);
        if let Some(row) = row {
            let off = *value == json!(false) || *value == json!(0);
            let hidden = match row.unshown {
                Unshown::Nothing => true,
                Unshown::Off => off,
                Unshown::Differs => false,
            };
            if hidden && chance.below(3) == 0 {
                return chance.flip().then_some(Value::Null);
            }
        }
        Some(match (row.map(|row| (row.how, row.path)), value) {
            (Some((How::Tags, _)), Value::Object(own)) => {
                let mut own: Map<String, Value> =
                    own.iter().map(|(name, tag)| (chance.letters(name), tag.clone())).collect();
                if chance.flip() {
                    own.insert("foreign".to_owned(), json!("x"));
                }
                Value::Object(own)
            }
            (Some((How::AtLeast, _)), Value::String(word)) => {
                json!(chance.letters(chance.clone().pick(&[word.as_str(), "Premium"])))
            }
            (Some((How::AtLeast, _)), Value::Object(_)) => {
                let asked = text(value, "/name").unwrap();
                let larger: Vec<&str> = GATEWAY_SKUS
                    .iter()
                    .map(|sku| sku.name)
                    .chain(VPN_SKUS.iter().map(|(name, ..)| *name))
                    .filter(|has| resize(has, asked) == Resize::None)
                    .collect();
                let name = chance.pick(&larger);
                json!({ "name": chance.letters(name), "tier": chance.letters(name), "capacity": 2 })
            }
            (Some((How::NotOnceItStands, _)), Value::String(_)) => {
                // Other names, and as many.
                let word = value.as_str().unwrap();
                json!(chance.pick(&[word.to_owned(), format!("another-{word}")]))
            }
            (Some((How::AnyCase, _)), Value::String(word)) => json!(chance.letters(word)),
            (Some((How::AtLeast, _)), Value::Number(least)) => {
                json!(least.as_u64().unwrap() + chance.pick(&[0, 500]))
            }
            (Some((How::Set, _)), Value::Array(list)) if !are_named(list) => {
                let mut list = list.clone();
                if chance.flip() {
                    list.push(json!("9"));
                }
                chance.shuffle(&mut list);
                json!(list)
            }
            (how, Value::Array(list)) => {
                let below = format!("{path}/*");
                let mut items: Vec<Value> =
                    list.iter().filter_map(|item| shown(of, &below, item, chance)).collect();
                if matches!(how, Some((How::Set, _))) && chance.flip() {
                    let mut more = list[0].clone();
                    // No two of a VPN gateway's have one name or one address; ExpressRoute's have no second.
                    let of_vpn = text(&more, "/name").is_some_and(|name| name.contains("vpnip"));
                    more["name"] = json!(format!("more-{}", list.len()));
                    let address = more.pointer_mut("/properties/publicIPAddress/id");
                    if let Some(address) = address.filter(|_| of_vpn) {
                        *address = json!(format!("/more-{}", list.len()));
                    }
                    items.push(more);
                }
                // Where the order is part of what is asked, Azure keeps it.
                if !matches!(how, Some((How::Exactly, _))) || are_named(list) {
                    chance.shuffle(&mut items);
                }
                json!(items)
            }
            (_, Value::Object(object)) => {
                let mut told = Map::new();
                for (key, value) in object {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                    if let Some(value) = shown(of, &below, value, chance) {
                        told.insert(key.clone(), value);
                    }
                }
                if chance.flip() {
                    let surplus = json!({ "x": [1, { "id": "/y" }], "enabled": chance.flip() });
                    told.insert("newOfAzures".to_owned(), surplus);
                }
                Value::Object(told)
            }
            (_, other) => other.clone(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever order, letters, surplus or omission Azure's answer shows.
        #[test]
        fn an_action_applied_to_what_it_has_just_made_finds_no_difference(
            kind in 0..KINDS, seed in any::<u64>()
        ) {
            let mut chance = Chance(seed);
            let action = action(kind, &mut chance);
            let (writes, made) = applied(&action, ground(&action));
            prop_assert!(writes <= 1, "{action:?} took {writes} writes");
            let told = shown(&of(&action), "", &made, &mut chance).unwrap();
            let verdict = assess(&action, Some(&told)).verdict;
            prop_assert_eq!(verdict, Assessed::Holds, "{:?}: {}", action, told);
        }

        /// What another run made is left, refused, or made right with one write.
        #[test]
        fn one_write_is_enough_and_none_is_tried_that_azure_refuses(
            kind in 0..KINDS, seed in any::<u64>()
        ) {
            let mut chance = Chance(seed);
            let (before, after) = (action(kind, &mut chance), action(kind, &mut chance));
            let (_, made) = applied(&before, ground(&before));
            let told = shown(&of(&before), "", &made, &mut chance).unwrap();
            if let Assessed::Change(change) = assess(&after, Some(&told)).verdict {
                let written = change.write.body.unwrap();
                let sku = |body: &Value| text(body, "/properties/sku/name").map(str::to_owned);
                if let (Some(has), Some(gets)) = (sku(&told), sku(&written)) {
                    prop_assert!(has.eq_ignore_ascii_case(&gets) || resizes_in_place(&has, &gets), "{has} to {gets}");
                }
                if let Some(zones) = told.get("zones") {
                    prop_assert_eq!(Some(zones), written.get("zones"));
                }
                let again = shown(&of(&after), "", &written, &mut chance).unwrap();
                prop_assert_eq!(assess(&after, Some(&again)).verdict, Assessed::Holds);
            }
        }
    }

    #[test]
    fn every_field_that_an_action_writes_has_its_row_and_every_row_its_action() {
        fn leaves(of: &str, path: &str, value: &Value, found: &mut Vec<String>) {
            if field(of, path).is_some_and(|row| matches!(row.how, How::AtLeast | How::Tags)) {
                return found.push(path.to_owned());
            }
            match value {
                // What stands for a key is one value.
                Value::Object(_) if SecretRef::from_placeholder(value).is_some() => {
                    found.push(path.to_owned());
                }
                Value::Object(object) => {
                    for (key, value) in object {
                        let below =
                            if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                        leaves(of, &below, value, found);
                    }
                }
                Value::Array(list) if !list.is_empty() && are_named(list) => {
                    found.push(path.to_owned());
                    list.iter().for_each(|item| leaves(of, &format!("{path}/*"), item, found));
                }
                _ => found.push(path.to_owned()),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..400 {
            let mut chance = Chance(seed);
            for kind in 0..KINDS {
                let action = action(kind, &mut chance);
                let of = of(&action);
                let (_, made) = applied(&action, ground(&action));
                let mut found = Vec::new();
                leaves(&of, "", &made, &mut found);
                let before = ground(&action).unwrap_or_default();
                for path in found {
                    // What was there before belongs to others.
                    let others = before.pointer(&format!("/{path}")).is_some();
                    assert!(others || field(&of, &path).is_some(), "{of} {path} has no row");
                    seen.insert((of.to_ascii_lowercase(), path));
                }
            }
        }
        for row in FIELDS {
            assert!(seen.contains(&(row.of.to_ascii_lowercase(), row.path.to_owned())), "{row:?}");
        }
    }

    #[test]
    fn what_holds_is_written_back_as_it_is_when_something_else_is_written() {
        let spec = Gateway {
            id: id("virtualNetworkGateways", "gw"),
            location: Region::parse("southeastasia").unwrap(),
            sku: "ErGw1AZ".to_owned(),
            subnet: id("virtualNetworks", "v").child("subnets", "GatewaySubnet").unwrap(),
            public_ip: Some(id("publicIPAddresses", "p")),
            autoscale: None,
            allow_remote_vnet_traffic: None,
            allow_virtual_wan_traffic: None,
            tags: Tags::new(),
        };
        let failed = json!({ "location": "southeastasia", "properties": {
            "provisioningState": "Failed", "gatewayType": "ExpressRoute",
            "sku": { "name": "ErGw3AZ", "tier": "ErGw3AZ" },
            "ipConfigurations": [{ "name": "c", "properties": {
                "subnet": { "id": spec.subnet.as_str() } } }] } });
        let Assessed::Change(change) = gateway::assess(&spec, Some(&failed)).verdict else {
            panic!("it failed")
        };
        let body = change.write.body.unwrap();
        assert_eq!(body["properties"]["sku"]["name"], "ErGw3AZ", "never made smaller");
        assert!(!body.to_string().contains("publicIPAddress"), "{body}");
    }

    #[test]
    fn an_undo_takes_back_a_size_and_says_where_azure_does_not() {
        let gateway = id("virtualNetworkGateways", "gw");
        let body = |sku: &str| json!({ "properties": { "sku": { "name": sku, "tier": sku } } });
        let undo = |before: &str, now: &str| {
            let undo =
                crate::model::Undo::Restore { resource: gateway.clone(), body: body(before) };
            super::super::body::undo(&undo, Some(&body(now)), &Value::Null)
        };
        assert!(matches!(undo("ErGw1AZ", "ErGw2AZ"), Assessed::Change(_)));
        assert!(matches!(undo("ErGw1AZ", "ErGw3AZ"), Assessed::Blocked { .. }));
        assert_eq!(undo("ErGw2AZ", "ergw2az"), Assessed::Holds);
    }
}
