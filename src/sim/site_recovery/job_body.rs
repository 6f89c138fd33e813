//! How does Azure show a job? As a resource, as a task of one, and to who polls it.

use serde_json::{Value, json};

use super::job::{Job, JobState, JobWork, Stage};
use super::place::spelled;
use super::words::{JobAction, JobSubject, PollStatus};
use crate::model::{ResourceId, Timestamp};

fn words(actions: &[JobAction]) -> Vec<&'static str> {
    actions.iter().map(|action| action.as_str()).collect()
}

impl Job {
    /// The job's id as a resource.
    pub(super) fn resource(&self) -> String {
        format!("{}/replicationJobs/{}", spelled(&self.vault), self.id)
    }

    /// Scenario, job and start, as an item or a plan shows them.
    pub(super) fn current(&self) -> Value {
        json!({ "scenarioName": self.scenario().0, "jobId": self.resource(),
                "startTime": stamp(self.began) })
    }

    /// The body of a GET; a list shows less (recorded).
    pub(super) fn shown(&self, in_list: bool) -> Value {
        let (name, said) = self.scenario();
        let (state, described) = self.state.words();
        let subject = self.subject();
        let named = !matches!(subject, JobSubject::Vault | JobSubject::Other);
        let affected = if named { self.target.name() } else { "" };
        let mut properties = json!({
            "activityId": null, "scenarioName": name, "friendlyName": said,
            "state": state, "stateDescription": described, "tasks": [],
            "errors": self.errors(), "startTime": stamp(self.began),
            "endTime": self.ended.map(whole_seconds),
            "allowedActions": words(self.allowed_actions()),
            "targetObjectId": affected_id(&self.target), "targetObjectName": affected,
            "targetInstanceType": subject.as_str(), "customDetails": null,
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
            "allowedActions": if waits { words(&[JobAction::Resume]) } else { words(&[]) },
            "friendlyName": stage.said, "state": state, "stateDescription": described,
            "taskType": details["instanceType"], "customDetails": details,
            "groupTaskCustomDetails": null, "errors": [],
        })
    }

    /// The body of a poll (recorded): the end is in whole seconds.
    pub(super) fn status(&self) -> Value {
        let (status, error) = match (self.state, &self.failure) {
            (JobState::Succeeded, _) => (PollStatus::Succeeded, Value::Null),
            (JobState::Failed, Some((code, message))) => {
                (PollStatus::Failed, json!({ "code": code, "message": message, "details": [] }))
            }
            (JobState::Cancelled, _) => (PollStatus::Cancelled, Value::Null),
            (JobState::Failed, None)
            | (JobState::InProgress | JobState::Suspended | JobState::Cancelling, _) => {
                (PollStatus::InProgress, Value::Null)
            }
        };
        json!({
            "error": error, "id": null, "name": self.id, "properties": null, "status": status.as_str(),
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
