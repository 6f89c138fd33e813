//! The integration tests: one binary, one file per promise.

mod files;
mod store_contract;
mod store_survival;
