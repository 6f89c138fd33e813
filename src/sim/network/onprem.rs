//! What stands on the customer's side? Sites with prefixes, and the links that reach circuits.
//!
//! This part of a world is the customer's own: Azure neither shows nor changes it. Everything Azure
//! learns from on-premises comes out of here.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::vpn::VpnDevice;
use crate::arm::{CircuitPath, CircuitView};
use crate::model::azure_limits::onprem_prefixes_max;
use crate::model::{ResourceId, Timestamp};

/// The on-premises side of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnPrem {
    /// The customer's autonomous system number.
    pub asn: u32,
    /// The places with networks.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// The layer-3 sessions with circuits.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The devices that VPN tunnels end at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<VpnDevice>,
}

/// A place with networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name in this world.
    pub name: String,
    /// Its networks.
    pub prefixes: Vec<IpNet>,
}

/// One of the two sessions that on-premises has with a circuit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The circuit.
    pub circuit: ResourceId,
    /// The sites behind it, by name; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// Which of the circuit's two paths.
    pub path: CircuitPath,
    /// Whether the session stands.
    #[serde(default = "yes")]
    pub up: bool,
    /// Since when it is up or down, if the world says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is advertised to Azure instead of the prefixes of the sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertise: Option<Vec<IpNet>>,
    /// How many times more than once the customer's number stands in the AS path.
    #[serde(default)]
    pub as_path_prepend: u8,
    /// How on-premises prefers what it hears over this link: the larger wins.
    #[serde(default = "default_local_preference")]
    pub local_preference: u32,
}

/// An on-premises side that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnPremError {
    /// Zero is no autonomous system number.
    #[error("the on-premises asn must not be 0")]
    Asn,
    /// Two sites have one name.
    #[error("site `{0}` is written twice")]
    SiteTwice(String),
    /// A link names a site that is not there.
    #[error("the {path} link of {circuit} names site `{site}`, which is not among the sites")]
    NoSuchSite {
        /// The link's circuit.
        circuit: String,
        /// The link's path.
        path: CircuitPath,
        /// The name.
        site: String,
    },
    /// A device names a site that is not there.
    #[error("the VPN device {device} names site `{site}`, which is not among the sites")]
    NoSuchSiteBehind {
        /// The device's address.
        device: String,
        /// The name.
        site: String,
    },
}

/// What BGP implementations take when nothing is configured.
fn default_local_preference() -> u32 {
    100
}

fn yes() -> bool {
    true
}

impl OnPrem {
    /// Says whether the parts fit together; a world is refused when they do not.
    ///
    /// # Errors
    /// The number is zero, a site is written twice, or a link names a site that is not there.
    pub fn check(&self) -> Result<(), OnPremError> {
        if self.asn == 0 {
            return Err(OnPremError::Asn);
        }
        let mut names = BTreeSet::new();
        for site in &self.sites {
            if !names.insert(site.name.as_str()) {
                return Err(OnPremError::SiteTwice(site.name.clone()));
            }
        }
        for link in &self.links {
            if let Some(site) = link.sites.iter().find(|site| !names.contains(site.as_str())) {
                return Err(OnPremError::NoSuchSite {
                    circuit: link.circuit.name().to_owned(),
                    path: link.path,
                    site: site.clone(),
                });
            }
        }
        for device in &self.devices {
            if let Some(site) = device.sites.iter().find(|site| !names.contains(site.as_str())) {
                return Err(OnPremError::NoSuchSiteBehind {
                    device: device.address.to_string(),
                    site: site.clone(),
                });
            }
        }
        Ok(())
    }

    /// The site of that name.
    #[must_use]
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The links that stand with a circuit, in the world's order.
    pub fn links_up(&self, circuit: &ResourceId) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(move |link| link.up && link.circuit == *circuit)
    }

    /// What Azure hears over a link, in order and once each.
    #[must_use]
    pub fn advertised(&self, link: &Link) -> BTreeSet<IpNet> {
        if let Some(prefixes) = &link.advertise {
            return prefixes.iter().map(IpNet::trunc).collect();
        }
        self.sites
            .iter()
            .filter(|site| link.reaches(&site.name))
            .flat_map(|site| site.prefixes.iter().map(IpNet::trunc))
            .collect()
    }

    /// Whether it tells more prefixes of IPv4 over a link than the tier of its circuit takes: the session ends
    /// (azure-facts 2.2).
    pub(in crate::sim) fn tells_too_many(&self, link: &Link, circuit: Option<&Value>) -> bool {
        let all = || self.sites.iter().map(|site| site.prefixes.len()).sum();
        // Nearly every world tells fewer than any tier takes: none of them pays for the count.
        if link.advertise.as_ref().map_or_else(all, Vec::len) <= onprem_prefixes_max(false) {
            return false;
        }
        let premium = circuit.is_some_and(|own| CircuitView::of(own).is_tier("Premium"));
        let told = self.advertised(link);
        told.iter().filter(|own| own.addr().is_ipv4()).count() > onprem_prefixes_max(premium)
    }
}

impl Link {
    /// Whether a site is behind the link.
    #[must_use]
    pub fn reaches(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|name| name == site)
    }

    /// The customer's part of the AS path over this link: once, and the prepended repetitions.
    #[must_use]
    pub fn as_path(&self, asn: u32) -> Vec<u32> {
        vec![asn; usize::from(self.as_path_prepend) + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIRCUIT: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

    fn read(links: &str) -> Result<OnPrem, serde_yaml::Error> {
        serde_yaml::from_str(&format!(
            "asn: 65001\nsites:\n  - {{name: a, prefixes: [10.100.0.0/16]}}\n  - {{name: b, prefixes: [10.101.0.0/16]}}\nlinks: {links}\n"
        ))
    }

    #[test]
    fn a_link_is_up_and_reaches_every_site_unless_it_says_otherwise() {
        let onprem = read(&format!(
            "[{{circuit: {CIRCUIT}, path: primary}}, {{circuit: {CIRCUIT}, path: secondary, up: false, sites: [a]}}]"
        ))
        .unwrap();
        onprem.check().unwrap();
        assert!(onprem.links[0].up && !onprem.links[1].up);
        assert_eq!(onprem.advertised(&onprem.links[0]).len(), 2);
        assert_eq!(onprem.advertised(&onprem.links[1]).len(), 1);
        let circuit = ResourceId::parse(&CIRCUIT.replace("er-singapore", "ER-Singapore")).unwrap();
        assert_eq!(onprem.links_up(&circuit).count(), 1);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = read(&format!("[{{circuit: {CIRCUIT}, path: primary, weigth: 3}}]"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("weigth"), "{error}");
    }

    #[test]
    fn a_link_to_a_site_that_is_not_there_is_refused_by_name() {
        let onprem =
            read(&format!("[{{circuit: {CIRCUIT}, path: secondary, sites: [c]}}]")).unwrap();
        let error = onprem.check().unwrap_err().to_string();
        assert!(error.contains("`c`") && error.contains("er-singapore"), "{error}");
    }
}
