//! Does a connection fit the ends that the same runbook makes? Its gateway's region, and BGP at both ends.

use super::steps::PlacedStep;
use crate::model::action::{LocalGateway, Vpn, VpnGateway};
use crate::model::{Action, Region, ResourceId};
use crate::runbook::{Code, Diagnostic, Diagnostics};

/// The region in which the runbook makes a gateway, if it does.
fn made_in<'a>(steps: &'a [PlacedStep], gateway: &ResourceId) -> Option<&'a Region> {
    steps.iter().find_map(|placed| {
        let action = &placed.step.action;
        if let Action::Gateway(spec) = action {
            (spec.id == *gateway).then_some(&spec.location)
        } else if let Action::Vpn(Vpn::Gateway(spec)) = action {
            (spec.id == *gateway).then_some(&spec.location)
        } else {
            None
        }
    })
}

/// Azure refuses a connection in another region than its gateway.
pub(super) fn connections_are_where_their_gateways_are(
    steps: &[PlacedStep],
    diagnostics: &mut Diagnostics,
) {
    for placed in steps {
        let action = &placed.step.action;
        let (own, gateway) = if let Action::Connection(spec) = action {
            (&spec.location, &spec.gateway)
        } else if let Action::Vpn(Vpn::Connection(spec)) = action {
            (&spec.location, &spec.gateway)
        } else {
            continue;
        };
        let Some(there) = made_in(steps, gateway).filter(|there| *there != own) else { continue };
        let message = format!(
            "Step `{}` makes its connection in {}, and the gateway {} is made in {}.",
            placed.step.name,
            own.as_str(),
            gateway.name(),
            there.as_str()
        );
        diagnostics.push(
            Diagnostic::error(Code::Ends, placed.span.clone(), message)
                .with_help("Write the gateway's region as its `location`."),
        );
    }
}

/// The end of a tunnel that the runbook makes without BGP, in words; what stands may speak it already.
fn silent_end(
    steps: &[PlacedStep],
    gateway: &ResourceId,
    device: &ResourceId,
) -> Option<&'static str> {
    steps.iter().find_map(|placed| {
        let Action::Vpn(own) = &placed.step.action else { return None };
        match own {
            Vpn::Gateway(VpnGateway { id, asn: None, .. }) if id == gateway => {
                Some("its gateway has no `asn`")
            }
            Vpn::LocalGateway(LocalGateway { id, bgp: None, .. }) if id == device => {
                Some("its local network gateway has no `bgp`")
            }
            Vpn::Gateway(_) | Vpn::LocalGateway(_) | Vpn::Connection(_) => None,
        }
    })
}

/// A tunnel tells routes by BGP only where both of its ends speak it. One that stands may, although the runbook does
/// not say so: preflight knows.
pub(super) fn bgp_is_spoken_at_both_ends(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    for placed in steps {
        let Action::Vpn(Vpn::Connection(spec)) = &placed.step.action else { continue };
        if spec.bgp != Some(true) {
            continue;
        }
        let Some(silent) = silent_end(steps, &spec.gateway, &spec.local_gateway) else { continue };
        let message =
            format!("Step `{}` wants BGP over its tunnel, and {silent}.", placed.step.name);
        diagnostics.push(
            Diagnostic::warning(Code::Ends, placed.span.clone(), message)
                .with_help("Write it there, unless that end stands already and speaks BGP."),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{CompileOptions, compile};
    use crate::runbook::SourceFile;

    fn said(steps: &str) -> Vec<String> {
        let net = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network";
        let text = format!("runbook: r\ntitle: R\nsteps:\n{steps}").replace("NET", net);
        let compiled = compile(&SourceFile::new("r.yaml", text), &CompileOptions::default());
        let all = compiled.diagnostics.sorted();
        all.iter().map(|own| format!("{} {}", own.code.as_str(), own.message)).collect()
    }

    #[test]
    fn a_connection_is_made_where_its_gateway_is() {
        let steps = "  gateway:\n    action: gateway.ensure\n    with: { name: gw, vnet: NET/virtualNetworks/v, \
                     location: southeastasia, sku: ErGw1AZ }\n  con:\n    needs: gateway\n    action: \
                     connection.ensure\n    with: { name: con, gateway: \"${steps.gateway.id}\", circuit: \
                     NET/expressRouteCircuits/er, location: PLACE }\n";
        assert_eq!(said(&steps.replace("PLACE", "southeastasia")), [""; 0]);
        let wrong = said(&steps.replace("PLACE", "eastasia"));
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("BR0417 ") && wrong[0].contains("southeastasia"), "{wrong:?}");
    }

    #[test]
    fn bgp_over_a_tunnel_wants_it_of_the_ends_that_are_made() {
        let steps = "  gateway:\n    action: vpn_gateway.ensure\n    with: { name: gw, vnet: \
                     NET/virtualNetworks/v, location: southeastasia, sku: VpnGw1AZ, public_ips: [pip] ASN }\n  \
                     device:\n    action: local_network_gateway.ensure\n    with: { name: \
                     NET/localNetworkGateways/lng, location: southeastasia, address: 203.0.113.7, prefixes: \
                     [10.100.0.0/16] BGP }\n  con:\n    needs: [gateway, device]\n    action: \
                     vpn_connection.ensure\n    with: { name: con, gateway: \"${steps.gateway.id}\", \
                     local_gateway: \"${steps.device.id}\", location: southeastasia, shared_key_of: \
                     NET/connections/other, bgp: true }\n";
        let with = |asn: &str, bgp: &str| said(&steps.replace("ASN", asn).replace("BGP", bgp));
        let speaker = ", bgp: { asn: 65010, address: 10.100.0.254 }";
        assert_eq!(with(", asn: 65020", speaker), [""; 0]);
        for (asn, bgp, why) in [("", speaker, "no `asn`"), (", asn: 65020", "", "no `bgp`")] {
            let wrong = with(asn, bgp);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(wrong[0].starts_with("BR0417 ") && wrong[0].contains(why), "{wrong:?}");
        }
    }
}
