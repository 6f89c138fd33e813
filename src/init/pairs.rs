//! Which network stands for which? The hubs of the source and their spokes, each with its counterpart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::estate::{EstateNetwork, KnownEstate, group_id, overlap};
use super::names::{Renaming, likeness};
use crate::arm::read;
use crate::model::{Region, ResourceId};

/// What a network of the source becomes at the target.
#[derive(Debug, Clone)]
pub(super) struct Counterpart {
    /// The network of the source; none where the source is a site on-premises.
    pub(super) source: Option<EstateNetwork>,
    /// The network of the target: one that is there, or as it would have to be made.
    pub(super) target: EstateNetwork,
    /// Whether it has to be made first.
    pub(super) planned: bool,
    /// Why these two.
    pub(super) because: PairedBy,
    /// Networks of the target that would do as well, by the same reason.
    pub(super) rivals: Vec<String>,
    /// The network that has the name which this one would have been made with.
    pub(super) name_taken: Option<(ResourceId, Region)>,
}

/// A hub and its spokes.
#[derive(Debug, Clone)]
pub(super) struct HubMatch {
    pub(super) hub: Counterpart,
    pub(super) spokes: Vec<Counterpart>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    pub(super) hubs: Vec<HubMatch>,
    pub(super) renaming: Renaming,
    /// Networks of the source that no hub leads to.
    pub(super) left_out: Vec<ResourceId>,
}

/// The least likeness of two names that counts as the same name.
const ALIKE: u32 = 60;

/// Why one network stands for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairedBy {
    Named,
    Mapping,
    SameAddresses,
    LikeNames,
    OnlyOneLeft,
    HubByGateway,
    HubLends,
    HubLikely,
    ToBeMade,
}

impl PairedBy {
    /// Whether it is a guess, which a person should look at.
    pub(super) fn is_guess(self) -> bool {
        match self {
            Self::LikeNames | Self::OnlyOneLeft | Self::HubLikely => true,
            Self::Named
            | Self::Mapping
            | Self::SameAddresses
            | Self::HubByGateway
            | Self::HubLends
            | Self::ToBeMade => false,
        }
    }
}

impl fmt::Display for PairedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "as you said",
            Self::Mapping => "Site Recovery's network mapping",
            Self::SameAddresses => "the same addresses",
            Self::LikeNames => "names that are alike",
            Self::OnlyOneLeft => "nothing else is left for it",
            Self::HubByGateway => "it is the hub there",
            Self::HubLends => "it lends a gateway to others there",
            Self::HubLikely => "it is most like a hub there",
            Self::ToBeMade => "nothing at the target stands for it",
        })
    }
}

/// Pairs the networks of two regions.
pub(super) fn pair(
    estate: &KnownEstate,
    source: &Region,
    target: &Region,
    said: &BTreeMap<String, String>,
) -> Pairs {
    let there: Vec<&EstateNetwork> =
        estate.networks.iter().filter(|n| n.region == *target).collect();
    let hubs = source_hubs(estate, source);
    let mut matcher = Matcher::new(estate, said, there.clone());
    for hub in &hubs {
        matcher.choose(hub, true, &hubs);
    }
    let spokes: Vec<Vec<&EstateNetwork>> =
        hubs.iter().map(|hub| spokes_of(estate, hub, source, &hubs)).collect();
    let every: Vec<&EstateNetwork> = spokes.iter().flatten().copied().collect();
    matcher.choose_all(&every);
    let mut renaming = Renaming::between(source.as_str(), target.as_str());
    for network in hubs.iter().chain(&every) {
        if let Some((chosen, _)) = matcher.taken.get(&network.id) {
            renaming.learn_of(&network.id, &chosen.id);
        }
    }
    let mut made = |network: &EstateNetwork| matcher.counterpart(network, target, &renaming);
    let matched: Vec<HubMatch> = hubs
        .iter()
        .zip(&spokes)
        .map(|(hub, spokes)| HubMatch {
            hub: made(hub),
            spokes: spokes.iter().map(|spoke| made(spoke)).collect(),
        })
        .collect();
    let led_to: BTreeSet<&ResourceId> =
        hubs.iter().chain(&every).map(|network| &network.id).collect();
    let left_out = estate
        .networks
        .iter()
        .filter(|own| own.region == *source && !led_to.contains(&own.id))
        .map(|own| own.id.clone())
        .collect();
    Pairs { hubs: matched, renaming, left_out }
}

/// The hubs of a region: networks whose gateway has a circuit, else any gateway, else that lend one.
fn source_hubs<'e>(estate: &'e KnownEstate, source: &Region) -> Vec<&'e EstateNetwork> {
    let own = || estate.networks.iter().filter(|network| network.region == *source);
    let connected: Vec<&EstateNetwork> = own()
        .filter(|network| {
            estate
                .gateway_in(&network.id)
                .is_some_and(|gateway| estate.links_of(&gateway.id).next().is_some())
        })
        .collect();
    if !connected.is_empty() {
        return connected;
    }
    let with_gateway: Vec<&EstateNetwork> =
        own().filter(|network| estate.has_gateway(&network.id)).collect();
    if !with_gateway.is_empty() {
        return with_gateway;
    }
    own().filter(|network| network.peerings.iter().any(|side| side.lends)).collect()
}

/// The networks that a hub is peered with, in its own region, and that are no hubs themselves.
fn spokes_of<'e>(
    estate: &'e KnownEstate,
    hub: &EstateNetwork,
    source: &Region,
    hubs: &[&EstateNetwork],
) -> Vec<&'e EstateNetwork> {
    let mut spokes: Vec<&EstateNetwork> = hub
        .peerings
        .iter()
        .filter_map(|side| estate.network(&side.remote))
        .filter(|own| own.region == *source && !hubs.iter().any(|hub| hub.id == own.id))
        .filter(|own| {
            // Of two hubs that know it, it belongs to the one whose gateway it uses.
            let uses = own.peerings.iter().find(|side| side.uses);
            uses.is_none_or(|side| side.remote == hub.id)
        })
        .collect();
    spokes.dedup_by(|a, b| a.id == b.id);
    spokes
}

struct Matcher<'e> {
    estate: &'e KnownEstate,
    said: &'e BTreeMap<String, String>,
    free: Vec<&'e EstateNetwork>,
    taken: BTreeMap<ResourceId, (&'e EstateNetwork, PairedBy)>,
    /// What is to be made so far: two networks of one name, of different groups, would be made as one.
    planned: BTreeSet<ResourceId>,
}

impl<'e> Matcher<'e> {
    fn new(
        estate: &'e KnownEstate,
        said: &'e BTreeMap<String, String>,
        free: Vec<&'e EstateNetwork>,
    ) -> Self {
        Self { estate, said, free, taken: BTreeMap::new(), planned: BTreeSet::new() }
    }

    /// What says that two networks stand for one another, the strongest first; none when nothing does.
    fn score(&self, source: &EstateNetwork, target: &EstateNetwork) -> Option<(u32, PairedBy)> {
        let like = likeness(&own_words(source, target), &own_words(target, source));
        let named = |(own, _): &(&String, &String)| own.eq_ignore_ascii_case(source.id.name());
        if let Some((_, said)) = self.said.iter().find(named) {
            return (said.eq_ignore_ascii_case(target.id.name())
                || said.eq_ignore_ascii_case(target.id.as_str()))
            .then_some((1000, PairedBy::Named));
        }
        if mapped(self.estate, &source.id).is_some_and(|own| own == target.id) {
            return Some((900, PairedBy::Mapping));
        }
        if overlap(&source.space, &target.space) {
            return Some((500 + like, PairedBy::SameAddresses));
        }
        (like >= ALIKE && same_numbers(source, target)).then_some((like, PairedBy::LikeNames))
    }

    fn take(&mut self, source: &EstateNetwork, target: &'e EstateNetwork, because: PairedBy) {
        self.free.retain(|own| own.id != target.id);
        self.taken.insert(source.id.clone(), (target, because));
    }

    /// A hub's counterpart: by what says so, else the hub that the target has.
    fn choose(&mut self, hub: &EstateNetwork, is_hub: bool, hubs: &[&EstateNetwork]) {
        let best = self
            .free
            .iter()
            .filter_map(|own| Some((self.score(hub, own)?, *own)))
            .filter(|((score, _), own)| {
                // Another hub that is more like it goes first.
                *score >= 500
                    || !hubs.iter().any(|other| {
                        other.id != hub.id
                            && self.score(other, own).is_some_and(|(more, _)| more > *score)
                    })
            })
            .max_by_key(|((score, _), own)| (*score + bonus(self.estate, own), own.id.clone()));
        if let Some(((_, because), own)) = best {
            return self.take(hub, own, because);
        }
        if !is_hub {
            return;
        }
        let by_gateway = self
            .free
            .iter()
            .filter(|own| bonus(self.estate, own) > 0)
            .max_by_key(|own| (bonus(self.estate, own), own.id.clone()))
            .copied();
        if let Some(own) = by_gateway {
            self.take(hub, own, PairedBy::HubByGateway);
        }
    }

    /// Counterparts of spokes, the surest first; what is left over stands for one another where one is left.
    fn choose_all(&mut self, spokes: &[&EstateNetwork]) {
        loop {
            let best = spokes
                .iter()
                .filter(|spoke| !self.taken.contains_key(&spoke.id))
                .flat_map(|spoke| {
                    let scored = self
                        .free
                        .iter()
                        .filter_map(|own| Some((self.score(spoke, own)?, *spoke, *own)));
                    scored.collect::<Vec<_>>()
                })
                .max_by_key(|((score, _), spoke, own)| {
                    (*score, std::cmp::Reverse(spoke.id.clone()), own.id.clone())
                });
            let Some(((_, because), spoke, own)) = best else { break };
            self.take(spoke, own, because);
        }
        let left: Vec<&&EstateNetwork> =
            spokes.iter().filter(|spoke| !self.taken.contains_key(&spoke.id)).collect();
        // What is in use there is somebody's, and no recovery network.
        let idle: Vec<&EstateNetwork> = self
            .free
            .iter()
            .filter(|own| own.peerings.iter().all(|side| !side.uses))
            .copied()
            .collect();
        if let ([spoke], [own]) = (left.as_slice(), idle.as_slice())
            && spoke.subnets.len() == own.subnets.len()
        {
            self.take(spoke, own, PairedBy::OnlyOneLeft);
        }
    }

    fn counterpart(
        &mut self,
        source: &EstateNetwork,
        region: &Region,
        renaming: &Renaming,
    ) -> Counterpart {
        if let Some((target, because)) = self.taken.get(&source.id) {
            let target = (*target).clone();
            return Counterpart {
                source: Some(source.clone()),
                target,
                planned: false,
                because: *because,
                rivals: self.rivals(source, *because),
                name_taken: None,
            };
        }
        let (target, name_taken) =
            as_planned(self.estate, &self.planned, source, (region, renaming));
        self.planned.insert(target.id.clone());
        Counterpart {
            source: Some(source.clone()),
            target,
            planned: true,
            because: PairedBy::ToBeMade,
            rivals: Vec::new(),
            name_taken,
        }
    }

    /// The networks that were left over and that the same reason speaks for; of a guess everything is looked at anyway.
    fn rivals(&self, source: &EstateNetwork, because: PairedBy) -> Vec<String> {
        let as_well = |own: &&&EstateNetwork| match because {
            PairedBy::SameAddresses => {
                self.score(source, own).is_some_and(|(_, own)| own == PairedBy::SameAddresses)
            }
            // A gateway or its subnet.
            PairedBy::HubByGateway => bonus(self.estate, own) >= 100,
            PairedBy::Named
            | PairedBy::Mapping
            | PairedBy::LikeNames
            | PairedBy::OnlyOneLeft
            | PairedBy::HubLends
            | PairedBy::HubLikely
            | PairedBy::ToBeMade => false,
        };
        self.free.iter().filter(as_well).map(|own| own.id.name().to_owned()).collect()
    }
}

/// A network as it would be made: the source's addresses and subnets, in the target region; and the one that has its name.
fn as_planned(
    estate: &KnownEstate,
    planned_before: &BTreeSet<ResourceId>,
    source: &EstateNetwork,
    (region, renaming): (&Region, &Renaming),
) -> (EstateNetwork, Option<(ResourceId, Region)>) {
    let wanted = renaming.name(source.id.name());
    let group = planned_group(estate, source, region, renaming);
    let named = |name: &str| {
        ResourceId::parse(&format!(
            "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}",
            source.id.subscription()
        ))
        .unwrap_or_else(|_| source.id.clone())
    };
    let stands = |id: &ResourceId| estate.network(id);
    let taken = stands(&named(&wanted)).map(|own| (own.id.clone(), own.region.clone()));
    let mut id = named(&wanted);
    let mut number = 1;
    while (stands(&id).is_some() || planned_before.contains(&id)) && number < 100 {
        // One id is one network in one region: what has the name keeps it, and of two that would have it the first.
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        id = named(&format!("{wanted}-{}{more}", region.as_str()));
        number += 1;
    }
    let mut planned = source.clone();
    planned.id = id;
    planned.region = region.clone();
    planned.peerings.clear();
    planned.subnets.retain(|own| own.name != "GatewaySubnet");
    for subnet in &mut planned.subnets {
        (subnet.table, subnet.security_group) = (None, None);
    }
    (planned, taken)
}

/// The group of what would be made: the source group's counterpart where that is homed elsewhere.
fn planned_group(
    estate: &KnownEstate,
    source: &EstateNetwork,
    region: &Region,
    renaming: &Renaming,
) -> String {
    let own = source.id.resource_group();
    let home = estate.home_of(&source.id);
    if home.is_some_and(|home| home != &source.region && home == region) {
        return own.to_owned();
    }
    let renamed = renaming.name(own);
    let id = format!("/subscriptions/{}/resourceGroups/{renamed}", source.id.subscription());
    let is_there = estate.groups.iter().any(|(group, _)| group.eq_ignore_ascii_case(&id));
    if is_there {
        return renamed;
    }
    // A group of the target region in the same subscription takes it, where there is just one.
    let mut homed = estate.groups.iter().filter(|(group, home)| {
        home == region
            && group.to_ascii_lowercase().starts_with(&format!(
                "/subscriptions/{}/",
                source.id.subscription().to_ascii_lowercase()
            ))
            && estate.networks.iter().any(|own| group_id(&own.id).eq_ignore_ascii_case(group))
    });
    match (homed.next(), homed.next()) {
        (Some((group, _)), None) => group.rsplit('/').next().unwrap_or(own).to_owned(),
        _ => renamed,
    }
}

/// What makes a network a hub, besides its name.
pub(super) fn bonus(estate: &KnownEstate, network: &EstateNetwork) -> u32 {
    let has = |name: &str| network.subnets.iter().any(|own| own.name == name);
    let mut bonus = 0;
    if estate.gateway_in(&network.id).is_some() {
        bonus += 200;
    }
    if estate.vpn_in(&network.id).is_some() {
        bonus += 60;
    }
    for (name, worth) in [("GatewaySubnet", 100), ("AzureFirewallSubnet", 50)] {
        bonus += if has(name) { worth } else { 0 };
    }
    let looks = ["hub", "transit", "core"];
    let name = network.id.name().to_ascii_lowercase();
    bonus += if looks.iter().any(|word| name.contains(word)) { 40 } else { 0 };
    let lends = network.peerings.iter().filter(|side| side.lends || !side.uses).count();
    bonus + u32::try_from(lends.min(9)).unwrap_or(0)
}

/// The name without what names a region: the words that only one of them has count less than what both have.
fn own_words(network: &EstateNetwork, other: &EstateNetwork) -> String {
    let plain = network.id.name().to_ascii_lowercase();
    plain.replace(network.region.as_str(), "").replace(other.region.as_str(), "")
}

/// Whether the numbers in two names are the same: app1 is not app2, however alike they look.
fn same_numbers(left: &EstateNetwork, right: &EstateNetwork) -> bool {
    let numbers = |network: &EstateNetwork| -> Vec<String> {
        let name = own_words(network, network);
        let all = name.split(|letter: char| !letter.is_ascii_digit());
        all.filter(|part| !part.is_empty())
            .map(|part| part.trim_start_matches('0').to_owned())
            .collect()
    };
    numbers(left) == numbers(right)
}

/// The network that Site Recovery brings machines of this one up in.
fn mapped(estate: &KnownEstate, source: &ResourceId) -> Option<ResourceId> {
    estate
        .bodies
        .values()
        .filter(|body| read::id_at(body, "/properties/primaryNetworkId").as_ref() == Some(source))
        .find_map(|body| read::id_at(body, "/properties/recoveryNetworkId"))
}

/// Counterparts of some networks among those of the target that are free.
pub(super) fn among(
    estate: &KnownEstate,
    networks: &[&EstateNetwork],
    (source, target): (&Region, &Region),
    free: Vec<&EstateNetwork>,
    said: &BTreeMap<String, String>,
) -> (Vec<Counterpart>, Renaming) {
    let mut matcher = Matcher::new(estate, said, free);
    matcher.choose_all(networks);
    let mut renaming = Renaming::between(source.as_str(), target.as_str());
    for network in networks {
        if let Some((chosen, _)) = matcher.taken.get(&network.id) {
            renaming.learn_of(&network.id, &chosen.id);
        }
    }
    let made = networks.iter().map(|own| matcher.counterpart(own, target, &renaming)).collect();
    (made, renaming)
}
