//! What of the networks that stand for others should a person look at? Guesses, choices, and what does not fit.

use super::advice::Advice;
use super::estate::{EstateNetwork, KnownEstate, overlap};
use super::pairs::Counterpart;
use super::todo::Todo;
use super::wan;
use crate::model::azure_limits::service_subnet_named;
use crate::model::{Region, covered};

/// Says what of the pairs somebody must look at.
pub(super) fn look(estate: &KnownEstate, advice: &Advice, pairs: &[&Counterpart], todo: &mut Todo) {
    each(pairs, todo);
    for own in pairs {
        let Some(source) = &own.source else { continue };
        if !own.rivals.is_empty() {
            todo.decide(format!(
                "{} stands for {}, because of {}, and {} would as well: see which it is (--param network.{}={}).",
                own.target.id.name(),
                source.id.name(),
                own.because,
                own.rivals.join(", "),
                source.id.name(),
                own.rivals.first().map_or("NAME", String::as_str)
            ));
        }
        if let Some((id, region)) = &own.name_taken {
            let holder = pairs.iter().find(|pair| pair.target.id == *id);
            name_taken(own, (id.name(), region, holder.copied()), &advice.target, todo);
        }
        if !own.planned {
            other_subnets(source, &own.target, todo);
            let hubs = &advice.pairs.hubs;
            if hubs.iter().any(|hub| hub.hub.target.id == own.target.id) {
                part_of_hub(source, &own.target, todo);
            }
        }
    }
    unpaired(estate, advice, pairs, todo);
}

/// A network has the name that another would be made by; `holder` is what it stands for, if it does.
fn name_taken(
    own: &Counterpart,
    (name, there, holder): (&str, &Region, Option<&Counterpart>),
    target: &Region,
    todo: &mut Todo,
) {
    let source = own.source.as_ref().map_or("", |own| own.id.name());
    let why = if there == target {
        match holder.and_then(|own| own.source.as_ref()) {
            Some(of) => format!("and stands for {}", of.id.name()),
            None => "and stands for none of the source".to_owned(),
        }
    } else {
        format!(
            "and an id is one network in one region. If it shall serve {} all the same, peer it by hand, across regions",
            target.as_str()
        )
    };
    todo.decide(format!(
        "{name} is in {} already, {why}. What is to stand for {source} is made as {}.",
        there.as_str(),
        own.target.id.name()
    ));
}

/// Where addresses are kept, the target's subnets are those of the source (azure-facts 2.3): a machine that keeps its
/// address comes up in the subnet that has it.
fn other_subnets(source: &EstateNetwork, target: &EstateNetwork, todo: &mut Todo) {
    if !overlap(&source.space, &target.space) {
        return;
    }
    let has = |prefix: &ipnet::IpNet| {
        covered(prefix, target.subnets.iter().flat_map(|own| &own.prefixes))
    };
    // Subnets of Azure's own services have no machines in them that could move.
    let of_machines = source.subnets.iter().filter(|own| service_subnet_named(&own.name).is_none());
    for subnet in
        of_machines.filter(|own| !own.name.eq_ignore_ascii_case(super::hub_pair::GATEWAY_SUBNET))
    {
        let lost: Vec<String> =
            subnet.prefixes.iter().filter(|own| !has(own)).map(ToString::to_string).collect();
        if !lost.is_empty() {
            todo.decide(format!(
                "{} has the addresses of {}, and no subnet for {} of its subnet {}: machines that keep those addresses \
                 have none to come up in. Make the target's subnets those of the source, or let them come up with others.",
                target.id.name(),
                source.id.name(),
                lost.join(", "),
                subnet.name
            ));
        }
    }
}

/// A hub of the target with a part of the source's addresses: of spokes it is said where their addresses change.
fn part_of_hub(source: &EstateNetwork, target: &EstateNetwork, todo: &mut Todo) {
    let lost: Vec<String> = source
        .space
        .iter()
        .filter(|own| !covered(own, &target.space))
        .map(ToString::to_string)
        .collect();
    if overlap(&source.space, &target.space) && !lost.is_empty() {
        todo.decide(format!(
            "{} has a part of the addresses of {} and not the whole of {}: see that nothing on-premises or in Azure is to \
             reach the rest after a failover.",
            target.id.name(),
            source.id.name(),
            lost.join(", ")
        ));
    }
}

/// Networks of the target that stand for nobody, beside networks of the source that nothing stands for.
fn unpaired(estate: &KnownEstate, advice: &Advice, pairs: &[&Counterpart], todo: &mut Todo) {
    let mut alone =
        pairs.iter().filter(|own| own.planned).filter_map(|own| own.source.as_ref()).peekable();
    let Some(first) = alone.peek().map(|own| own.id.name().to_owned()) else { return };
    let alone: Vec<&str> = alone.map(|own| own.id.name()).collect();
    let of_wan = wan::networks(estate, Some(&advice.target));
    let free: Vec<&str> = estate
        .networks
        .iter()
        .filter(|own| own.region == advice.target)
        .filter(|own| !pairs.iter().any(|pair| pair.target.id == own.id))
        .filter(|own| !of_wan.iter().any(|wan| wan.id == own.id))
        .filter(|own| !own.peerings.iter().any(|side| side.uses))
        .filter(|own| !estate.has_gateway(&own.id))
        .map(|own| own.id.name())
        .collect();
    let Some(one) = free.first() else { return };
    todo.decide(format!(
        "{} of {} would have to be made, and {} in {} stand for none: where one does, say so (--param \
         network.{first}={one}).",
        alone.join(", "),
        advice.source.as_ref().map_or("the source", Region::as_str),
        free.join(", "),
        advice.target.as_str()
    ));
}

/// What a person should see of the networks that stand for others.
fn each(pairs: &[&Counterpart], todo: &mut Todo) {
    for own in pairs {
        let Some(source) = &own.source else { continue };
        if !own.planned && own.because.is_guess() {
            todo.decide(format!(
                "{} stands for {}, because of {}: see that it does (--param network.{}=NAME).",
                own.target.id.name(),
                source.id.name(),
                own.because,
                source.id.name()
            ));
        }
        if !own.planned && source.dns != own.target.dns {
            todo.decide(format!(
                "{} asks {} for names, and {} asks {}: see that names resolve when the source is down. A step is \
                 `vnet.dns`, by hand: az network vnet update --ids {} --dns-servers ADDRESSES",
                source.id.name(),
                servers(&source.dns),
                own.target.id.name(),
                servers(&own.target.dns),
                own.target.id
            ));
        }
    }
}

fn servers(all: &[String]) -> String {
    if all.is_empty() { "Azure's own resolver".to_owned() } else { all.join(", ") }
}
