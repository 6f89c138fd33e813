//! Which refusals has nobody recorded? Azure refuses in these cases, and what it says then is not confirmed.
//!
//! Each code is a belief: of documents, of forum posts, or made up. A recording that shows the real one
//! replaces it here and nowhere else (azure-facts 3.5).

/// A refusal that is known to happen, with a status and a code that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unconfirmed {
    pub(super) status: u16,
    pub(super) code: &'static str,
}

const fn belief(status: u16, code: &'static str) -> Unconfirmed {
    Unconfirmed { status, code }
}

/// A name that Azure does not take; its code is known from forum posts, its status is not.
pub(super) const NAME: Unconfirmed = belief(400, "InvalidResourceName");
/// A circuit of another subscription, and no key to it.
pub(super) const KEY_REQUIRED: Unconfirmed = belief(400, "AuthorizationKeyRequired");
/// A key that is none of the circuit's.
pub(super) const KEY_INVALID: Unconfirmed = belief(400, "AuthorizationKeyInvalid");
/// A key that a connection has used already.
pub(super) const KEY_USED: Unconfirmed = belief(400, "AuthorizationKeyAlreadyUsed");
/// One connection more than a circuit may have.
pub(super) const CIRCUIT_FULL: Unconfirmed =
    belief(400, "ExpressRouteCircuitConnectionLimitReached");
/// One circuit more than a gateway may have, of all or of one peering location.
pub(super) const GATEWAY_FULL: Unconfirmed =
    belief(400, "ExpressRouteGatewayConnectionLimitReached");
/// A network whose addresses another network on the circuit has.
pub(super) const OVERLAP_ON_CIRCUIT: Unconfirmed = belief(400, "VnetAddressSpaceOverlapsOnCircuit");
/// A connection that is to lead elsewhere than it was made for. The code was reported (azure-cli 9447), its status
/// was not.
pub(super) const PEER_CHANGED: Unconfirmed =
    belief(400, "ExpressRouteConnectionPeerCannotBeChanged");
/// A second connection between two ends. The code was reported of VPN gateways, the status was not; of circuits it
/// is believed.
pub(super) const ENDS_CONNECTED: Unconfirmed =
    belief(400, "VirtualNetworkGatewayConnectionAlreadyExistsForEndpoints");
/// A connection in another region than its gateway.
pub(super) const CONNECTION_REGION: Unconfirmed = belief(400, "ConnectionLocationNotSameAsGateway");
/// Private endpoints over FastPath, on a connection that has no FastPath.
pub(super) const NO_FAST_PATH: Unconfirmed = belief(400, "PrivateLinkFastPathNeedsFastPath");
/// BGP on a connection of which an end speaks none.
pub(super) const NO_BGP: Unconfirmed = belief(400, "ConnectionBgpNotEnabledOnEnds");
/// A routing weight above 32000.
pub(super) const WEIGHT: Unconfirmed = belief(400, "InvalidRoutingWeight");
/// A shared key on a connection to a circuit.
pub(super) const KEY_SHARED: Unconfirmed = belief(400, "SharedKeyNotAllowed");
/// A connection to a circuit that its provider has not provisioned: accepted, and then failed.
pub(super) const NOT_PROVISIONED: Unconfirmed = belief(200, "ServiceProviderNotProvisioned");
/// A circuit that is to be deleted and is connected.
pub(super) const CIRCUIT_CONNECTED: Unconfirmed = belief(409, "ConflictError");
/// A circuit's bandwidth that is to be lowered.
pub(super) const BANDWIDTH: Unconfirmed =
    belief(400, "ExpressRouteCircuitBandwidthCannotBeReduced");
/// A circuit's tier that is to become Local.
pub(super) const TIER_LOCAL: Unconfirmed =
    belief(400, "ExpressRouteCircuitTierCannotBeChangedToLocal");
/// A circuit's bandwidth that no provider offers.
pub(super) const BANDWIDTH_NOT_OFFERED: Unconfirmed =
    belief(400, "ExpressRouteCircuitBandwidthNotSupported");
/// A name beside an alias of the same name, or the other way round. Public zones say so (external-dns 5358); of private
/// ones it is believed.
pub(super) const ALIAS: Unconfirmed = belief(409, "Conflict");
/// An address that something else has. The code is told of load balancers and interfaces; of gateways it is believed.
pub(super) const ADDRESS_USED: Unconfirmed = belief(400, "PublicIPAddressInUse");
/// A gateway that is to be deleted and has connections. The code is told of ExpressRoute and of VPN gateways in several
/// public repositories; the status and the words beside it are not recorded.
pub(super) const GATEWAY_CONNECTED: Unconfirmed =
    belief(400, "VirtualNetworkGatewayCannotBeDeleted");
/// A multi-homed gateway, or a connection of one, that is to be deleted.
pub(super) const MULTI_HOMED: Unconfirmed =
    belief(400, "MultiHomedVirtualNetworkGatewayCannotBeDeleted");
/// A gateway that is to be of another family, or smaller.
pub(super) const RESIZE: Unconfirmed = belief(400, "VirtualNetworkGatewayResizeNotAllowed");
/// An ExpressRoute gateway beside a VPN gateway that is policy-based or Basic, whichever of both comes second.
pub(super) const NOT_BESIDE: Unconfirmed =
    belief(400, "VirtualNetworkGatewayCoexistenceNotSupported");
/// A gateway without a public IP address, of a kind or a time that needs one.
pub(super) const ADDRESS_REQUIRED: Unconfirmed =
    belief(400, "VirtualNetworkGatewayMissingPublicIpAddress");
/// A Basic address on a VPN gateway of several zones.
pub(super) const BASIC_ADDRESS: Unconfirmed =
    belief(400, "VmssVpnGatewayPublicIpsMustHaveStandardSku");
/// A public address of SKU Standard that is to be dynamic.
pub(super) const STANDARD_IS_STATIC: Unconfirmed =
    belief(400, "StandardSkuPublicIPAddressMustBeStatic");
/// A gateway in a subnet with another name than `GatewaySubnet`.
pub(super) const GATEWAY_SUBNET: Unconfirmed = belief(400, "InvalidGatewaySubnetName");
/// An ExpressRoute gateway in a subnet that is smaller than /27.
pub(super) const GATEWAY_SUBNET_SMALL: Unconfirmed =
    belief(400, "GatewaySubnetTooSmallForExpressRouteGateway");
/// The same of SKU UltraPerformance. The code was reported (azure-docs 34171), the status was not.
pub(super) const GATEWAY_SUBNET_ULTRA: Unconfirmed =
    belief(400, "GatewaySubnetTooSmallForExpressrouteUltraPerformanceGatewaySku");
/// A gateway whose subnet has a route for 0.0.0.0/0: that Azure makes none is published (E-GW), its words are not.
pub(super) const GATEWAY_DEFAULT_ROUTE: Unconfirmed =
    belief(400, "GatewaySubnetDefaultRouteNotSupported");
/// A gateway whose subnet has IPv6, on a circuit that has IPv4 alone.
pub(super) const GATEWAY_DUAL_STACK: Unconfirmed =
    belief(400, "ExpressRouteCircuitPeeringIPv6NotEnabled");
/// More prefixes than a connection may have when it is made.
pub(super) const PREFIXES_MANY: Unconfirmed =
    belief(400, "VnetAddressPrefixesExceedExpressRouteConnectionLimit");
/// A second gateway of one kind in a network.
pub(super) const SECOND_GATEWAY: Unconfirmed = belief(400, "GatewaySubnetAlreadyInUse");
/// A local network gateway that is to be deleted and has connections.
pub(super) const LOCAL_GATEWAY_CONNECTED: Unconfirmed =
    belief(400, "LocalNetworkGatewayCannotBeDeletedWithConnections");
/// A network with a gateway or a Route Server of its own that is to use another network's.
pub(super) const OWN_GATEWAY: Unconfirmed = belief(400, "VnetHasOwnGateway");
/// A second peering that is to use another network's gateway.
pub(super) const SECOND_REMOTE: Unconfirmed = belief(400, "OnlyOnePeeringCanUseRemoteGateways");
/// A side that is to use a gateway which the other side does not lend.
pub(super) const NOT_LENT: Unconfirmed = belief(400, "RemotePeeringDoesNotAllowGatewayTransit");
/// Networks whose addresses overlap, and that are to be peered.
pub(super) const PEERS_OVERLAP: Unconfirmed = belief(400, "VnetAddressSpacesOverlap");
/// A second peering to a network that another one leads to. Public clients know the code by its name; the status
/// and the words beside it are not recorded.
pub(super) const REMOTE_TWICE: Unconfirmed =
    belief(400, "AnotherPeeringAlreadyReferencesRemoteVnet");
/// A peering whose other side was deleted.
pub(super) const DISCONNECTED: Unconfirmed = belief(400, "RemotePeeringIsDisconnected");
/// A next hop that has an address and needs none, or the other way round.
pub(super) const NEXT_HOP: Unconfirmed = belief(400, "InvalidNextHop");
/// A network that is to be deleted and is connected to a hub.
pub(super) const NETWORK_USED: Unconfirmed = belief(400, "InUseVirtualNetworkCannotBeDeleted");
/// A subnet whose addresses another one has.
pub(super) const SUBNETS_OVERLAP: Unconfirmed = belief(400, "NetcfgSubnetRangesOverlap");
/// A subnet that is too small, or one of IPv6 that is not a /64. The code is recorded of other subnets.
pub(super) const SUBNET_SIZE: Unconfirmed = belief(400, "NetcfgInvalidSubnet");
/// A table or a security group of another subscription than the subnet's network.
pub(super) const OTHER_SUBSCRIPTION: Unconfirmed =
    belief(400, "ReferencedResourceInAnotherSubscription");
/// A table or a security group on the subnet of a route server.
pub(super) const ROUTE_SERVER_SUBNET: Unconfirmed =
    belief(400, "ResourceCannotBeAttachedForRouteServerSubnet");
/// A gateway in a network that uses another network's.
pub(super) const REMOTE_USED: Unconfirmed = belief(400, "VnetUsesRemoteGateways");
/// More routes in a table than it may have.
pub(super) const ROUTES_MANY: Unconfirmed = belief(400, "RoutesPerRouteTableLimitReached");
/// A move that a protected item or a recovery plan does not allow now.
pub(super) const MOVE_NOT_ALLOWED: Unconfirmed = belief(400, "OperationNotAllowed");
/// A second job on what a job of Site Recovery is at work on.
pub(super) const JOB_AT_WORK: Unconfirmed = belief(409, "AnotherJobInProgress");
/// A failover against the direction of its replication.
pub(super) const FAILOVER_DIRECTION: Unconfirmed = belief(400, "InvalidFailoverDirection");
/// A job of Site Recovery that needs a region which is down.
pub(super) const FABRIC_UNREACHABLE: Unconfirmed = belief(400, "FabricNotReachable");
/// A request to Site Recovery that is incomplete, or names what is not there.
pub(super) const RECOVERY_INPUT: Unconfirmed = belief(400, "InvalidParameter");
/// A part of a vault that is not there.
pub(super) const RECOVERY_MISSING: Unconfirmed = belief(404, "ResourceNotFound");
/// A part of a vault that is to be deleted and is in use.
pub(super) const RECOVERY_USED: Unconfirmed = belief(400, "ResourceInUse");
/// A job that cannot be cancelled, resumed or restarted.
pub(super) const JOB_ACTION: Unconfirmed = belief(400, "JobActionNotAllowed");
/// A vault that is to be deleted and holds something.
pub(super) const VAULT_USED: Unconfirmed = belief(400, "ServiceResourceNotEmptyWithBackendMessage");
/// A site failover test of a gateway that is connected at fewer than two peering locations.
pub(super) const TEST_ONE_LOCATION: Unconfirmed =
    belief(400, "SiteFailoverTestNeedsTwoPeeringLocations");
/// A site failover test of a location at which the gateway has no circuit, or a Metro one.
pub(super) const TEST_LOCATION: Unconfirmed =
    belief(400, "SiteFailoverTestPeeringLocationNotValid");
/// A second site failover test at once.
pub(super) const TEST_ON: Unconfirmed = belief(409, "SiteFailoverTestInProgress");
/// A site failover test that is to be stopped and does not run.
pub(super) const TEST_NOT_ON: Unconfirmed = belief(400, "SiteFailoverTestNotRunning");

/// A hub's prefix that is too small, or changed, or that something of its WAN has.
pub(super) const HUB_PREFIX: Unconfirmed = belief(400, "VirtualHubAddressPrefixNotValid");
/// A hub that is to be deleted and has gateways or networks.
pub(super) const HUB_USED: Unconfirmed = belief(409, "CannotDeleteVirtualHubWhenItIsInUse");
/// A WAN that is to be deleted and has hubs.
pub(super) const WAN_USED: Unconfirmed = belief(409, "CannotDeleteVirtualWanWhenItIsInUse");
/// Something that only a WAN of the type Standard has.
pub(super) const WAN_BASIC: Unconfirmed = belief(400, "VirtualWanTypeBasicNotSupported");
/// A second ExpressRoute gateway in a hub, or one in another region than its hub.
pub(super) const HUB_GATEWAY: Unconfirmed = belief(400, "VirtualHubExpressRouteGatewayNotValid");
/// Scale units whose least is more than their most, or nothing.
pub(super) const HUB_UNITS: Unconfirmed = belief(400, "ExpressRouteGatewayAutoscaleBoundsNotValid");
/// A hub's gateway that is to be deleted and has connections.
pub(super) const HUB_GATEWAY_CONNECTED: Unconfirmed =
    belief(409, "CannotDeleteExpressRouteGatewayWhenItIsInUse");
/// A circuit's connection that is to follow another table than the default one.
pub(super) const HUB_ASSOCIATED: Unconfirmed =
    belief(400, "ExpressRouteConnectionAssociatedRouteTableNotValid");
/// A network that is connected before the hub's routers stand.
pub(super) const HUB_NOT_ROUTING: Unconfirmed = belief(400, "VirtualHubRoutingStateNotProvisioned");
/// A network that has a gateway or a Route Server, uses another network's, or is connected to a hub already.
pub(super) const HUB_VNET: Unconfirmed = belief(400, "VnetCannotBeConnectedToVirtualHub");
/// A network whose addresses something of the WAN has.
pub(super) const HUB_VNET_OVERLAP: Unconfirmed =
    belief(400, "VnetAddressSpaceOverlapsWithVirtualHub");
/// A table or an association of one's own in a hub that has routing intent.
pub(super) const HUB_INTENT: Unconfirmed =
    belief(400, "CustomRouteTablesNotSupportedWithRoutingIntent");
/// A table of a hub that Azure makes itself and that is to be deleted, or one that is in use.
pub(super) const HUB_TABLE_USED: Unconfirmed = belief(400, "HubRouteTableCannotBeDeleted");
/// A static route of a hub that leads to nothing of the hub's.
pub(super) const HUB_NEXT_HOP: Unconfirmed = belief(400, "HubRouteNextHopNotValid");
