//! Which ways to fail over are there, and what does each ask of an estate?

use crate::model::ResourceId;

/// A way to fail over; each has a shipped runbook of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Hubs of a virtual WAN.
    VwanDrCircuit,
    /// Gateway and connection of the target stand by.
    DrCircuitPrepared,
    /// Another circuit, at another peering location.
    DrCircuit,
    /// Another circuit at the same peering location.
    TwoCircuitsOneLocation,
    /// The source's own circuit, with other addresses.
    SameCircuit,
    /// The source's own circuit, with the same addresses.
    SameCircuitSwap,
    /// No circuit: a VPN.
    VpnLastPath,
    /// From a site on-premises into Azure.
    OnpremToAzure,
    /// Copies of the machines in a network of their own.
    SiteRecoveryTest,
}

impl Strategy {
    /// All of them; among those that fit the first is taken.
    pub const ALL: [Self; 9] = [
        Self::VwanDrCircuit,
        Self::DrCircuitPrepared,
        Self::DrCircuit,
        Self::TwoCircuitsOneLocation,
        Self::SameCircuit,
        Self::SameCircuitSwap,
        Self::VpnLastPath,
        Self::OnpremToAzure,
        Self::SiteRecoveryTest,
    ];

    /// Its name: that of its shipped runbook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VwanDrCircuit => "vwan-dr-circuit",
            Self::DrCircuitPrepared => "dr-circuit-prepared",
            Self::DrCircuit => "dr-circuit",
            Self::TwoCircuitsOneLocation => "two-circuits-one-location",
            Self::SameCircuit => "same-circuit",
            Self::SameCircuitSwap => "same-circuit-swap",
            Self::VpnLastPath => "vpn-last-path",
            Self::OnpremToAzure => "onprem-to-azure",
            Self::SiteRecoveryTest => "site-recovery-test",
        }
    }

    /// The strategy of a name.
    ///
    /// # Errors
    /// There is none; the error lists them.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|own| own.name() == name).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|own| own.name()).collect();
            format!("there are {}", all.join(", "))
        })
    }

    /// Whether it is about a circuit that connects a gateway in a network.
    pub(super) fn is_hub_and_spoke(self) -> bool {
        matches!(
            self,
            Self::DrCircuitPrepared
                | Self::DrCircuit
                | Self::TwoCircuitsOneLocation
                | Self::SameCircuit
                | Self::SameCircuitSwap
                | Self::OnpremToAzure
        )
    }

    /// What it does, as a line.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::VwanDrCircuit => {
                "Re-establish ExpressRoute at the hub of the target region, over the DR circuit"
            }
            Self::DrCircuitPrepared => {
                "Move production to the target region over the connection that stands by"
            }
            Self::DrCircuit => "Re-establish ExpressRoute at the target region over the DR circuit",
            Self::TwoCircuitsOneLocation => {
                "Connect the target region over the second circuit at the same peering location"
            }
            Self::SameCircuit => {
                "Connect the target region to the same circuit, with addresses of its own"
            }
            Self::SameCircuitSwap => {
                "Swap the one circuit from the source's network to the target's, addresses kept"
            }
            Self::VpnLastPath => "Reach the target region by VPN when no circuit is left",
            Self::OnpremToAzure => {
                "Give users access over private peering to on-premises machines that failed over"
            }
            Self::SiteRecoveryTest => "Test failover of the machines into a network of its own",
        }
    }
}

/// Whether a strategy fits an estate, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The strategy.
    pub strategy: Strategy,
    /// Whether it does.
    pub fits: bool,
    /// Why, or why not; each a sentence.
    pub because: Vec<String>,
    /// The circuit that it would use, where it uses one that the source does not.
    pub(super) circuit: Option<ResourceId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_is_found_by_its_name_and_has_a_shipped_runbook() {
        for own in Strategy::ALL {
            assert_eq!(Strategy::parse(own.name()), Ok(own));
            let shipped = format!("{}/runbooks/{}.yaml", env!("CARGO_MANIFEST_DIR"), own.name());
            assert!(std::path::Path::new(&shipped).is_file(), "{shipped}");
        }
        assert!(Strategy::parse("dr").unwrap_err().contains("dr-circuit"));
    }
}
