//! Which spokes and which routes has a hub of the target? Those of the source's, with the target's addresses.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::abroad;
use super::blocks::{moved, moved_address};
use super::draft::{DraftHop, DraftRoute, DraftSide, DraftSpoke, DraftTable};
use super::estate::{EstateNetwork, EstateSubnet};
use super::hub_pair::{GATEWAY_SUBNET, HubBuilder};
use super::names::{keys, plain};
use super::pairs::{Counterpart, HubMatch};
use crate::arm::{RouteTableView, RouteView, kind, read};
use crate::model::ResourceId;

impl HubBuilder<'_> {
    pub(super) fn spokes(&self, pair: &HubMatch) -> Vec<DraftSpoke> {
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
            let renamed = |side: Option<&super::estate::VnetSide>, otherwise: String| {
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
            let uses = back.as_ref().is_none_or(|side| side.uses);
            let elsewhere = if uses { abroad::elsewhere(&own.target, &hub.id) } else { Vec::new() };
            spokes.push(DraftSpoke {
                key,
                elsewhere,
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
                    gateway: uses,
                    before: before_back,
                },
            });
        }
        spokes
    }

    /// The route tables of the source's subnets, for those of the target that have none.
    pub(super) fn tables(&mut self, pair: &HubMatch) -> Vec<DraftTable> {
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
                if !self.wants_table(own, source, subnet, there, table) {
                    continue;
                }
                let name = there.map_or(subnet.name.as_str(), |own| own.name.as_str());
                let Ok(id) = own.target.id.child("subnets", name) else { continue };
                if !self.is_free(&tables, &id, table, subnet) {
                    continue;
                }
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

    /// Whether a subnet of the target has no table of this draft yet: it may stand for two of the source.
    fn is_free(
        &mut self,
        tables: &[(ResourceId, DraftTable)],
        id: &ResourceId,
        table: &ResourceId,
        subnet: &EstateSubnet,
    ) -> bool {
        let has = |made: &DraftTable| {
            made.gateway_subnet.as_ref() == Some(id)
                || made.subnets.iter().any(|(_, own)| own == id)
        };
        let Some((from, _)) = tables.iter().find(|(_, made)| has(made)) else { return true };
        if from != table {
            self.todo.decide(format!(
                "{} stands for {} of the source as well, which uses {}: it is given {}. See that its routes are right \
                 for both.",
                id.name(),
                subnet.name,
                table.name(),
                from.name()
            ));
        }
        false
    }

    /// Whether a table is to be made for what stands for a subnet of the source; a person hears of why not.
    fn wants_table(
        &mut self,
        own: &Counterpart,
        source: &EstateNetwork,
        subnet: &EstateSubnet,
        there: Option<&EstateSubnet>,
        table: &ResourceId,
    ) -> bool {
        let is_gateway = subnet.name == GATEWAY_SUBNET;
        if there.is_none() && !is_gateway {
            self.todo.decide(format!(
                "{} has no subnet that stands for {} of {}: its routes are left out.",
                own.target.id.name(),
                subnet.name,
                source.id.name()
            ));
            return false;
        }
        if let Some(used) = there.and_then(|own| own.table.as_ref()) {
            if is_gateway || used == table {
                return false;
            }
            self.todo.decide(format!(
                "{} of {} uses {} already, which stays as it is: see that its routes are right \
                         for a failover.",
                subnet.name,
                own.target.id.name(),
                used.name()
            ));
            return false;
        }
        true
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
