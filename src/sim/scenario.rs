//! Where does a drill begin? World files: resources, the on-premises side, and how Azure behaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::azure_policy::Policy;
use super::fault::Fault;
use super::governance::{DenyAssignment, Grant, Lock};
use super::network::OnPrem;
use super::resiliency::SiteTest;
use super::scheduled_event::ScheduledEvent;
use super::tenancy::Tenancy;
use super::written::{ReadWorld, read_world};
use crate::model::time::duration_text;
use crate::model::{Region, ResourceId, Timestamp};
use crate::runbook::{DiagnosticView, DocumentKind, Severity, SourceFile};

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
    /// Subscriptions that are disabled: they answer reads and take no writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<String>,
    /// Which tenants the subscriptions are of; one for all when absent.
    #[serde(default, skip_serializing_if = "Tenancy::is_plain")]
    pub tenants: Tenancy,
    /// Management locks.
    #[serde(default)]
    pub locks: Vec<Lock>,
    /// Deny assignments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny_assignments: Vec<DenyAssignment>,
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

impl OutageWrites {
    /// What who writes sees of it: in a group that is at home in the region nothing can be taken (azure-facts 3.9).
    #[must_use]
    pub fn felt(self, home_down: bool) -> Self {
        match self {
            Self::NeverEnd | Self::FailLate if home_down => Self::FailFast,
            felt => felt,
        }
    }
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
    /// What is wrong, each with its place, in lines.
    pub why: String,
}

impl Scenario {
    /// Reads a world file.
    ///
    /// # Errors
    /// It cannot be used: the error names every mistake, with its place.
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
        let source = SourceFile::of(DocumentKind::World, name, text);
        let open = |base: &str| {
            let text = read(base)?;
            Ok(SourceFile::of(DocumentKind::World, base, text))
        };
        let ReadWorld { source, diagnostics, scenario } = read_world(source, &open);
        scenario.ok_or_else(|| {
            let one = |view: DiagnosticView| {
                let help = view.help.map(|help| format!(" {help}")).unwrap_or_default();
                format!("{}:{}:{}: {}{help}", view.file, view.line, view.column, view.message)
            };
            let errors = diagnostics.views(&source).into_iter();
            let errors = errors.filter(|view| view.severity == Severity::Error);
            let why: Vec<String> = errors.map(one).collect();
            ScenarioError { name: name.to_owned(), why: why.join("\n") }
        })
    }
}
