//! A small hand-made world for this room's tests: two hubs with a spoke each, two circuits.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::estate::Estate;
use super::onprem::{Link, OnPrem, Site};
use super::parts::EstateConnection;
use crate::arm::CircuitPath;
use crate::model::{Region, ResourceId};

/// Everything the truth depends on, free to be changed by a test.
pub(super) struct Lab {
    pub(super) bodies: BTreeMap<ResourceId, Value>,
    pub(super) down: BTreeSet<Region>,
    pub(super) silent: BTreeSet<ResourceId>,
    pub(super) onprem: OnPrem,
}

pub(super) fn id(kind: &str, name: &str) -> ResourceId {
    ResourceId::parse(&format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}"
    ))
    .unwrap()
}

pub(super) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

pub(super) fn gateway(place: &str) -> ResourceId {
    id("virtualNetworkGateways", &format!("gw-{place}"))
}

pub(super) fn circuit(place: &str) -> ResourceId {
    id("expressRouteCircuits", &format!("er-{place}"))
}

pub(super) fn connection(place: &str) -> ResourceId {
    id("connections", &format!("cn-{place}"))
}

fn side(from: &str, to: &str, transit: bool) -> (ResourceId, Value) {
    (
        id("virtualNetworks", from).child("virtualNetworkPeerings", &format!("to-{to}")).unwrap(),
        json!({"properties": {
            "peeringState": "Connected",
            "remoteVirtualNetwork": {"id": id("virtualNetworks", to).as_str()},
            "allowGatewayTransit": transit, "useRemoteGateways": !transit,
        }}),
    )
}

impl Lab {
    /// `ea` with 10.10.10.0/24 and spoke 10.1.0.0/24, `sea` with 10.20.10.0/24 and spoke
    /// 10.2.0.0/24, each with gateway, circuit, connection and both links.
    pub(super) fn new() -> Self {
        let mut lab = Self {
            bodies: BTreeMap::new(),
            down: BTreeSet::new(),
            silent: BTreeSet::new(),
            onprem: OnPrem {
                asn: 65_001,
                sites: vec![Site { name: "hq".to_owned(), prefixes: vec![net("10.100.0.0/16")] }],
                links: Vec::new(),
                devices: Vec::new(),
            },
        };
        lab.place("ea", "eastasia", 10, 1);
        lab.place("sea", "southeastasia", 20, 2);
        lab
    }

    fn place(&mut self, place: &str, region: &str, hub: u8, spoke: u8) {
        let (hub_name, spoke_name) = (format!("hub-{place}"), format!("spoke-{place}"));
        let vnet = |prefix: String| json!({"properties": {"addressSpace": {"addressPrefixes": [prefix]}, "virtualNetworkPeerings": []}});
        let hub_id = id("virtualNetworks", &hub_name);
        let subnet = hub_id.child("subnets", "GatewaySubnet").unwrap();
        let private = json!({"name": "AzurePrivatePeering", "properties": {
            "peeringType": "AzurePrivatePeering", "state": "Enabled", "peerASN": 65_001,
            "primaryPeerAddressPrefix": format!("172.16.{hub}.0/30"),
            "secondaryPeerAddressPrefix": format!("172.16.{hub}.4/30"),
        }});
        self.bodies.extend([
            (hub_id, vnet(format!("10.{hub}.10.0/24"))),
            (id("virtualNetworks", &spoke_name), vnet(format!("10.{spoke}.0.0/24"))),
            (
                subnet.clone(),
                json!({"properties": {"addressPrefix": format!("10.{hub}.10.128/25")}}),
            ),
            side(&hub_name, &spoke_name, true),
            side(&spoke_name, &hub_name, false),
            (
                gateway(place),
                json!({"location": region, "properties": {
                    "gatewayType": "ExpressRoute", "provisioningState": "Succeeded",
                    "ipConfigurations": [{"properties": {"subnet": {"id": subnet.as_str()}}}],
                }}),
            ),
            (
                circuit(place),
                json!({"location": region, "properties": {
                    "circuitProvisioningState": "Enabled",
                    "serviceProviderProvisioningState": "Provisioned",
                    "peerings": [private],
                }}),
            ),
        ]);
        self.connect(place, place, 0);
        for path in CircuitPath::BOTH {
            self.onprem.links.push(Link {
                circuit: circuit(place),
                sites: Vec::new(),
                path,
                up: true,
                since: None,
                advertise: None,
                as_path_prepend: 0,
                local_preference: 100,
            });
        }
    }

    /// Connects the gateway of one place to the circuit of another.
    pub(super) fn connect(&mut self, from: &str, to: &str, weight: u32) -> ResourceId {
        let name = if from == to { from.to_owned() } else { format!("{from}-{to}") };
        self.bodies.insert(
            connection(&name),
            json!({"properties": {
                "virtualNetworkGateway1": {"id": gateway(from).as_str()},
                "peer": {"id": circuit(to).as_str()},
                "routingWeight": weight, "provisioningState": "Succeeded",
            }}),
        );
        connection(&name)
    }

    pub(super) fn set(&mut self, id: &ResourceId, pointer: &str, value: impl Into<Value>) {
        *self.bodies.get_mut(id).unwrap().pointer_mut(pointer).unwrap() = value.into();
    }

    /// The peering from one network to another.
    pub(super) fn peering(from: &str, to: &str) -> ResourceId {
        side(from, to, true).0
    }

    pub(super) fn links(&mut self, place: &str) -> impl Iterator<Item = &mut Link> {
        let circuit = circuit(place);
        self.onprem.links.iter_mut().filter(move |link| link.circuit == circuit)
    }

    pub(super) fn estate(&self) -> Estate<'_> {
        Estate::new(&self.bodies, &self.down, &self.silent)
    }

    pub(super) fn connection(&self, id: &ResourceId) -> EstateConnection {
        let estate = self.estate();
        estate.connections().iter().find(|connection| connection.id == *id).unwrap().clone()
    }
}
