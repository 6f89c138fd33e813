//! How do the machines come and go? By Site Recovery where a plan of it is known, else by a person.

use super::draft::Draft;
use super::text::{StepText, scalar};
use crate::model::ResourceId;

fn plan_id(id: &ResourceId) -> String {
    scalar(&id.as_str().replacen("/Subscriptions/", "/subscriptions/", 1))
}

fn suffix(plans: &[ResourceId], place: usize) -> String {
    if plans.len() > 1 { format!("_{}", place + 1) } else { String::new() }
}

/// The machines come up at the target.
pub(super) fn machines_out(draft: &Draft, steps: &mut Vec<StepText>) {
    for (place, plan) in draft.plans.iter().enumerate() {
        steps.push(
            StepText::new(
                &format!("machines{}", suffix(&draft.plans, place)),
                &format!("Site Recovery brings the machines of {} up in the target region", plan.name()),
                "recovery_plan.failover",
            )
            .needs(&["go_ahead"])
            .with("plan", plan_id(plan))
            .is("timeout", "2h")
            .is("on_failure", "ask")
            .is("undo", "keep")
            .say(
                "why",
                "Site Recovery moves machines and makes no gateway, connection, peering or route; this \
                 runbook asks it for the one and makes the others beside it. Neither waits for the other.",
            )
            .say(
                "looks_good",
                "The plan's job is Succeeded and the machines answer in the target's networks. It is not \
                 committed here: as long as it is not, another recovery point can be chosen.",
            )
            .say(
                "owes",
                "Bring the machines up in the target region: the network there is ready, and they are not in \
                 it.",
            ),
        );
    }
    if !draft.plans.is_empty() {
        return;
    }
    steps.push(
        StepText::new("machines", "Site Recovery brings the machines up in the target region", "manual")
            .needs(&["go_ahead"])
            .question(
                "Start the unplanned failover of the recovery plan, to the latest processed recovery point. \
                 Confirm when its job has succeeded. The network is built beside it.",
            )
            .with("expires_after", "4h")
            .say(
                "why",
                "Site Recovery moves machines and makes no gateway, connection, peering or route; this \
                 runbook makes those and moves no machine. Neither waits for the other.",
            )
            .say(
                "by_hand",
                "Portal: Recovery Services vault, Recovery Plans, the plan, Failover.",
            )
            .say(
                "looks_good",
                "The job is Succeeded and the machines answer in the target's networks. Do not commit yet.",
            ),
    );
}

/// The machines go home; which steps say so.
pub(super) fn machines_home(
    draft: &Draft,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Vec<String> {
    if draft.plans.is_empty() {
        steps.push(people_bring_home(needs));
        return vec!["machines".to_owned()];
    }
    let mut home = Vec::new();
    for (place, plan) in draft.plans.iter().enumerate() {
        let t = suffix(&draft.plans, place);
        goes_home(plan, &t, needs, steps);
        home.push(format!("machines{t}"));
    }
    home
}

/// Without a recovery plan it is people who bring the machines home.
fn people_bring_home(needs: &[String]) -> StepText {
    StepText::new("machines", "Site Recovery brings the machines home", "manual")
                .needs(needs)
                .question(
                    "Reprotect, wait until the machines are Protected, fail the recovery plan back and commit. \
                     Confirm when the machines run where they came from, and names lead to them.",
                )
                .with("expires_after", "40h")
                .say(
                    "why",
                    "The machines go home before the network does: on-premises reaches them over the path \
                     that stands until then. Reprotecting takes hours; nothing here hurries it.",
                )
                .say(
                    "by_hand",
                    "Portal: Recovery Services vault, Recovery Plans, the plan; then Re-protect, Failover, and \
                     Commit.",
                )
                .say("looks_good", "The plan's last job is Succeeded and the machines answer.")
}

/// The machines of one recovery plan go home, and are protected again.
fn goes_home(plan: &ResourceId, t: &str, needs: &[String], steps: &mut Vec<StepText>) {
    let step = |name: &str, title: &str, action: &str, needs: &[String]| {
        StepText::new(&format!("{name}{t}"), title, action).needs(needs).with("plan", plan_id(plan))
    };
    steps.push(
            step("committed", "The failover is final", "recovery_plan.commit", needs).say(
                "why",
                "Machines can only be protected towards the source once the failover is committed. From here \
                 on they go home by failing over again, and in no other way.",
            ),
        );
    steps.push(
        step(
            "protected",
            "The machines are protected towards the source",
            "recovery_plan.reprotect",
            &[format!("committed{t}")],
        )
        .is("timeout", "20h")
        .say(
            "why",
            "Their disks are copied back first. That takes hours; nothing here hurries it.",
        ),
    );
    steps.push(leave(t));
    steps.push(
        step(
            "machines",
            "Site Recovery brings the machines home",
            "recovery_plan.failover",
            &[format!("leave{t}")],
        )
        .with("direction", "recovery_to_primary")
        .with("kind", "shut_down_first")
        .with("recovery_point", "latest")
        .is("timeout", "2h")
        .is("undo", "keep"),
    );
    let gone = ["go_ahead".to_owned()];
    steps.push(step("home_for_good", "The way home is final", "recovery_plan.commit", &gone));
    steps.push(
        step(
            "protected_again",
            "The machines are protected towards the target, as before",
            "recovery_plan.reprotect",
            &[format!("home_for_good{t}")],
        )
        .is("timeout", "20h")
        .say("why", "Until then the next failover would find nothing to fail over to."),
    );
}

/// The owners say when the machines may be interrupted.
fn leave(t: &str) -> StepText {
    StepText::new(
                &format!("leave{t}"),
                "The owners of the applications agree to the interruption",
                "approval",
            )
            .needs(&[format!("protected{t}")])
            .question(
                "The machines can go home. They are shut down here first and start in the source region some \
                 minutes later. Is now a time at which that may be?",
            )
            .with("role", "commander")
            .with("expires_after", "3d")
}
