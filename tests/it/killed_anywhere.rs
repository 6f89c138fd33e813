//! The promise: kill it before or after any append or any request, or let a write go wrong once: it goes on,
//! the world ends the same and nothing was written twice. For every shipped runbook and profile.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::model::{Action, RunOutcome};
use backroad::sim::FaultEffect;

use crate::support::kept::Way;
use crate::support::worlds::fault_of;
use crate::support::{Lab, Stage};

/// A crash at every point of a drill. What is left there is kept while one drill passes it, so each way on
/// begins at its point; and points that leave the same lead on once.
mod crash {
    use super::*;
    use crate::support::each_shipped::each_shipped;

    async fn at_any_append_or_send(name: &str, profile: &str) -> String {
        let stage = Stage::of(name, profile).await;
        let reference = stage.lab();
        let way = Way::of(&reference).await;
        assert_eq!(way.outcome, RunOutcome::Succeeded);
        reference.check_ledger().unwrap();
        let expected = (way.outcome, reference.comparable());
        let (appends, sends) = (reference.appends(), reference.sends());
        assert_eq!(way.points(), 2 * (appends + sends), "before and after each");
        let mut wrong = Vec::new();
        for kept in &way.kept {
            if let Err(why) = way.go_on(kept, &reference, &expected).await {
                wrong.push(why);
            }
        }
        let (points, states, steps) = (way.points(), way.kept.len(), stage.plan.steps().len());
        assert!(wrong.is_empty(), "{} of {states} states:\n{}", wrong.len(), wrong.join("\n"));
        assert!(points as usize > 2 * steps, "{points} points are too few for {steps} steps");
        format!(
            "crash: {name} {profile}: {points} points ({appends} appends, {sends} sends, {steps} steps; \
             {states} distinct states)"
        )
    }

    each_shipped!(at_any_append_or_send);
}

/// A request or an answer that is lost, a refusal, an operation that fails once: at every write.
mod fault {
    use super::*;
    use crate::support::each_shipped::each_shipped;

    async fn at_any_write(name: &str, profile: &str) -> String {
        let stage = Stage::of(name, profile).await;
        let reference = stage.lab();
        assert_eq!(Lab::outcome_of(reference.drive(None).await), RunOutcome::Succeeded);
        let expected = reference.comparable();
        let mut effects = vec![
            FaultEffect::LoseRequest,
            FaultEffect::LoseAnswer,
            FaultEffect::Conflict,
            FaultEffect::Throttle { after: None },
            FaultEffect::Fail { code: "InternalServerError".to_owned() },
        ];
        if name == "dr-circuit.yaml" {
            // The main job has every one.
            effects.extend([FaultEffect::Unreachable, FaultEffect::Html]);
        }
        let (mut points, mut wrong) = (0, Vec::new());
        let writers = stage.plan.steps().iter().filter(|step| step.action.written().is_some());
        for step in writers {
            // Site Recovery's jobs can be forgotten, too; `disturb_then_undo` has the other writes.
            let forgotten =
                matches!(step.action, Action::RecoveryPlan(_)).then_some(FaultEffect::Forget);
            for effect in effects.iter().chain(&forgotten) {
                points += 1;
                let lab = stage.lab();
                lab.world.lock().unwrap().add_fault(fault_of(step, effect.clone(), 1));
                let outcome = Lab::outcome_of(lab.drive(None).await);
                let about = format!("{} with {effect:?}", step.name);
                if let Err(why) = lab.check_ledger() {
                    wrong.push(format!("{about}: {why}"));
                }
                if outcome != RunOutcome::Succeeded {
                    wrong.push(format!("{about}: the run ended {outcome}"));
                } else if lab.comparable() != expected {
                    wrong.push(format!("{about}: the world differs"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {points}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(points > 0);
        format!("fault: {name} {profile}: {points} points")
    }

    each_shipped!(at_any_write);
}
