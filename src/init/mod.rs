//! Which runbook does this estate need, and what does it lack? A world is read, and a failover written for it.
//!
//! Comes in: a captured or written world, and what a person asked for. Goes out: texts. [`KnownEstate`] is what is there,
//! [`Advice`] which regions and networks stand for one another and which strategy fits, [`Draft`] what is to be
//! done, and [`written()`] the files: a runbook, its way home, its world, and what a person must decide. Nothing
//! here reads or writes a file.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod abroad;
mod advice;
mod advise;
mod blocks;
mod choice;
mod circuits;
mod doubts;
mod draft;
mod drafting;
mod error;
mod estate;
mod explain;
mod failback;
mod failback_network;
mod failover;
mod failover_steps;
mod follows;
mod hub_links;
mod hub_pair;
mod hub_routes;
mod keep;
mod locks;
mod machines;
mod names;
mod others;
mod pairs;
mod sessions;
mod site;
mod spokes_text;
mod strategy;
mod swap;
mod tables;
mod text;
mod todo;
mod tunnels;
mod unread;
mod wan;
mod wan_steps;
mod world_text;
mod written;

pub use advice::{Advice, CONTACT, Wish};
pub use advise::advise;
pub use choice::{Chosen, InitQuestion};
pub use draft::Draft;
pub use drafting::draft;
pub use error::InitError;
pub use estate::KnownEstate;
pub use explain::{explained, lacking};
pub use keep::{Keep, difference, keep, marked};
pub use strategy::{Fit, Strategy};
pub use todo::Lack;
pub use world_text::copy;
pub use written::{WrittenFile, todo_file, written};
