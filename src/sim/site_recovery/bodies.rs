//! What do the other parts of a vault say? Fabrics, containers, policies, mappings and plans, as recorded.

use serde_json::{Value, json};

use super::elsewhere;
use super::item::last;
use super::place::{kind, named, spelled};
use super::refuse;
use super::stages::items_of;
use super::words::{FabricKind, Pairing, PlanGroup, RecoveryHealth, VaultKind};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

/// The most groups that start machines, and the most items, of one plan (azure-facts 6.1).
const BOOT_GROUPS_MAX: usize = 7;
const ITEMS_MAX: usize = 100;

/// Where what comes from elsewhere goes: Azure itself, by this word in place of an id.
const AZURE: &str = "Microsoft Azure";

/// What a fabric says of itself.
const DETAILS: &str = "/properties/customDetails";

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn around(id: &ResourceId, properties: &Value) -> Value {
    json!({ "id": spelled(id), "name": id.name(), "type": id.resource_type().as_str(),
            "properties": properties })
}

/// A region as people read it: `eastus2` is `East US 2`. Names that are not in the table are shown as they are.
fn region_name(region: &str) -> String {
    let words = [
        "central",
        "north",
        "south",
        "east",
        "west",
        "asia",
        "europe",
        "us",
        "uk",
        "india",
        "japan",
        "korea",
        "australia",
        "brazil",
        "canada",
        "france",
        "germany",
        "norway",
        "sweden",
        "uae",
    ];
    let (mut rest, mut found) = (region.to_ascii_lowercase(), Vec::new());
    while !rest.is_empty() {
        let word = words.iter().find(|word| rest.starts_with(**word));
        let taken = word.map_or(rest.len(), |word| word.len());
        let (own, left) = rest.split_at(taken);
        found.push(match own {
            "us" | "uk" | "uae" => own.to_ascii_uppercase(),
            _ => own
                .chars()
                .take(1)
                .flat_map(char::to_uppercase)
                .chain(own.chars().skip(1))
                .collect(),
        });
        rest = left.to_owned();
    }
    found.join(" ").replace("South East", "Southeast").replace("North East", "Northeast")
}

impl World {
    /// The body that a PUT or a PATCH leads to.
    pub(super) fn recovery_body(&self, id: &ResourceId, sent: &Value) -> Result<Value, Refusal> {
        let stored = self.body(id);
        match kind(id) {
            Some(VaultKind::Fabric) => Ok(self.new_fabric(id, sent)),
            Some(VaultKind::Container) => Ok(self.new_container(id)),
            Some(VaultKind::Policy) => Ok(policy(id, sent)),
            Some(VaultKind::ContainerMapping) => self.new_mapping(id, sent, stored),
            Some(VaultKind::NetworkMapping) => self.new_network_mapping(id, sent, stored),
            Some(VaultKind::Item) => match stored {
                Some(stored) => Ok(updated_item(stored, sent)),
                None => self.new_item(id, sent),
            },
            Some(VaultKind::Plan) => self.new_plan(id, sent, stored),
            _ => Err(refuse::unknown_type(
                id.resource_type().as_str().rsplit('/').next().unwrap_or_default(),
            )),
        }
    }

    fn new_fabric(&self, id: &ResourceId, sent: &Value) -> Value {
        let details = &sent["properties"]["customDetails"];
        let location = text(details, "location").to_owned();
        let is_azure = FabricKind::parse(text(details, "instanceType")) == Some(FabricKind::Azure);
        let custom = elsewhere::fabric_details(details);
        let key = json!({ "kekState": "None", "kekCertThumbprint": null });
        let friendly = if is_azure { region_name(&location) } else { id.name().to_owned() };
        around(
            id,
            &json!({
                "friendlyName": friendly, "encryptionDetails": key,
                "rolloverEncryptionDetails": key, "internalIdentifier": named(self.chance.seed(), id, "internal"),
                "bcdrState": "Valid", "customDetails": custom, "healthErrorDetails": [],
                "health": RecoveryHealth::Normal.as_str(),
            }),
        )
    }

    fn new_container(&self, id: &ResourceId) -> Value {
        let within = id.parent();
        let fabric = within.as_ref().and_then(|fabric| self.fabric(fabric)).unwrap_or_default();
        let details = within.and_then(|fabric| self.body(&fabric)?.pointer(DETAILS).cloned());
        let kind = elsewhere::fabric_type(&details.unwrap_or_default());
        around(
            id,
            &json!({
                "fabricFriendlyName": fabric.0, "friendlyName": id.name(), "fabricType": kind,
                "protectedItemCount": 0, "pairingStatus": Pairing::NotPaired.as_str(), "role": "",
                "fabricSpecificDetails": null,
            }),
        )
    }

    fn new_mapping(
        &self,
        id: &ResourceId,
        sent: &Value,
        stored: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let asked = &sent["properties"];
        if let Some(stored) = stored {
            let mut body = stored.clone();
            for key in ["agentAutoUpdateStatus", "enableAgentAutoUpgrade"] {
                let sent = asked["providerSpecificInput"].get(key);
                let told = body.pointer_mut(&format!("/properties/providerSpecificDetails/{key}"));
                if let (Some(sent), Some(told)) = (sent, told) {
                    *told = sent.clone();
                }
            }
            return Ok(body);
        }
        let there = |key: &str| {
            let id = ResourceId::parse(text(asked, key)).ok();
            id.filter(|id| self.body(id).is_some())
                .ok_or_else(|| refuse::invalid(format!("{key} names nothing in the vault.")))
        };
        let policy = there("policyId")?;
        // What comes from elsewhere goes to Azure itself, which is no container of the vault.
        let to_azure = text(asked, "targetProtectionContainerId") == AZURE;
        let target = if to_azure { None } else { Some(there("targetProtectionContainerId")?) };
        let source = id.parent().unwrap_or_else(|| id.clone());
        let fabric = |container: &ResourceId| {
            container.parent().and_then(|fabric| self.fabric(&fabric)).unwrap_or_default().0
        };
        Ok(around(
            id,
            &json!({
                "targetProtectionContainerId": text(asked, "targetProtectionContainerId"),
                "targetProtectionContainerFriendlyName":
                    target.as_ref().map_or(AZURE, |target| target.name()),
                "providerSpecificDetails":
                    elsewhere::mapping_details(&asked["providerSpecificInput"]),
                "health": RecoveryHealth::Normal.as_str(), "healthErrorDetails": [], "policyId": text(asked, "policyId"),
                "state": Pairing::Paired.as_str(), "sourceProtectionContainerFriendlyName": source.name(),
                "sourceFabricFriendlyName": fabric(&source),
                "targetFabricFriendlyName": target.as_ref().map_or(AZURE.to_owned(), fabric),
                "policyFriendlyName": policy.name(),
            }),
        ))
    }

    fn new_network_mapping(
        &self,
        id: &ResourceId,
        sent: &Value,
        stored: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let asked = &sent["properties"];
        let old = stored.map(|stored| stored["properties"].clone()).unwrap_or_default();
        let fabric = id.parent().and_then(|network| network.parent()).unwrap_or_else(|| id.clone());
        let name = match text(asked, "recoveryFabricName") {
            "" => last(text(&old, "recoveryFabricArmId")).to_owned(),
            name => name.to_owned(),
        };
        let vault = super::item::vault_of(id);
        let recovery =
            vault.child("replicationFabrics", &name).ok().filter(|id| self.body(id).is_some());
        let recovery = recovery
            .ok_or_else(|| refuse::invalid("recoveryFabricName names no fabric of the vault."))?;
        let (own_name, own_place) = self.fabric(&fabric).unwrap_or_default();
        let (other_name, other_place) = self.fabric(&recovery).unwrap_or_default();
        // In small letters, whatever was sent (recorded).
        let primary = match text(&asked["fabricSpecificDetails"], "primaryNetworkId") {
            "" => text(&old, "primaryNetworkId").to_owned(),
            id => id.to_ascii_lowercase(),
        };
        let target = text(asked, "recoveryNetworkId").to_ascii_lowercase();
        if primary.is_empty() || target.is_empty() {
            return Err(refuse::invalid("Both networks must be named."));
        }
        Ok(around(
            id,
            &json!({
                "state": Pairing::Paired.as_str(), "primaryNetworkFriendlyName": last(&primary),
                "primaryNetworkId": primary, "primaryFabricFriendlyName": own_name,
                "recoveryNetworkFriendlyName": last(&target), "recoveryNetworkId": target,
                "recoveryFabricArmId": spelled(&recovery), "recoveryFabricFriendlyName": other_name,
                "fabricSpecificSettings": { "instanceType": "AzureToAzure",
                    "primaryFabricLocation": own_place, "recoveryFabricLocation": other_place },
            }),
        ))
    }

    fn new_plan(
        &self,
        id: &ResourceId,
        sent: &Value,
        stored: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let asked = &sent["properties"];
        let mut groups = groups_of(asked)?;
        let items = self.items_in(&mut groups)?;
        if let Some(stored) = stored {
            let mut body = stored.clone();
            body["properties"]["groups"] = json!(groups);
            return Ok(body);
        }
        let name = |key: &str| {
            let fabric = ResourceId::parse(text(asked, key)).ok();
            let known = fabric.as_ref().and_then(|fabric| self.fabric(fabric));
            match known {
                Some((name, _)) => Ok(name),
                None if text(asked, key) == AZURE => Ok(AZURE.to_owned()),
                None => Err(refuse::invalid(format!("{key} names no fabric of the vault."))),
            }
        };
        let (primary, recovery) = (name("primaryFabricId")?, name("recoveryFabricId")?);
        let mut providers: Vec<Value> = items
            .iter()
            .filter_map(|item| {
                self.body(item)?
                    .pointer("/properties/providerSpecificDetails/instanceType")
                    .cloned()
            })
            .collect();
        providers.dedup();
        Ok(around(
            id,
            &json!({
                "friendlyName": id.name(), "primaryFabricId": asked["primaryFabricId"],
                "primaryFabricFriendlyName": primary, "recoveryFabricId": asked["recoveryFabricId"],
                "recoveryFabricFriendlyName": recovery,
                "failoverDeploymentModel":
                    asked.get("failoverDeploymentModel").cloned().unwrap_or(json!("ResourceManager")),
                "replicationProviders": providers, "allowedOperations": [],
                "currentScenario": null, "currentScenarioStatus": null,
                "currentScenarioStatusDescription": null, "groups": groups,
                "providerSpecificDetails": [],
            }),
        ))
    }

    /// The items of a plan, each once; in its groups they are told with the machine's id.
    fn items_in(&self, groups: &mut [Value]) -> Result<Vec<ResourceId>, Refusal> {
        let mut items = Vec::new();
        let all: Vec<ResourceId> = groups.iter().flat_map(items_of).collect();
        for item in all {
            let Some(body) = self.body(&item) else {
                return Err(refuse::invalid(format!(
                    "'{}' is no protected item of the vault.",
                    item.name()
                )));
            };
            if items.contains(&item) {
                return Err(refuse::invalid(format!("'{}' is in the plan twice.", item.name())));
            }
            items.push(item);
            for one in groups
                .iter_mut()
                .flat_map(|g| g["replicationProtectedItems"].as_array_mut())
                .flatten()
            {
                // The machine's id is one that only Site Recovery knows (recorded).
                if text(one, "id").eq_ignore_ascii_case(text(body, "id")) {
                    let machine =
                        body.pointer("/properties/providerSpecificDetails/fabricObjectId");
                    let machine = machine.and_then(Value::as_str).unwrap_or_default();
                    one["virtualMachineId"] = json!(crate::sim::reply::guid(&[machine, "machine"]));
                }
            }
        }
        if items.is_empty() || items.len() > ITEMS_MAX {
            let message = format!("A recovery plan has between 1 and {ITEMS_MAX} protected items.");
            return Err(refuse::invalid(message));
        }
        Ok(items)
    }
}

/// The groups of a plan: what is done to all machines, then those that start some.
fn groups_of(asked: &Value) -> Result<Vec<Value>, Refusal> {
    let mut groups = Vec::new();
    let is = |kind: PlanGroup| {
        move |group: &&Value| PlanGroup::parse(text(group, "groupType")) == Some(kind)
    };
    for kind in [PlanGroup::Shutdown, PlanGroup::Failover] {
        let own = asked["groups"].as_array().into_iter().flatten().find(is(kind));
        groups.push(group(kind, own.unwrap_or(&Value::Null)));
    }
    let boots = asked["groups"].as_array().into_iter().flatten();
    let boots = boots.filter(is(PlanGroup::Boot));
    groups.extend(boots.map(|one| group(PlanGroup::Boot, one)));
    if groups.len() > 2 + BOOT_GROUPS_MAX {
        let message =
            format!("A recovery plan has at most {BOOT_GROUPS_MAX} groups that start machines.");
        return Err(refuse::invalid(message));
    }
    Ok(groups)
}

fn group(kind: PlanGroup, asked: &Value) -> Value {
    let list =
        |key: &str| asked.get(key).filter(|list| list.is_array()).cloned().unwrap_or(json!([]));
    json!({ "groupType": kind.as_str(), "replicationProtectedItems": list("replicationProtectedItems"),
            "startGroupActions": list("startGroupActions"), "endGroupActions": list("endGroupActions") })
}

/// A policy: what its provider's model says, from what was sent.
fn policy(id: &ResourceId, sent: &Value) -> Value {
    let asked = &sent["properties"];
    let input =
        asked.get("providerSpecificInput").or_else(|| asked.get("replicationProviderSettings"));
    let details = input.map(elsewhere::policy_details).unwrap_or_default();
    around(id, &json!({ "friendlyName": id.name(), "providerSpecificDetails": details }))
}

/// An item's settings for its machine at the other side; what was not sent stays.
fn updated_item(stored: &Value, sent: &Value) -> Value {
    let mut body = stored.clone();
    let asked = &sent["properties"];
    let details = &mut body["properties"]["providerSpecificDetails"];
    if !details.is_object() {
        return body;
    }
    for key in [
        "recoveryAzureVMName",
        "recoveryAzureVMSize",
        "selectedRecoveryAzureNetworkId",
        "selectedTfoAzureNetworkId",
    ] {
        if let Some(value) = asked.get(key).filter(|value| !value.is_null()) {
            details[key] = value.clone();
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_called_as_recorded() {
        for (region, name) in [
            ("eastus", "East US"),
            ("eastus2", "East US 2"),
            ("eastasia", "East Asia"),
            ("southeastasia", "Southeast Asia"),
            ("westeurope", "West Europe"),
        ] {
            assert_eq!(region_name(region), name);
        }
    }
}
