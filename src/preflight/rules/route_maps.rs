//! Does a route map of a hub drop what the run is to bring back?

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::read::{is, list, text};
use crate::preflight::hub_side::{MapUse, RouteWay};
use crate::preflight::inquiry::{Inquiry, about, overlap};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about route maps.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HUB-MAP-DROP",
        severity: FindingSeverity::Block,
        fails_when: "A route map on a connection of a hub that the run uses drops a prefix that is to be recovered.",
        reads: "connections of the hub: routingConfiguration.inboundRouteMap, outboundRouteMap; the maps: rules",
        why: "The hub never learns the prefix, or never tells of it: a verification waits for it until its time is up, \
              and without one nobody sees why it is not reached.",
        fix: "Take the rule out of the map, or the map off the connection; a map that keeps a standby quiet is taken off \
              before the failover.",
        source: "azure-docs virtual-wan/route-maps-about.md",
        judge: |inquiry| judged(inquiry, dropped),
    },
    Rule {
        id: "HUB-MAP",
        severity: FindingSeverity::Warn,
        fails_when: "A route map on a connection of a hub that the run uses does what is not judged here: it matches AS \
                     paths or communities, writes prefixes anew, or cannot be read.",
        reads: "connections of the hub: routingConfiguration.inboundRouteMap, outboundRouteMap; the maps: rules",
        why: "It may drop or change what is to be recovered, and nothing here, nor a drill, shows it.",
        fix: "See what the map does to the prefixes of on-premises and of the networks.",
        source: "azure-docs virtual-wan/route-maps-about.md",
        judge: |inquiry| judged(inquiry, unclear),
    },
];

/// What a map does to a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MapEffect {
    Passes,
    Dropped(String),
    /// It cannot be told, because of this rule.
    Unclear(String),
}

/// Whether a criterion is met: prefixes alone can be told.
fn meets(criterion: &Value, prefix: &IpNet) -> Option<bool> {
    let others = ["/asPath", "/community"].iter().any(|key| !list(criterion, key).is_empty());
    let nets = list(criterion, "/routePrefix").iter();
    let nets: Option<Vec<IpNet>> = nets.map(|net| net.as_str()?.parse().ok()).collect();
    let nets = nets.filter(|nets| !nets.is_empty() && !others)?;
    let condition = text(criterion, "/matchCondition")?;
    let has = |same: &dyn Fn(&IpNet) -> bool| nets.iter().any(same);
    match condition.to_ascii_lowercase().as_str() {
        "equals" => Some(has(&|net| net == prefix)),
        "contains" => Some(has(&|net| net.contains(prefix))),
        "notequals" => Some(!has(&|net| net == prefix)),
        "notcontains" => Some(!has(&|net| net.contains(prefix))),
        _ => None,
    }
}

/// What a map's rules do to a prefix, in their order.
fn effect(map: &Value, prefix: &IpNet) -> MapEffect {
    for rule in list(map, "/properties/rules") {
        let name = || text(rule, "/name").unwrap_or("without a name").to_owned();
        let criteria = list(rule, "/matchCriteria");
        let met: Option<Vec<bool>> =
            criteria.iter().map(|criterion| meets(criterion, prefix)).collect();
        // What a rule without criteria matches is not said in the document.
        let Some(met) = met.filter(|met| !met.is_empty()) else {
            return MapEffect::Unclear(name());
        };
        if met.contains(&false) {
            continue;
        }
        let actions = list(rule, "/actions");
        if actions.iter().any(|action| is(action, "/type", "Drop")) {
            return MapEffect::Dropped(name());
        }
        let rewrites = |action: &Value| {
            let parameters = list(action, "/parameters").iter();
            parameters.map(|own| list(own, "/routePrefix")).any(|own| !own.is_empty())
        };
        if actions.iter().any(rewrites) {
            return MapEffect::Unclear(name());
        }
        if !is(rule, "/nextStepIfMatched", "Continue") {
            return MapEffect::Passes;
        }
    }
    MapEffect::Passes
}

/// The prefixes that pass a connection by a map, as far as the run is about them.
fn prefixes(inquiry: &Inquiry<'_>, own: &MapUse) -> Result<Vec<IpNet>, String> {
    let of_circuits = match (&own.network, own.way) {
        (None, RouteWay::In) | (Some(_), RouteWay::Out) => true,
        (None, RouteWay::Out) | (Some(_), RouteWay::In) => false,
    };
    if !of_circuits {
        let networks = match &own.network {
            Some(network) => vec![network.clone()],
            None => inquiry.networks_brought(&own.hub),
        };
        let mut all = Vec::new();
        for network in networks {
            inquiry.read(&network)?;
            all.extend(inquiry.space(&network).unwrap_or_default());
        }
        return Ok(all);
    }
    let expected = inquiry.expected_of(&own.hub);
    let mut heard = Vec::new();
    for circuit in inquiry.circuits_of_hub(&own.hub, own.circuit.as_ref()) {
        heard.extend(inquiry.heard(&circuit)?);
    }
    let meant = |net: &IpNet| expected.is_empty() || expected.iter().any(|own| overlap(own, net));
    Ok(heard.into_iter().filter(meant).collect())
}

fn judged(
    inquiry: &Inquiry<'_>,
    judge: fn(&MapUse, &Value, &[IpNet]) -> FindingVerdict,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in inquiry.maps_in_use() {
        let verdict = match (inquiry.read(&own.map), prefixes(inquiry, &own)) {
            (Ok(Some(map)), Ok(prefixes)) => judge(&own, map, &prefixes),
            (Ok(None), _) => {
                FindingVerdict::Unknown(format!("the map {} is not to be seen", own.map.name()))
            }
            (Err(why), _) | (_, Err(why)) => FindingVerdict::Unknown(why),
        };
        all.push(about(&own.connection, verdict));
    }
    all
}

fn dropped(own: &MapUse, map: &Value, prefixes: &[IpNet]) -> FindingVerdict {
    let hit = prefixes.iter().find_map(|prefix| match effect(map, prefix) {
        MapEffect::Dropped(rule) => Some((prefix, rule)),
        MapEffect::Passes | MapEffect::Unclear(_) => None,
    });
    hit.map_or(FindingVerdict::Passed, |(prefix, rule)| {
        FindingVerdict::Failed(format!(
            "rule {rule} of its {} map {} drops {prefix}",
            own.way.as_str(),
            own.map.name()
        ))
    })
}

fn unclear(own: &MapUse, map: &Value, prefixes: &[IpNet]) -> FindingVerdict {
    let hit = prefixes.iter().find_map(|prefix| match effect(map, prefix) {
        MapEffect::Unclear(rule) => Some((prefix, rule)),
        MapEffect::Passes | MapEffect::Dropped(_) => None,
    });
    hit.map_or(FindingVerdict::Passed, |(prefix, rule)| {
        FindingVerdict::Failed(format!(
            "what rule {rule} of its {} map {} does to {prefix} is not judged",
            own.way.as_str(),
            own.map.name()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(rules: &Value, prefix: &str) -> MapEffect {
        let map = json!({ "properties": { "rules": rules } });
        effect(&map, &prefix.parse().expect("a prefix"))
    }

    fn rule(name: &str, criterion: &Value, kind: &str, next: &str) -> Value {
        json!({ "name": name, "matchCriteria": [criterion],
            "actions": [{ "type": kind, "parameters": [{ "asPath": ["65000"] }] }],
            "nextStepIfMatched": next })
    }

    #[test]
    fn the_first_rule_that_matches_and_ends_decides() {
        let site = json!({ "matchCondition": "Contains", "routePrefix": ["10.100.0.0/16"] });
        let one = json!({ "matchCondition": "Equals", "routePrefix": ["10.100.0.0/16"] });
        let path = json!({ "matchCondition": "Contains", "asPath": ["65010"] });
        let drop = rule("drop", &site, "Drop", "Terminate");
        let dropped = MapEffect::Dropped("drop".to_owned());
        assert_eq!(of(&json!([drop]), "10.100.0.0/16"), dropped);
        assert_eq!(of(&json!([drop]), "10.100.128.0/17"), dropped);
        assert_eq!(of(&json!([drop]), "10.101.0.0/16"), MapEffect::Passes);
        let exact = rule("drop", &one, "Drop", "Terminate");
        assert_eq!(of(&json!([exact]), "10.100.0.0/16"), dropped);
        assert_eq!(of(&json!([exact]), "10.100.128.0/17"), MapEffect::Passes);
        // What comes before it lets the prefix go, or on.
        let ends = rule("add", &one, "Add", "Terminate");
        assert_eq!(of(&json!([ends, drop]), "10.100.0.0/16"), MapEffect::Passes);
        let on = rule("add", &one, "Add", "Continue");
        assert_eq!(of(&json!([on, drop]), "10.100.0.0/16"), dropped);
        let unclear = rule("path", &path, "Drop", "Terminate");
        let why = MapEffect::Unclear("path".to_owned());
        assert_eq!(of(&json!([unclear, drop]), "10.100.0.0/16"), why);
        let mut anew = rule("anew", &site, "Replace", "Continue");
        anew["actions"][0]["parameters"][0] = json!({ "routePrefix": ["10.0.0.0/8"] });
        assert_eq!(of(&json!([anew]), "10.100.0.0/16"), MapEffect::Unclear("anew".to_owned()));
        let any = json!([{ "name": "any", "actions": [{ "type": "Drop" }] }]);
        assert_eq!(of(&any, "10.100.0.0/16"), MapEffect::Unclear("any".to_owned()));
    }
}
