//! Which circuits does a hub of the target use, and with which keys?

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::circuits::{goes_down_with, is_revocable, reaches};
use super::draft::{AlsoRemoved, DraftGateway, DraftKey, DraftLink};
use super::error::InitError;
use super::estate::{Circuit, CircuitLink, KnownEstate};
use super::hub_pair::{HubBuilder, fresh};
use super::names::{Renaming, keys};
use super::strategy::Strategy;
use super::todo::Todo;
use crate::arm::{GatewayView, kind};
use crate::model::azure_limits::{FAST_PATH_UNITS, has_fast_path};
use crate::model::secret::seal;
use crate::model::{Region, ResourceId};

impl HubBuilder<'_> {
    pub(super) fn links(
        &mut self,
        gateway: &DraftGateway,
        source: &[CircuitLink],
        weight: u64,
        hub: &str,
    ) -> Result<Vec<DraftLink>, InitError> {
        let there: Vec<CircuitLink> = self.estate.links_of(&gateway.id).cloned().collect();
        let strategy = self.advice.strategy;
        let circuits = self.circuits(&there, source);
        let names: Vec<String> = circuits.iter().map(|own| own.name().to_owned()).collect();
        let suffixes: Vec<String> = match names.as_slice() {
            [_] => vec![String::new()],
            _ => keys(&names).into_iter().map(|key| format!("_{key}")).collect(),
        };
        let mut links = Vec::new();
        let mut taken = BTreeSet::new();
        for (place, (circuit, suffix)) in circuits.into_iter().zip(suffixes).enumerate() {
            let own = there.iter().find(|own| own.circuit == circuit);
            let like = source.iter().find(|own| own.circuit == circuit).or_else(|| source.first());
            let id = match own {
                Some(own) => own.id.clone(),
                None => {
                    let mut name = self.link_name(like, &circuit, hub);
                    if !taken.insert(name.clone()) {
                        name = format!("{name}-{}", circuit.name());
                    }
                    fresh(self.estate, &gateway.id, kind::CONNECTIONS, &name)?
                }
            };
            let key = match own {
                Some(own) => own
                    .authorization
                    .clone()
                    .map_or_else(|| self.key(&circuit, gateway, hub, like), DraftKey::There),
                None => self.key(&circuit, gateway, hub, like),
            };
            let onprem = self.onprem_over(&circuit);
            let fast_path = self.fast_path(gateway, own, like, &id);
            let removed = (strategy == Strategy::SameCircuitSwap)
                .then(|| source.iter().find(|own| own.circuit == circuit).cloned())
                .flatten();
            let own_circuit = self.estate.circuit(&circuit);
            let not_replicated = own_circuit.and_then(|own| own.not_replicated.clone());
            let lower = u64::try_from(place).unwrap_or(0) * 10;
            links.push(DraftLink {
                suffix: format!("{}{suffix}", self.suffix),
                circuit,
                id,
                before: own.map(|own| own.weight),
                weight: weight.saturating_sub(lower).clamp(1, 32_000),
                fast_path,
                key,
                removed,
                not_replicated,
                onprem,
            });
        }
        Ok(links)
    }

    /// The circuits that a gateway of the target is to be connected with, in their order.
    pub(super) fn circuits(
        &self,
        there: &[CircuitLink],
        source: &[CircuitLink],
    ) -> Vec<ResourceId> {
        let said = self.advice.circuit.as_ref().filter(|_| self.said_circuit());
        let of = |links: &[CircuitLink]| -> Vec<ResourceId> {
            let all = links.iter().map(|own| own.circuit.clone());
            all.filter(|own| said.is_none_or(|said| said == own)).collect()
        };
        let mut circuits: Vec<ResourceId> = match (self.advice.strategy, &self.advice.circuit) {
            (Strategy::DrCircuitPrepared, _) => of(there),
            (Strategy::SameCircuit, _) => of(source),
            (Strategy::SameCircuitSwap, _) => {
                let all = of(source);
                // One revoke is offered for the whole run, or none is: every hub has to have such a connection.
                let hubs = self.advice.pairs.hubs.iter().map(|hub| self.source_links(hub));
                let mut connected = hubs.filter(|links| !links.is_empty());
                let every = connected.all(|links| !self.sure(&links).is_empty());
                let sure: Vec<ResourceId> = of(&self.sure(source));
                if every && !sure.is_empty() { sure } else { all }
            }
            (_, circuit) => circuit.iter().cloned().collect(),
        };
        if circuits.is_empty() {
            // Another hub of the target stands by, and this one does not: it takes the same circuit.
            circuits.extend(self.advice.circuit.clone());
        }
        let mut seen = BTreeSet::new();
        circuits.retain(|own| seen.insert(own.clone()));
        circuits
    }

    fn said_circuit(&self) -> bool {
        self.advice.chosen.get("circuit").is_some()
    }

    /// The source's connections that can be ended while the source is down, and whose circuits would serve the target.
    fn sure(&self, source: &[CircuitLink]) -> Vec<CircuitLink> {
        let region = self.advice.source.as_ref();
        let serves = |own: &CircuitLink| {
            let circuit = self.estate.circuit(&own.circuit);
            circuit.is_some_and(|own| own.ready && reaches(own, &self.advice.target).is_ok())
        };
        let sure = source.iter().filter(|own| is_revocable(self.estate, region, own));
        sure.filter(|own| serves(own)).cloned().collect()
    }

    /// The source's connections with circuits that the target is not connected with in a swap: they go as well, since the
    /// source's networks would come in by them beside the target's when it is back.
    pub(super) fn also_removed(
        &mut self,
        links: &[DraftLink],
        source: &[CircuitLink],
    ) -> Vec<AlsoRemoved> {
        if self.advice.strategy != Strategy::SameCircuitSwap {
            return Vec::new();
        }
        let taken = |own: &&CircuitLink| links.iter().any(|link| link.circuit == own.circuit);
        let left: Vec<&CircuitLink> = source.iter().filter(|own| !taken(own)).collect();
        let with: Vec<String> = links.iter().map(|link| self.circuit_name(&link.circuit)).collect();
        for own in &left {
            let why = match (self.said_circuit(), with.len()) {
                (true, _) => "as was said",
                (false, 1) => {
                    "since that connection alone can be ended from its circuit's side while the source is down"
                }
                (false, _) => {
                    "since those connections alone can be ended from their circuits' side while the source is down"
                }
            };
            let circuit = self.circuit_name(&own.circuit);
            self.todo.decide(format!(
                "The source is connected with {circuit} as well. The target is connected with {} alone, {why}; {} goes \
                 too, and what is behind {circuit} alone is not reached.",
                with.join(", "),
                own.id.name(),
            ));
        }
        let names: Vec<String> = left.iter().map(|own| own.circuit.name().to_owned()).collect();
        let suffixes = keys(&names).into_iter().map(|key| format!("{}_also_{key}", self.suffix));
        let removed = left.into_iter().zip(suffixes);
        removed.map(|(own, suffix)| AlsoRemoved { suffix, link: own.clone() }).collect()
    }

    /// A circuit by its name, and by its group where another has that name.
    fn circuit_name(&self, id: &ResourceId) -> String {
        let mut same = self.estate.circuits.iter().filter(|own| own.id.name() == id.name());
        match same.any(|own| own.id != *id) {
            true => format!("{} of {}", id.name(), id.resource_group()),
            false => id.name().to_owned(),
        }
    }

    /// What on-premises tells a circuit; all that is known of any site where nothing is.
    fn onprem_over(&mut self, circuit: &ResourceId) -> Vec<IpNet> {
        let mut onprem = self.estate.heard_by(circuit);
        if onprem.is_empty() {
            onprem = self.estate.all_sites();
            self.todo.decide(format!(
                    "Nothing is known of what on-premises tells {}: onprem_prefixes has all that is known \
                     of any site. Take out what that circuit does not carry.",
                    circuit.name()
                ));
        }
        let v6 = self.estate.circuit(circuit).is_some_and(|own| own.speaks_v6);
        onprem.retain(|own| v6 || matches!(own, IpNet::V4(_)));
        onprem
    }

    /// Whether a connection is made with FastPath: where the source's has it and the gateway can. Where not, that
    /// somebody has to see to it is said: the latency after a failover is another.
    fn fast_path(
        &mut self,
        gateway: &DraftGateway,
        stands: Option<&CircuitLink>,
        like: Option<&CircuitLink>,
        id: &ResourceId,
    ) -> bool {
        let Some(like) = like.filter(|like| like.fast_path) else { return false };
        let known = format!("{} of the source has FastPath", like.id.name());
        match stands {
            Some(own) if own.fast_path => return false,
            Some(_) => {
                self.todo.decide(format!(
                    "{known}, and {}, which stands by, has not: see whether it shall. By hand: az network \
                     vpn-connection update --ids {id} --express-route-gateway-bypass true",
                    id.name()
                ));
                return false;
            }
            None => {}
        }
        let stands = self.estate.bodies.get(&gateway.id).map(GatewayView::of);
        let units = stands.and_then(GatewayView::scale_units_min);
        let units = units.or(gateway.autoscale.map(|(min, _)| min));
        if has_fast_path(&gateway.sku, units) {
            return true;
        }
        self.todo.decide(format!(
            "{known}, and {} of the SKU {} cannot: {} is made without it, and latency and throughput are others \
             after a failover. What has it: ErGw3AZ, or ErGwScale with {FAST_PATH_UNITS} units at least \
             (--param gateway_sku=ErGw3AZ).",
            gateway.id.name(),
            gateway.sku,
            id.name()
        ));
        false
    }

    fn link_name(&self, like: Option<&CircuitLink>, circuit: &ResourceId, hub: &str) -> String {
        let Some(like) = like else { return format!("con-{hub}-{}", circuit.name()) };
        let mut circuits = Renaming::between("", "");
        circuits.learn(like.circuit.name(), circuit.name());
        let own = circuits.replaced(like.id.name());
        let new = self.advice.pairs.renaming.replaced(&own);
        if new.eq_ignore_ascii_case(like.id.name()) {
            return self.advice.pairs.renaming.name(&new);
        }
        new
    }

    /// The key of a connection that is to be made.
    fn key(
        &mut self,
        circuit: &ResourceId,
        gateway: &DraftGateway,
        hub: &str,
        like: Option<&CircuitLink>,
    ) -> DraftKey {
        let renaming = &self.advice.pairs.renaming;
        let wanted = like
            .and_then(|like| like.authorization.as_deref())
            .map_or_else(|| format!("auth-{hub}"), |own| renaming.name(own));
        key_for(self.estate, self.advice.source.as_ref(), (circuit, &gateway.id), wanted, self.todo)
    }
}

/// The key of a connection that is to be made: none within a subscription; else an authorization. Of a circuit that nobody
/// can write while the source is down it has to be there before.
pub(super) fn key_for(
    estate: &KnownEstate,
    source: Option<&Region>,
    (circuit, gateway): (&ResourceId, &ResourceId),
    wanted: String,
    todo: &mut Todo,
) -> DraftKey {
    if circuit.subscription().eq_ignore_ascii_case(gateway.subscription()) {
        return DraftKey::None;
    }
    let own = estate.circuit(circuit);
    // One authorization makes one connection: what is in use is somebody's, and so is what another hub takes.
    let spoken_for =
        |todo: &Todo, name: &str| todo.keys.contains(&(circuit.clone(), name.to_ascii_lowercase()));
    let taken = |name: &str| {
        let stands = |own: &Circuit| {
            own.authorizations.iter().any(|(there, _)| there.eq_ignore_ascii_case(name))
        };
        spoken_for(todo, name) || own.is_some_and(stands)
    };
    let free = (2..100).map(|number| format!("{wanted}-{number}"));
    let name = std::iter::once(wanted.clone()).chain(free).find(|own| !taken(own));
    let name = name.unwrap_or(wanted);
    if !goes_down_with(estate, circuit, source) {
        todo.keys.insert((circuit.clone(), name.to_ascii_lowercase()));
        return DraftKey::Made(name);
    }
    let mut free = own.iter().flat_map(|own| &own.authorizations);
    let free = free.find(|(own, free)| *free && !spoken_for(todo, own)).map(|(own, _)| own.clone());
    let named = free.as_ref().unwrap_or(&name).to_ascii_lowercase();
    todo.keys.insert((circuit.clone(), named));
    if let Some(free) = free {
        return DraftKey::There(free);
    }
    lack_authorization(estate, todo, circuit, &name);
    DraftKey::There(name)
}

/// A key has to be made while the circuit can still be written: said, and there in the world that is drilled in.
fn lack_authorization(estate: &KnownEstate, todo: &mut Todo, circuit: &ResourceId, name: &str) {
    todo.lack(
        format!(
            "{} is managed in the source region, and has no free authorization: while that is down \
             nobody can make one.",
            circuit.name()
        ),
        vec![format!(
            "az network express-route auth create --subscription {} -g {} --circuit-name {} -n {name}",
            circuit.subscription(),
            circuit.resource_group(),
            circuit.name()
        )],
    );
    if let Some(body) = todo.changed(estate, circuit) {
        if !body["properties"]["authorizations"].is_array() {
            body["properties"]["authorizations"] = serde_json::json!([]);
        }
        if let Some(all) = body["properties"]["authorizations"].as_array_mut() {
            all.push(serde_json::json!({ "name": name, "properties": {
                // No word of its name in it: what a known key holds is blanked wherever it stands.
                "authorizationKey": seal(&format!("the key of {name}")),
                "authorizationUseStatus": "Available",
            } }));
        }
    }
}
