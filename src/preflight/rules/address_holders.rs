//! Whose is an address of a subnet? The network cards and services that stand there already.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use crate::arm::SubnetView;
use crate::arm::kind::{FIREWALLS, INTERFACES, LOAD_BALANCERS};
use crate::model::ResourceId;
use crate::preflight::inquiry::{Inquiry, id_at, list, text};

/// Most that stand in a subnet and are read: beyond, nothing is said of whose an address is.
const HOLDERS_READ: usize = 64;

/// The lists in which what stands in a subnet tells its addresses.
const ADDRESS_LISTS: [&str; 2] =
    ["/properties/ipConfigurations", "/properties/frontendIPConfigurations"];

/// What stands in a subnet and has addresses of it, as the subnet's body names it; none where they are many. Those of
/// scale sets come and go by themselves.
pub(super) fn holders(subnet: &Value) -> Vec<ResourceId> {
    let all: BTreeSet<ResourceId> = SubnetView::of(subnet).standing().filter(is_holder).collect();
    if all.len() > HOLDERS_READ { Vec::new() } else { all.into_iter().collect() }
}

fn is_holder(id: &ResourceId) -> bool {
    [INTERFACES, FIREWALLS, LOAD_BALANCERS].iter().any(|kind| id.is_a(kind))
}

/// What has an address of a subnet now, but for the cards of this machine: what is its own is taken up again.
pub(super) fn holder_of(
    inquiry: &Inquiry<'_>,
    subnet: &Value,
    address: IpAddr,
    own: &OwnCard<'_>,
) -> Option<ResourceId> {
    holders(subnet).into_iter().find(|id| {
        inquiry.facts.body(id).is_some_and(|body| has(body, address) && !own.is(id, body))
    })
}

fn has(body: &Value, address: IpAddr) -> bool {
    let all = ADDRESS_LISTS.iter().flat_map(|pointer| list(body, pointer));
    let mut all = all.filter_map(|own| text(own, "/properties/privateIPAddress")?.parse().ok());
    all.any(|own: IpAddr| own == address)
}

/// By what the card of a machine is known at the other side, where it stands there already: after a failover and the way
/// back its network card and its machine may have been left.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnCard<'i> {
    /// The item of the machine.
    pub(super) item: &'i Value,
    /// The card.
    pub(super) card: &'i Value,
}

impl OwnCard<'_> {
    fn is(&self, id: &ResourceId, body: &Value) -> bool {
        let named =
            |name: Option<&str>| name.is_some_and(|own| own.eq_ignore_ascii_case(id.name()));
        let source = id_at(self.card, "/sourceNicArmId");
        let machine = id_at(body, "/properties/virtualMachine/id");
        let recovered = ["recoveryAzureVMName", "recoveryVirtualMachineName"].into_iter();
        let mut names = recovered
            .filter_map(|key| {
                text(self.item, &format!("/properties/providerSpecificDetails/{key}"))
            })
            .chain(text(self.item, "/properties/friendlyName"));
        named(source.as_ref().map(ResourceId::name))
            || ["/recoveryNicName", "/targetNicName"].iter().any(|key| named(text(self.card, key)))
            || machine.is_some_and(|vm| names.any(|own| own.eq_ignore_ascii_case(vm.name())))
    }
}
