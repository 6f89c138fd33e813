//! How is an item's standing read from its body, and written there?

use serde_json::{Value, json};

use super::phase::{ItemPhase, ItemSide, Standing};
use super::words::{AllowedOperation, ProtectionState, ReplicationProvider, TestState};

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

/// The state that a word stands for. A commit that is pending has more words than those that are written here.
fn state(word: &str) -> Option<ProtectionState> {
    let pending =
        word.contains("FailoverCommitPending").then(|| match word.starts_with("Planned") {
            true => ProtectionState::PlannedCommitPending,
            false => ProtectionState::UnplannedCommitPending,
        });
    pending.or_else(|| ProtectionState::parse(word))
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
    /// As the properties of a body say.
    pub(super) fn of(properties: &Value) -> Self {
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
