//! What does a world hold that the simulator does not play?

use super::bodies::{PlacedBody, text_of};
use crate::runbook::{Code, Diagnostic, Diagnostics};

/// Says which connections of hubs have a route map: the simulated hub passes on all that it learns.
pub(super) fn check(one: &PlacedBody<'_>, diagnostics: &mut Diagnostics) {
    let routing = one.body.get("properties").and_then(|own| own.get("routingConfiguration"));
    for key in ["inboundRouteMap", "outboundRouteMap"] {
        let named = routing.and_then(|own| own.get(key)).and_then(|own| own.get("id"));
        let Some(id) = named.filter(|id| text_of(id).is_some()) else { continue };
        let message = format!(
            "The `{key}` of `{}` has no effect in a drill: the simulator does not play route maps.",
            one.id.name()
        );
        diagnostics.push(Diagnostic::warning(Code::NotPlayed, id.span.clone(), message).with_help(
            "Preflight reads the map, and blocks where it drops what is to be recovered.",
        ));
    }
}
