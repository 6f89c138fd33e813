//! What does a circuit itself tell that no list does? Where it is, and what uses it from subscriptions that nobody lists.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::{Fact, Question};
use super::inquiry::{Inquiry, id_at, list, text};
use crate::arm::kind::CONNECTIONS;
use crate::arm::{CircuitPath, CircuitView, ConnectionView};
use crate::model::ResourceId;
use crate::model::action::Connection;

impl<'a> Inquiry<'a> {
    /// The connections that lead to a circuit now.
    #[must_use]
    pub fn links(&self, circuit: &ResourceId) -> Vec<(&'a ResourceId, &'a Value)> {
        self.facts
            .bodies(CONNECTIONS)
            .filter(|(_, body)| ConnectionView::of(body).leads_to(circuit))
            .collect()
    }

    /// Where a circuit meets Microsoft: where its provider does, or where the port of ExpressRoute Direct is that it
    /// stands on (azure-facts 2.1, GEO-DIRECT).
    ///
    /// # Errors
    /// The circuit or its port was not read, and why.
    pub fn place_of(&self, circuit: &ResourceId) -> Result<Option<&'a str>, String> {
        let Some(body) = self.read(circuit)? else { return Ok(None) };
        match CircuitView::of(body).port() {
            None => Ok(CircuitView::of(body).location()),
            Some(port) => self.place_of_port(&port).map(Some),
        }
    }

    /// Where a port of ExpressRoute Direct is.
    ///
    /// # Errors
    /// It is not known, and why.
    pub fn place_of_port(&self, port: &ResourceId) -> Result<&'a str, String> {
        let body = self.read(port)?;
        let body = body.ok_or_else(|| format!("its port {} is not to be seen", port.name()))?;
        let place = text(body, "/properties/peeringLocation");
        place.ok_or_else(|| format!("its port {} says no peering location", port.name()))
    }

    /// The prefixes that each path of a circuit brings from on-premises; none for a path without a session.
    ///
    /// # Errors
    /// The paths were not read, and why.
    pub fn received(&self, circuit: &ResourceId) -> Result<[Option<u64>; 2], String> {
        let both = self.sessions(circuit)?;
        Ok(both
            .map(|said| said.and_then(|own| own.as_u64().or_else(|| own.as_str()?.parse().ok()))))
    }

    /// Whether a session of a circuit ended for the count of its prefixes, as routers say it: `Idle (PfxCt)` (Cisco
    /// 25160).
    pub(super) fn is_over_limit(&self, circuit: &ResourceId) -> bool {
        let both = self.sessions(circuit).unwrap_or_default();
        let mut said = both.into_iter().flatten().filter_map(Value::as_str);
        said.any(|own| own.contains("PfxCt"))
    }

    /// What each path of a circuit says of its session with on-premises: a count of prefixes, or a state.
    fn sessions(&self, circuit: &ResourceId) -> Result<[Option<&'a Value>; 2], String> {
        let mut both = [None; 2];
        for (place, path) in CircuitPath::NAMES.into_iter().enumerate() {
            let question = Question::RouteSummary { circuit: circuit.clone(), path };
            match self.facts.of(&question) {
                // The customer's edge stands first; gateways have neighbours of their own.
                Fact::Known(value) => {
                    let first = list(value, "/value").first();
                    both[place] = first.and_then(|row| row.get("statePfxRcd"));
                }
                Fact::Absent => {}
                Fact::Unknown(why) => return Err(why.to_owned()),
            }
        }
        Ok(both)
    }

    /// The circuits of the ExpressRoute gateway that stands, or is to stand, beside a VPN gateway.
    #[must_use]
    pub fn circuits_beside(&self, vpn: &ResourceId) -> BTreeSet<ResourceId> {
        let Some(vnet) = self.vnet_of(vpn) else { return BTreeSet::new() };
        let here = |spec: &Connection| self.vnet_of(&spec.gateway).as_ref() == Some(&vnet);
        let planned = self.connections().into_iter().filter(|(_, spec)| here(spec));
        let planned = planned.map(|(_, spec)| spec.circuit.clone());
        let beside = self.facts.body(&vnet).map(|body| self.gateways_in(body)).unwrap_or_default();
        let links = beside.iter().flat_map(|gateway| self.links_of(gateway));
        planned.chain(links.filter_map(|(_, body)| id_at(body, "/properties/peer/id"))).collect()
    }

    /// The connections that a circuit names as the users of its authorizations, and that no list has: those of
    /// subscriptions that are not listed (azure-facts 2.1).
    #[must_use]
    pub fn unlisted_links(&self, circuit: &ResourceId) -> BTreeSet<ResourceId> {
        let Some(body) = self.facts.body(circuit) else { return BTreeSet::new() };
        let listed: BTreeSet<ResourceId> = self.all_links_to(circuit).into_iter().collect();
        let planned = self.planned_links();
        let removed = |id: &ResourceId| {
            let mut steps = self.plan.steps_to_run();
            steps.any(|step| self.removes(step, id) && self.is_done(step))
        };
        let ours = |id: &ResourceId| planned.iter().any(|own| own.id == id);
        let spent_by = CircuitView::of(body).spent_by();
        spent_by.filter(|id| !listed.contains(id) && !ours(id) && !removed(id)).collect()
    }

    /// How many connections a circuit has, at the least, that no list has and that it does not name either: more
    /// of its authorizations are spent than connections are known. Each connection spends one at most. Asked of the
    /// start: no step's end frees an authorization in the facts.
    #[must_use]
    pub fn unnamed_links(&self, circuit: &ResourceId) -> usize {
        let spent =
            self.facts.body(circuit).map_or(0, |body| CircuitView::of(body).spent_by_unnamed());
        spent.saturating_sub(self.all_links_to(circuit).len())
    }

    /// Whether every connection of a circuit has a name. Asked of the start, as [`Self::unnamed_links`] is.
    ///
    /// # Errors
    /// Some have none, and how many.
    pub fn every_link_named(&self, circuit: &ResourceId) -> Result<(), String> {
        match self.unnamed_links(circuit) {
            0 => Ok(()),
            unnamed => Err(format!(
                "{unnamed} of its authorizations are spent by connections that are neither listed nor named: the \
                 addresses there are not known"
            )),
        }
    }

    /// Whether the networks of all connections of a circuit can be read.
    ///
    /// # Errors
    /// Those of some cannot, and of which.
    pub fn every_network_on(&self, circuit: &ResourceId) -> Result<(), String> {
        let unlisted = self.unlisted_links(circuit);
        let Some(first) = unlisted.first() else { return Ok(()) };
        let more = match unlisted.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Err(format!(
            "{} is used from subscriptions that are not listed ({first}{more}): the addresses there are not known",
            circuit.name()
        ))
    }
}
