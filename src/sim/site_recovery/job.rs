//! What is a job? Stages one after another, each of parts side by side.
//!
//! A job is its operation too: one guid names both (recorded).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::phase::MachineMove;
use super::words::{JobAction, JobSubject, VaultKind};
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
    /// The move is done to the item.
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
    /// Azure's word, and what it says of it.
    pub(super) fn words(self) -> (&'static str, &'static str) {
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
    pub(super) fn scenario(&self) -> (&'static str, &'static str) {
        let kind = super::place::kind(&self.target);
        match (&self.work, kind) {
            (JobWork::MachineMove(machine_move), _) => machine_move.scenario(),
            (JobWork::CancelJob(_), _) => ("CancelJob", "Cancel job"),
            (JobWork::RestartJob(_), _) => ("RestartJob", "Restart job"),
            (JobWork::ResumeJob(_), _) => ("ResumeJob", "Resume job"),
            (JobWork::RefreshHealth, _) => ("RefreshVaultHealth", "Refresh vault health"),
            (JobWork::Export, _) => ("ExportJobs", "Export jobs"),
            (JobWork::Remove, Some(VaultKind::Plan)) => {
                ("DeleteRecoveryPlan", "Delete a recovery plan")
            }
            (JobWork::Write(_), Some(VaultKind::Plan)) => {
                ("SaveRecoveryPlan", "Save a recovery plan")
            }
            (JobWork::Write(_), Some(VaultKind::Policy)) => {
                ("AddProtectionProfile", "Create replication policy")
            }
            (JobWork::Remove, Some(VaultKind::Policy)) => {
                ("DeleteProtectionProfile", "Delete replication policy")
            }
            (JobWork::Write(_), Some(VaultKind::Fabric)) => ("CreateSite", "Create a site"),
            (JobWork::Remove, Some(VaultKind::Fabric)) => ("DeleteSite", "Delete a site"),
            (JobWork::Write(_), Some(VaultKind::Item)) => ("EnableDr", "Enable replication"),
            (JobWork::Write(_), Some(VaultKind::ContainerMapping)) => {
                ("PairClouds", "Associate replication policy")
            }
            (JobWork::Remove, Some(VaultKind::ContainerMapping)) => {
                ("UnpairClouds", "Dissociate replication policy")
            }
            (JobWork::Write(_), Some(VaultKind::NetworkMapping)) => ("MapNetworks", "Map networks"),
            (JobWork::Remove, Some(VaultKind::NetworkMapping)) => {
                ("UnmapNetworks", "Unmap networks")
            }
            (JobWork::Write(_), _) => ("CreateProtectionContainer", "Create a container"),
            (JobWork::Remove, _) => ("DeleteProtectionContainer", "Delete a container"),
            (JobWork::MakeVault | JobWork::RemoveVault, _) => ("Vault", "Vault"),
        }
    }

    /// What a client may do with it.
    pub(super) fn allowed_actions(&self) -> &'static [JobAction] {
        let failover =
            matches!(self.work, JobWork::MachineMove(machine_move) if machine_move.is_failover());
        match self.state {
            JobState::InProgress if failover => &[JobAction::Cancel],
            JobState::Suspended => &[JobAction::Cancel, JobAction::Resume],
            JobState::Failed if matches!(self.work, JobWork::MachineMove(_)) => {
                &[JobAction::Restart]
            }
            JobState::InProgress
            | JobState::Cancelling
            | JobState::Cancelled
            | JobState::Succeeded
            | JobState::Failed => &[],
        }
    }

    /// What it is about.
    pub(super) fn subject(&self) -> JobSubject {
        match super::place::kind(&self.target) {
            Some(VaultKind::Item) => JobSubject::Item,
            Some(VaultKind::Plan) => JobSubject::Plan,
            Some(VaultKind::Policy) => JobSubject::Policy,
            Some(VaultKind::Fabric) => JobSubject::Fabric,
            Some(VaultKind::Container) => JobSubject::Container,
            Some(VaultKind::Health) => JobSubject::Vault,
            _ => JobSubject::Other,
        }
    }
}
