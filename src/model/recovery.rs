//! What may be asked of a recovery plan of Site Recovery? The moves that bring its machines over and back.
//!
//! A move is a desired state like any other: the plan's machines have failed over, are committed, are
//! protected. What Site Recovery is asked for follows from comparing that with what is.

use serde::{Deserialize, Serialize};

use super::resource::ResourceId;

/// The desired state of a recovery plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// The plan's id, under its vault.
    pub id: ResourceId,
    /// What shall have been done with it.
    pub to: RecoveryMove,
}

/// A move of a plan's machines, each the state in which it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "move", rename_all = "snake_case")]
pub enum RecoveryMove {
    /// The machines run at the other side, and may still go back.
    Failover {
        /// What is asked of the side that is left.
        kind: FailoverKind,
        /// Which way.
        direction: FailoverDirection,
        /// To which recovery point.
        recovery_point: RecoveryPoint,
    },
    /// The failover is final: its recovery points are gone.
    Commit,
    /// The machines are protected again, towards the side they came from.
    Reprotect,
    /// Copies of the machines run in a network of their own; production is not touched.
    TestFailover {
        /// The network of the copies.
        network: ResourceId,
        /// Which way.
        direction: FailoverDirection,
        /// To which recovery point.
        recovery_point: RecoveryPoint,
    },
    /// The copies of a test failover are gone.
    TestCleanup,
}

/// What a failover asks of the side that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailoverKind {
    /// Nothing: it is lost, or counts as lost.
    Unplanned,
    /// That its machines be shut down first, if they can be: what was written last comes along.
    ShutDownFirst,
    /// All that a planned failover asks; machines of Azure know none.
    Planned,
}

/// Which way a failover goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailoverDirection {
    /// From the primary side to the recovery side.
    PrimaryToRecovery,
    /// Back.
    RecoveryToPrimary,
}

/// The recovery point that machines of Azure start from (azure-facts 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryPoint {
    /// The newest that is processed: the fastest start.
    LatestProcessed,
    /// All that was sent is processed first: the least loss.
    Latest,
    /// The newest that applications took part in.
    LatestApplicationConsistent,
    /// The newest that disks alone took part in.
    LatestCrashConsistent,
}

impl RecoveryMove {
    /// The action's name in runbooks.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Failover { .. } => "recovery_plan.failover",
            Self::Commit => "recovery_plan.commit",
            Self::Reprotect => "recovery_plan.reprotect",
            Self::TestFailover { .. } => "recovery_plan.test_failover",
            Self::TestCleanup => "recovery_plan.test_cleanup",
        }
    }

    /// Whether machines come up by it that were not there.
    #[must_use]
    pub fn makes_machines(&self) -> bool {
        match self {
            Self::Failover { .. } | Self::TestFailover { .. } => true,
            Self::Commit | Self::Reprotect | Self::TestCleanup => false,
        }
    }

    /// The last part of the path that it is asked for at, which is also the name of its right.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Failover { kind: FailoverKind::Planned, .. } => "plannedFailover",
            Self::Failover { .. } => "unplannedFailover",
            Self::Commit => "failoverCommit",
            Self::Reprotect => "reProtect",
            Self::TestFailover { .. } => "testFailover",
            Self::TestCleanup => CLEANUP,
        }
    }

    /// The word by which Site Recovery says that it may be done now: as published, but for the one of a new
    /// protection, which is believed.
    #[must_use]
    pub fn allowed_word(&self) -> &'static str {
        match self {
            Self::Failover { kind: FailoverKind::Planned, .. } => "PlannedFailover",
            Self::Failover { .. } => "UnplannedFailover",
            Self::Commit => "Commit",
            Self::Reprotect => "ReverseReplicate",
            Self::TestFailover { .. } => "TestFailover",
            Self::TestCleanup => "TestFailoverCleanup",
        }
    }
}

/// The verb that ends a test failover, and undoes one.
pub const CLEANUP: &str = "testFailoverCleanup";

/// The verb that takes a failover back while it is not committed.
pub const CANCEL: &str = "failoverCancel";

/// Every verb that changes a plan: what the request guard lets through (azure-facts 6.1).
pub const VERBS: [&str; 7] = [
    "unplannedFailover",
    "plannedFailover",
    "failoverCommit",
    CANCEL,
    "reProtect",
    "testFailover",
    CLEANUP,
];

impl FailoverDirection {
    /// The words on the wire, each with its direction.
    const ALL: [(&'static str, Self); 2] = [
        ("PrimaryToRecovery", Self::PrimaryToRecovery),
        ("RecoveryToPrimary", Self::RecoveryToPrimary),
    ];

    /// The direction that a word on the wire stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, _)| *own == word).map(|(_, found)| *found)
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrimaryToRecovery => Self::ALL[0].0,
            Self::RecoveryToPrimary => Self::ALL[1].0,
        }
    }
}

impl RecoveryPoint {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LatestProcessed => "LatestProcessed",
            Self::Latest => "Latest",
            Self::LatestApplicationConsistent => "LatestApplicationConsistent",
            Self::LatestCrashConsistent => "LatestCrashConsistent",
        }
    }
}
