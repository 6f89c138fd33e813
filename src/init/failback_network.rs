//! How do routes and peerings become what they were? What was made goes, what was changed is changed back.

use super::abroad;
use super::draft::made;
use super::draft::{DraftHub, DraftSide, DraftSpoke, DraftTable};
use super::text::Body;
use super::text::{StepText, expr, scalar};
use super::todo::Todo;
use crate::model::ResourceId;

/// Routes and peerings as they were; the steps that the gateway's end waits for.
pub(super) fn network_gone(hub: &DraftHub, needs: &[String], body: &mut Body) -> Vec<String> {
    let s = &hub.suffix;
    let mut last = Vec::new();
    for table in &hub.tables {
        last.extend(table_gone(s, table, needs, &mut body.steps));
    }
    if hub.spokes.iter().any(made) {
        last.push(peerings_gone(s, needs, &mut body.steps));
    }
    for spoke in hub.spokes.iter().filter(|own| !made(own)) {
        let back = side(hub, spoke, &spoke.spoke_side, false, needs, &mut body.steps);
        let after = if back.is_empty() { needs.to_vec() } else { back.clone() };
        let out = side(hub, spoke, &spoke.hub_side, true, &after, &mut body.steps);
        last.extend(back);
        last.extend(out);
    }
    abroad::take_up(hub, &mut body.steps);
    if last.is_empty() && !hub.spokes.is_empty() {
        last.extend(needs.to_vec());
    }
    last
}

/// A table is used no more, and goes where it was made; the step that the gateway's end waits for.
fn table_gone(
    s: &str,
    table: &DraftTable,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Option<String> {
    let mut last = None;
    let mut unused = Vec::new();
    if !table.subnets.is_empty() {
        let name = format!("{}_unused{s}", table.key);
        steps.push(
            StepText::new(
                &name,
                &format!("Subnet ${{each.key}} uses {} no more", table.id.name()),
                "route_table.dissociate",
            )
            .is("each", &expr(&format!("params.{}_subnets{s}", table.key)))
            .needs(needs)
            .with("subnet", expr("each.value.subnet"))
            .with("route_table", table.id.as_str()),
        );
        unused.push(name);
    }
    if let Some(subnet) = &table.gateway_subnet {
        let name = format!("{}_off_gateway{s}", table.key);
        steps.push(
            StepText::new(
                &name,
                &format!("The GatewaySubnet uses {} no more", table.id.name()),
                "route_table.dissociate",
            )
            .needs(needs)
            .with("subnet", subnet.as_str())
            .with("route_table", table.id.as_str()),
        );
        unused.push(name.clone());
        last = Some(name);
    }
    if !table.exists {
        let name = format!("{}_gone{s}", table.key);
        steps.push(
            StepText::new(&name, &format!("{} is removed", table.id.name()), "route_table.remove")
                .needs(if unused.is_empty() { needs } else { &unused })
                .with("id", table.id.as_str()),
        );
    }
    last
}

/// Peerings that were made go; the step that the gateway's end waits for.
fn peerings_gone(s: &str, needs: &[String], steps: &mut Vec<StepText>) -> String {
    steps.push(
            StepText::new(
                &format!("spoke_side_gone{s}"),
                "The peering from ${each.key} to the hub is removed",
                "peering.remove",
            )
            .is("each", &expr(&format!("params.spokes{s}")))
            .needs(needs)
            .with(
                "id",
                "\"${each.value.vnet}/virtualNetworkPeerings/${each.value.spoke_side}\"",
            )
            .with("remote", expr(&format!("params.hub{s}")))
            .say(
                "why",
                "The side that uses the gateway goes first: Azure removes no gateway that a spoke still uses.",
            ),
        );
    steps.push(
        StepText::new(
            &format!("hub_side_gone{s}"),
            "The peering from the hub to ${each.key} is removed",
            "peering.remove",
        )
        .is("each", &expr(&format!("params.spokes{s}")))
        .needs(&[format!("spoke_side_gone{s}.${{each.key}}")])
        .with(
            "id",
            format!("\"${{params.hub{s}}}/virtualNetworkPeerings/${{each.value.hub_side}}\""),
        )
        .with("remote", expr("each.value.vnet")),
    );
    format!("hub_side_gone{s}")
}

/// The steps after which a hub's gateway is used by no spoke.
pub(super) fn spokes_let_go(hub: &DraftHub) -> Vec<String> {
    let s = &hub.suffix;
    let mut all = Vec::new();
    if hub.spokes.iter().any(made) {
        all.push(format!("spoke_side_gone{s}"));
    }
    for spoke in hub.spokes.iter().filter(|own| !made(own) && own.spoke_side.gateway) {
        match &spoke.spoke_side.before {
            None => all.push(format!("spoke_side_stays{s}_{}", spoke.key)),
            Some(before) if !before.uses => {
                all.push(format!("spoke_side_as_it_was{s}_{}", spoke.key));
            }
            Some(_) => {}
        }
    }
    all
}

/// From which network to which a side leads, and what its steps are called.
fn ends<'h>(
    hub: &'h DraftHub,
    spoke: &'h DraftSpoke,
    of_hub: bool,
) -> (&'h ResourceId, &'h ResourceId, &'static str) {
    match of_hub {
        true => (&hub.hub.id, &spoke.id, "hub_side"),
        false => (&spoke.id, &hub.hub.id, "spoke_side"),
    }
}

/// A side that the failover made beside one that was there: it stays, without the gateway. If it went, the other would be
/// Disconnected, and Azure connects that to nothing any more (azure-facts 1.6).
fn stays(
    hub: &DraftHub,
    spoke: &DraftSpoke,
    own: &DraftSide,
    of_hub: bool,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Vec<String> {
    if !own.gateway {
        return Vec::new();
    }
    let (from, to, mark) = ends(hub, spoke, of_hub);
    let flag = if of_hub { "allow_gateway_transit" } else { "use_remote_gateways" };
    let name = format!("{mark}_stays{}_{}", hub.suffix, spoke.key);
    steps.push(
        StepText::new(
            &name,
            &format!("The peering {} stays, without the gateway", own.name),
            "peering.ensure",
        )
        .needs(needs)
        .with("vnet", from.as_str())
        .with("name", scalar(&own.name))
        .with("remote", to.as_str())
        .with("allow_forwarded_traffic", own.forwarded.to_string())
        .with(flag, "false")
        .say(
            "why",
            "The other side was there before the failover. Removing this one would leave that Disconnected, and \
             the next failover could not use it.",
        ),
    );
    vec![name]
}

/// The sides of which only one was there before, for a person to see.
pub(super) fn look(hubs: &[DraftHub], todo: &mut Todo) {
    for hub in hubs {
        for spoke in &hub.spokes {
            let (kept, of) = match (&spoke.hub_side.before, &spoke.spoke_side.before) {
                (Some(own), None) => (own, &hub.hub.id),
                (None, Some(own)) => (own, &spoke.id),
                (Some(_), Some(_)) | (None, None) => continue,
            };
            todo.decide(format!(
                "Of the peering between {} and {} only one side stands today, {} of {}. The failover makes the other one, and \
                 the way home leaves both, without the gateway: Azure connects no side again whose other one was removed. \
                 If the networks shall be apart afterwards, remove both by hand.",
                hub.hub.id.name(),
                spoke.id.name(),
                kept.name,
                of.name()
            ));
        }
    }
}

/// One side of a peering that was there in part: as it was.
fn side(
    hub: &DraftHub,
    spoke: &DraftSpoke,
    own: &DraftSide,
    of_hub: bool,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Vec<String> {
    let (from, to, mark) = ends(hub, spoke, of_hub);
    let Some(before) = &own.before else {
        return stays(hub, spoke, own, of_hub, needs, steps);
    };
    let was = if of_hub { before.lends } else { before.uses };
    if was == own.gateway && before.forwarded == own.forwarded {
        return Vec::new();
    }
    let name = format!("{mark}_as_it_was{}_{}", hub.suffix, spoke.key);
    let flag = if of_hub { "allow_gateway_transit" } else { "use_remote_gateways" };
    steps.push(
        StepText::new(&name, &format!("The peering {} is as it was", own.name), "peering.ensure")
            .needs(needs)
            .with("vnet", from.as_str())
            .with("name", scalar(&own.name))
            .with("remote", to.as_str())
            .with("allow_forwarded_traffic", before.forwarded.to_string())
            .with(flag, was.to_string()),
    );
    vec![name]
}
