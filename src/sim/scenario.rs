//! Where does a drill begin? World files: resources, the on-premises side, and how Azure behaves.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::network::OnPrem;
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
    /// Misfortunes.
    #[serde(default)]
    pub faults: Vec<Fault>,
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

impl Scenario {
    /// Reads a world file.
    ///
    /// # Errors
    /// It is not YAML, has an unknown or missing key, or a resource without a legal id.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let wrong = |why: String| ScenarioError { name: name.to_owned(), why };
        let scenario: Self =
            serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        scenario.onprem.check().map_err(|error| wrong(error.to_string()))?;
        for (place, body) in scenario.resources.iter().enumerate() {
            let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
            ResourceId::parse(id).map_err(|error| wrong(format!("resources[{place}]: {error}")))?;
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
