//! What may be done to a protected item, and what is it then? The state machine of Site Recovery
//! (azure-facts 6.4).
//!
//! An item's standing is read from the body that a GET shows and written back there: nothing is stored twice.
//! Words that no recording and no published example shows are marked as believed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How far an item has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemPhase {
    /// Its disks are copied for the first time, in whichever direction.
    Seeding,
    /// Copied; the first point to recover to is being made.
    FirstPoint,
    Protected,
    /// A test failover stands, and waits to be cleaned up.
    Tested,
    /// It runs at the other side, and nothing is final yet.
    FailedOver,
    /// Final: it runs unprotected until it is protected again.
    Committed,
}

/// Where an item runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemSide {
    Primary,
    Recovery,
}

/// What is done to an item, alone or with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MachineMove {
    TestFailover,
    TestFailoverCleanup,
    PlannedFailover,
    UnplannedFailover,
    ChangePoint,
    Cancel,
    Commit,
    /// Protected again where it stands: the direction is turned round.
    Reprotect,
    /// Protected again as an item of the other side (recorded of Azure to Azure).
    Switch,
    Disable,
}

impl MachineMove {
    /// The deed that the last word of a path asks for.
    pub(super) fn parse(verb: &str) -> Option<Self> {
        let all = [
            ("testFailover", Self::TestFailover),
            ("testFailoverCleanup", Self::TestFailoverCleanup),
            ("plannedFailover", Self::PlannedFailover),
            ("unplannedFailover", Self::UnplannedFailover),
            ("applyRecoveryPoint", Self::ChangePoint),
            ("failoverCancel", Self::Cancel),
            ("failoverCommit", Self::Commit),
            ("reProtect", Self::Reprotect),
            ("remove", Self::Disable),
        ];
        all.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(verb)).map(|(_, deed)| deed)
    }

    /// The word for it in `allowedOperations`. Recorded or published, but for `CancelFailover` and
    /// `ReverseReplicate`, which are believed.
    pub(super) fn allowed_word(self) -> &'static str {
        match self {
            Self::TestFailover => "TestFailover",
            Self::TestFailoverCleanup => "TestFailoverCleanup",
            Self::PlannedFailover => "PlannedFailover",
            Self::UnplannedFailover => "UnplannedFailover",
            Self::ChangePoint => "ChangePit",
            Self::Cancel => "CancelFailover",
            Self::Commit => "Commit",
            Self::Reprotect | Self::Switch => "ReverseReplicate",
            Self::Disable => "DisableProtection",
        }
    }

    /// The scenario's name and what people read. The last four are believed.
    pub(super) fn scenario(self) -> (&'static str, &'static str) {
        match self {
            Self::TestFailover => ("TestFailover", "Test failover"),
            Self::TestFailoverCleanup => ("TestFailoverCleanup", "Cleanup test failover"),
            Self::PlannedFailover => ("PlannedFailover", "Planned failover"),
            Self::UnplannedFailover => ("UnplannedFailover", "Failover"),
            Self::Commit => ("CommitFailover", "Commit"),
            Self::Cancel => ("CancelFailover", "Cancel failover"),
            Self::ChangePoint => ("ChangePit", "Change recovery point"),
            Self::Reprotect => ("ReverseReplication", "Re-protect"),
            Self::Switch => ("SwitchProtection", "Re-protect"),
            Self::Disable => ("DisableDr", "Disable replication"),
        }
    }

    /// Whether machines start at the other side by it.
    pub(super) fn is_failover(self) -> bool {
        matches!(self, Self::TestFailover | Self::PlannedFailover | Self::UnplannedFailover)
    }

    /// Whether it says a direction.
    pub(super) fn has_direction(self) -> bool {
        self.is_failover() || self == Self::Reprotect
    }
}

/// Phase and side, and how the last failover was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) phase: ItemPhase,
    pub(super) active: ItemSide,
    pub(super) planned: bool,
}

impl Standing {
    /// Of an item that has just been enabled.
    pub(super) const NEW: Self =
        Self { phase: ItemPhase::Seeding, active: ItemSide::Primary, planned: false };

    /// As the properties of a body say.
    pub(super) fn of(properties: &Value) -> Self {
        let text = |key: &str| properties.get(key).and_then(Value::as_str).unwrap_or_default();
        let state = text("protectionState");
        let phase = match state {
            _ if state.contains("FailoverCommitPending") => ItemPhase::FailedOver,
            "PlannedFailoverStatesBegin" | "UnplannedFailoverStatesBegin" => ItemPhase::Committed,
            "InitialReplicationRecoveryCompletionPending" => ItemPhase::FirstPoint,
            "Protected" if text("testFailoverState") == "WaitingForCompletion" => ItemPhase::Tested,
            "Protected" => ItemPhase::Protected,
            _ => ItemPhase::Seeding,
        };
        let active = if text("activeLocation") == "Recovery" {
            ItemSide::Recovery
        } else {
            ItemSide::Primary
        };
        Self { phase, active, planned: state.starts_with("Planned") }
    }

    /// What it is after a deed; nothing where the deed cannot be.
    pub(super) fn after(self, deed: MachineMove) -> Option<Self> {
        let there = match self.active {
            ItemSide::Primary => ItemSide::Recovery,
            ItemSide::Recovery => ItemSide::Primary,
        };
        let stays = |phase| Some(Self { phase, ..self });
        match (self.phase, deed) {
            (ItemPhase::Protected, MachineMove::TestFailover) => stays(ItemPhase::Tested),
            (ItemPhase::Tested, MachineMove::TestFailoverCleanup) => stays(ItemPhase::Protected),
            (ItemPhase::Protected, MachineMove::PlannedFailover) => {
                Some(Self { phase: ItemPhase::FailedOver, active: there, planned: true })
            }
            (ItemPhase::Protected, MachineMove::UnplannedFailover) => {
                Some(Self { phase: ItemPhase::FailedOver, active: there, planned: false })
            }
            (ItemPhase::FailedOver, MachineMove::Cancel) => {
                Some(Self { phase: ItemPhase::Protected, active: there, planned: false })
            }
            (ItemPhase::FailedOver, MachineMove::Commit) => stays(ItemPhase::Committed),
            (ItemPhase::Committed, MachineMove::Reprotect) => {
                Some(Self { phase: ItemPhase::Seeding, planned: false, ..self })
            }
            (ItemPhase::Committed, MachineMove::Switch) => Some(Self::NEW),
            (ItemPhase::Tested, MachineMove::Disable) => None,
            (ItemPhase::FailedOver, MachineMove::ChangePoint) | (_, MachineMove::Disable) => {
                Some(self)
            }
            _ => None,
        }
    }

    /// What it is when its replication has come one phase further.
    pub(super) fn replicated(self) -> Option<Self> {
        match self.phase {
            ItemPhase::Seeding => Some(Self { phase: ItemPhase::FirstPoint, ..self }),
            ItemPhase::FirstPoint => Some(Self { phase: ItemPhase::Protected, ..self }),
            _ => None,
        }
    }

    /// The direction of the next failover.
    pub(super) fn direction(self) -> &'static str {
        match self.active {
            ItemSide::Primary => "PrimaryToRecovery",
            ItemSide::Recovery => "RecoveryToPrimary",
        }
    }

    /// What may be done. Azure to Azure knows no planned failover (recorded); other providers do (published).
    pub(super) fn allowed(self, provider: &str) -> Vec<&'static str> {
        let order = [
            MachineMove::PlannedFailover,
            MachineMove::UnplannedFailover,
            MachineMove::TestFailoverCleanup,
            MachineMove::Reprotect,
            MachineMove::Commit,
            MachineMove::Cancel,
            MachineMove::Disable,
            MachineMove::TestFailover,
            MachineMove::ChangePoint,
        ];
        order
            .into_iter()
            .filter(|deed| self.after(*deed).is_some())
            .filter(|deed| *deed != MachineMove::PlannedFailover || provider != "A2A")
            .map(MachineMove::allowed_word)
            .collect()
    }

    /// Writes it into the properties of a body.
    pub(super) fn write(self, properties: &mut Value) {
        let (state, said) = match self.phase {
            ItemPhase::Seeding => {
                ("InitialReplicationInProgress", "Initial replication is in progress")
            }
            ItemPhase::FirstPoint => {
                ("InitialReplicationRecoveryCompletionPending", "Waiting for first recovery point")
            }
            ItemPhase::Protected => ("Protected", "Protected"),
            ItemPhase::Tested => ("Protected", "Cleanup test failover pending"),
            // Of the planned one: believed.
            ItemPhase::FailedOver if self.planned => {
                ("PlannedFailoverCommitPendingStatesBegin", "Planned failover completed")
            }
            ItemPhase::FailedOver => {
                ("UnplannedFailoverCommitPendingStatesBegin", "Failover completed")
            }
            ItemPhase::Committed if self.planned => {
                ("PlannedFailoverStatesBegin", "Planned failover committed")
            }
            // Believed.
            ItemPhase::Committed => ("UnplannedFailoverStatesBegin", "Failover committed"),
        };
        let (test, test_said) = match self.phase {
            ItemPhase::Tested => ("WaitingForCompletion", "Waiting for user input"),
            _ => ("None", "None"),
        };
        let provider = properties
            .pointer("/providerSpecificDetails/instanceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let allowed = self.allowed(provider);
        properties["protectionState"] = json!(state);
        properties["protectionStateDescription"] = json!(said);
        properties["activeLocation"] =
            json!(if self.active == ItemSide::Primary { "Primary" } else { "Recovery" });
        properties["testFailoverState"] = json!(test);
        properties["testFailoverStateDescription"] = json!(test_said);
        properties["allowedOperations"] = json!(allowed);
        let details = properties.get_mut("providerSpecificDetails").and_then(Value::as_object_mut);
        if let Some(details) = details.filter(|details| details.contains_key("vmProtectionState")) {
            let (state, said) = match self.phase {
                ItemPhase::Seeding | ItemPhase::FirstPoint => {
                    ("UnprotectedStatesBegin", "Enabling protection")
                }
                _ => (state, said),
            };
            details.insert("vmProtectionState".to_owned(), json!(state));
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

    #[test]
    fn what_is_allowed_is_what_can_be_done() {
        let protected = Standing { phase: ItemPhase::Protected, ..Standing::NEW };
        let recorded = ["UnplannedFailover", "DisableProtection", "TestFailover"];
        assert_eq!(protected.allowed("A2A"), recorded, "as recorded, in its order");
        assert!(protected.allowed("HyperVReplicaAzure").contains(&"PlannedFailover"));
        assert_eq!(Standing::NEW.allowed("A2A"), ["DisableProtection"]);
        let tested = protected.after(MachineMove::TestFailover).unwrap();
        assert_eq!(tested.allowed("A2A"), ["TestFailoverCleanup"]);
    }

    #[test]
    fn a_life_goes_there_and_back() {
        let protected = Standing { phase: ItemPhase::Protected, ..Standing::NEW };
        let mut standing = protected;
        for _ in 0..2 {
            for deed in
                [MachineMove::UnplannedFailover, MachineMove::Commit, MachineMove::Reprotect]
            {
                standing = standing.after(deed).unwrap();
            }
            standing = standing.replicated().and_then(Standing::replicated).unwrap();
        }
        assert_eq!(standing, protected);
    }
}
