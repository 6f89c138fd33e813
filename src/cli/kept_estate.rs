//! In which networks did a run begin? What pictures show of them is kept beside the run when it starts, since nobody
//! can ask Azure later how it was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::context::Context;
use super::files;
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{ResourceId, RunId};
use crate::preflight::Facts;
use crate::preflight::facts::Question;
use crate::render::board::KeptEstate;
use crate::render::document::material::Known;
use crate::store::regular;

/// The file's name, in the run's folder.
const FILE: &str = "estate.json";

/// Keeps what is known of the estate in which a run begins.
pub(super) fn keep(context: &Context, run: &RunId, known: &Known) {
    let kept = KeptEstate::of(known);
    let bytes = serde_json::to_vec(&kept).unwrap_or_default();
    // A picture says less without it, and nothing else needs it.
    if let Err(error) = files::write_private(&context.state.run_path(run).join(FILE), &bytes) {
        tracing::warn!(%error, "the estate in which the run began is not kept");
    }
}

/// What was kept of it; none of runs of earlier versions and of other hosts.
#[must_use]
pub(super) fn read(context: &Context, run: &RunId) -> Option<KeptEstate> {
    let place = context.state.run_path(run).join(FILE);
    KeptEstate::parse(&regular::read(&place, FILE_BYTES_MAX).ok()?)
}

/// The estate as preflight found it in Azure: what the runbook is about, and what that led to. What lies on-premises
/// nobody in Azure knows.
#[must_use]
pub(super) fn of_facts(facts: &Facts) -> Known {
    let mut bodies: BTreeMap<ResourceId, Value> = BTreeMap::new();
    for (question, answer) in facts.known() {
        match question {
            Question::Resource(id) => {
                bodies.insert(id.clone(), answer.clone());
            }
            Question::Children { .. } => {
                let children = answer.get("value").and_then(Value::as_array).into_iter().flatten();
                for child in children {
                    let id = child.get("id").and_then(Value::as_str);
                    if let Some(id) = id.and_then(|id| ResourceId::parse(id).ok()) {
                        bodies.entry(id).or_insert_with(|| child.clone());
                    }
                }
            }
            _ => {}
        }
    }
    Known {
        source: "the estate as preflight found it".to_owned(),
        bodies,
        sites: Vec::new(),
        links: Vec::new(),
        down: BTreeSet::new(),
        reach: Vec::new(),
    }
}
