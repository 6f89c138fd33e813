//! What stops a runbook before it starts? The findings of a preflight, for a person.

use super::Style;
use super::style::wrap;
use crate::preflight::{Finding, FindingSeverity, FindingVerdict, Preflight};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What needs a look.
    Trouble,
    /// What passed as well.
    Everything,
}

/// The findings, the worst first, and a line that counts them.
#[must_use]
pub fn preflight(view: &Preflight, detail: Detail, style: Style) -> String {
    let mut out = String::new();
    for finding in &view.findings {
        let passed = finding.verdict == FindingVerdict::Passed;
        let mere = finding.severity == FindingSeverity::Inform && detail == Detail::Trouble;
        if !mere && (!passed || detail == Detail::Everything) {
            one(&mut out, finding, style);
        }
    }
    checklist(&mut out, view, style);
    let count = |wanted: fn(&Finding) -> bool| view.findings.iter().filter(|f| wanted(f)).count();
    let failed = count(|f| {
        matches!(f.verdict, FindingVerdict::Failed(_)) && f.severity == FindingSeverity::Block
    });
    let warned = count(|f| {
        matches!(f.verdict, FindingVerdict::Failed(_)) && f.severity == FindingSeverity::Warn
    });
    let unknown = count(|f| matches!(f.verdict, FindingVerdict::Unknown(_)));
    let passed = count(|f| f.verdict == FindingVerdict::Passed);
    let blocking = view.blocking().count();
    // What is waived has failed all the same; what only warns has not.
    let stops = match (failed, blocking) {
        (0, _) => String::new(),
        (_, 0) => " (waived)".to_owned(),
        (_, blocking) if blocking == failed => " (the run is not started)".to_owned(),
        (_, blocking) => format!(" ({blocking} of them not waived: the run is not started)"),
    };
    let warnings = if warned == 1 { "warning" } else { "warnings" };
    let sum = format!(
        "preflight: {passed} passed, {failed} failed{stops}, {warned} {warnings}, {unknown} cannot be \
         known."
    );
    out.push_str(&if blocking > 0 { style.bad(&sum) } else { style.dim(&sum) });
    out.push('\n');
    out
}

/// What is to be done before it can work, each thing once. A command stands whole on its line, so that it can be copied.
fn checklist(out: &mut String, view: &Preflight, style: Style) {
    let failed = |finding: &&Finding| {
        matches!(finding.verdict, FindingVerdict::Failed(_)) && finding.waived.is_none()
    };
    let mut items: Vec<String> = Vec::new();
    for finding in view.findings.iter().filter(failed) {
        if finding.commands.is_empty() && finding.blocks() {
            items.push(format!("{} {}: {}", finding.rule, finding.about, finding.fix));
        }
        items.extend(finding.commands.iter().cloned());
    }
    let mut seen = std::collections::BTreeSet::new();
    items.retain(|own| seen.insert(own.clone()));
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("{}\n", style.bold("To mend:")));
    for item in items {
        out.push_str(&format!("  [ ] {item}\n"));
    }
}

fn one(out: &mut String, finding: &Finding, style: Style) {
    let (mark, why) = match (&finding.verdict, finding.severity) {
        (FindingVerdict::Passed, _) => (style.good("✓"), None),
        (FindingVerdict::Unknown(why), _) => (style.warn("?"), Some(why)),
        (FindingVerdict::Failed(why), FindingSeverity::Block) => (style.bad("✗"), Some(why)),
        (FindingVerdict::Failed(why), FindingSeverity::Warn) => (style.warn("!"), Some(why)),
        (FindingVerdict::Failed(why), FindingSeverity::Inform) => (style.dim("i"), Some(why)),
    };
    let because = why.map_or_else(String::new, |why| format!(": {why}"));
    let width = style.width.saturating_sub(4).max(40);
    let head = format!("{} {}{because}", finding.rule, finding.about);
    for (place, line) in wrap(&head, width).iter().enumerate() {
        let line = match line.strip_prefix(finding.rule).filter(|_| place == 0) {
            Some(rest) => format!("{}{rest}", style.bold(finding.rule)),
            None => line.clone(),
        };
        let lead = if place == 0 { mark.clone() } else { " ".to_owned() };
        out.push_str(&format!("{lead} {line}\n"));
    }
    let lines: Vec<String> = match (&finding.waived, &finding.verdict) {
        (Some(reason), _) => vec![format!("waived: {reason}")],
        (None, FindingVerdict::Failed(_)) => {
            vec![finding.why.to_owned(), format!("fix: {}", finding.fix)]
        }
        (None, FindingVerdict::Passed | FindingVerdict::Unknown(_)) => Vec::new(),
    };
    for line in lines.iter().flat_map(|line| wrap(line, width)) {
        out.push_str(&style.dim(&format!("    {line}")));
        out.push('\n');
    }
}
