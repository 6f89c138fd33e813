//! What follows the network when it has moved? Private names, the clients that a Traffic Manager sends, and the security
//! groups of subnets: steps where what they shall be can be told from the estate, and questions to a person where not.

use std::net::IpAddr;

use serde_json::Value;

use super::advice::Advice;
use super::blocks::moved_address;
use super::draft::{Draft, DraftEndpoints, DraftGuard, DraftHub, DraftRecord};
use super::estate::KnownEstate;
use super::hub_pair::GATEWAY_SUBNET;
use super::names::keys;
use super::pairs::Counterpart;
use super::text::{StepText, scalar};
use super::wan;
use crate::arm::{kind, read};
use crate::model::{Region, ResourceId};

const PROFILES: &str = "Microsoft.Network/trafficManagerProfiles";
const RECORDS: [&str; 2] = [kind::NAMES, kind::NAMES_V6];
const GROUPS: &str = "Microsoft.Network/networkSecurityGroups";

/// Seconds for which a name is remembered while production is away.
const TTL_AWAY: &str = "60";

/// Finds what has to follow, and says what a person has to look at.
pub(super) fn look(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    if draft.test.is_some() {
        return;
    }
    if draft.wan.is_some() || advice.source.is_none() {
        return by_hand(estate, draft);
    }
    records(estate, advice, draft);
    endpoints(estate, advice, draft);
    guards(estate, advice, draft);
}

/// Names and clients of an estate whose networks are no pairs.
fn by_hand(estate: &KnownEstate, draft: &mut Draft) {
    wan::fast_path(estate, draft);
    for (kind, words, action) in [
        ("Microsoft.Network/privateDnsZones", "private DNS zones", "private_dns.record"),
        (PROFILES, "Traffic Manager profiles", "traffic_manager.endpoint"),
    ] {
        let all: Vec<&str> = estate.of_kind(kind).map(|(id, _)| id.name()).collect();
        if !all.is_empty() {
            draft.todo.decide(format!(
                "The estate has {words} ({}): add the steps that let names follow (`{action}`), where they must.",
                all.join(", ")
            ));
        }
    }
}

fn counterparts(advice: &Advice) -> impl Iterator<Item = &Counterpart> {
    advice.pairs.hubs.iter().flat_map(|hub| std::iter::once(&hub.hub).chain(&hub.spokes))
}

/// Private names of what runs in a network whose counterpart has other addresses.
fn records(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    let moved = |address: IpAddr| {
        counterparts(advice)
            .filter_map(|own| Some((own.source.as_ref()?, &own.target)))
            .filter(|(source, target)| source.space != target.space)
            .find_map(|(source, target)| moved_address(address, &source.space, &target.space))
    };
    for (id, body) in RECORDS.iter().flat_map(|kind| estate.of_kind(kind)) {
        let before = addresses(body);
        let after: Option<Vec<IpAddr>> = before.iter().map(|own| moved(*own)).collect();
        let any = before.iter().any(|own| moved(*own).is_some());
        // What machines register for themselves follows by itself.
        if !any || read::flag(body, "/properties/isAutoRegistered") {
            continue;
        }
        let (Some(zone), Some(after)) = (id.parent(), after) else {
            draft.todo.decide(format!(
                "The private name {} stands for addresses that move and for others: let it follow by hand.",
                id.name()
            ));
            continue;
        };
        draft.todo.decide(format!(
            "The runbook lets the private name {} of {} follow to {}, which has the same place in the target's \
             network: see that the machine comes up there.",
            id.name(),
            zone.name(),
            words(&after)
        ));
        let ttl = read::number(body, "/properties/ttl");
        draft.records.push(DraftRecord {
            key: String::new(),
            zone,
            name: id.name().to_owned(),
            before,
            after,
            ttl,
        });
    }
    let names: Vec<String> =
        draft.records.iter().map(|own| format!("{}_{}", own.name, own.zone.name())).collect();
    for (own, key) in draft.records.iter_mut().zip(keys(&names)) {
        own.key = format!("name_{key}");
    }
}

fn addresses(body: &Value) -> Vec<IpAddr> {
    let of = |list, key| {
        read::list(body, list)
            .iter()
            .filter_map(move |own| read::text(own, key)?.parse::<IpAddr>().ok())
    };
    of("/properties/aRecords", "/ipv4Address")
        .chain(of("/properties/aaaaRecords", "/ipv6Address"))
        .collect()
}

/// Profiles that send clients to the source, and have an endpoint at the target.
fn endpoints(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    let Some(source) = &advice.source else { return };
    for (profile, body) in estate.of_kind(PROFILES) {
        let all = read::list(body, "/properties/endpoints");
        let at = |region: &Region| -> Vec<(ResourceId, bool)> {
            all.iter()
                .filter(|own| place(estate, own).as_ref() == Some(region))
                .filter_map(|own| {
                    let on = read::is(own, "/properties/endpointStatus", "Enabled");
                    Some((read::id_at(own, "/id")?, on))
                })
                .collect()
        };
        let (there, here) = (at(source), at(&advice.target));
        let left: Vec<ResourceId> =
            there.into_iter().filter(|(_, on)| *on).map(|(id, _)| id).collect();
        if left.is_empty() || here.is_empty() {
            draft.todo.decide(format!(
                "Where does the Traffic Manager profile {} send clients when {} is lost? No region of an endpoint \
                 says it; a step is `traffic_manager.endpoint`, by hand: az network traffic-manager endpoint update \
                 --subscription {} -g {} --profile-name {} --type TYPE -n NAME --endpoint-status Enabled",
                profile.name(),
                source.as_str(),
                profile.subscription(),
                profile.resource_group(),
                profile.name()
            ));
            continue;
        }
        draft.endpoints.push(DraftEndpoints {
            key: String::new(),
            profile: profile.name().to_owned(),
            off: here.into_iter().filter(|(_, on)| !on).map(|(id, _)| id).collect(),
            left,
        });
    }
    let names: Vec<String> = draft.endpoints.iter().map(|own| own.profile.clone()).collect();
    for (own, key) in draft.endpoints.iter_mut().zip(keys(&names)) {
        own.key = key;
    }
}

/// Where an endpoint is: it says so, or what it stands for does.
fn place(estate: &KnownEstate, endpoint: &Value) -> Option<Region> {
    let said = read::text(endpoint, "/properties/endpointLocation");
    said.and_then(|text| Region::parse(text).ok()).or_else(|| {
        let target = read::id_at(endpoint, "/properties/targetResourceId")?;
        estate.bodies.get(&target).and_then(read::region)
    })
}

/// Subnets of the target without a security group, where the source's have one.
fn guards(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) {
    let mut found = Vec::new();
    for own in counterparts(advice) {
        let Some(source) = &own.source else { continue };
        for subnet in &source.subnets {
            let Some(group) = &subnet.security_group else { continue };
            if subnet.name == GATEWAY_SUBNET {
                continue;
            }
            let there = own.target.subnets.iter().find(|own| own.name == subnet.name);
            let bare = own.planned || there.is_some_and(|there| there.security_group.is_none());
            let Ok(id) = own.target.id.child("subnets", &subnet.name) else { continue };
            if !bare {
                continue;
            }
            let name = advice.pairs.renaming.name(group.name());
            let made = estate.of_kind(GROUPS).map(|(id, body)| (id, read::region(body))).find(
                |(id, region)| {
                    id.name().eq_ignore_ascii_case(&name)
                        && id.subscription().eq_ignore_ascii_case(own.target.id.subscription())
                        && region.as_ref() == Some(&own.target.region)
                },
            );
            match made {
                Some((made, _)) => found.push(DraftGuard {
                    key: String::new(),
                    needs: Vec::new(),
                    subnet: id,
                    group: made.clone(),
                }),
                None => draft.todo.decide(format!(
                    "{} of {} has no network security group, and {} of {} has {}. Make its like (az network nsg \
                     create --subscription {} -g {} -n {name} -l {}, and its rules), then: az network vnet subnet \
                     update --ids {id} --network-security-group {name}",
                    subnet.name,
                    own.target.id.name(),
                    subnet.name,
                    source.id.name(),
                    group.name(),
                    own.target.id.subscription(),
                    own.target.id.resource_group(),
                    own.target.region.as_str(),
                )),
            }
        }
    }
    give_keys(&mut found, &draft.hubs);
    draft.guards = found;
}

/// Names the steps that guard subnets, and says which come before them.
fn give_keys(found: &mut [DraftGuard], hubs: &[DraftHub]) {
    let names: Vec<String> = found
        .iter()
        .map(|own| {
            let network = own.subnet.parent().map_or_else(String::new, |own| own.name().to_owned());
            format!("{network}_{}", own.subnet.name())
        })
        .collect();
    for (own, key) in found.iter_mut().zip(keys(&names)) {
        own.key = key;
        // One writer of a subnet after the other.
        own.needs = hubs
            .iter()
            .flat_map(|hub| hub.tables.iter().map(move |table| (hub, table)))
            .filter(|(_, table)| table.subnets.iter().any(|(_, subnet)| *subnet == own.subnet))
            .map(|(hub, table)| (table.key.clone(), hub.suffix.clone()))
            .collect();
    }
}

fn words(all: &[IpAddr]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn list(all: &[IpAddr]) -> String {
    let all: Vec<String> = all.iter().map(|own| format!("\"{own}\"")).collect();
    format!("[{}]", all.join(", "))
}

/// Security groups come to their subnets; nothing waits for that.
pub(super) fn guarded(draft: &Draft, steps: &mut Vec<StepText>) {
    for own in &draft.guards {
        let needs: Vec<String> =
            own.needs.iter().map(|(table, s)| format!("{table}_used{s}")).collect();
        steps.push(guard(own, "guarded", "security_group.associate").needs(&needs));
    }
}

/// Names and clients follow, once the network is proven; the names of the steps.
pub(super) fn follow(draft: &Draft, needs: &[String], steps: &mut Vec<StepText>) -> Vec<String> {
    let mut names = Vec::new();
    for own in &draft.records {
        steps.push(
            record(own, &own.key, &own.after, Some(TTL_AWAY.to_owned())).needs(needs).say(
                "why",
                "The network comes first, the name after it. Who remembers the old answer keeps it as long as it \
                 was told to.",
            ),
        );
        names.push(own.key.clone());
    }
    for own in &draft.endpoints {
        let here = switch(&format!("clients_here_{}", own.key), &own.off, true, needs, steps);
        let needs = if here.is_empty() { needs.to_vec() } else { here };
        switch(&format!("clients_not_there_{}", own.key), &own.left, false, &needs, steps);
    }
    names
}

/// Names and clients go home.
pub(super) fn return_home(draft: &Draft, needs: &[String], steps: &mut Vec<StepText>) {
    for own in &draft.endpoints {
        let there = switch(&format!("clients_there_{}", own.key), &own.left, true, needs, steps);
        switch(&format!("clients_not_here_{}", own.key), &own.off, false, &there, steps);
    }
    for own in &draft.records {
        let ttl = own.ttl.map(|ttl| ttl.to_string());
        steps.push(record(own, &format!("{}_home", own.key), &own.before, ttl).needs(needs));
    }
    for own in &draft.guards {
        let needs = own.needs.iter().map(|(table, s)| format!("{table}_unused{s}"));
        let needs: Vec<String> = std::iter::once("go_ahead".to_owned()).chain(needs).collect();
        steps.push(guard(own, "unguarded", "security_group.dissociate").needs(&needs));
    }
}

fn record(own: &DraftRecord, step: &str, to: &[IpAddr], ttl: Option<String>) -> StepText {
    let title = format!("{} of {} stands for {}", own.name, own.zone.name(), words(to));
    let step = StepText::new(step, &title, "private_dns.record")
        .with("zone", scalar(own.zone.as_str()))
        .with("name", scalar(&own.name))
        .with("addresses", list(to));
    match ttl {
        Some(ttl) => step.with("ttl", ttl),
        None => step,
    }
}

/// Switches endpoints on or off; the names of the steps.
fn switch(
    step: &str,
    all: &[ResourceId],
    on: bool,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Vec<String> {
    let mut names = Vec::new();
    for (number, id) in all.iter().enumerate() {
        let name = if number == 0 { step.to_owned() } else { format!("{step}_{}", number + 1) };
        let word = if on { "are" } else { "are not" };
        let title = format!("Clients from outside {word} sent to {}", id.name());
        let mut own = StepText::new(&name, &title, "traffic_manager.endpoint")
            .needs(needs)
            .with("endpoint", scalar(id.as_str()))
            .with("enabled", on.to_string());
        if !on {
            own = own.say(
                "why",
                "This goes last: a profile without an endpoint that is on answers with all of them.",
            );
        }
        steps.push(own);
        names.push(name);
    }
    names
}

fn guard(own: &DraftGuard, mark: &str, action: &str) -> StepText {
    let no_more = if action.ends_with("dissociate") { " no more" } else { "" };
    let network = own.subnet.parent().map_or_else(String::new, |own| own.name().to_owned());
    let title = format!("{} of {network} uses {}{no_more}", own.subnet.name(), own.group.name());
    StepText::new(&format!("{mark}_{}", own.key), &title, action)
        .with("subnet", scalar(own.subnet.as_str()))
        .with("security_group", scalar(own.group.as_str()))
}
