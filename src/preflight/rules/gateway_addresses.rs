//! Will Azure take the public address that a gateway is to be made with, and the zones that an address is to have?

use std::collections::BTreeMap;

use serde_json::Value;

use crate::arm::read::list;
use crate::model::action::Vpn;
use crate::model::geography;
use crate::model::{Action, Region, ResourceId, Step};
use crate::preflight::inquiry::{Inquiry, about, id_at, is, region_at, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about addresses of gateways.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "PIP-REGION",
        severity: FindingSeverity::Block,
        fails_when: "The public address of a gateway that is to be made is in another region.",
        reads: "publicIPAddress: location; the gateway's location, as planned",
        why: "Azure refuses the gateway: what it names must be in its own region (InvalidResourceReference).",
        fix: "Make an address in the gateway's region.",
        source: "docs/wire.md 3",
        judge: regions,
    },
    Rule {
        id: "PIP-KIND",
        severity: FindingSeverity::Block,
        fails_when: "The public address of a gateway that is to be made is one of IPv6, of the tier Global, or of the SKU \
                     StandardV2.",
        reads: "publicIPAddress: publicIPAddressVersion, sku",
        why: "A gateway takes a static address of IPv4; a Global address is for load balancers across regions, one of \
              StandardV2 for NAT gateways. What Azure answers is not recorded.",
        fix: "Make an address of IPv4, SKU Standard, tier Regional.",
        source: "azure-docs virtual-network/ip-services/public-ip-addresses.md (what an address may be given to); \
                 nat-gateway/nat-overview.md (StandardV2)",
        judge: kinds,
    },
    Rule {
        id: "PIP-TAKEN",
        severity: FindingSeverity::Block,
        fails_when: "Something else has the public address of an ExpressRoute gateway that is to be made, or two gateways \
                     of the runbook are to have one address.",
        reads: "publicIPAddress: ipConfiguration; the addresses of gateways, as planned",
        why: "An address is one resource's. What Azure answers for gateways is not recorded.",
        fix: "Make another address under another name; or leave `public_ip` out of an ExpressRoute gateway.",
        source: "azure-facts 2.4",
        judge: taken,
    },
    Rule {
        id: "PIP-ZONES",
        severity: FindingSeverity::Warn,
        fails_when: "A public address is to have zones, in a region that is listed without any.",
        reads: "zones, as planned; table of regions",
        why: "Azure refuses it (LocationNotSupportAvailabilityZones), unless the region has been given zones since.",
        fix: "Leave `zones` out there.",
        source: "Azure-Landing-Zones 425; terraform-azurerm-caf 1744; the table may be older than a region's zones",
        judge: zones,
    },
];

/// A gateway that is to be made, and an address that it is to have.
struct GatewayAddress<'a> {
    step: &'a Step,
    gateway: &'a ResourceId,
    location: &'a Region,
    address: &'a ResourceId,
    vpn: bool,
}

/// Of gateways that do not stand: one that stands keeps what it has.
fn addresses<'a>(inquiry: &Inquiry<'a>) -> Vec<GatewayAddress<'a>> {
    let named = inquiry.actions(|action| match action {
        Action::Gateway(spec) => {
            let all: Vec<&ResourceId> = spec.public_ip.iter().collect();
            Some((&spec.id, &spec.location, all, false))
        }
        Action::Vpn(Vpn::Gateway(spec)) => {
            Some((&spec.id, &spec.location, spec.public_ips.iter().collect(), true))
        }
        _ => None,
    });
    let named = named
        .into_iter()
        .filter(|(step, (id, ..))| !matches!(inquiry.at(step).read(id), Ok(Some(_))));
    let each = named.flat_map(|(step, (gateway, location, all, vpn))| {
        let own = move |address| GatewayAddress { step, gateway, location, address, vpn };
        all.into_iter().map(own)
    });
    each.collect()
}

fn each(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&GatewayAddress<'_>, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let all = addresses(inquiry).into_iter();
    all.flat_map(|own| inquiry.at(own.step).each([own.address], |_, body| judge(&own, body)))
        .collect()
}

fn regions(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each(inquiry, |own, body| {
        let there = region_at(body)?;
        Some(unless(there != *own.location, || {
            format!(
                "it is in {}, and {} is to be in {}",
                there.as_str(),
                own.gateway.name(),
                own.location.as_str()
            )
        }))
    })
}

fn kinds(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each(inquiry, |_, body| {
        let why = if is(body, "/properties/publicIPAddressVersion", "IPv6") {
            Some("it is an address of IPv6")
        } else if is(body, "/sku/tier", "Global") {
            Some("it is of the tier Global")
        } else if is(body, "/sku/name", "StandardV2") {
            Some("it is of the SKU StandardV2")
        } else {
            None
        };
        Some(why.map_or(FindingVerdict::Passed, |why| FindingVerdict::Failed(why.to_owned())))
    })
}

fn taken(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    // Whose the address of a VPN gateway is, another rule says.
    let mut judged = each(inquiry, |own, body| {
        if own.vpn {
            return None;
        }
        let user = id_at(body, "/properties/ipConfiguration/id")?;
        let holder = user.parent().unwrap_or_else(|| user.clone());
        let stays = holder != *own.gateway && !inquiry.removed_before(&holder, own.step);
        Some(unless(stays, || format!("{user} has it")))
    });
    let mut first: BTreeMap<&ResourceId, &ResourceId> = BTreeMap::new();
    for own in addresses(inquiry) {
        let holder = *first.entry(own.address).or_insert(own.gateway);
        if holder != own.gateway {
            let why = format!("{} and {} are to have it", holder.name(), own.gateway.name());
            judged.push(about(own.address, FindingVerdict::Failed(why)));
        }
    }
    judged
}

fn zones(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let made = inquiry.actions(|action| match action {
        Action::PublicIp(spec) if !spec.zones.is_empty() => Some(spec),
        _ => None,
    });
    let mut judged = Vec::new();
    for (step, spec) in made {
        let stands = matches!(inquiry.at(step).read(&spec.id), Ok(Some(_)));
        let Some(region) = geography::region(spec.location.as_str()).filter(|_| !stands) else {
            continue;
        };
        let verdict = unless(!region.zones, || {
            format!("{} is listed without availability zones", region.name)
        });
        judged.push(about(&spec.id, verdict));
    }
    judged
}

/// Why Azure refuses a gateway of zones for the zones of its address, where the region has any.
pub(super) fn without_zones(location: &Region, address: &Value) -> Option<FindingVerdict> {
    let region = geography::region(location.as_str())?;
    region
        .zones
        .then(|| unless(list(address, "/zones").is_empty(), || "it has no zones".to_owned()))
}
