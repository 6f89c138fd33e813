//! What does a step change in a virtual WAN? Sentences of prose.

use super::words::{flags, named, tagged};
use crate::model::ResourceId;
use crate::model::action::{HubAction, Routing};
use crate::model::hub::UNIT_MBPS;

/// What a step changes in a virtual WAN, as a sentence.
pub(super) fn changes(action: &HubAction) -> String {
    match action {
        HubAction::Hub(spec) => format!(
            "Makes the hub `{}` of the {} in {} with the addresses {}{}{}{}. It is done when its routers stand.",
            spec.id.name(),
            named(&spec.wan),
            spec.location.as_str(),
            spec.prefix,
            spec.preference.map_or_else(String::new, |own| format!(", prefers {}", own.as_str())),
            spec.routing_units_min
                .map_or_else(String::new, |least| format!(", at least {least} routing units")),
            tagged(&spec.tags)
        ),
        HubAction::Gateway(spec) => format!(
            "Makes the ExpressRoute gateway `{}` of {} to {} units ({} Gbit/s at first) in the {}{}{}.",
            spec.id.name(),
            spec.units.min,
            spec.units.max,
            u64::from(spec.units.min) * UNIT_MBPS / 1_000,
            named(&spec.hub),
            flags(&[("networks outside the WAN", spec.allow_non_wan_traffic)]),
            tagged(&spec.tags)
        ),
        HubAction::Connection(spec) => format!(
            "Connects the hub's gateway `{}` to the circuit `{}` as `{}`{}{}{}. From here on on-premises hears \
             the networks of the hub.",
            spec.gateway().name(),
            spec.circuit.name(),
            spec.id.name(),
            spec.routing_weight
                .map_or_else(String::new, |weight| format!(", with weight {weight}")),
            flags(&[
                ("FastPath", spec.fast_path),
                ("default route passed on", spec.internet_security),
            ]),
            routing(&spec.routing)
        ),
        HubAction::Vnet(spec) => format!(
            "Connects the {} to the hub `{}` as `{}`{}{}.",
            named(&spec.vnet),
            spec.id.parent().as_ref().map_or("", ResourceId::name),
            spec.id.name(),
            flags(&[("default route passed on", spec.internet_security)]),
            routing(&spec.routing)
        ),
        HubAction::Routes(spec) => format!(
            "Makes the {} with exactly {}. A static route that is not one of them is removed.",
            named(&spec.id),
            match spec.routes.len() {
                0 => "no static route".to_owned(),
                1 => "one static route".to_owned(),
                n => format!("{n} static routes"),
            }
        ),
    }
}

/// Which tables a connection follows and fills, as far as the author says.
fn routing(routing: &Routing) -> String {
    let mut text = String::new();
    if let Some(table) = &routing.associated {
        text.push_str(&format!("; it follows the table {}", table.name()));
    }
    if let Some(tables) = &routing.propagated {
        let names: Vec<&str> = tables.iter().map(ResourceId::name).collect();
        text.push_str(&format!("; the tables {} learn it", names.join(", ")));
    }
    if let Some(labels) = &routing.labels {
        text.push_str(&format!("; every table with the label {} learns it", labels.join(" or ")));
    }
    text
}
