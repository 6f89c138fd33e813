//! Is everything there that steps name and do not make? What other rules say of single things is not said again.

use std::collections::{BTreeMap, BTreeSet};

use crate::arm::kind;
use crate::model::ResourceId;
use crate::model::references::{Absence, MissingReference, is_slip, missing};
use crate::preflight::inquiry::{Inquiry, about};
use crate::preflight::rule::{
    ABSENCE_RULES, FindingSeverity, FindingVerdict, Judged, Rule, rule, worst_of_each,
};

/// The rules about what steps name.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "REF-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A step names a resource that does not exist, and that no step makes: it writes into it, changes it, \
                     looks at it, or refers to it.",
        reads: "every resource that a step names; what is of its type in the subscription, where it is not there",
        why: "The step fails for certain, in the middle of the run.",
        fix: "Correct the id; the finding names what is there of nearly that name.",
        source: "docs/wire.md 3 (InvalidResourceReference); A-ERR (ResourceNotFound, ParentResourceNotFound)",
        judge: there,
    },
    Rule {
        id: "REF-DOUBT",
        severity: FindingSeverity::Warn,
        fails_when: "A resource that a step names is not there by then, and the step may be left out, goes on after a \
                     failure, is about the source, or has a person or a program before it that may make the \
                     resource; or the step that makes it does not come before, or may be left out. Or what is to be taken away is not there, and \
                     something is that differs in a letter or two.",
        reads: "every resource that a step names; what is of its type in the subscription, where it is not there",
        why: "The step fails, or has nothing to do where it was to do something.",
        fix: "Correct the id; or let the step need the one that makes the resource.",
        source: "docs/wire.md 3 (InvalidResourceReference)",
        judge: doubtful,
    },
];

/// What other rules judge.
pub(super) fn judged_by(inquiry: &Inquiry<'_>, rules: &[&str]) -> BTreeSet<ResourceId> {
    let rules = rules.iter().filter_map(|id| rule(id));
    rules.flat_map(|own| (own.judge)(inquiry)).filter_map(|own| own.id).collect()
}

/// The first that is said of each thing.
fn of_each<'p>(
    all: Vec<MissingReference<'p>>,
    told: &BTreeSet<ResourceId>,
) -> BTreeMap<ResourceId, MissingReference<'p>> {
    let mut each = BTreeMap::new();
    // That something may not be made no other rule says.
    let is_told = |own: &MissingReference<'_>| {
        told.contains(&own.id) && !matches!(own.absence, Absence::Perhaps(_))
    };
    for own in all.into_iter().filter(|own| !is_told(own)) {
        match each.get(&own.id) {
            None => drop(each.insert(own.id.clone(), own)),
            Some(MissingReference { certain: false, .. }) if own.certain => {
                each.insert(own.id.clone(), own);
            }
            Some(_) => {}
        }
    }
    each
}

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let told = judged_by(inquiry, &ABSENCE_RULES);
    let named: BTreeSet<ResourceId> =
        inquiry.plan.steps_to_run().flat_map(|step| step.action.counts_on()).collect();
    let all = missing(inquiry.plan, |id| inquiry.facts.stands(id));
    let each = of_each(all, &told);
    let mut judged = Vec::new();
    for id in named.iter().filter(|id| !told.contains(*id)) {
        match inquiry.read(id) {
            Ok(Some(_)) => judged.push(about(id, FindingVerdict::Passed)),
            Ok(None) => {}
            Err(why) => judged.push(about(id, FindingVerdict::Unknown(why))),
        }
    }
    let certain = each.values().filter(|own| own.certain);
    judged.extend(certain.map(|own| about(&own.id, FindingVerdict::Failed(words(own)))));
    judged
}

fn doubtful(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = missing(inquiry.plan, |id| inquiry.facts.stands(id));
    let each = of_each(all, &judged_by(inquiry, &ABSENCE_RULES));
    let doubtful = each.values().filter(|own| !own.certain);
    let mut judged: Vec<Judged> =
        doubtful.map(|own| about(&own.id, FindingVerdict::Failed(words(own)))).collect();
    judged.extend(slips(inquiry));
    worst_of_each(judged)
}

fn words(own: &MissingReference<'_>) -> String {
    let what = kind::word(&own.id.resource_type()).unwrap_or("resource");
    let step = &own.step.name;
    match own.absence {
        Absence::Nowhere => format!("there is no such {what}, and step `{step}` names it"),
        Absence::Later(maker) => {
            format!("step `{maker}` makes it, and does not come before `{step}`, which names it")
        }
        Absence::Perhaps(maker) => {
            format!("step `{maker}`, which may be left out, makes it, and step `{step}` names it")
        }
        Absence::Gone(remover) => {
            format!("step `{remover}` removes it before `{step}`, which names it")
        }
    }
}

/// What is to be taken away, is not there, and may have been meant otherwise: what differs by a slip and no step is about.
fn slips(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut named: BTreeSet<ResourceId> = BTreeSet::new();
    for step in inquiry.plan.steps_to_run() {
        named.extend(step.action.subject().cloned());
        named.extend(step.action.counts_on());
        named.extend(step.action.takes_away().into_iter().cloned());
    }
    let mut judged = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        for id in step.action.takes_away() {
            if inquiry.facts.stands(id) != Some(false) || made(inquiry, id) {
                continue;
            }
            let home = |own: &ResourceId| match own.parent() {
                Some(parent) => Some(parent) == id.parent(),
                None => own.resource_group().eq_ignore_ascii_case(id.resource_group()),
            };
            let beside = inquiry.facts.beside(id).into_iter();
            let meant = beside
                .filter(|own| home(own) && !named.contains(own))
                .find(|own| is_slip(id.name(), own.name()) && !are_siblings(id, own, &named));
            if let Some(meant) = meant {
                let why = format!(
                    "there is no such {}, and step `{}` takes it away; {} is there",
                    kind::word(&id.resource_type()).unwrap_or("resource"),
                    step.name,
                    meant.name()
                );
                judged.push(about(id, FindingVerdict::Failed(why)));
            }
        }
    }
    judged
}

/// Whether two names differ in words that other names of the run have as well, such as those of two regions: then both are
/// meant as they are.
fn are_siblings(one: &ResourceId, other: &ResourceId, named: &BTreeSet<ResourceId>) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
    };
    let (here, there) = (words(one.name()), words(other.name()));
    let others = named.iter().filter(|id| *id != one);
    let known: BTreeSet<String> = others.flat_map(|id| words(id.as_str())).collect();
    here.symmetric_difference(&there).all(|word| known.contains(word))
}

/// Whether a step makes it, wherever that stands in the plan.
fn made(inquiry: &Inquiry<'_>, id: &ResourceId) -> bool {
    inquiry
        .written()
        .into_iter()
        .any(|(step, own)| own == id && !step.action.nature().class.takes_away())
}
