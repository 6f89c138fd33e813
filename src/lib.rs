//! backroad: a failover runbook orchestrator for Azure ExpressRoute.
//!
//! A runbook is a YAML file that says how connectivity between an on-premises network and Azure is
//! re-established at the disaster-recovery region. One executor runs it, with checkpointed state.
//!
//! Everything the program knows is in one of four books, and each room keeps or compares them:
//! the *document* (what was written, [`runbook`]), the *plan* (what is meant, [`plan`] and
//! [`model`]), the *journal* (what was done, [`engine`] and [`store`]) and the *observation* (what
//! is, [`azure`] or [`sim`]). [`render`] shows them, and [`cli`] is where a person comes in. What leaves the
//! process goes by [`outward`], which keeps secrets in.

pub mod azure;
pub mod cli;
pub mod engine;
pub mod model;
pub mod outward;
pub mod plan;
pub mod preflight;
pub mod render;
pub mod runbook;
pub mod sim;
pub mod store;
