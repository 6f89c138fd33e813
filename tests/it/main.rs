//! The integration tests: one binary, one file per promise.

mod files;
mod network;
mod server;
