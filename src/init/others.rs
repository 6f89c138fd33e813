//! What belongs to a failover besides its network? The machines, the site that is left, and what to look at.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::advice::{Advice, CONTACT, Fitness};
use super::circuits;
use super::draft::{Draft, DraftHub, DraftTunnel, TestDraft, WanDraft};
use super::error::InitError;
use super::estate::{KnownEstate, overlap};
use super::hub_pair::readdressed;
use super::pairs::{Counterpart, Pairs};
use super::strategy::Strategy;
use super::text::{StepText, expr, prefixes};
use super::todo::Todo;
use super::{doubts, failback_network, site, wan};
use crate::arm::{kind, read};
use crate::model::{Region, ResourceId};

const RECOVERY_PLANS: &str = "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans";

/// Recovery plans whose vault is not lost with the source, the largest first; of plans that move the same machine
/// only one.
pub(super) fn plans(
    estate: &KnownEstate,
    source: Option<&Region>,
    todo: &mut super::todo::Todo,
) -> Vec<ResourceId> {
    let stays = |id: &ResourceId| {
        let vault = id.parent().and_then(|vault| estate.bodies.get(&vault));
        source.is_none() || vault.and_then(read::region).as_ref() != source
    };
    let mut all: Vec<(&ResourceId, BTreeSet<String>)> = estate
        .of_kind(RECOVERY_PLANS)
        .filter(|(id, _)| stays(id))
        .map(|(id, body)| (id, machines(body)))
        .collect();
    all.sort_by_key(|(id, machines)| (std::cmp::Reverse(machines.len()), (*id).clone()));
    let (mut taken, mut moved) = (Vec::new(), BTreeSet::new());
    for (id, machines) in all {
        if machines.is_empty() || machines.iter().any(|own| moved.contains(own)) {
            todo.decide(format!(
                "The recovery plan {} moves machines that another one moves, or none: it is left out.",
                id.name()
            ));
            continue;
        }
        moved.extend(machines);
        taken.push(id.clone());
    }
    taken
}

/// Why a person moves the machines: no plan is known, or those that are go down with the region that is left.
fn without_plan(estate: &KnownEstate, source: Option<&Region>, todo: &mut Todo) {
    let lost = estate.of_kind(RECOVERY_PLANS).filter(|(id, _)| {
        let vault = id.parent().and_then(|vault| estate.bodies.get(&vault));
        source.is_some() && vault.and_then(read::region).as_ref() == source
    });
    let mut any = false;
    for (id, _) in lost {
        any = true;
        let vault = id.parent();
        todo.decide(format!(
            "The recovery plan {} cannot be used: its vault {} is in {}, and goes down with what it is to move machines out \
             of. Protect the machines from a vault in another region; until then the step `machines` asks a person, who \
             cannot do it either.",
            id.name(),
            vault.as_ref().map_or("", ResourceId::name),
            source.map_or("the source region", Region::as_str)
        ));
    }
    if !any {
        todo.decide(
            "No recovery plan of Site Recovery is in the world: the step `machines` asks a person. Capture the \
             vault as well, or write `recovery_plan.failover` there.",
        );
    }
}

fn machines(plan: &serde_json::Value) -> BTreeSet<String> {
    let items = |group| read::list(group, "/replicationProtectedItems");
    read::list(plan, "/properties/groups")
        .iter()
        .flat_map(items)
        .filter_map(|own| read::text(own, "/id").map(str::to_ascii_lowercase))
        .collect()
}

/// The tags of the source's hub and gateway, which policies may ask for; those of Azure's own and those that name the
/// region stay there.
pub(super) fn tags(estate: &KnownEstate, advice: &Advice) -> BTreeMap<String, String> {
    let region = advice.source.as_ref().map_or("", |own| own.as_str());
    let hubs = advice.pairs.hubs.iter().filter_map(|own| own.hub.source.as_ref());
    let ids = hubs.flat_map(|hub| {
        let gateway = estate.gateway_in(&hub.id).map(|own| &own.id);
        std::iter::once(&hub.id).chain(gateway)
    });
    let mut tags = BTreeMap::new();
    for body in ids.filter_map(|id| estate.bodies.get(id)) {
        for (name, value) in body["tags"].as_object().into_iter().flatten() {
            let Some(value) = value.as_str() else { continue };
            let here = !region.is_empty() && value.to_ascii_lowercase().contains(region);
            if !here && !name.to_ascii_lowercase().starts_with("hidden") {
                tags.insert(name.clone(), value.to_owned());
            }
        }
    }
    tags
}

/// Networks of the target that nothing leads to and that stand for none of the source.
fn quiet<'e>(estate: &'e KnownEstate, pairs: &Pairs, target: &Region) -> Vec<&'e ResourceId> {
    let paired = |id: &ResourceId| {
        pairs.hubs.iter().any(|hub| {
            hub.hub.source.is_some()
                && std::iter::once(&hub.hub).chain(&hub.spokes).any(|own| own.target.id == *id)
        })
    };
    let mut quiet: Vec<&ResourceId> = estate
        .networks
        .iter()
        .filter(|own| own.region == *target && own.peerings.is_empty() && !paired(&own.id))
        .filter(|own| !estate.has_gateway(&own.id))
        .map(|own| &own.id)
        .collect();
    quiet.sort_by_key(|own| !own.name().to_ascii_lowercase().contains("test"));
    quiet
}

pub(super) fn test_fit(estate: &KnownEstate, pairs: &Pairs, target: &Region) -> Fitness {
    let mut no = Vec::new();
    if estate.of_kind(RECOVERY_PLANS).next().is_none() {
        no.push("There is no recovery plan of Site Recovery.".to_owned());
    }
    let quiet = quiet(estate, pairs, target);
    match quiet.first() {
        _ if !no.is_empty() => Err(no),
        None => Err(vec![format!(
            "No network of {} is free of peerings and gateways, for copies of the machines.",
            target.as_str()
        )]),
        Some(own) => Ok((
            vec![format!(
                "Copies of the machines can start in {}, which nothing leads to.",
                own.name()
            )],
            None,
        )),
    }
}

pub(super) fn test(
    estate: &KnownEstate,
    pairs: &Pairs,
    target: &Region,
) -> Result<TestDraft, InitError> {
    let plan = estate.of_kind(RECOVERY_PLANS).next().map(|(id, _)| id.clone());
    let network = quiet(estate, pairs, target).first().map(|own| (*own).clone());
    plan.zip(network)
        .map(|(plan, network)| TestDraft { plan, network })
        .ok_or_else(|| InitError::new("There is no recovery plan, or no network for copies."))
}

/// What on-premises tells that a network of the target has: the subnets of the machines that moved.
pub(super) fn moved(estate: &KnownEstate, target: &Region) -> Vec<IpNet> {
    let there: Vec<IpNet> = estate
        .networks
        .iter()
        .filter(|own| own.region == *target)
        .flat_map(|own| own.space.clone())
        .collect();
    let mut all = estate.all_sites();
    all.extend(estate.circuits.iter().flat_map(|own| estate.heard_by(&own.id)));
    all.retain(|own| there.iter().any(|space| space.contains(own)));
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn site_fit(estate: &KnownEstate, target: &Region) -> Fitness {
    let spare = circuits::spare(estate, &[], target);
    let moved = moved(estate, target);
    match spare.first() {
        None => Err(vec!["No circuit reaches the target.".to_owned()]),
        Some(_) if moved.is_empty() => Err(vec![
            "On-premises tells of no subnet that a network of the target has: none seems to have moved."
                .to_owned(),
        ]),
        Some(own) => Ok((
            vec![format!(
                "On-premises tells of {}, which networks of the target have; {} reaches them.",
                moved.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                own.id.name()
            )],
            Some(own.id.clone()),
        )),
    }
}

/// Whether every connection that has to go was made with an authorization that can be revoked without its region.
pub(super) fn revocable(estate: &KnownEstate, draft: &Draft) -> bool {
    let source = draft.source.as_ref();
    let removed =
        draft.hubs.iter().flat_map(|hub| &hub.links).filter_map(|own| own.removed.as_ref());
    let mut removed = removed.peekable();
    removed.peek().is_some() && removed.all(|link| circuits::is_revocable(estate, source, link))
}

/// On-premises stops telling of what moved.
pub(super) fn site_leaves(draft: &Draft, steps: &mut Vec<StepText>) {
    let Some(link) = draft.hubs.iter().find_map(|hub| hub.links.first()) else { return };
    if draft.moved.is_empty() {
        return;
    }
    let all = draft.moved.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    steps.push(
        StepText::new("withdrawn", "On-premises stops advertising the subnets that moved", "manual")
            .needs(&["go_ahead"])
            .question(&format!(
                "Withdraw {all} from the edge routers' advertisements towards Azure and from the internal \
                 routing. Confirm when it is done."
            ))
            .with("expires_after", "4h")
            .say(
                "why",
                "A route that on-premises knows by itself beats what it hears from Azure: users would be sent \
                 to machines that are not there any more.",
            ),
    );
    steps.push(
        StepText::new(
            "not_heard",
            "The circuit hears the moved subnets from on-premises no longer",
            "verify.circuit_routes",
        )
        .needs(&["withdrawn"])
        .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
        .with("absent", prefixes(&draft.moved))
        .is("timeout", "40m")
        .is("on_failure", "ask"),
    );
}

/// On-premises tells of them again.
pub(super) fn site_returns(draft: &Draft, steps: &mut Vec<StepText>) {
    let Some(link) = draft.hubs.iter().find_map(|hub| hub.links.first()) else { return };
    if draft.moved.is_empty() {
        return;
    }
    let all = draft.moved.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let before = if link.before.is_none() { "forgotten" } else { "cut" };
    steps.push(
        StepText::new("announced", "On-premises advertises the subnets again", "manual")
            .needs(&[format!("{before}{}", link.suffix)])
            .question(&format!(
                "Advertise {all} from the site's edge again. Confirm when users reach the machines there."
            ))
            .with("expires_after", "8h"),
    );
}

/// What the runbook does not do and a person should know of.
pub(super) fn look_around(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    let assumes_overlap = draft.assumes_overlap();
    let todo = &mut draft.todo;
    if draft.contact == CONTACT {
        todo.decide(
            "`owner`: who answers for this runbook and how they are reached (--param team=… --param contact=…).",
        );
    }
    todo.decide(
        "`roles.commander`: name the accounts that may say yes (`people`), or anybody with access may.",
    );
    if draft.plans.is_empty() && draft.strategy != Strategy::SiteRecoveryTest {
        without_plan(estate, advice.source.as_ref(), todo);
    }
    let of_hubs = advice.pairs.hubs.iter();
    let of_hubs = of_hubs.flat_map(|hub| std::iter::once(&hub.hub).chain(&hub.spokes));
    let pairs: Vec<&Counterpart> =
        of_hubs.chain(draft.wan.iter().flat_map(|own| &own.matched)).collect();
    doubts::look(estate, advice, &pairs, todo);
    far_users(estate, advice, &draft.hubs, todo);
    readdressing(&draft.hubs, draft.wan.as_ref(), todo);
    if assumes_overlap {
        // Azure-facts 1.3 and 7.2: the text says that it cannot be, and also what happens when it is.
        todo.decide(
            "The drill with the source down assumes that Azure takes the target's connection although the source's still \
             stands on the circuit with the same addresses (`overlap: accept` in its world). Nobody has recorded whether it \
             does: drill it with `overlap: refuse` as well, and agree beforehand on what is done if it refuses (Azure's \
             support, another circuit, a VPN).",
        );
    }
    failback_network::look(&draft.hubs, todo);
    site::look(advice, &draft.hubs, draft.strategy, todo);
    let of_wan = wan::networks(estate, advice.source.as_ref());
    for id in &advice.pairs.left_out {
        match (of_wan.iter().any(|own| own.id == *id), &draft.wan) {
            (true, Some(_)) => {}
            (true, None) => todo.decide(format!(
                "{} is connected to the hub of a virtual WAN, which this runbook leaves alone: write a second one \
                 with --strategy vwan-dr-circuit.",
                id.name()
            )),
            (false, _) => todo.decide(format!(
                "{} is in the source region and no hub with a gateway leads to it: it is left out.",
                id.name()
            )),
        }
    }
    around_circuits(estate, advice, draft);
}

/// Networks of other regions that use the source's gateway, and that the runbook leaves alone.
fn far_users(estate: &KnownEstate, advice: &Advice, hubs: &[DraftHub], todo: &mut Todo) {
    for hub in advice.pairs.hubs.iter().filter_map(|own| own.hub.source.as_ref()) {
        let far = hub.peerings.iter().filter_map(|side| estate.network(&side.remote));
        for own in far.filter(|own| own.region != hub.region) {
            let helped = hubs.iter().flat_map(|hub| &hub.spokes).any(|spoke| {
                spoke.id == own.id && spoke.elsewhere.iter().any(|side| side.remote == hub.id)
            });
            let uses = own.peerings.iter().any(|side| side.uses && side.remote == hub.id);
            if uses && !helped {
                todo.decide(format!(
                    "{} in {} uses the gateway of {}, and loses its way to on-premises with it: the runbook \
                     leaves it alone.",
                    own.id.name(),
                    own.region.as_str(),
                    hub.id.name()
                ));
            }
        }
    }
}

/// Whose addresses are others in the target.
fn readdressing(hubs: &[DraftHub], wan: Option<&WanDraft>, todo: &mut Todo) {
    for own in hubs.iter().flat_map(|hub| &hub.readdressed) {
        todo.decide(format!(
            "{own}: the other networks keep their addresses, and this one does not. Names, firewalls and whatever \
             knows its addresses must follow; the step `names` asks for it."
        ));
    }
    for own in wan.iter().flat_map(|own| readdressed(&own.matched)) {
        todo.decide(format!(
            "{own}: names, firewalls and whatever knows its addresses must follow; the step `names` asks for it."
        ));
    }
}

fn around_circuits(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    let used: Vec<ResourceId> =
        draft.hubs.iter().flat_map(|hub| hub.links.iter().map(|own| own.circuit.clone())).collect();
    let behind = |site: &String| {
        let mut links =
            estate.onprem.links.iter().filter(|link| used.contains(&link.circuit)).peekable();
        links.peek().is_none()
            || links.any(|link| link.sites.is_empty() || link.sites.contains(site))
    };
    if !used.is_empty() {
        for site in estate.onprem.sites.iter().filter(|site| !behind(&site.name)) {
            draft.todo.decide(format!(
                "The site {} is not behind the target's circuit: it reaches nothing after a failover.",
                site.name
            ));
        }
    }
    behind_devices(estate, draft);
    let has_vpn = advice
        .pairs
        .hubs
        .iter()
        .filter_map(|hub| hub.hub.source.as_ref())
        .any(|hub| estate.vpn_in(&hub.id).is_some());
    if has_vpn && draft.strategy != Strategy::VpnLastPath {
        draft.todo.decide(
            "The source has a VPN gateway besides, which this runbook leaves alone: for the day on which no \
             circuit is left write a second one with --strategy vpn-last-path.",
        );
    }
    let direct = estate.of_kind(kind::FIREWALLS).count();
    if direct > 0 {
        draft.todo.decide(
            "Firewalls have rules and policies that no runbook copies: see that the target's are those of the \
             source.",
        );
    }
}

/// Sites that no tunnel leads to, where the tunnels are the way.
fn behind_devices(estate: &KnownEstate, draft: &mut Draft) {
    let tunnels: Vec<&DraftTunnel> = draft
        .hubs
        .iter()
        .filter_map(|hub| hub.tunnels.as_ref())
        .flat_map(|own| &own.tunnels)
        .collect();
    if tunnels.is_empty() {
        return;
    }
    let devices = &estate.onprem.devices;
    let at =
        |own: &DraftTunnel| devices.iter().find(|device| device.address.to_string() == own.address);
    let mut lost = Vec::new();
    for site in &estate.onprem.sites {
        let leads = |own: &&DraftTunnel| match at(own) {
            Some(device) => device.sites.is_empty() || device.sites.contains(&site.name),
            // Of a device that the world does not have, the prefixes of what stands for it say what is behind it; without
            // any it tells them itself.
            None => own.prefixes.is_empty() || overlap(&own.prefixes, &site.prefixes),
        };
        if !tunnels.iter().any(leads) {
            lost.push(site.name.clone());
        }
    }
    for site in lost {
        draft.todo.decide(format!(
            "The site {site} is behind no device that a tunnel leads to: it reaches nothing after a failover."
        ));
    }
}
