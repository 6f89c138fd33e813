//! Where does a drill begin? World files: resources, the on-premises side, and how Azure behaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::azure_policy::Policy;
use super::fault::Fault;
use super::governance::{Grant, Lock};
use super::happening::ScheduledEvent;
use super::network::OnPrem;
use super::resiliency::SiteTest;
use super::tenancy::Tenancy;
use crate::model::time::duration_text;
use crate::model::{Region, ResourceId, Timestamp};

/// A world file, as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub world: String,
    /// What it shows, for people.
    #[serde(default)]
    pub description: String,
    /// Decides every draw of chance.
    #[serde(default)]
    pub seed: u64,
    /// The time at which a drill begins.
    pub now: Timestamp,
    /// How long answers take.
    #[serde(default)]
    pub latency: Latency,
    /// The resource groups and their home regions.
    pub resource_groups: Vec<ResourceGroup>,
    /// Resources, as ARM's GET shows them; children may stand inside their parents.
    pub resources: Vec<Value>,
    /// The on-premises side.
    pub onprem: OnPrem,
    /// Regions that are down: their control plane refuses writes and their gateways are dead.
    #[serde(default)]
    pub regions_down: BTreeSet<Region>,
    /// How Azure behaves in a region that is down.
    #[serde(default)]
    pub outage: Outage,
    /// What happens by itself as time goes by.
    #[serde(default)]
    pub events: Vec<ScheduledEvent>,
    /// Whether Azure refuses a connection whose networks overlap others on the circuit.
    #[serde(default)]
    pub overlap: Overlap,
    /// What we may do; everything when absent.
    #[serde(default)]
    pub rights: Option<Vec<Grant>>,
    /// Subscriptions in which Microsoft.Network is not registered.
    #[serde(default)]
    pub unregistered: Vec<String>,
    /// Which tenants the subscriptions are of; one for all when absent.
    #[serde(default, skip_serializing_if = "Tenancy::is_plain")]
    pub tenants: Tenancy,
    /// Management locks.
    #[serde(default)]
    pub locks: Vec<Lock>,
    /// Policies that deny.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// How many there may be in each region, by Azure's name of the usage (`RouteTables`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<String, u64>,
    /// Appliances that are not up: what a route sends to one of them is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_appliances: Vec<Appliance>,
    /// Faults.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Site failover tests of gateways; one that runs goes on.
    #[serde(default)]
    pub site_tests: BTreeMap<ResourceId, Vec<SiteTest>>,
}

/// A network virtual appliance, by where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appliance {
    /// The virtual network that it stands in.
    pub vnet: ResourceId,
    /// Its address there.
    pub address: std::net::IpAddr,
}

/// How Azure behaves in a region that is down. Nobody has recorded it: each of these was reported
/// (azure-facts 3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outage {
    /// What it does with writes.
    pub writes: OutageWrites,
    /// What it does with reads of resources there.
    pub reads: OutageReads,
}

/// What a region that is down does with writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageWrites {
    /// It refuses them at once, with 503.
    #[default]
    FailFast,
    /// It lets them wait for a minute, and then the front end says 504.
    Hang,
    /// It takes them, and they end when the region is back.
    NeverEnd,
    /// It takes them, and they fail after half an hour.
    FailLate,
}

/// What a region that is down does with reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageReads {
    /// The front end answers them from what it remembers.
    #[default]
    Answer,
    /// It refuses them, with 503.
    Refuse,
}

/// What Azure does with a connection whose networks overlap others on the circuit. Its documents say
/// that it cannot be, and that packets drop when it is (azure-facts 7.2): nobody has recorded which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It refuses it.
    #[default]
    Refuse,
    /// It takes it; where both are alive, packets go to either.
    Accept,
}

/// How long answers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latency {
    /// Of reads and polls.
    #[serde(with = "duration_text")]
    pub read: Duration,
    /// Of writes.
    #[serde(with = "duration_text")]
    pub write: Duration,
}

impl Default for Latency {
    /// What recordings of Microsoft.Network show, roughly.
    fn default() -> Self {
        Self { read: Duration::from_millis(150), write: Duration::from_millis(600) }
    }
}

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroup {
    /// `/subscriptions/{s}/resourceGroups/{g}`.
    pub id: String,
    /// Its home region: when that is down, nothing in the group can be written (azure-facts 3.9).
    pub location: Region,
}

/// A world file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("world `{name}`: {why}")]
pub struct ScenarioError {
    /// The file.
    pub name: String,
    /// What is wrong, with its key.
    pub why: String,
}

#[derive(Deserialize)]
struct Extends {
    #[serde(default)]
    extends: Option<String>,
}

/// How many worlds may extend one another; more is most likely one that extends itself.
const EXTENDS_MAX: usize = 4;

/// A world's text as a value, with what it extends under it.
fn whole(
    text: &str,
    read: &dyn Fn(&str) -> Result<String, String>,
    depth: usize,
) -> Result<Value, String> {
    let mut own: serde_json::Map<String, Value> =
        serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    let Some(base) = own.remove("extends") else {
        return Ok(Value::Object(own));
    };
    let base = base.as_str().ok_or("`extends` must be the path of a world")?;
    if depth >= EXTENDS_MAX {
        return Err(format!("`extends: {base}` is {EXTENDS_MAX} worlds deep; is it a circle?"));
    }
    let text = read(base).map_err(|why| format!("`extends: {base}`: {why}"))?;
    let mut result = whole(&text, read, depth + 1)?;
    let without = own.remove("without").unwrap_or_default();
    for (key, value) in own {
        match (result.get_mut(&key), value) {
            (Some(Value::Array(there)), Value::Array(more))
                if ["resources", "resource_groups"].contains(&key.as_str()) =>
            {
                let id = |value: &Value| {
                    value.get("id").and_then(Value::as_str).map(str::to_ascii_lowercase)
                };
                for item in more {
                    match there.iter_mut().find(|other| id(other) == id(&item)) {
                        Some(other) => *other = item,
                        None => there.push(item),
                    }
                }
            }
            (_, value) => result[key.as_str()] = value,
        }
    }
    for gone in without.as_array().into_iter().flatten() {
        let gone = gone.as_str().unwrap_or_default();
        let resources = result["resources"].as_array_mut().ok_or("it has no resources")?;
        let before = resources.len();
        resources
            .retain(|body| body["id"].as_str().is_none_or(|id| !id.eq_ignore_ascii_case(gone)));
        if resources.len() == before {
            return Err(format!("`without` names {gone}, which is not there"));
        }
    }
    Ok(result)
}

impl Scenario {
    /// The subscriptions that anything of it is in.
    fn subscriptions(&self) -> BTreeSet<String> {
        let groups = self.resource_groups.iter().map(|group| group.id.as_str());
        let resources = self.resources.iter().filter_map(|body| body.get("id")?.as_str());
        let second = |id: &str| id.split('/').nth(2).map(str::to_ascii_lowercase);
        groups.chain(resources).filter_map(second).collect()
    }

    /// Reads a world file.
    ///
    /// # Errors
    /// It is not YAML, has an unknown or missing key, or a resource without a legal id.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        Self::parse_over(name, text, &|_| Err("no other world is at hand".to_owned()))
    }

    /// Reads a world file that may be a change of another one: `extends` names it, and `read` gives its
    /// text. Resources and resource groups of the same id replace those of the other world, the rest of
    /// them is added, `without` takes resources out, and every other key replaces.
    ///
    /// # Errors
    /// As [`Self::parse`], or the other world cannot be read.
    pub fn parse_over(
        name: &str,
        text: &str,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, ScenarioError> {
        let wrong = |why: String| ScenarioError { name: name.to_owned(), why };
        // A world that changes nothing is read for itself, so that its mistakes have a line.
        let scenario: Self = match serde_yaml::from_str::<Extends>(text) {
            Ok(Extends { extends: Some(_) }) => {
                let whole = whole(text, read, 0).map_err(wrong)?;
                serde_json::from_value(whole).map_err(|error| wrong(error.to_string()))?
            }
            _ => serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?,
        };
        scenario.onprem.check().map_err(|error| wrong(error.to_string()))?;
        for (place, body) in scenario.resources.iter().enumerate() {
            let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
            ResourceId::parse(id).map_err(|error| wrong(format!("resources[{place}]: {error}")))?;
        }
        let subscriptions = scenario.subscriptions();
        for (place, fault) in scenario.faults.iter().enumerate() {
            let checked = fault.check_in(&subscriptions);
            checked.map_err(|why| wrong(format!("faults[{place}] can never strike: {why}")))?;
        }
        for group in &scenario.resource_groups {
            if group.id.split('/').count() != 5 {
                let why = "must be written like /subscriptions/{id}/resourceGroups/{name}";
                return Err(wrong(format!("resource group `{}` {why}", group.id)));
            }
        }
        Ok(scenario)
    }
}
