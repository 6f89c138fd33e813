//! What does a template make, and in which order? Its resources, one by one, with everything put in that does not
//! wait for another of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::expression::{Expression, expression};
use super::function::{plain, shown};
use crate::model::ResourceId;

/// Resources of a template, with all copies: as many as Azure takes.
const PIECES_MAX: usize = 800;

/// Where a template is deployed, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeployedTo {
    pub(super) subscription: String,
    /// Nothing at a subscription.
    pub(super) group: Option<String>,
    pub(super) location: String,
    pub(super) deployment: String,
    pub(super) tenant: String,
    /// How many deployments it stands in.
    #[serde(default)]
    pub(super) depth: u8,
    pub(super) parameters: Map<String, Value>,
    pub(super) variables: Map<String, Value>,
}

/// A resource of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) id: ResourceId,
    pub(super) api_version: String,
    /// As the template has it: what it refers to may not be there yet.
    pub(super) body: Value,
    /// Those of the same template that come first.
    pub(super) after: Vec<String>,
    /// Which copy it is, of which loop.
    pub(super) copy: Option<(String, i64)>,
}

/// What a reference finds: a resource's body, whole.
pub(super) type Found<'a> = &'a dyn Fn(&ResourceId) -> Option<Value>;

/// Evaluates what a template says.
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a DeployedTo,
    pub(super) copy: Option<(String, i64)>,
    /// Names of the template's own resources, for references by name.
    pub(super) named: &'a BTreeMap<String, ResourceId>,
    pub(super) found: Found<'a>,
}

impl Evaluator<'_> {
    /// A value with all its expressions replaced by what they say.
    pub(super) fn value(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match expression(text) {
                Some(read) => self.of(&read?)?,
                None => Value::from(
                    text.strip_prefix('[').filter(|rest| rest.starts_with('[')).unwrap_or(text),
                ),
            },
            Value::Array(all) => {
                Value::Array(all.iter().map(|one| self.value(one)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut object = Map::new();
                for (name, field) in fields {
                    if name == "copy" && field.is_array() {
                        self.copies(field, &mut object)?;
                    } else {
                        object.insert(name.clone(), self.value(field)?);
                    }
                }
                Value::Object(object)
            }
            other => other.clone(),
        })
    }

    /// `copy` within properties: arrays, each made of one item a number of times.
    fn copies(&self, loops: &Value, object: &mut Map<String, Value>) -> Result<(), String> {
        for one in loops.as_array().into_iter().flatten() {
            let name = one["name"].as_str().unwrap_or_default();
            let count = self.value(&one["count"])?.as_i64().unwrap_or_default();
            if count > i64::try_from(PIECES_MAX).unwrap_or_default() {
                return Err(format!("the copy '{name}' is of more than {PIECES_MAX}"));
            }
            let items = (0..count).map(|place| {
                let copy = Some((name.to_owned(), place));
                Evaluator { scope: self.scope, copy, named: self.named, found: self.found }
                    .value(&one["input"])
            });
            object.insert(name.to_owned(), Value::Array(items.collect::<Result<_, _>>()?));
        }
        Ok(())
    }

    pub(super) fn text(&self, value: &Value) -> Result<String, String> {
        self.value(value).map(|value| shown(&value))
    }

    fn of(&self, expression: &Expression) -> Result<Value, String> {
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Member(of, place) => {
                let (value, place) = (self.of(of)?, self.of(place)?);
                let found = match (&value, &place) {
                    (Value::Array(all), Value::Number(place)) => {
                        place.as_u64().and_then(|place| all.get(usize::try_from(place).ok()?))
                    }
                    (Value::Object(fields), Value::String(name)) => {
                        let mut fields = fields.iter();
                        fields
                            .find(|(own, _)| own.eq_ignore_ascii_case(name))
                            .map(|(_, value)| value)
                    }
                    _ => None,
                };
                found.cloned().ok_or_else(|| format!("there is no '{}' in it", shown(&place)))
            }
            // Only the branch that is meant may be evaluated.
            Expression::Call(name, given) if name == "if" && given.len() == 3 => {
                let holds = self.of(&given[0])?.as_bool().unwrap_or_default();
                self.of(&given[if holds { 1 } else { 2 }])
            }
            Expression::Call(name, given) => {
                let given: Vec<Value> =
                    given.iter().map(|one| self.of(one)).collect::<Result<_, _>>()?;
                self.call(name, &given)
            }
        }
    }

    fn call(&self, name: &str, given: &[Value]) -> Result<Value, String> {
        let scope = self.scope;
        let text = given.first().map(shown).unwrap_or_default();
        match name {
            "parameters" => of_map(&scope.parameters, &text)
                .cloned()
                .ok_or_else(|| format!("the template parameter '{text}' is not found")),
            "variables" => match of_map(&scope.variables, &text) {
                Some(value) => self.value(value),
                None => Err(format!("the template variable '{text}' is not found")),
            },
            "copyindex" => {
                let Some((own, place)) = &self.copy else {
                    return Err("copyIndex stands outside of a copy".to_owned());
                };
                let (named, offset) = match given {
                    [Value::String(named), rest @ ..] => (named == own, rest.first()),
                    rest => (true, rest.first()),
                };
                if !named {
                    return Err(format!("there is no copy '{text}' here"));
                }
                Ok((place + offset.and_then(Value::as_i64).unwrap_or_default()).into())
            }
            "resourcegroup" => {
                let group = scope.group.clone().unwrap_or_default();
                let id = format!("/subscriptions/{}/resourceGroups/{group}", scope.subscription);
                Ok(
                    json!({"id": id, "name": group, "location": scope.location, "type": "Microsoft.Resources/resourceGroups", "properties": {"provisioningState": "Succeeded"}}),
                )
            }
            "subscription" => Ok(json!({
                "id": format!("/subscriptions/{}", scope.subscription),
                "subscriptionId": scope.subscription, "tenantId": scope.tenant,
                "displayName": super::account::name_of(&scope.subscription),
            })),
            "tenant" => {
                Ok(json!({"tenantId": scope.tenant, "id": format!("/tenants/{}", scope.tenant)}))
            }
            "deployment" => Ok(json!({"name": scope.deployment, "location": scope.location})),
            "resourceid" => self.resource_id(given).map(Value::from),
            "subscriptionresourceid" => {
                let at = format!("/subscriptions/{}", scope.subscription);
                let with_own = given.first().is_some_and(|one| !shown(one).contains('/'));
                let (at, rest) = match with_own {
                    true => (format!("/subscriptions/{text}"), &given[1..]),
                    false => (at, given),
                };
                joined(&at, rest).map(Value::from)
            }
            "extensionresourceid" => {
                joined(&text, given.get(1..).unwrap_or_default()).map(Value::from)
            }
            "reference" => self.reference(given),
            _ => plain(name, given).unwrap_or_else(|| {
                Err(format!("the template function '{name}' is not known here"))
            }),
        }
    }

    /// `resourceId([subscription], [group], type, name…)`.
    fn resource_id(&self, given: &[Value]) -> Result<String, String> {
        let kind = given.iter().position(|one| shown(one).contains('/'));
        let kind = kind.ok_or_else(|| "resourceId names no type".to_owned())?;
        let before: Vec<String> = given[..kind].iter().map(shown).collect();
        let own_group = self.scope.group.clone().unwrap_or_default();
        let (subscription, group) = match before.as_slice() {
            [] => (self.scope.subscription.clone(), own_group),
            [group] => (self.scope.subscription.clone(), group.clone()),
            [subscription, group, ..] => (subscription.clone(), group.clone()),
        };
        joined(&format!("/subscriptions/{subscription}/resourceGroups/{group}"), &given[kind..])
    }

    /// What a resource of the template, or any other, is now: its properties, or all of it with `'Full'`.
    fn reference(&self, given: &[Value]) -> Result<Value, String> {
        let name = given.first().map(shown).unwrap_or_default();
        let id = match self.named.get(&name.to_ascii_lowercase()) {
            Some(id) => id.clone(),
            None => {
                ResourceId::parse(&name).map_err(|_| format!("'{name}' is no resource of it"))?
            }
        };
        let body = (self.found)(&id).ok_or_else(|| format!("the resource '{id}' is not there"))?;
        let full = given.get(2).map(shown).is_some_and(|word| word.eq_ignore_ascii_case("full"));
        Ok(if full { body } else { body.get("properties").cloned().unwrap_or_default() })
    }
}

fn of_map<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A type and names, one for each part of the type, below a scope.
fn joined(scope: &str, given: &[Value]) -> Result<String, String> {
    let kind = given.first().map(shown).unwrap_or_default();
    let mut parts = kind.split('/');
    let mut id = format!("{scope}/providers/{}", parts.next().unwrap_or_default());
    let names: Vec<String> = given[1.min(given.len())..].iter().map(shown).collect();
    let kinds: Vec<&str> = parts.collect();
    if names.len() != kinds.len() {
        return Err(format!("'{kind}' needs {} names, and has {}", kinds.len(), names.len()));
    }
    for (kind, name) in kinds.iter().zip(names) {
        id.push_str(&format!("/{kind}/{name}"));
    }
    Ok(id)
}

/// The parameters of a deployment: what was given, else the default.
pub(super) fn parameters(
    template: &Value,
    given: &Value,
    scope: &DeployedTo,
) -> Result<Map<String, Value>, String> {
    let nothing = BTreeMap::new();
    let own = Evaluator { scope, copy: None, named: &nothing, found: &|_| None };
    let declared =
        template.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default();
    let given = given.as_object().cloned().unwrap_or_default();
    for name in given.keys() {
        if of_map(&declared, name).is_none() {
            return Err(format!(
                "The following parameters were supplied, but do not correspond to any parameters defined in the template: '{name}'."
            ));
        }
    }
    let mut parameters = Map::new();
    for (name, one) in &declared {
        let said = of_map(&given, name).and_then(|given| given.get("value"));
        let value = match (said, one.get("defaultValue")) {
            (Some(said), _) => said.clone(),
            (None, Some(default)) => own.value(default)?,
            (None, None) => {
                return Err(format!(
                    "The value for the template parameter '{name}' is not provided."
                ));
            }
        };
        parameters.insert(name.clone(), value);
    }
    Ok(parameters)
}

/// The resources of a template, children and copies beside the others.
pub(super) fn pieces(template: &Value, scope: &DeployedTo) -> Result<Vec<Piece>, String> {
    let mut all = Vec::new();
    let resources = match template.get("resources") {
        Some(Value::Object(named)) => named.values().cloned().collect(),
        Some(Value::Array(all)) => all.clone(),
        _ => Vec::new(),
    };
    for resource in &resources {
        each(resource, None, scope, &mut all)?;
    }
    Ok(all)
}

fn each(
    resource: &Value,
    parent: Option<&Piece>,
    scope: &DeployedTo,
    all: &mut Vec<Piece>,
) -> Result<(), String> {
    let nothing = BTreeMap::new();
    let own = |copy| Evaluator { scope, copy, named: &nothing, found: &|_| None };
    let copy = resource.get("copy").filter(|copy| copy.is_object());
    let count = match copy {
        Some(copy) => own(None).value(&copy["count"])?.as_i64().unwrap_or_default(),
        None => 1,
    };
    for place in 0..count {
        if all.len() >= PIECES_MAX {
            return Err(format!("the template is of more than {PIECES_MAX} resources"));
        }
        let copy = copy.map(|copy| (shown(&copy["name"]), place));
        let evaluator = own(copy.clone());
        let wanted = match resource.get("condition") {
            Some(condition) => evaluator.value(condition)?.as_bool().unwrap_or(true),
            None => true,
        };
        if !wanted {
            continue;
        }
        let piece = piece(resource, parent, (scope, copy), &evaluator)?;
        let inner =
            resource.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        all.push(piece.clone());
        for child in &inner {
            each(child, Some(&piece), scope, all)?;
        }
    }
    Ok(())
}

fn piece(
    resource: &Value,
    parent: Option<&Piece>,
    (scope, copy): (&DeployedTo, Option<(String, i64)>),
    evaluator: &Evaluator<'_>,
) -> Result<Piece, String> {
    let (kind, name) = (evaluator.text(&resource["type"])?, evaluator.text(&resource["name"])?);
    let id = match parent {
        // A child's own words are relative to what it stands in.
        Some(parent) if !kind.contains('.') => {
            let name = name.rsplit('/').next().unwrap_or_default();
            format!("{}/{kind}/{name}", parent.id)
        }
        _ => {
            let group = match resource.get("resourceGroup") {
                Some(group) => evaluator.text(group)?,
                None => scope.group.clone().unwrap_or_default(),
            };
            let at = format!("/subscriptions/{}/resourceGroups/{group}", scope.subscription);
            let mut given = vec![Value::from(kind)];
            given.extend(name.split('/').map(Value::from));
            joined(&at, &given)?
        }
    };
    let id = ResourceId::parse(&id).map_err(|_| format!("'{id}' is no resource"))?;
    let mut after: Vec<String> = parent.iter().map(|parent| parent.id.key().to_owned()).collect();
    for one in resource.get("dependsOn").and_then(Value::as_array).into_iter().flatten() {
        after.push(evaluator.text(one)?.to_ascii_lowercase());
    }
    let mut body = resource.as_object().cloned().unwrap_or_default();
    for not_sent in [
        "type",
        "name",
        "apiVersion",
        "dependsOn",
        "copy",
        "condition",
        "resources",
        "comments",
        "resourceGroup",
        "metadata",
        "scope",
    ] {
        body.remove(not_sent);
    }
    let api_version = evaluator.text(&resource["apiVersion"])?;
    Ok(Piece { id, api_version, body: Value::Object(body), after, copy })
}
