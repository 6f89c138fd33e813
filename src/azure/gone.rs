//! What if a subnet is to be given back what is gone? Azure lets a route table or a security group go that nobody
//! uses: while the run's own was in its place, what was there before may have been removed.

use serde_json::Value;

use super::client::Client;
use super::service::body::seen;
use crate::arm::kind::SUBNETS;
use crate::arm::read::id_at;
use crate::engine::CallContext;
use crate::model::{Assessed, Assessment, Undo};

/// What a subnet uses by a reference.
const USED: [&str; 2] = ["routeTable", "networkSecurityGroup"];

/// Leaves out of a write that takes a subnet back what is gone, and says that it is absent among what was seen.
/// What cannot be read is taken to stand.
pub(super) async fn left_out(
    client: &Client,
    undo: &Undo,
    assessment: &mut Assessment,
    context: &CallContext,
) {
    let (Undo::Restore { resource, .. }, Assessed::Change(change)) =
        (undo, &mut assessment.verdict)
    else {
        return;
    };
    if !resource.is_a(SUBNETS) {
        return;
    }
    let Some(shown) = change.changes.first_mut() else { return };
    let mut gone = Vec::new();
    for key in USED {
        let pointer = format!("/properties/{key}/id");
        let Some(used) = id_at(&shown.after, &pointer) else { continue };
        // One that the subnet uses is there.
        let is_used = id_at(&shown.before, &pointer).as_ref() == Some(&used);
        if !is_used && matches!(client.get(&used, context).await, Ok(None)) {
            gone.push((key, used));
        }
    }
    // A write that changes nothing is there to mend what has failed.
    if gone.is_empty() {
        return;
    }
    for (key, used) in gone {
        for body in [change.write.body.as_mut(), Some(&mut shown.after)].into_iter().flatten() {
            if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove(key);
            }
        }
        assessment.seen.push(seen(&used, None));
    }
    if shown.after == shown.before {
        assessment.verdict = Assessed::Holds;
    }
}
