//! Which types of resources does the language name? Azure's names for them.

pub(super) const AUTHORIZATIONS: &str = "Microsoft.Network/expressRouteCircuits/authorizations";
pub(super) const CIRCUITS: &str = "Microsoft.Network/expressRouteCircuits";
pub(super) const CONNECTIONS: &str = "Microsoft.Network/connections";
pub(super) const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";
pub(super) const PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
pub(super) const PUBLIC_IPS: &str = "Microsoft.Network/publicIPAddresses";
pub(super) const ROUTE_TABLES: &str = "Microsoft.Network/routeTables";
pub(super) const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";
pub(super) const RECOVERY_PLANS: &str =
    "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans";
pub(super) const FIREWALLS: &str = "Microsoft.Network/azureFirewalls";
pub(super) const SECURITY_GROUPS: &str = "Microsoft.Network/networkSecurityGroups";
pub(super) const VNETS: &str = "Microsoft.Network/virtualNetworks";
