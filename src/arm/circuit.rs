//! What does a circuit's body say?

use ipnet::IpNet;
use serde_json::Value;

use super::path::CircuitPath;
use super::read::{id_at, is, list, name, number, prefix, text, word};
use crate::model::ResourceId;
use crate::model::hub::PRIVATE_PEERING;

/// Whether a peering location is a Metro: two sites of one city, which its name says at its end.
#[must_use]
pub fn is_metro(location: &str) -> bool {
    location.to_ascii_lowercase().ends_with("metro")
}

/// What Azure's side of a circuit may be (azure-facts 2.1, CIR-ENABLED).
const CIRCUIT_STATES: [&str; 4] = ["Enabled", "Enabling", "Disabled", "Disabling"];

/// `ServiceProviderProvisioningState` of Microsoft.Network, 2024-05-01.
const PROVIDER_STATES: [&str; 4] =
    ["NotProvisioned", "Provisioning", "Provisioned", "Deprovisioning"];

/// `ExpressRouteCircuitPeeringState` of Microsoft.Network, 2024-05-01.
const PEERING_STATES: [&str; 2] = ["Enabled", "Disabled"];

/// `ExpressRouteCircuitSkuTier` of Microsoft.Network, 2024-05-01.
const TIERS: [&str; 4] = ["Basic", "Local", "Standard", "Premium"];

/// A circuit.
#[derive(Debug, Clone, Copy)]
pub struct CircuitView<'v>(&'v Value);

impl<'v> CircuitView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Where its provider meets Microsoft.
    #[must_use]
    pub fn location(self) -> Option<&'v str> {
        text(self.0, "/properties/serviceProviderProperties/peeringLocation")
    }

    /// Its provider's name; one on a port of its own has none.
    #[must_use]
    pub fn provider(self) -> Option<&'v str> {
        text(self.0, "/properties/serviceProviderProperties/serviceProviderName")
    }

    /// Its bandwidth: what its provider has been told of, or its share of the port of its own.
    #[must_use]
    pub fn mbps(self) -> Option<u64> {
        let of_provider = number(self.0, "/properties/serviceProviderProperties/bandwidthInMbps");
        of_provider.or_else(|| {
            let gbps = self.0.pointer("/properties/bandwidthInGbps")?;
            // It may be written as 5 or as 5.0, and a port is shared in whole Gbit/s.
            let whole = gbps.as_u64().or_else(|| gbps.to_string().strip_suffix(".0")?.parse().ok());
            Some(whole? * 1_000)
        })
    }

    /// Whether it is on a port of its own, without a provider.
    #[must_use]
    pub fn is_direct(self) -> bool {
        self.0.pointer("/properties/expressRoutePort/id").is_some()
    }

    /// The port of ExpressRoute Direct that it is on, where it is on one.
    #[must_use]
    pub fn port(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/expressRoutePort/id")
    }

    /// The connections that its authorizations are spent by, as it shows them itself: those of other
    /// subscriptions are among them (azure-facts 2.1).
    pub fn spent_by(self) -> impl Iterator<Item = ResourceId> + use<'v> {
        let spent = list(self.0, "/properties/authorizations").iter();
        spent.filter_map(spending_connection)
    }

    /// How many of its authorizations are spent by connections that it does not name.
    #[must_use]
    pub fn spent_by_unnamed(self) -> usize {
        let all = list(self.0, "/properties/authorizations").iter();
        all.filter(|own| is_spent(own) && spending_connection(own).is_none()).count()
    }

    /// `Basic`, `Standard`, `Premium` or `Local`.
    #[must_use]
    pub fn tier(self) -> Option<&'v str> {
        word(self.0, "/sku/tier", &TIERS)
    }

    /// Whether it is of this tier.
    #[must_use]
    pub fn is_tier(self, tier: &str) -> bool {
        self.tier().is_some_and(|own| own.eq_ignore_ascii_case(tier))
    }

    /// Azure's side: `Enabled` when it is there.
    #[must_use]
    pub fn state(self) -> Option<&'v str> {
        word(self.0, "/properties/circuitProvisioningState", &CIRCUIT_STATES)
    }

    /// The provider's side: `Provisioned` when it is there.
    #[must_use]
    pub fn provider_state(self) -> Option<&'v str> {
        word(self.0, "/properties/serviceProviderProvisioningState", &PROVIDER_STATES)
    }

    /// Whether there is no provider whose side could be there: it is on a port of its own, and Azure reports no
    /// state (azure-facts 2.1, CIR-PROVIDER).
    #[must_use]
    pub fn has_no_provider(self) -> bool {
        self.is_direct() && self.provider_state().is_none()
    }

    /// Whether its provider's side is there, where it has a provider.
    #[must_use]
    pub fn is_provisioned(self) -> bool {
        let provisioned = |state: &str| state.eq_ignore_ascii_case("Provisioned");
        self.has_no_provider() || self.provider_state().is_some_and(provisioned)
    }

    /// The bodies of its peerings, as they stand in its own.
    #[must_use]
    pub fn peerings(self) -> &'v [Value] {
        list(self.0, "/properties/peerings")
    }

    /// The body of a peering, as it stands in its own.
    #[must_use]
    pub fn peering(self, wanted: &str) -> Option<&'v Value> {
        let is_it = |body: &&Value| name(body).is_some_and(|own| own.eq_ignore_ascii_case(wanted));
        self.peerings().iter().find(is_it)
    }

    /// What its Microsoft peering lacks for replication to use it, each as a clause; nothing where it lacks nothing: it is
    /// Enabled, its prefixes are Configured, and a route filter lets prefixes come over it (azure-facts 1.7).
    #[must_use]
    pub fn microsoft_peering_lacks(self) -> Vec<String> {
        let Some(peering) = self.peering("MicrosoftPeering") else {
            return vec!["it has no Microsoft peering".to_owned()];
        };
        let mut missing = Vec::new();
        let state = CircuitPeeringView::of(peering).state().unwrap_or("not reported");
        if !state.eq_ignore_ascii_case("enabled") {
            missing.push(format!("its Microsoft peering is {state}, not Enabled"));
        }
        let pointer = "/properties/microsoftPeeringConfig/advertisedPublicPrefixesState";
        let state = text(peering, pointer).unwrap_or("not reported");
        if !state.eq_ignore_ascii_case("configured") {
            missing.push(format!("its advertised prefixes are {state}, not Configured"));
        }
        if text(peering, "/properties/routeFilter/id").is_none() {
            let why = "its Microsoft peering has no route filter, so no prefix comes over it";
            missing.push(why.to_owned());
        }
        missing
    }
}

/// The connection that an authorization is spent by, as its body names it.
#[must_use]
pub fn spending_connection(authorization: &Value) -> Option<ResourceId> {
    let named = id_at(authorization, "/properties/connectionResourceUri");
    named.filter(|_| is_spent(authorization))
}

/// Whether the link of an ExpressRoute Direct port that carries a path is shut, as both are when a port is made: the
/// first link is the primary path's (azure-docs expressroute-howto-erdirect.md).
#[must_use]
pub fn is_shut(port: &Value, path: CircuitPath) -> bool {
    let place = match path {
        CircuitPath::Primary => 0,
        CircuitPath::Secondary => 1,
    };
    let link = list(port, "/properties/links").get(place);
    link.is_some_and(|link| is(link, "/properties/adminState", "Disabled"))
}

/// The Global Reach connections of a peering, from whichever side they were made.
pub fn global_reach(peering: &Value) -> impl Iterator<Item = &Value> {
    let own = list(peering, "/properties/connections").iter();
    own.chain(list(peering, "/properties/peeredConnections"))
}

/// Whether a connection uses an authorization: one key, one connection (azure-facts 2.5).
#[must_use]
pub fn is_spent(authorization: &Value) -> bool {
    is(authorization, "/properties/authorizationUseStatus", "InUse")
}

/// A peering of a circuit.
#[derive(Debug, Clone, Copy)]
pub struct CircuitPeeringView<'v>(&'v Value);

impl<'v> CircuitPeeringView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Whether it is the private one, by its type or its name.
    #[must_use]
    pub fn is_private(self) -> bool {
        is(self.0, "/properties/peeringType", PRIVATE_PEERING)
            || is(self.0, "/name", PRIVATE_PEERING)
    }

    /// `Enabled` or `Disabled`.
    #[must_use]
    pub fn state(self) -> Option<&'v str> {
        word(self.0, "/properties/state", &PEERING_STATES)
    }

    /// Whether it is enabled.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self.state().is_some_and(|state| state.eq_ignore_ascii_case("Enabled"))
    }

    /// The customer's autonomous system number.
    #[must_use]
    pub fn peer_asn(self) -> Option<u32> {
        u32::try_from(number(self.0, "/properties/peerASN")?).ok()
    }

    /// The prefix between the two edges on one path.
    #[must_use]
    pub fn prefix(self, path: CircuitPath) -> Option<IpNet> {
        prefix(self.0, Self::prefix_at(path)).map(|own| own.trunc())
    }

    fn prefix_at(path: CircuitPath) -> &'static str {
        match path {
            CircuitPath::Primary => "/properties/primaryPeerAddressPrefix",
            CircuitPath::Secondary => "/properties/secondaryPeerAddressPrefix",
        }
    }

    /// Whether it carries IPv6 as well (azure-facts 2.2).
    #[must_use]
    pub fn speaks_v6(self) -> bool {
        let own = self.0.pointer("/properties/ipv6PeeringConfig");
        own.is_some_and(|own| own.is_object() && !is(own, "/state", "Disabled"))
    }

    /// Who wrote it last: `Customer`, or the provider.
    #[must_use]
    pub fn modified_by(self) -> Option<&'v str> {
        text(self.0, "/properties/lastModifiedBy")
    }
}
