//! Which sessions of the circuits are down that a failover or its way home counts on? Both are proven on both paths
//! of a circuit, and a drill of an estate that is hurt already would prove nothing.

use super::draft::Draft;
use super::estate::KnownEstate;
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// Says of each session that is down how to look at it; in the world of the drill it stands.
pub(super) fn look(estate: &KnownEstate, draft: &mut Draft) {
    let mut onprem = estate.onprem.clone();
    let mut mended = false;
    let (target, source) = circuits(draft);
    for link in onprem.links.iter_mut().filter(|link| !link.up) {
        let whose = if target.contains(&link.circuit) {
            "the target's"
        } else if source.contains(&link.circuit) {
            "the source's, which the way home leads over"
        } else {
            continue;
        };
        let path = match link.path {
            CircuitPath::Primary => "primary",
            CircuitPath::Secondary => "secondary",
        };
        draft.todo.lack(
            format!(
                "The {path} session of {} with on-premises is down ({whose}). Find out why with the circuit's \
                 provider and whoever runs the edge routers.",
                link.circuit.name()
            ),
            vec![format!(
                "az network express-route list-arp-tables --subscription {} -g \"{}\" -n \"{}\" --path {path} \
                 --peering-name AzurePrivatePeering",
                link.circuit.subscription(),
                link.circuit.resource_group(),
                link.circuit.name()
            )],
        );
        (link.up, link.since, mended) = (true, None, true);
    }
    if mended {
        draft.todo.onprem = Some(onprem);
    }
}

/// The circuits that the target uses, and those that the source does.
fn circuits(draft: &Draft) -> (Vec<ResourceId>, Vec<ResourceId>) {
    let mut target: Vec<ResourceId> = Vec::new();
    let mut source: Vec<ResourceId> = Vec::new();
    for hub in &draft.hubs {
        target.extend(hub.links.iter().map(|link| link.circuit.clone()));
        source.extend(hub.source_links.iter().map(|link| link.circuit.clone()));
    }
    if let Some(own) = &draft.wan {
        target.push(own.circuit.clone());
        source.extend(own.source_circuits.iter().cloned());
    }
    (target, source)
}
