//! Is the key at hand? Secrets that steps send, read now rather than when they are sent.

use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::Inquiry;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about secrets.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "SECRET-READ",
    severity: FindingSeverity::Block,
    fails_when: "A secret parameter has no value that could be sent.",
    reads: "the environment variables and files of this host that the runbook names",
    why: "The step that sends it would fail, after gateways were waited for and approvals given.",
    fix: "Set the variable, or put the file there, for every process that drives the run.",
    source: "of this program",
    judge: readable,
}];

fn readable(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (param, source) in &inquiry.plan.parts().secrets {
        let question = Question::Secret { param: param.clone() };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("it has no value".to_owned()),
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => FindingVerdict::Failed(why.trim_end_matches('.').to_owned()),
        };
        all.push(Judged::of(format!("secret {param} ({source})"), verdict));
    }
    all
}
