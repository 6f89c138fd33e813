//! How is an item's standing read from its body, and written there?

use serde_json::{Value, json};

use super::phase::{ItemPhase, ItemSide, Standing};
use super::place::kind;
use super::words::{AllowedOperation, ProtectionState, ReplicationProvider, TestState, VaultKind};
use crate::model::ResourceId;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Who replicates what has these details.
pub(super) fn provider(details: &Value) -> Option<ReplicationProvider> {
    ReplicationProvider::parse(text(details, "instanceType"))
}

/// What may be done, as it is told.
pub(super) fn told(allowed: &[AllowedOperation]) -> Value {
    allowed.iter().map(|one| one.as_str()).collect()
}

/// The state that a word stands for. A commit that is pending has more words than those that are written here; what is
/// said of the machine of an item alone is none.
fn state(word: &str) -> Option<ProtectionState> {
    let pending =
        word.contains("FailoverCommitPending").then(|| match word.starts_with("Planned") {
            true => ProtectionState::PlannedCommitPending,
            false => ProtectionState::UnplannedCommitPending,
        });
    let of_item = |own: &ProtectionState| *own != ProtectionState::Unprotected;
    pending.or_else(|| ProtectionState::parse(word)).filter(of_item)
}

/// Where an item, or a plan, says in a word how it stands.
pub(in crate::sim) fn states_of(id: &ResourceId) -> &'static [&'static str] {
    match kind(id) {
        Some(VaultKind::Item) => {
            &["protectionState", "activeLocation", "testFailoverState", "allowedOperations"]
        }
        Some(VaultKind::Plan) => &["allowedOperations"],
        _ => &[],
    }
}

/// Whether this program knows what a word says there; one that is not said is no doubt.
pub(in crate::sim) fn knows(key: &str, word: &str) -> bool {
    let is_known = match key {
        "protectionState" => state(word).is_some(),
        "testFailoverState" => TestState::parse(word).is_some(),
        "activeLocation" => {
            [ItemSide::Primary, ItemSide::Recovery].iter().any(|own| own.as_str() == word)
        }
        "allowedOperations" => AllowedOperation::parse(word).is_some(),
        _ => true,
    };
    is_known || word.is_empty()
}

/// What the properties of an item say that may be done, in words that this program knows; nothing where they say none.
pub(super) fn given(properties: &Value) -> Option<Vec<AllowedOperation>> {
    let list = properties.get("allowedOperations")?.as_array()?;
    Some(list.iter().filter_map(|word| AllowedOperation::parse(word.as_str()?)).collect())
}

impl ItemSide {
    fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "Primary",
            Self::Recovery => "Recovery",
        }
    }
}

impl Standing {
    /// Whether an item says how it stands in words that this program knows.
    fn is_told(properties: &Value) -> bool {
        ["protectionState", "activeLocation", "testFailoverState"]
            .iter()
            .all(|key| knows(key, text(properties, key)))
    }

    /// As the properties of a body say: its words, and what may be done where those are none that anybody here knows, or
    /// where they say that all is well and it does not (azure-facts 7.14).
    pub(super) fn of(properties: &Value) -> Self {
        let said = Self::by_words(properties);
        let is_well = said.phase == ItemPhase::Protected;
        let listed = Self::allowing(properties).filter(|_| is_well || !Self::is_told(properties));
        match listed {
            Some(phase) if phase != said.phase => Self { phase, planned: false, ..said },
            _ => said,
        }
    }

    /// As its words say alone.
    fn by_words(properties: &Value) -> Self {
        let tested = TestState::parse(text(properties, "testFailoverState"));
        let (phase, planned) = match state(text(properties, "protectionState")) {
            Some(ProtectionState::PlannedCommitPending) => (ItemPhase::FailedOver, true),
            Some(ProtectionState::UnplannedCommitPending) => (ItemPhase::FailedOver, false),
            Some(ProtectionState::PlannedCommitted) => (ItemPhase::Committed, true),
            Some(ProtectionState::UnplannedCommitted) => (ItemPhase::Committed, false),
            Some(ProtectionState::FirstPointPending) => (ItemPhase::FirstPoint, false),
            Some(ProtectionState::Protected) if tested == Some(TestState::Waiting) => {
                (ItemPhase::Tested, false)
            }
            Some(ProtectionState::Protected) => (ItemPhase::Protected, false),
            Some(ProtectionState::Replicating | ProtectionState::Unprotected) | None => {
                (ItemPhase::Seeding, false)
            }
        };
        let recovery = text(properties, "activeLocation") == ItemSide::Recovery.as_str();
        let active = if recovery { ItemSide::Recovery } else { ItemSide::Primary };
        Self { phase, active, planned }
    }

    /// Lets an item of a world's file begin: what is in the middle of something is idle, in Azure's words. What nobody
    /// here knows, or what contradicts itself, stays as it is, and nothing heals it; then this is nothing.
    pub(super) fn begin(properties: &mut Value) -> Option<Self> {
        let standing = Self::of(properties);
        if !Self::is_told(properties) || standing != Self::by_words(properties) {
            return None;
        }
        let listed = properties.get("allowedOperations").cloned();
        standing.write(properties);
        // One that is well may do less than it could. Nothing at all is what is said in the middle of a job.
        let listed = listed.filter(|own| own.as_array().is_some_and(|own| !own.is_empty()));
        if let Some(listed) = listed.filter(|_| standing.phase == ItemPhase::Protected) {
            properties["allowedOperations"] = listed;
        }
        Some(standing)
    }

    /// The phase in which the most telling of what may be done can be done.
    fn allowing(properties: &Value) -> Option<ItemPhase> {
        let allowed = given(properties)?;
        let telling = [
            (AllowedOperation::TestFailoverCleanup, ItemPhase::Tested),
            (AllowedOperation::Commit, ItemPhase::FailedOver),
            (AllowedOperation::ReverseReplicate, ItemPhase::Committed),
            (AllowedOperation::UnplannedFailover, ItemPhase::Protected),
            (AllowedOperation::PlannedFailover, ItemPhase::Protected),
            (AllowedOperation::TestFailover, ItemPhase::Protected),
        ];
        telling.into_iter().find(|(own, _)| allowed.contains(own)).map(|(_, phase)| phase)
    }

    /// Its state, and what people read.
    fn words(self) -> (ProtectionState, &'static str) {
        match (self.phase, self.planned) {
            (ItemPhase::Seeding, _) => {
                (ProtectionState::Replicating, "Initial replication is in progress")
            }
            (ItemPhase::FirstPoint, _) => {
                (ProtectionState::FirstPointPending, "Waiting for first recovery point")
            }
            (ItemPhase::Protected, _) => (ProtectionState::Protected, "Protected"),
            (ItemPhase::Tested, _) => (ProtectionState::Protected, "Cleanup test failover pending"),
            (ItemPhase::FailedOver, true) => {
                (ProtectionState::PlannedCommitPending, "Planned failover completed")
            }
            (ItemPhase::FailedOver, false) => {
                (ProtectionState::UnplannedCommitPending, "Failover completed")
            }
            (ItemPhase::Committed, true) => {
                (ProtectionState::PlannedCommitted, "Planned failover committed")
            }
            (ItemPhase::Committed, false) => {
                (ProtectionState::UnplannedCommitted, "Failover committed")
            }
        }
    }

    /// Writes it into the properties of a body.
    pub(super) fn write(self, properties: &mut Value) {
        let (state, said) = self.words();
        let (test, test_said) = match self.phase {
            ItemPhase::Tested => (TestState::Waiting, "Waiting for user input"),
            ItemPhase::Seeding
            | ItemPhase::FirstPoint
            | ItemPhase::Protected
            | ItemPhase::FailedOver
            | ItemPhase::Committed => (TestState::None, "None"),
        };
        let provider = provider(&properties["providerSpecificDetails"]);
        properties["protectionState"] = json!(state.as_str());
        properties["protectionStateDescription"] = json!(said);
        properties["activeLocation"] = json!(self.active.as_str());
        properties["testFailoverState"] = json!(test.as_str());
        properties["testFailoverStateDescription"] = json!(test_said);
        properties["allowedOperations"] = told(&self.allowed(provider));
        let details = properties.get_mut("providerSpecificDetails").and_then(Value::as_object_mut);
        if let Some(details) = details.filter(|details| details.contains_key("vmProtectionState")) {
            let (state, said) = match self.phase {
                ItemPhase::Seeding | ItemPhase::FirstPoint => {
                    (ProtectionState::Unprotected, "Enabling protection")
                }
                ItemPhase::Protected
                | ItemPhase::Tested
                | ItemPhase::FailedOver
                | ItemPhase::Committed => (state, said),
            };
            details.insert("vmProtectionState".to_owned(), json!(state.as_str()));
            details.insert("vmProtectionStateDescription".to_owned(), json!(said));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [ItemPhase; 6] = [
        ItemPhase::Seeding,
        ItemPhase::FirstPoint,
        ItemPhase::Protected,
        ItemPhase::Tested,
        ItemPhase::FailedOver,
        ItemPhase::Committed,
    ];

    fn all() -> Vec<Standing> {
        let sides = [ItemSide::Primary, ItemSide::Recovery];
        let each = PHASES.iter().flat_map(|phase| sides.map(|active| (*phase, active)));
        each.flat_map(|(phase, active)| {
            let how: &[bool] = if matches!(phase, ItemPhase::FailedOver | ItemPhase::Committed) {
                &[false, true]
            } else {
                &[false]
            };
            how.iter().map(move |planned| Standing { phase, active, planned: *planned })
        })
        .collect()
    }

    #[test]
    fn a_standing_is_read_as_it_was_written() {
        for standing in all() {
            let mut properties = json!({ "providerSpecificDetails": { "instanceType": "A2A" } });
            standing.write(&mut properties);
            assert_eq!(Standing::of(&properties), standing, "{properties}");
        }
    }
}
