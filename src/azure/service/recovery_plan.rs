//! Where are the machines of a recovery plan, and which call brings them where they shall be?
//!
//! The plan says what Site Recovery is doing and may be asked for; its protected items say where each
//! machine is. A failover is a POST that must not be made twice: the plan names the job of its last
//! scenario, and by that job a write that landed is told from one that did not.

use std::time::Duration;

use serde_json::{Value, json};

use super::body::LOOK_AGAIN;
use crate::arm::read::text;
use crate::model::assessment::SeenState;
use crate::model::recovery::{
    CANCEL, CLEANUP, FailoverDirection, FailoverKind, RecoveryMove, RecoveryPlan, RecoveryPoint,
};
use crate::model::{
    Assessed, Assessment, Change, Outputs, PlannedChange, ResourceId, Seen, Undo, Write,
    WriteMethod,
};

/// What a plan that waits for its cleanup says (azure-facts 6.1).
const WAITS_FOR_CLEANUP: &str = "WaitingForStopTestFailover";

/// Wait before looking again at disks that are copied, which takes hours.
const LOOK_AT_REPLICATION: Duration = Duration::from_secs(180);

/// A plan, and the items that are its own.
struct Situation<'a> {
    id: &'a ResourceId,
    plan: &'a Value,
    machines: Vec<Machine<'a>>,
}

/// A protected item.
struct Machine<'a> {
    name: &'a str,
    /// `Primary` or `Recovery`: the side on which it runs.
    active: &'a str,
    protection: &'a str,
    allowed: Vec<&'a str>,
}

/// Compares a plan with what shall have been done with it.
pub(crate) fn assess(spec: &RecoveryPlan, plan: Option<&Value>, items: &[Value]) -> Assessment {
    let Some(plan) = plan else {
        return assessment(&spec.id, None, absent(&spec.id));
    };
    let verdict = match Situation::of(&spec.id, plan, items) {
        Ok(situation) => situation.at_work().unwrap_or_else(|| situation.judge(&spec.to)),
        Err(blocked) => blocked,
    };
    assessment(&spec.id, Some(plan), verdict)
}

/// Compares a plan with how it was before a step.
pub(crate) fn undo(
    spec: &RecoveryPlan,
    undo: &Undo,
    plan: Option<&Value>,
    items: &[Value],
) -> Assessment {
    let Undo::Call { verb, body, .. } = undo else {
        return assessment(&spec.id, plan, Assessed::Holds);
    };
    let Some(plan) = plan else {
        return assessment(&spec.id, None, absent(&spec.id));
    };
    let verdict = match Situation::of(&spec.id, plan, items) {
        Err(blocked) => blocked,
        Ok(situation) => situation
            .at_work()
            .unwrap_or_else(|| situation.judge_undo(&spec.to, verb, body.as_ref())),
    };
    assessment(&spec.id, Some(plan), verdict)
}

fn absent(id: &ResourceId) -> Assessed {
    blocked("recovery_plan_absent", format!("There is no recovery plan {}.", id.name()))
}

fn blocked(code: &str, why: String) -> Assessed {
    Assessed::Blocked { code: code.to_owned(), why }
}

/// The last scenario of a plan is what tells two states of it apart: it has no etag.
fn assessment(id: &ResourceId, plan: Option<&Value>, verdict: Assessed) -> Assessment {
    let of = |pointer: &str| plan.and_then(|plan| text(plan, pointer));
    let state = match plan {
        None => SeenState::Absent,
        Some(_) => SeenState::of(&format!(
            "{} {}",
            of("/properties/currentScenario/scenarioName").unwrap_or("None"),
            of("/properties/currentScenarioStatus").unwrap_or("None"),
        )),
    };
    let job = of("/properties/currentScenario/jobId");
    let mut outputs = Outputs::new();
    if verdict == Assessed::Holds {
        outputs.insert("id".to_owned(), Value::from(id.as_str()));
    }
    let etag = job.and_then(|job| job.rsplit('/').next()).map(str::to_owned);
    Assessment { verdict, seen: vec![Seen { resource: id.clone(), state, etag }], outputs }
}

impl<'a> Situation<'a> {
    fn of(id: &'a ResourceId, plan: &'a Value, items: &'a [Value]) -> Result<Self, Assessed> {
        let list = |value: &'a Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
        };
        let mut machines = Vec::new();
        for group in list(plan, "/properties/groups") {
            for member in list(group, "/replicationProtectedItems") {
                let of = text(member, "/id").unwrap_or_default();
                let found = items
                    .iter()
                    .find(|item| text(item, "/id").is_some_and(|id| id.eq_ignore_ascii_case(of)));
                let Some(item) = found else {
                    let name = of.rsplit('/').next().unwrap_or_default();
                    let why = format!(
                        "The recovery plan {} names the protected item {name}, which its vault does \
                         not have.",
                        id.name()
                    );
                    return Err(blocked("protected_item_absent", why));
                };
                machines.push(Machine::of(item));
            }
        }
        if machines.is_empty() {
            let why = format!("The recovery plan {} has no machines.", id.name());
            return Err(blocked("recovery_plan_empty", why));
        }
        Ok(Self { id, plan, machines })
    }

    fn status(&self) -> (&'a str, &'a str) {
        let of = |key: &str| text(self.plan, &format!("/properties/{key}")).unwrap_or_default();
        (of("currentScenarioStatus"), of("currentScenarioStatusDescription"))
    }

    /// Whether Site Recovery is at work on the plan. A test failover that waits for its cleanup is not;
    /// anything else that is suspended waits for a person at a manual action of the plan's own.
    fn at_work(&self) -> Option<Assessed> {
        let (status, description) = self.status();
        let scenario =
            text(self.plan, "/properties/currentScenario/scenarioName").unwrap_or("None");
        let ended = ["", "none", "succeeded", "failed", "cancelled", "completed"];
        let why = if status.eq_ignore_ascii_case("suspended") {
            if description.eq_ignore_ascii_case(WAITS_FOR_CLEANUP) {
                return None;
            }
            format!("a manual action of {} waits for a person in the portal", self.id.name())
        } else if ended.iter().any(|end| status.eq_ignore_ascii_case(end)) {
            return None;
        } else {
            format!("Site Recovery is at work on {} ({scenario}: {status})", self.id.name())
        };
        Some(Assessed::InProgress { why, after: LOOK_AGAIN })
    }

    /// Whether Site Recovery would take this word now.
    fn allows(&self, word: &str) -> bool {
        self.allowed().any(|known| known.eq_ignore_ascii_case(word))
            || self.machines.iter().any(|machine| machine.allows(word))
    }

    fn allowed(&self) -> impl Iterator<Item = &'a str> {
        let list = self.plan.pointer("/properties/allowedOperations").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    fn waits_for_cleanup(&self) -> bool {
        self.allows("TestFailoverCleanup")
    }

    fn is_over(&self, direction: FailoverDirection) -> bool {
        let side = match direction {
            FailoverDirection::PrimaryToRecovery => "Recovery",
            FailoverDirection::RecoveryToPrimary => "Primary",
        };
        self.machines.iter().all(|machine| machine.active.eq_ignore_ascii_case(side))
    }

    fn judge(&self, to: &RecoveryMove) -> Assessed {
        match to {
            RecoveryMove::Failover { direction, .. } if self.is_over(*direction) => Assessed::Holds,
            RecoveryMove::Failover { .. } if self.waits_for_cleanup() => blocked(
                "test_failover_pending",
                format!(
                    "A test failover of {} has not been cleaned up. Do that first.",
                    self.id.name()
                ),
            ),
            RecoveryMove::Failover { direction, .. } => {
                let (from, then) = match direction {
                    FailoverDirection::PrimaryToRecovery => ("Primary", "Recovery"),
                    FailoverDirection::RecoveryToPrimary => ("Recovery", "Primary"),
                };
                let undo = self.call(CANCEL, None);
                self.ask(to, ("activeLocation", from, then), undo)
            }
            RecoveryMove::Commit if self.allows("Commit") => {
                self.ask(to, ("failover", "not committed", "committed"), Undo::Nothing)
            }
            RecoveryMove::Commit if self.is_committed() => Assessed::Holds,
            RecoveryMove::Commit => blocked(
                "not_failed_over",
                format!("{} has not failed over: there is nothing to commit.", self.id.name()),
            ),
            RecoveryMove::Reprotect => self.judge_protection(to),
            RecoveryMove::TestFailover { .. } if self.waits_for_cleanup() => Assessed::Holds,
            RecoveryMove::TestFailover { .. } => {
                let undo = self.call(CLEANUP, Some(cleanup_body()));
                self.ask(to, ("testFailover", "none", "running"), undo)
            }
            RecoveryMove::TestCleanup if !self.waits_for_cleanup() => Assessed::Holds,
            RecoveryMove::TestCleanup => {
                self.ask(to, ("testFailover", "running", "none"), Undo::Nothing)
            }
        }
    }

    /// Nothing is left to commit: the machines run at the other side, or the last thing that was done is
    /// the commit of a failover back.
    fn is_committed(&self) -> bool {
        let scenario = text(self.plan, "/properties/currentScenario/scenarioName").unwrap_or("");
        self.is_over(FailoverDirection::PrimaryToRecovery)
            || scenario.to_ascii_lowercase().contains("commit")
    }

    fn judge_protection(&self, to: &RecoveryMove) -> Assessed {
        let is = |machine: &Machine<'_>, word: &str| {
            machine.protection.to_ascii_lowercase().starts_with(word)
        };
        if self.allows(to.allowed_word()) {
            return self.ask(to, ("protectionState", "not protected", "protected"), Undo::Nothing);
        }
        if self.machines.iter().all(|machine| is(machine, "protected")) {
            return Assessed::Holds;
        }
        let replicating = ["initialreplication", "resync", "protecting", "reprotect"];
        let late = self.machines.iter().find(|machine| !is(machine, "protected"));
        match late {
            Some(machine) if replicating.iter().any(|word| is(machine, word)) => Assessed::NotYet {
                why: format!("{} is being replicated ({})", machine.name, machine.protection),
                after: LOOK_AT_REPLICATION,
            },
            _ => self.refuses(to),
        }
    }

    fn judge_undo(&self, to: &RecoveryMove, verb: &str, body: Option<&Value>) -> Assessed {
        let call = |before: &str, after: &str, path: &str| {
            self.change(verb, body.cloned(), (path, before, after), Undo::Nothing)
        };
        match to {
            RecoveryMove::TestFailover { .. } if self.waits_for_cleanup() => {
                call("running", "none", "testFailover")
            }
            RecoveryMove::Failover { direction, .. } if self.is_over(*direction) => {
                if self.allows("Commit") {
                    call("failed over", "cancelled", "failover")
                } else {
                    let why = format!(
                        "The failover of {} is committed. Only a failback leads back.",
                        self.id.name()
                    );
                    blocked("failover_committed", why)
                }
            }
            _ => Assessed::Holds,
        }
    }

    /// The change, if Site Recovery would take it now.
    fn ask(&self, to: &RecoveryMove, what: (&str, &str, &str), undo: Undo) -> Assessed {
        if !self.allows(to.allowed_word()) {
            return self.refuses(to);
        }
        self.change(to.verb(), body(to, self.plan), what, undo)
    }

    fn refuses(&self, to: &RecoveryMove) -> Assessed {
        let mut allowed: Vec<&str> = self.allowed().collect();
        if allowed.is_empty() {
            allowed.push("nothing");
        }
        let states: Vec<String> = self
            .machines
            .iter()
            .map(|machine| format!("{} {}", machine.name, machine.protection))
            .collect();
        let why = format!(
            "Site Recovery does not allow {} of {} now. It allows {}; its machines: {}.",
            to.allowed_word(),
            self.id.name(),
            allowed.join(", "),
            states.join(", ")
        );
        blocked("recovery_plan_not_ready", why)
    }

    fn change(
        &self,
        verb: &str,
        body: Option<Value>,
        (path, before, after): (&str, &str, &str),
        undo: Undo,
    ) -> Assessed {
        let changes = vec![Change {
            resource: self.id.clone(),
            path: path.to_owned(),
            before: before.into(),
            after: after.into(),
        }];
        let write =
            Write { body, verb: Some(verb.to_owned()), ..Write::to(WriteMethod::Post, self.id) };
        Assessed::Change(Box::new(PlannedChange { changes, write, undo }))
    }

    fn call(&self, verb: &str, body: Option<Value>) -> Undo {
        Undo::Call { resource: self.id.clone(), verb: verb.to_owned(), body }
    }
}

impl<'a> Machine<'a> {
    fn of(item: &'a Value) -> Self {
        let of = |key: &str| text(item, &format!("/properties/{key}")).unwrap_or_default();
        let allowed = item.pointer("/properties/allowedOperations").and_then(Value::as_array);
        Self {
            name: text(item, "/properties/friendlyName")
                .or_else(|| text(item, "/name"))
                .unwrap_or_default(),
            active: of("activeLocation"),
            protection: of("protectionState"),
            allowed: allowed.into_iter().flatten().filter_map(Value::as_str).collect(),
        }
    }

    fn allows(&self, word: &str) -> bool {
        self.allowed.iter().any(|known| known.eq_ignore_ascii_case(word))
    }
}

fn cleanup_body() -> Value {
    json!({ "properties": { "comments": "Cleaned up by the runbook that made it." } })
}

/// What is sent along (azure-facts 6.1; the published specification of Site Recovery).
fn body(to: &RecoveryMove, plan: &Value) -> Option<Value> {
    match to {
        RecoveryMove::Failover { kind, direction, recovery_point } => {
            let mut properties = json!({
                "failoverDirection": direction.as_str(),
                "providerSpecificDetails": details(plan, *recovery_point),
            });
            match kind {
                // Nothing is asked of a side that may be dead.
                FailoverKind::Unplanned => {
                    properties["sourceSiteOperations"] = "NotRequired".into()
                }
                FailoverKind::ShutDownFirst => {
                    properties["sourceSiteOperations"] = "Required".into()
                }
                FailoverKind::Planned => {}
            }
            Some(json!({ "properties": properties }))
        }
        RecoveryMove::TestFailover { network, direction, recovery_point } => {
            Some(json!({ "properties": {
                "failoverDirection": direction.as_str(),
                "networkType": "VmNetworkAsInput",
                "networkId": network.as_str(),
                "providerSpecificDetails": details(plan, *recovery_point),
            } }))
        }
        RecoveryMove::TestCleanup => Some(cleanup_body()),
        RecoveryMove::Commit | RecoveryMove::Reprotect => None,
    }
}

/// What each kind of replication in the plan takes; a kind that is not known here decides for itself.
fn details(plan: &Value, point: RecoveryPoint) -> Vec<Value> {
    let kinds = plan.pointer("/properties/replicationProviders").and_then(Value::as_array);
    let kinds = kinds.into_iter().flatten().filter_map(Value::as_str);
    kinds
        .filter_map(|kind| match kind {
            "A2A" => Some(json!({
                "instanceType": kind,
                "recoveryPointType": point.as_str(),
                "multiVmSyncPointOption": "UseMultiVmSyncRecoveryPoint",
            })),
            "InMageAzureV2" | "InMageRcm" => Some(json!({
                "instanceType": kind,
                "recoveryPointType": point.as_str(),
                "useMultiVmSyncPoint": "true",
            })),
            "HyperVReplicaAzure" => {
                Some(json!({ "instanceType": kind, "recoveryPointType": point.as_str() }))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
