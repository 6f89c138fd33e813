//! Is what a refused write names really not there? A resource that was made a moment ago is shown by one front
//! end and not yet known at another (docs/wire.md 3).
//!
//! So a 404 on a write is not believed by itself: what the write names is looked at. Where all of it stands, the
//! step tries again within its policy; where something does not, that is said by its id, and the engine tries
//! again only if a step of the run makes it. Each attempt begins with a look at its own resource.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Client;
use crate::engine::CallContext;
use crate::model::{Disposition, ResourceId, StepError, Write, WriteMethod};

/// What Azure says of something that is not there, be it the parent or what the body names.
const CODES: [&str; 3] = ["NotFound", "ParentResourceNotFound", "ResourceNotFound"];

/// How many of the things that a write names are looked at; a network's body names every subnet's table.
const LOOKS_MAX: usize = 16;

/// Whether a refusal is for something that is not there.
pub(super) fn is_of_absence(status: u16, refusal: &StepError) -> bool {
    status == 404 && CODES.contains(&refusal.code.as_str())
}

/// A refusal, as one that may pass where what the write names stands, or may be the run's own to make.
pub(super) async fn judged(
    client: &Client,
    refusal: StepError,
    write: &Write,
    context: &CallContext,
) -> StepError {
    let mut stand = 0;
    let mut absent = None;
    for id in named(write) {
        match client.get(&id, context).await {
            Ok(Some(_)) => stand += 1,
            Ok(None) => absent = absent.or(Some(id)),
            // What we may not read says nothing.
            Err(_) => {}
        }
    }
    let mut error = match absent {
        Some(id) => refusal.caused_by_missing(id),
        None if stand > 0 => refusal.caused_by(
            "What the write names stands: not all of Azure has heard of it yet. It is looked at again, and tried \
             again.",
        ),
        None => return refusal,
    };
    error.disposition = Disposition::Transient { after: None };
    error
}

/// What has to be there for a write: what it is in, what its body names, and for an action the resource itself.
fn named(write: &Write) -> BTreeSet<ResourceId> {
    let mut all = BTreeSet::new();
    let Some(own) = write.resource.azure() else { return all };
    all.extend(own.parent());
    if write.method == WriteMethod::Post {
        all.insert(own.clone());
    }
    let mut within = BTreeSet::new();
    write.body.iter().for_each(|body| collect(body, &mut within));
    all.extend(within.into_iter().filter(|id| id != own && !id.is_within(own)).take(LOOKS_MAX));
    all
}

fn collect(body: &Value, into: &mut BTreeSet<ResourceId>) {
    match body {
        Value::String(text) => into.extend(ResourceId::parse(text).ok()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_write_names_its_parent_and_what_its_body_refers_to_and_not_itself() {
        let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        let id = |path: &str| ResourceId::parse(&format!("{group}/{path}")).unwrap();
        let own = id("virtualNetworks/v/subnets/s");
        let body = json!({ "id": own.as_str(), "properties": {
            "routeTable": { "id": id("routeTables/t").as_str() },
            "ipConfigurations": [{ "id": id("virtualNetworks/v/subnets/s/x/y").as_str() }],
            "addressPrefix": "10.0.0.0/24" } });
        let write = Write { body: Some(body), ..Write::to(WriteMethod::Put, &own) };
        let all: Vec<_> = named(&write).into_iter().collect();
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all.contains(&id("virtualNetworks/v")) && all.contains(&id("routeTables/t")));
    }
}
