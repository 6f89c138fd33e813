//! What does a build without `shared-store` say to a container? That it cannot speak to one.

use std::sync::Arc;

use object_store::ObjectStore;

use super::StoreUse;
use crate::cli::error::CliError;

/// The objects of no container.
///
/// # Errors
/// This build lacks what speaks to one.
pub(crate) fn primary(_: &str, _: &str, _: StoreUse) -> Result<Arc<dyn ObjectStore>, CliError> {
    Err(CliError::usage(
        "This build of backroad cannot speak to a container: it lacks `shared-store`.",
    )
    .hint("Build it with that feature, which is on unless `--no-default-features` turns it off."))
}

/// As [`primary`].
///
/// # Errors
/// As [`primary`].
pub(crate) fn bucket(_: &str, to: StoreUse) -> Result<Arc<dyn ObjectStore>, CliError> {
    primary("", "", to)
}

/// As [`primary`].
///
/// # Errors
/// As [`primary`].
pub(crate) fn secondary(account: &str, container: &str) -> Result<Arc<dyn ObjectStore>, CliError> {
    primary(account, container, StoreUse::Read)
}
