//! What does a vault say of machines that are not Azure's: of Hyper-V sites, of VMware and physical servers?
//!
//! Recorded is little of it (two policies of VMware); the rest are the keys of the published models, which
//! Site Recovery fills or shows as null (recorded of Azure to Azure).

use serde_json::{Map, Value, json};

use super::standing::provider;
use super::words::{FabricKind, ReplicationProvider};

/// The key in an answer, the key in a request that it is told from, and what is told when that was not sent.
type Told = (&'static str, &'static str, Else);

/// What is told of something that nobody sent.
#[derive(Clone, Copy)]
enum Else {
    Nothing,
    Number(u64),
    Word(&'static str),
    False,
}

impl Else {
    fn value(self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Number(number) => json!(number),
            Self::Word(word) => json!(word),
            Self::False => json!(false),
        }
    }
}

const SNAPSHOTS: &str = "applicationConsistentSnapshotFrequencyInHours";
const START: &str = "onlineReplicationStartTime";

/// What policies between two Hyper-V sites say; the newer kind says one thing more.
const BETWEEN_SITES: &[Told] = BETWEEN_SITES_R2.split_at(1).1;
const BETWEEN_SITES_R2: &[Told] = &[
    ("replicationFrequencyInSeconds", "replicationFrequencyInSeconds", Else::Number(300)),
    ("recoveryPoints", "recoveryPoints", Else::Number(0)),
    (SNAPSHOTS, SNAPSHOTS, Else::Number(0)),
    ("compression", "compression", Else::Word("Enabled")),
    ("initialReplicationMethod", "initialReplicationMethod", Else::Word("OverNetwork")),
    (START, START, Else::Nothing),
    ("offlineReplicationImportPath", "offlineReplicationImportPath", Else::Nothing),
    ("offlineReplicationExportPath", "offlineReplicationExportPath", Else::Nothing),
    ("replicationPort", "replicationPort", Else::Number(8_084)),
    ("allowedAuthenticationType", "allowedAuthenticationType", Else::Number(1)),
    ("replicaDeletionOption", "replicaDeletion", Else::Word("NotRequired")),
];

/// What policies of a provider say, in their order.
fn policy_keys(provider: ReplicationProvider) -> &'static [Told] {
    use Else::{False, Nothing, Number, Word};
    const CRASH: &str = "crashConsistentFrequencyInMinutes";
    const APP: &str = "appConsistentFrequencyInMinutes";
    match provider {
        ReplicationProvider::AzureToAzure => &[
            ("recoveryPointThresholdInMinutes", "", Number(0)),
            ("recoveryPointHistory", "recoveryPointHistory", Number(0)),
            (APP, APP, Number(0)),
            ("multiVmSyncStatus", "multiVmSyncStatus", Word("Enabled")),
            (CRASH, CRASH, Number(5)),
        ],
        ReplicationProvider::HyperVToAzure => &[
            ("recoveryPointHistoryDurationInHours", "recoveryPointHistoryDuration", Number(0)),
            (SNAPSHOTS, SNAPSHOTS, Number(0)),
            ("replicationInterval", "replicationInterval", Number(300)),
            (START, START, Nothing),
            ("encryption", "encryption", Word("Disabled")),
            ("activeStorageAccountId", "", Nothing),
        ],
        ReplicationProvider::BetweenSites => BETWEEN_SITES,
        ReplicationProvider::BetweenSitesR2 => BETWEEN_SITES_R2,
        ReplicationProvider::VMwareToAzure => &[
            (CRASH, CRASH, Number(0)),
            ("recoveryPointThresholdInMinutes", "recoveryPointThresholdInMinutes", Number(0)),
            ("recoveryPointHistory", "recoveryPointHistory", Number(0)),
            (APP, APP, Number(0)),
            ("multiVmSyncStatus", "multiVmSyncStatus", Word("Enabled")),
        ],
        ReplicationProvider::VMwareToSite => &[
            ("recoveryPointThresholdInMinutes", "recoveryPointThresholdInMinutes", Number(0)),
            ("recoveryPointHistory", "recoveryPointHistory", Number(0)),
            (APP, APP, Number(0)),
            ("multiVmSyncStatus", "multiVmSyncStatus", Word("Enabled")),
        ],
        // With three keys that no model has (recorded).
        ReplicationProvider::ModernToAzure => &[
            ("recoveryPointHistoryInMinutes", "recoveryPointHistoryInMinutes", Number(0)),
            (APP, APP, Number(0)),
            (CRASH, CRASH, Number(0)),
            ("enableMultiVmSync", "enableMultiVmSync", Word("false")),
            ("status", "", False),
            ("associatedItemsCount", "", Number(0)),
            ("dataSourceType", "", Word("VM")),
        ],
        ReplicationProvider::ModernFailback => &[
            (APP, APP, Number(0)),
            (CRASH, CRASH, Number(0)),
            ("status", "", False),
            ("associatedItemsCount", "", Number(0)),
            ("dataSourceType", "", Word("VM")),
        ],
        ReplicationProvider::Migration => &[
            ("recoveryPointHistoryInMinutes", "recoveryPointHistoryInMinutes", Number(0)),
            (APP, APP, Number(0)),
            (CRASH, CRASH, Number(0)),
        ],
    }
}

/// What a policy says of itself, from what was sent; what no model is known of is told as it was sent.
pub(super) fn policy_details(input: &Value) -> Value {
    let Some(provider) = provider(input) else { return input.clone() };
    let mut details = Map::new();
    details.insert("instanceType".to_owned(), json!(provider.as_str()));
    for (key, from, other) in policy_keys(provider) {
        let sent = input.get(*from).filter(|value| !value.is_null()).cloned();
        let told = match (*key, sent) {
            // Asked to be enabled, it is told that it is.
            ("multiVmSyncStatus", Some(Value::String(word))) => {
                json!(if word.starts_with("Disable") { "Disabled" } else { "Enabled" })
            }
            (_, Some(value)) => value,
            (_, None) => other.value(),
        };
        details.insert((*key).to_owned(), told);
    }
    details.into()
}

/// What a fabric says of itself, from what was sent.
pub(super) fn fabric_details(input: &Value) -> Value {
    let word = |key: &str| input.get(key).cloned().unwrap_or_default();
    let said = input["instanceType"].as_str().unwrap_or_default();
    // Made without a word of what it is, a fabric is a Hyper-V site.
    let kind = if said.is_empty() { Some(FabricKind::HyperVSite) } else { FabricKind::parse(said) };
    let mut details = json!({ "instanceType": kind.map_or(said, |kind| kind.as_str()) });
    let (words, lists): (&[&str], &[&str]) = match kind {
        Some(FabricKind::Azure) => (&["location"], &["containerIds", "zones"]),
        Some(FabricKind::Modern) => (
            &[
                "vmwareSiteId",
                "physicalSiteId",
                "serviceEndpoint",
                "serviceResourceId",
                "serviceContainerId",
                "dataPlaneUri",
                "controlPlaneUri",
                "sourceAgentIdentityDetails",
            ],
            &[
                "processServers",
                "rcmProxies",
                "pushInstallers",
                "replicationAgents",
                "reprotectAgents",
                "marsAgents",
                "dras",
                "agentDetails",
            ],
        ),
        Some(FabricKind::VMwareV2) => (
            &[
                "vmwareSiteId",
                "physicalSiteId",
                "migrationSolutionId",
                "serviceEndpoint",
                "serviceResourceId",
                "serviceContainerId",
            ],
            &["processServers"],
        ),
        Some(FabricKind::HyperVSite) => (&[], &["hyperVHosts"]),
        Some(FabricKind::Vmm | FabricKind::VMware) | None => (&[], &[]),
    };
    words.iter().for_each(|key| details[*key] = word(key));
    lists.iter().for_each(|key| details[*key] = json!([]));
    if kind == Some(FabricKind::Modern) && !input["sourceAgentIdentity"].is_null() {
        details["sourceAgentIdentityDetails"] = word("sourceAgentIdentity");
    }
    details
}

/// What the pairing of a container with a policy says of itself; nothing where its provider has nothing to say.
pub(super) fn mapping_details(input: &Value) -> Value {
    let word = |key: &str| input.get(key).cloned().unwrap_or_default();
    let kind = input["instanceType"].as_str().unwrap_or_default();
    match ReplicationProvider::parse(kind) {
        Some(ReplicationProvider::AzureToAzure) => json!({
            "instanceType": kind,
            "agentAutoUpdateStatus":
                input.get("agentAutoUpdateStatus").cloned().unwrap_or(json!("Disabled")),
            "automationAccountAuthenticationType": "RunAsAccount",
            "automationAccountArmId": word("automationAccountArmId"),
            "scheduleName": null, "jobScheduleName": null,
        }),
        Some(ReplicationProvider::ModernToAzure) => json!({
            "instanceType": kind,
            "enableAgentAutoUpgrade":
                input.get("enableAgentAutoUpgrade").cloned().unwrap_or(json!("true")),
        }),
        Some(ReplicationProvider::Migration) => json!({
            "instanceType": kind, "keyVaultId": word("keyVaultId"), "keyVaultUri": word("keyVaultUri"),
            "storageAccountId": word("storageAccountId"),
            "storageAccountSasSecretName": word("storageAccountSasSecretName"),
            "serviceBusConnectionStringSecretName": word("serviceBusConnectionStringSecretName"),
            "targetLocation": word("targetLocation"), "roleSizeToNicCountMap": {}, "excludedSkus": [],
        }),
        Some(
            ReplicationProvider::HyperVToAzure
            | ReplicationProvider::BetweenSites
            | ReplicationProvider::BetweenSitesR2
            | ReplicationProvider::VMwareToAzure
            | ReplicationProvider::VMwareToSite
            | ReplicationProvider::ModernFailback,
        )
        | None => Value::Null,
    }
}

/// The word for the kind of fabric that containers and items are in; one that does not say what it is stands for
/// Azure there.
pub(super) fn fabric_type(details: &Value) -> &'static str {
    let said = details["instanceType"].as_str().unwrap_or_default();
    match FabricKind::parse(said) {
        Some(
            kind @ (FabricKind::Azure
            | FabricKind::HyperVSite
            | FabricKind::Vmm
            | FabricKind::VMware),
        ) => kind.as_str(),
        None if said.is_empty() => FabricKind::Azure.as_str(),
        Some(FabricKind::VMwareV2 | FabricKind::Modern) | None => "InMageRcmFabric",
    }
}

/// What an item's own settings are called in an answer, where the request has another word.
const ITEM_WORDS: &[(ReplicationProvider, &str, &str)] = &[
    (ReplicationProvider::HyperVToAzure, "recoveryAzureVmName", "targetAzureVmName"),
    (ReplicationProvider::HyperVToAzure, "recoveryAzureVMSize", "targetVmSize"),
    (ReplicationProvider::HyperVToAzure, "recoveryAzureStorageAccount", "targetStorageAccountId"),
    (ReplicationProvider::HyperVToAzure, "recoveryAzureLogStorageAccountId", "logStorageAccountId"),
    (ReplicationProvider::HyperVToAzure, "selectedRecoveryAzureNetworkId", "targetAzureNetworkId"),
    (
        ReplicationProvider::HyperVToAzure,
        "recoveryAzureResourceGroupId",
        "targetAzureV2ResourceGroupId",
    ),
    (ReplicationProvider::HyperVToAzure, "recoveryAvailabilitySetId", "targetAvailabilitySetId"),
    (ReplicationProvider::HyperVToAzure, "vmId", "hvHostVmId"),
    (ReplicationProvider::VMwareToAzure, "recoveryAzureVMName", "targetAzureVmName"),
    (ReplicationProvider::VMwareToAzure, "recoveryAzureVMSize", "targetVmSize"),
    (ReplicationProvider::VMwareToAzure, "recoveryAzureStorageAccount", "storageAccountId"),
    (ReplicationProvider::VMwareToAzure, "recoveryAzureLogStorageAccountId", "logStorageAccountId"),
    (ReplicationProvider::VMwareToAzure, "selectedRecoveryAzureNetworkId", "targetAzureNetworkId"),
    (
        ReplicationProvider::VMwareToAzure,
        "recoveryAzureResourceGroupId",
        "targetAzureV2ResourceGroupId",
    ),
    (ReplicationProvider::VMwareToAzure, "recoveryAvailabilitySetId", "targetAvailabilitySetId"),
];

/// What an item of a machine elsewhere says of itself: every key of its published model, null where only
/// people's own site could know; none where no model is known.
pub(super) fn item_details(input: &Value) -> Option<Value> {
    let kind = input["instanceType"].as_str()?;
    let own = ReplicationProvider::parse(kind);
    let keys = MODELS.lines().filter_map(|line| {
        let mut words = line.split('\t');
        (words.next()? == kind).then(|| (words.next(), words.next()))
    });
    let mut details = Map::new();
    for (key, what) in keys {
        let Some(key) = key else { continue };
        let from = ITEM_WORDS.iter().find(|(of, told, _)| Some(*of) == own && *told == key);
        let sent = input.get(from.map_or(key, |(_, _, from)| *from));
        let other = match what {
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => Value::Null,
        };
        details.insert(key.to_owned(), sent.cloned().unwrap_or(other));
    }
    if details.is_empty() {
        return None;
    }
    let mut all = Map::new();
    all.insert("instanceType".to_owned(), json!(kind));
    all.append(&mut details);
    Some(all.into())
}

/// The keys of each published model of an item's details: provider, key, type.
const MODELS: &str = include_str!("models.tsv");
