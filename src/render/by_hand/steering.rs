//! How are clients told by hand to go elsewhere? What they are told now is noted first.

use super::before::KeptBody;
use super::ensure::way;
use super::shell::Az;
use super::{Guide, Line, Trouble, called, line, noted, parent_name, within};
use crate::model::action::{DnsRecord, Steering, TrafficEndpoint};

pub(super) fn steering(steering: &Steering) -> Guide {
    match steering {
        Steering::Record(spec) => record(spec),
        Steering::Endpoint(spec) => endpoint(spec),
    }
}

/// What a record's family is called.
struct HandFamily {
    show: &'static str,
    delete: &'static str,
    records: &'static str,
    address: &'static str,
    query: &'static str,
}

const V4: HandFamily = HandFamily {
    show: "network private-dns record-set a show",
    delete: "network private-dns record-set a delete",
    records: "aRecords",
    address: "ipv4Address",
    query: "{addresses:aRecords[].ipv4Address,ttl:ttl}",
};

const V6: HandFamily = HandFamily {
    show: "network private-dns record-set aaaa show",
    delete: "network private-dns record-set aaaa delete",
    records: "aaaaRecords",
    address: "ipv6Address",
    query: "{addresses:aaaaRecords[].ipv6Address,ttl:ttl}",
};

fn record(spec: &DnsRecord) -> Guide {
    let (id, zone) = (&spec.id, parent_name(&spec.id));
    let family = if spec.is_v6() { V6 } else { V4 };
    let named = |verb: &'static str| {
        within(verb, id).with("--zone-name", zone.as_str()).with("--name", id.name())
    };
    let show = named(family.show).with("--query", family.query);
    let before = KeptBody::new(id);
    let mut act: Vec<Line> = vec![before.keep()];
    let ttl = match spec.ttl {
        Some(ttl) => ttl.to_string(),
        None => {
            let read = named(family.show).with("--query", "ttl").with("--output", "tsv").text();
            act.push(noted(
                "The TTL stays as it is; 300 on a new name.",
                format!("TTL=$({read} || echo 300)"),
            ));
            "$TTL".to_owned()
        }
    };
    let addresses: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
    let records: Vec<String> = addresses
        .iter()
        .map(|one| format!("{{\\\"{}\\\":\\\"{one}\\\"}}", family.address))
        .collect();
    // One write: were it removed and made again, the name would not be there in between.
    let put = Az::new("rest").with("--method", "put").with("--url", called(id.as_str())).text();
    let body = format!(
        "\"{{\\\"properties\\\":{{\\\"ttl\\\":{ttl},\\\"{}\\\":[{}]}}}}\"",
        family.records,
        records.join(",")
    );
    act.push(noted(
        "One write of all addresses: the name is there at every moment.",
        format!("{put} \\\n  --body {body} \\\n  --query id"),
    ));
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
        undo: vec![before.restore(&named(family.delete).with_flag("--yes"))],
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
    let before = KeptBody::new(id);
    let word = |on: bool| if on { "Enabled" } else { "Disabled" };
    let update = named("network traffic-manager endpoint update")
        .with_all("--endpoint-status", spec.enabled.iter().map(|on| word(*on).to_owned()).collect())
        .with_all("--priority", spec.priority.iter().map(ToString::to_string).collect())
        .with_all("--weight", spec.weight.iter().map(ToString::to_string).collect());
    let mut good: Vec<String> = Vec::new();
    good.extend(spec.enabled.map(|on| format!("status is {}", word(on))));
    good.extend(spec.priority.map(|own| format!("priority is {own}")));
    good.extend(spec.weight.map(|share| format!("weight is {share}")));
    Guide {
        portal: way(&["Traffic Manager profiles", &profile, "Endpoints", id.name()]),
        act: vec![before.keep(), line(update.text())],
        check: vec![line(show.text())],
        good: format!("{}.", good.join(", ")),
        wrong: vec![Trouble {
            sign: "Two endpoints have the same priority",
            then: "Azure refuses it: give the other one another turn first.",
        }],
        undo: vec![
            before.restore(
                &named("network traffic-manager endpoint update")
                    .with("--endpoint-status", word(spec.enabled != Some(true))),
            ),
        ],
        undo_note: "Clients follow when the answer that they remember runs out.".to_owned(),
    }
}
