//! A circuit's tier: what it reaches. Raised in place; an undo sets it back, where Azure lets it.

use serde_json::{Value, json};

use super::bandwidth::whole;
use super::body::{assessment, at_work, blocked};
use crate::arm;
use crate::arm::has_failed;
use crate::arm::read::text;
use crate::model::action::{CircuitTier, Tier};
use crate::model::{
    Assessed, Assessment, Change, PlannedChange, ResourceId, Undo, Write, WriteMethod,
};

/// Compares a circuit's tier with the least that is wanted.
pub(crate) fn assess(spec: &CircuitTier, body: Option<&Value>) -> Assessment {
    let has = body.and_then(tier);
    let verdict = match (body, has) {
        (None, _) => {
            blocked("circuit_absent", format!("The circuit {} does not exist.", spec.id.name()))
        }
        (Some(body), has) => match at_work(&spec.id, body) {
            Some(verdict) => verdict,
            None if has.is_some_and(|has| has >= spec.at_least) && !has_failed(body) => {
                Assessed::Holds
            }
            None => raise(&spec.id, body, has.max(Some(spec.at_least)).unwrap_or(spec.at_least)),
        },
    };
    let mut assessment = assessment(&spec.id, body, verdict);
    if let (Assessed::Holds, Some(has)) = (&assessment.verdict, has) {
        assessment.outputs.insert("tier".to_owned(), has.as_str().into());
    }
    assessment
}

/// Compares the circuit with the tier that it had before: nothing else of it is written back, since other
/// steps may have raised its bandwidth since.
pub(crate) fn undo(spec: &CircuitTier, undo: &Undo, body: Option<&Value>) -> Assessment {
    let before = undo.before().and_then(tier);
    let verdict = match (before, body) {
        (Some(before), Some(body)) => match at_work(&spec.id, body) {
            Some(verdict) => verdict,
            None if tier(body) == Some(before) && !has_failed(body) => Assessed::Holds,
            None => change(&spec.id, body, before),
        },
        (None, _) | (_, None) => Assessed::Holds,
    };
    assessment(&spec.id, body, verdict)
}

fn tier(circuit: &Value) -> Option<Tier> {
    Tier::parse(arm::CircuitView::of(circuit).tier()?)
}

/// A raise. Of Local there is no way back (E-FAQ): an undo could only be refused, and what is left is said instead.
fn raise(id: &ResourceId, body: &Value, to: Tier) -> Assessed {
    match change(id, body, to) {
        Assessed::Change(mut change) if tier(body) == Some(Tier::Local) && to > Tier::Local => {
            change.undo = Undo::Nothing;
            Assessed::Change(change)
        }
        other => other,
    }
}

fn change(id: &ResourceId, body: &Value, to: Tier) -> Assessed {
    let mut wanted = match whole(id, body, "change the tier") {
        Ok(wanted) => wanted,
        Err(verdict) => return verdict,
    };
    let family = text(body, "/sku/family").unwrap_or("MeteredData");
    let sku = json!({ "name": format!("{}_{family}", to.as_str()), "tier": to.as_str(), "family": family });
    wanted["sku"] = sku;
    Assessed::Change(Box::new(PlannedChange {
        changes: vec![Change {
            resource: id.clone(),
            path: "sku.tier".to_owned(),
            before: body.pointer("/sku/tier").cloned().unwrap_or_default(),
            after: json!(to.as_str()),
        }],
        write: Write { body: Some(wanted), ..Write::to(WriteMethod::Put, id) },
        // Of the body that it had, the tier is what an undo takes.
        undo: Undo::Restore {
            resource: id.clone(),
            body: json!({ "sku": body.get("sku").cloned().unwrap_or_default() }),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretRef;

    fn spec(at_least: Tier) -> CircuitTier {
        let id =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/c";
        CircuitTier { id: ResourceId::parse(id).unwrap(), at_least }
    }

    fn circuit(tier: &str) -> Value {
        json!({ "sku": { "name": format!("{tier}_UnlimitedData"), "tier": tier, "family": "UnlimitedData" },
            "properties": {
                "serviceProviderProperties": { "bandwidthInMbps": 500 },
                "authorizations": [{ "name": "a", "properties": { "authorizationKey": "k" } }] } })
    }

    #[test]
    fn a_tier_that_reaches_as_far_holds_and_is_never_lowered() {
        for (has, least) in [("premium", Tier::Standard), ("Standard", Tier::Standard)] {
            assert_eq!(assess(&spec(least), Some(&circuit(has))).verdict, Assessed::Holds, "{has}");
        }
    }

    #[test]
    fn nothing_leads_back_to_local() {
        for (has, back) in [("Local", false), ("Standard", true)] {
            let raised = assess(&spec(Tier::Premium), Some(&circuit(has))).verdict;
            let Assessed::Change(change) = raised else { panic!("{raised:?}") };
            assert_eq!(change.undo != Undo::Nothing, back, "{has}");
        }
    }

    #[test]
    fn a_raise_keeps_family_bandwidth_and_keys_and_an_undo_takes_back_the_tier_alone() {
        let raised = assess(&spec(Tier::Premium), Some(&circuit("Standard"))).verdict;
        let Assessed::Change(change) = raised else { panic!("{raised:?}") };
        let body = change.write.body.unwrap();
        assert_eq!(body["sku"]["name"], "Premium_UnlimitedData");
        let key = &body["properties"]["authorizations"][0]["properties"]["authorizationKey"];
        assert!(matches!(SecretRef::from_placeholder(key), Some(SecretRef::Resource { .. })));
        let mut now = circuit("Premium");
        now["properties"]["serviceProviderProperties"]["bandwidthInMbps"] = json!(1_000);
        let back = undo(&spec(Tier::Premium), &change.undo, Some(&now)).verdict;
        let Assessed::Change(back) = back else { panic!("{back:?}") };
        let body = back.write.body.unwrap();
        assert_eq!(body["sku"]["tier"], "Standard");
        assert_eq!(body["properties"]["serviceProviderProperties"]["bandwidthInMbps"], 1_000);
        assert_eq!(
            undo(&spec(Tier::Premium), &change.undo, Some(&circuit("standard"))).verdict,
            Assessed::Holds
        );
    }
}
