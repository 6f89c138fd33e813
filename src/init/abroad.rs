//! What of a spoke that uses another network's gateway today? It lets go of that, since Azure gives a network one
//! remote gateway; and takes it up again on the way home.

use super::draft::{DraftHub, DraftSpoke, made};
use super::estate::{EstateNetwork, VnetSide};
use super::text::{StepText, scalar};
use crate::model::ResourceId;

/// The sides of a spoke's peerings with which it uses a gateway of another network than this hub.
pub(super) fn elsewhere(spoke: &EstateNetwork, hub: &ResourceId) -> Vec<VnetSide> {
    spoke.peerings.iter().filter(|side| side.uses && side.remote != *hub).cloned().collect()
}

/// The flags are taken off; the steps that the peerings with the hub wait for.
pub(super) fn let_go(hub: &DraftHub, steps: &mut Vec<StepText>) -> Vec<String> {
    let mut names = Vec::new();
    for (spoke, place, side) in sides(hub) {
        let name = step_name("let_go", hub, spoke, place);
        steps.push(
            ensure(&name, spoke, side, false)
                .needs(&["go_ahead"])
                .say(
                    "why",
                    "A network uses one remote gateway. The one that it uses today is the source's, and leads \
                     nowhere while that is down.",
                ),
        );
        names.push(name);
    }
    names
}

/// The flags are put back, once the peerings with the hub have let go in turn.
pub(super) fn take_up(hub: &DraftHub, steps: &mut Vec<StepText>) {
    for (spoke, place, side) in sides(hub) {
        let before = if made(spoke) {
            format!("spoke_side_gone{}.{}", hub.suffix, spoke.key)
        } else if spoke.spoke_side.before.is_none() {
            format!("spoke_side_stays{}_{}", hub.suffix, spoke.key)
        } else {
            format!("spoke_side_as_it_was{}_{}", hub.suffix, spoke.key)
        };
        let name = step_name("taken_up", hub, spoke, place);
        steps.push(ensure(&name, spoke, side, true).needs(&[before]));
    }
}

fn sides(hub: &DraftHub) -> impl Iterator<Item = (&DraftSpoke, usize, &VnetSide)> {
    hub.spokes.iter().flat_map(|spoke| {
        spoke.elsewhere.iter().enumerate().map(move |(place, side)| (spoke, place, side))
    })
}

fn step_name(what: &str, hub: &DraftHub, spoke: &DraftSpoke, place: usize) -> String {
    let number = if place == 0 { String::new() } else { format!("_{}", place + 1) };
    format!("{what}{}_{}{number}", hub.suffix, spoke.key)
}

fn ensure(name: &str, spoke: &DraftSpoke, side: &VnetSide, uses: bool) -> StepText {
    let verb = if uses { "uses" } else { "no longer uses" };
    let (own, other) = (spoke.id.name(), side.remote.name());
    let title = format!("{own} {verb} the gateway of {other}");
    StepText::new(name, &title, "peering.ensure")
        .with("vnet", scalar(spoke.id.as_str()))
        .with("name", scalar(&side.name))
        .with("remote", scalar(side.remote.as_str()))
        .with("allow_forwarded_traffic", side.forwarded.to_string())
        .with("use_remote_gateways", uses.to_string())
}
