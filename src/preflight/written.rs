//! What would each step write, and what would an undo of it put back, as far as that is known by now? The bodies that
//! policies and rights are asked about, worked out once for all that ask.

use serde_json::Value;

use super::facts::{Fact, Facts, Question};
use super::inquiry::{Inquiry, text};
use super::projection;
use crate::model::azure_limits::{Resize, resize};
use crate::model::permission::made;
use crate::model::{Action, ResourceId, Step};

/// What a step writes; an error where it cannot be known whether it does.
type WrittenOrUnread<'p> = Result<Option<WrittenBody<'p>>, (&'p ResourceId, String)>;

/// The bodies of a step.
#[derive(Debug)]
pub struct StepBodies<'p> {
    /// The step.
    pub step: &'p Step,
    /// What it writes.
    pub written: WrittenOrUnread<'p>,
    /// What stands and it changes or takes away, as it stands.
    pub put_back: Option<WrittenBody<'p>>,
}

/// A body that policies are asked about.
#[derive(Debug)]
pub struct WrittenBody<'p> {
    pub id: &'p ResourceId,
    /// As it is written, but for keys.
    pub content: Value,
    /// What of it the runbook says itself.
    pub wanted: Option<Value>,
}

/// What a step writes, as far as it is known by now whether it writes: a resource that is not there, or one
/// that differs from what is planned. An error where it cannot be known.
fn written<'p>(found: &Facts, id: &'p ResourceId, step: &Step) -> WrittenOrUnread<'p> {
    let has = match found.resource(id) {
        Fact::Known(body) => Some(body),
        Fact::Absent => None,
        Fact::Unknown(why) => return Err((id, format!("{} cannot be read: {why}", id.name()))),
    };
    // Alone with what it is made of: a plan has thousands of steps.
    let mut alone = Facts::default();
    alone.insert(Question::Resource(id.clone()), Ok(has.cloned()));
    for other in step.action.reads() {
        if let Some(body) = found.body(other) {
            alone.insert(Question::Resource(other.clone()), Ok(Some(body.clone())));
        }
    }
    let then = projection::after(&alone, [step]).body(id).cloned();
    let is_written = |has: &Value, then: &Value| {
        (takes_off(&step.action) && has != then)
            || (!is_larger(&step.action, has) && differs(has, then))
    };
    let body = then.filter(|then| has.is_none_or(|has| is_written(has, then)));
    let wanted = has.map(|_| {
        alone.insert(Question::Resource(id.clone()), Ok(None));
        projection::after(&alone, [step]).body(id).cloned()
    });
    Ok(body.map(|body| {
        let wanted = wanted.unwrap_or_else(|| Some(body.clone()));
        WrittenBody { id, content: content(id, body), wanted }
    }))
}

/// Whether an action writes a resource without something that it has: what a subnet lacks then is just what policies may
/// want of it (Deny-Subnet-Without-Udr and -Nsg of the Azure Landing Zones).
fn takes_off(action: &Action) -> bool {
    match action {
        Action::Dissociation(_) => true,
        Action::SecurityGroup(spec) => !spec.used,
        _ => false,
    }
}

/// A gateway that does all that is asked stays as it is.
fn is_larger(action: &Action, has: &Value) -> bool {
    let Action::Gateway(spec) = action else { return false };
    text(has, "/properties/sku/name").is_some_and(|has| resize(has, &spec.sku) == Resize::None)
}

/// Names of what Azure alone says, and of what is left as it is once it stands.
const NOT_WRITTEN: [&str; 5] =
    ["provisioningState", "peeringState", "ipConfigurations", "zones", "etag"];

/// Whether a body is not yet as planned: more than was planned is no difference, nor is the case of letters.
fn differs(has: &Value, planned: &Value) -> bool {
    match (has, planned) {
        (Value::Object(has), Value::Object(planned)) => planned.iter().any(|(key, planned)| {
            let has = has.get(key).unwrap_or(&Value::Null);
            !NOT_WRITTEN.contains(&key.as_str()) && differs(has, planned)
        }),
        (Value::Array(has), Value::Array(planned)) => {
            planned.iter().any(|planned| has.iter().all(|has| differs(has, planned)))
        }
        (Value::String(has), Value::String(planned)) => {
            let folded = |text: &str| text.replace(' ', "").to_ascii_lowercase();
            folded(has) != folded(planned)
        }
        // What Azure does not show is off, or none.
        (Value::Null, planned) => match planned {
            Value::Null | Value::Bool(false) => false,
            Value::Object(planned) => planned.values().any(|own| differs(&Value::Null, own)),
            Value::Array(planned) => !planned.is_empty(),
            Value::Number(planned) => planned.as_f64() != Some(0.0),
            Value::Bool(true) | Value::String(_) => true,
        },
        (has, planned) => has != planned,
    }
}

/// What a network shows in its body and is not written with it.
const PEERINGS: &str = "virtualNetworkPeerings";

/// What is secret in the bodies of authorizations and connections.
const KEYS: [&str; 2] = ["authorizationKey", "sharedKey"];

/// A body as policies are asked about it: the type, the name and what is written. The keys that are sent with it
/// are not part of it.
fn content(id: &ResourceId, mut body: Value) -> Value {
    let name = match id.parent() {
        Some(parent) => format!("{}/{}", parent.name(), id.name()),
        None => id.name().to_owned(),
    };
    body["type"] = Value::from(id.resource_type().as_str());
    body["name"] = Value::from(name);
    if let Some(body) = body.as_object_mut() {
        body.remove("id");
        body.remove("etag");
    }
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|key, _| !KEYS.contains(&key.as_str()) && key != PEERINGS);
    }
    body
}

impl WrittenBody<'_> {
    /// What policies are asked about it.
    pub fn question(&self) -> Question {
        Question::Restrictions { resource: self.id.clone(), content: self.content.to_string() }
    }
}

impl<'a> Inquiry<'a> {
    /// What each step writes and an undo of it would put back.
    pub fn bodies(&self) -> &[StepBodies<'a>] {
        self.bodies
            .get_or_init(|| self.plan.steps_to_run().map(|step| self.bodies_of(step)).collect())
    }

    fn bodies_of(&self, step: &'a Step) -> StepBodies<'a> {
        let Some(id) = made(&step.action) else {
            let removed = match &step.action {
                Action::Remove(_) => step.action.written(),
                _ => None,
            };
            let put_back = removed.and_then(|id| stood(self.found(step, id), id));
            return StepBodies { step, written: Ok(None), put_back };
        };
        let found = self.found(step, id);
        let written = written(found, id, step);
        let put_back = if matches!(written, Ok(Some(_))) { stood(found, id) } else { None };
        StepBodies { step, written, put_back }
    }

    /// The facts about a resource as a step finds it: those of now, but where a step before it writes in the family.
    fn found(&self, step: &Step, id: &ResourceId) -> &Facts {
        let (plan, root) = (self.plan, id.root());
        let before = plan.place(&step.name).map(|place| plan.dag().ancestors(place));
        let mut before = before.into_iter().flatten().filter_map(|place| plan.steps().get(place));
        let writes = |step: &Step| step.action.written().is_some_and(|own| own.root() == root);
        if before.any(writes) { self.at(step).facts } else { self.facts }
    }
}

/// A resource as it stands.
fn stood<'p>(found: &Facts, id: &'p ResourceId) -> Option<WrittenBody<'p>> {
    let has = found.body(id)?.clone();
    Some(WrittenBody { id, content: content(id, has), wanted: None })
}
