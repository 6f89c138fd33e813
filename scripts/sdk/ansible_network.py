#!/usr/bin/env python3
# packages: ansible
# when: named
# requirements: ansible_collections/azure/azcollection/requirements.txt
# world: runbooks/worlds/one-circuit-kept.yaml
"""Ansible's azure.azcollection: networks, tables, addresses, gateways and peerings, made, found unchanged, and removed.

    ansible_network.py ENDPOINT CERTIFICATE SUBSCRIPTION CIRCUITS_SUBSCRIPTION

The collection is that of the package `ansible`. It logs in with a secret. Everything that is made is asked for twice: the
second time nothing may be changed.

One thing is supplied to it: for a `cloud_environment` that is a URL, as it documents, the collection calls
`get_cloud_from_metadata_endpoint` of azure-cli-core, which is not there any more; without it no cloud but Azure's own four
can be named. SUPPLIED reads the description that the endpoint gives of itself.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import ssl
from pathlib import Path

endpoint, certificate, subscription, circuits = sys.argv[1:5]
GROUP = "rg-network-sea"
NETWORK = f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network/virtualNetworks"

MADE = [
    ("routetable", {"name": "rt-ansible", "location": "southeastasia"}),
    ("route", {"name": "r1", "route_table_name": "rt-ansible", "address_prefix": "10.66.0.0/16", "next_hop_type": "none"}),
    ("virtualnetwork", {"name": "vnet-ansible", "location": "southeastasia", "address_prefixes": ["10.250.0.0/16"]}),
    ("virtualnetwork", {"name": "vnet-other", "location": "southeastasia", "address_prefixes": ["10.251.0.0/16"]}),
    ("subnet", {"name": "app", "virtual_network_name": "vnet-ansible", "address_prefix": "10.250.1.0/24", "route_table": "rt-ansible"}),
    ("subnet", {"name": "GatewaySubnet", "virtual_network_name": "vnet-ansible", "address_prefix": "10.250.0.0/24"}),
    ("publicipaddress", {"name": "pip-ansible", "location": "southeastasia", "sku": "Standard", "allocation_method": "static"}),
    ("localnetworkgateway", {"name": "lng-ansible", "location": "southeastasia", "gateway_ip_address": "203.0.113.9",
                             "local_network_address_space": {"address_prefixes": ["10.77.0.0/16"]}}),
    ("virtualnetworkpeering", {"name": "to-other", "virtual_network": "vnet-ansible", "remote_virtual_network": f"{NETWORK}/vnet-other",
                               "allow_virtual_network_access": True}),
    ("virtualnetworkgateway", {"name": "gw-ansible", "location": "southeastasia", "gateway_type": "vpn", "vpn_type": "route_based",
                               "sku": "VpnGw1AZ", "virtual_network": "vnet-ansible", "ip_configurations": [
                                   {"name": "default", "public_ip_address_name": "pip-ansible", "subnet": "GatewaySubnet"}]}),
]
LOOKED = ["routetable", "virtualnetwork", "publicipaddress", "localnetworkgateway", "virtualnetworkgateway"]

SUPPLIED = """
import os
if os.environ.get("AZURE_CLOUD_ENVIRONMENT", "").startswith("https://"):
    import azure.cli.core.cloud as cloud
    def described(url):
        import requests
        told = requests.get(url + "/metadata/endpoints?api-version=2015-01-01").json()
        active_directory = told["authentication"]["loginEndpoint"].rstrip("/")
        endpoints = cloud.CloudEndpoints(resource_manager=url, active_directory=active_directory, active_directory_resource_id=url)
        return cloud.Cloud("Described", endpoints=endpoints)
    cloud.get_cloud_from_metadata_endpoint = described
"""


def tenant():
    context = ssl.create_default_context(cafile=certificate)
    request = urllib.request.Request(f"{endpoint}/tenants?api-version=2022-12-01", headers={"Authorization": "Bearer anything"})
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)["value"][0]["tenantId"]


def tasks():
    """Each made, made again, looked at, and removed, last first."""
    all = []
    for kind, words in MADE:
        own = {f"azure.azcollection.azure_rm_{kind}": {"resource_group": GROUP, **words}, "ignore_errors": True}
        all.append({"name": f"{kind} {words['name']} is made", **own})
        all.append({"name": f"{kind} {words['name']} is unchanged", **own})
    for kind in LOOKED:
        all.append({"name": f"{kind} is listed", f"azure.azcollection.azure_rm_{kind}_info": {"resource_group": GROUP}, "ignore_errors": True})
    for kind, words in reversed(MADE):
        needed = {key: words[key] for key in ("name", "virtual_network_name", "virtual_network", "route_table_name", "ip_configurations") if key in words}
        if kind == "virtualnetworkgateway":
            needed["location"] = words["location"]
        own = {f"azure.azcollection.azure_rm_{kind}": {"resource_group": GROUP, **needed, "state": "absent"}, "ignore_errors": True}
        all.append({"name": f"{kind} {words['name']} is gone", **own})
    return all


def main():
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book.json"
        book.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks()}]))
        (Path(folder) / "sitecustomize.py").write_text(SUPPLIED)
        environment = {
            **os.environ, "PYTHONPATH": folder, "HOME": folder, "ANSIBLE_HOME": folder, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_LOCALHOST_WARNING": "False", "PYTHONWARNINGS": "ignore",
            "AZURE_CLOUD_ENVIRONMENT": endpoint, "AZURE_SUBSCRIPTION_ID": subscription, "AZURE_TENANT": tenant(),
            "AZURE_CLIENT_ID": "00000000-0000-0000-0000-00000000c11e", "AZURE_SECRET": "anything",
            "AZURE_DISABLE_INSTANCE_DISCOVERY": "true", "REQUESTS_CA_BUNDLE": certificate, "SSL_CERT_FILE": certificate,
            "NO_PROXY": "localhost,127.0.0.1", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8",
        }
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(book)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=850)
    try:
        told = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError:
        print(done.stdout[-1500:], done.stderr[-1500:])
        return 1
    passed, wrong = 0, []
    for task in told["plays"][0]["tasks"]:
        name, result = task["task"]["name"], task["hosts"]["localhost"]
        if result.get("failed"):
            wrong.append(f"{name}: {str(result.get('msg'))[-600:]}")
        elif name.endswith("is unchanged") and result["changed"]:
            wrong.append(f"{name}: it was changed again")
        elif name.endswith(("is made", "is gone")) and not result["changed"]:
            wrong.append(f"{name}: nothing was changed")
        else:
            passed += 1
    for each in wrong:
        print(f"  {each}")
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
