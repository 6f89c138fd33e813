//! What is in a private DNS zone? Names, and links to the networks that know them.
//!
//! Nobody's recording of these is at hand: bodies are those of the published specification of 2020-06-01.

use serde_json::{Value, json};

use super::{Provider, Put, child, default, id_at, top_level};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// A zone.
pub(super) struct ZoneType;

impl Provider for ZoneType {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/privateDnsZones"
    }

    fn word(&self) -> &'static str {
        "PrivateDnsZone"
    }

    fn has_guid(&self) -> bool {
        false
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        default(&mut properties, "maxNumberOfRecordSets", json!(25_000));
        default(&mut properties, "maxNumberOfVirtualNetworkLinks", json!(1_000));
        default(&mut properties, "maxNumberOfVirtualNetworkLinksWithRegistration", json!(100));
        top_level(put, properties)
    }
}

/// A kind of record sets: its type, and what its properties are called.
pub(super) struct Records(pub(super) RecordFamily);

/// A family of addresses.
#[derive(Clone, Copy)]
pub(super) struct RecordFamily {
    kind: &'static str,
    list: &'static str,
    key: &'static str,
    v6: bool,
}

pub(super) const V4: RecordFamily = RecordFamily {
    kind: "Microsoft.Network/privateDnsZones/A",
    list: "aRecords",
    key: "ipv4Address",
    v6: false,
};

pub(super) const V6: RecordFamily = RecordFamily {
    kind: "Microsoft.Network/privateDnsZones/AAAA",
    list: "aaaaRecords",
    key: "ipv6Address",
    v6: true,
};

impl Provider for Records {
    fn kind(&self) -> &'static str {
        self.0.kind
    }

    fn word(&self) -> &'static str {
        "RecordSet"
    }

    fn at_once(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        check_ttl(put)?;
        let alias = names_beside(world, put).find(|other| other.is_a(ALIASES));
        if alias.is_some() {
            let message = "The record could not be created because a CNAME record with the same name already \
                           exists in this zone.";
            return Err(Refusal::unconfirmed(&unconfirmed::ALIAS, message));
        }
        let list = put.body.pointer(&format!("/properties/{}", self.0.list));
        let records: Vec<&Value> = list.and_then(Value::as_array).into_iter().flatten().collect();
        let is_address = |record: &&Value| {
            let text = record.get(self.0.key).and_then(Value::as_str).unwrap_or_default();
            text.parse::<std::net::IpAddr>().is_ok_and(|own| own.is_ipv6() == self.0.v6)
        };
        if records.is_empty() || !records.iter().all(is_address) {
            let message = format!("The record set needs records, each with an {}.", self.0.key);
            return Err(Refusal::new(400, "BadRequest", message));
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        record(put)
    }
}

/// Names that stand for other names.
const ALIASES: &str = "Microsoft.Network/privateDnsZones/CNAME";

/// A name that stands for another one, and for nothing besides (RFC 1034, 3.6.2).
pub(super) struct AliasType;

impl Provider for AliasType {
    fn kind(&self) -> &'static str {
        ALIASES
    }

    fn word(&self) -> &'static str {
        "RecordSet"
    }

    fn at_once(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        check_ttl(put)?;
        if put.text("/properties/cnameRecord/cname").is_none_or(str::is_empty) {
            let message = "The record set needs a cnameRecord with a cname.";
            return Err(Refusal::new(400, "BadRequest", message));
        }
        if names_beside(world, put).next().is_some() {
            let message = "The CNAME record could not be created because another record with the same name \
                           already exists in this zone.";
            return Err(Refusal::unconfirmed(&unconfirmed::ALIAS, message));
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        record(put)
    }
}

/// The names of other kinds that a zone has beside one that is written: the same name, whatever its letters.
fn names_beside<'w>(world: &'w World, put: &'w Put<'_>) -> impl Iterator<Item = &'w ResourceId> {
    let zone = put.id.parent();
    let all = zone.into_iter().flat_map(|zone| {
        let others = world.resources.children(&zone).map(|(id, _)| id);
        others.collect::<Vec<_>>()
    });
    all.filter(|other| {
        let same = other.name().eq_ignore_ascii_case(put.id.name());
        same && *other != put.id && !other.is_a(LINKS)
    })
}

fn check_ttl(put: &Put<'_>) -> Result<(), Refusal> {
    let ttl = put.body.pointer("/properties/ttl").and_then(Value::as_u64);
    if ttl.is_some_and(|ttl| (1..=2_147_483_647).contains(&ttl)) {
        return Ok(());
    }
    let message = "The time to live (TTL) property of the record set is missing or invalid.";
    Err(Refusal::new(400, "BadRequest", message))
}

/// A record set as it is kept: with its whole name.
fn record(put: &Put<'_>) -> Value {
    let mut properties = put.properties();
    let zone = put.id.parent().map_or_else(String::new, |zone| zone.name().to_owned());
    let name = match put.id.name() {
        "@" => format!("{zone}."),
        name => format!("{name}.{zone}."),
    };
    properties["fqdn"] = json!(name);
    properties["isAutoRegistered"] = json!(false);
    child(put, properties)
}

const LINKS: &str = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";

/// A network that knows a zone's names.
pub(super) struct LinkType;

impl Provider for LinkType {
    fn kind(&self) -> &'static str {
        LINKS
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkLink"
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        default(&mut properties, "registrationEnabled", json!(false));
        default(&mut properties, "virtualNetworkLinkState", json!("Completed"));
        let mut body = child(put, properties);
        body["location"] = json!("global");
        body
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, "/properties/virtualNetwork/id").into_iter().collect()
    }
}
