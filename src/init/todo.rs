//! What is missing, and what must somebody decide? What a failover cannot make, with commands; and questions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::estate::{EstateNetwork, KnownEstate, group_id};
use crate::model::{Region, ResourceId};
use crate::sim::Lock;
use crate::sim::network::OnPrem;

/// Something that the estate lacks today and that no step makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What, as a sentence.
    pub what: String,
    /// The commands that make it.
    pub commands: Vec<String>,
}

/// All that is left for people. What is missing is there already in the world that is drilled.
#[derive(Debug, Clone, Default)]
pub struct Todo {
    /// What is missing.
    pub lacks: Vec<Lack>,
    /// What stops the runbook when all that is missing has been made, and no step mends.
    pub stops: Vec<Lack>,
    /// What must be decided or looked at, each a sentence or two.
    pub decisions: Vec<String>,
    /// Resources as they are when that has been made.
    pub(super) overlay: BTreeMap<ResourceId, Value>,
    /// Authorizations, by their circuits, that connections of the draft take.
    pub(super) keys: BTreeSet<(ResourceId, String)>,
    /// Locks that are taken off before.
    pub(super) lifted: Vec<Lock>,
    /// On-premises with every session that the failover counts on, where one is down.
    pub(super) onprem: Option<OnPrem>,
    /// Groups that have to be made, and their homes.
    pub(super) groups: Vec<(String, Region)>,
}

impl Todo {
    pub(super) fn decide(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.decisions.contains(&what) {
            self.decisions.push(what);
        }
    }

    pub(super) fn lack(&mut self, what: impl Into<String>, commands: Vec<String>) {
        let lack = Lack { what: what.into(), commands };
        if !self.lacks.contains(&lack) {
            self.lacks.push(lack);
        }
    }

    /// A network that is not there: as it would be made.
    pub(super) fn plan_network(&mut self, estate: &KnownEstate, network: &EstateNetwork) {
        if self.overlay.contains_key(&network.id) {
            return;
        }
        self.plan_group(estate, &network.id, &network.region);
        let words = |all: &[ipnet::IpNet]| {
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let (group, name) = (network.id.resource_group(), network.id.name());
        let subscription = network.id.subscription();
        let mut commands = vec![format!(
            "az network vnet create --subscription {subscription} -g {group} -n {name} -l {} \
             --address-prefixes {}",
            network.region.as_str(),
            words(&network.space)
        )];
        let mut subnets = Vec::new();
        for subnet in &network.subnets {
            commands.push(format!(
                "az network vnet subnet create --subscription {subscription} -g {group} \
                 --vnet-name {name} -n {} --address-prefixes {}",
                subnet.name,
                words(&subnet.prefixes)
            ));
            let properties = match subnet.prefixes.as_slice() {
                [one] => json!({ "addressPrefix": one }),
                several => json!({ "addressPrefixes": several }),
            };
            subnets.push(json!({ "name": subnet.name, "properties": properties }));
        }
        self.lack(
            format!("The network {name} in {} is not there.", network.region.as_str()),
            commands,
        );
        self.overlay.insert(
            network.id.clone(),
            json!({
                "id": network.id.as_str(),
                "location": network.region.as_str(),
                "properties": {
                    "addressSpace": { "addressPrefixes": network.space },
                    "subnets": subnets,
                },
            }),
        );
    }

    /// The group of what is to be made, where it is not there.
    pub(super) fn plan_group(&mut self, estate: &KnownEstate, id: &ResourceId, region: &Region) {
        let group = group_id(id);
        if estate.home_of(id).is_some()
            || self.groups.iter().any(|(own, _)| own.eq_ignore_ascii_case(&group))
        {
            return;
        }
        self.lack(
            format!("The resource group {} is not there.", id.resource_group()),
            vec![format!(
                "az group create --subscription {} -n {} -l {}",
                id.subscription(),
                id.resource_group(),
                region.as_str()
            )],
        );
        self.groups.push((group, region.clone()));
    }

    /// The body of a resource as it is so far, to be changed.
    pub(super) fn changed<'t>(
        &'t mut self,
        estate: &KnownEstate,
        id: &ResourceId,
    ) -> Option<&'t mut Value> {
        if !self.overlay.contains_key(id) {
            let mut body = estate.bodies.get(id)?.clone();
            without_etags(&mut body);
            without_service_keys(&mut body);
            self.overlay.insert(id.clone(), body);
        }
        self.overlay.get_mut(id)
    }
}

/// What Azure makes anew is no part of a world that people read.
fn without_etags(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("etag");
            object.values_mut().for_each(without_etags);
        }
        Value::Array(all) => all.iter_mut().for_each(without_etags),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Who knows a circuit's service key may have it provisioned: it stays where it was.
pub(super) fn without_service_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("serviceKey");
            object.values_mut().for_each(without_service_keys);
        }
        Value::Array(all) => all.iter_mut().for_each(without_service_keys),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
