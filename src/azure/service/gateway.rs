//! ExpressRoute gateways: the step that takes twenty minutes.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, fixed, text};
use crate::model::action::Gateway;
use crate::model::azure_limits::{Resize, resize};
use crate::model::{Assessed, Assessment};

/// Where a gateway shows its address.
const ADDRESS: &str = "/properties/ipConfigurations/0/properties/publicIPAddress";

/// Compares a gateway with the desired one.
pub(crate) fn assess(spec: &Gateway, body: Option<&Value>) -> Assessment {
    let verdict = body
        .and_then(|body| immovable(spec, body))
        .unwrap_or_else(|| ensure(&spec.id, body, &wanted(spec, body)));
    assessment(&spec.id, body, verdict)
}

/// Blocks where the gateway would have to be of another family; one that is larger than asked holds.
fn other_family(spec: &Gateway, body: &Value) -> Option<Assessed> {
    let has = text(body, "/properties/sku/name")?;
    let refused = resize(has, &spec.sku) == Resize::Refused;
    refused.then(|| {
        let why = format!(
            "It is {has}, the runbook wants {}, and Azure makes no gateway of one family one of another in \
             place. Take {has} into the runbook, migrate the gateway on a quiet day, or choose another name \
             and remove this one first.",
            spec.sku
        );
        blocked("sku_cannot_change", why)
    })
}

fn immovable(spec: &Gateway, body: &Value) -> Option<Assessed> {
    let configuration = "/properties/ipConfigurations/0/properties";
    fixed(body, "/location", spec.location.as_str(), "location")
        .or_else(|| fixed(body, "/properties/gatewayType", "ExpressRoute", "gateway type"))
        .or_else(|| {
            fixed(body, &format!("{configuration}/subnet/id"), spec.subnet.as_str(), "subnet")
        })
        .or_else(|| {
            let address = format!("{ADDRESS}/id");
            fixed(body, &address, spec.public_ip.as_ref()?.as_str(), "public IP address")
        })
        .or_else(|| other_family(spec, body))
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Gateway, body: Option<&Value>) -> Value {
    // An existing gateway keeps the name of its IP configuration.
    let name = body
        .and_then(|body| text(body, "/properties/ipConfigurations/0/name"))
        .unwrap_or("gwipconfig");
    let mut properties = json!({
        "privateIPAllocationMethod": "Dynamic",
        "subnet": { "id": spec.subnet.as_str() },
    });
    // A gateway that stands and shows no address has one that the platform keeps: since August 2025 that is
    // no difference, and none is written onto it (azurerm PR 31084, issues 30414 and 31730).
    let hidden = body.is_some_and(|body| body.pointer(ADDRESS).is_none());
    if let Some(address) = spec.public_ip.as_ref().filter(|_| !hidden) {
        properties["publicIPAddress"] = json!({ "id": address.as_str() });
    }
    // A larger gateway than asked stays as large.
    let has = body.and_then(|body| text(body, "/properties/sku/name"));
    let sku = has.filter(|has| resize(has, &spec.sku) == Resize::None).unwrap_or(&spec.sku);
    json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "ExpressRoute",
            "sku": { "name": sku, "tier": sku },
            "ipConfigurations": [{ "name": name, "properties": properties }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Region, ResourceId};

    fn id(rest: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{rest}")).unwrap()
    }

    fn spec(address: Option<&str>) -> Gateway {
        Gateway {
            id: id("virtualNetworkGateways/gw"),
            location: Region::parse("southeastasia").unwrap(),
            sku: "ErGw1AZ".to_owned(),
            subnet: id("virtualNetworks/hub/subnets/GatewaySubnet"),
            public_ip: address.map(id),
        }
    }

    /// A gateway as Azure shows it, with an address or without.
    fn shown(address: Option<&str>, sku: &str) -> Value {
        let mut body = json!({
            "location": "Southeast Asia",
            "properties": {
                "provisioningState": "Succeeded", "gatewayType": "expressRoute",
                "sku": { "capacity": 2, "tier": sku, "name": sku },
                "ipConfigurations": [{ "name": "default", "properties": {
                    "subnet": { "id": id("virtualNetworks/HUB/subnets/gatewaysubnet").as_str() },
                    "privateIPAllocationMethod": "Dynamic" } }],
            },
        });
        if let Some(address) = address {
            body["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
                json!({ "id": id(address).as_str() });
        }
        body
    }

    #[test]
    fn an_address_that_is_not_shown_or_not_asked_for_is_no_difference() {
        let (own, other) = ("publicIPAddresses/own", "publicIPAddresses/other");
        for (asked, has) in
            [(None, None), (None, Some(own)), (Some(own), None), (Some(own), Some(own))]
        {
            let verdict = assess(&spec(asked), Some(&shown(has, "ErGw1AZ"))).verdict;
            assert_eq!(verdict, Assessed::Holds, "asked {asked:?}, has {has:?}");
        }
        let verdict = assess(&spec(Some(own)), Some(&shown(Some(other), "ErGw1AZ"))).verdict;
        assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
    }

    #[test]
    fn a_write_for_another_reason_puts_no_address_onto_a_gateway_that_shows_none() {
        let mut small = spec(Some("publicIPAddresses/own"));
        small.sku = "ErGw2AZ".to_owned();
        let Assessed::Change(change) = assess(&small, Some(&shown(None, "ErGw1AZ"))).verdict else {
            panic!("it is too small");
        };
        let body = change.write.body.unwrap();
        assert_eq!(body["properties"]["sku"]["name"], "ErGw2AZ");
        assert_eq!(body.pointer(ADDRESS), None);
        // The first write of all carries what the author asked for.
        assert!(wanted(&small, None).pointer(ADDRESS).is_some());
        assert!(wanted(&spec(None), None).pointer(ADDRESS).is_none());
    }

    #[test]
    fn a_larger_gateway_holds_and_one_of_another_family_is_blocked() {
        for (has, holds) in
            [("ErGw1AZ", true), ("ErGw2AZ", true), ("ErGw3AZ", true), ("ErGwScale", true)]
        {
            let verdict = assess(&spec(None), Some(&shown(None, has))).verdict;
            assert_eq!(verdict == Assessed::Holds, holds, "{has}: {verdict:?}");
        }
        for has in ["Standard", "UltraPerformance"] {
            let verdict = assess(&spec(None), Some(&shown(None, has))).verdict;
            assert!(matches!(verdict, Assessed::Blocked { .. }), "{has}: {verdict:?}");
        }
    }
}
