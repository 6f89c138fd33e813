//! Is a hub that stands the one that is wanted? What it was made with, and what no write changes.

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::provisioning_state;
use crate::arm::read::prefix;
use crate::model::action::VirtualHub;
use crate::preflight::inquiry::{Inquiry, about, id_at, is, known, text};
use crate::preflight::rule::{FindingVerdict, Judged};

/// Judges a hub that is to be, where it stands already: what is said of it here is what a plan would be blocked by.
pub(super) fn judge(then: &Inquiry<'_>, spec: &VirtualHub) -> Option<Judged> {
    let found = then.read(&spec.id).map(|body| body.map(|body| other(spec, body))).transpose()?;
    let verdict = found.map(|other| other.map_or(FindingVerdict::Passed, FindingVerdict::Failed));
    Some(about(&spec.id, known(verdict)))
}

/// How the routers of a hub do.
pub(super) enum HubRouters {
    /// They stand, or come up.
    Well,
    /// They have failed.
    Failed,
    /// The hub is done and has none, nor is one coming: nobody waits them up.
    Lost,
}

/// How the routers of a hub do, by its body. While the hub itself is made it has none yet.
pub(super) fn routers(body: &Value) -> HubRouters {
    let state = |word: &str| is(body, "/properties/routingState", word);
    match (state("Failed"), state("None") && provisioning_state(body) == "Succeeded") {
        (true, _) => HubRouters::Failed,
        (false, true) => HubRouters::Lost,
        (false, false) => HubRouters::Well,
    }
}

/// Whether a hub carries no ExpressRoute.
pub(super) fn is_basic(body: &Value) -> bool {
    is(body, "/properties/sku", "Basic")
}

/// What a hub has and shall not have. What it does not show is as it is wanted.
fn other(spec: &VirtualHub, body: &Value) -> Option<String> {
    let sku = text(body, "/properties/sku").filter(|sku| !sku.eq_ignore_ascii_case("Standard"));
    let wan = id_at(body, "/properties/virtualWan/id").filter(|wan| *wan != spec.wan);
    let net: Option<IpNet> = prefix(body, "/properties/addressPrefix");
    let net = net.filter(|net| *net != spec.prefix);
    sku.map(|sku| format!("it is of the SKU {sku}, and carries ExpressRoute as Standard only"))
        .or_else(|| wan.map(|wan| format!("it is of {}, not of {}", wan.name(), spec.wan.name())))
        .or_else(|| net.map(|net| format!("it has {net}, and shall have {}", spec.prefix)))
}
