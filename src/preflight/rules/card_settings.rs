//! Is there what a machine's network settings name? Security groups, pools of load balancers, public addresses.

use serde_json::Value;

use super::arrivals::{failovers, is_away};
use super::machines::machines;
use crate::arm::kind::LOAD_BALANCERS;
use crate::arm::read::name as named_in;
use crate::model::ResourceId;
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, card_network, cards, id_at, is, list, region_at};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// How long ago the last recovery point may be: what Site Recovery keeps of points by itself.
const POINT_AGE_MAX: u64 = 24 * 3_600;

/// The rules about what machines come up with.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ASR-NAMED",
        severity: FindingSeverity::Warn,
        fails_when: "A security group, a pool of a load balancer or a public address that a machine's network settings \
                     name is not there, or is in another region than the machine's network.",
        reads: "protected item: vmNics; what they name",
        why: "The machine's failover fails, or it comes up without: open to all, or reached by nobody.",
        fix: "Make it in the target region before the failover, or name another one in the machine's network settings.",
        source: "azure-docs 25146, concepts-network-security-group-with-site-recovery",
        judge: named,
    },
    Rule {
        id: "ASR-POINT",
        severity: FindingSeverity::Warn,
        fails_when: "The last recovery point of a machine that is to fail over is more than a day old.",
        reads: "protected item: rpoInSeconds",
        why: "It comes up as it was then: what was done since is lost.",
        fix: "Look at its replication in the vault; agree with its owner what is lost, before the failover.",
        source: "S-RP",
        judge: old_point,
    },
];

/// What a card of a machine names.
struct NamedPart {
    word: &'static str,
    id: ResourceId,
    /// The network that the card comes up in.
    network: ResourceId,
}

impl NamedPart {
    /// The resource that is read: a pool is told by its load balancer.
    fn whole(&self) -> ResourceId {
        self.id.parent().unwrap_or_else(|| self.id.clone())
    }
}

/// What the cards of a machine name, of those that come with it.
fn parts(item: &Value) -> Vec<NamedPart> {
    let mut all = Vec::new();
    for card in cards(item).iter().filter(|card| !is(card, "/selectionType", "NotSelected")) {
        let Some(network) = card_network(item, card) else { continue };
        let mut name = |word, id: Option<ResourceId>| {
            all.extend(id.map(|id| NamedPart { word, id, network: network.clone() }));
        };
        name("security group", id_at(card, "/recoveryNetworkSecurityGroupId"));
        for config in list(card, "/ipConfigs") {
            if config.get("isSeletedForFailover").and_then(Value::as_bool) == Some(false) {
                continue;
            }
            name("public address", id_at(config, "/recoveryPublicIPAddressId"));
            for pool in list(config, "/recoveryLBBackendAddressPoolIds") {
                let pool = pool.as_str().and_then(|id| ResourceId::parse(id).ok());
                let of_balancer = |id: &ResourceId| id.root().is_a(LOAD_BALANCERS);
                name("pool", pool.filter(of_balancer));
            }
        }
    }
    all
}

/// What the settings of machines that leave home name is read. On the way back Site Recovery names what the machine had.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let away = failovers(inquiry).into_iter().filter(is_away);
    let items = away.flat_map(|own| machines(inquiry, &own));
    let parts = items.flat_map(|(_, item)| parts(item));
    parts.map(|part| Question::Resource(part.whole())).collect()
}

fn named(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in failovers(inquiry).iter().filter(|own| is_away(own)) {
        let then = inquiry.at(own.step);
        for (machine, item) in machines(inquiry, own) {
            let verdicts = parts(item).into_iter().map(|part| stands(&then, &part));
            let worst = verdicts.reduce(|worst, next| match (&worst, &next) {
                (FindingVerdict::Failed(_), _) => worst,
                (_, FindingVerdict::Failed(_)) => next,
                (FindingVerdict::Unknown(_), _) => worst,
                _ => next,
            });
            all.extend(worst.map(|verdict| about(&machine, verdict)));
        }
    }
    all
}

/// Whether a part is there, where it is of use.
fn stands(then: &Inquiry<'_>, part: &NamedPart) -> FindingVerdict {
    let whole = part.whole();
    let (word, name) = (part.word, part.id.name());
    let body = match then.facts.resource(&whole) {
        Fact::Known(body) => body,
        Fact::Absent => {
            let of = if whole == part.id { "" } else { whole.name() };
            let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
            return FindingVerdict::Failed(format!("its {word} {name}{of} is not there"));
        }
        Fact::Unknown(why) => return FindingVerdict::Unknown(why.to_owned()),
    };
    let pools = list(body, "/properties/backendAddressPools");
    if whole != part.id
        && !pools
            .iter()
            .any(|pool| named_in(pool).is_some_and(|own| own.eq_ignore_ascii_case(name)))
    {
        let whole = whole.name();
        return FindingVerdict::Failed(format!("{whole} has no {word} {name}"));
    }
    let home = then.facts.body(&part.network).and_then(region_at);
    match (region_at(body), home) {
        (Some(own), Some(home)) if own != home => FindingVerdict::Failed(format!(
            "its {word} {name} is in {}, and {} in {}",
            own.as_str(),
            part.network.name(),
            home.as_str()
        )),
        _ => FindingVerdict::Passed,
    }
}

/// Of machines whose last point is told.
fn old_point(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in failovers(inquiry) {
        for (machine, item) in machines(inquiry, &own) {
            let age = item.pointer("/properties/providerSpecificDetails/rpoInSeconds");
            let Some(age) = age.and_then(Value::as_u64) else { continue };
            let verdict = if age > POINT_AGE_MAX {
                FindingVerdict::Failed(format!("it is {} hours old", age / 3_600))
            } else {
                FindingVerdict::Passed
            };
            all.push(about(&machine, verdict));
        }
    }
    all
}
