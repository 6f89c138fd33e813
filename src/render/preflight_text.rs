//! What stops a runbook before it starts? The findings of a preflight, for a person.

use std::collections::BTreeMap;

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
    let causes = common_causes(view);
    let mut said: Vec<&str> = Vec::new();
    for finding in &view.findings {
        if let Some(own) = cause(finding).and_then(|why| causes.get(why)) {
            let why = cause(finding).unwrap_or_default();
            if !said.contains(&why) {
                said.push(why);
                together(&mut out, why, own, view, style);
            }
            continue;
        }
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

/// From how many rules on what cannot be known for one reason is told together.
const TOGETHER: usize = 3;

/// Why something cannot be known: what was not read, is named by its rule and its thing already.
fn cause(finding: &Finding) -> Option<&str> {
    match &finding.verdict {
        FindingVerdict::Unknown(why) => {
            Some(why.split_once(" cannot be read: ").map_or(why.as_str(), |(_, why)| why))
        }
        FindingVerdict::Passed | FindingVerdict::Failed(_) => None,
    }
}

/// The reasons for which several rules cannot be known, each with those.
fn common_causes(view: &Preflight) -> BTreeMap<&str, Vec<&Finding>> {
    let mut all: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &view.findings {
        if let Some(why) = cause(finding) {
            all.entry(why).or_default().push(finding);
        }
    }
    all.retain(|_, own| own.len() >= TOGETHER);
    all
}

/// What cannot be known for one reason: the reason once, where no finding has it already, and the rules with what they are
/// about.
fn together(out: &mut String, why: &str, own: &[&Finding], view: &Preflight, style: Style) {
    let has =
        |finding: &&Finding| matches!(&finding.verdict, FindingVerdict::Failed(own) if own == why);
    let count = own.len();
    let head = match view.findings.iter().find(has) {
        Some(told) => format!("{count} cannot be known for the reason of {} above:", told.rule),
        None => format!("{count} cannot be known for one reason: {why}"),
    };
    let mut each: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in own {
        let about = each.entry(&finding.about).or_default();
        if !about.contains(&finding.rule) {
            about.push(finding.rule);
        }
    }
    let width = style.width.saturating_sub(4).max(40);
    for (place, line) in wrap(&head, width).iter().enumerate() {
        let lead = if place == 0 { style.warn("?") } else { " ".to_owned() };
        out.push_str(&format!("{lead} {line}\n"));
    }
    for (about, rules) in each {
        for line in wrap(&format!("{about}: {}", rules.join(", ")), width) {
            out.push_str(&style.dim(&format!("    {line}")));
            out.push('\n');
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::rules::FAMILIES;

    fn finding(place: usize, verdict: FindingVerdict) -> Finding {
        let (family, _, rules) = FAMILIES[0];
        let rule = &rules[place];
        Finding {
            rule: rule.id,
            family,
            severity: FindingSeverity::Block,
            about: "er-1".to_owned(),
            verdict,
            fails_when: rule.fails_when,
            why: rule.why,
            fix: rule.fix,
            commands: Vec::new(),
            waived: None,
        }
    }

    #[test]
    fn one_reason_for_many_is_said_once() {
        let why = "Nobody answers at the place that was named.";
        let unknown = |place, why: &str| finding(place, FindingVerdict::Unknown(why.to_owned()));
        let longer = format!("er-1 cannot be read: {why}");
        let mut view = Preflight {
            findings: vec![
                unknown(0, why),
                unknown(1, &longer),
                unknown(2, why),
                unknown(3, "Other."),
            ],
        };
        let text = preflight(&view, Detail::Trouble, Style::PLAIN);
        assert_eq!(text.matches(why).count(), 1, "{text}");
        assert!(text.contains("? 3 cannot be known for one reason: "), "{text}");
        for own in &view.findings {
            assert_eq!(text.matches(own.rule).count(), 1, "{} in {text}", own.rule);
        }
        assert!(text.contains("4 cannot be known."), "each counts: {text}");
        // What a rule fails with is not said again.
        view.findings.insert(0, finding(4, FindingVerdict::Failed(why.to_owned())));
        let text = preflight(&view, Detail::Trouble, Style::PLAIN);
        assert_eq!(text.matches(why).count(), 1, "{text}");
        let told =
            format!("? 3 cannot be known for the reason of {} above:", view.findings[0].rule);
        assert!(text.contains(&told), "{text}");
        // Two are told as they are.
        view.findings.truncate(3);
        let text = preflight(&view, Detail::Trouble, Style::PLAIN);
        assert_eq!(text.matches(why).count(), 3, "{text}");
    }
}
