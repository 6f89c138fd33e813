//! What is wrong although each part is right? Rules over the whole plan, one function each.

use super::steps::Placed;
use crate::model::graph::{Cycle, Dag};
use crate::runbook::{Code, Diagnostic, Diagnostics};

/// A rule: what it is about, and how it is judged.
pub(super) struct Rule {
    pub(super) judge: fn(&[Placed], &mut Diagnostics),
}

/// The rules, in the order in which they are judged.
pub(super) const RULES: &[Rule] = &[
    Rule { judge: no_cycle },
    Rule { judge: conditions_read_what_has_ended },
    Rule { judge: one_writer_at_a_time },
];

/// The graph, if it is one.
fn dag(steps: &[Placed]) -> Result<Dag, Cycle> {
    let place =
        |name: &crate::model::StepName| steps.iter().position(|placed| placed.step.name == *name);
    let needs =
        steps.iter().map(|placed| placed.step.needs.iter().filter_map(place).collect()).collect();
    Dag::new(needs)
}

fn no_cycle(steps: &[Placed], diagnostics: &mut Diagnostics) {
    if let Err(Cycle(way)) = dag(steps) {
        let mut names: Vec<&str> = way.iter().map(|at| steps[*at].step.name.as_str()).collect();
        names.extend(names.first().copied());
        let span = steps[way[0]].span.clone();
        let message = format!("These steps need one another: {}.", names.join(" → "));
        let diagnostic =
            Diagnostic::error(Code::Cycle, span, message).with_help("Take one of these needs out.");
        diagnostics.push(diagnostic);
    }
}

fn conditions_read_what_has_ended(steps: &[Placed], diagnostics: &mut Diagnostics) {
    let Ok(dag) = dag(steps) else { return };
    for (place, placed) in steps.iter().enumerate() {
        let before = dag.ancestors(place);
        let step = &placed.step;
        for condition in step.when.iter().chain(&step.ensure) {
            for read in condition.steps() {
                let ended = steps
                    .iter()
                    .position(|other| other.step.name == *read)
                    .is_some_and(|at| before.contains(&at));
                let own = *read == step.name && step.when.as_ref() != Some(condition);
                if !ended && !own {
                    let message = format!(
                        "A condition of step `{}` reads `{read}`, which may not have ended by then.",
                        step.name
                    );
                    diagnostics.push(
                        Diagnostic::error(Code::Unordered, placed.span.clone(), message)
                            .with_help(format!("Add `{read}` to its `needs`.")),
                    );
                }
            }
        }
    }
}

fn one_writer_at_a_time(steps: &[Placed], diagnostics: &mut Diagnostics) {
    let Ok(dag) = dag(steps) else { return };
    for (place, placed) in steps.iter().enumerate() {
        let Some(written) = placed.step.action.written() else {
            continue;
        };
        for (other_place, other) in steps.iter().enumerate().take(place) {
            if other.step.action.written() != Some(written) {
                continue;
            }
            let ordered = dag.ancestors(place).contains(&other_place)
                || dag.ancestors(other_place).contains(&place);
            if !ordered {
                let message = format!(
                    "Steps `{}` and `{}` both write {written}, and neither comes first.",
                    other.step.name, placed.step.name
                );
                diagnostics.push(
                    Diagnostic::error(Code::DoubleWrite, placed.span.clone(), message)
                        .with_help("Let one of them need the other."),
                );
            }
        }
    }
}
