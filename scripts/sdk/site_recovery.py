#!/usr/bin/env python3
# packages: azure-mgmt-recoveryservicessiterecovery azure-mgmt-recoveryservices
# world: runbooks/worlds/two-circuits-site-recovery.yaml
"""The stock Site Recovery client against a served world: nothing patched but the credential and the endpoint.

    site_recovery.py ENDPOINT CERTIFICATE SUBSCRIPTION

With the clients' own pollers it creates, reads, lists, updates and deletes a vault and every type in one, and runs a
recovery plan there and back: test failover, cleanup, failover, commit, protect again, and home the same way. Parts that have
nothing to do with one another run side by side.
"""

import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

warnings.filterwarnings("ignore")

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservices import RecoveryServicesClient
from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient

endpoint, certificate, subscription = sys.argv[1:4]
GROUP, VAULT = "rg-recovery-sea", "vault-recovery-sea"
HERE = (GROUP, VAULT)
BASE = f"/Subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.RecoveryServices/vaults/{VAULT}"
NETWORKS = f"/subscriptions/{subscription}/resourceGroups/rg-network-"


class Anybody:
    def get_token(self, *scopes, **options):
        return AccessToken("anything", int(time.time()) + 3600)


def client(kind):
    return kind(
        Anybody(), subscription, base_url=endpoint, connection_verify=certificate,
        credential_scopes=[endpoint + "/.default"], polling_interval=1,
    )


vaults = client(RecoveryServicesClient).vaults
recovery = client(SiteRecoveryManagementClient)
fabrics, containers = recovery.replication_fabrics, recovery.replication_protection_containers
mappings, policies = recovery.replication_protection_container_mappings, recovery.replication_policies
networks, items = recovery.replication_network_mappings, recovery.replication_protected_items
plans, jobs = recovery.replication_recovery_plans, recovery.replication_jobs

lock, passed, failed = threading.Lock(), [0], []


def check(what, truth=True):
    with lock:
        if truth:
            passed[0] += 1
        else:
            failed.append(what)


def gone(get):
    try:
        get()
    except ResourceNotFoundError:
        return True
    return False


def refused(what, ask):
    try:
        ask()
    except HttpResponseError as error:
        check(f"{what}: refused", error.error is not None and bool(error.error.code))
        return
    check(f"{what}: refused", False)


def seen(name, get, lists):
    """Read and listed."""
    one = get()
    check(f"{name}: read", bool(one.id) and bool(one.name))
    check(f"{name}: list", any(other.id.lower() == one.id.lower() for other in lists()))
    return one


def vault():
    body = {"location": "southeastasia", "sku": {"name": "Standard"}, "properties": {"publicNetworkAccess": "Enabled"}}
    made = vaults.begin_create_or_update(GROUP, "vault-sdk", body).result()
    check("vault: create", made.properties.provisioning_state == "Succeeded")
    get = lambda: vaults.get(GROUP, "vault-sdk")
    seen("vault", get, lambda: vaults.list_by_resource_group(GROUP))
    check("vault: list of the subscription", len(list(vaults.list_by_subscription_id())) >= 2)
    vaults.begin_update(GROUP, "vault-sdk", {"tags": {"a": "b"}}).result()
    check("vault: update", get().tags == {"a": "b"})
    vaults.begin_delete(GROUP, "vault-sdk").result()
    check("vault: delete", gone(get))


def policy():
    body = lambda history: {"properties": {"providerSpecificInput": {
        "instanceType": "A2A", "multiVmSyncStatus": "Enable", "recoveryPointHistory": history}}}
    made = policies.begin_create(*HERE, "policy-sdk", body(1440)).result()
    check("policy: create", made.properties.provider_specific_details.recovery_point_history == 1440)
    get = lambda: policies.get(*HERE, "policy-sdk")
    seen("policy", get, lambda: policies.list(*HERE))
    changed = {"properties": {"replicationProviderSettings": {
        "instanceType": "A2A", "multiVmSyncStatus": "Enable", "recoveryPointHistory": 720}}}
    policies.begin_update(*HERE, "policy-sdk", changed).result()
    check("policy: update", get().properties.provider_specific_details.recovery_point_history == 720)
    policies.begin_delete(*HERE, "policy-sdk").result()
    check("policy: delete", gone(get))


def network_mapping():
    name = ("fabric-ea", "azureNetwork", "hub-sdk")
    body = {"properties": {
        "recoveryFabricName": "fabric-sea", "recoveryNetworkId": f"{NETWORKS}sea/providers/Microsoft.Network/virtualNetworks/vnet-hub-sea",
        "fabricSpecificDetails": {"instanceType": "AzureToAzure",
                                  "primaryNetworkId": f"{NETWORKS}ea/providers/Microsoft.Network/virtualNetworks/vnet-hub-ea"}}}
    made = networks.begin_create(*HERE, *name, body).result()
    check("network mapping: create", made.properties.state == "Paired")
    get = lambda: networks.get(*HERE, *name)
    seen("network mapping", get, lambda: networks.list(*HERE))
    check("network mapping: list of its network", len(list(networks.list_by_replication_networks(*HERE, *name[:2]))) >= 1)
    other = f"{NETWORKS}sea/providers/Microsoft.Network/virtualNetworks/vnet-app1-sea"
    networks.begin_update(*HERE, *name, {"properties": {
        "recoveryFabricName": "fabric-sea", "recoveryNetworkId": other,
        "fabricSpecificDetails": {"instanceType": "AzureToAzure"}}}).result()
    check("network mapping: update", get().properties.recovery_network_id == other.lower())
    networks.begin_delete(*HERE, *name).result()
    check("network mapping: delete", gone(get))


def replicated():
    """A fabric, a container in it, its mapping, and a machine that replicates from there."""
    f, c = ("fabric-sdk",), ("fabric-sdk", "container-sdk")
    location = {"properties": {"customDetails": {"instanceType": "Azure", "location": "eastasia"}}}
    made = fabrics.begin_create(*HERE, *f, location).result()
    check("fabric: create", made.properties.custom_details.location == "eastasia")
    seen("fabric", lambda: fabrics.get(*HERE, *f), lambda: fabrics.list(*HERE))
    made = containers.begin_create(*HERE, *c, {"properties": {"providerSpecificInput": [{"instanceType": "A2A"}]}}).result()
    check("container: create", made.properties.pairing_status == "NotPaired")
    seen("container", lambda: containers.get(*HERE, *c), lambda: containers.list(*HERE))
    check("container: list of its fabric", len(list(containers.list_by_replication_fabrics(*HERE, *f))) == 1)
    target = f"{BASE}/replicationFabrics/fabric-sea/replicationProtectionContainers/container-sea"
    m, p = (*c, "mapping-sdk"), f"{BASE}/replicationPolicies/policy-24h"
    made = mappings.begin_create(*HERE, *m, {"properties": {
        "policyId": p, "targetProtectionContainerId": target,
        "providerSpecificInput": {"instanceType": "A2A", "agentAutoUpdateStatus": "Disabled"}}}).result()
    check("mapping: create", made.properties.state == "Paired")
    seen("mapping", lambda: mappings.get(*HERE, *m), lambda: mappings.list(*HERE))
    check("container: is paired", containers.get(*HERE, *c).properties.pairing_status == "Paired")
    mappings.begin_update(*HERE, *m, {"properties": {
        "providerSpecificInput": {"instanceType": "A2A", "agentAutoUpdateStatus": "Enabled"}}}).result()
    status = mappings.get(*HERE, *m).properties.provider_specific_details.agent_auto_update_status
    check("mapping: update", status == "Enabled")
    i = (*c, "vm-sdk")
    group = f"/subscriptions/{subscription}/resourceGroups/"
    made = items.begin_create(*HERE, *i, {"properties": {"policyId": p, "providerSpecificDetails": {
        "instanceType": "A2A", "fabricObjectId": f"{group}rg-apps-ea/providers/Microsoft.Compute/virtualMachines/vm-sdk",
        "recoveryContainerId": target, "recoveryResourceGroupId": f"{group}rg-apps-sea",
        "recoveryAzureNetworkId": f"{NETWORKS}sea/providers/Microsoft.Network/virtualNetworks/vnet-app1-sea",
        "vmManagedDisks": [{"diskId": f"{group}rg-apps-ea/providers/Microsoft.Compute/disks/vm-sdk_OsDisk",
                            "primaryStagingAzureStorageAccountId": f"{group}rg-apps-ea/providers/Microsoft.Storage/storageAccounts/cache",
                            "recoveryResourceGroupId": f"{group}rg-apps-sea"}]}}}).result()
    check("item: create", made.properties.provider_specific_details.recovery_azure_vm_name == "vm-sdk")
    get = lambda: items.get(*HERE, *i)
    seen("item", get, lambda: items.list(*HERE))
    check("item: list of its container", len(list(items.list_by_replication_protection_containers(*HERE, *c))) == 1)
    items.begin_update(*HERE, *i, {"properties": {"recoveryAzureVMSize": "Standard_D8s_v5"}}).result()
    check("item: update", get().properties.provider_specific_details.recovery_azure_vm_size == "Standard_D8s_v5")
    until("item: replicates", lambda: get().properties.protection_state == "Protected")
    points = recovery.recovery_points
    all_points = list(points.list_by_replication_protected_items(*HERE, *i))
    check("recovery points: list", len(all_points) > 0)
    side = {"failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": {"instanceType": "A2A"}}
    done = items.begin_unplanned_failover(*HERE, *i, {"properties": {**side, "sourceSiteOperations": "NotRequired"}}).result()
    check("item: failover", done.properties.active_location == "Recovery")
    done = items.begin_failover_commit(*HERE, *i).result()
    check("item: commit", "ReverseReplicate" in done.properties.allowed_operations)
    containers.begin_switch_protection(*HERE, *c, {"properties": {
        "replicationProtectedItemName": "vm-sdk", "providerSpecificDetails": {"instanceType": "A2A"}}}).result()
    there = ("fabric-sea", "container-sea", "vm-sdk")
    check("item: protected again from the other side", gone(get))
    check("item: is one of the other container", items.get(*HERE, *there).properties.active_location == "Primary")
    items.begin_delete(*HERE, *there, {"properties": {"disableProtectionReason": "NotSpecified"}}).result()
    check("item: delete", gone(lambda: items.get(*HERE, *there)))
    refused("container with a mapping of a fabric: delete", lambda: fabrics.begin_delete(*HERE, *f))
    mappings.begin_delete(*HERE, *m, {"properties": {}}).result()
    check("mapping: delete", gone(lambda: mappings.get(*HERE, *m)))
    containers.begin_delete(*HERE, *c).result()
    check("container: delete", gone(lambda: containers.get(*HERE, *c)))
    fabrics.begin_delete(*HERE, *f).result()
    check("fabric: delete", gone(lambda: fabrics.get(*HERE, *f)))


def until(what, is_so, seconds=240):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if is_so():
            return check(what)
        time.sleep(2)
    check(what, False)


def settings():
    alerts = recovery.replication_alert_settings
    body = {"properties": {"sendToOwners": "Send", "customEmailAddresses": ["a@example.com"], "locale": "en_US"}}
    alerts.create(*HERE, "defaultAlertSetting", body)
    seen("alert settings", lambda: alerts.get(*HERE, "defaultAlertSetting"), lambda: alerts.list(*HERE))
    health = recovery.replication_vault_health
    refreshed = health.begin_refresh(*HERE).result()
    check("health: refresh", refreshed.properties.protected_items_health.resource_count >= 3)
    check("health: read", health.get(*HERE).name == "Default")
    jobs.begin_export(*HERE, {}).result()
    check("jobs: export")
    for name in ["replication_appliances", "replication_events", "replication_networks"]:
        check(f"{name}: list", list(getattr(recovery, name).list(*HERE)) == [])


def a_plan():
    """A plan of its own, written, changed, and taken away."""
    place = f"{BASE}/replicationFabrics"
    member = lambda vm: {"id": f"{place}/fabric-ea/replicationProtectionContainers/container-ea/replicationProtectedItems/{vm}"}
    groups = lambda *vms: [{"groupType": "Boot", "replicationProtectedItems": [member(vm)]} for vm in vms]
    body = {"properties": {"primaryFabricId": f"{place}/fabric-ea", "recoveryFabricId": f"{place}/fabric-sea",
                           "failoverDeploymentModel": "ResourceManager", "groups": groups("vm-db")}}
    made = plans.begin_create(*HERE, "rp-sdk", body).result()
    check("plan: create", len(made.properties.groups) == 3)
    get = lambda: plans.get(*HERE, "rp-sdk")
    seen("plan", get, lambda: plans.list(*HERE))
    plans.begin_update(*HERE, "rp-sdk", {"properties": {"groups": groups("vm-db", "vm-app1")}}).result()
    check("plan: update", len(get().properties.groups) == 4)
    plans.begin_delete(*HERE, "rp-sdk").result()
    check("plan: delete", gone(get))


def life():
    """A plan there and back."""
    plan = "rp-apps"
    get = lambda: plans.get(*HERE, plan).properties
    refused("plan: commit of what is not failed over", lambda: plans.begin_failover_commit(*HERE, plan))
    side = lambda direction: {"failoverDirection": direction, "providerSpecificDetails": [{"instanceType": "A2A", "recoveryPointType": "Latest"}]}
    tested = plans.begin_test_failover(*HERE, plan, {"properties": {**side("PrimaryToRecovery"), "networkType": "NoNetworkAttachAsInput"}}).result()
    check("plan: test failover", list(tested.properties.allowed_operations) == ["TestFailoverCleanup"])
    check("plan: waits for the cleanup", tested.properties.current_scenario_status_description == "WaitingForStopTestFailover")
    plans.begin_test_failover_cleanup(*HERE, plan, {"properties": {"comments": "seen"}}).result()
    check("plan: cleanup", "UnplannedFailover" in get().allowed_operations)
    for direction, active in [("PrimaryToRecovery", "Recovery"), ("RecoveryToPrimary", "Primary")]:
        over = plans.begin_unplanned_failover(*HERE, plan, {"properties": {**side(direction), "sourceSiteOperations": "NotRequired"}}).result()
        check(f"plan: failover {direction}", "Commit" in over.properties.allowed_operations)
        check(f"plan: failover {direction} is timed", over.properties.last_unplanned_failover_time is not None)
        one = items.get(*HERE, "fabric-ea", "container-ea", "vm-db").properties
        check(f"item: runs at {active}", one.active_location == active)
        plans.begin_failover_commit(*HERE, plan).result()
        check(f"plan: commit {direction}", list(get().allowed_operations) == ["ReverseReplicate"])
        plans.begin_reprotect(*HERE, plan).result()
        until(f"plan: protected again {direction}", lambda: "UnplannedFailover" in get().allowed_operations)
    names = {job.properties.scenario_name for job in jobs.list(*HERE)}
    check("jobs: list", {"TestFailover", "TestFailoverCleanup", "UnplannedFailover", "CommitFailover"} <= names)
    last = get().current_scenario.job_id.rsplit("/", 1)[1]
    job = jobs.get(*HERE, last)
    check("job: read", job.properties.state == "Succeeded" and len(job.properties.tasks) > 0)
    cancel_and_resume(side)


def cancel_and_resume(side):
    plan = "rp-apps-checked"
    job = lambda: plans.get(*HERE, plan).properties.current_scenario.job_id.rsplit("/", 1)[1]
    status = lambda: plans.get(*HERE, plan).properties.current_scenario_status
    test = {"properties": {**side("PrimaryToRecovery"), "networkType": "NoNetworkAttachAsInput"}}
    poller = plans.begin_test_failover(*HERE, plan, test)
    until("plan: waits for somebody", lambda: status() == "Suspended")
    check("job: is suspended", jobs.get(*HERE, job()).properties.state == "Suspended")
    jobs.begin_resume(*HERE, job(), {"properties": {"comments": "go on"}}).result()
    check("plan: went on", list(poller.result().properties.allowed_operations) == ["TestFailoverCleanup"])
    plans.begin_test_failover_cleanup(*HERE, plan, {"properties": {"comments": ""}}).result()
    plans.begin_test_failover(*HERE, plan, test, polling=False)
    jobs.begin_cancel(*HERE, job()).result()
    check("job: is cancelled", jobs.get(*HERE, job()).properties.state == "Cancelled")


def run(part):
    try:
        part()
    except Exception as error:
        with lock:
            failed.append(f"{part.__name__}: {type(error).__name__}: {str(error)[:400]}")


alone = [vault, policy, network_mapping, replicated, settings]
with ThreadPoolExecutor(max_workers=8) as pool:
    running = [pool.submit(run, part) for part in alone]
    # These two are about the same machines.
    run(a_plan)
    run(life)
    for one in running:
        one.result()
for why in failed:
    print("  FAILED", why)
print(f"{passed[0]} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
