//! Could this runbook be used tonight? Each row from what was found: findings, a kept plan, the last drill.

use std::path::Path;

use super::context::Context;
use super::front::CompiledRunbook;
use super::messages;
use super::saved::SavedPlan;
use super::world;
use crate::engine::{RunKind, Survey};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Plan, RunOutcome};
use crate::preflight::{Finding, FindingSeverity, FindingVerdict, Preflight};
use crate::render::ready::{KnownDrill, ReadyRow};
use crate::render::{recovered_at, run_view_at};
use crate::store::regular;

/// The rows that findings make, and what each is when no rule speaks of it.
const FOUND: [(&str, &str); 4] = [
    ("preflight", "Every rule that is about it passed."),
    ("rights", "It has the rights that it needs."),
    ("quota", "There is room for what it makes."),
    ("secrets", "It needs none that could not be read."),
];

/// How many findings of a row are told; `preflight` tells all.
const TOLD_MAX: usize = 3;

fn row_of(finding: &Finding) -> &'static str {
    match (finding.family, finding.rule) {
        ("rights", _) => "rights",
        (_, "QUOTA") => "quota",
        ("secrets", _) => "secrets",
        _ => "preflight",
    }
}

/// The rows of a preflight. What could not be known is not ready; what merely informs says nothing.
pub(super) fn found_rows(found: &Preflight, file: &str) -> Vec<ReadyRow> {
    FOUND.iter().map(|(row, good)| found_row(found, (row, good), file)).collect()
}

fn found_row(found: &Preflight, (row, good): (&str, &str), file: &str) -> ReadyRow {
    let own = || found.findings.iter().filter(|finding| row_of(finding) == row);
    let told = |some: &[&Finding]| {
        let one = |finding: &&Finding| match finding.verdict.why() {
            Some(why) => {
                format!("{} {}: {}.", finding.rule, finding.about, why.trim_end_matches('.'))
            }
            None => String::new(),
        };
        let mut text = some.iter().take(TOLD_MAX).map(one).collect::<Vec<_>>().join(" ");
        if some.len() > TOLD_MAX {
            text.push_str(&format!(
                " And {} more: `backroad preflight {file}`.",
                some.len() - TOLD_MAX
            ));
        }
        text
    };
    let blocks: Vec<&Finding> = own().filter(|finding| finding.blocks()).collect();
    if let Some(first) = blocks.first() {
        return ReadyRow::bad(row, told(&blocks), first.fix);
    }
    let unknown: Vec<&Finding> = own()
        .filter(|finding| matches!(finding.verdict, FindingVerdict::Unknown(_)))
        .filter(|finding| finding.severity == FindingSeverity::Block)
        .collect();
    if !unknown.is_empty() {
        let mend = format!("backroad preflight {file}");
        return ReadyRow::unknown(row, told(&unknown), mend);
    }
    let warned = own()
        .filter(|finding| finding.severity == FindingSeverity::Warn)
        .filter(|finding| finding.verdict != FindingVerdict::Passed)
        .count();
    match warned {
        0 => ReadyRow::good(row, good),
        1 => ReadyRow::good(row, format!("{good} 1 warning: `backroad preflight {file}`.")),
        many => {
            ReadyRow::good(row, format!("{good} {many} warnings: `backroad preflight {file}`."))
        }
    }
}

/// The rows of a preflight that could not be made.
pub(super) fn unasked_rows(why: &str, file: &str) -> Vec<ReadyRow> {
    let mend = format!("backroad preflight {file}");
    FOUND.iter().map(|(row, _)| ReadyRow::unknown(row, why, mend.clone())).collect()
}

/// Whether things are as they were when the last plan was kept, by what is seen now.
pub(super) fn drift_row(
    (saved, path): (&SavedPlan, &Path),
    plan: &Plan,
    survey: &Survey,
    looked_at: &str,
    file: &str,
) -> ReadyRow {
    const ROW: &str = "drift";
    let mend = format!("backroad plan {file} --out {}", path.display());
    if !saved.is_of(looked_at) {
        let why = format!(
            "The plan {} was made of {}, and {looked_at} is looked at now.",
            path.display(),
            saved.looked_at()
        );
        return ReadyRow::unknown(ROW, why, mend);
    }
    if let Err(error) = saved.same_plan(plan) {
        return ReadyRow::bad(ROW, error.what, mend);
    }
    let unseen = survey.iter().find_map(|(name, look)| Some((name, look.as_ref().err()?)));
    if let Some((step, error)) = unseen {
        let why = format!("Step {step} cannot be looked at: {}", error.message);
        return ReadyRow::unknown(ROW, why, mend);
    }
    match saved.same_world(survey) {
        Err(error) => ReadyRow::bad(ROW, error.what, mend),
        Ok(()) => {
            let why = format!("Nothing differs from the kept plan {}.", path.display());
            ReadyRow::good(ROW, why)
        }
    }
}

/// Whether those who are to be told can be; none where nobody is to be.
pub(super) fn receivers_row(context: &Context, plan: &Plan) -> Option<ReadyRow> {
    const ROW: &str = "receivers";
    let messages = messages::of(context, plan);
    let first = messages.receivers.first()?;
    let unreadable = messages::unreadable(&messages);
    Some(match unreadable.as_slice() {
        [] => {
            let names: Vec<&str> =
                messages.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
            ReadyRow::good(ROW, format!("The secrets of {} are there.", names.join(", ")))
        }
        why => {
            let mend = format!("backroad notify --test {}", first.name);
            ReadyRow::bad(ROW, why.join(" "), mend)
        }
    })
}

/// The last time that a runbook was drilled, or run for real and well.
pub(super) async fn last_drill(
    context: &Context,
    compiled: &CompiledRunbook,
) -> Option<KnownDrill> {
    let name = &compiled.plan.parts().runbook;
    for summary in context.state.list().ok()?.iter().rev() {
        // What cannot be read proves nothing; `runs` says what is wrong with it.
        let Ok(look) = context.look(&summary.run).await else { continue };
        let Ok(state) = Context::fold(&look.events) else { continue };
        let Some(opened) = &state.opened else { continue };
        if opened.plan.parts().runbook != *name {
            continue;
        }
        let kind = opened.kind();
        // Whose way back was drilled, too, has shown more than a drill must.
        let outcome = match state.outcome() {
            Some(RunOutcome::Undone) if recovered_at(&look.events).is_some() => {
                Some(RunOutcome::Succeeded)
            }
            other => other,
        };
        if kind == RunKind::Live && outcome != Some(RunOutcome::Succeeded) {
            continue;
        }
        let path = context.state.run_path(&summary.run).join("runbook.yaml");
        let text = regular::read(&path, FILE_BYTES_MAX).ok();
        let now = crate::outward::redacted(&compiled.text);
        let took = recovered_at(&look.events).map(|at| at.since(opened.at));
        let missed = took.zip(opened.plan.parts().objective.rto).filter(|(took, rto)| took > rto);
        let view = run_view_at(&state, &look.events, look.driven, look.now);
        let short = view.and_then(|mut view| {
            view.set_reached(&world::reached(context, &summary.run));
            view.short()
        });
        return Some(KnownDrill {
            missed,
            short,
            run: summary.run.to_string(),
            kind,
            outcome,
            age: std::time::Duration::from_secs_f64(Context::age(&summary.run).max(0.0)),
            as_written: text.map(|text| text == now.as_bytes()),
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::ready::ReadyState;

    fn finding(rule: &'static str, family: &'static str, verdict: FindingVerdict) -> Finding {
        Finding {
            rule,
            family,
            severity: FindingSeverity::Block,
            about: "it".to_owned(),
            verdict,
            fails_when: "",
            why: "",
            fix: "Mend it.",
            commands: Vec::new(),
            waived: None,
        }
    }

    #[test]
    fn each_row_of_findings_is_good_bad_or_unknown_and_the_others_stay_as_they_are() {
        let cases = [
            ("CIR-EXISTS", "circuit", "preflight"),
            ("RBAC", "rights", "rights"),
            ("QUOTA", "limits", "quota"),
            ("SECRET-READ", "secrets", "secrets"),
        ];
        for (rule, family, row) in cases {
            for (verdict, state) in [
                (FindingVerdict::Passed, ReadyState::Good),
                (FindingVerdict::Failed("no".to_owned()), ReadyState::Bad),
                (FindingVerdict::Unknown("no answer".to_owned()), ReadyState::Unknown),
            ] {
                let found = Preflight { findings: vec![finding(rule, family, verdict)] };
                for made in found_rows(&found, "r.yaml") {
                    let expected = if made.row == row { state } else { ReadyState::Good };
                    assert_eq!(made.state, expected, "{rule} {made:?}");
                    assert_eq!(made.mend.is_some(), made.state != ReadyState::Good, "{made:?}");
                }
            }
        }
        assert!(unasked_rows("no", "r").iter().all(|row| row.state == ReadyState::Unknown));
    }
}
