#!/usr/bin/env python3
# packages: azure-mgmt-network
# packages: azure-mgmt-network==25.4.0
# world: runbooks/worlds/one-circuit-kept.yaml
"""Every type of Microsoft.Network that the simulator serves, with the pollers of Azure's own SDK.

    network.py ENDPOINT CERTIFICATE SUBSCRIPTION CIRCUITS_SUBSCRIPTION

`scripts/sdk-conformance` makes the environments that the lines above name (25.4.0 is the last that speaks
2024-03-01), serves the world and runs this.
"""

import json
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

# Keys that stand outside of `properties`, and those that are not in plain camel case.
OUTSIDE = {"id", "name", "location", "tags", "sku"}
SPELT = {"peer_asn": "peerASN", "public_ip_address": "publicIPAddress", "public_ip_allocation_method": "publicIPAllocationMethod"}

def wire(body, whole=True):
    """A body as it is sent: the SDKs' newer generation takes nothing else from a dict, the older one that as well."""
    if not isinstance(body, dict):
        return body
    sent = {}
    for key, value in body.items():
        first, *rest = key.split("_")
        name = SPELT.get(key) or first + "".join(part.capitalize() for part in rest)
        if isinstance(value, list):
            value = [wire(one, isinstance(one, dict) and "name" in one) for one in value]
        elif key != "tags":
            value = wire(value, False)
        # The SKU of a gateway is one of its properties.
        outside = key in OUTSIDE and not (key == "sku" and "gateway_type" in body)
        (sent if outside or not whole else sent.setdefault("properties", {}))[name] = value
    return sent

def put(operations, *names_and_body, **options):
    *names, body = names_and_body
    return operations.begin_create_or_update(*names, wire(body), **options)

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

GROUP, PLACE = "rg-network-sea", "southeastasia"
BASE = f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network"

def cycle(name, create, get, lists, change, delete):
    """Create, read, list, update, delete."""
    made = create().result()
    check(f"{name}: create", made.provisioning_state == "Succeeded")
    read = get()
    check(f"{name}: read", read.id.lower() == made.id.lower())
    check(f"{name}: list", any(one.id.lower() == made.id.lower() for one in lists()))
    changed = change(read).result()
    check(f"{name}: update", changed.provisioning_state == "Succeeded")
    delete().result()
    check(f"{name}: delete", gone(get))

def addresses():
    body = {"location": PLACE, "sku": {"name": "Standard"}, "public_ip_allocation_method": "Static"}
    ips = network.public_ip_addresses
    cycle("public ip", lambda: put(ips, GROUP, "pip-sdk", body), lambda: ips.get(GROUP, "pip-sdk"),
          lambda: ips.list(GROUP), lambda _: put(ips, GROUP, "pip-sdk", {**body, "idle_timeout_in_minutes": 10}),
          lambda: ips.begin_delete(GROUP, "pip-sdk"))

def networks():
    vnets, subnets, peerings = network.virtual_networks, network.subnets, network.virtual_network_peerings
    body = {"location": PLACE, "address_space": {"address_prefixes": ["10.77.0.0/16"]},
            "subnets": [{"name": "a", "address_prefix": "10.77.1.0/24"}]}
    put(vnets, GROUP, "vnet-sdk", body).result()
    cycle("subnet", lambda: put(subnets, GROUP, "vnet-sdk", "b", {"address_prefix": "10.77.2.0/24"}),
          lambda: subnets.get(GROUP, "vnet-sdk", "b"), lambda: subnets.list(GROUP, "vnet-sdk"),
          lambda _: put(subnets, GROUP, "vnet-sdk", "b", {"address_prefix": "10.77.3.0/24"}),
          lambda: subnets.begin_delete(GROUP, "vnet-sdk", "b"))
    other = {**body, "address_space": {"address_prefixes": ["10.78.0.0/16"]}, "subnets": []}
    cycle("virtual network", lambda: put(vnets, GROUP, "vnet-sdk2", other),
          lambda: vnets.get(GROUP, "vnet-sdk2"), lambda: vnets.list(GROUP),
          lambda _: put(vnets, GROUP, "vnet-sdk2", {**other, "tags": {"a": "b"}}),
          lambda: vnets.begin_delete(GROUP, "vnet-sdk2"))
    put(vnets, GROUP, "vnet-sdk2", other).result()
    side = lambda to: {"remote_virtual_network": {"id": f"{BASE}/virtualNetworks/{to}"}, "allow_forwarded_traffic": True}
    first = put(peerings, GROUP, "vnet-sdk", "to2", side("vnet-sdk2")).result()
    check("peering: the first side is initiated", first.peering_state == "Initiated")
    cycle("peering", lambda: put(peerings, GROUP, "vnet-sdk2", "to1", side("vnet-sdk")),
          lambda: peerings.get(GROUP, "vnet-sdk2", "to1"), lambda: peerings.list(GROUP, "vnet-sdk2"),
          lambda _: put(peerings, GROUP, "vnet-sdk2", "to1", side("vnet-sdk")),
          lambda: peerings.begin_delete(GROUP, "vnet-sdk2", "to1"))
    tags = vnets.update_tags(GROUP, "vnet-sdk", {"tags": {"x": "y"}})
    check("virtual network: tags", tags.tags == {"x": "y"})
    for name in ["vnet-sdk", "vnet-sdk2"]:
        vnets.begin_delete(GROUP, name).result()
    check("virtual network: gone", gone(lambda: vnets.get(GROUP, "vnet-sdk")))

def tables():
    all, routes = network.route_tables, network.routes
    body = {"location": PLACE, "routes": [{"name": "r0", "address_prefix": "10.9.0.0/16", "next_hop_type": "None"}]}
    put(all, GROUP, "rt-sdk", body).result()
    hop = {"address_prefix": "10.8.0.0/16", "next_hop_type": "VirtualAppliance", "next_hop_ip_address": "10.10.10.10"}
    cycle("route", lambda: put(routes, GROUP, "rt-sdk", "r1", hop),
          lambda: routes.get(GROUP, "rt-sdk", "r1"), lambda: routes.list(GROUP, "rt-sdk"),
          lambda _: put(routes, GROUP, "rt-sdk", "r1", {**hop, "next_hop_ip_address": "10.10.10.11"}),
          lambda: routes.begin_delete(GROUP, "rt-sdk", "r1"))
    all.begin_delete(GROUP, "rt-sdk").result()
    cycle("route table", lambda: put(all, GROUP, "rt-sdk2", body), lambda: all.get(GROUP, "rt-sdk2"),
          lambda: all.list(GROUP), lambda _: put(all, GROUP, "rt-sdk2", {"location": PLACE}),
          lambda: all.begin_delete(GROUP, "rt-sdk2"))

def groups_of_rules():
    all, rules = network.network_security_groups, network.security_rules
    put(all, GROUP, "nsg-sdk", {"location": PLACE}).result()
    rule = {"protocol": "Tcp", "source_port_range": "*", "destination_port_range": "443", "source_address_prefix": "*",
            "destination_address_prefix": "*", "access": "Allow", "priority": 200, "direction": "Inbound"}
    cycle("security rule", lambda: put(rules, GROUP, "nsg-sdk", "https", rule),
          lambda: rules.get(GROUP, "nsg-sdk", "https"), lambda: rules.list(GROUP, "nsg-sdk"),
          lambda _: put(rules, GROUP, "nsg-sdk", "https", {**rule, "priority": 210}),
          lambda: rules.begin_delete(GROUP, "nsg-sdk", "https"))
    all.begin_delete(GROUP, "nsg-sdk").result()
    cycle("security group", lambda: put(all, GROUP, "nsg-sdk2", {"location": PLACE}),
          lambda: all.get(GROUP, "nsg-sdk2"), lambda: all.list(GROUP),
          lambda _: put(all, GROUP, "nsg-sdk2", {"location": PLACE, "tags": {"a": "b"}}),
          lambda: all.begin_delete(GROUP, "nsg-sdk2"))

def local_gateways():
    all = network.local_network_gateways
    body = {"location": PLACE, "gateway_ip_address": "192.0.2.10", "local_network_address_space": {"address_prefixes": ["10.200.0.0/16"]}}
    cycle("local gateway", lambda: put(all, GROUP, "lng-sdk", body), lambda: all.get(GROUP, "lng-sdk"),
          lambda: all.list(GROUP), lambda _: put(all, GROUP, "lng-sdk", {**body, "gateway_ip_address": "192.0.2.11"}),
          lambda: all.begin_delete(GROUP, "lng-sdk"))

def circuits_of_ours():
    all, keys, sides = provider.express_route_circuits, provider.express_route_circuit_authorizations, provider.express_route_circuit_peerings
    group = "rg-circuits"
    body = {"location": PLACE, "sku": {"name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData"},
            "service_provider_properties": {"service_provider_name": "Equinix", "peering_location": "Singapore", "bandwidth_in_mbps": 100}}
    made = put(all, group, "er-sdk", body).result()
    check("circuit: create", made.circuit_provisioning_state == "Enabled" and made.service_provider_provisioning_state == "NotProvisioned")
    check("circuit: list", any(one.name == "er-sdk" for one in all.list(group)))
    cycle("authorization", lambda: put(keys, group, "er-sdk", "k", {}), lambda: keys.get(group, "er-sdk", "k"),
          lambda: keys.list(group, "er-sdk"), lambda _: put(keys, group, "er-sdk", "k", {}),
          lambda: keys.begin_delete(group, "er-sdk", "k"))
    side = {"peering_type": "AzurePrivatePeering", "peer_asn": 65001, "vlan_id": 200,
            "primary_peer_address_prefix": "172.20.0.0/30", "secondary_peer_address_prefix": "172.20.0.4/30"}
    cycle("circuit peering", lambda: put(sides, group, "er-sdk", "AzurePrivatePeering", side),
          lambda: sides.get(group, "er-sdk", "AzurePrivatePeering"), lambda: sides.list(group, "er-sdk"),
          lambda _: put(sides, group, "er-sdk", "AzurePrivatePeering", {**side, "vlan_id": 201}),
          lambda: sides.begin_delete(group, "er-sdk", "AzurePrivatePeering"))
    raised = put(all, group, "er-sdk", {**body, "service_provider_properties": {**body["service_provider_properties"], "bandwidth_in_mbps": 200}}).result()
    check("circuit: update", raised.service_provider_properties.bandwidth_in_mbps == 200)
    try:
        put(all, group, "er-sdk", body).result()
        check("circuit: never less bandwidth", False)
    except HttpResponseError:
        check("circuit: never less bandwidth")
    all.begin_delete(group, "er-sdk").result()
    check("circuit: delete", gone(lambda: all.get(group, "er-sdk")))
    # As sent: recorded answers and published documents spell these keys differently, and so do the SDKs.
    sent = {"cls": lambda answer, *_: {key.lower(): value for key, value in json.loads(answer.http_response.text()).items()}}
    stats = all.get_stats(group, "er-hongkong", **sent)
    check("circuit: stats", stats["primarybytesin"] > 0)
    check("circuit peering: stats", all.get_peering_stats(group, "er-hongkong", "AzurePrivatePeering", **sent) == stats)
    check("circuit: list all", any(one.name == "er-hongkong" for one in all.list_all()))
    check("circuit: tags", all.update_tags(group, "er-hongkong", {"tags": {"x": "y"}}).tags == {"x": "y"})
    peering = "AzurePrivatePeering"
    check("circuit: arp", len(all.begin_list_arp_table(group, "er-hongkong", peering, "primary").result().value) == 2)
    check("circuit: routes", len(all.begin_list_routes_table(group, "er-hongkong", peering, "primary").result().value) > 2)
    check("circuit: route summary", len(all.begin_list_routes_table_summary(group, "er-hongkong", peering, "secondary").result().value) >= 1)

def global_reach():
    """Two circuits of ours, joined: only where the provider has provisioned the initiating one."""
    all, sides, reach = provider.express_route_circuits, provider.express_route_circuit_peerings, provider.express_route_circuit_connections
    group, private = "rg-circuits", "AzurePrivatePeering"
    base = f"/subscriptions/{circuits}/resourceGroups/{group}/providers/Microsoft.Network/expressRouteCircuits"
    body = {"location": PLACE, "sku": {"name": "Premium_MeteredData", "tier": "Premium", "family": "MeteredData"},
            "service_provider_properties": {"service_provider_name": "Equinix", "peering_location": "Singapore", "bandwidth_in_mbps": 100}}
    put(all, group, "er-reach", body).result()
    put(sides, group, "er-reach", private, {
        "peering_type": private, "peer_asn": 65001, "vlan_id": 200,
        "primary_peer_address_prefix": "172.21.0.0/30", "secondary_peer_address_prefix": "172.21.0.4/30"}).result()
    joint = {"express_route_circuit_peering": {"id": f"{base}/er-hongkong/peerings/{private}"},
             "peer_express_route_circuit_peering": {"id": f"{base}/er-reach/peerings/{private}"}, "address_prefix": "10.201.0.0/29"}
    cycle("global reach", lambda: put(reach, group, "er-hongkong", private, "to", joint),
          lambda: reach.get(group, "er-hongkong", private, "to"), lambda: reach.list(group, "er-hongkong", private),
          lambda _: put(reach, group, "er-hongkong", private, "to", joint),
          lambda: reach.begin_delete(group, "er-hongkong", private, "to"))
    all.begin_delete(group, "er-reach").result()

def peering_sync():
    """A peering hears of the other network's new addresses when it is asked to."""
    vnets, peerings = network.virtual_networks, network.virtual_network_peerings
    body = lambda *prefixes: {"location": PLACE, "address_space": {"address_prefixes": list(prefixes)}}
    side = lambda to: {"remote_virtual_network": {"id": f"{BASE}/virtualNetworks/{to}"}, "allow_forwarded_traffic": True}
    put(vnets, GROUP, "vnet-a", body("10.61.0.0/16")).result()
    put(vnets, GROUP, "vnet-b", body("10.62.0.0/16")).result()
    put(peerings, GROUP, "vnet-a", "to", side("vnet-b")).result()
    put(peerings, GROUP, "vnet-b", "to", side("vnet-a")).result()
    widened = vnets.get(GROUP, "vnet-b")
    widened.address_space.address_prefixes.append("10.63.0.0/16")
    put(vnets, GROUP, "vnet-b", widened).result()
    check("peering sync: behind", peerings.get(GROUP, "vnet-a", "to").peering_sync_level == "LocalNotInSync")
    check("peering sync: ahead", peerings.get(GROUP, "vnet-b", "to").peering_sync_level == "RemoteNotInSync")
    synced = put(peerings, GROUP, "vnet-a", "to", side("vnet-b"), sync_remote_address_space="true").result()
    check("peering sync: done", synced.peering_sync_level == "FullyInSync" and len(synced.remote_address_space.address_prefixes) == 2)
    check("peering sync: both", peerings.get(GROUP, "vnet-b", "to").peering_sync_level == "FullyInSync")
    for name in ["vnet-a", "vnet-b"]:
        peerings.begin_delete(GROUP, name, "to").result()
        vnets.begin_delete(GROUP, name).result()

def everywhere():
    """The lists over all groups, and the inventory of providers."""
    for what, all in [
        ("virtual networks", network.virtual_networks.list_all()),
        ("route tables", network.route_tables.list_all()),
        ("security groups", network.network_security_groups.list_all()),
        ("public ips", network.public_ip_addresses.list_all()),
        ("circuits", provider.express_route_circuits.list_all()),
    ]:
        check(f"{what}: list all", isinstance(list(all), list))
    check("virtual networks: all of them", any(one.name == "vnet-hub-sea" for one in network.virtual_networks.list_all()))
    providers = list(provider.express_route_service_providers.list())
    check("service providers: list", len(providers) > 0)

def resets(gateways, links):
    """What is done with a gateway and a connection, and what is read of how a gateway would do without a site."""
    reset = gateways.begin_reset(GROUP, "gw-sdk").result()
    check("gateway: reset", reset is None or reset.name == "gw-sdk")
    check("gateway: done again", gateways.get(GROUP, "gw-sdk").provisioning_state == "Succeeded")
    links.begin_reset_connection(GROUP, "con-sdk").result()
    check("connection: reset", links.get(GROUP, "con-sdk").provisioning_state == "Succeeded")
    tags = gateways.begin_update_tags(GROUP, "gw-sdk", {"tags": {"x": "y"}}).result()
    check("gateway: tags", tags.tags == {"x": "y"})
    tags = links.begin_update_tags(GROUP, "con-sdk", {"tags": {"x": "y"}}).result()
    check("connection: tags", tags.tags == {"x": "y"})
    if not hasattr(gateways, "begin_get_resiliency_information"):
        return
    told = gateways.begin_get_resiliency_information(GROUP, "gw-sdk", attempt_refresh=True).result()
    check("gateway: resiliency", int(told.overall_score) <= 100 and len(told.components) > 0)
    told = gateways.begin_get_routes_information(GROUP, "gw-sdk").result()
    check("gateway: route sets", len(told.route_sets) == 1 and told.route_sets[0].locations == ["Hong Kong"])
    start, stop = "begin_start_express_route_site_failover_simulation", "begin_stop_express_route_site_failover_simulation"
    all, one = gateways.begin_get_failover_all_test_details, gateways.begin_get_failover_single_test_details
    check("gateway: no test", all(GROUP, "gw-sdk", type="SingleSiteFailover", fetch_latest=True).result() == [])
    check("gateway: not that test", one(GROUP, "gw-sdk", peering_location="Hong Kong", failover_test_id="x").result() == [])
    refused("gateway: a test needs two locations", lambda: getattr(gateways, start)(GROUP, "gw-sdk", peering_location="Hong Kong"))
    refused("gateway: no test to stop", lambda: getattr(gateways, stop)(
        GROUP, "gw-sdk", {"peeringLocation": "Hong Kong", "wasSimulationSuccessful": True, "details": []}))

def refused(what, call):
    try:
        call().result()
        check(what, False)
    except HttpResponseError:
        check(what)

def swap():
    """The same circuit, another network: the old connection goes first."""
    gateways, links = network.virtual_network_gateways, network.virtual_network_gateway_connections
    put(network.subnets, GROUP, "vnet-hub-sea", "GatewaySubnet", {"address_prefix": "10.10.10.128/25"}).result()
    put(network.public_ip_addresses, GROUP, "pip-gw", {"location": PLACE, "sku": {"name": "Standard"}, "public_ip_allocation_method": "Static"}).result()
    configuration = {"name": "default", "subnet": {"id": f"{BASE}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"}, "public_ip_address": {"id": f"{BASE}/publicIPAddresses/pip-gw"}}
    body = {"location": PLACE, "gateway_type": "ExpressRoute", "sku": {"name": "ErGw1AZ", "tier": "ErGw1AZ"}, "ip_configurations": [configuration]}
    gateway = put(gateways, GROUP, "gw-sdk", body).result()
    check("gateway: create", gateway.provisioning_state == "Succeeded")
    check("gateway: list", any(one.name == "gw-sdk" for one in gateways.list(GROUP)))
    key = put(provider.express_route_circuit_authorizations, "rg-circuits", "er-hongkong", "sdk", {}).result().authorization_key
    circuit = f"/subscriptions/{circuits}/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-hongkong"
    link = {"location": PLACE, "connection_type": "ExpressRoute", "authorization_key": key, "routing_weight": 10,
            "virtual_network_gateway1": {"id": gateway.id, "location": PLACE}, "peer": {"id": circuit}}
    try:
        put(links, GROUP, "con-sdk", link).result()
        check("swap: two networks of the same addresses are refused", False)
    except HttpResponseError:
        check("swap: two networks of the same addresses are refused")
    links.begin_delete("rg-network-ea", "con-hub-ea-hongkong").result()
    check("swap: the old connection is gone", gone(lambda: links.get("rg-network-ea", "con-hub-ea-hongkong")))
    made = put(links, GROUP, "con-sdk", link).result()
    check("swap: the new connection stands", made.provisioning_state == "Succeeded")
    for _ in range(60):
        if links.get(GROUP, "con-sdk").connection_status == "Connected":
            break
        time.sleep(0.2)
    check("swap: it connects", links.get(GROUP, "con-sdk").connection_status == "Connected")
    learned = gateways.begin_get_learned_routes(GROUP, "gw-sdk").result().value
    check("swap: routes are learned", any(route.network.startswith("10.100.") for route in learned))
    peers = gateways.begin_get_bgp_peer_status(GROUP, "gw-sdk").result().value
    check("swap: sessions stand", sum(peer.state == "Connected" for peer in peers) >= 2)
    advertised = gateways.begin_get_advertised_routes(GROUP, "gw-sdk", peer=next(p.neighbor for p in peers if p.state == "Connected")).result().value
    check("swap: the hub is advertised", any(route.network == "10.10.10.0/24" for route in advertised))
    resets(gateways, links)
    changed = put(links, GROUP, "con-sdk", {**link, "routing_weight": 200}).result()
    check("connection: update", changed.routing_weight == 200)
    check("connection: list", any(one.name == "con-sdk" for one in links.list(GROUP)))
    check("gateway: its connections", any("con-sdk" in one.id for one in gateways.list_connections(GROUP, "gw-sdk")))
    try:
        gateways.begin_delete(GROUP, "gw-sdk").result()
        check("gateway: not while it is connected", False)
    except HttpResponseError:
        check("gateway: not while it is connected")
    links.begin_delete(GROUP, "con-sdk").result()
    check("connection: delete", gone(lambda: links.get(GROUP, "con-sdk")))
    gateways.begin_delete(GROUP, "gw-sdk").result()
    check("gateway: delete", gone(lambda: gateways.get(GROUP, "gw-sdk")))

for part in [peering_sync, addresses, networks, tables, groups_of_rules, local_gateways, circuits_of_ours, global_reach, everywhere, swap]:
    try:
        part()
    except Exception as error:
        failed.append(f"{part.__name__}: {type(error).__name__}: {str(error)[:400]}")
for why in failed:
    print("  FAILED", why)
print(f"{done} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
