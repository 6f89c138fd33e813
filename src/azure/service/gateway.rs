//! ExpressRoute gateways: the step that takes twenty minutes.

use serde_json::{Value, json};

use super::body::{assessment, ensure, set, with_tags};
use crate::arm;
use crate::arm::read::text;
use crate::model::Assessment;
use crate::model::action::Gateway;

/// Compares a gateway with the desired one.
pub(crate) fn assess(spec: &Gateway, body: Option<&Value>) -> Assessment {
    let verdict = ensure(&spec.id, body, &wanted(spec, body));
    assessment(&spec.id, body, verdict)
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Gateway, body: Option<&Value>) -> Value {
    // An existing gateway keeps the name of its IP configuration.
    let standing = body.and_then(|body| configuration(spec, body));
    let name = standing.and_then(|own| text(own, "/name")).unwrap_or("gwipconfig");
    let mut properties = json!({
        "privateIPAllocationMethod": "Dynamic",
        "subnet": { "id": spec.subnet.as_str() },
    });
    // One that stands and shows no address has one that the platform keeps: since August 2025 that is no
    // difference, and none is written onto it (azurerm PR 31084, issues 30414 and 31730).
    if let Some(address) = &spec.public_ip {
        properties["publicIPAddress"] = json!({ "id": address.as_str() });
    }
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "ExpressRoute",
            "sku": { "name": spec.sku, "tier": spec.sku },
            "ipConfigurations": [{ "name": name, "properties": properties }],
        },
    });
    let bounds = spec.autoscale.map(|own| json!({ "bounds": { "min": own.min, "max": own.max } }));
    set(&mut wanted, "autoScaleConfiguration", bounds);
    set(&mut wanted, "allowRemoteVnetTraffic", spec.allow_remote_vnet_traffic);
    set(&mut wanted, "allowVirtualWanTraffic", spec.allow_virtual_wan_traffic);
    with_tags(wanted, &spec.tags)
}

/// The IP configuration that stands in the wanted subnet, or else the first.
fn configuration<'a>(spec: &Gateway, body: &'a Value) -> Option<&'a Value> {
    let all = arm::GatewayView::of(body).configurations();
    let in_subnet = |own: &&Value| {
        text(own, "/properties/subnet/id")
            .is_some_and(|id| id.eq_ignore_ascii_case(spec.subnet.as_str()))
    };
    all.iter().find(in_subnet).or_else(|| all.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Assessed, Region, ResourceId};

    /// Where a gateway shows its address.
    const ADDRESS: &str = "/properties/ipConfigurations/0/properties/publicIPAddress";

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
            autoscale: None,
            allow_remote_vnet_traffic: None,
            allow_virtual_wan_traffic: None,
            tags: crate::model::tags::Tags::new(),
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
        let mut scalable = spec(None);
        scalable.sku = "ErGwScale".to_owned();
        let verdict = assess(&scalable, Some(&shown(None, "ErGw3AZ"))).verdict;
        assert!(matches!(verdict, Assessed::Change(_)), "{verdict:?}");
        let verdict = assess(&scalable, Some(&shown(None, "UltraPerformance"))).verdict;
        assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
        for has in ["Standard", "UltraPerformance"] {
            let verdict = assess(&spec(None), Some(&shown(None, has))).verdict;
            assert!(matches!(verdict, Assessed::Blocked { .. }), "{has}: {verdict:?}");
        }
    }
}
