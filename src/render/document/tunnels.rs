//! What lies on-premises, and which tunnels lead there? Devices and tunnels as Azure has them and as steps make them;
//! sites as far as a runbook tells of them, where nobody drew any.

use std::collections::BTreeSet;

use serde_json::Value;

use super::estate::{ChangeMark, DeviceBox, NetworkPicture, TunnelLine};
use crate::arm::{kind, read};
use crate::model::action::{Outside, Verification, Vpn};
use crate::model::net::overlap;
use crate::model::{Action, Plan, ResourceId};

impl NetworkPicture {
    /// Takes in a device or a tunnel; whether the body was one.
    pub(super) fn take_in_tunnel(&mut self, id: &ResourceId, body: &Value) -> bool {
        let own = id.resource_type();
        if own.is(kind::LOCAL_GATEWAYS) {
            let prefixes =
                read::prefixes(body, "/properties/localNetworkAddressSpace/addressPrefixes");
            let device = DeviceBox {
                address: read::text(body, "/properties/gatewayIpAddress").map(str::to_owned),
                prefixes: prefixes.iter().map(ToString::to_string).collect(),
                mark: ChangeMark::There,
            };
            self.devices.insert(id.clone(), device);
            return true;
        }
        let device = read::id_at(body, "/properties/localNetworkGateway2/id");
        let gateway = read::id_at(body, "/properties/virtualNetworkGateway1/id");
        match (own.is(kind::CONNECTIONS), device, gateway) {
            (true, Some(device), Some(gateway)) => {
                self.devices.entry(device.clone()).or_default();
                let tunnel = TunnelLine { gateway, device, mark: ChangeMark::There };
                self.tunnels.insert(id.clone(), tunnel);
                true
            }
            _ => false,
        }
    }

    /// What a step makes of a device or a tunnel; a gateway is like any other.
    pub(super) fn apply_tunnel(&mut self, vpn: &Vpn) {
        let stands = |mark: Option<ChangeMark>| match mark {
            None | Some(ChangeMark::Gone) => ChangeMark::New,
            Some(mark) => mark,
        };
        match vpn {
            Vpn::LocalGateway(spec) => {
                let device = DeviceBox {
                    address: Some(spec.address.to_string()),
                    prefixes: spec.prefixes.iter().map(ToString::to_string).collect(),
                    mark: stands(self.devices.get(&spec.id).map(|device| device.mark)),
                };
                self.devices.insert(spec.id.clone(), device);
            }
            Vpn::Connection(spec) => {
                self.devices.entry(spec.local_gateway.clone()).or_default();
                let tunnel = TunnelLine {
                    gateway: spec.gateway.clone(),
                    device: spec.local_gateway.clone(),
                    mark: stands(self.tunnels.get(&spec.id).map(|tunnel| tunnel.mark)),
                };
                self.tunnels.insert(spec.id.clone(), tunnel);
            }
            Vpn::Gateway(_) => {}
        }
    }

    /// What a step removes of them.
    pub(super) fn remove_tunnel(&mut self, id: &ResourceId) {
        if let Some(tunnel) = self.tunnels.get_mut(id) {
            tunnel.mark = ChangeMark::Gone;
        }
        if let Some(device) = self.devices.get_mut(id) {
            device.mark = ChangeMark::Gone;
        }
    }

    /// The sites that a plan tells of: what must be learned over a circuit, or lies behind a device, is on-premises; and
    /// the vantages from which it looks are places of their own.
    pub(super) fn sites_of_plan(&mut self, plan: &Plan) {
        let (mut prefixes, mut vantages) = (BTreeSet::new(), BTreeSet::new());
        for step in plan.steps() {
            match &step.action {
                Action::Verify(
                    Verification::Routes { expect, .. } | Verification::HubRoutes { expect, .. },
                ) => prefixes.extend(expect.iter().copied()),
                Action::Vpn(Vpn::LocalGateway(spec)) => {
                    prefixes.extend(spec.prefixes.iter().copied());
                }
                Action::Outside(Outside::Probe(probe)) => {
                    vantages.extend(probe.from.iter().map(|vantage| vantage.name.clone()));
                }
                _ => {}
            }
        }
        if !prefixes.is_empty() {
            let prefixes = prefixes.iter().map(ToString::to_string).collect();
            self.sites.push(("on-premises".to_owned(), prefixes));
            // Which circuit leads to which site the plan does not tell.
            self.site_links = self.circuits.keys().map(|id| (id.clone(), Vec::new())).collect();
        }
        self.vantages = vantages.into_iter().collect();
    }

    /// Whether something of what lies behind a device is at a site.
    pub(super) fn is_behind(&self, device: &DeviceBox, site: &[String]) -> bool {
        let net = |text: &String| text.parse::<ipnet::IpNet>().ok();
        device.prefixes.iter().filter_map(net).any(|own| {
            let mut at_site = site.iter().filter_map(net);
            at_site.any(|other| overlap(&own, &other))
        })
    }
}
