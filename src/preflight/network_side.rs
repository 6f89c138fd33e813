//! What is beside a network, which tables the run puts on subnets, and what on-premises tells circuits.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::facts::{Fact, Question};
use super::inquiry::{Inquiry, list, peerings_of, subnet_prefixes, subnets_of, text};
use crate::arm::{CircuitPath, PeeringView};
use crate::model::action::RouteTable;
use crate::model::{Action, ResourceId};

impl<'a> Inquiry<'a> {
    /// The prefixes that on-premises advertises over a circuit, on either path.
    ///
    /// # Errors
    /// A path's table was not read, and why.
    pub fn heard(&self, circuit: &ResourceId) -> Result<Vec<IpNet>, String> {
        let mut all = Vec::new();
        for path in CircuitPath::NAMES {
            all.extend(self.heard_on(circuit, path)?);
        }
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// The prefixes that on-premises advertises over one path of a circuit.
    ///
    /// # Errors
    /// The path's table was not read, and why.
    pub fn heard_on(&self, circuit: &ResourceId, path: &'static str) -> Result<Vec<IpNet>, String> {
        let question = Question::RouteTable { circuit: circuit.clone(), path };
        match self.facts.of(&question) {
            // What gateways advertise has their AS number alone (azure-facts 5.3).
            Fact::Known(value) => Ok(list(value, "/value")
                .iter()
                .filter(|row| text(row, "/path") != Some("65515"))
                .filter_map(|row: &Value| text(row, "/network")?.parse::<IpNet>().ok())
                .collect()),
            Fact::Absent => Ok(Vec::new()),
            Fact::Unknown(why) => Err(why.to_owned()),
        }
    }

    /// The subnets that planned tables are put on, with the tables.
    #[must_use]
    pub fn tables_given(&self) -> Vec<(&'a ResourceId, &'a RouteTable)> {
        let given = self.actions(|action| match action {
            Action::Association(spec) => Some(spec),
            _ => None,
        });
        let tables = self.route_tables();
        let of = |id: &ResourceId| tables.iter().find(|(_, table)| table.id == *id);
        let pairs = given.into_iter();
        pairs.filter_map(|(_, spec)| Some((&spec.subnet, of(&spec.route_table)?.1))).collect()
    }

    /// The subnets that have an address, of a network and of those beside it, each with its network.
    #[must_use]
    pub fn subnets_with(&self, vnet: &ResourceId, address: IpAddr) -> Vec<(ResourceId, &'a Value)> {
        let Some(body) = self.facts.body(vnet) else { return Vec::new() };
        let mut networks = vec![vnet.clone()];
        networks.extend(self.networks_beside(vnet, body));
        let mut all = Vec::new();
        for network in networks {
            let subnets = self.facts.body(&network).map(subnets_of).unwrap_or_default();
            let has = |own: &&Value| subnet_prefixes(own).iter().any(|net| net.contains(&address));
            all.extend(subnets.iter().filter(has).map(|own| (network.clone(), own)));
        }
        all
    }

    /// The networks that one is peered with, or is to be.
    #[must_use]
    pub fn networks_beside(&self, vnet: &ResourceId, body: &Value) -> Vec<ResourceId> {
        let planned = self.peerings().into_iter();
        let planned = planned.filter(|(_, peering)| peering.id.is_child_of(vnet));
        let planned = planned.map(|(_, peering)| peering.remote.clone());
        let standing = peerings_of(Some(body)).iter();
        let standing = standing.filter_map(|peering| PeeringView::of(peering).remote());
        planned.chain(standing).collect()
    }
}
