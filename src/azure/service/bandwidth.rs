//! A circuit's bandwidth: raised in place, never lowered, and only where the customer runs the peering.

use serde_json::{Value, json};

use super::body::{assessment, at_work, blocked, writable};
use crate::arm;
use crate::arm::has_failed;
use crate::model::action::CircuitBandwidth;
use crate::model::azure_limits::BANDWIDTHS;
use crate::model::{
    Assessed, Assessment, Change, PlannedChange, ResourceId, SecretRef, Undo, Write, WriteMethod,
};

/// Compares a circuit's bandwidth with the least that is wanted.
pub(crate) fn assess(spec: &CircuitBandwidth, body: Option<&Value>) -> Assessment {
    let has = body.and_then(|body| arm::CircuitView::of(body).mbps());
    let verdict = match (body, has) {
        (None, _) => {
            blocked("circuit_absent", format!("The circuit {} does not exist.", spec.id.name()))
        }
        (Some(_), None) => of_port(),
        (Some(body), Some(has)) => match at_work(&spec.id, body) {
            Some(verdict) => verdict,
            None if has >= u64::from(spec.mbps_min) && !has_failed(body) => Assessed::Holds,
            None if arm::CircuitView::of(body).is_direct() => of_port(),
            None => raise(spec, body, has),
        },
    };
    let mut assessment = assessment(&spec.id, body, verdict);
    if let (Assessed::Holds, Some(has)) = (&assessment.verdict, has) {
        assessment.outputs.insert("bandwidth_mbps".to_owned(), has.into());
    }
    assessment
}

fn of_port() -> Assessed {
    blocked(
        "bandwidth_of_port",
        "The circuit stands on an ExpressRoute Direct port; its bandwidth is not raised here."
            .to_owned(),
    )
}

fn raise(spec: &CircuitBandwidth, body: &Value, has: u64) -> Assessed {
    // One that failed is written again as it is, where it is enough.
    let enough = (has >= u64::from(spec.mbps_min)).then_some(has);
    let Some(bought) = enough.or_else(|| spec.bought().map(u64::from)) else {
        let why = format!(
            "No provider sells a circuit of {} Mbps: {} is the most. A larger one stands on an ExpressRoute \
             Direct port.",
            spec.mbps_min,
            BANDWIDTHS[BANDWIDTHS.len() - 1]
        );
        return blocked("bandwidth_not_sold", why);
    };
    let mut wanted = match whole(&spec.id, body, "raise the bandwidth") {
        Ok(wanted) => wanted,
        Err(verdict) => return verdict,
    };
    wanted["properties"]["serviceProviderProperties"]["bandwidthInMbps"] = json!(bought);
    Assessed::Change(Box::new(PlannedChange {
        changes: vec![Change {
            resource: spec.id.clone(),
            path: "properties.serviceProviderProperties.bandwidthInMbps".to_owned(),
            before: json!(has),
            after: json!(bought),
        }],
        write: Write { body: Some(wanted), ..Write::to(WriteMethod::Put, &spec.id) },
        // Azure does not lower a bandwidth: there is no way back.
        undo: Undo::Nothing,
    }))
}

/// Compares a circuit that a step may have left Failed with one that is well: it is written again as it stands.
pub(crate) fn mended(circuit: &ResourceId, body: Option<&Value>) -> Assessment {
    let verdict = match body {
        None => {
            blocked("circuit_absent", format!("The circuit {} does not exist.", circuit.name()))
        }
        Some(body) => match at_work(circuit, body) {
            Some(verdict) => verdict,
            None if !has_failed(body) => Assessed::Holds,
            None => match whole(circuit, body, "write it again") {
                Err(verdict) => verdict,
                Ok(wanted) => Assessed::Change(Box::new(PlannedChange {
                    changes: vec![Change {
                        resource: circuit.clone(),
                        path: "properties.provisioningState".to_owned(),
                        before: json!("Failed"),
                        after: json!("Succeeded"),
                    }],
                    write: Write { body: Some(wanted), ..Write::to(WriteMethod::Put, circuit) },
                    undo: Undo::Nothing,
                })),
            },
        },
    };
    assessment(circuit, body, verdict)
}

/// A circuit's body to write again, with the keys of its authorizations by reference; blocked where a write of
/// ours would undo the provider's.
pub(super) fn whole(circuit: &ResourceId, body: &Value, ask: &str) -> Result<Value, Assessed> {
    // A write of the circuit writes its peerings too, and would overwrite what the provider set there
    // (azure-facts PEER-L3-PROVIDER).
    let provider_managed = arm::CircuitView::of(body).peerings().iter().any(|peering| {
        let by = arm::CircuitPeeringView::of(peering).modified_by().unwrap_or("Customer");
        !by.is_empty() && !by.eq_ignore_ascii_case("customer")
    });
    if provider_managed {
        let why = format!(
            "The provider manages this circuit's peering; a write of ours would overwrite it. Ask the \
             provider to {ask}."
        );
        return Err(blocked("provider_managed_peering", why));
    }
    let mut wanted = writable(body);
    // Left out, the authorizations might be lost; sent without their keys, the keys might be.
    let authorizations =
        wanted.pointer_mut("/properties/authorizations").and_then(Value::as_array_mut);
    for authorization in authorizations.into_iter().flatten() {
        let id = authorization
            .get("name")
            .and_then(Value::as_str)
            .and_then(|name| circuit.child("authorizations", name).ok());
        if let Some(id) = id {
            authorization["properties"]["authorizationKey"] = key_of(id).placeholder();
        }
    }
    Ok(wanted)
}

fn key_of(id: ResourceId) -> SecretRef {
    SecretRef::Resource { id, pointer: "/properties/authorizationKey".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDWIDTH: &str = "/properties/serviceProviderProperties/bandwidthInMbps";

    fn spec(mbps_min: u32) -> CircuitBandwidth {
        let id =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/c";
        CircuitBandwidth { id: ResourceId::parse(id).unwrap(), mbps_min }
    }

    fn circuit(by: &str) -> Value {
        json!({ "properties": {
            "serviceProviderProperties": { "bandwidthInMbps": 500, "peeringLocation": "Singapore" },
            "authorizations": [{ "name": "a", "properties": { "authorizationKey": "k" } }],
            "peerings": [{ "name": "AzurePrivatePeering", "properties": { "lastModifiedBy": by } }],
        } })
    }

    #[test]
    fn enough_bandwidth_is_left_alone_and_never_lowered() {
        let body = circuit("Customer");
        assert_eq!(assess(&spec(200), Some(&body)).verdict, Assessed::Holds);
    }

    #[test]
    fn a_circuit_on_a_port_of_its_own_holds_what_is_enough_and_is_never_raised() {
        let body = json!({ "properties": {
            "expressRoutePort": { "id": "/subscriptions/s/p" }, "bandwidthInGbps": 5 } });
        assert_eq!(assess(&spec(1_000), Some(&body)).verdict, Assessed::Holds);
        assert_eq!(assess(&spec(1_000), Some(&body)).outputs["bandwidth_mbps"], json!(5_000));
        for more in [body, json!({ "properties": { "expressRoutePort": { "id": "x" } } })] {
            let verdict = assess(&spec(10_000), Some(&more)).verdict;
            let Assessed::Blocked { code, .. } = verdict else { panic!("{verdict:?}") };
            assert_eq!(code, "bandwidth_of_port");
        }
    }

    #[test]
    fn a_raise_keeps_peerings_and_names_the_keys_without_holding_them() {
        let body = circuit("Customer");
        let Assessed::Change(change) = assess(&spec(1_000), Some(&body)).verdict else { panic!() };
        let written = change.write.body.unwrap();
        assert_eq!(written.pointer(BANDWIDTH), Some(&json!(1_000)));
        assert_eq!(written["properties"]["peerings"][0]["name"], "AzurePrivatePeering");
        let key = &written["properties"]["authorizations"][0]["properties"]["authorizationKey"];
        assert!(matches!(SecretRef::from_placeholder(key), Some(SecretRef::Resource { .. })));
        assert_eq!(change.undo, Undo::Nothing);
    }

    #[test]
    fn what_is_bought_is_the_next_that_is_sold() {
        let body = circuit("Customer");
        let Assessed::Change(change) = assess(&spec(750), Some(&body)).verdict else { panic!() };
        assert_eq!(change.write.body.unwrap().pointer(BANDWIDTH), Some(&json!(1_000)));
        assert_eq!(change.changes[0].after, json!(1_000));
        let verdict = assess(&spec(20_000), Some(&body)).verdict;
        let Assessed::Blocked { code, .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(code, "bandwidth_not_sold");
        // What has failed with enough is not made more of.
        let mut odd = body;
        odd["properties"]["provisioningState"] = json!("Failed");
        odd["properties"]["serviceProviderProperties"]["bandwidthInMbps"] = json!(300);
        let Assessed::Change(change) = assess(&spec(250), Some(&odd)).verdict else { panic!() };
        assert_eq!(change.write.body.unwrap().pointer(BANDWIDTH), Some(&json!(300)));
    }

    #[test]
    fn what_was_left_failed_is_written_as_it_stands_and_what_is_well_is_not() {
        let id = spec(1).id;
        let mut body = circuit("Customer");
        assert_eq!(mended(&id, Some(&body)).verdict, Assessed::Holds);
        body["properties"]["provisioningState"] = json!("Updating");
        assert!(matches!(mended(&id, Some(&body)).verdict, Assessed::InProgress { .. }));
        body["properties"]["provisioningState"] = json!("Failed");
        let Assessed::Change(change) = mended(&id, Some(&body)).verdict else { panic!() };
        assert_eq!(change.write.body.unwrap().pointer(BANDWIDTH), Some(&json!(500)));
        let mut managed = circuit("Provider");
        managed["properties"]["provisioningState"] = json!("Failed");
        assert!(matches!(mended(&id, Some(&managed)).verdict, Assessed::Blocked { .. }));
        assert!(matches!(mended(&id, None).verdict, Assessed::Blocked { .. }));
    }

    #[test]
    fn a_peering_of_the_providers_is_never_written() {
        let body = circuit("Provider");
        assert!(matches!(assess(&spec(1_000), Some(&body)).verdict, Assessed::Blocked { .. }));
    }
}
