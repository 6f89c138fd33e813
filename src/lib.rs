//! backroad: a failover runbook orchestrator for Azure ExpressRoute.
//!
//! A runbook is a YAML file that says how connectivity between an on-premises network and Azure is
//! re-established at the disaster-recovery region. One executor runs it, with checkpointed state.
//!
//! Everything the program knows is in one of four books, and each room keeps or compares them:
//! the *document* (what was written, [`runbook`]), the *plan* (what is meant, [`plan`] and
//! [`model`]), the *journal* (what was done, [`engine`] and [`store`]) and the *observation* (what
//! is, [`azure`] or [`sim`], and [`outside`] for what is not Azure's). [`preflight`] judges before a run,
//! [`drill`] puts executor and simulator together, [`render`] shows it all, [`web`] to many at once, [`init`] writes a
//! runbook for an estate, [`notify`] tells those who do not sit at it, and [`cli`] is where a person comes in. What
//! leaves the process goes by [`outward`], which keeps
//! secrets in; what is served to others is held within bounds by [`serving`].
//!
//! ```text
//!   cli                                     may use all but `serving`
//!   web          notify        drill        render, store │ render, outside │ sim, outside, store
//!   render       init          sim          plan, preflight │ sim │ azure
//!   azure        outside       store        preflight, engine │ preflight, engine │ engine
//!   preflight    plan                       arm, engine │ runbook
//!   engine       arm           runbook      model
//!   model        outward       serving      nothing: each by itself, and for whoever needs it
//! ```
//!
//! A room stands above what it uses, which is named on the right of its line, in the order of the line; what is below
//! that it may use as well where docs/architecture.md says so;
//! `tests/it/architecture.rs` holds the rooms to it.
//!
//! # A drill in a few lines
//!
//! ```
//! use backroad::drill::Drill;
//! use backroad::model::RunOutcome;
//! use backroad::plan::{CompileOptions, compile};
//! use backroad::runbook::SourceFile;
//! use backroad::sim::Scenario;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runbook = include_str!("../runbooks/dr-circuit.yaml");
//! let world = include_str!("../runbooks/worlds/two-circuits.yaml");
//! let source = SourceFile::new("dr-circuit.yaml", runbook);
//! let options = CompileOptions { profile: Some("drill".into()), ..CompileOptions::default() };
//! let plan = compile(&source, &options).plan.ok_or("the runbook has errors")?;
//! let drilled = Drill::new(&plan, &Scenario::parse("two-circuits.yaml", world)?).run().await?;
//! assert_eq!(drilled.outcome(), Some(RunOutcome::Succeeded));
//! for reach in drilled.world.reachability() {
//!     println!("{} reaches {}: {}", reach.site, reach.network, reach.verdict.as_str());
//! }
//! # Ok(())
//! # }
//! ```

pub mod arm;
pub mod azure;
pub mod cli;
pub mod drill;
pub mod engine;
pub mod init;
pub mod model;
pub mod notify;
pub mod outside;
pub mod outward;
pub mod plan;
pub mod preflight;
pub mod render;
pub mod runbook;
pub mod serving;
pub mod sim;
pub mod store;
pub mod web;
