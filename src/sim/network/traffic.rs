//! How much flows over a circuit? Rates from who reaches whom, and counters that grow by them.
//!
//! A model, not a fact of Azure's: each site exchanges the same with each Azure network that it and
//! Azure agree on a way for. Enough to tell a circuit that carries from one that does not
//! (azure-facts 5.5).

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::choice::{azure_choice, on_premises_choice};
use super::estate::Estate;
use super::onprem::OnPrem;
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// What one on-premises prefix and one Azure network send each other, in each direction.
const FLOW_BYTES_PER_SECOND: u64 = 12_000;

/// Bytes a second over the two paths of a circuit. `in` is towards Azure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Into Azure over the primary path.
    pub primary_in: u64,
    /// Out of Azure over the primary path.
    pub primary_out: u64,
    /// Into Azure over the secondary path.
    pub secondary_in: u64,
    /// Out of Azure over the secondary path.
    pub secondary_out: u64,
}

/// The body of `GET …/stats`: bytes since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Into Azure over the primary path.
    #[serde(rename = "primaryBytesIn")]
    pub primary_bytes_in: u64,
    /// Out of Azure over the primary path.
    #[serde(rename = "primaryBytesOut")]
    pub primary_bytes_out: u64,
    /// Into Azure over the secondary path.
    #[serde(rename = "secondaryBytesIn")]
    pub secondary_bytes_in: u64,
    /// Out of Azure over the secondary path.
    #[serde(rename = "secondaryBytesOut")]
    pub secondary_bytes_out: u64,
}

impl Stats {
    /// The counters after more time at these rates. A counter never falls.
    #[must_use]
    pub fn after(self, rates: Rates, elapsed: Duration) -> Self {
        let more = |before: u64, rate: u64| {
            let bytes = u128::from(rate) * elapsed.as_millis() / 1_000;
            before.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
        };
        Self {
            primary_bytes_in: more(self.primary_bytes_in, rates.primary_in),
            primary_bytes_out: more(self.primary_bytes_out, rates.primary_out),
            secondary_bytes_in: more(self.secondary_bytes_in, rates.secondary_in),
            secondary_bytes_out: more(self.secondary_bytes_out, rates.secondary_out),
        }
    }
}

impl Rates {
    fn add(&mut self, path: CircuitPath, towards_azure: u64, towards_customer: u64) {
        match path {
            CircuitPath::Primary => {
                self.primary_in += towards_azure;
                self.primary_out += towards_customer;
            }
            CircuitPath::Secondary => {
                self.secondary_in += towards_azure;
                self.secondary_out += towards_customer;
            }
        }
    }
}

/// What flows over a circuit now: a flow counts only when there is a way in both directions, and is
/// shared evenly by ways that are equally good.
#[must_use]
pub fn traffic(estate: &Estate<'_>, onprem: &OnPrem, circuit: &ResourceId) -> Rates {
    let vnets = estate.vnets();
    let mut azure: Vec<IpNet> = vnets.flat_map(|vnet| vnet.prefixes.iter().copied()).collect();
    azure.sort();
    azure.dedup();
    let mut rates = Rates::default();
    for site in &onprem.sites {
        for (there, here) in
            azure.iter().flat_map(|there| site.prefixes.iter().map(move |here| (there, here)))
        {
            add_flow(&mut rates, estate, onprem, circuit, (&site.name, here, there));
        }
    }
    rates
}

fn add_flow(
    rates: &mut Rates,
    estate: &Estate<'_>,
    onprem: &OnPrem,
    circuit: &ResourceId,
    (site, here, there): (&str, &IpNet, &IpNet),
) {
    let towards = on_premises_choice(estate, onprem, Some(site), there);
    // The answer leaves by the gateway that the question came in by.
    let Some(gateway) = towards.first().map(|way| &way.gateway) else {
        return;
    };
    let back = azure_choice(estate, onprem, gateway, &here.trunc());
    if back.is_empty() {
        return;
    }
    let share = |ways: usize| FLOW_BYTES_PER_SECOND / u64::try_from(ways).unwrap_or(u64::MAX);
    for way in towards.iter().filter(|way| way.circuit == *circuit) {
        rates.add(way.path, share(towards.len()), 0);
    }
    for way in back.iter().filter(|way| way.circuit == *circuit) {
        rates.add(way.path, 0, share(back.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Lab, circuit, connection};
    use super::*;

    fn rates(lab: &Lab, place: &str) -> Rates {
        traffic(&lab.estate(), &lab.onprem, &circuit(place))
    }

    #[test]
    fn counters_grow_only_over_a_circuit_that_carries() {
        let mut lab = Lab::new();
        let second = Duration::from_secs(1);
        let before = Stats::default().after(rates(&lab, "ea"), second);
        // Two networks, one site, shared by two paths, both ways.
        assert_eq!(before.primary_bytes_in, FLOW_BYTES_PER_SECOND);
        assert_eq!(before.secondary_bytes_out, FLOW_BYTES_PER_SECOND);
        lab.silent.insert(connection("ea"));
        assert_eq!(before.after(rates(&lab, "ea"), second), before);
        assert_ne!(rates(&lab, "sea"), Rates::default());
    }

    #[test]
    fn all_moves_to_the_link_that_is_left() {
        let mut lab = Lab::new();
        lab.links("ea").next().unwrap().up = false;
        let rates = rates(&lab, "ea");
        assert_eq!((rates.primary_in, rates.primary_out), (0, 0));
        assert_eq!(rates.secondary_in, 2 * FLOW_BYTES_PER_SECOND);
    }

    #[test]
    fn counters_have_the_names_of_the_specification() {
        assert_eq!(
            serde_json::to_value(Stats::default()).unwrap(),
            serde_json::json!({"primaryBytesIn": 0, "primaryBytesOut": 0, "secondaryBytesIn": 0, "secondaryBytesOut": 0})
        );
    }
}
