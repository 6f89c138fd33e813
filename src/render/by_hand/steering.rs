//! How are clients told by hand to go elsewhere? What they are told now is noted first.

use super::ensure::way;
use super::{Guide, Line, Trouble, line, noted, parent_name, within};
use crate::model::action::{DnsRecord, Steering, TrafficEndpoint};

pub(super) fn steering(steering: &Steering) -> Guide {
    match steering {
        Steering::Record(spec) => record(spec),
        Steering::Endpoint(spec) => endpoint(spec),
    }
}

/// The commands of one family of records.
struct HandFamily {
    show: &'static str,
    create: &'static str,
    add: &'static str,
    update: &'static str,
    delete: &'static str,
    address: &'static str,
    query: &'static str,
}

const V4: HandFamily = HandFamily {
    show: "network private-dns record-set a show",
    create: "network private-dns record-set a create",
    add: "network private-dns record-set a add-record",
    update: "network private-dns record-set a update",
    delete: "network private-dns record-set a delete",
    address: "--ipv4-address",
    query: "{addresses:aRecords[].ipv4Address,ttl:ttl}",
};

const V6: HandFamily = HandFamily {
    show: "network private-dns record-set aaaa show",
    create: "network private-dns record-set aaaa create",
    add: "network private-dns record-set aaaa add-record",
    update: "network private-dns record-set aaaa update",
    delete: "network private-dns record-set aaaa delete",
    address: "--ipv6-address",
    query: "{addresses:aaaaRecords[].ipv6Address,ttl:ttl}",
};

fn record(spec: &DnsRecord) -> Guide {
    let (id, zone) = (&spec.id, parent_name(&spec.id));
    let family = if spec.is_v6() { V6 } else { V4 };
    let named = |verb: &'static str| {
        within(verb, id).with("--zone-name", zone.as_str()).with("--name", id.name())
    };
    let added = |verb: &'static str| {
        within(verb, id).with("--zone-name", zone.as_str()).with("--record-set-name", id.name())
    };
    let show = named(family.show).with("--query", family.query);
    let mut act: Vec<Line> = vec![
        noted(
            "First note the addresses and the TTL that it has; taking this back needs them.",
            show.text(),
        ),
        noted(
            "If it is there, it goes first: a record set that loses its last address is gone.",
            named(family.delete).with_flag("--yes").text(),
        ),
    ];
    let ttl = spec.ttl.map_or_else(|| "TTL".to_owned(), |ttl| ttl.to_string());
    let note = if spec.ttl.is_some() {
        None
    } else {
        Some("TTL is the one that you noted; 300 on a new name.")
    };
    let create = named(family.create).with("--ttl", ttl).text();
    act.push(Line { note: note.map(str::to_owned), command: create });
    act.extend(
        spec.addresses.iter().map(|address| {
            line(added(family.add).with(family.address, address.to_string()).text())
        }),
    );
    let addresses: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
    let back = format!("ttl={}", spec.ttl.map_or_else(|| "300".to_owned(), |ttl| ttl.to_string()));
    Guide {
        portal: way(&["Private DNS zones", &zone, "Recordsets", id.name()]),
        act,
        check: vec![line(show.text())],
        good: format!("addresses are exactly {}.", addresses.join(", ")),
        wrong: vec![
            Trouble {
                sign: "Clients still go to the old address",
                then: "They remember it until the TTL is up. Clear the cache of a client that cannot wait.",
            },
            Trouble {
                sign: "A network does not know the name at all",
                then: "The zone is not linked to that network: add the link, without registration.",
            },
        ],
        undo: vec![noted(
            "The same again with the addresses and the TTL that you noted; this sets the TTL.",
            named(family.update).with("--set", back).text(),
        )],
        undo_note: "A name that was not there before is deleted.".to_owned(),
    }
}

fn endpoint(spec: &TrafficEndpoint) -> Guide {
    let (id, profile) = (&spec.id, parent_name(&spec.id));
    let kind = id.resource_type();
    let kind = kind.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let named = |verb: &'static str| {
        within(verb, id)
            .with("--profile-name", profile.as_str())
            .with("--name", id.name())
            .with("--type", kind.as_str())
    };
    let show = named("network traffic-manager endpoint show").with(
        "--query",
        "{status:endpointStatus,monitor:endpointMonitorStatus,priority:priority,weight:weight}",
    );
    let word = |on: bool| if on { "Enabled" } else { "Disabled" };
    let update = named("network traffic-manager endpoint update")
        .with_all("--endpoint-status", spec.enabled.iter().map(|on| word(*on).to_owned()).collect())
        .with_all("--priority", spec.priority.iter().map(ToString::to_string).collect())
        .with_all("--weight", spec.weight.iter().map(ToString::to_string).collect());
    let mut good: Vec<String> = Vec::new();
    good.extend(spec.enabled.map(|on| format!("status is {}", word(on))));
    good.extend(spec.priority.map(|turn| format!("priority is {turn}")));
    good.extend(spec.weight.map(|share| format!("weight is {share}")));
    Guide {
        portal: way(&["Traffic Manager profiles", &profile, "Endpoints", id.name()]),
        act: vec![
            noted("First note how it is; taking this back needs it.", show.text()),
            line(update.text()),
        ],
        check: vec![line(show.text())],
        good: format!("{}.", good.join(", ")),
        wrong: vec![Trouble {
            sign: "Two endpoints have the same priority",
            then: "Azure refuses it: give the other one another turn first.",
        }],
        undo: vec![noted(
            "With the values that you noted.",
            named("network traffic-manager endpoint update")
                .with("--endpoint-status", word(spec.enabled != Some(true)))
                .text(),
        )],
        undo_note: "Clients follow when the answer that they remember runs out.".to_owned(),
    }
}
