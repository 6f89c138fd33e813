//! Machines that are not Azure's: what vaults say of Hyper-V sites, of VMware and of physical servers is what is
//! published of them, key for key.

use super::*;

/// Policies of each provider: what is sent, and what is told in its place.
const POLICIES: [(&str, &str, &str); 8] = [
    ("HyperVReplicaAzure", "recoveryPointHistoryDuration", "recoveryPointHistoryDurationInHours"),
    ("HyperVReplica2012", "replicaDeletion", "replicaDeletionOption"),
    ("HyperVReplica2012R2", "recoveryPoints", "recoveryPoints"),
    ("InMage", "recoveryPointHistory", "recoveryPointHistory"),
    ("InMageAzureV2", "recoveryPointHistory", "recoveryPointHistory"),
    ("InMageRcm", "recoveryPointHistoryInMinutes", "recoveryPointHistoryInMinutes"),
    ("InMageRcmFailback", "appConsistentFrequencyInMinutes", "appConsistentFrequencyInMinutes"),
    ("VMwareCbt", "recoveryPointHistoryInMinutes", "recoveryPointHistoryInMinutes"),
];

/// Keys of two recorded policies that no model has.
const OF_RCM: [&str; 3] = ["status", "associatedItemsCount", "dataSourceType"];

/// What is shown, and what of it nobody publishes.
fn held(at: &mut Client, path: &str) -> (Value, Vec<String>) {
    let shown = at.get(path);
    let Some(specs) = Specs::of_answers() else { return (shown, Vec::new()) };
    let mut body = shown.clone();
    without_nulls(&mut body);
    let found = specs.answered("get", &format!("{V}/{path}"), 200, &body).unwrap();
    (shown, found.wrong)
}

fn put(at: &mut Client, path: &str, body: &Value) {
    let accepted = at.call(Method::Put, path, body);
    at.follow(&accepted);
}

#[test]
fn a_policy_says_what_its_providers_model_says() {
    let mut at = Client::new();
    for (provider, sent, told) in POLICIES {
        let path = format!("replicationPolicies/{provider}");
        let value = if sent == "replicaDeletion" { json!("OnRecoveryCloud") } else { json!(24) };
        let body = json!({ "properties": { "providerSpecificInput": {
            "instanceType": provider, sent: value } } });
        put(&mut at, &path, &body);
        let (shown, wrong) = held(&mut at, &path);
        let wrong: Vec<_> =
            wrong.iter().filter(|one| !OF_RCM.iter().any(|own| one.contains(own))).collect();
        assert!(wrong.is_empty(), "{provider}: {wrong:?}");
        let details = &shown["properties"]["providerSpecificDetails"];
        assert_eq!(details["instanceType"], provider);
        assert_eq!(details[told], value, "{provider}: {details}");
        assert!(details.as_object().unwrap().len() > 2, "{provider}: {details}");
    }
}

#[test]
fn a_fabric_of_a_site_says_what_its_model_says() {
    let mut at = Client::new();
    for (name, sent, list) in [
        ("hyperv", json!({}), "hyperVHosts"),
        ("hyperv2", json!({ "customDetails": { "instanceType": "HyperVSite" } }), "hyperVHosts"),
        (
            "rcm",
            json!({ "customDetails": { "instanceType": "InMageRcm", "vmwareSiteId": "/v", "physicalSiteId": "/p" } }),
            "dras",
        ),
        (
            "v2",
            json!({ "customDetails": { "instanceType": "VMwareV2", "migrationSolutionId": "/m" } }),
            "processServers",
        ),
    ] {
        let path = format!("replicationFabrics/{name}");
        put(&mut at, &path, &json!({ "properties": sent }));
        let (shown, wrong) = held(&mut at, &path);
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        let details = &shown["properties"]["customDetails"];
        assert_eq!(details[list], json!([]), "{name}: {details}");
        assert_eq!(shown["properties"]["friendlyName"], name);
    }
}

#[test]
fn a_machine_of_a_site_is_mapped_to_azure_and_protected() {
    let mut at = Client::new();
    for (provider, fabric, sent, told) in [
        ("HyperVReplicaAzure", "HyperVSite", "targetAzureVmName", "recoveryAzureVmName"),
        ("InMageAzureV2", "VMware", "targetVmSize", "recoveryAzureVMSize"),
        ("InMageRcm", "InMageRcm", "targetVmName", "targetVmName"),
    ] {
        let site = format!("replicationFabrics/{provider}");
        let container = format!("{site}/replicationProtectionContainers/c");
        let mapping = format!("{container}/replicationProtectionContainerMappings/m");
        let vm = item(&container, "vm");
        let policy = format!("replicationPolicies/{provider}");
        let input = json!({ "instanceType": provider });
        put(&mut at, &policy, &json!({ "properties": { "providerSpecificInput": input } }));
        let custom = json!({ "instanceType": fabric });
        put(&mut at, &site, &json!({ "properties": { "customDetails": custom } }));
        put(&mut at, &container, &json!({ "properties": { "providerSpecificInput": [] } }));
        put(
            &mut at,
            &mapping,
            &json!({ "properties": { "policyId": format!("{V}/{policy}"),
            "targetProtectionContainerId": "Microsoft Azure", "providerSpecificInput": input } }),
        );
        let (shown, wrong) = held(&mut at, &mapping);
        assert!(wrong.is_empty(), "{provider}: {wrong:?}");
        assert_eq!(shown["properties"]["targetFabricFriendlyName"], "Microsoft Azure");
        put(
            &mut at,
            &vm,
            &json!({ "properties": { "policyId": format!("{V}/{policy}"),
            "providerSpecificDetails": { "instanceType": provider, sent: "named" } } }),
        );
        let (shown, wrong) = held(&mut at, &vm);
        assert!(wrong.is_empty(), "{provider}: {wrong:?}");
        let details = &shown["properties"]["providerSpecificDetails"];
        assert_eq!(details[told], "named", "{provider}: {details}");
        assert!(details.as_object().unwrap().len() > 20, "{provider}: {details}");
    }
}
