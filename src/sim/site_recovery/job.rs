//! What is a job? Stages one after another, each of parts side by side; and how Azure shows it.
//!
//! A job is its operation too: one guid names both (recorded).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::phase::MachineMove;
use super::place::spelled;
use crate::model::{ResourceId, Timestamp};

/// Work that goes on, or is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Job {
    pub(super) id: String,
    pub(super) vault: ResourceId,
    /// What was asked to change.
    pub(in crate::sim) target: ResourceId,
    /// The path under which its result is asked for.
    pub(super) place: String,
    pub(super) work: JobWork,
    pub(super) api_version: String,
    /// The protected items that nobody else may touch meanwhile.
    pub(super) items: Vec<ResourceId>,
    pub(super) began: Timestamp,
    pub(super) stages: Vec<Stage>,
    /// The stage that goes on.
    pub(super) at: usize,
    pub(super) state: JobState,
    pub(super) ended: Option<Timestamp>,
    /// The code and message with which it fails at the end of its first stage.
    pub(super) failure_due: Option<(String, String)>,
    /// The code and message with which it has failed.
    pub(super) failure: Option<(String, String)>,
    /// Whether its operation's URL is not found, by a fault.
    pub(super) forgotten: bool,
    /// How long after its end it still keeps others away, by a fault.
    pub(super) lingers: Duration,
}

/// What a job does when its stages are over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobWork {
    /// Writes this body.
    Write(Value),
    Remove,
    /// Something that Azure does to items, and to their plan where there is one.
    MachineMove(MachineMove),
    CancelJob(String),
    RestartJob(String),
    ResumeJob(String),
    RefreshHealth,
    Export,
    /// The vault itself is made, or goes.
    MakeVault,
    RemoveVault,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) said: String,
    pub(super) parts: Vec<JobPart>,
    /// What a person must do before it goes on.
    pub(super) manual: Option<String>,
    /// What its parts need and do.
    pub(super) step: JobStep,
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

/// What the parts of a stage do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobStep {
    /// Nothing that is seen.
    Plain,
    /// Machines are shut down where they run.
    Shutdown,
    /// The deed is done to the item.
    Main,
}

/// One item in a stage; or none, where the stage is about the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JobPart {
    pub(super) item: Option<ResourceId>,
    pub(super) takes: Duration,
    pub(super) done: bool,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum JobState {
    InProgress,
    /// It waits for a person.
    Suspended,
    Cancelling,
    Cancelled,
    Succeeded,
    Failed,
}

impl JobState {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::InProgress => ("InProgress", "InProgress"),
            Self::Suspended => ("Suspended", "WaitingForManualAction"),
            Self::Cancelling => ("Cancelling", "Cancelling"),
            Self::Cancelled => ("Cancelled", "Cancelled"),
            Self::Succeeded => ("Succeeded", "Completed"),
            Self::Failed => ("Failed", "Failed"),
        }
    }
}

impl Job {
    /// Its id, which is its operation's too.
    pub(in crate::sim) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::sim) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether nobody else may touch what it works on.
    pub(super) fn is_at_work(&self, now: Timestamp) -> bool {
        self.ended.is_none_or(|ended| now < ended + self.lingers)
    }

    /// Whether it is one of the vault's own operations, which are no jobs.
    pub(super) fn is_of_vault(&self) -> bool {
        matches!(self.work, JobWork::MakeVault | JobWork::RemoveVault)
    }

    /// When its next part ends; nothing while it waits for a person or is over.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if self.is_over() || self.state == JobState::Suspended {
            return None;
        }
        let stage = self.stages.get(self.at)?;
        let began = stage.began?;
        let parts = stage.parts.iter().filter(|part| !part.done);
        parts.map(|part| began + part.takes).min().or(Some(began))
    }

    /// The id in the URL of a vault's own operation.
    pub(super) fn vault_token(&self) -> String {
        BASE64_STANDARD.encode(format!("2047;{}", self.id))
    }

    /// What it is called, and what people read.
    fn scenario(&self) -> (String, String) {
        let kind = super::place::kind(&self.target);
        let (name, said) = match (&self.work, kind.as_str()) {
            (JobWork::MachineMove(deed), _) => deed.scenario(),
            (JobWork::CancelJob(_), _) => ("CancelJob", "Cancel job"),
            (JobWork::RestartJob(_), _) => ("RestartJob", "Restart job"),
            (JobWork::ResumeJob(_), _) => ("ResumeJob", "Resume job"),
            (JobWork::RefreshHealth, _) => ("RefreshVaultHealth", "Refresh vault health"),
            (JobWork::Export, _) => ("ExportJobs", "Export jobs"),
            (JobWork::Remove, "replicationrecoveryplans") => {
                ("DeleteRecoveryPlan", "Delete a recovery plan")
            }
            (JobWork::Write(_), "replicationrecoveryplans") => {
                ("SaveRecoveryPlan", "Save a recovery plan")
            }
            (JobWork::Write(_), "replicationpolicies") => {
                ("AddProtectionProfile", "Create replication policy")
            }
            (JobWork::Remove, "replicationpolicies") => {
                ("DeleteProtectionProfile", "Delete replication policy")
            }
            (JobWork::Write(_), "replicationfabrics") => ("CreateSite", "Create a site"),
            (JobWork::Remove, "replicationfabrics") => ("DeleteSite", "Delete a site"),
            (JobWork::Write(_), "replicationprotecteditems") => ("EnableDr", "Enable replication"),
            (JobWork::Write(_), "replicationprotectioncontainermappings") => {
                ("PairClouds", "Associate replication policy")
            }
            (JobWork::Remove, "replicationprotectioncontainermappings") => {
                ("UnpairClouds", "Dissociate replication policy")
            }
            (JobWork::Write(_), "replicationnetworkmappings") => ("MapNetworks", "Map networks"),
            (JobWork::Remove, "replicationnetworkmappings") => ("UnmapNetworks", "Unmap networks"),
            (JobWork::Write(_), _) => ("CreateProtectionContainer", "Create a container"),
            (JobWork::Remove, _) => ("DeleteProtectionContainer", "Delete a container"),
            (JobWork::MakeVault | JobWork::RemoveVault, _) => ("Vault", "Vault"),
        };
        (name.to_owned(), said.to_owned())
    }

    /// The job's id as a resource.
    pub(super) fn resource(&self) -> String {
        format!("{}/replicationJobs/{}", spelled(&self.vault), self.id)
    }

    /// Scenario, job and start, as an item or a plan shows them.
    pub(super) fn current(&self) -> Value {
        json!({ "scenarioName": self.scenario().0, "jobId": self.resource(),
                "startTime": stamp(self.began) })
    }

    /// What a client may do with it. `Cancel`, `Resume` and `Restart` are believed to be spelt so.
    pub(super) fn allowed_actions(&self) -> Vec<&'static str> {
        let failover = matches!(self.work, JobWork::MachineMove(deed) if deed.is_failover());
        match self.state {
            JobState::InProgress if failover => vec!["Cancel"],
            JobState::Suspended => vec!["Cancel", "Resume"],
            JobState::Failed if matches!(self.work, JobWork::MachineMove(_)) => vec!["Restart"],
            _ => Vec::new(),
        }
    }

    /// The body of a GET; a list shows less (recorded).
    pub(super) fn shown(&self, in_list: bool) -> Value {
        let (name, said) = self.scenario();
        let (state, described) = self.state.words();
        let kind = super::place::kind(&self.target);
        let instance = match kind.as_str() {
            "replicationprotecteditems" => "ProtectionEntity",
            "replicationrecoveryplans" => "RecoveryPlan",
            "replicationpolicies" => "ProtectionProfile",
            "replicationfabrics" => "Server",
            "replicationprotectioncontainers" => "Cloud",
            "replicationvaulthealth" => "Vault",
            _ => "Other",
        };
        let affected =
            if instance == "Vault" || instance == "Other" { "" } else { self.target.name() };
        let mut properties = json!({
            "activityId": null, "scenarioName": name, "friendlyName": said,
            "state": state, "stateDescription": described, "tasks": [],
            "errors": self.errors(), "startTime": stamp(self.began),
            "endTime": self.ended.map(whole_seconds),
            "allowedActions": self.allowed_actions(),
            "targetObjectId": affected_id(&self.target), "targetObjectName": affected,
            "targetInstanceType": instance, "customDetails": null,
        });
        if !in_list {
            properties["activityId"] =
                json!(format!("{} ActivityId: {}", self.id, affected_id(&self.vault)));
            properties["tasks"] =
                self.stages.iter().enumerate().map(|(n, s)| self.task(n, s)).collect();
            let details =
                if self.work == JobWork::Export { "ExportJobDetails" } else { "AsrJobDetails" };
            properties["customDetails"] =
                json!({ "instanceType": details, "affectedObjectDetails": {} });
        }
        json!({ "id": self.resource(), "name": self.id,
                "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
                "properties": properties })
    }

    fn errors(&self) -> Vec<Value> {
        let one = |(code, message): &(String, String)| {
            json!({
                "serviceErrorDetails": { "code": code, "message": message, "possibleCauses": "",
                    "recommendedAction": "", "activityId": self.id },
                "providerErrorDetails": null, "errorLevel": "Error",
                "creationTime": self.ended.map(stamp), "taskId": self.stages.get(self.at).map(|s| &s.name),
            })
        };
        self.failure.iter().map(one).collect()
    }

    fn task(&self, place: usize, stage: &Stage) -> Value {
        let (state, described) = match (stage.began, stage.ended) {
            (_, Some(_)) => ("Succeeded", "Completed"),
            (None, None) => ("NotStarted", "NotStarted"),
            (Some(_), None) => self.state.words(),
        };
        let waits = self.state == JobState::Suspended && place == self.at;
        let details = match &stage.manual {
            Some(instructions) => json!({ "instanceType": "ManualActionTaskDetails",
                "name": stage.said, "instructions": instructions, "observation": "" }),
            None => json!({ "instanceType": "TaskDetails" }),
        };
        json!({
            "taskId": stage.name, "name": stage.name,
            "startTime": stage.began.map(stamp), "endTime": stage.ended.map(stamp),
            "allowedActions": if waits { vec!["Resume"] } else { Vec::new() },
            "friendlyName": stage.said, "state": state, "stateDescription": described,
            "taskType": details["instanceType"], "customDetails": details,
            "groupTaskCustomDetails": null, "errors": [],
        })
    }

    /// The body of a poll (recorded): the end is in whole seconds.
    pub(super) fn status(&self) -> Value {
        let (status, error) = match (self.state, &self.failure) {
            (JobState::Succeeded, _) => ("Succeeded", Value::Null),
            (JobState::Failed, Some((code, message))) => {
                ("Failed", json!({ "code": code, "message": message, "details": [] }))
            }
            // Spelt as ARM's own protocol has it: believed.
            (JobState::Cancelled, _) => ("Canceled", Value::Null),
            _ => ("InProgress", Value::Null),
        };
        json!({
            "error": error, "id": null, "name": self.id, "properties": null, "status": status,
            "startTime": stamp(self.began),
            "endTime": self.ended.map(|at| whole_seconds(at).replace('Z', ".0000000Z")),
            "percentComplete": null,
        })
    }
}

/// A number that Azure gives to what a job is about (recorded of a vault); ours is a guid.
fn affected_id(id: &ResourceId) -> String {
    crate::sim::reply::guid(&[id.key(), "affected"])
}

/// A time as Site Recovery writes it: with seven places.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_string().replace('Z', "0000Z")
}

fn whole_seconds(at: Timestamp) -> String {
    let text: String = at.to_string().chars().take(19).collect();
    format!("{text}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_recorded() {
        let at: Timestamp = "2023-01-16T08:48:29.557Z".parse().unwrap();
        assert_eq!(stamp(at), "2023-01-16T08:48:29.5570000Z");
        assert_eq!(whole_seconds(at), "2023-01-16T08:48:29Z");
    }
}
