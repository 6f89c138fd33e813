//! Do the reports in evidence say what its journal says? They are made again from it, and compared.

use super::report::{Beside, told};
use crate::cli::context::Context;
use crate::model::OutboxRecord;
use crate::render::json;
use crate::render::report::{html, markdown};
use crate::render::template::Templates;
use crate::render::view::{Driven, ReachedView, StrikesView};
use crate::store::evidence::{EvidenceReport, maker};

/// How the reports in evidence stand to its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reports {
    /// They are what this program makes of it.
    Same,
    /// These are not, and another version made them: what it would have made cannot be known here.
    OfAnotherVersion(Vec<&'static str>),
    /// These are not, though this version made them.
    Forged(Vec<&'static str>),
}

/// Makes the reports again of evidence in which nothing is bad.
pub(super) fn reports(evidence: &EvidenceReport) -> Reports {
    let differing = differing(evidence).unwrap_or_else(|| vec!["report.json"]);
    if differing.is_empty() {
        Reports::Same
    } else if evidence.made_by.as_deref() == Some(maker().as_str()) {
        Reports::Forged(differing)
    } else {
        Reports::OfAnotherVersion(differing)
    }
}

fn differing(evidence: &EvidenceReport) -> Option<Vec<&'static str>> {
    let member = |name: &str| {
        let found = evidence.members.iter().find(|member| member.name() == name);
        found.map(|member| member.bytes())
    };
    let templates = Templates::new(&std::collections::BTreeMap::new()).ok()?;
    let state = Context::fold(&evidence.events).ok()?;
    let reached: Option<Vec<ReachedView>> =
        member("reached.json").and_then(|bytes| serde_json::from_slice(bytes).ok());
    let reached = reached.unwrap_or_default();
    let strikes: Option<Vec<StrikesView>> =
        member("strikes.json").and_then(|bytes| serde_json::from_slice(bytes).ok());
    let strikes = strikes.unwrap_or_default();
    let outbox: Option<OutboxRecord> =
        member("outbox.json").and_then(|bytes| serde_json::from_slice(bytes).ok());
    let beside = Beside {
        reached: &reached,
        strikes: &strikes,
        outbox: outbox.as_ref(),
        head: evidence.head.as_deref(),
        runbook: member("runbook.yaml"),
    };
    let made = told(&state, &evidence.events, Driven::ByNobody, &beside, &templates)?;
    let own = [
        ("report.json", json::object(&made)),
        ("report.html", html(&made, &templates).ok()?),
        ("report.md", markdown(&made, &templates).ok()?),
    ];
    let other = own.iter().filter(|(name, text)| member(name) != Some(text.as_bytes()));
    Some(other.map(|(name, _)| *name).collect())
}
