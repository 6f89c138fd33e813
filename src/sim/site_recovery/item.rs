//! What does a protected item's body say? As recorded of Azure to Azure; of other providers as it was sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::job_body::stamp;
use super::phase::{ItemPhase, ItemSide, MachineMove, Standing};
use super::place::{kind, named, spelled};
use super::standing::provider;
use super::words::{
    DiskState, FabricKind, ProtectionState, RecoveryHealth, ReplicationProvider, VaultKind,
};
use crate::model::{ResourceId, Timestamp};
use crate::sim::reply::{Refusal, guid};
use crate::sim::world::World;

/// For how long the agent's certificate is good (recorded: three years but for a day).
const AGENT_CERTIFICATE: Duration = Duration::from_secs(1_095 * 86_400);

/// The vault that something is in.
pub(super) fn vault_of(id: &ResourceId) -> ResourceId {
    id.root()
}

/// What an idle item shows for a scenario (recorded).
pub(super) fn no_scenario(item: &ResourceId) -> Value {
    json!({ "scenarioName": "None",
            "jobId": format!("{}/replicationJobs/None", spelled(&vault_of(item))),
            "startTime": "1753-01-01T01:01:01Z" })
}

/// What an id in a body is called.
pub(super) fn last(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The provider under which an item of a fabric replicates.
fn provider_of(seed: u64, fabric: &ResourceId) -> String {
    let name = named(seed, fabric, "provider");
    format!("{}/replicationRecoveryServicesProviders/{name}", spelled(fabric))
}

/// What the provider of a fabric is called in its items.
fn provider_word(site: Option<&Value>) -> &'static str {
    match site.map(super::elsewhere::fabric_type) {
        Some(other) if other != FabricKind::Azure.as_str() => other,
        Some(_) | None => "AzureFabric",
    }
}

impl World {
    /// What a fabric is called, and where it is.
    pub(super) fn fabric(&self, fabric: &ResourceId) -> Option<(String, Value)> {
        let properties = &self.body(fabric)?["properties"];
        let location = properties.pointer("/customDetails/location").cloned().unwrap_or_default();
        Some((text(properties, "friendlyName").to_owned(), location))
    }

    /// The body of an item that is enabled now.
    pub(super) fn new_item(&self, id: &ResourceId, sent: &Value) -> Result<Value, Refusal> {
        let asked = &sent["properties"];
        let details = &asked["providerSpecificDetails"];
        if !details.is_object() {
            return Err(super::refuse::invalid("providerSpecificDetails is missing."));
        }
        let named_in = |value: &Value, key: &str| {
            ResourceId::parse(text(value, key)).ok().filter(|id| self.body(id).is_some())
        };
        let policy = named_in(asked, "policyId")
            .ok_or_else(|| super::refuse::invalid("policyId names no policy of the vault."))?;
        let container = id.parent().unwrap_or_else(|| id.clone());
        let fabric = container.parent().unwrap_or_else(|| id.clone());
        let (fabric_name, location) = self.fabric(&fabric).unwrap_or_default();
        let recovery = named_in(details, "recoveryContainerId");
        let is_azure = provider(details) == Some(ReplicationProvider::AzureToAzure);
        if is_azure && recovery.is_none() {
            let message = "recoveryContainerId names no container of the vault.";
            return Err(super::refuse::invalid(message));
        }
        let recovery_fabric = recovery.as_ref().and_then(ResourceId::parent);
        let (recovery_name, recovery_location) = recovery_fabric
            .as_ref()
            .and_then(|fabric| self.fabric(fabric))
            .unwrap_or_else(|| ("Microsoft Azure".to_owned(), Value::Null));
        let machine = text(details, "fabricObjectId");
        let names = ["vmName", "vmFriendlyName"].map(|key| text(details, key));
        let own = names.into_iter().find(|name| !name.is_empty()).unwrap_or(id.name());
        let friendly = if machine.is_empty() { own } else { last(machine) };
        let site = self.body(&fabric).and_then(|body| body.pointer("/properties/customDetails"));
        let site = provider_word(site);
        let told = super::elsewhere::item_details(details).unwrap_or_else(|| details.clone());
        let mut properties = json!({
            "friendlyName": friendly, "protectedItemType": "",
            "protectableItemId": asked.get("protectableItemId").cloned().unwrap_or_default(),
            "recoveryServicesProviderId": provider_of(self.chance.seed(), &fabric),
            "primaryFabricFriendlyName": fabric_name, "primaryFabricProvider": site,
            "recoveryFabricFriendlyName": recovery_name,
            "recoveryFabricId": recovery_fabric.as_ref().map_or("Microsoft Azure".to_owned(), spelled),
            "primaryProtectionContainerFriendlyName": container.name(),
            "recoveryProtectionContainerFriendlyName":
                recovery.as_ref().map_or("Microsoft Azure", |id| id.name()),
            "switchProviderState": "None", "switchProviderStateDescription": null,
            "replicationHealth": RecoveryHealth::Normal.as_str(),
            "failoverHealth": RecoveryHealth::Normal.as_str(), "healthErrors": [],
            "policyId": text(asked, "policyId"), "policyFriendlyName": policy.name(),
            "currentScenario": no_scenario(id), "failoverRecoveryPointId": null,
            "providerSpecificDetails": told,
            "recoveryContainerId": recovery.as_ref().map(spelled),
            "eventCorrelationId": named(self.chance.seed(), id, "events"),
        });
        if is_azure {
            properties["providerSpecificDetails"] =
                azure_to_azure(self.chance.seed(), id, details, (&location, &recovery_location));
        }
        Standing::NEW.write(&mut properties);
        Ok(json!({ "id": spelled(id), "name": id.name(), "type": id.resource_type().as_str(),
                   "properties": properties }))
    }

    /// The network that a machine came from: that of its card, or the one that is mapped to where it is.
    fn home_network(&self, details: &Value) -> Value {
        let own = details.pointer("/vmNics/0/vMNetworkName").filter(|own| own.is_string());
        let here = text(details, "selectedRecoveryAzureNetworkId").to_ascii_lowercase();
        let mapped = || {
            let mappings = self.ids().filter(|id| kind(id) == Some(VaultKind::NetworkMapping));
            let mut bodies = mappings.filter_map(|id| self.body(id));
            let found =
                bodies.find(|body| text(&body["properties"], "recoveryNetworkId") == here)?;
            found.pointer("/properties/primaryNetworkId").cloned()
        };
        own.cloned().or_else(mapped).unwrap_or_default()
    }

    /// The machine that runs now stands in the group that it was recovered to, and goes back to the other.
    fn turn_machine(&self, to: &ResourceId, details: &mut Value) {
        let group = text(details, "recoveryAzureResourceGroupId").to_ascii_lowercase();
        let old = text(details, "fabricObjectId").to_owned();
        let name = last(&old).to_owned();
        let old_group: Vec<&str> = old.split('/').take(5).collect();
        details["recoveryAzureResourceGroupId"] = json!(old_group.join("/"));
        details["fabricObjectId"] =
            json!(format!("{group}/providers/microsoft.compute/virtualmachines/{name}"));
        details["managementId"] = json!(named(self.chance.seed(), to, "management"));
        let home = self.home_network(details);
        turn_cards(details, &home);
        turn_disks(details);
        details["recoveryAzureNetworkId"] = home;
        details["selectedRecoveryAzureNetworkId"] = Value::Null;
    }

    /// Turns an item round, as an item of the container that it was recovered to (recorded): its id is another
    /// one then, and primary is what was recovery.
    pub(super) fn switch_item(&mut self, item: &ResourceId, at: Timestamp) {
        let Some(mut body) = self.body(item).cloned() else { return };
        let to = ResourceId::parse(text(&body["properties"], "recoveryContainerId"));
        let Some(to) =
            to.ok().and_then(|to| to.child("replicationProtectedItems", item.name()).ok())
        else {
            return;
        };
        let from = item.parent().unwrap_or_else(|| item.clone());
        let fabric = from.parent().unwrap_or_else(|| item.clone());
        let new_fabric = to.parent().and_then(|container| container.parent());
        let properties = &mut body["properties"];
        for (one, other) in [
            ("primaryFabricFriendlyName", "recoveryFabricFriendlyName"),
            ("primaryProtectionContainerFriendlyName", "recoveryProtectionContainerFriendlyName"),
        ] {
            let (left, right) = (properties[one].clone(), properties[other].clone());
            properties[one] = right;
            properties[other] = left;
        }
        properties["recoveryFabricId"] = json!(spelled(&fabric));
        properties["recoveryContainerId"] = json!(spelled(&from));
        if let Some(fabric) = new_fabric {
            properties["recoveryServicesProviderId"] =
                json!(provider_of(self.chance.seed(), &fabric));
        }
        properties["eventCorrelationId"] = json!(named(self.chance.seed(), &to, "events"));
        properties["currentScenario"] = no_scenario(&to);
        properties["failoverHealth"] = json!(RecoveryHealth::Normal.as_str());
        properties["healthErrors"] = json!([]);
        properties["failoverRecoveryPointId"] = Value::Null;
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("lastSuccessfulFailoverTime");
            properties.remove("lastSuccessfulTestFailoverTime");
        }
        let details = &mut properties["providerSpecificDetails"];
        let (left, right) =
            (details["primaryFabricLocation"].clone(), details["recoveryFabricLocation"].clone());
        details["primaryFabricLocation"] = right;
        details["recoveryFabricLocation"] = left;
        if provider(details) == Some(ReplicationProvider::AzureToAzure) {
            self.turn_machine(&to, details);
        }
        Standing::NEW.write(properties);
        reset_replication(&mut properties["providerSpecificDetails"]);
        body["id"] = json!(spelled(&to));
        body["name"] = json!(to.name());
        self.resources.remove(item);
        self.vaults.stop_replicating(item);
        self.chance.count(&to);
        self.write_body(&to, body, at);
        self.rename_in_plans(item, Some(&spelled(&to)));
        self.seed_item(&to, at, true);
    }
}

/// What Azure to Azure says of an item that was just enabled (recorded).
fn azure_to_azure(seed: u64, id: &ResourceId, asked: &Value, places: (&Value, &Value)) -> Value {
    let machine = text(asked, "fabricObjectId");
    let name = last(machine);
    let group = asked["recoveryResourceGroupId"].clone();
    let disk = |(place, disk): (usize, &Value)| replicated_disk(asked, place, disk);
    let disks = asked["vmManagedDisks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let or_null = |key: &str| asked.get(key).cloned().unwrap_or_default();
    let multi = text(asked, "multiVmGroupName");
    let mut details = json!({
        "instanceType": ReplicationProvider::AzureToAzure.as_str(), "fabricObjectId": machine.to_ascii_lowercase(),
        "initialPrimaryZone": "", "initialPrimaryFabricLocation": places.0, "initialRecoveryZone": "",
        "initialPrimaryExtendedLocation": null, "initialRecoveryExtendedLocation": null,
        "initialRecoveryFabricLocation": places.1,
        "multiVmGroupId": named(seed, id, "multi"), "multiVmGroupName": multi,
        "multiVmGroupCreateOption": if multi.is_empty() { "AutoCreated" } else { "UserSpecified" },
        "managementId": named(seed, id, "management"),
        "protectedDisks": null, "unprotectedDisks": null,
        "protectedManagedDisks": disks.iter().enumerate().map(disk).collect::<Vec<_>>(),
        "recoveryBootDiagStorageAccountId": or_null("recoveryBootDiagStorageAccountId"),
        "primaryFabricLocation": places.0, "recoveryFabricLocation": places.1,
        "osType": "Windows", "recoveryAzureVMSize": "Standard_DS1_v2", "recoveryAzureVMName": name,
        "recoveryAzureResourceGroupId": group, "recoveryCloudService": null,
        "recoveryAvailabilitySet": or_null("recoveryAvailabilitySetId"),
    });
    let rest = json!({
        "selectedRecoveryAzureNetworkId": null, "selectedTfoAzureNetworkId": null,
        "vmNics": [], "vmSyncedConfigDetails": { "tags": {}, "inputEndpoints": [] },
        "monitoringPercentageCompletion": null, "monitoringJobType": null,
        "lastHeartbeat": null, "agentVersion": "9.52.6522.1",
        "agentExpiryDate": "9999-12-31T23:59:59.9999999", "isReplicationAgentUpdateRequired": false,
        "isReplicationAgentCertificateUpdateRequired": false, "recoveryFabricObjectId": null,
        "vmProtectionState": ProtectionState::Unprotected.as_str(),
        "vmProtectionStateDescription": "Enabling protection", "lifecycleId": null,
        "testFailoverRecoveryFabricObjectId": null, "rpoInSeconds": null,
        "lastRpoCalculatedTime": null, "primaryAvailabilityZone": null,
        "recoveryAvailabilityZone": or_null("recoveryAvailabilityZone"),
        "primaryExtendedLocation": null, "recoveryExtendedLocation": null,
        "vmEncryptionType": "NotEncrypted", "tfoAzureVMName": format!("{name}-test"),
        "recoveryAzureGeneration": "V1", "recoveryProximityPlacementGroupId": null,
        "autoProtectionOfDataDisk": "Disabled", "recoveryVirtualMachineScaleSetId": null,
        "recoveryCapacityReservationGroupId": null,
        // Asked for, and told once it replicates.
        "recoveryAzureNetworkId": asked.get("recoveryAzureNetworkId").cloned().unwrap_or_default(),
        "recoverySubnetName": asked.get("recoverySubnetName").cloned().unwrap_or_default(),
    });
    for (key, value) in rest.as_object().into_iter().flatten() {
        details[key] = value.clone();
    }
    details
}

/// What is said of a disk that was just enabled (recorded).
fn replicated_disk(asked: &Value, place: usize, disk: &Value) -> Value {
    let group = &asked["recoveryResourceGroupId"];
    let target = text(asked, "recoveryResourceGroupId");
    let source = text(disk, "diskId");
    let own = last(source);
    json!({
        "diskId": source.to_ascii_lowercase(),
        "recoveryResourceGroupId": disk.get("recoveryResourceGroupId").unwrap_or(group),
        "recoveryTargetDiskId": null,
        "recoveryReplicaDiskId": format!("{target}/providers/Microsoft.Compute/disks/{own}-ASRReplica"),
        "recoveryOrignalTargetDiskId": null,
        "recoveryReplicaDiskAccountType": "Premium_LRS",
        "recoveryTargetDiskAccountType": "Premium_LRS",
        "recoveryDiskEncryptionSetId": null, "primaryDiskEncryptionSetId": null,
        "diskName": own, "diskCapacityInBytes": 136_367_308_800_u64,
        "primaryStagingAzureStorageAccountId": disk["primaryStagingAzureStorageAccountId"],
        "diskType": if place == 0 { "OperatingSystem" } else { "DataDisk" },
        "resyncRequired": false, "monitoringPercentageCompletion": null, "monitoringJobType": null,
        "dataPendingInStagingStorageAccountInMB": 0.0, "dataPendingAtSourceAgentInMB": 0.0,
        "diskState": DiskState::Pending.as_str(), "allowedDiskLevelOperation": [],
        "isDiskEncrypted": false, "secretIdentifier": null, "dekKeyVaultArmId": null,
        "isDiskKeyEncrypted": false, "keyIdentifier": null, "kekKeyVaultArmId": null,
        "failoverDiskName": own, "tfoDiskName": format!("{own}-ASRtest"),
    })
}

/// What is kept of a request and not told.
const KEPT: [&str; 2] = ["recoveryAzureNetworkId", "recoverySubnetName"];

/// Takes out what is kept and not told.
pub(super) fn without_kept(body: &mut Value) {
    let details = body.pointer_mut("/properties/providerSpecificDetails");
    let own = |details: &&mut Value| provider(details) == Some(ReplicationProvider::AzureToAzure);
    if let Some(details) = details.filter(own).and_then(Value::as_object_mut) {
        details.retain(|key, _| !KEPT.contains(&key.as_str()));
    }
}

/// Before the first point there is no card and no lag to be told.
fn reset_replication(details: &mut Value) {
    if provider(details) != Some(ReplicationProvider::AzureToAzure) {
        return;
    }
    for key in ["lifecycleId", "rpoInSeconds", "lastRpoCalculatedTime"] {
        details[key] = Value::Null;
    }
    for disk in details["protectedManagedDisks"].as_array_mut().into_iter().flatten() {
        disk["diskState"] = json!(DiskState::Pending.as_str());
    }
    if let Some(details) = details.as_object_mut() {
        details.remove("agentCertificateExpiryDate");
    }
}

/// Disks of a machine that is turned round: their replicas stand where it came from (recorded).
fn turn_disks(details: &mut Value) {
    let group = text(details, "recoveryAzureResourceGroupId").to_owned();
    let here: Vec<String> =
        text(details, "fabricObjectId").split('/').take(5).map(str::to_owned).collect();
    let here = here.join("/");
    for disk in details["protectedManagedDisks"].as_array_mut().into_iter().flatten() {
        let name = text(disk, "diskName").to_owned();
        let at =
            |group: &str, name: &str| format!("{group}/providers/Microsoft.Compute/disks/{name}");
        disk["diskId"] = json!(at(&here, &name).to_ascii_lowercase());
        disk["recoveryResourceGroupId"] = json!(group);
        disk["recoveryReplicaDiskId"] = json!(at(&group, &format!("{name}-ASRReplica")));
        disk["recoveryOrignalTargetDiskId"] = json!(at(&group, &name));
    }
}

/// What Azure adds when an item's replication has come a phase further (recorded).
pub(super) fn replicated(body: &mut Value, standing: Standing, at: Timestamp, seed: u64) {
    let properties = &mut body["properties"];
    let name = text(properties, "friendlyName").to_owned();
    let details = &mut properties["providerSpecificDetails"];
    let is_azure = provider(details) == Some(ReplicationProvider::AzureToAzure);
    if !is_azure || standing.phase != ItemPhase::Protected {
        return;
    }
    let machine = text(details, "fabricObjectId").to_owned();
    let own = |purpose: &str| guid(&[&seed.to_string(), &machine, purpose]);
    details["agentCertificateExpiryDate"] = json!(stamp(at + AGENT_CERTIFICATE));
    details["lifecycleId"] = json!(own("life"));
    details["rpoInSeconds"] = json!(300);
    details["lastRpoCalculatedTime"] = json!(stamp(at));
    for disk in details["protectedManagedDisks"].as_array_mut().into_iter().flatten() {
        disk["diskState"] = json!(DiskState::Protected.as_str());
    }
    if details.get("recoveryAzureNetworkId").is_some_and(Value::is_string) {
        details["selectedRecoveryAzureNetworkId"] = details["recoveryAzureNetworkId"].clone();
    }
    if details["vmNics"].as_array().is_some_and(Vec::is_empty) {
        let subnet = last(text(details, "recoverySubnetName")).to_owned();
        details["vmNics"] = json!([card(&own("card"), details, &subnet)]);
    }
    tell_cards(details);
    let tested = properties.get("lastSuccessfulTestFailoverTime").is_some_and(Value::is_string);
    if !tested && standing.active == ItemSide::Primary {
        properties["failoverHealth"] = json!(RecoveryHealth::Warning.as_str());
        let cause = "No successful test failover has been done on the virtual machine";
        properties["healthErrors"] = json!([{
            "innerHealthErrors": [], "errorSource": "ReplicationUnitFailoverValidatorError",
            "errorType": "8010", "errorLevel": "Warning", "errorCategory": "TestFailover",
            "errorCode": "161011", "summaryMessage": "", "errorMessage": format!("{cause} '{name}'."),
            "possibleCauses": format!("{cause} after it was replicated."),
            "recommendedAction": "Do a test failover on the virtual machine.",
            "creationTimeUtc": stamp(at), "recoveryProviderErrorMessage": null,
            "entityId": own("entity"), "errorId": "6:8010", "customerResolvability": "NotAllowed",
        }]);
    }
}

/// A network card, as the machine gets one at the other side (recorded). What the machine itself would tell,
/// which this world does not have, is named after it.
fn card(id: &str, details: &Value, subnet: &str) -> Value {
    json!({
        "nicId": id, "replicaNicId": null, "sourceNicArmId": null, "vMNetworkName": null,
        "recoveryVMNetworkId": details["selectedRecoveryAzureNetworkId"],
        "ipConfigs": [{
            "name": null, "isPrimary": true, "subnetName": null, "staticIPAddress": null,
            "ipAddressType": "Dynamic", "isSeletedForFailover": true,
            "recoverySubnetName": if subnet.is_empty() { Value::Null } else { json!(subnet) },
            "recoveryStaticIPAddress": "", "recoveryIPAddressType": "Dynamic",
            "recoveryPublicIPAddressId": null, "recoveryLBBackendAddressPoolIds": null,
            "tfoSubnetName": null, "tfoStaticIPAddress": null, "tfoPublicIPAddressId": null,
            "tfoLBBackendAddressPoolIds": null,
        }],
        "selectionType": "NotSelected", "recoveryNetworkSecurityGroupId": null,
        "enableAcceleratedNetworkingOnRecovery": false, "tfoVMNetworkId": null,
        "tfoNetworkSecurityGroupId": null, "enableAcceleratedNetworkingOnTfo": null,
        "recoveryNicName": null, "recoveryNicResourceGroupName": null, "reuseExistingNic": false,
        "tfoRecoveryNicName": null, "tfoRecoveryNicResourceGroupName": null,
        "tfoReuseExistingNic": false, "targetNicName": null,
    })
}

/// What is told of a card once its machine replicates.
fn tell_cards(details: &mut Value) {
    let machine = text(details, "fabricObjectId").to_owned();
    let (group, name) = (machine.split('/').take(5).collect::<Vec<_>>().join("/"), last(&machine));
    for card in details["vmNics"].as_array_mut().into_iter().flatten() {
        let network = "providers/Microsoft.Network";
        card["sourceNicArmId"] = json!(format!("{group}/{network}/networkInterfaces/{name}VMNic"));
        if card["vMNetworkName"].is_null() {
            card["vMNetworkName"] = json!(format!("{group}/{network}/virtualNetworks/{name}-vnet"));
        }
        card["selectionType"] = json!("SelectedByUserOverride");
        for config in card["ipConfigs"].as_array_mut().into_iter().flatten() {
            config["name"] = json!(format!("ipconfig{name}"));
            config["subnetName"] = json!("default");
            config["staticIPAddress"] = json!("10.0.0.4");
        }
    }
}

/// Cards of a machine that is turned round: they lead to where it came from, and are not told yet (recorded).
fn turn_cards(details: &mut Value, home: &Value) {
    let group = text(details, "recoveryAzureResourceGroupId").to_owned();
    let machine = text(details, "fabricObjectId").to_owned();
    let name = last(&machine);
    let network = "providers/Microsoft.Network";
    for card in details["vmNics"].as_array_mut().into_iter().flatten() {
        card["recoveryVMNetworkId"] = home.clone();
        card["recoveryNetworkSecurityGroupId"] =
            json!(format!("{group}/{network}/networkSecurityGroups/{name}NSG"));
        card["vMNetworkName"] = Value::Null;
        card["selectionType"] = json!("NotSelected");
        for config in card["ipConfigs"].as_array_mut().into_iter().flatten() {
            for key in ["name", "subnetName", "staticIPAddress"] {
                config[key] = Value::Null;
            }
            config["recoveryLBBackendAddressPoolIds"] = json!([]);
        }
    }
}

/// The point that an item was failed over to; a commit deletes all points (azure-facts 6.4).
pub(super) fn points_after(properties: &mut Value, item: &ResourceId, machine_move: MachineMove) {
    match machine_move {
        MachineMove::PlannedFailover
        | MachineMove::UnplannedFailover
        | MachineMove::ChangePoint => {
            let time = text(properties, "lastSuccessfulFailoverTime").to_owned();
            let id = guid(&[item.key(), &time, "point"]);
            properties["failoverRecoveryPointId"] =
                json!(format!("{}/recoveryPoints/{id}", spelled(item)));
        }
        MachineMove::Commit | MachineMove::Cancel => {
            properties["failoverRecoveryPointId"] = Value::Null
        }
        MachineMove::TestFailover
        | MachineMove::TestFailoverCleanup
        | MachineMove::Reprotect
        | MachineMove::Switch
        | MachineMove::Disable => {}
    }
}
