//! What does an editor need? The JSON Schema of the language, from its one table.

use serde_json::{Map, Value, json};

use super::actions::ACTIONS;
use super::grammar::{Field, Kind, RUNBOOK, STEP};

/// The JSON Schema of runbooks.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(RUNBOOK);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("backroad runbook");
    schema["$defs"] = json!({
        "expression": { "type": "string", "pattern": "\\$\\{" },
        "step": step(),
    });
    schema
}

/// A value of its kind, or an expression.
fn or_expression(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "$ref": "#/$defs/expression" }] })
}

fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Prose | Kind::IdOrName(_) => json!({ "type": "string" }),
        Kind::Int(min, max) => {
            let mut schema = json!({ "type": "integer", "minimum": min });
            if *max != u64::MAX {
                schema["maximum"] = json!(max);
            }
            or_expression(&schema)
        }
        Kind::Bool => or_expression(&json!({ "type": "boolean" })),
        Kind::Duration => or_expression(&json!({
            "type": "string",
            "pattern": "^([0-9]+(ms|s|m|h|d))+$",
            "examples": ["90s", "45m", "1h30m"],
        })),
        Kind::Cidr => or_expression(&json!({ "type": "string", "pattern": "/[0-9]+$" })),
        Kind::Destination => or_expression(&json!({
            "type": "string", "examples": ["10.0.0.0/8", "AzureMonitor"],
        })),
        Kind::Tags => or_expression(&json!({
            "type": "object",
            "maxProperties": crate::model::tags::TAGS_MAX,
            "propertyNames": {
                "maxLength": crate::model::tags::NAME_MAX, "pattern": "^[^<>%&\\\\?/]+$",
            },
            "additionalProperties": { "type": ["string", "number"] },
        })),
        Kind::Ip => or_expression(&json!({ "type": "string" })),
        Kind::Region => or_expression(&json!({ "type": "string", "examples": ["southeastasia"] })),
        Kind::Id(_) => or_expression(&json!({ "type": "string", "pattern": "^/subscriptions/" })),
        Kind::OneOf(words) => or_expression(&json!({ "enum": words })),
        Kind::Secret => json!({ "$ref": "#/$defs/expression" }),
        Kind::Condition => json!({ "type": ["string", "boolean"] }),
        Kind::List(inner) => or_expression(&json!({ "type": "array", "items": value(inner) })),
        Kind::OneOrMany(inner) => {
            let inner = value(inner);
            json!({ "anyOf": [inner, { "type": "array", "items": inner }, { "$ref": "#/$defs/expression" }] })
        }
        Kind::Object(fields) => object(fields),
        Kind::Names(inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
            "additionalProperties": value(inner),
        }),
        Kind::Step => json!({ "$ref": "#/$defs/step" }),
        Kind::Any => json!({}),
    }
}

fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = value(&field.kind);
        schema["description"] = json!(field.doc);
        properties.insert(field.key.to_owned(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.key).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    })
}

/// A step, whose `with` is checked by its `action`.
fn step() -> Value {
    let mut schema = object(STEP);
    let names: Vec<Value> =
        ACTIONS.iter().map(|(name, doc, _)| json!({ "const": name, "description": doc })).collect();
    schema["properties"]["action"] =
        json!({ "oneOf": names, "description": "What it asks of the world." });
    let cases: Vec<Value> = ACTIONS
        .iter()
        .map(|(name, _, fields)| {
            json!({
                "if": { "properties": { "action": { "const": name } }, "required": ["action"] },
                "then": { "properties": { "with": object(fields) } },
            })
        })
        .collect();
    schema["allOf"] = json!(cases);
    schema["oneOf"] = json!([{ "required": ["action"] }, { "required": ["use"] }]);
    schema
}
