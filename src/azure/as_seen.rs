//! Is a resource written only as it was seen?

use crate::arm::kind;
use crate::model::{Assessed, Assessment, WriteMethod};

/// Where the ETag of a resource is a header of its GET (docs/wire.md), or the specification of its PUT has the
/// condition (record sets: `RecordSets_CreateOrUpdate`), a write says which body it was made from: what somebody
/// changes after the look is not written over, but looked at again. Elsewhere nobody has seen the condition kept.
const BEARS_ETAG: [&str; 8] = [
    kind::NETWORKS,
    kind::SUBNETS,
    kind::PEERINGS,
    kind::ROUTE_TABLES,
    kind::PUBLIC_ADDRESSES,
    kind::LOCAL_GATEWAYS,
    kind::NAMES,
    kind::NAMES_V6,
];

/// Makes the write of a change depend on what it was made from, where Azure keeps to that.
pub(super) fn require(assessment: &mut Assessment) {
    let Assessed::Change(change) = &mut assessment.verdict else { return };
    let write = &mut change.write;
    let Some(resource) = write.resource.azure() else { return };
    if write.method == WriteMethod::Put && BEARS_ETAG.iter().any(|kind| resource.is_a(kind)) {
        let own = assessment.seen.iter().find(|seen| seen.resource == *resource);
        write.if_match = own.and_then(|seen| seen.etag.clone());
    }
}
