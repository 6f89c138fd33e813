//! How is a recovery plan moved by hand? In the portal, or with the calls that the executor makes: the
//! commands of `az site-recovery` are an extension that a machine at 03:00 may not have.

use super::{Az, Guide, Line, Trouble, called, line, noted};
use crate::model::ResourceId;
use crate::model::recovery::{
    CANCEL, CLEANUP, FailoverDirection, FailoverKind, RecoveryMove, RecoveryPlan, RecoveryPoint,
};

fn call(method: &str, path: &str) -> Az {
    Az::new("rest").with("--method", method).with("--url", called(path))
}

fn post(id: &ResourceId, verb: &str, body: Option<String>) -> String {
    let call = call("post", &format!("{id}/{verb}"));
    match body {
        Some(body) => call.with("--body", body).text(),
        None => call.text(),
    }
}

/// What machines of Azure take (azure-facts 6.1).
fn details(point: RecoveryPoint) -> String {
    format!(
        "[{{\"instanceType\":\"A2A\",\"recoveryPointType\":\"{}\",\
         \"multiVmSyncPointOption\":\"UseMultiVmSyncRecoveryPoint\"}}]",
        point.as_str()
    )
}

fn body(to: &RecoveryMove) -> Option<String> {
    match to {
        RecoveryMove::Failover { kind, direction, recovery_point } => {
            let source = match kind {
                FailoverKind::Unplanned => "\"sourceSiteOperations\":\"NotRequired\",",
                FailoverKind::ShutDownFirst => "\"sourceSiteOperations\":\"Required\",",
                FailoverKind::Planned => "",
            };
            Some(format!(
                "{{\"properties\":{{\"failoverDirection\":\"{}\",{source}\
                 \"providerSpecificDetails\":{}}}}}",
                direction.as_str(),
                details(*recovery_point)
            ))
        }
        RecoveryMove::TestFailover { network, direction, recovery_point } => Some(format!(
            "{{\"properties\":{{\"failoverDirection\":\"{}\",\"networkType\":\"VmNetworkAsInput\",\
             \"networkId\":\"{network}\",\"providerSpecificDetails\":{}}}}}",
            direction.as_str(),
            details(*recovery_point)
        )),
        RecoveryMove::TestCleanup => Some(cleanup()),
        RecoveryMove::Commit | RecoveryMove::Reprotect => None,
    }
}

fn cleanup() -> String {
    "{\"properties\":{\"comments\":\"Cleaned up by hand.\"}}".to_owned()
}

pub(super) fn plan(spec: &RecoveryPlan) -> Guide {
    let id = &spec.id;
    let vault = id.parent().map(|vault| vault.name().to_owned()).unwrap_or_default();
    let button = button(&spec.to);
    let portal =
        ["Recovery Services vaults", &vault, "Recovery Plans (Site Recovery)", id.name(), button];
    let ask = post(id, spec.to.verb(), body(&spec.to));
    let act = match &spec.to {
        RecoveryMove::Failover { .. } | RecoveryMove::TestFailover { .. } => vec![
            until_allowed(spec),
            noted("For machines of Azure; other kinds of replication take other details.", ask),
        ],
        RecoveryMove::Commit | RecoveryMove::Reprotect | RecoveryMove::TestCleanup => {
            vec![until_allowed(spec), line(ask)]
        }
    };
    let (good, undo, undo_note) = afterwards(id, &spec.to);
    Guide {
        portal: portal.iter().map(|place| (*place).to_owned()).collect(),
        act,
        check: vec![
            line(
                call("get", id.as_str())
                    .with(
                        "--query",
                        "properties.{scenario:currentScenario.scenarioName,status:currentScenarioStatus,why:currentScenarioStatusDescription,allowed:allowedOperations}",
                    )
                    .text(),
            ),
            noted(
                "Where each machine is.",
                call("get", &format!("{}/replicationProtectedItems", parent(id)))
                    .with(
                        "--query",
                        "value[].properties.{machine:friendlyName,runs:activeLocation,protection:protectionState}",
                    )
                    .text(),
            ),
        ],
        good: good.to_owned(),
        wrong: TROUBLES.to_vec(),
        undo,
        undo_note: undo_note.to_owned(),
    }
}

/// What is pressed in the portal.
fn button(to: &RecoveryMove) -> &'static str {
    match to {
        RecoveryMove::Failover { kind: FailoverKind::Planned, .. } => "Planned failover",
        RecoveryMove::Failover { .. } => "Failover",
        RecoveryMove::Commit => "Commit",
        RecoveryMove::Reprotect => "Re-protect",
        RecoveryMove::TestFailover { .. } => "Test failover",
        RecoveryMove::TestCleanup => "Cleanup test failover",
    }
}

/// What looks good afterwards, how it is taken back, and what is said of that.
fn afterwards(id: &ResourceId, to: &RecoveryMove) -> (&'static str, Vec<Line>, &'static str) {
    match to {
        RecoveryMove::Failover { direction, .. } => (
            match direction {
                FailoverDirection::PrimaryToRecovery => {
                    "status is Succeeded, allowed holds Commit, and runs is Recovery for each machine."
                }
                FailoverDirection::RecoveryToPrimary => {
                    "status is Succeeded, allowed holds Commit, and runs is Primary for each machine."
                }
            },
            vec![noted("Only while it is not committed.", post(id, CANCEL, None))],
            "Only while it is not committed; afterwards only a failback leads back.",
        ),
        RecoveryMove::Commit => (
            "status is Succeeded, and allowed does not hold Commit.",
            Vec::new(),
            "The recovery points are gone: only a failback leads back.",
        ),
        RecoveryMove::Reprotect => (
            "protection is Protected for each machine. It takes hours where much has changed.",
            Vec::new(),
            "Nothing is to be taken back: protection stays.",
        ),
        RecoveryMove::TestFailover { .. } => (
            "status is Suspended, and why is WaitingForStopTestFailover: the copies run.",
            vec![noted(
                "Only while the copies are there: a step of this runbook may have cleaned up.",
                post(id, CLEANUP, Some(cleanup())),
            )],
            "The cleanup deletes the copies, never the machines.",
        ),
        RecoveryMove::TestCleanup => (
            "status is Succeeded, and allowed does not hold TestFailoverCleanup.",
            Vec::new(),
            "A new test failover makes new copies.",
        ),
    }
}

/// Nothing is asked of a plan before it allows it: its machines may still be at what was asked before.
fn until_allowed(spec: &RecoveryPlan) -> super::Line {
    let word = spec.to.allowed_word();
    let look = call("get", spec.id.as_str())
        .with("--query", format!("contains(properties.allowedOperations,'{word}')"))
        .with("--output", "tsv");
    let look = look.text().replace('\n', "\n  ");
    noted(
        "Waits until Site Recovery allows it: hours where machines are still being protected. Ctrl-C ends it.",
        format!("until {look} |\n  grep -qi true; do\n  sleep 15\ndone"),
    )
}

fn parent(id: &ResourceId) -> String {
    id.parent().map(|vault| vault.to_string()).unwrap_or_default()
}

/// What may go wrong (azure-facts 6.4).
const TROUBLES: [Trouble; 3] = [
    Trouble {
        sign: "Site Recovery does not offer what is wanted",
        then: "Read the plan's allowed operations. A test failover that waits for its cleanup, or a machine \
               that is not Protected, takes everything else away.",
    },
    Trouble {
        sign: "The job is Suspended",
        then: "A manual action of the plan waits: do what it says, then complete it in the portal, under \
               Site Recovery jobs.",
    },
    Trouble {
        sign: "One machine fails and the others do not",
        then: "Read its job's errors, mend that, and fail that machine over by itself. Do not commit before.",
    },
];
