//! How do we say it to Azure? Requests built and answers read, pure; one guard outward.
//!
//! Comes in: goals, writes and operation handles. Goes out: assessments and answers. Implements the
//! engine's `Observer` and `Actuator`.

mod adapter;
mod as_seen;
mod bounded;
mod built;
mod called;
mod certificate;
mod client;
pub mod cloud;
pub mod error;
mod estate;
mod facts;
mod fresh_right;
mod gone;
mod guard;
mod hygiene;
mod identity;
mod in_use;
mod known_body;
mod list;
mod logs;
pub mod operation;
mod outlived;
mod purpose;
mod scope;
pub mod secret;
mod service;
pub mod silence;
mod standing;
pub mod tenancy;
pub mod token;
pub mod transport;
mod untold;
mod verification;
pub mod wire;

pub use crate::outward::Secret;
pub use adapter::{Arm, ArmActuator, ArmObserver, ArmSettings};
pub use cloud::Cloud;
pub use estate::EstateQuestion;
pub use guard::correlation_id;
pub use identity::{ChainError, CredentialKind, Identity};
pub use logs::log_filter;
pub use purpose::Purpose;
pub use scope::WriteScope;
pub use secret::{NoSecrets, SecretReader};
pub use tenancy::Tenants;
pub use token::{CredentialSettings, Credentials, IdentityError, Simulated, TokenSource};
pub use transport::HttpWire;
pub use wire::{Method, Wire, WireFault, WireRequest, WireResponse};
