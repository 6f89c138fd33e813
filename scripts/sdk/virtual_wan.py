#!/usr/bin/env python3
# packages: azure-mgmt-network
# packages: azure-mgmt-network==25.4.0
# world: runbooks/worlds/vwan-two-hubs.yaml
"""Virtual WAN as the simulator serves it, with the pollers of Azure's own SDK: a WAN and its hub, the hub's gateway
with a circuit, a network of the hub's, its tables and what they know.

    virtual_wan.py ENDPOINT CERTIFICATE SUBSCRIPTION CIRCUITS_SUBSCRIPTION

`scripts/sdk-conformance` makes the environments that the lines above name, serves the world and runs this.
"""

import sys
import time
import warnings

warnings.filterwarnings("ignore")
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient

endpoint, certificate, subscription, circuits = sys.argv[1:5]


class Anybody:
    def get_token(self, *scopes, **options):
        return AccessToken("anything", int(time.time()) + 3600)


def client(of):
    return NetworkManagementClient(
        Anybody(), of, base_url=endpoint, connection_verify=certificate,
        credential_scopes=[endpoint + "/.default"], polling_interval=1,
    )


network, provider = client(subscription), client(circuits)
done, failed = 0, []
GROUP, PLACE = "rg-network-sea", "southeastasia"
BASE = f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network"
CIRCUIT = f"/subscriptions/{circuits}/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore"


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
    except HttpResponseError:
        check(what)
    else:
        check(what, False)


def wans():
    all = network.virtual_wans
    body = {"location": PLACE, "properties": {"type": "Standard"}}
    made = all.begin_create_or_update(GROUP, "wan-sdk", body).result()
    check("wan: create", made.provisioning_state == "Succeeded")
    check("wan: read", all.get(GROUP, "wan-sdk").allow_branch_to_branch_traffic is True)
    check("wan: list", any(one.name == "wan-sdk" for one in all.list_by_resource_group(GROUP)))
    check("wan: list all", any(one.name == "wan-contoso" for one in all.list()))
    check("wan: its hubs", len(all.get("rg-wan", "wan-contoso").virtual_hubs) == 2)
    check("wan: tags", all.update_tags(GROUP, "wan-sdk", {"tags": {"x": "y"}}).tags == {"x": "y"})
    all.begin_delete(GROUP, "wan-sdk").result()
    check("wan: delete", gone(lambda: all.get(GROUP, "wan-sdk")))


def hubs():
    all = network.virtual_hubs
    wan = f"/subscriptions/{subscription}/resourceGroups/rg-wan/providers/Microsoft.Network/virtualWans/wan-contoso"
    body = {"location": PLACE, "properties": {"addressPrefix": "10.90.0.0/23", "sku": "Standard", "virtualWan": {"id": wan}}}
    made = all.begin_create_or_update(GROUP, "hub-sdk", body).result()
    check("hub: create", made.provisioning_state == "Succeeded")
    check("hub: its routers come up later", made.routing_state in ("None", "Provisioning", "Provisioned"))
    check("hub: read", all.get(GROUP, "hub-sdk").address_prefix == "10.90.0.0/23")
    check("hub: list", any(one.name == "hub-sdk" for one in all.list_by_resource_group(GROUP)))
    names = {one.name for one in network.hub_route_tables.list(GROUP, "hub-sdk")}
    check("hub: tables of its own", names == {"defaultRouteTable", "noneRouteTable"})
    body["properties"]["hubRoutingPreference"] = "ASPath"
    changed = all.begin_create_or_update(GROUP, "hub-sdk", body).result()
    check("hub: update", changed.hub_routing_preference == "ASPath")
    body["properties"]["addressPrefix"] = "10.92.0.0/23"
    refused("hub: never another prefix", lambda: all.begin_create_or_update(GROUP, "hub-sdk", body).result())
    all.begin_delete(GROUP, "hub-sdk").result()
    check("hub: delete", gone(lambda: all.get(GROUP, "hub-sdk")))


def connected():
    gateways, links = network.express_route_gateways, network.express_route_connections
    members, tables = network.hub_virtual_network_connections, network.hub_route_tables
    hub = f"{BASE}/virtualHubs/hub-sea"
    default = f"{hub}/hubRouteTables/defaultRouteTable"
    body = {"properties": {"labels": ["sdk"], "routes": [{
        "name": "partners", "destinationType": "CIDR", "destinations": ["10.60.0.0/16"], "nextHopType": "ResourceId",
        "nextHop": f"{hub}/hubVirtualNetworkConnections/con-shared-sea"}]}}
    table = tables.begin_create_or_update(GROUP, "hub-sea", "rt-sdk", body).result()
    check("table: create", table.provisioning_state == "Succeeded" and table.routes[0].destinations == ["10.60.0.0/16"])
    body = {"properties": {"remoteVirtualNetwork": {"id": f"{BASE}/virtualNetworks/vnet-app1-sea"}, "routingConfiguration": {
        "associatedRouteTable": {"id": table.id}, "propagatedRouteTables": {"ids": [{"id": default}], "labels": ["default"]}}}}
    member = members.begin_create_or_update(GROUP, "hub-sea", "con-sdk", body).result()
    check("network of a hub: create", member.provisioning_state == "Succeeded")
    check("network of a hub: list", any(one.name == "con-sdk" for one in members.list(GROUP, "hub-sea")))
    check("table: who follows it", tables.get(GROUP, "hub-sea", "rt-sdk").associated_connections == [member.id])
    refused("table: not while it is followed", lambda: tables.begin_delete(GROUP, "hub-sea", "rt-sdk").result())
    body = {"location": PLACE, "properties": {"virtualHub": {"id": hub}, "autoScaleConfiguration": {"bounds": {"min": 1, "max": 2}}}}
    gateway = gateways.begin_create_or_update(GROUP, "gw-sdk", body).result()
    check("hub gateway: create", gateway.provisioning_state == "Succeeded")
    check("hub gateway: the hub says so", network.virtual_hubs.get(GROUP, "hub-sea").express_route_gateway.id == gateway.id)
    key = provider.express_route_circuit_authorizations.begin_create_or_update("rg-circuits", "er-singapore", "auth-sdk", {}).result()
    body = {"name": "con-sdk", "properties": {"expressRouteCircuitPeering": {"id": f"{CIRCUIT}/peerings/AzurePrivatePeering"},
        "authorizationKey": key.authorization_key, "routingWeight": 10}}
    link = links.begin_create_or_update(GROUP, "gw-sdk", "con-sdk", body).result()
    check("circuit of a hub: create", link.provisioning_state == "Succeeded" and link.routing_weight == 10)
    check("circuit of a hub: follows the default table", link.routing_configuration.associated_route_table.id == default)
    check("circuit of a hub: list", [one.name for one in links.list(GROUP, "gw-sdk").value] == ["con-sdk"]
        if hasattr(links.list(GROUP, "gw-sdk"), "value") else any(one.name == "con-sdk" for one in links.list(GROUP, "gw-sdk")))
    asked = {"resourceId": default, "virtualWanResourceType": "RouteTable"}
    rows = network.virtual_hubs.begin_get_effective_virtual_hub_routes(GROUP, "hub-sea", asked).result()
    rows = rows.value if rows is not None and hasattr(rows, "value") else rows or []
    known = {(prefix, row.next_hop_type) for row in rows for prefix in row.address_prefixes}
    # The pollers of the newer generation keep nothing of the result.
    check("hub: effective routes", not rows or ("10.101.0.0/16", "ExpressRouteGateway") in known)
    refused("hub gateway: not while it is connected", lambda: gateways.begin_delete(GROUP, "gw-sdk").result())
    links.begin_delete(GROUP, "gw-sdk", "con-sdk").result()
    check("circuit of a hub: delete", gone(lambda: links.get(GROUP, "gw-sdk", "con-sdk")))
    gateways.begin_delete(GROUP, "gw-sdk").result()
    check("hub gateway: delete", gone(lambda: gateways.get(GROUP, "gw-sdk")))
    refused("hub: not while a network is connected", lambda: network.virtual_hubs.begin_delete(GROUP, "hub-sea").result())
    members.begin_delete(GROUP, "hub-sea", "con-sdk").result()
    check("network of a hub: delete", gone(lambda: members.get(GROUP, "hub-sea", "con-sdk")))
    tables.begin_delete(GROUP, "hub-sea", "rt-sdk").result()
    check("table: delete", gone(lambda: tables.get(GROUP, "hub-sea", "rt-sdk")))


for part in [wans, hubs, connected]:
    try:
        part()
    except Exception as error:
        failed.append(f"{part.__name__}: {type(error).__name__}: {str(error)[:400]}")
for why in failed:
    print("  FAILED", why)
print(f"{done} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
