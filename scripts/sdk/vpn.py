#!/usr/bin/env python3
# packages: azure-mgmt-network azure-mgmt-privatedns azure-mgmt-trafficmanager
# world: runbooks/worlds/vpn-last-path.yaml
"""The last path and the steps after the network, with Azure's own clients and their pollers.

    vpn.py ENDPOINT CERTIFICATE SUBSCRIPTION

A VPN gateway with two addresses, what stands for the device, and the tunnel with its key are made, read, listed, changed and
deleted; so are a name of a private zone and an endpoint of a Traffic Manager profile.
"""

import sys
import time
import warnings

warnings.filterwarnings("ignore")
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.trafficmanager import TrafficManagerManagementClient

endpoint, certificate, subscription = sys.argv[1:4]


class Anybody:
    def get_token(self, *scopes, **options):
        return AccessToken("anything", int(time.time()) + 3600)


def client(kind):
    return kind(
        Anybody(), subscription, base_url=endpoint, connection_verify=certificate,
        credential_scopes=[endpoint + "/.default"], polling_interval=1,
    )


network, names, traffic = client(NetworkManagementClient), client(PrivateDnsManagementClient), client(TrafficManagerManagementClient)
done, failed = 0, []
GROUP, NAMES, PLACE = "rg-network-sea", "rg-names", "southeastasia"
ZONE, PROFILE = "corp.contoso.example", "tm-portal"
BASE = f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network"


def check(what, truth=True):
    global done
    if truth:
        done += 1
    else:
        failed.append(what)


def gone(get):
    try:
        get()
    except ResourceNotFoundError:
        return True
    return False


def refused(what, call):
    try:
        call()
        check(what, False)
    except HttpResponseError:
        check(what)


def tunnel():
    gateways, locals_, links = network.virtual_network_gateways, network.local_network_gateways, network.virtual_network_gateway_connections
    network.subnets.begin_create_or_update(GROUP, "vnet-hub-sea", "GatewaySubnet", {"properties": {"addressPrefix": "10.10.10.128/26"}}).result()
    configurations = []
    for name in ["one", "two"]:
        made = network.public_ip_addresses.begin_create_or_update(GROUP, name, {
            "location": PLACE, "sku": {"name": "Standard"}, "zones": ["1", "2", "3"],
            "properties": {"publicIPAllocationMethod": "Static"}}).result()
        configurations.append({"name": name, "properties": {
            "subnet": {"id": f"{BASE}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"}, "publicIPAddress": {"id": made.id}}})
    body = {"location": PLACE, "properties": {
        "gatewayType": "Vpn", "vpnType": "RouteBased", "activeActive": True,
        "sku": {"name": "VpnGw2AZ", "tier": "VpnGw2AZ"}, "ipConfigurations": configurations}}
    made = gateways.begin_create_or_update(GROUP, "vgw-sdk", body).result()
    check("gateway: create", made.provisioning_state == "Succeeded" and made.active_active)
    settings = gateways.get(GROUP, "vgw-sdk").bgp_settings
    check("gateway: two tunnel addresses", len(settings.bgp_peering_addresses) == 2)
    refused("gateway: no second one", lambda: gateways.begin_create_or_update(GROUP, "vgw-sdk2", body).result())
    device = {"location": PLACE, "properties": {
        "gatewayIpAddress": "203.0.113.7", "localNetworkAddressSpace": {"addressPrefixes": ["10.100.0.0/16"]}}}
    local = locals_.begin_create_or_update(GROUP, "lng-sdk", device).result()
    check("device: create", local.provisioning_state == "Succeeded")
    link = {"location": PLACE, "properties": {
        "connectionType": "IPsec", "sharedKey": "an-example-of-a-key", "routingWeight": 0,
        "virtualNetworkGateway1": {"id": made.id, "location": PLACE, "properties": {}},
        "localNetworkGateway2": {"id": local.id, "location": PLACE, "properties": {"localNetworkAddressSpace": {}}}}}
    made = links.begin_create_or_update(GROUP, "con-sdk", link).result()
    check("tunnel: create", made.provisioning_state == "Succeeded")
    for _ in range(60):
        if links.get(GROUP, "con-sdk").connection_status == "Connected":
            break
        time.sleep(0.2)
    read = links.get(GROUP, "con-sdk")
    check("tunnel: connects", read.connection_status == "Connected")
    check("tunnel: carries", read.ingress_bytes_transferred > 0)
    check("tunnel: list", any(one.name == "con-sdk" for one in links.list(GROUP)))
    check("tunnel: of its gateway", any("con-sdk" in one.id for one in gateways.list_connections(GROUP, "vgw-sdk")))
    check("key: read", links.get_shared_key(GROUP, "con-sdk").value == "an-example-of-a-key")
    links.begin_set_shared_key(GROUP, "con-sdk", {"value": "another-example-of-it"}).result()
    check("key: set", links.get_shared_key(GROUP, "con-sdk").value == "another-example-of-it")
    changed = links.begin_create_or_update(GROUP, "con-sdk", {**link, "properties": {**link["properties"], "routingWeight": 10}}).result()
    check("tunnel: update", changed.routing_weight == 10)
    refused("device: not while it is used", lambda: locals_.begin_delete(GROUP, "lng-sdk").result())
    links.begin_delete(GROUP, "con-sdk").result()
    check("tunnel: delete", gone(lambda: links.get(GROUP, "con-sdk")))
    locals_.begin_delete(GROUP, "lng-sdk").result()
    check("device: delete", gone(lambda: locals_.get(GROUP, "lng-sdk")))
    gateways.begin_delete(GROUP, "vgw-sdk").result()
    check("gateway: delete", gone(lambda: gateways.get(GROUP, "vgw-sdk")))


def records():
    sets = names.record_sets
    # These two clients send a dict as it is: in Azure's own words.
    a = lambda ttl, address: {"properties": {"ttl": ttl, "aRecords": [{"ipv4Address": address}]}}
    check("zone: read", names.private_zones.get(NAMES, ZONE).name == ZONE)
    check("zone: links", [one.name for one in names.virtual_network_links.list(NAMES, ZONE)] == ["hub-sea"])
    made = sets.create_or_update(NAMES, ZONE, "A", "sdk", a(60, "10.1.0.9"))
    check("name: create", made.fqdn == f"sdk.{ZONE}.")
    read = sets.get(NAMES, ZONE, "A", "sdk")
    check("name: read", [one.ipv4_address for one in read.a_records] == ["10.1.0.9"] and read.ttl == 60)
    check("name: list", {"portal", "sdk"} <= {one.name for one in sets.list_by_type(NAMES, ZONE, "A")})
    read = sets.create_or_update(NAMES, ZONE, "A", "sdk", a(30, "10.1.0.8"), headers={"If-Match": read.etag})
    check("name: update", read.ttl == 30)
    refused("name: not over another's", lambda: sets.create_or_update(
        NAMES, ZONE, "A", "sdk", a(30, "10.1.0.7"), headers={"If-Match": "another"}))
    refused("name: not without a TTL", lambda: sets.create_or_update(NAMES, ZONE, "A", "none", {"properties": {"aRecords": [{"ipv4Address": "10.1.0.7"}]}}))
    sets.create_or_update(NAMES, ZONE, "AAAA", "sdk", {"properties": {"ttl": 60, "aaaaRecords": [{"ipv6Address": "fd00::9"}]}})
    check("name: of IPv6", sets.get(NAMES, ZONE, "AAAA", "sdk").aaaa_records[0].ipv6_address == "fd00::9")
    for kind in ["A", "AAAA"]:
        sets.delete(NAMES, ZONE, kind, "sdk")
        check(f"name: {kind} is gone", gone(lambda: sets.get(NAMES, ZONE, kind, "sdk")))


def endpoints():
    ends, kind = traffic.endpoints, "externalEndpoints"
    check("profile: its endpoints", {one.name for one in traffic.profiles.get(NAMES, PROFILE).endpoints} == {"eastasia", "southeastasia"})
    there = ends.get(NAMES, PROFILE, kind, "southeastasia")
    check("endpoint: read", there.endpoint_status == "Disabled" and there.priority == 2)
    changed = ends.update(NAMES, PROFILE, kind, "southeastasia", {"properties": {"endpointStatus": "Enabled"}})
    check("endpoint: update", changed.endpoint_status == "Enabled" and changed.target == there.target)
    made = ends.create_or_update(NAMES, PROFILE, kind, "sdk", {"properties": {"target": "sdk.contoso.example", "priority": 3}})
    check("endpoint: create", made.endpoint_status == "Enabled")
    refused("endpoint: no turn twice", lambda: ends.create_or_update(NAMES, PROFILE, kind, "sdk2", {"properties": {"target": "x.contoso.example", "priority": 3}}))
    check("endpoint: told that it is deleted", ends.delete(NAMES, PROFILE, kind, "sdk").operation_result)
    check("endpoint: delete", gone(lambda: ends.get(NAMES, PROFILE, kind, "sdk")))


for part in [tunnel, records, endpoints]:
    try:
        part()
    except Exception as error:
        failed.append(f"{part.__name__}: {type(error).__name__}: {str(error).splitlines()[0]}")
for what in failed:
    print(f"FAILED {what}")
print(f"{done} passed, {len(failed)} failed")
sys.exit(bool(failed))
