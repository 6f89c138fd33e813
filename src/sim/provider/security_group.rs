//! What stands in a network security group beside what was sent? The rules that every group has.

use serde_json::{Value, json};

use super::{Provider, Put, Shown, child, default, top_level};
use crate::arm::kind;
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::show::mark_parts;
use crate::sim::world::World;

pub(super) struct SecurityGroupType;

pub(super) struct SecurityRuleType;

/// The rules that every group has: name, description, sources, destinations, access, priority, direction.
const DEFAULTS: [(&str, &str, &str, &str, &str, u32, &str); 6] = [
    (
        "AllowVnetInBound",
        "Allow inbound traffic from all VMs in VNET",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow",
        65_000,
        "Inbound",
    ),
    (
        "AllowAzureLoadBalancerInBound",
        "Allow inbound traffic from azure load balancer",
        "AzureLoadBalancer",
        "*",
        "Allow",
        65_001,
        "Inbound",
    ),
    ("DenyAllInBound", "Deny all inbound traffic", "*", "*", "Deny", 65_500, "Inbound"),
    (
        "AllowVnetOutBound",
        "Allow outbound traffic from all VMs to all VMs in VNET",
        "VirtualNetwork",
        "VirtualNetwork",
        "Allow",
        65_000,
        "Outbound",
    ),
    (
        "AllowInternetOutBound",
        "Allow outbound traffic from all VMs to Internet",
        "*",
        "Internet",
        "Allow",
        65_001,
        "Outbound",
    ),
    ("DenyAllOutBound", "Deny all outbound traffic", "*", "*", "Deny", 65_500, "Outbound"),
];

const LISTS: [&str; 4] = [
    "sourcePortRanges",
    "destinationPortRanges",
    "sourceAddressPrefixes",
    "destinationAddressPrefixes",
];

impl Provider for SecurityGroupType {
    fn kind(&self) -> &'static str {
        kind::SECURITY_GROUPS
    }

    fn computed(&self) -> &'static [&'static str] {
        &["subnets"]
    }

    fn word(&self) -> &'static str {
        "NetworkSecurityGroup"
    }

    fn children(&self) -> &'static [&'static str] {
        &["securityRules"]
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (1, 1)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        world.show_users(shown.id, "networkSecurityGroup", body);
        let rules = body.pointer_mut("/properties/defaultSecurityRules");
        mark_parts(rules, shown.etag, shown.resource.state.as_str());
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("securityRules");
        }
        properties["defaultSecurityRules"] = DEFAULTS
            .iter()
            .map(|(name, about, from, to, access, priority, direction)| {
                let mut rule = json!({
                    "description": about, "protocol": "*", "sourcePortRange": "*",
                    "destinationPortRange": "*", "sourceAddressPrefix": from,
                    "destinationAddressPrefix": to, "access": access, "priority": priority,
                    "direction": direction,
                });
                lists(&mut rule);
                json!({
                    "name": name,
                    "id": format!("{}/defaultSecurityRules/{name}", put.id),
                    "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                    "properties": rule,
                })
            })
            .collect();
        top_level(put, properties)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let mut users = [kind::SUBNETS, kind::INTERFACES].into_iter();
        match users.find_map(|kind| world.resources.user_of(id, kind)) {
            None => Ok(()),
            Some(user) => Err(Refusal::new(
                400,
                "InUseNetworkSecurityGroupCannotBeDeleted",
                format!(
                    "Network security group {id} cannot be deleted because it is in use by the following resources: \
                     {user}. In order to delete the Network security group, remove the association with the \
                     resource(s)."
                ),
            )),
        }
    }
}

impl Provider for SecurityRuleType {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/networkSecurityGroups/securityRules"
    }

    fn word(&self) -> &'static str {
        "SecurityRule"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (1, 1)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        lists(&mut properties);
        child(put, properties)
    }
}

fn lists(rule: &mut Value) {
    for key in LISTS {
        default(rule, key, json!([]));
    }
}
