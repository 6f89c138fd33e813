//! What do connections with a circuit take alike, of a network's gateway and of a hub's? Their keys, and those of their removals.

use super::grammar::{Field, Kind, may};
use super::kinds::AUTHORIZATIONS;

pub(super) const AUTHORIZATION: Field = may(
    "authorization",
    Kind::Id(AUTHORIZATIONS),
    "The authorization whose key is used, when the circuit is in another subscription.",
);

pub(super) const AUTHORIZATION_KEY: Field =
    may("authorization_key", Kind::Secret, "A secret parameter with the key instead.");

pub(super) const ROUTING_WEIGHT: Field = may(
    "routing_weight",
    Kind::Int(0, 32_000),
    "The larger wins; left as it is when absent, 0 on a new one.",
);

pub(super) const FAST_PATH: Field = may(
    "fast_path",
    Kind::Bool,
    "FastPath: traffic goes past the gateway; left as it is when absent.",
);

pub(super) const AUTHORIZATION_OF_UNDO: Field =
    may("authorization", Kind::Id(AUTHORIZATIONS), "Whose key an undo connects it again with.");

pub(super) const KEY_OF_UNDO: Field =
    may("authorization_key", Kind::Secret, "A secret parameter with that key instead.");
