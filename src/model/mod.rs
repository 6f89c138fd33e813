//! What is there to talk about? The nouns of a failover and their invariants.
//!
//! Comes in: nothing of ours. Goes out: the types that every other room speaks in. No format, no
//! clock, no I/O; `serde` derives only, because plans and events are stored.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod action;
pub mod assessment;
pub mod azure_limits;
pub mod call;
pub mod canonical;
pub mod compared;
pub mod condition;
pub mod coverage;
pub mod desired;
pub mod destination;
pub mod durations;
pub mod gate;
pub mod geography;
pub mod graph;
pub mod holder;
pub mod hub;
pub mod hub_body;
pub mod id;
pub mod later;
pub mod limits;
pub mod message;
pub mod nature;
pub mod net;
pub mod outbox;
pub mod outcome;
pub mod outside;
pub mod pattern;
pub mod permission;
pub mod person;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod recovery;
pub mod references;
pub mod region_down;
pub mod resource;
pub mod resource_name;
pub mod secret;
pub mod shell;
pub mod steering;
pub mod tags;
pub mod tenant;
pub mod time;
pub mod url_path;
pub mod verification;
pub mod vpn;

pub use action::{Action, Goal, Hold, OutputType, Undo, Until};
pub use assessment::{
    Assessed, Assessment, Change, Outputs, PlannedChange, Seen, Unanswered, Write, WriteMethod,
    WriteTarget,
};
pub use condition::{Comparison, Condition, Operand, Verdict};
pub use coverage::{Coverage, coverage, covered};
pub use gate::Gate;
pub use graph::{Cycle, Dag};
pub use id::{
    Epoch, HandleKind, IdError, OperationHandle, OperationKey, PlanDigest, RunId, RunbookName, Seq,
    StepName,
};
pub use message::{
    HookUrl, MailLogin, MailTls, MailWay, MessageId, MessageKind, MessageWay, Messages, Receiver,
    ReceiverSecret,
};
pub use nature::{ActionClass, ActionNature, CircuitConnection, Tracked};
pub use outbox::{GateNote, NextMessage, ObjectiveNote, OutboxRecord, ReceiverRecord, Unsent};
pub use outcome::{Disposition, RunOutcome, StepError, StepStatus};
pub use person::{Account, Login, Person};
pub use plan::{Objective, Owner, Plan, PlanError, PlanParts, Prose, Role, Step};
pub use policy::{
    Answer, DecisionPolicy, GatePolicy, OnExpiry, OnFailure, People, RetryPolicy, SagaClass, Side,
};
pub use region_down::RegionDown;
pub use resource::{Region, ResourceId, ResourceType};
pub use secret::{SECRET_PLACEHOLDER, SecretRef, SecretSource};
pub use time::{TimeError, Timestamp};
