//! What is to be done, step by step but not yet in words? The failover of an estate, as data.

use ipnet::IpNet;

use super::advice::{Advice, CONTACT, InitError, TEAM, default_rto};
use super::circuits::{place, reaches, wants_premium};
use super::estate::{CircuitLink, EstateNetwork, KnownEstate, PeeringSide};
use super::hub_pair::HubBuilder;
use super::names;
use super::others::{self, TestDraft};
use super::strategy::Strategy;
use super::todo::Todo;
use super::tunnels::{self, TunnelDraft};
use super::wan::{self, WanDraft};
use crate::model::{Region, ResourceId};

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
    pub(super) tags: std::collections::BTreeMap<String, String>,
    pub(super) estate: String,
    /// What is left for people.
    pub todo: Todo,
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
    pub(super) spokes: Vec<DraftSpoke>,
    pub(super) tables: Vec<DraftTable>,
    pub(super) tunnels: Option<TunnelDraft>,
    pub(super) onprem: Vec<IpNet>,
    pub(super) azure: Vec<IpNet>,
    /// What the source's gateway learns and tells when it is back.
    pub(super) source_onprem: Vec<IpNet>,
    pub(super) source_azure: Vec<IpNet>,
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
    pub(super) key: DraftKey,
    /// The source's connection that has to go first.
    pub(super) removed: Option<CircuitLink>,
    pub(super) onprem: Vec<IpNet>,
}

/// A spoke.
#[derive(Debug, Clone)]
pub(super) struct DraftSpoke {
    pub(super) key: String,
    pub(super) id: ResourceId,
    pub(super) hub_side: DraftSide,
    pub(super) spoke_side: DraftSide,
}

/// One side of a peering, as it shall be and as it is.
#[derive(Debug, Clone)]
pub(super) struct DraftSide {
    pub(super) name: String,
    pub(super) forwarded: bool,
    pub(super) gateway: bool,
    pub(super) before: Option<PeeringSide>,
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
#[derive(Debug, Clone)]
pub(super) struct DraftRoute {
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) hop: DraftHop,
}

/// Where it leads.
#[derive(Debug, Clone)]
pub(super) enum DraftHop {
    /// An address, or one of the words of the language.
    Text(String),
    /// An Azure firewall.
    Firewall(ResourceId),
}

/// Drafts the failover that was advised.
///
/// # Errors
/// The estate lacks something that cannot even be planned.
pub fn draft(estate: &KnownEstate, advice: &Advice) -> Result<Draft, InitError> {
    let chosen = &advice.chosen;
    let mut draft = Draft {
        strategy: advice.strategy,
        source: advice.source.clone(),
        target: advice.target.clone(),
        team: chosen.or("team", TEAM).to_owned(),
        contact: chosen.or("contact", CONTACT).to_owned(),
        rto: chosen.or("rto", default_rto(advice.strategy)).to_owned(),
        weight: weight(chosen.get("weight"))?,
        kept: advice.kept,
        hubs: Vec::new(),
        plans: Vec::new(),
        wan: None,
        test: None,
        moved: Vec::new(),
        revocable: false,
        tags: others::tags(estate, advice),
        estate: estate.world.clone(),
        todo: Todo::default(),
    };
    crate::model::time::parse_duration(&draft.rto)
        .map_err(|error| InitError::new(format!("--param rto={}: {error}.", draft.rto)))?;
    draft.plans = others::plans(estate, advice.source.as_ref(), &mut draft.todo);
    match advice.strategy {
        Strategy::VwanDrCircuit => draft.wan = Some(wan::draft(estate, advice, &mut draft.todo)?),
        Strategy::SiteRecoveryTest => {
            draft.test = Some(others::test(estate, &advice.pairs, &advice.target)?);
        }
        _ => {
            if advice.strategy == Strategy::OnpremToAzure {
                draft.moved = others::moved(estate, &advice.target);
            }
            hubs(estate, advice, &mut draft)?;
        }
    }
    draft.revocable = others::revocable(estate, &draft);
    others::look_around(estate, advice, &mut draft);
    Ok(draft)
}

fn weight(said: Option<&str>) -> Result<u64, InitError> {
    let Some(said) = said else { return Ok(100) };
    said.parse().ok().filter(|weight| *weight <= 32_000).ok_or_else(|| {
        InitError::new(format!("--param weight={said} is no number from 0 to 32000."))
    })
}

fn hubs(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) -> Result<(), InitError> {
    if advice.pairs.hubs.is_empty() {
        return Err(InitError::new(
            "The source region has no hub: no network there has a gateway or lends one.",
        )
        .hint("Capture the subscription of the hub as well: --subscription may be repeated."));
    }
    let names: Vec<String> =
        advice.pairs.hubs.iter().map(|own| own.hub.target.id.name().to_owned()).collect();
    let several = names.len() > 1;
    let keys = names::keys(&names);
    for (pair, key) in advice.pairs.hubs.iter().zip(keys) {
        let suffix = if several { format!("_{key}") } else { String::new() };
        let mut builder = HubBuilder { estate, advice, todo: &mut draft.todo, suffix };
        let mut hub = builder.build(pair, draft.weight)?;
        if advice.strategy == Strategy::VpnLastPath {
            hub.tunnels = Some(tunnels::draft(estate, advice, pair, &hub.suffix, &mut draft.todo));
        }
        if !draft.moved.is_empty() {
            let still = |own: &IpNet| !draft.moved.iter().any(|moved| moved.contains(own));
            hub.onprem.retain(still);
            hub.links.iter_mut().for_each(|link| link.onprem.retain(still));
        }
        draft.hubs.push(hub);
    }
    let mut circuits: Vec<&ResourceId> =
        draft.hubs.iter().flat_map(|hub| hub.links.iter().map(|link| &link.circuit)).collect();
    circuits.sort();
    circuits.dedup();
    let target = &advice.target;
    let short: Vec<ResourceId> = circuits
        .into_iter()
        .filter(|own| estate.circuit(own).is_some_and(|own| wants_premium(own, target)))
        .cloned()
        .collect();
    for id in short {
        premium(estate, &id, target, &mut draft.todo);
    }
    Ok(())
}

/// A circuit whose tier does not reach: raised beforehand, since that day nobody may be able to.
fn premium(estate: &KnownEstate, id: &ResourceId, target: &Region, todo: &mut Todo) {
    let Some(circuit) = estate.circuit(id) else { return };
    let why = reaches(circuit, target).err().unwrap_or_default();
    todo.lack(
        format!("{why} (it is at {}). Raising it takes minutes and no downtime.", place(circuit)),
        vec![format!("az network express-route update --ids {id} --sku-tier Premium")],
    );
    if let Some(body) = todo.changed(estate, id) {
        let family = body["sku"]["family"].as_str().unwrap_or("MeteredData").to_owned();
        body["sku"] = serde_json::json!({
            "name": format!("Premium_{family}"), "tier": "Premium", "family": family,
        });
    }
}
