//! What does a virtual WAN look like in a picture? Hubs as networks, their connections as peerings and links.

use serde_json::Value;

use super::estate::{ChangeMark, GatewayBox, NetworkLink, NetworkPicture, PeeringSide};
use crate::arm::read::{id_at, region, text};
use crate::model::ResourceId;
use crate::model::action::HubAction;

impl NetworkPicture {
    /// Takes in a body of a virtual WAN, if it is one.
    pub(super) fn take_in_hub(&mut self, id: &ResourceId, body: &Value) {
        let kind = id.resource_type();
        if kind.is("Microsoft.Network/virtualHubs") {
            let network = self.networks.entry(id.clone()).or_default();
            network.region = region(body);
            network.prefixes =
                text(body, "/properties/addressPrefix").map(str::to_owned).into_iter().collect();
        } else if kind.is("Microsoft.Network/virtualHubs/hubVirtualNetworkConnections") {
            let remote = id_at(body, "/properties/remoteVirtualNetwork/id");
            if let (Some(hub), Some(remote)) = (id.parent(), remote) {
                self.join(id, hub, remote, ChangeMark::There);
            }
        } else if kind.is("Microsoft.Network/expressRouteGateways") {
            if let Some(vnet) = id_at(body, "/properties/virtualHub/id") {
                let gateway = GatewayBox { vnet, sku: None, mark: ChangeMark::There };
                self.gateways.insert(id.clone(), gateway);
            }
            let own = body.pointer("/properties/expressRouteConnections").and_then(Value::as_array);
            for connection in own.into_iter().flatten() {
                let name = text(connection, "/name").unwrap_or_default();
                if let Ok(child) = id.child("expressRouteConnections", name) {
                    self.take_in_hub(&child, connection);
                }
            }
        } else if kind.is("Microsoft.Network/expressRouteGateways/expressRouteConnections") {
            let peering = id_at(body, "/properties/expressRouteCircuitPeering/id");
            if let (Some(gateway), Some(circuit)) = (id.parent(), peering.and_then(|p| p.parent()))
            {
                let link = NetworkLink { gateway, circuit, mark: ChangeMark::There };
                self.links.insert(id.clone(), link);
            }
        }
    }

    fn join(&mut self, id: &ResourceId, hub: ResourceId, remote: ResourceId, mark: ChangeMark) {
        self.networks.entry(hub.clone()).or_default();
        self.networks.entry(remote.clone()).or_default();
        self.peerings.insert(id.clone(), PeeringSide { vnet: hub, remote, transit: true, mark });
    }

    /// What a step does to a virtual WAN.
    pub(super) fn apply_hub(&mut self, action: &HubAction) {
        let stands =
            |mark: ChangeMark| if mark == ChangeMark::Gone { ChangeMark::New } else { mark };
        match action {
            HubAction::Hub(spec) => {
                let network = self.networks.entry(spec.id.clone()).or_default();
                network.region = Some(spec.location.clone());
                network.prefixes = vec![spec.prefix.to_string()];
            }
            HubAction::Gateway(spec) => {
                self.networks.entry(spec.hub.clone()).or_default();
                let mark =
                    self.gateways.get(&spec.id).map_or(ChangeMark::New, |own| stands(own.mark));
                let sku = Some(format!("{} to {} units", spec.units.min, spec.units.max));
                let gateway = GatewayBox { vnet: spec.hub.clone(), sku, mark };
                self.gateways.insert(spec.id.clone(), gateway);
            }
            HubAction::Connection(spec) => {
                let mark = self.links.get(&spec.id).map_or(ChangeMark::New, |own| stands(own.mark));
                let (gateway, circuit) = (spec.gateway(), spec.circuit.clone());
                self.circuits.entry(circuit.clone()).or_default();
                self.links.insert(spec.id.clone(), NetworkLink { gateway, circuit, mark });
            }
            HubAction::Vnet(spec) => {
                let Some(hub) = spec.id.parent() else { return };
                let mark =
                    self.peerings.get(&spec.id).map_or(ChangeMark::New, |own| stands(own.mark));
                self.join(&spec.id, hub, spec.vnet.clone(), mark);
            }
            HubAction::Routes(_) => {}
        }
    }
}
