//! Which faults are there still? They are used up by what they meet.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::ResourceId;
use crate::model::pattern::fits;
use crate::sim::fault::{
    Fault, FaultEffect, Occasion, OperationFault, strike_operation, strike_operation_by_path,
    strike_request,
};
use crate::sim::tally::FaultTally;

/// The faults of a world, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::sim) struct Faults(Vec<Fault>);

impl Faults {
    pub(in crate::sim) fn new(all: Vec<Fault>) -> Self {
        Self(all)
    }

    pub(in crate::sim) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(in crate::sim) fn clear(&mut self) {
        self.0.clear();
    }

    /// Those that strike a request: the first of them, which is used up by that.
    pub(in crate::sim) fn strike(&mut self, occasion: &Occasion<'_>) -> Option<FaultEffect> {
        self.0.iter_mut().for_each(|fault| fault.tally.asked += 1);
        strike_request(&mut self.0, occasion)
    }

    /// Those that strike an operation that was accepted.
    pub(in crate::sim) fn strike_operation(
        &mut self,
        occasion: &Occasion<'_>,
    ) -> Vec<OperationFault> {
        strike_operation(&mut self.0, occasion)
    }

    /// The same by the path with the verb, of those that do not name the resource itself.
    pub(in crate::sim) fn strike_by_path(
        &mut self,
        resource: &str,
        occasion: &Occasion<'_>,
    ) -> Vec<OperationFault> {
        strike_operation_by_path(&mut self.0, resource, occasion)
    }

    /// Whether one of them is still to refuse a write of this resource with this code.
    pub(in crate::sim) fn will_refuse(&self, id: &ResourceId, word: &str) -> bool {
        self.0.iter().any(|fault| {
            let puts = fault.method.as_deref().is_none_or(|own| own.eq_ignore_ascii_case("PUT"));
            let refuses = matches!(&fault.effect, FaultEffect::Refuse { code, .. } if code == word);
            puts && refuses
                && fault.times > 0
                && fits(&fault.resource.to_ascii_lowercase(), id.key())
        })
    }

    /// The rights that they take.
    pub(in crate::sim) fn taken_rights(&self) -> Vec<String> {
        self.0.iter().flat_map(Fault::takes_rights).collect()
    }

    /// Notes how often each fault struck a look at a copy of this world.
    pub(in crate::sim) fn note_before(&mut self, struck: &[u64]) {
        for (fault, struck) in self.0.iter_mut().zip(struck) {
            fault.tally.before = struck.saturating_sub(fault.tally.struck);
        }
    }

    /// Each of them.
    pub(in crate::sim) fn each(&self) -> &[Fault] {
        &self.0
    }

    /// All of them, those that are used up among them.
    pub(in crate::sim) fn all(&self) -> Value {
        json!(self.0)
    }

    /// Those that can strike still, as a world file has them.
    pub(in crate::sim) fn to_file(&self) -> Value {
        let left = self.0.iter().filter(|fault| fault.times > 0).cloned();
        json!(left.map(|fault| Fault { tally: FaultTally::default(), ..fault }).collect::<Vec<_>>())
    }
}
