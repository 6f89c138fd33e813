//! Which policies would refuse a failover's writes? Those that deny, as far as a world has words for their rules.
//!
//! A world's policy names types, regions that are allowed, and tags that must be there. A rule of Azure's that
//! says just that is read, whoever wrote it; any other is left out by name, and `plan` asks Azure about it.

use serde_json::{Map, Value, json};

use super::{Captured, EstateReading};
use crate::azure::EstateQuestion;

/// What a rule says, in a world's words.
#[derive(Debug, Clone, Default, PartialEq)]
struct Denies {
    types: Vec<String>,
    locations: Vec<String>,
    require_tags: Vec<String>,
}

/// Reads the policies that deny in a subscription.
pub(super) async fn read(reading: &EstateReading<'_>, captured: &mut Captured, subscription: &str) {
    let question = EstateQuestion::PolicyAssignments(subscription.to_owned());
    let list = match reading.estate(&question).await {
        Ok(list) => list.unwrap_or_default(),
        Err(error) => {
            let what = format!("policies of subscription {subscription}");
            return captured.hide_policies(subscription, &what, &error);
        }
    };
    for assignment in list["value"].as_array().into_iter().flatten() {
        let properties = &assignment["properties"];
        let name = assignment["name"].as_str().unwrap_or_default();
        let id = properties["policyDefinitionId"].as_str().unwrap_or_default();
        if properties["enforcementMode"] == json!("DoNotEnforce") {
            continue;
        }
        if id.to_ascii_lowercase().contains("/policysetdefinitions/") {
            captured.left_out.push(format!("policy {name}: it is a set of policies"));
            continue;
        }
        let definition =
            match reading.estate(&EstateQuestion::PolicyDefinition(id.to_owned())).await {
                Ok(definition) => definition.unwrap_or_default(),
                Err(error) => {
                    let what = format!("definition of the policy {name}");
                    captured.hide_policies(subscription, &what, &error);
                    continue;
                }
            };
        let values = values(&definition["properties"]["parameters"], &properties["parameters"]);
        let rule = &definition["properties"]["policyRule"];
        let effect = meant(&rule["then"]["effect"], &values);
        if let Some(effect @ ("modify" | "append")) =
            effect.as_str().map(str::to_ascii_lowercase).as_deref()
        {
            captured.left_out.push(format!(
                "policy {name}, which changes what is written ({effect}): a world says it by `{effect}`, by hand"
            ));
            continue;
        }
        if !effect.as_str().is_some_and(|effect| effect.eq_ignore_ascii_case("deny")) {
            continue;
        }
        match denies(&rule["if"], &values) {
            Some(alternatives) => {
                let scope = scope(properties["scope"].as_str().unwrap_or_default());
                for denies in alternatives {
                    let policy = written(name, &scope, &denies);
                    if !captured.policies.contains(&policy) {
                        captured.policies.push(policy);
                    }
                }
            }
            None => captured.left_out.push(format!(
                "policy {name}, which denies: a world has no words for its rule (types, regions and tags); \
                 `plan` against Azure asks what it would say"
            )),
        }
    }
}

/// Above subscriptions everything is meant.
fn scope(of_azure: &str) -> String {
    if of_azure.to_ascii_lowercase().starts_with("/subscriptions/") {
        of_azure.to_owned()
    } else {
        String::new()
    }
}

fn written(name: &str, scope: &str, denies: &Denies) -> Value {
    let mut policy = json!({ "name": name });
    if !scope.is_empty() {
        policy["scope"] = json!(scope);
    }
    for (key, list) in [
        ("types", &denies.types),
        ("locations", &denies.locations),
        ("require_tags", &denies.require_tags),
    ] {
        if !list.is_empty() {
            policy[key] = json!(list);
        }
    }
    policy
}

/// The values of parameters: those of the assignment, else the definition's defaults.
fn values(declared: &Value, given: &Value) -> Map<String, Value> {
    let given = given.as_object().into_iter().flatten();
    let defaults = declared.as_object().into_iter().flatten();
    defaults
        .map(|(name, one)| (name.to_ascii_lowercase(), one["defaultValue"].clone()))
        .chain(given.map(|(name, one)| (name.to_ascii_lowercase(), one["value"].clone())))
        .collect()
}

/// A value of a rule, with the parameter that it names in its place.
fn meant(value: &Value, values: &Map<String, Value>) -> Value {
    let named = value.as_str().and_then(|text| {
        let name = text.strip_prefix("[parameters('")?.strip_suffix("')]")?;
        values.get(&name.to_ascii_lowercase())
    });
    named.unwrap_or(value).clone()
}

/// The tag that a field is, with a parameter in its place.
fn tag(field: &str, values: &Map<String, Value>) -> Option<String> {
    let inner = field.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']'));
    if let Some(inner) = inner {
        return Some(inner.trim_matches('\'').to_owned());
    }
    if let Some(name) = field.strip_prefix("tags.") {
        return Some(name.to_owned());
    }
    let joined = field.strip_prefix("[concat('tags[', ")?.strip_suffix(", ']')]")?;
    meant(&json!(format!("[{joined}]")), values).as_str().map(str::to_owned)
}

/// What a condition denies, as alternatives of which each is enough; none where a world has no words for it.
fn denies(condition: &Value, values: &Map<String, Value>) -> Option<Vec<Denies>> {
    if let Some(all) = condition["allOf"].as_array() {
        let mut result = vec![Denies::default()];
        for one in all {
            let alternatives = denies(one, values)?;
            let joined = result.iter().flat_map(|left| {
                alternatives.iter().map(|right| both(left.clone(), right.clone()))
            });
            result = joined.collect::<Option<Vec<_>>>()?;
        }
        return Some(result);
    }
    if let Some(any) = condition["anyOf"].as_array() {
        let all: Option<Vec<Vec<Denies>>> = any.iter().map(|one| denies(one, values)).collect();
        return Some(all?.into_iter().flatten().collect());
    }
    let texts = |value: &Value| -> Option<Vec<String>> {
        match meant(value, values) {
            Value::Array(list) => {
                list.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            Value::String(text) => Some(vec![text]),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    };
    let no = |key: &str| {
        let text = meant(&condition[key], values);
        text == json!(false) || text.as_str().is_some_and(|t| t.eq_ignore_ascii_case("false"))
    };
    let has = |key: &str| !condition[key].is_null();
    // What these say of every resource that there can be, nothing has to say.
    if condition["value"] == json!("[field('type')]") && has("exists") && !no("exists") {
        return Some(vec![Denies::default()]);
    }
    let field = condition["field"].as_str()?;
    let one = match field {
        "type" if has("in") => Denies { types: texts(&condition["in"])?, ..Denies::default() },
        "type" if has("equals") => {
            Denies { types: texts(&condition["equals"])?, ..Denies::default() }
        }
        "type" if condition["like"] == json!("*") || has("notEquals") => Denies::default(),
        "location" if has("notIn") => {
            Denies { locations: texts(&condition["notIn"])?, ..Denies::default() }
        }
        // A world's places are regions, and this one is none.
        "location" if condition["notEquals"] == json!("global") => {
            Denies { locations: vec!["global".to_owned()], ..Denies::default() }
        }
        _ if no("exists") => {
            Denies { require_tags: vec![tag(field, values)?], ..Denies::default() }
        }
        _ => return None,
    };
    Some(vec![one])
}

/// What is denied where both are said. Two lists of types, and regions with tags, have no words.
fn both(left: Denies, right: Denies) -> Option<Denies> {
    let types = match (left.types, right.types) {
        (types, none) | (none, types) if none.is_empty() => types,
        _ => return None,
    };
    // Outside of this list and outside of that one: outside of both.
    let locations = [left.locations, right.locations].concat();
    let tags = [left.require_tags, right.require_tags].concat();
    // A world denies what lacks one of several tags, or is elsewhere, and not only what lacks all of them.
    (tags.len() <= 1 && (tags.is_empty() || locations.is_empty())).then_some(Denies {
        types,
        locations,
        require_tags: tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: &Value, given: &Value) -> Option<Vec<Denies>> {
        denies(rule, &values(&json!({}), given))
    }

    #[test]
    fn the_policies_that_azure_ships_are_read() {
        // "Allowed locations".
        let locations = json!({ "allOf": [
            { "field": "location", "notIn": "[parameters('listOfAllowedLocations')]" },
            { "field": "location", "notEquals": "global" },
            { "field": "type", "notEquals": "Microsoft.AzureActiveDirectory/b2cDirectories" },
        ] });
        let given = json!({ "listOfAllowedLocations": { "value": ["westeurope", "northeurope"] } });
        let found = read(&locations, &given).unwrap();
        assert_eq!(found[0].locations, ["westeurope", "northeurope", "global"]);
        // "Require a tag on resources".
        let tag =
            json!({ "field": "[concat('tags[', parameters('tagName'), ']')]", "exists": "false" });
        let found = read(&tag, &json!({ "tagName": { "value": "owner" } })).unwrap();
        assert_eq!(found[0].require_tags, ["owner"]);
        // "Not allowed resource types".
        let types = json!({ "allOf": [
            { "field": "type", "in": "[parameters('listOfResourceTypesNotAllowed')]" },
            { "value": "[field('type')]", "exists": true },
        ] });
        let given = json!({ "listOfResourceTypesNotAllowed": { "value": ["Microsoft.Network/routeTables"] } });
        assert_eq!(read(&types, &given).unwrap()[0].types, ["Microsoft.Network/routeTables"]);
    }

    #[test]
    fn a_rule_that_a_world_has_no_words_for_is_none() {
        for rule in [
            json!({ "not": { "field": "location", "in": ["westeurope"] } }),
            json!({ "field": "name", "notLike": "corp-*" }),
            json!({ "allOf": [
                { "field": "tags['a']", "exists": "false" }, { "field": "tags['b']", "exists": "false" },
            ] }),
            json!({ "field": "Microsoft.Network/publicIPAddresses/sku.name", "exists": false }),
        ] {
            assert_eq!(read(&rule, &json!({})), None, "{rule}");
        }
    }
}
