//! Who is asking? The only room that knows them all.
//!
//! Comes in: what was typed and the environment. Goes out: data on stdout, talk on stderr, and an exit
//! status (README.md). Builds the real clock, the store, Azure or the simulator, and hands them to
//! the engine.

pub mod account;
pub mod args;
pub mod asked;
pub mod azure;
mod bounded;
mod capture;
mod ci;
mod claims;
pub mod clock;
pub mod collector;
pub mod command;
pub mod context;
pub mod control;
mod detach;
mod document;
mod document_drills;
pub mod error;
pub mod files;
mod folded;
pub mod front;
mod interrupts;
mod kept_estate;
mod kept_world;
mod left;
pub mod live;
mod logs;
pub mod measured;
mod messages;
mod param_file;
mod params;
pub mod preflight;
mod proof;
mod ready;
pub mod region_down;
mod reply;
mod run;
pub mod saved;
mod screen;
pub mod session;
pub mod settings;
pub mod shared;
pub mod shared_blobs;
mod silence;
mod stream;
mod typed;
pub mod ui;
mod voice;
pub mod watch;
pub mod world;
mod written;

pub use error::Status;
pub use run::run;
