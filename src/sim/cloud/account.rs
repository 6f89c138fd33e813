//! Which tenants, subscriptions, locations and providers are there? As clients list them when they log in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Asking;
use crate::azure::wire::{Method, WireResponse};
use crate::sim::reply::{Refusal, json_answer};
use crate::sim::world::World;

/// The providers whose types are known, and those types.
const PROVIDERS: [(&str, &[&str]); 4] = [
    (
        "Microsoft.Network",
        &[
            "applicationGateways",
            "azureFirewalls",
            "connections",
            "expressRouteCircuits",
            "expressRouteGateways",
            "localNetworkGateways",
            "networkInterfaces",
            "networkSecurityGroups",
            "privateDnsZones",
            "publicIPAddresses",
            "routeTables",
            "trafficManagerProfiles",
            "virtualHubs",
            "virtualNetworkGateways",
            "virtualNetworks",
            "virtualWans",
        ],
    ),
    ("Microsoft.Resources", &["deployments", "resourceGroups", "subscriptions", "tags"]),
    ("Microsoft.Authorization", &["locks", "permissions", "roleAssignments", "roleDefinitions"]),
    ("Microsoft.RecoveryServices", &["vaults"]),
];

/// Versions that a client may choose from; every day is answered (docs/simulator.md).
const VERSIONS: [&str; 6] =
    ["2025-01-01", "2024-05-01", "2024-03-01", "2023-09-01", "2022-09-01", "2021-04-01"];

/// Regions that are listed beside those that the world uses.
const REGIONS: [&str; 8] = [
    "eastasia",
    "southeastasia",
    "japaneast",
    "australiaeast",
    "westeurope",
    "northeurope",
    "eastus",
    "westus2",
];

impl World {
    pub(super) fn account(&mut self, asking: &Asking<'_>) -> Option<Result<WireResponse, Refusal>> {
        let lower = asking.lower();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let reads = asking.request.method == Method::Get;
        match lower.as_slice() {
            ["tenants"] if reads => Some(Ok(json_answer(200, &self.tenant_list()))),
            ["subscriptions"] if reads => {
                let all = self.subscriptions();
                let value: Vec<Value> = all.iter().map(|id| self.subscription(id)).collect();
                let count = json!({"type": "Total", "value": value.len()});
                Some(Ok(json_answer(200, &json!({ "value": value, "count": count }))))
            }
            ["subscriptions", id] if reads => Some(self.one_subscription(id)),
            ["subscriptions", id, "locations"] if reads => Some(Ok(self.locations(id))),
            ["providers"] | ["subscriptions", _, "providers"] if reads => {
                let scope = asking.path.trim_end_matches('/').trim_end_matches("/providers");
                let all = PROVIDERS.iter().map(|own| self.provider(scope, own));
                Some(Ok(json_answer(200, &json!({ "value": all.collect::<Vec<_>>() }))))
            }
            ["subscriptions", _, "providers", name] | ["providers", name] if reads => {
                let scope = asking.path.rsplit_once("/providers").map_or("", |(scope, _)| scope);
                let known = PROVIDERS.iter().find(|own| own.0.eq_ignore_ascii_case(name))?;
                Some(Ok(json_answer(200, &self.provider(scope, known))))
            }
            ["subscriptions", _, "providers", name, "register"]
                if asking.request.method == Method::Post =>
            {
                let known = PROVIDERS.iter().find(|own| own.0.eq_ignore_ascii_case(name))?;
                let scope = format!("/subscriptions/{}", asking.parts[1]);
                Some(Ok(json_answer(200, &self.provider(&scope, known))))
            }
            _ => None,
        }
    }

    /// The subscriptions that the world speaks of: id, tenant and name of each.
    #[must_use]
    pub fn accounts(&self) -> Vec<(String, String, String)> {
        let tenancy = self.governance.tenancy();
        let all = self.subscriptions().into_iter();
        all.map(|id| (id.clone(), tenancy.of(&id), name_of(&id))).collect()
    }

    /// The subscriptions that the world speaks of.
    pub(super) fn subscriptions(&self) -> BTreeSet<String> {
        let groups = self.groups.keys().map(str::to_owned);
        let all = groups.chain(self.ids().map(|id| id.as_str().to_owned()));
        all.filter_map(|id| id.split('/').nth(2).map(str::to_ascii_lowercase)).collect()
    }

    fn subscription(&self, id: &str) -> Value {
        let tenant = self.governance.tenancy().of(id);
        let state = if self.governance.is_disabled(id) { "Disabled" } else { "Enabled" };
        json!({
            "id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": tenant,
            "displayName": name_of(id), "state": state, "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01",
                "spendingLimit": "Off",
            },
        })
    }

    fn one_subscription(&self, id: &str) -> Result<WireResponse, Refusal> {
        if self.subscriptions().contains(id) {
            return Ok(json_answer(200, &self.subscription(id)));
        }
        let message = format!("The subscription '{id}' could not be found.");
        Err(Refusal::new(404, "SubscriptionNotFound", message).by_gateway())
    }

    fn tenant_list(&self) -> Value {
        let one = |(place, id): (usize, String)| {
            let name = if place == 0 {
                "Simulated".to_owned()
            } else {
                format!("Simulated {}", place + 1)
            };
            let domain = format!("simulated{place}.example");
            json!({
                "id": format!("/tenants/{id}"), "tenantId": id, "displayName": name,
                "tenantCategory": "Home", "countryCode": "SG", "defaultDomain": domain,
                "domains": [domain], "tenantType": "AAD",
            })
        };
        let all = self.governance.tenancy().tenants();
        json!({ "value": all.into_iter().enumerate().map(one).collect::<Vec<_>>() })
    }

    fn locations(&self, subscription: &str) -> WireResponse {
        let mut names: BTreeSet<String> = REGIONS.iter().map(|name| (*name).to_owned()).collect();
        names.extend(
            self.ids().filter_map(|id| self.location(id)).map(|region| region.as_str().to_owned()),
        );
        let value: Vec<Value> = names
            .iter()
            .map(|name| {
                json!({
                    "id": format!("/subscriptions/{subscription}/locations/{name}"),
                    "name": name, "type": "Region", "displayName": name,
                    "regionalDisplayName": name,
                    "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
                })
            })
            .collect();
        json_answer(200, &json!({ "value": value }))
    }

    fn provider(&self, scope: &str, (name, types): &(&str, &[&str])) -> Value {
        let subscription = scope.split('/').nth(2).unwrap_or_default();
        let registered =
            *name != "Microsoft.Network" || self.governance.is_registered(subscription);
        let types: Vec<Value> = types
            .iter()
            .map(|kind| {
                json!({
                    "resourceType": kind, "locations": REGIONS, "apiVersions": VERSIONS,
                    "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation",
                })
            })
            .collect();
        json!({
            "id": format!("{scope}/providers/{name}"), "namespace": name,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": if registered { "Registered" } else { "NotRegistered" },
            "resourceTypes": types,
        })
    }
}

/// A world names no subscription; the first letters of the id do.
pub(super) fn name_of(id: &str) -> String {
    format!("simulated-{}", id.split('-').next().unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_of_every_type_that_is_simulated() {
        let untold: Vec<&str> = crate::sim::simulated_types()
            .filter(|kind| {
                let mut parts = kind.split('/');
                let (name, top) = (parts.next(), parts.next());
                !PROVIDERS.iter().any(|(own, types)| {
                    Some(*own) == name && types.iter().any(|own| Some(*own) == top)
                })
            })
            .collect();
        assert!(untold.is_empty(), "`GET /providers` says nothing of {untold:?}");
    }
}
