//! What is a connection between a gateway and a circuit, or two ends of a VPN? What it needs, shows and spends.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    PostAction, Provider, Put, Shown, connection_ends as ends, default, gateway_check, id_at,
    top_level,
};
use crate::arm;
use crate::arm::kind;
use crate::model::{ResourceId, Timestamp};
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::envelope::{Month, is_since};
use crate::sim::network::{connection_status, tunnel_status};
use crate::sim::parts::{Resource, State};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct ConnectionType;

const CIRCUIT: &str = "/properties/peer/id";
const GATEWAY: &str = "/properties/virtualNetworkGateway1/id";
/// What a connection may join.
const ENDS: [&str; 4] =
    ["virtualNetworkGateway1", "virtualNetworkGateway2", "localNetworkGateway2", "peer"];

/// How long after its operation's end a connection still says `Unknown`, then `Connecting`
/// (azure-facts 3.3: unknown right after Succeeded).
const UNKNOWN: Duration = Duration::from_secs(10);
const CONNECTING: Duration = Duration::from_secs(25);

/// Before, the connection of a circuit had no status (recorded in 2016).
const STATUS_OF_CIRCUITS_SINCE: Month = (2017, 1);

/// Until then the answer to a change of a tunnel told its status as well (recorded in 2015, and in 2017 no more).
const STATUS_OF_UPDATES_UNTIL: Month = (2016, 6);

/// What the people behind a tunnel that carries send each other, in each direction.
const TUNNEL_BYTES_PER_SECOND: u64 = 12_000;

pub(super) const KEY: &str = "/properties/authorizationKey";

/// What a connection joins on this side, with a key or without.
const NEAR_ENDS: [&str; 3] = [
    "/properties/virtualNetworkGateway1/id",
    "/properties/virtualNetworkGateway2/id",
    "/properties/localNetworkGateway2/id",
];

impl Provider for ConnectionType {
    fn kind(&self) -> &'static str {
        kind::CONNECTIONS
    }

    fn computed(&self) -> &'static [&'static str] {
        &["connectionStatus"]
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkGatewayConnection"
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn patches_slowly(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        if !is_express_route(put.body) {
            check_vpn(put)?;
            ends::region(world, put)?;
            ends::bgp(world, put)?;
            return ends::only(world, put);
        }
        let (Some(circuit), Some(gateway)) = (id_at(put.body, CIRCUIT), id_at(put.body, GATEWAY))
        else {
            let message = "An ExpressRoute connection needs virtualNetworkGateway1 and peer.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        if put.body.pointer("/properties/sharedKey").is_some() {
            let message = "SharedKey can not be specified for an ExpressRoute connection.";
            return Err(Refusal::unconfirmed(&unconfirmed::KEY_SHARED, message));
        }
        let same = |pointer: &str, id: &ResourceId| {
            put.stored.and_then(|stored| id_at(stored, pointer)).is_none_or(|old| old == *id)
        };
        if !same(CIRCUIT, &circuit) || !same(GATEWAY, &gateway) {
            let message = format!("Connection {} cannot be moved to another peer.", put.id);
            return Err(Refusal::unconfirmed(&unconfirmed::PEER_CHANGED, message));
        }
        check_weight(put)?;
        ends::region(world, put)?;
        ends::only(world, put)?;
        ends::fast_path(put)?;
        ends::prefixes(world, put, (&gateway, &circuit))?;
        ends::overlap(world, put, (&gateway, &circuit))?;
        ends::room(world, put, &circuit)?;
        ends::gateway_room(world, put, (&gateway, &circuit))?;
        check_key(world, put, &circuit)
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        // Reduced to ids, whatever was sent.
        for key in ENDS {
            if let Some(id) = properties.pointer(&format!("/{key}/id")).cloned() {
                properties[key] = json!({ "id": id });
            } else if let Some(properties) = properties.as_object_mut() {
                properties.remove(key);
            }
        }
        if properties.get("authorizationKey").is_none()
            && let Some(key) = put.stored.and_then(|stored| stored.pointer(KEY))
        {
            properties["authorizationKey"] = key.clone();
        }
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("connectionStatus");
        }
        let was_told = put.stored.is_some() && !is_since(put.now, STATUS_OF_UPDATES_UNTIL);
        if was_told && !is_express_route(put.body) {
            default(&mut properties, "connectionStatus", json!("Unknown"));
        }
        // A key is taken once and kept.
        if properties.get("sharedKey").is_none()
            && let Some(key) = put.stored.and_then(|stored| stored.pointer("/properties/sharedKey"))
        {
            properties["sharedKey"] = key.clone();
        }
        defaults(&mut properties);
        top_level(put, properties)
    }

    fn complete(&self, body: &mut Value) {
        // What went through a tunnel is counted as it is shown, from when it stands.
        if body.pointer("/properties/localNetworkGateway2").is_some()
            && let Some(properties) = body["properties"].as_object_mut()
        {
            properties.remove("ingressBytesTransferred");
            properties.remove("egressBytesTransferred");
        }
        defaults(&mut body["properties"]);
    }

    fn joins(&self, id: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        // With a key, a circuit of another subscription need not be ours to join.
        let own = |circuit: &ResourceId| circuit.subscription() == id.subscription();
        let circuit = id_at(body, CIRCUIT).filter(own);
        let ends = NEAR_ENDS.iter().filter_map(|end| id_at(body, end));
        circuit.into_iter().chain(ends).map(|end| (end, "join/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        ENDS.iter().filter_map(|key| id_at(body, &format!("/properties/{key}/id"))).collect()
    }

    fn also_locks(&self, body: &Value) -> Vec<ResourceId> {
        self.references(body)
    }

    fn fails(&self, world: &World, put: &Put<'_>) -> Option<(String, String)> {
        not_provisioned(world, &id_at(put.body, CIRCUIT)?)
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let express_route =
            body.pointer("/properties/connectionType") == Some(&json!("ExpressRoute"));
        let says = !express_route || is_since(shown.now, STATUS_OF_CIRCUITS_SINCE);
        if !says || shown.resource.state != State::Succeeded {
            return;
        }
        let since = shown.now.since(shown.resource.settled_at);
        let status = if since < UNKNOWN || world.network.is_untold(shown.id) {
            "Unknown"
        } else if since < CONNECTING {
            "Connecting"
        } else {
            settled_status(world, shown.id)
        };
        body["properties"]["connectionStatus"] = json!(status);
        let carries = status == "Connected" && !world.network.silent().contains(shown.id);
        if carries && body.pointer("/properties/localNetworkGateway2").is_some() {
            let bytes = since.as_secs() * TUNNEL_BYTES_PER_SECOND;
            body["properties"]["ingressBytesTransferred"] = json!(bytes);
            body["properties"]["egressBytesTransferred"] = json!(bytes);
        }
    }

    fn shows_until(&self, resource: &Resource, now: Timestamp) -> Option<Timestamp> {
        if resource.state != State::Succeeded {
            return None;
        }
        // Counters go on.
        if resource.body.pointer("/properties/localNetworkGateway2").is_some() {
            return Some(now);
        }
        let steps = [UNKNOWN, CONNECTING].map(|after| resource.settled_at + after);
        steps.into_iter().find(|at| now < *at)
    }

    fn carries(&self) -> bool {
        true
    }

    /// How its gateway prefers it (azure-facts 2.5), and what nobody on the way reads.
    fn changes_softly(&self) -> &'static [&'static str] {
        &["/properties/routingWeight", "/tags"]
    }

    fn has_shared_key(&self) -> bool {
        true
    }

    fn redeemed<'b>(&self, body: &'b Value) -> Option<(ResourceId, &'b str)> {
        let own = arm::ConnectionView::of(body);
        own.circuit().zip(own.key())
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Bounds("/properties/routingWeight", 0, 32_000),
            BodyRule::Needs(&["/properties/connectionType"]),
            BodyRule::Needs(&["/properties/virtualNetworkGateway1"]),
        ]
    }

    fn post_action(&self, verb: &str) -> Option<PostAction> {
        (verb == "resetconnection").then_some(PostAction::Reset)
    }

    fn accepted(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let spent = world.body(id).and_then(|body| spent_key(self, world, body));
        use_key(spent, "InUse")
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let gateway = world.body(id).and_then(|body| arm::ConnectionView::of(body).gateway());
        gateway.map_or(Ok(()), |gateway| gateway_check::guarded(world, &gateway))
    }

    fn deleted(&self, world: &World, _: &ResourceId, body: &Value) -> Vec<Consequence> {
        let spent = spent_key(self, world, body);
        use_key(spent, "Available")
    }
}

/// Refuses a weight that no connection has.
pub(super) fn check_weight(put: &Put<'_>) -> Result<(), Refusal> {
    let weight = put.body.pointer("/properties/routingWeight").and_then(Value::as_u64);
    match weight {
        Some(weight) if weight > 32_000 => {
            let message = "The weight must be 0 to 32000.";
            Err(Refusal::unconfirmed(&unconfirmed::WEIGHT, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a new connection to a circuit of another subscription without a key of the circuit's that nobody
/// has spent.
pub(super) fn check_key(world: &World, put: &Put<'_>, circuit: &ResourceId) -> Result<(), Refusal> {
    if put.stored.is_some() || circuit.subscription() == put.id.subscription() {
        return Ok(());
    }
    let Some(key) = put.text(KEY) else {
        let message = format!("Circuit {circuit} is in another subscription: a key is needed.");
        return Err(Refusal::unconfirmed(&unconfirmed::KEY_REQUIRED, message));
    };
    let Some(authorization) = world.authorization(circuit, key) else {
        let message = "The authorization key is not one of the circuit's.";
        return Err(Refusal::unconfirmed(&unconfirmed::KEY_INVALID, message));
    };
    let used = world
        .body(&authorization)
        .and_then(|body| body.pointer("/properties/authorizationUseStatus"));
    if used != Some(&json!("Available")) {
        let message = "The authorization key is already used by a connection.";
        return Err(Refusal::unconfirmed(&unconfirmed::KEY_USED, message));
    }
    Ok(())
}

/// How a connection to a circuit that its provider has not provisioned fails.
pub(super) fn not_provisioned(world: &World, circuit: &ResourceId) -> Option<(String, String)> {
    let view = arm::CircuitView::of(world.body(circuit)?);
    let state = view.provider_state().unwrap_or_default();
    (!view.is_provisioned()).then(|| {
        let message = format!("The provider has not provisioned circuit {circuit} ({state}).");
        (unconfirmed::NOT_PROVISIONED.code.to_owned(), message)
    })
}

/// An authorization is spent, or free again: its own body says it.
pub(super) fn use_key(authorization: Option<ResourceId>, status: &str) -> Vec<Consequence> {
    let said = |key| Consequence::set(&key, json!({ "authorizationUseStatus": status }));
    authorization.map(said).into_iter().collect()
}

fn is_express_route(body: &Value) -> bool {
    arm::ConnectionView::of(body).is_express_route()
}

/// A connection of VPN gateways: with another one, or with what a local gateway stands for.
fn check_vpn(put: &Put<'_>) -> Result<(), Refusal> {
    let at = |key: &str| id_at(put.body, &format!("/properties/{key}/id"));
    let other = match put.text("/properties/connectionType") {
        Some("Vnet2Vnet") => at("virtualNetworkGateway2"),
        _ => at("localNetworkGateway2"),
    };
    if at("virtualNetworkGateway1").is_none() || other.is_none() {
        let message = "A VPN connection needs virtualNetworkGateway1 and its other end.";
        return Err(Refusal::new(400, "InvalidRequestFormat", message));
    }
    Ok(())
}

/// What Azure adds to what was sent.
fn defaults(properties: &mut Value) {
    let express_route = properties["connectionType"].as_str().unwrap_or("ExpressRoute");
    let express_route = express_route.eq_ignore_ascii_case("ExpressRoute");
    for (key, value) in [
        ("routingWeight", json!(0)),
        ("enableBgp", json!(false)),
        ("ingressBytesTransferred", json!(0)),
        ("egressBytesTransferred", json!(0)),
        // Of a VPN connection it is said as well (recorded).
        ("expressRouteGatewayBypass", json!(false)),
        ("enablePrivateLinkFastPath", json!(false)),
        ("packetCaptureDiagnosticState", json!("None")),
    ] {
        default(properties, key, value);
    }
    if express_route {
        return;
    }
    for (key, value) in [
        ("connectionProtocol", json!("IKEv2")),
        ("useLocalAzureIpAddress", json!(false)),
        ("usePolicyBasedTrafficSelectors", json!(false)),
        ("ipsecPolicies", json!([])),
        ("trafficSelectorPolicies", json!([])),
        ("dpdTimeoutSeconds", json!(0)),
        ("connectionMode", json!("Default")),
        ("authenticationType", json!("PSK")),
    ] {
        default(properties, key, value);
    }
}

/// Whether it has come to be connected, from the network's truth.
fn settled_status(world: &World, id: &ResourceId) -> &'static str {
    if world.network.is_disconnected(id) {
        return "NotConnected";
    }
    let shown = world.shown();
    let estate = world.estate(&shown);
    let onprem = world.onprem_now();
    if let Some(status) = tunnel_status(&estate, &onprem, id) {
        return status;
    }
    let connections = estate.connections();
    let own = connections.iter().find(|connection| connection.id == *id);
    own.map_or("Unknown", |own| connection_status(&estate, &onprem, own))
}

/// The authorization that a connection was made with.
pub(super) fn spent_key(of: &dyn Provider, world: &World, body: &Value) -> Option<ResourceId> {
    let (circuit, key) = of.redeemed(body)?;
    world.authorization(&circuit, key)
}
