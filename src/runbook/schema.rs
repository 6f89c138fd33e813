//! What does an editor need? The JSON Schema of the language, from its one table.

use serde_json::{Map, Value, json};

use super::actions::ACTIONS;
use super::grammar::{Field, Kind, RUNBOOK, STEP};

/// The version of JSON Schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Whether a value may be an expression, or stands as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// A runbook's: an expression may stand for most.
    Expressions,
    /// A world's.
    Literals,
}

/// The JSON Schema of runbooks.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(RUNBOOK, Values::Expressions);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!("backroad runbook");
    schema["$defs"] = json!({
        "expression": { "type": "string", "pattern": "\\$\\{" },
        "step": step(),
    });
    schema
}

/// The JSON Schema of a document without expressions: what a mapping of these keys is, or a list of such.
#[must_use]
pub fn schema_of(title: &str, kind: &Kind) -> Value {
    let mut schema = value(kind, Values::Literals);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!(title);
    schema
}

fn value(kind: &Kind, values: Values) -> Value {
    // A value of its kind, or an expression.
    let or_expression = |schema: &Value| match values {
        Values::Expressions => json!({ "anyOf": [schema, { "$ref": "#/$defs/expression" }] }),
        Values::Literals => schema.clone(),
    };
    let value = |kind: &Kind| value(kind, values);
    let object = |fields: &[Field]| object(fields, values);
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
        Kind::SecretFrom => or_expression(&json!({
            "type": "string", "pattern": "^(env:[A-Za-z_]|file:.)", "examples": ["env:HOOK_KEY"],
        })),
        Kind::Condition => json!({ "type": ["string", "boolean"] }),
        Kind::List(inner) => or_expression(&json!({ "type": "array", "items": value(inner) })),
        Kind::OneOrMany(inner) => {
            let inner = value(inner);
            match values {
                Values::Expressions => json!({ "anyOf": [
                    inner, { "type": "array", "items": inner }, { "$ref": "#/$defs/expression" },
                ] }),
                Values::Literals => {
                    json!({ "anyOf": [inner, { "type": "array", "items": inner }] })
                }
            }
        }
        Kind::Object(fields) => object(fields),
        Kind::Names(inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
            "additionalProperties": value(inner),
        }),
        Kind::Step => json!({ "$ref": "#/$defs/step" }),
        Kind::Time => json!({
            "type": "string", "format": "date-time", "examples": ["2026-03-14T03:00:00Z"],
        }),
        Kind::ByText(inner) => json!({
            "type": "object", "additionalProperties": value(inner),
        }),
        Kind::ById(inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": ID },
            "additionalProperties": value(inner),
        }),
        Kind::Choice(choices) => {
            let mut all = Vec::new();
            for choice in *choices {
                all.push(match choice.alone {
                    true => json!({ "const": choice.word, "description": choice.doc }),
                    false => json!({
                        "type": "object",
                        "additionalProperties": false,
                        "properties": { choice.word: object(choice.fields) },
                        "required": [choice.word],
                        "description": choice.doc,
                    }),
                });
            }
            json!({ "oneOf": all })
        }
        Kind::Resource => json!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "pattern": ID },
                "location": { "type": ["string", "null"] },
                "properties": { "type": ["object", "null"] },
            },
            "required": ["id"],
        }),
        Kind::Any | Kind::Json => json!({}),
    }
}

/// How a resource's id is written.
const ID: &str = "^/[sS]ubscriptions/[^/]+/[rR]esource[gG]roups/[^/]+/[pP]roviders/[^/]+/[^/]+/[^/]+(/[^/]+/[^/]+)*/?$";

fn object(fields: &[Field], values: Values) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = value(&field.kind, values);
        if values == Values::Literals && !field.required {
            // A key without a value is as good as none.
            schema = json!({ "anyOf": [schema, { "type": "null" }] });
        }
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
    let mut schema = object(STEP, Values::Expressions);
    let names: Vec<Value> =
        ACTIONS.iter().map(|(name, doc, _)| json!({ "const": name, "description": doc })).collect();
    schema["properties"]["action"] =
        json!({ "oneOf": names, "description": "What it asks of the world." });
    let cases: Vec<Value> = ACTIONS
        .iter()
        .map(|(name, _, fields)| {
            json!({
                "if": { "properties": { "action": { "const": name } }, "required": ["action"] },
                "then": { "properties": { "with": object(fields, Values::Expressions) } },
            })
        })
        .collect();
    schema["allOf"] = json!(cases);
    schema["oneOf"] = json!([{ "required": ["action"] }, { "required": ["use"] }]);
    schema
}
