//! What is to be done, step by step but not yet in words? The failover of an estate, as data.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::estate::{CircuitLink, EstateNetwork, VnetSide};
use super::pairs::Counterpart;
use super::strategy::Strategy;
use super::todo::Todo;
use crate::model::{Region, ResourceId};
use crate::sim::Lock;

/// A failover of an estate.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) strategy: Strategy,
    pub(super) source: Option<Region>,
    pub(super) target: Region,
    pub(super) team: String,
    pub(super) contact: String,
    pub(super) rto: String,
    pub(super) weight: u64,
    pub(super) kept: bool,
    pub(super) hubs: Vec<DraftHub>,
    /// Recovery plans that the runbook asks Site Recovery for; without one a person moves the machines.
    pub(super) plans: Vec<ResourceId>,
    pub(super) wan: Option<WanDraft>,
    pub(super) test: Option<TestDraft>,
    /// What moved from on-premises into Azure.
    pub(super) moved: Vec<IpNet>,
    /// Whether the source's connections can be ended from the circuits' side while the source is down.
    pub(super) revocable: bool,
    pub(super) tags: BTreeMap<String, String>,
    /// Private names that follow to the target's addresses.
    pub(super) records: Vec<DraftRecord>,
    /// Profiles that send clients to the source.
    pub(super) endpoints: Vec<DraftEndpoints>,
    /// Subnets that come to be guarded as the source's are.
    pub(super) guards: Vec<DraftGuard>,
    pub(super) estate: String,
    /// The locks that the drill's world keeps.
    pub(super) locks: Vec<Lock>,
    /// What is left for people.
    pub todo: Todo,
}

impl Draft {
    /// Whether a drill with the source down can recover only where Azure takes the target's connection beside the source's,
    /// with the same addresses on one circuit: nothing that is documented ends the source's.
    pub(super) fn assumes_overlap(&self) -> bool {
        self.strategy == Strategy::SameCircuitSwap && !self.revocable
    }
}

/// What happens at one hub of the target.
#[derive(Debug, Clone)]
pub(super) struct DraftHub {
    /// What the names of its steps and parameters end in; empty where there is one hub.
    pub(super) suffix: String,
    pub(super) hub: EstateNetwork,
    pub(super) gateway: DraftGateway,
    /// The source's gateway, that has to learn again before anybody goes home.
    pub(super) source_gateway: Option<ResourceId>,
    pub(super) source_links: Vec<CircuitLink>,
    pub(super) links: Vec<DraftLink>,
    /// Connections of the source that go, with circuits that the target is not connected with.
    pub(super) also_removed: Vec<AlsoRemoved>,
    pub(super) spokes: Vec<DraftSpoke>,
    pub(super) tables: Vec<DraftTable>,
    pub(super) tunnels: Option<TunnelDraft>,
    pub(super) onprem: Vec<IpNet>,
    pub(super) azure: Vec<IpNet>,
    /// What the source's gateway learns and tells when it is back.
    pub(super) source_onprem: Vec<IpNet>,
    pub(super) source_azure: Vec<IpNet>,
    /// Spokes whose machines come up with other addresses, each as a phrase.
    pub(super) readdressed: Vec<String>,
}

/// A gateway: one that is there, or one to be made.
#[derive(Debug, Clone)]
pub(super) struct DraftGateway {
    pub(super) id: ResourceId,
    pub(super) exists: bool,
    pub(super) sku: String,
    pub(super) autoscale: Option<(u64, u64)>,
    /// The GatewaySubnet to be made.
    pub(super) subnet: Option<Vec<IpNet>>,
}

/// How a connection gets its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftKey {
    /// Circuit and gateway are in one subscription.
    None,
    /// An authorization that is there.
    There(String),
    /// An authorization that is made.
    Made(String),
}

/// A connection with a circuit.
#[derive(Debug, Clone)]
pub(super) struct DraftLink {
    /// What the names of its steps end in.
    pub(super) suffix: String,
    pub(super) circuit: ResourceId,
    pub(super) id: ResourceId,
    /// Its weight where it is there already.
    pub(super) before: Option<u64>,
    pub(super) weight: u64,
    /// Whether it is made with FastPath, as the source's is.
    pub(super) fast_path: bool,
    pub(super) key: DraftKey,
    /// The source's connection that has to go first.
    pub(super) removed: Option<CircuitLink>,
    /// What keeps replication off the circuit's Microsoft peering, if anything does.
    pub(super) not_replicated: Option<String>,
    pub(super) onprem: Vec<IpNet>,
}

/// A connection of the source that goes and has no successor.
#[derive(Debug, Clone)]
pub(super) struct AlsoRemoved {
    /// What the names of its steps end in.
    pub(super) suffix: String,
    pub(super) link: CircuitLink,
}

/// A spoke.
#[derive(Debug, Clone)]
pub(super) struct DraftSpoke {
    pub(super) key: String,
    pub(super) id: ResourceId,
    pub(super) hub_side: DraftSide,
    pub(super) spoke_side: DraftSide,
    /// With which of its peerings it uses another network's gateway today.
    pub(super) elsewhere: Vec<VnetSide>,
}

/// One side of a peering, as it shall be and as it is.
#[derive(Debug, Clone)]
pub(super) struct DraftSide {
    pub(super) name: String,
    pub(super) forwarded: bool,
    pub(super) gateway: bool,
    pub(super) before: Option<VnetSide>,
}

/// A route table and the subnets that come to use it.
#[derive(Debug, Clone)]
pub(super) struct DraftTable {
    pub(super) key: String,
    pub(super) id: ResourceId,
    pub(super) exists: bool,
    pub(super) routes: Vec<DraftRoute>,
    pub(super) keeps_out: bool,
    pub(super) subnets: Vec<(String, ResourceId)>,
    /// The GatewaySubnet that comes to use it, once the gateway is there.
    pub(super) gateway_subnet: Option<ResourceId>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftRoute {
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) hop: DraftHop,
}

/// Where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftHop {
    /// An address, or one of the words of the language.
    Text(String),
    /// An Azure firewall.
    Firewall(ResourceId),
}

/// A private name.
#[derive(Debug, Clone)]
pub(super) struct DraftRecord {
    /// What its steps are called.
    pub(super) key: String,
    pub(super) zone: ResourceId,
    pub(super) name: String,
    pub(super) before: Vec<IpAddr>,
    pub(super) after: Vec<IpAddr>,
    /// Seconds for which it is remembered today.
    pub(super) ttl: Option<u64>,
}

/// The endpoints of a Traffic Manager profile.
#[derive(Debug, Clone)]
pub(super) struct DraftEndpoints {
    pub(super) key: String,
    pub(super) profile: String,
    /// Those of the target that are off.
    pub(super) off: Vec<ResourceId>,
    /// Those of the source that are on.
    pub(super) left: Vec<ResourceId>,
}

/// A subnet and the security group that it comes to use.
#[derive(Debug, Clone)]
pub(super) struct DraftGuard {
    pub(super) key: String,
    pub(super) subnet: ResourceId,
    pub(super) group: ResourceId,
    /// The tables that write the same subnet: their keys, and the suffixes of their hubs.
    pub(super) needs: Vec<(String, String)>,
}

/// A test failover.
#[derive(Debug, Clone)]
pub(super) struct TestDraft {
    pub(super) plan: ResourceId,
    pub(super) network: ResourceId,
}

/// The VPN of a hub.
#[derive(Debug, Clone)]
pub(super) struct TunnelDraft {
    pub(super) gateway: ResourceId,
    pub(super) exists: bool,
    pub(super) sku: String,
    pub(super) addresses: Vec<ResourceId>,
    pub(super) tunnels: Vec<DraftTunnel>,
}

/// A tunnel to a device.
#[derive(Debug, Clone)]
pub(super) struct DraftTunnel {
    /// What its steps end in.
    pub(super) suffix: String,
    pub(super) id: ResourceId,
    pub(super) local: ResourceId,
    pub(super) address: String,
    pub(super) prefixes: Vec<IpNet>,
    /// The source's tunnel to the same device, which has the key.
    pub(super) known: ResourceId,
}

/// The failover of a virtual WAN's hub.
#[derive(Debug, Clone)]
pub(super) struct WanDraft {
    pub(super) wan: ResourceId,
    pub(super) hub: ResourceId,
    pub(super) hub_exists: bool,
    pub(super) prefix: IpNet,
    /// What the hub prefers today, in the words of the language.
    pub(super) preference: String,
    pub(super) gateway: ResourceId,
    pub(super) gateway_exists: bool,
    pub(super) units: (u64, u64),
    pub(super) circuit: ResourceId,
    pub(super) connection: String,
    /// Its weight where it is there already.
    pub(super) connected: Option<u64>,
    pub(super) key: DraftKey,
    pub(super) networks: Vec<(String, ResourceId, String)>,
    /// The networks of the source, each with what stands for it.
    pub(super) matched: Vec<Counterpart>,
    pub(super) onprem: Vec<IpNet>,
    pub(super) azure: Vec<IpNet>,
    pub(super) source_hub: ResourceId,
    pub(super) source_circuits: Vec<ResourceId>,
    pub(super) source_onprem: Vec<IpNet>,
    pub(super) source_azure: Vec<IpNet>,
    pub(super) weight: u64,
    pub(super) target: Region,
}

/// Whether the failover made both sides of a spoke's peering.
pub(super) fn made(spoke: &DraftSpoke) -> bool {
    spoke.hub_side.before.is_none() && spoke.spoke_side.before.is_none()
}
