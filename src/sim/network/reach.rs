//! Can a site reach an Azure network, and does the answer come back the same way?

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::choice::{azure_choice, on_premises_choice};
use super::estate::Estate;
use super::onprem::OnPrem;
use crate::model::ResourceId;

/// How one site and one Azure network see one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The site.
    pub site: String,
    /// The Azure network.
    pub network: IpNet,
    /// The circuits that the site's packets take.
    pub circuits: BTreeSet<ResourceId>,
    /// Whether it works.
    pub verdict: ReachVerdict,
}

/// Whether it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachVerdict {
    /// There and back over the same circuit.
    Symmetric,
    /// There and back, over different circuits: a stateful firewall on the way drops it.
    Asymmetric,
    /// Nothing on-premises hears of the network.
    NoWayThere,
    /// Azure has no route back.
    NoWayBack,
    /// Two regions advertise the same addresses equally well: packets go to either, and drop.
    Split,
}

impl ReachVerdict {
    /// Whether packets arrive and answers come back.
    #[must_use]
    pub fn works(&self) -> bool {
        matches!(self, Self::Symmetric | Self::Asymmetric)
    }

    /// The verdict in a word or two, for people.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Symmetric => "reachable",
            Self::Asymmetric => "reachable, asymmetric",
            Self::NoWayThere => "unreachable",
            Self::NoWayBack => "unreachable, no way back",
            Self::Split => "unreachable, two regions answer for it",
        }
    }
}

/// How each site sees each network that any Azure region has, by site and network.
#[must_use]
pub fn reachability(estate: &Estate<'_>, onprem: &OnPrem) -> Vec<Reach> {
    let networks: BTreeSet<IpNet> =
        estate.vnets().into_iter().flat_map(|vnet| vnet.prefixes).collect();
    let mut all = Vec::new();
    for site in &onprem.sites {
        for network in &networks {
            let ways = on_premises_choice(estate, onprem, Some(&site.name), network);
            let circuits: BTreeSet<ResourceId> =
                ways.iter().map(|way| way.circuit.clone()).collect();
            let gateways: BTreeSet<&ResourceId> = ways.iter().map(|way| &way.gateway).collect();
            let mut gateways = gateways.into_iter();
            let verdict = match (gateways.next(), gateways.next()) {
                (None, _) => ReachVerdict::NoWayThere,
                (Some(_), Some(_)) => ReachVerdict::Split,
                (Some(gateway), None) => {
                    let back: BTreeSet<ResourceId> = site
                        .prefixes
                        .iter()
                        .flat_map(|prefix| azure_choice(estate, onprem, gateway, prefix))
                        .map(|way| way.circuit)
                        .collect();
                    if back.is_empty() {
                        ReachVerdict::NoWayBack
                    } else if back.intersection(&circuits).next().is_some() {
                        ReachVerdict::Symmetric
                    } else {
                        ReachVerdict::Asymmetric
                    }
                }
            };
            all.push(Reach { site: site.name.clone(), network: *network, circuits, verdict });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Lab, connection};
    use super::*;

    fn verdict(lab: &Lab, network: &str) -> ReachVerdict {
        let all = reachability(&lab.estate(), &lab.onprem);
        all.iter().find(|reach| reach.network.to_string() == network).unwrap().verdict.clone()
    }

    #[test]
    fn what_is_connected_is_reachable_and_what_is_not_is_not() {
        let mut lab = Lab::new();
        assert_eq!(verdict(&lab, "10.10.10.0/24"), ReachVerdict::Symmetric);
        lab.bodies.remove(&connection("ea"));
        assert_eq!(verdict(&lab, "10.10.10.0/24"), ReachVerdict::NoWayThere);
    }
}
