//! Why should nobody go by a runbook as it is? What preflight refuses of it, and how its own drill ended.

use super::material::{DrillStop, Material, PreflightRefusal};
use super::numbered::Numbered;
use super::view::Warning;

/// What stands on the cover of a runbook that does not work as it is; nothing of one that does.
pub(super) fn broken(material: &Material, numbered: &Numbered<'_>, key: &str) -> Vec<Warning> {
    let runbook = &material.plan.parts().runbook;
    let mut all = Vec::new();
    if let [first, others @ ..] = material.refused.as_slice() {
        let PreflightRefusal { rule, finding, place } = first;
        let more = match others.len() {
            0 => String::new(),
            n => format!(" And {n} more: {}.", rules(others)),
        };
        all.push(Warning {
            text: format!(
                "Preflight REFUSES {runbook}, {place}: {rule} {}.{more}",
                finding.trim_end_matches('.')
            ),
            anchor: None,
        });
    }
    if let Some(drill) = &material.drill
        && let Some(stop) = &drill.stopped
    {
        all.push(stopped(runbook.as_str(), &drill.source, stop, numbered, key));
    }
    all
}

/// The rules of findings, each once, in their order.
fn rules(all: &[PreflightRefusal]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for one in all {
        if !names.contains(&one.rule.as_str()) {
            names.push(&one.rule);
        }
    }
    names.join(", ")
}

fn stopped(
    runbook: &str,
    place: &str,
    stop: &DrillStop,
    numbered: &Numbered<'_>,
    key: &str,
) -> Warning {
    let link = stop
        .step
        .as_ref()
        .and_then(|name| numbered.links.iter().find(|link| link.name == name.as_str()));
    let at = link.map_or_else(String::new, |link| {
        format!(" at step {}, {}", link.number, link.title.trim_end_matches('.'))
    });
    let why = stop.why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
    let text = format!("The drill of {runbook}, {place}, {}{at}{why}", stop.how);
    Warning {
        text: format!("{}.", text.trim_end_matches('.')),
        anchor: Some(link.map_or_else(|| format!("{key}-steps"), |link| link.anchor.clone())),
    }
}
