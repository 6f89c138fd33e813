//! What may a subnet be given? The tables and security groups that Azure takes for it, and those that it refuses.

use serde_json::Value;

use super::gateway_place_check;
use crate::arm::SubnetView;
use crate::arm::read::region;
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// What a subnet newly names; what it named before is as it was.
fn new(world: &World, subnet: &ResourceId, sent: &Value) -> Vec<ResourceId> {
    let before = world.body(subnet).map(references).unwrap_or_default();
    references(sent).into_iter().filter(|one| !before.contains(one)).collect()
}

/// What a subnet's body names that must be there.
pub(super) fn references(body: &Value) -> Vec<ResourceId> {
    let subnet = SubnetView::of(body);
    subnet.route_table().into_iter().chain(subnet.security_group()).collect()
}

/// Refuses a subnet that newly names what is not there.
pub(super) fn named(world: &World, subnet: &ResourceId, sent: &Value) -> Result<(), Refusal> {
    let wanted = new(world, subnet, sent);
    let missing = wanted.iter().find(|one| world.body(one).is_none());
    missing.map_or(Ok(()), |reference| Err(not_found(reference, subnet)))
}

/// Refuses a table or a security group that this subnet cannot have: of another region or subscription than its
/// network (N-SUBNET), or any at all.
pub(super) fn given(
    world: &World,
    subnet: &ResourceId,
    network: &Value,
    sent: &Value,
) -> Result<(), Refusal> {
    for wanted in new(world, subnet, sent) {
        let there = world.body(&wanted).and_then(region);
        // The words say so themselves: "and that both resources are in the same region".
        if there.is_some() && there != region(network) {
            return Err(not_found(&wanted, subnet));
        }
        if !wanted.subscription().eq_ignore_ascii_case(subnet.subscription()) {
            let message = format!(
                "Resource {wanted} referenced by resource {subnet} is in another subscription than the \
                 virtual network."
            );
            return Err(Refusal::unconfirmed(&unconfirmed::OTHER_SUBSCRIPTION, message));
        }
    }
    reserved(world, subnet, sent)
}

/// Refuses what the subnets of three services take from nobody.
fn reserved(world: &World, subnet: &ResourceId, sent: &Value) -> Result<(), Refusal> {
    let wanted = new(world, subnet, sent);
    let view = SubnetView::of(sent);
    let table = view.route_table().filter(|table| wanted.contains(table));
    let group = view.security_group().filter(|group| wanted.contains(group));
    let is = |name: &str| subnet.name().eq_ignore_ascii_case(name);
    match (table, group) {
        // The words are those of azure-docs 40561, the code that of Azure-Landing-Zones 1679.
        (Some(table), _) if is("AzureBastionSubnet") => {
            let message = format!(
                "Route Table {table} cannot be attached to Azure Bastion Subnet {}",
                subnet.name()
            );
            Err(Refusal::new(400, "RouteTableCannotBeAttachedForAzureBastionSubnet", message))
        }
        (Some(other), _) | (None, Some(other)) if is("RouteServerSubnet") => {
            let message = format!("{other} cannot be attached to subnet {}.", subnet.name());
            Err(Refusal::unconfirmed(&unconfirmed::ROUTE_SERVER_SUBNET, message))
        }
        (_, Some(group)) if is("GatewaySubnet") => Err(gateway_place_check::guarded(&group)),
        _ => Ok(()),
    }
}

fn not_found(reference: &ResourceId, id: &ResourceId) -> Refusal {
    let message = format!(
        "Resource {reference} referenced by resource {id} was not found. Please make sure that the \
         referenced resource exists, and that both resources are in the same region."
    );
    Refusal::new(400, "InvalidResourceReference", message)
}
