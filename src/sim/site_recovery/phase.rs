//! What may be done to a protected item, and what is it then? The state machine of Site Recovery
//! (azure-facts 6.4).
//!
//! An item's standing is read from the body that a GET shows and written back there (`standing`): nothing is stored
//! twice.

use serde::{Deserialize, Serialize};

use super::words::{AllowedOperation, ReplicationProvider};
use crate::model::recovery::FailoverDirection;

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

impl ItemSide {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Primary => Self::Recovery,
            Self::Recovery => Self::Primary,
        }
    }
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

/// What a move is called, in each place.
struct MoveWords {
    of: MachineMove,
    /// The last word of a path; none for what is asked of a container.
    verb: Option<&'static str>,
    /// In `allowedOperations`.
    allowed: AllowedOperation,
    /// As a job, and what people read. Those of the last four are believed.
    scenario: (&'static str, &'static str),
}

const fn row(
    of: MachineMove,
    verb: Option<&'static str>,
    allowed: AllowedOperation,
    scenario: (&'static str, &'static str),
) -> MoveWords {
    MoveWords { of, verb, allowed, scenario }
}

/// In the order of the moves.
const MOVES: [MoveWords; 10] = [
    row(
        MachineMove::TestFailover,
        Some("testFailover"),
        AllowedOperation::TestFailover,
        ("TestFailover", "Test failover"),
    ),
    row(
        MachineMove::TestFailoverCleanup,
        Some("testFailoverCleanup"),
        AllowedOperation::TestFailoverCleanup,
        ("TestFailoverCleanup", "Cleanup test failover"),
    ),
    row(
        MachineMove::PlannedFailover,
        Some("plannedFailover"),
        AllowedOperation::PlannedFailover,
        ("PlannedFailover", "Planned failover"),
    ),
    row(
        MachineMove::UnplannedFailover,
        Some("unplannedFailover"),
        AllowedOperation::UnplannedFailover,
        ("UnplannedFailover", "Failover"),
    ),
    row(
        MachineMove::ChangePoint,
        Some("applyRecoveryPoint"),
        AllowedOperation::ChangePoint,
        ("ChangePit", "Change recovery point"),
    ),
    row(
        MachineMove::Cancel,
        Some("failoverCancel"),
        AllowedOperation::CancelFailover,
        ("CancelFailover", "Cancel failover"),
    ),
    row(
        MachineMove::Commit,
        Some("failoverCommit"),
        AllowedOperation::Commit,
        ("CommitFailover", "Commit"),
    ),
    row(
        MachineMove::Reprotect,
        Some("reProtect"),
        AllowedOperation::ReverseReplicate,
        ("ReverseReplication", "Re-protect"),
    ),
    row(
        MachineMove::Switch,
        None,
        AllowedOperation::ReverseReplicate,
        ("SwitchProtection", "Re-protect"),
    ),
    row(
        MachineMove::Disable,
        Some("remove"),
        AllowedOperation::DisableProtection,
        ("DisableDr", "Disable replication"),
    ),
];

impl MachineMove {
    fn words(self) -> &'static MoveWords {
        &MOVES[self as usize]
    }

    /// The move that the last word of a path asks for.
    pub(super) fn parse(verb: &str) -> Option<Self> {
        let is = |row: &&MoveWords| row.verb.is_some_and(|own| own.eq_ignore_ascii_case(verb));
        MOVES.iter().find(is).map(|row| row.of)
    }

    /// What it is as something that may be done.
    pub(super) fn allowed_as(self) -> AllowedOperation {
        self.words().allowed
    }

    /// The scenario's name and what people read.
    pub(super) fn scenario(self) -> (&'static str, &'static str) {
        self.words().scenario
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

    /// What it is after a move; nothing where the move cannot be.
    pub(super) fn after(self, machine_move: MachineMove) -> Option<Self> {
        let there = self.active.other();
        let stays = |phase| Some(Self { phase, ..self });
        match (self.phase, machine_move) {
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
            ItemPhase::Protected
            | ItemPhase::Tested
            | ItemPhase::FailedOver
            | ItemPhase::Committed => None,
        }
    }

    /// The direction of the next failover.
    pub(super) fn direction(self) -> FailoverDirection {
        match self.active {
            ItemSide::Primary => FailoverDirection::PrimaryToRecovery,
            ItemSide::Recovery => FailoverDirection::RecoveryToPrimary,
        }
    }

    /// What may be done. Azure to Azure knows no planned failover (recorded); other providers do (published).
    pub(super) fn allowed(self, provider: Option<ReplicationProvider>) -> Vec<AllowedOperation> {
        let by_plan = provider != Some(ReplicationProvider::AzureToAzure);
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
            .filter(|machine_move| self.after(*machine_move).is_some())
            .filter(|machine_move| *machine_move != MachineMove::PlannedFailover || by_plan)
            .map(MachineMove::allowed_as)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_what_can_be_done() {
        let protected = Standing { phase: ItemPhase::Protected, ..Standing::NEW };
        let recorded = ["UnplannedFailover", "DisableProtection", "TestFailover"];
        let allowed = |standing: Standing, provider: &str| -> Vec<&str> {
            let allowed = standing.allowed(ReplicationProvider::parse(provider));
            allowed.into_iter().map(AllowedOperation::as_str).collect()
        };
        assert_eq!(allowed(protected, "A2A"), recorded, "as recorded, in its order");
        assert!(allowed(protected, "HyperVReplicaAzure").contains(&"PlannedFailover"));
        assert_eq!(allowed(Standing::NEW, "A2A"), ["DisableProtection"]);
        let tested = protected.after(MachineMove::TestFailover).unwrap();
        assert_eq!(allowed(tested, "A2A"), ["TestFailoverCleanup"]);
    }

    #[test]
    fn the_words_of_a_move_are_its_own() {
        for (place, row) in MOVES.iter().enumerate() {
            assert_eq!(row.of as usize, place, "{:?}", row.of);
            assert_eq!(row.verb.and_then(MachineMove::parse), row.verb.map(|_| row.of));
        }
    }

    #[test]
    fn a_life_goes_there_and_back() {
        let protected = Standing { phase: ItemPhase::Protected, ..Standing::NEW };
        let mut standing = protected;
        for _ in 0..2 {
            for machine_move in
                [MachineMove::UnplannedFailover, MachineMove::Commit, MachineMove::Reprotect]
            {
                standing = standing.after(machine_move).unwrap();
            }
            standing = standing.replicated().and_then(Standing::replicated).unwrap();
        }
        assert_eq!(standing, protected);
    }
}
