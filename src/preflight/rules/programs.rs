//! Are the programs there? What steps run on this host, looked for now rather than when it is their turn.

use std::collections::BTreeMap;

use crate::model::Action;
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::Inquiry;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about programs.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "PROGRAM-THERE",
    severity: FindingSeverity::Block,
    fails_when: "A program that a step runs is not on this host, or may not be run.",
    reads: "the files of this host that `command` steps and vantages name, and PATH",
    why: "The step would fail when it is its turn, after gateways were waited for and approvals given.",
    fix: "Install it on every host that may drive the run, or name it by its whole path.",
    source: "of this program",
    judge: there,
}];

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut steps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in inquiry.plan.steps_to_run() {
        if let Action::Outside(own) = &step.action {
            for program in own.programs() {
                let known = steps.entry(program).or_default();
                if !known.contains(&step.name.as_str()) {
                    known.push(step.name.as_str());
                }
            }
        }
    }
    let mut all = Vec::new();
    for (program, of) in steps {
        let question = Question::Program { program: program.to_owned() };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("it is not there, or may not be run".to_owned()),
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.trim_end_matches('.').to_owned()),
        };
        all.push(Judged::of(format!("program {program} (of {})", of.join(", ")), verdict));
    }
    all
}
