//! Is it done? What a body says of the last write.

use serde_json::Value;

use super::read::{is, word};

const STATE: &str = "/properties/provisioningState";

/// `ProvisioningState` of Microsoft.Network, 2024-05-01.
const STATES: [&str; 6] = ["Succeeded", "Updating", "Creating", "Deleting", "Failed", "Canceled"];

/// A resource's provisioning state; a body without one is done (azure-facts 3.2).
#[must_use]
pub fn provisioning_state(body: &Value) -> &str {
    word(body, STATE, &STATES).unwrap_or("Succeeded")
}

/// Whether a body says that it is done; one that says nothing does not.
#[must_use]
pub fn is_done(body: &Value) -> bool {
    is(body, STATE, "Succeeded")
}

/// Whether its last write has failed.
#[must_use]
pub fn has_failed(body: &Value) -> bool {
    is(body, STATE, "Failed")
}
