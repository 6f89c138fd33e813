//! Two worlds side by side: what differs between them, as a person would look at it.

use std::collections::{BTreeMap, BTreeSet};

use backroad::model::{Action, Step};
use backroad::sim::{Fault, FaultEffect, Grant};
use serde_json::Value;

/// A fault of the request with which a step writes.
pub(crate) fn fault_of(step: &Step, effect: FaultEffect, times: u32) -> Fault {
    let written = step.action.written().map(ToString::to_string).unwrap_or_default();
    let (method, target) = match &step.action {
        Action::Remove(_) => ("DELETE", written),
        Action::RecoveryPlan(spec) => ("POST", format!("{written}/{}", spec.to.verb())),
        _ => ("PUT", written),
    };
    Fault::new(Some(method), &target, times, effect)
}

/// Where a machine stands, of what Site Recovery shows: the rest is its own record of what was done, such as
/// the last scenario of a plan and what it says of an agent after a new protection.
fn standing(id: &str, body: &Value) -> Value {
    let keys =
        ["activeLocation", "protectionState", "testFailoverState", "allowedOperations", "groups"];
    if !id.contains("microsoft.recoveryservices") {
        let mut body = body.clone();
        // Whether a connection uses it, which the connection tells.
        if let Some(properties) = body["properties"].as_object_mut() {
            properties.remove("authorizationUseStatus");
        }
        return body;
    }
    let at_work = body["properties"]["currentScenarioStatus"] == "InProgress";
    let keys = keys.iter().map(|key| body["properties"][*key].clone());
    keys.chain([Value::from(at_work)]).collect()
}

/// What Azure shows in a network of the hub that has it: the connection, under another name.
const SHOWN_OF_HUBS: &str = "/virtualnetworkpeerings/remotevnettohubpeering_";

/// The ids of the resources that differ, with what each is in one and in the other.
pub(crate) fn differences(before: &Value, after: &Value) -> BTreeMap<String, (Value, Value)> {
    let of = |world: &Value| -> BTreeMap<String, Value> {
        let all = world["resources"].as_object().cloned().unwrap_or_default();
        all.into_iter().map(|(id, body)| (id.clone(), standing(&id, &body))).collect()
    };
    let (before, after) = (of(before), of(after));
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let get = |world: &BTreeMap<String, Value>, id| world.get(id).cloned().unwrap_or_default();
    ids.into_iter()
        .filter(|id| !id.contains(SHOWN_OF_HUBS) && before.get(*id) != after.get(*id))
        .map(|id| (id.clone(), (get(&before, id), get(&after, id))))
        .collect()
}

/// What a world grants, of rights as the simulator remembers them: `group|right`.
pub(crate) fn grants(rights: &BTreeSet<String>) -> Vec<Grant> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (group, right) in rights.iter().filter_map(|right| right.split_once('|')) {
        groups.entry(group).or_default().push(right.to_owned());
    }
    let grant = |(scope, actions): (&str, Vec<String>)| Grant {
        scope: scope.to_owned(),
        actions,
        not_actions: Vec::new(),
    };
    groups.into_iter().map(grant).collect()
}
