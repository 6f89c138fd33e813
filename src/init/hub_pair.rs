//! What does a hub of the target need to become what the source's is? Gateway, connections, peerings, routes.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::advice::{Advice, InitError};
use super::blocks::{free_anywhere, free_within, moved, moved_address};
use super::draft::{
    DraftGateway, DraftHop, DraftHub, DraftKey, DraftLink, DraftRoute, DraftSide, DraftSpoke,
    DraftTable,
};
use super::estate::{
    CircuitLink, EstateGateway, EstateNetwork, EstateSubnet, KnownEstate, overlap,
};
use super::names::{Renaming, keys, plain};
use super::pairs::{Counterpart, HubMatch};
use super::strategy::Strategy;
use super::todo::Todo;
use crate::arm::{RouteTableView, RouteView, kind, read};
use crate::model::ResourceId;

pub(super) const GATEWAY_SUBNET: &str = "GatewaySubnet";

pub(super) struct HubBuilder<'d> {
    pub(super) estate: &'d KnownEstate,
    pub(super) advice: &'d Advice,
    pub(super) todo: &'d mut Todo,
    pub(super) suffix: String,
}

impl HubBuilder<'_> {
    pub(super) fn build(&mut self, pair: &HubMatch, weight: u64) -> Result<DraftHub, InitError> {
        let pair = &self.with_room(pair);
        for own in std::iter::once(&pair.hub).chain(&pair.spokes).filter(|own| own.planned) {
            self.todo.plan_network(self.estate, &own.target);
        }
        let source_gateway =
            pair.hub.source.as_ref().and_then(|hub| self.estate.gateway_in(&hub.id)).cloned();
        let source_links: Vec<CircuitLink> = source_gateway
            .as_ref()
            .map(|own| self.estate.links_of(&own.id).cloned().collect())
            .unwrap_or_default();
        let by_circuit = self.advice.strategy.is_hub_and_spoke();
        let gateway = self.gateway(pair, source_gateway.as_ref())?;
        let links = if by_circuit {
            self.links(&gateway, &source_links, weight, pair.hub.target.id.name())?
        } else {
            Vec::new()
        };
        let spokes = self.spokes(pair);
        let tables = self.tables(pair);
        let v6 = !links.is_empty()
            && links.iter().all(|link| {
                self.estate.circuit(&link.circuit).is_some_and(|circuit| circuit.speaks_v6)
            });
        let mut onprem: Vec<IpNet> = links.iter().flat_map(|link| link.onprem.clone()).collect();
        if links.is_empty() {
            onprem = self.estate.all_sites();
        }
        let mut azure = pair.hub.target.space.clone();
        for (own, spoke) in pair.spokes.iter().zip(&spokes) {
            if spoke.spoke_side.gateway {
                azure.extend(own.target.space.clone());
            }
        }
        let (mut source_onprem, mut source_azure) = self.source_prefixes(pair, &source_links);
        for all in [&mut onprem, &mut azure, &mut source_onprem, &mut source_azure] {
            all.retain(|own| v6 || matches!(own, IpNet::V4(_)));
            let mut seen = BTreeSet::new();
            all.retain(|own| seen.insert(*own));
        }
        Ok(DraftHub {
            suffix: self.suffix.clone(),
            hub: pair.hub.target.clone(),
            gateway,
            source_gateway: source_gateway.map(|own| own.id),
            source_links,
            links,
            spokes,
            tables,
            tunnels: None,
            onprem,
            azure,
            source_onprem,
            source_azure,
        })
    }

    /// What the source's gateway learns and tells, when its region is there.
    fn source_prefixes(&self, pair: &HubMatch, links: &[CircuitLink]) -> (Vec<IpNet>, Vec<IpNet>) {
        let onprem = links.iter().flat_map(|link| self.estate.heard_by(&link.circuit)).collect();
        let mut azure: Vec<IpNet> =
            pair.hub.source.iter().flat_map(|hub| hub.space.clone()).collect();
        for spoke in pair.spokes.iter().filter_map(|own| own.source.as_ref()) {
            if spoke.peerings.iter().any(|side| side.uses) {
                azure.extend(spoke.space.clone());
            }
        }
        (onprem, azure)
    }

    /// The pair with addresses for networks that are not there: the source's, or free ones where the target's are
    /// others.
    fn with_room(&self, pair: &HubMatch) -> HubMatch {
        let mut pair = pair.clone();
        let own_circuit = self.advice.strategy == Strategy::SameCircuit;
        let mut taken: Vec<IpNet> =
            self.estate.networks.iter().flat_map(|own| own.space.clone()).collect();
        taken.extend(self.estate.all_sites());
        let there: Vec<Vec<IpNet>> = self
            .estate
            .networks
            .iter()
            .filter(|own| own.region == self.advice.target)
            .map(|own| own.space.clone())
            .collect();
        for own in std::iter::once(&mut pair.hub).chain(&mut pair.spokes).filter(|own| own.planned)
        {
            let collides = there.iter().any(|space| overlap(space, &own.target.space));
            if !own_circuit && !collides {
                continue;
            }
            let before = own.target.space.clone();
            let after: Vec<IpNet> = before
                .iter()
                .filter_map(|prefix| {
                    let block = free_anywhere(&taken, prefix.prefix_len())?;
                    let block = IpNet::new(block.addr(), prefix.prefix_len()).ok()?;
                    taken.push(block);
                    Some(block)
                })
                .collect();
            for subnet in &mut own.target.subnets {
                let all = subnet.prefixes.iter();
                subnet.prefixes = all.filter_map(|own| moved(own, &before, &after)).collect();
            }
            own.target.space = after;
        }
        pair
    }

    fn gateway(
        &mut self,
        pair: &HubMatch,
        source: Option<&EstateGateway>,
    ) -> Result<DraftGateway, InitError> {
        let hub = &pair.hub.target;
        let scale = |id: &ResourceId| -> Option<(u64, u64)> {
            let body = self.estate.bodies.get(id)?;
            let bound = |end: &str| {
                read::number(body, &format!("/properties/autoScaleConfiguration/bounds/{end}"))
            };
            Some((bound("min")?, bound("max")?))
        };
        if let Some(own) = self.estate.gateway_in(&hub.id) {
            return Ok(DraftGateway {
                id: own.id.clone(),
                exists: true,
                sku: own.sku.clone(),
                autoscale: None,
                subnet: None,
            });
        }
        let sku = match self.advice.chosen.get("gateway_sku") {
            Some(said) => said.to_owned(),
            None => zone_redundant(source.map_or("", |own| own.sku.as_str())).to_owned(),
        };
        let autoscale = source
            .filter(|_| sku == "ErGwScale")
            .and_then(|own| scale(&own.id))
            .or_else(|| (sku == "ErGwScale").then_some((2, 10)));
        let name = source.map_or_else(
            || format!("ergw-{}", hub.id.name()),
            |own| self.advice.pairs.renaming.name(own.id.name()),
        );
        let id = fresh(self.estate, &hub.id, kind::GATEWAYS, &name)?;
        let subnet = self.gateway_subnet(&pair.hub)?;
        Ok(DraftGateway { id, exists: false, sku, autoscale, subnet })
    }

    /// The prefixes of a GatewaySubnet to be made: where the source has its own, else the first room.
    pub(super) fn gateway_subnet(
        &mut self,
        hub: &Counterpart,
    ) -> Result<Option<Vec<IpNet>>, InitError> {
        let target = &hub.target;
        if target.subnets.iter().any(|own| own.name == GATEWAY_SUBNET) {
            return Ok(None);
        }
        let taken: Vec<IpNet> =
            target.subnets.iter().flat_map(|own| own.prefixes.clone()).collect();
        if let Some(said) = self.advice.chosen.get("gateway_subnet") {
            let prefix: IpNet = said.parse().map_err(|_| {
                InitError::new(format!("--param gateway_subnet={said} is no prefix."))
            })?;
            return Ok(Some(vec![prefix]));
        }
        let fits = |own: &IpNet| {
            target.space.iter().any(|space| space.contains(own)) && !overlap(&[*own], &taken)
        };
        let source = hub.source.as_ref();
        let there =
            source.and_then(|own| own.subnets.iter().find(|own| own.name == GATEWAY_SUBNET));
        if let (Some(source), Some(there)) = (source, there) {
            let same: Vec<IpNet> = there
                .prefixes
                .iter()
                .filter_map(|own| {
                    let moved = moved(own, &source.space, &target.space);
                    [Some(*own), moved].into_iter().flatten().find(fits)
                })
                .collect();
            if same.iter().any(|own| matches!(own, IpNet::V4(_))) {
                return Ok(Some(same));
            }
        }
        let room =
            [26, 27].into_iter().find_map(|length| free_within(&target.space, &taken, length));
        if let Some(room) = room {
            return Ok(Some(vec![room]));
        }
        let all: Vec<IpNet> = self
            .estate
            .networks
            .iter()
            .flat_map(|own| own.space.clone())
            .chain(self.estate.all_sites())
            .collect();
        let block = free_anywhere(&all, 24)
            .and_then(|block| IpNet::new(block.addr(), 24).ok())
            .ok_or_else(|| InitError::new("There are no free private addresses left."))?;
        let gateway = IpNet::new(block.addr(), 26).unwrap_or(block);
        let mut space = target.space.clone();
        space.push(block);
        self.todo.lack(
            format!(
                "{} has no room for a GatewaySubnet (/27 or larger); {block} is a suggestion.",
                target.id.name()
            ),
            vec![format!(
                "az network vnet update --ids {} --address-prefixes {}",
                target.id,
                space.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            )],
        );
        if let Some(body) = self.todo.changed(self.estate, &target.id) {
            body["properties"]["addressSpace"]["addressPrefixes"] = serde_json::json!(space);
        }
        Ok(Some(vec![gateway]))
    }

    fn links(
        &mut self,
        gateway: &DraftGateway,
        source: &[CircuitLink],
        weight: u64,
        hub: &str,
    ) -> Result<Vec<DraftLink>, InitError> {
        let there: Vec<CircuitLink> = self.estate.links_of(&gateway.id).cloned().collect();
        let strategy = self.advice.strategy;
        let mut circuits: Vec<ResourceId> = match (strategy, &self.advice.circuit) {
            (Strategy::DrCircuitPrepared, _) => {
                there.iter().map(|own| own.circuit.clone()).collect()
            }
            (Strategy::SameCircuit | Strategy::SameCircuitSwap, _) => {
                source.iter().map(|own| own.circuit.clone()).collect()
            }
            (_, circuit) => circuit.iter().cloned().collect(),
        };
        if circuits.is_empty() {
            // Another hub of the target stands by, and this one does not: it takes the same circuit.
            circuits.extend(self.advice.circuit.clone());
        }
        let mut seen = BTreeSet::new();
        circuits.retain(|own| seen.insert(own.clone()));
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
            let mut onprem = self.estate.heard_by(&circuit);
            if onprem.is_empty() {
                onprem = self.estate.all_sites();
                self.todo.decide(format!(
                    "Nothing is known of what on-premises tells {}: onprem_prefixes has all that is known \
                     of any site. Take out what that circuit does not carry.",
                    circuit.name()
                ));
            }
            let v6 = self.estate.circuit(&circuit).is_some_and(|own| own.speaks_v6);
            onprem.retain(|own| v6 || matches!(own, IpNet::V4(_)));
            let removed = (strategy == Strategy::SameCircuitSwap)
                .then(|| source.iter().find(|own| own.circuit == circuit).cloned())
                .flatten();
            let lower = u64::try_from(place).unwrap_or(0) * 10;
            links.push(DraftLink {
                suffix: format!("{}{suffix}", self.suffix),
                circuit,
                id,
                before: own.map(|own| own.weight),
                weight: weight.saturating_sub(lower).max(1).min(32_000),
                key,
                removed,
                onprem,
            });
        }
        Ok(links)
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

    /// The key of a connection that is to be made: none within a subscription; else an authorization.
    fn key(
        &mut self,
        circuit: &ResourceId,
        gateway: &DraftGateway,
        hub: &str,
        like: Option<&CircuitLink>,
    ) -> DraftKey {
        if circuit.subscription().eq_ignore_ascii_case(gateway.id.subscription()) {
            return DraftKey::None;
        }
        let own = self.estate.circuit(circuit);
        let name = like
            .and_then(|like| like.authorization.as_deref())
            .map_or_else(|| format!("auth-{hub}"), |own| self.advice.pairs.renaming.name(own));
        let source = self.advice.source.as_ref();
        let dies = source.is_some()
            && (own.and_then(|own| own.region.as_ref()) == source
                || self.estate.home_of(circuit) == source);
        if !dies {
            return DraftKey::Made(name);
        }
        // While the source is down, nobody may be able to write its circuit: the key has to be there before.
        let free = own.and_then(|own| own.authorizations.iter().find(|(_, free)| *free));
        if let Some((free, _)) = free {
            return DraftKey::There(free.clone());
        }
        self.todo.lack(
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
        if let Some(body) = self.todo.changed(self.estate, circuit) {
            if !body["properties"]["authorizations"].is_array() {
                body["properties"]["authorizations"] = serde_json::json!([]);
            }
            if let Some(all) = body["properties"]["authorizations"].as_array_mut() {
                all.push(serde_json::json!({ "name": name, "properties": {
                    "authorizationKey": format!("stands-for-the-key-of-{name}"),
                    "authorizationUseStatus": "Available",
                } }));
            }
        }
        DraftKey::There(name)
    }

    fn spokes(&self, pair: &HubMatch) -> Vec<DraftSpoke> {
        let hub = &pair.hub.target;
        let names: Vec<String> =
            pair.spokes.iter().map(|own| own.target.id.name().to_owned()).collect();
        let mut taken: BTreeSet<String> =
            hub.peerings.iter().map(|side| side.name.to_ascii_lowercase()).collect();
        let mut spokes = Vec::new();
        for (own, key) in pair.spokes.iter().zip(keys(&names)) {
            let source_hub = pair.hub.source.as_ref();
            let source_side = |from: Option<&EstateNetwork>, to: Option<&EstateNetwork>| {
                from.zip(to).and_then(|(from, to)| {
                    from.peerings.iter().find(|side| side.remote == to.id).cloned()
                })
            };
            let out = source_side(source_hub, own.source.as_ref());
            let back = source_side(own.source.as_ref(), source_hub);
            let renamed = |side: Option<&super::estate::PeeringSide>, otherwise: String| {
                side.map_or(otherwise, |side| self.advice.pairs.renaming.replaced(&side.name))
            };
            let before_out = hub.peerings.iter().find(|side| side.remote == own.target.id).cloned();
            let before_back =
                own.target.peerings.iter().find(|side| side.remote == hub.id).cloned();
            let mut name = renamed(out.as_ref(), format!("hub-to-{key}"));
            if before_out.is_none() && !taken.insert(name.to_ascii_lowercase()) {
                name = format!("{name}-{key}");
                taken.insert(name.to_ascii_lowercase());
            }
            let mut back_name = renamed(back.as_ref(), format!("{key}-to-hub"));
            if own.target.peerings.iter().any(|side| side.name.eq_ignore_ascii_case(&back_name)) {
                back_name = format!("{back_name}-{}", hub.id.name());
            }
            spokes.push(DraftSpoke {
                key,
                id: own.target.id.clone(),
                hub_side: DraftSide {
                    name: before_out.as_ref().map_or(name, |side| side.name.clone()),
                    forwarded: out.as_ref().is_none_or(|side| side.forwarded),
                    gateway: out.as_ref().is_none_or(|side| side.lends),
                    before: before_out,
                },
                spoke_side: DraftSide {
                    name: before_back.as_ref().map_or(back_name, |side| side.name.clone()),
                    forwarded: back.as_ref().is_none_or(|side| side.forwarded),
                    gateway: back.as_ref().is_none_or(|side| side.uses),
                    before: before_back,
                },
            });
        }
        spokes
    }

    /// The route tables of the source's subnets, for those of the target that have none.
    fn tables(&mut self, pair: &HubMatch) -> Vec<DraftTable> {
        let mut tables: Vec<(ResourceId, DraftTable)> = Vec::new();
        let spokes = pair.spokes.iter().map(|own| (own, own.target.id.name().to_owned()));
        let all: Vec<(&Counterpart, String)> =
            std::iter::once((&pair.hub, pair.hub.target.id.name().to_owned()))
                .chain(spokes)
                .collect();
        let network_keys = keys(&all.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>());
        for ((own, _), network_key) in all.iter().zip(network_keys) {
            let Some(source) = &own.source else { continue };
            for subnet in &source.subnets {
                let Some(table) = &subnet.table else { continue };
                let is_gateway = subnet.name == GATEWAY_SUBNET;
                let there = same_subnet(subnet, source, &own.target);
                if there.is_none() && !is_gateway {
                    self.todo.decide(format!(
                        "{} has no subnet that stands for {} of {}: its routes are left out.",
                        own.target.id.name(),
                        subnet.name,
                        source.id.name()
                    ));
                    continue;
                }
                if let Some(used) = there.and_then(|own| own.table.as_ref()) {
                    if is_gateway || *used == *table {
                        continue;
                    }
                    self.todo.decide(format!(
                        "{} of {} uses {} already, which stays as it is: see that its routes are right \
                         for a failover.",
                        subnet.name,
                        own.target.id.name(),
                        used.name()
                    ));
                    continue;
                }
                let name = there.map_or(subnet.name.as_str(), |own| own.name.as_str());
                let Ok(id) = own.target.id.child("subnets", name) else { continue };
                let place = tables.iter().position(|(from, made)| {
                    from == table && made.id.subscription() == own.target.id.subscription()
                });
                let place = match place {
                    Some(place) => place,
                    None => match self.table(table, own, pair) {
                        Some(made) => {
                            tables.push((table.clone(), made));
                            tables.len() - 1
                        }
                        None => continue,
                    },
                };
                let Some((_, made)) = tables.get_mut(place) else { continue };
                if is_gateway {
                    made.gateway_subnet = Some(id);
                } else {
                    made.subnets.push((plain(&format!("{network_key}_{name}")), id));
                }
            }
        }
        let names: Vec<String> = tables.iter().map(|(_, own)| own.id.name().to_owned()).collect();
        let keys = keys_of_tables(&names);
        tables.into_iter().zip(keys).map(|((_, own), key)| DraftTable { key, ..own }).collect()
    }

    fn table(
        &mut self,
        source: &ResourceId,
        user: &Counterpart,
        pair: &HubMatch,
    ) -> Option<DraftTable> {
        let body = self.estate.bodies.get(source)?;
        let view = RouteTableView::of(body);
        let name = self.advice.pairs.renaming.name(source.name());
        let id = user.target.id.sibling(kind::ROUTE_TABLES, &name).ok()?;
        let exists = self.estate.bodies.contains_key(&id);
        let mut routes = Vec::new();
        for (route, name) in view.bodies().iter().filter_map(|own| Some((own, read::name(own)?))) {
            let view = RouteView::of(route);
            let Some(prefix) = view.destination() else { continue };
            let Some(hop) = self.hop(view, pair) else {
                self.todo.decide(format!(
                    "The route {name} of {} leads to a gateway, which the runbook cannot write: it is left out.",
                    source.name()
                ));
                continue;
            };
            routes.push(DraftRoute {
                name: name.to_owned(),
                prefix: self.moved_prefix(prefix, pair),
                hop,
            });
        }
        Some(DraftTable {
            key: String::new(),
            id,
            exists,
            routes,
            keeps_out: view.keeps_gateway_routes_out(),
            subnets: Vec::new(),
            gateway_subnet: None,
        })
    }

    fn hop(&mut self, route: RouteView<'_>, pair: &HubMatch) -> Option<DraftHop> {
        let word = |word: &str| Some(DraftHop::Text(word.to_owned()));
        if route.hops_to("VnetLocal") {
            return word("vnet_local");
        }
        if route.hops_to("Internet") {
            return word("internet");
        }
        if route.hops_to("None") {
            return word("none");
        }
        let address = route.hop_address()?;
        let firewall = self.estate.firewalls.iter().find(|own| {
            own.address == Some(address)
                && own.network.as_ref() == pair.hub.source.as_ref().map(|hub| &hub.id)
        });
        if let Some(firewall) = firewall {
            let there = self.estate.firewalls.iter().find(|own| {
                own.network.as_ref() == Some(&pair.hub.target.id) && own.address.is_some()
            });
            if let Some(there) = there {
                return Some(DraftHop::Firewall(there.id.clone()));
            }
            self.todo.lack(
                format!(
                    "{} has no Azure Firewall where the source has {}; routes lead to the address that it would \
                     have.",
                    pair.hub.target.id.name(),
                    firewall.id.name()
                ),
                vec![format!(
                    "az network firewall create --subscription {} -g {} -n {} -l {} --vnet-name {}",
                    pair.hub.target.id.subscription(),
                    pair.hub.target.id.resource_group(),
                    self.advice.pairs.renaming.name(firewall.id.name()),
                    pair.hub.target.region.as_str(),
                    pair.hub.target.id.name()
                )],
            );
        }
        let all = std::iter::once(&pair.hub).chain(&pair.spokes);
        let moved = all
            .filter_map(|own| Some((own.source.as_ref()?, &own.target)))
            .find_map(|(source, target)| moved_address(address, &source.space, &target.space));
        Some(DraftHop::Text(moved.unwrap_or(address).to_string()))
    }

    /// A destination at the target: what is of a network of the source is of its counterpart.
    fn moved_prefix(&self, text: &str, pair: &HubMatch) -> String {
        let Ok(prefix) = text.parse::<IpNet>() else { return text.to_owned() };
        let others = self
            .advice
            .pairs
            .hubs
            .iter()
            .flat_map(|own| std::iter::once(&own.hub).chain(&own.spokes));
        let all = std::iter::once(&pair.hub).chain(&pair.spokes).chain(others);
        all.filter_map(|own| Some((own.source.as_ref()?, &own.target)))
            .filter(|(source, target)| source.space != target.space)
            .find_map(|(source, target)| moved(&prefix, &source.space, &target.space))
            .map_or_else(|| text.to_owned(), |own| own.to_string())
    }
}

fn keys_of_tables(names: &[String]) -> Vec<String> {
    match names {
        [_] => vec!["routes".to_owned()],
        several => keys(several).into_iter().map(|key| format!("routes_{key}")).collect(),
    }
}

/// The subnet of the target that stands for one of the source: by its name, else by its addresses.
fn same_subnet<'t>(
    subnet: &EstateSubnet,
    source: &EstateNetwork,
    target: &'t EstateNetwork,
) -> Option<&'t EstateSubnet> {
    let by_name = target.subnets.iter().find(|own| own.name.eq_ignore_ascii_case(&subnet.name));
    by_name.or_else(|| {
        let there = subnet.prefixes.first()?;
        let moved = moved(there, &source.space, &target.space)?;
        target
            .subnets
            .iter()
            .find(|own| own.prefixes.contains(there) || own.prefixes.contains(&moved))
    })
}

/// The SKU of a new gateway: the source's, or what Azure offers in its stead.
fn zone_redundant(sku: &str) -> &str {
    match sku {
        "HighPerformance" | "ErGw2AZ" => "ErGw2AZ",
        "UltraPerformance" | "ErGw3AZ" => "ErGw3AZ",
        "ErGwScale" => "ErGwScale",
        _ => "ErGw1AZ",
    }
}

/// An id beside another one that nothing has.
pub(super) fn fresh(
    estate: &KnownEstate,
    beside: &ResourceId,
    kind: &str,
    name: &str,
) -> Result<ResourceId, InitError> {
    let wrong = |error| InitError::new(format!("`{name}` is no name for a resource: {error}."));
    let mut id = beside.sibling(kind, name).map_err(wrong)?;
    let mut turn = 2;
    while estate.bodies.contains_key(&id) {
        id = beside.sibling(kind, &format!("{name}-{turn}")).map_err(wrong)?;
        turn += 1;
    }
    Ok(id)
}
