//! Which command mends what a rule found? One for `az`, whole, where there is one that makes good and breaks nothing
//! else; what a person has to decide has none.

use crate::model::shell::quoted;
use crate::model::{Plan, ResourceId};

/// The commands that mend a finding about a resource.
pub(super) fn resource(rule: &str, id: &ResourceId) -> Vec<String> {
    let placed = format!(
        "--subscription {} --resource-group {}",
        quoted(id.subscription()),
        quoted(id.resource_group())
    );
    let own = quoted(id.as_str());
    let command = match rule {
        "CIR-STATE" => format!("az network express-route update --ids {own}"),
        "GEO-STANDARD" | "RT-ONPREM" => {
            format!("az network express-route update --ids {own} --sku-tier Premium")
        }
        "NET-STATE" => format!("az network vnet update --ids {own}"),
        "GW-STATE" => format!("az network vnet-gateway update --ids {own}"),
        "GWS-NSG" => {
            format!("az network vnet subnet update --ids {own} --remove networkSecurityGroup")
        }
        "GWS-NAT" => format!("az network vnet subnet update --ids {own} --remove natGateway"),
        // `az network vwan` is an extension that a machine may lack.
        "HUB-WAN" => format!("az resource update --ids {own} --set properties.type=Standard"),
        "TM-PROFILE" => {
            format!("az network traffic-manager profile update --ids {own} --status Enabled")
        }
        "DNS-ZONE" => {
            format!("az network private-dns zone create {placed} --name {}", quoted(id.name()))
        }
        "AUTH-THERE" => {
            let Some(circuit) = id.parent() else { return Vec::new() };
            format!(
                "az network express-route auth create {placed} --circuit-name {} --name {}",
                quoted(circuit.name()),
                quoted(id.name())
            )
        }
        _ => return Vec::new(),
    };
    vec![command]
}

/// Makes a resource group, homed where the plan works; a person says where it does in several regions, or in none.
pub(super) fn group(plan: &Plan, subscription: &str, group: &str) -> String {
    let regions = plan.regions_made();
    let region = match regions.iter().collect::<Vec<_>>().as_slice() {
        [one] => one.as_str(),
        _ => "REGION",
    };
    format!(
        "az group create --subscription {} --name {} --location {region}",
        quoted(subscription),
        quoted(group)
    )
}

/// Registers the network provider.
pub(super) fn registration(subscription: &str) -> String {
    let subscription = quoted(subscription);
    format!("az provider register --namespace Microsoft.Network --subscription {subscription}")
}

/// Takes a lock off.
pub(super) fn lock(id: &str) -> String {
    format!("az lock delete --ids {}", quoted(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::rule::rule;

    /// The rules that have a command; each is a rule.
    const MENDED: [&str; 11] = [
        "CIR-STATE",
        "NET-STATE",
        "GEO-STANDARD",
        "RT-ONPREM",
        "GW-STATE",
        "GWS-NSG",
        "GWS-NAT",
        "HUB-WAN",
        "DNS-ZONE",
        "TM-PROFILE",
        "AUTH-THERE",
    ];

    #[test]
    fn a_command_names_the_resource_whole_and_is_of_a_rule_that_there_is() {
        let id = ResourceId::parse(
            "/subscriptions/s/resourceGroups/Netz (Süd)/providers/Microsoft.Network\
             /expressRouteCircuits/er/authorizations/a",
        )
        .unwrap();
        for own in MENDED {
            assert!(rule(own).is_some(), "{own}");
            let commands = resource(own, &id);
            assert_eq!(commands.len(), 1, "{own}");
            let whole =
                ["az network ", "az resource "].iter().any(|az| commands[0].starts_with(az));
            assert!(whole, "{commands:?}");
            assert!(
                commands[0].contains("Netz (Süd)") && commands[0].contains('\''),
                "{commands:?}"
            );
        }
        assert!(resource("QUOTA", &id).is_empty());
    }

    /// `scripts/az-parse` holds what stands in this snapshot against the parser of the real `az`.
    #[test]
    fn what_preflight_mends_with() {
        let id = ResourceId::parse(
            "/subscriptions/s/resourceGroups/Netz (Süd)/providers/Microsoft.Network\
             /expressRouteCircuits/er/authorizations/a",
        )
        .unwrap();
        let mut commands: Vec<_> = MENDED.iter().flat_map(|rule| resource(rule, &id)).collect();
        commands.push(registration("s"));
        commands.push(lock(&format!("{id}/providers/Microsoft.Authorization/locks/no-delete")));
        insta::assert_snapshot!(commands.join("\n"));
    }
}
