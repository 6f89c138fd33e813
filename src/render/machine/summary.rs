//! What stands on a CI run's page? Markdown of a check, a plan or a drill; nothing that others wrote is markup.

use super::junit::JUnitMaterial;
use crate::model::StepStatus;
use crate::render::template::escape_markdown as text;
use crate::render::{PreviewView, RunView};
use crate::runbook::DiagnosticView;
use crate::runbook::Severity;

/// Rows of a table that are shown; a page of a CI run has a bound.
const ROWS_MAX: usize = 200;

/// What a check found.
#[must_use]
pub fn of_check(files: usize, found: &[DiagnosticView]) -> String {
    let errors = found.iter().filter(|one| one.severity == Severity::Error).count();
    let mark = if errors == 0 { "✅" } else { "❌" };
    let mut page = format!(
        "### {mark} backroad check\n\n{files} files, {errors} errors, {} warnings\n",
        found.len() - errors
    );
    if !found.is_empty() {
        page.push_str("\n| Place | Code | What |\n|---|---|---|\n");
    }
    for one in found.iter().take(ROWS_MAX) {
        let place = format!("{}:{}:{}", one.file, one.line, one.column);
        page.push_str(&row(&[&place, one.code, &one.message]));
    }
    more(&mut page, found.len());
    page
}

/// What a run would change.
#[must_use]
pub fn of_plan(view: &PreviewView) -> String {
    let mark = if view.is_blocked() { "❌" } else { "✅" };
    let mut page = format!(
        "### {mark} backroad plan: {}\n\n{}\n\nLooked at {}\n\n| Step | Action | Verdict | Changes | Why |\n|---|---|---|---|---|\n",
        text(&view.runbook),
        text(&view.title),
        text(&view.looked_at)
    );
    for step in view.steps.iter().take(ROWS_MAX) {
        let verdict = serde_json::to_value(step.verdict).ok();
        let verdict =
            verdict.as_ref().and_then(serde_json::Value::as_str).unwrap_or("").replace('_', " ");
        let changes = step.changes.len().to_string();
        page.push_str(&row(&[
            &step.name,
            &step.action,
            &verdict,
            &changes,
            step.why.as_deref().unwrap_or_default(),
        ]));
    }
    more(&mut page, view.steps.len());
    page
}

/// What a drill came to.
#[must_use]
pub fn of_drill(view: &RunView, material: &JUnitMaterial) -> String {
    let took = format!("{:.0} s", view.recovery_seconds.unwrap_or_default());
    let short = view.short_of_recovery(&took);
    let good = view.has_succeeded() && material.failures.is_empty() && short.is_none();
    let mark = if good { "✅" } else { "❌" };
    let mut page = format!(
        "### {mark} backroad drill: {}\n\n{}\n\nSimulated; run `{}` ended **{}**",
        text(&view.runbook),
        text(&view.title),
        view.run,
        text(view.outcome.as_str())
    );
    if let Some(took) = view.recovery_seconds {
        page.push_str(&format!(" after {took} s"));
    }
    if let Some(most) = view.objective_seconds {
        page.push_str(&format!(" (objective {most} s)"));
    }
    page.push_str(".\n");
    for failure in material.failures.iter().chain(&short) {
        page.push_str(&format!("\n- {}", text(failure)));
    }
    page.push_str("\n| Step | Action | Status | Seconds | Why |\n|---|---|---|---|---|\n");
    // What went badly comes first: the page may end before the table does.
    let bad = |status: StepStatus| {
        matches!(
            status,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Held | StepStatus::UndoFailed
        )
    };
    let mut steps: Vec<&crate::render::StepView> = view.steps.iter().collect();
    steps.sort_by_key(|step| !bad(step.status));
    for step in steps.iter().take(ROWS_MAX) {
        let took =
            step.end_seconds.zip(step.start_seconds).map(|(to, from)| format!("{:.0}", to - from));
        page.push_str(&row(&[
            &step.name,
            &step.action,
            &step.status.to_string(),
            took.as_deref().unwrap_or_default(),
            step.why.as_deref().unwrap_or_default(),
        ]));
    }
    more(&mut page, view.steps.len());
    if !view.obligations.is_empty() {
        page.push_str("\n**Left to look after**\n\n");
        for owed in &view.obligations {
            page.push_str(&format!("- {}\n", text(owed)));
        }
    }
    page
}

fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| text(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn more(page: &mut String, all: usize) {
    if all > ROWS_MAX {
        page.push_str(&format!("\nand {} more\n", all - ROWS_MAX));
    }
}
