//! The integration tests: one binary, one file per promise.

mod architecture;
mod bad_days;
mod cli;
mod compile;
mod conform;
mod documents;
mod files;
mod generated;
mod hazards;
mod matrix;
mod network;
mod permissions;
mod polling;
mod preflight;
mod promises;
mod secrets;
mod server;
mod shipped;
mod sim;
mod specs;
mod store_contract;
mod store_survival;
mod support;
mod verbs;
mod wire;
mod world;
