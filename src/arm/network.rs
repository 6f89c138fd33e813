//! What do the bodies of virtual networks say? Addresses, subnets, peerings, and which network is a spoke of which
//! hub.

use ipnet::IpNet;
use serde_json::Value;

use super::kind::GATEWAYS;
use super::read::{flag, id_at, is, list, prefix, prefixes, word};
use crate::model::ResourceId;

/// `VirtualNetworkPeeringState` of Microsoft.Network, 2024-05-01.
const PEERING_STATES: [&str; 3] = ["Initiated", "Connected", "Disconnected"];

/// A virtual network.
#[derive(Debug, Clone, Copy)]
pub struct VirtualNetworkView<'v>(&'v Value);

impl<'v> VirtualNetworkView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Its address space.
    #[must_use]
    pub fn space(self) -> Vec<IpNet> {
        prefixes(self.0, "/properties/addressSpace/addressPrefixes")
    }

    /// The bodies of its subnets, as they stand in its own.
    #[must_use]
    pub fn subnets(self) -> &'v [Value] {
        list(self.0, "/properties/subnets")
    }

    /// The bodies of its peerings, as they stand in its own.
    #[must_use]
    pub fn peerings(self) -> &'v [Value] {
        list(self.0, "/properties/virtualNetworkPeerings")
    }
}

/// A subnet.
#[derive(Debug, Clone, Copy)]
pub struct SubnetView<'v>(&'v Value);

impl<'v> SubnetView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Its prefixes: one in the one field, or several in the other.
    #[must_use]
    pub fn prefixes(self) -> Vec<IpNet> {
        let one = prefix(self.0, "/properties/addressPrefix");
        let several = prefixes(self.0, "/properties/addressPrefixes");
        let mut all: Vec<IpNet> = Vec::new();
        for prefix in one.into_iter().chain(several) {
            if !all.contains(&prefix) {
                all.push(prefix);
            }
        }
        all
    }

    /// Those of the wanted prefixes that it gives no room to: it has them neither by themselves nor in larger or several
    /// ones. What a gateway stands in is a place for gateways, whatever its prefix: it is not changed under it.
    #[must_use]
    pub fn lacks(self, name: &str, wanted: &[IpNet]) -> Vec<IpNet> {
        let has = IpNet::aggregate(&self.prefixes());
        // One that shows no prefix hides them: what is not shown does not differ.
        let holds = name.eq_ignore_ascii_case(GATEWAY_SUBNET) && !self.gateways().is_empty();
        if has.is_empty() || holds {
            return Vec::new();
        }
        wanted.iter().filter(|own| !has.iter().any(|net| net.contains(*own))).copied().collect()
    }

    /// What it has and what is wanted, of a family of which it has prefixes and gives room to none of those wanted: it would
    /// have to be renumbered.
    #[must_use]
    pub fn elsewhere(self, name: &str, wanted: &[IpNet]) -> Option<(Vec<IpNet>, Vec<IpNet>)> {
        let (has, lacks) = (self.prefixes(), self.lacks(name, wanted));
        [true, false].into_iter().find_map(|v4| {
            let of = |all: &[IpNet]| -> Vec<IpNet> {
                all.iter().filter(|net| matches!(net, IpNet::V4(_)) == v4).copied().collect()
            };
            let (has, wanted, lacks) = (of(&has), of(wanted), of(&lacks));
            let apart = !wanted.is_empty() && !has.is_empty() && lacks.len() == wanted.len();
            apart.then_some((has, wanted))
        })
    }

    /// The route table that it uses.
    #[must_use]
    pub fn route_table(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/routeTable/id")
    }

    /// The security group that it uses.
    #[must_use]
    pub fn security_group(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/networkSecurityGroup/id")
    }

    /// The gateways that stand in it.
    #[must_use]
    pub fn gateways(self) -> Vec<ResourceId> {
        let mut all: Vec<ResourceId> = self.standing().filter(|id| id.is_a(GATEWAYS)).collect();
        all.dedup();
        all
    }

    /// What stands in it: the resource of each configuration, whatever its type calls those.
    pub fn standing(self) -> impl Iterator<Item = ResourceId> + use<'v> {
        self.users().iter().filter_map(|own| id_at(own, "/id")?.parent())
    }

    /// What stands in it, of the kind that has configurations.
    #[must_use]
    pub fn users(self) -> &'v [Value] {
        list(self.0, "/properties/ipConfigurations")
    }
}

/// Azure's name of the subnet that gateways stand in.
pub const GATEWAY_SUBNET: &str = "GatewaySubnet";

/// The addresses of the other network as a side of a peering knows them: as of its last sync.
const KNOWN_SPACE: &str = "/properties/remoteAddressSpace/addressPrefixes";

/// An end of a peering, as one of its sides sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeeringEnd {
    /// The side's own network.
    Local,
    /// The other one.
    Remote,
}

/// One side of a peering: what one network says of another.
#[derive(Debug, Clone, Copy)]
pub struct PeeringView<'v>(&'v Value);

impl<'v> PeeringView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// The other network. None where that is what a hub shows of itself: it is Azure's own, and nobody reads it.
    #[must_use]
    pub fn remote(self) -> Option<ResourceId> {
        self.leads().filter(|other| hub_behind(other).is_none())
    }

    /// The name of the hub that it leads to, where it is what Azure shows of a hub's connection in the network.
    #[must_use]
    pub fn hub(self) -> Option<String> {
        hub_behind(&self.leads()?).map(str::to_owned)
    }

    fn leads(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/remoteVirtualNetwork/id")
    }

    /// Whether it leads to this network.
    #[must_use]
    pub fn leads_to(self, network: &ResourceId) -> bool {
        self.remote().as_ref() == Some(network)
    }

    /// `Initiated`, `Connected` or `Disconnected`.
    #[must_use]
    pub fn state(self) -> Option<&'v str> {
        word(self.0, "/properties/peeringState", &PEERING_STATES)
    }

    /// Whether it is in this state.
    #[must_use]
    pub fn is_in(self, state: &str) -> bool {
        is(self.0, "/properties/peeringState", state)
    }

    /// Whether the two networks reach one another; they do where nobody says otherwise.
    #[must_use]
    pub fn gives_access(self) -> bool {
        self.0.pointer("/properties/allowVirtualNetworkAccess") != Some(&Value::Bool(false))
    }

    /// Whether its network takes what machines of the other one forward.
    #[must_use]
    pub fn takes_forwarded(self) -> bool {
        flag(self.0, "/properties/allowForwardedTraffic")
    }

    /// Whether it lends its network's gateway: the hub's side.
    #[must_use]
    pub fn lends_gateway(self) -> bool {
        flag(self.0, "/properties/allowGatewayTransit")
    }

    /// Whether it uses the other network's gateway: the spoke's side.
    #[must_use]
    pub fn uses_gateway(self) -> bool {
        flag(self.0, "/properties/useRemoteGateways")
    }

    /// The subnets of one end that it is about; none where it is about whole networks, as nearly every one is (N-PEERSUB).
    #[must_use]
    pub fn subnets(self, end: PeeringEnd) -> Option<Vec<&'v str>> {
        if self.0.pointer("/properties/peerCompleteVnets") != Some(&Value::Bool(false)) {
            return None;
        }
        let names = match end {
            PeeringEnd::Local => list(self.0, "/properties/localSubnetNames"),
            PeeringEnd::Remote => list(self.0, "/properties/remoteSubnetNames"),
        };
        Some(names.iter().filter_map(Value::as_str).collect())
    }

    /// The addresses of the other network that it knows of; none where it does not say.
    #[must_use]
    pub fn known_space(self) -> Option<Vec<IpNet>> {
        self.0.pointer(KNOWN_SPACE).map(|_| prefixes(self.0, KNOWN_SPACE))
    }
}

/// The hub of a virtual WAN behind a network of Azure's own: `HV_` and its name, perhaps cut, in the group `RG_`, its
/// name and a GUID (azure-docs 107338).
#[must_use]
pub fn hub_behind(network: &ResourceId) -> Option<&str> {
    let group = network.resource_group();
    let (head, rest) = group.split_at_checked(3)?;
    let (name, guid) = rest.rsplit_once('_')?;
    let is_own = head.eq_ignore_ascii_case("RG_") && guid.len() == 36;
    let vnet = network.name().get(..3)?;
    (is_own && vnet.eq_ignore_ascii_case("HV_")).then_some(name)
}

/// Whether the network that a hub's side leads to is a spoke of it: that side lends the hub's gateway, and one
/// of the spoke's own sides leads back and uses it. Whether the sides are connected is asked apart.
#[must_use]
pub fn is_spoke<'v>(
    hub: &ResourceId,
    side: PeeringView<'v>,
    back: impl IntoIterator<Item = PeeringView<'v>>,
) -> bool {
    side.lends_gateway() && back.into_iter().any(|back| back.uses_gateway() && back.leads_to(hub))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_azure_shows_of_a_hub_is_no_network_of_anybodys() {
        let side = |group: &str, name: &str| {
            let head = "/subscriptions/s/resourceGroups";
            json!({ "properties": { "remoteVirtualNetwork": {
                "id": format!("{head}/{group}/providers/Microsoft.Network/virtualNetworks/{name}") } } })
        };
        let guid = "a76c722f-6cc3-4220-aeaa-ed3824da42ff";
        let of_hub = side(&format!("RG_hub_sea_{guid}"), &format!("HV_hub_{guid}"));
        assert_eq!(PeeringView::of(&of_hub).hub().as_deref(), Some("hub_sea"));
        assert_eq!(PeeringView::of(&of_hub).remote(), None);
        for (group, name) in [("rg-hub", "HV_hub"), ("RG_hub_sea", "vnet"), ("RG", "HV")] {
            let other = side(group, name);
            assert_eq!(PeeringView::of(&other).hub(), None);
            assert!(PeeringView::of(&other).remote().is_some());
        }
    }

    #[test]
    fn a_spoke_uses_what_its_hub_lends() {
        let id = |name: &str| {
            let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
            ResourceId::parse(&format!("{head}/virtualNetworks/{name}")).unwrap()
        };
        let side = |remote: &str, lends: bool, uses: bool| {
            json!({ "properties": {
                "remoteVirtualNetwork": { "id": id(remote).as_str() },
                "allowGatewayTransit": lends, "useRemoteGateways": uses,
            } })
        };
        let hub = id("hub");
        let spoke = |side: &Value, back: &Value| {
            is_spoke(&hub, PeeringView::of(side), [PeeringView::of(back)])
        };
        let lends = side("spoke", true, false);
        assert!(spoke(&lends, &side("HUB", false, true)));
        assert!(!spoke(&lends, &side("hub", false, false)), "it does not use it");
        assert!(!spoke(&lends, &side("other", false, true)), "it uses another's");
        assert!(!spoke(&side("spoke", false, false), &side("hub", false, true)), "nobody lends");
    }
}
