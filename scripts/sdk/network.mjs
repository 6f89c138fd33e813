// Azure's own SDK for JavaScript against a served world: its own credential, its own waiting, nothing patched.
//
// packages: @azure/arm-network @azure/identity
// world: runbooks/worlds/two-circuits.yaml
//
//     node network.mjs ENDPOINT CERTIFICATE SUBSCRIPTION CIRCUITS_SUBSCRIPTION     (NODE_EXTRA_CA_CERTS names the certificate)

import { EnvironmentCredential } from "@azure/identity";
import { NetworkManagementClient } from "@azure/arm-network";

const [given, , subscription, circuits] = process.argv.slice(2);
const endpoint = given.replace(/\/$/, "");
Object.assign(process.env, {
  AZURE_AUTHORITY_HOST: endpoint, AZURE_TENANT_ID: "simulated", AZURE_CLIENT_ID: "conformance", AZURE_CLIENT_SECRET: "anything",
});
const credential = new EnvironmentCredential({ disableInstanceDiscovery: true });
const options = { endpoint, credentialScopes: [`${endpoint}/.default`] };
const network = new NetworkManagementClient(credential, subscription, options);
const edges = new NetworkManagementClient(credential, circuits, options);
const group = "rg-network-sea";

let passed = 0;
let failed = 0;
async function check(name, work) {
  try {
    const good = await work();
    if (good === false) throw new Error("it is not so");
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.code ?? ""} ${error.message}`);
  }
}
async function all(pages) {
  const found = [];
  for await (const one of pages) found.push(one);
  return found;
}
async function refused(code, work) {
  try {
    await work();
  } catch (error) {
    return error.code === code;
  }
  return false;
}

await check("networks are listed", async () => (await all(network.virtualNetworks.listAll())).length === 6);
await check("a network is read whole", async () => (await network.virtualNetworks.get(group, "vnet-hub-sea")).addressSpace.addressPrefixes[0] === "10.10.10.0/24");
await check("circuits are listed", async () => (await all(edges.expressRouteCircuits.list("rg-circuits"))).length === 2);
await check("what is not there is refused", () => refused("ResourceNotFound", () => network.routeTables.get(group, "nothing")));
await check("a table is made", async () => (await network.routeTables.beginCreateOrUpdateAndWait(group, "rt-js", { location: "southeastasia" })).provisioningState === "Succeeded");
await check("a route is made", async () => (await network.routes.beginCreateOrUpdateAndWait(group, "rt-js", "all", { addressPrefix: "10.0.0.0/8", nextHopType: "VirtualAppliance", nextHopIpAddress: "10.10.10.10" })).name === "all");
await check("a subnet is made", async () => (await network.subnets.beginCreateOrUpdateAndWait(group, "vnet-hub-sea", "GatewaySubnet", { addressPrefix: "10.10.10.128/25" })).provisioningState === "Succeeded");
await check("an authorization has a key", async () => Boolean((await edges.expressRouteCircuitAuthorizations.beginCreateOrUpdateAndWait("rg-circuits", "er-singapore", "auth-js", {})).authorizationKey));
await check("a gateway is made", async () => {
  const subnet = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Network/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet`;
  const body = {
    location: "southeastasia", gatewayType: "ExpressRoute", sku: { name: "ErGw1AZ", tier: "ErGw1AZ" },
    ipConfigurations: [{ name: "default", subnet: { id: subnet } }],
  };
  return (await network.virtualNetworkGateways.beginCreateOrUpdateAndWait(group, "ergw-js", body)).provisioningState === "Succeeded";
});
await check("what a gateway learns is asked", async () => Array.isArray((await network.virtualNetworkGateways.beginGetLearnedRoutesAndWait(group, "ergw-js")).value ?? []));
await check("a subnet in use stays", () => refused("InUseSubnetCannotBeDeleted", () => network.subnets.beginDeleteAndWait(group, "vnet-hub-sea", "GatewaySubnet")));
await check("a gateway is removed", async () => { await network.virtualNetworkGateways.beginDeleteAndWait(group, "ergw-js"); });
await check("a table is removed", async () => { await network.routeTables.beginDeleteAndWait(group, "rt-js"); });
await check("and is gone", () => refused("ResourceNotFound", () => network.routeTables.get(group, "rt-js")));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
