//! What would happen? The preview as a person reads it, with each value before and after.

use serde_json::Value;

use super::preview_view::{PreviewStepView, PreviewView};
use super::style::{Style, cut, fill, wrap};
use crate::plan::PreviewVerdict;

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// The preview of a plan.
#[must_use]
pub fn preview(view: &PreviewView, style: Style) -> String {
    let mut out = String::new();
    let profile = view.profile.as_deref().unwrap_or("none");
    let head = style.bold(&view.runbook);
    let about = style.dim(&format!("profile {profile} · looked at {}", view.looked_at));
    line(&mut out, &format!("{head}  {}\n{about}\n", view.title));
    let name =
        view.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0).clamp(4, 30);
    for step in &view.steps {
        step_lines(&mut out, step, name, style);
    }
    line(&mut out, &format!("\n{}", totals(view)));
    for tells in &view.tells {
        let text = format!("A run would tell {} {} ({}).", tells.receiver, tells.what, tells.way);
        wrap(&text, style.width).iter().for_each(|text| line(&mut out, text));
    }
    out
}

fn step_lines(out: &mut String, step: &PreviewStepView, width: usize, style: Style) {
    let (mark, word) = match step.verdict {
        PreviewVerdict::WouldChange => (style.warn("~"), "would change"),
        PreviewVerdict::AlreadySo => (style.good("✓"), "already so"),
        PreviewVerdict::Blocked => (style.bad("✗"), "blocked"),
        PreviewVerdict::NeedsPerson => (style.warn("?"), "needs a person"),
        PreviewVerdict::Unknown => (style.dim("·"), "unknown"),
    };
    line(
        out,
        &format!(
            "{mark} {}  {}  {}",
            fill(&cut(&step.name, width), width),
            fill(word, 14),
            style.dim(&step.title)
        ),
    );
    let room = style.width.saturating_sub(8).max(40);
    if let Some(why) = &step.why {
        for text in wrap(why, room) {
            line(out, &format!("      {text}"));
        }
    }
    let mut last = None;
    for change in &step.changes {
        if last != Some(&change.resource) {
            line(out, &format!("      {}", style.dim(change.resource.as_str())));
            last = Some(&change.resource);
        }
        if change.path.is_empty() && change.before.is_null() {
            let mut fields = Vec::new();
            leaves("", &change.after, &mut fields);
            let head = if fields.is_empty() { "it is created" } else { "it is created, with" };
            line(out, &format!("        {}", style.good(head)));
            let width =
                fields.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0).min(60);
            for (path, value) in fields {
                let value = cut(&value, room.saturating_sub(width).max(24));
                line(out, &format!("          {}  {}", fill(&path, width), style.good(&value)));
            }
            continue;
        }
        let path = if change.path.is_empty() { "(the resource)" } else { &change.path };
        let (before, after) = (fields_text(path, &change.before), fields_text(path, &change.after));
        if path.chars().count() + before.chars().count() + after.chars().count() + 6 <= room {
            let arrow = format!("{before} → {}", style.good(&after));
            line(out, &format!("        {path}: {arrow}"));
        } else {
            line(out, &format!("        {path}:"));
            line(out, &format!("          - {}", cut(&before, room * 3)));
            line(out, &format!("          + {}", style.good(&cut(&after, room * 3))));
        }
    }
}

/// The fields of a body, by path, without the `properties` that stand before everything.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| match (path, key) {
        (_, "properties") => path.to_owned(),
        ("", key) => key.to_owned(),
        (path, key) => format!("{path}.{key}"),
    };
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                leaves(&below(key), value, found);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (place, item) in list.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| place.to_string(), str::to_owned);
                leaves(&format!("{path}[{name}]"), item, found);
            }
        }
        Value::Object(_) => {}
        // A list's item is named in its path already.
        Value::String(name) if path.ends_with("].name") && path.contains(&format!("[{name}]")) => {}
        other => {
            let text = match other.as_str() {
                // Of an id, what tells it apart is its end.
                Some(id) if id.starts_with("/subscriptions/") => id
                    .rsplit('/')
                    .take(2)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect::<Vec<_>>()
                    .join("/"),
                _ => value_text(other),
            };
            found.push((path.to_owned(), text));
        }
    }
}

fn totals(view: &PreviewView) -> String {
    let count =
        |verdict: PreviewVerdict| view.steps.iter().filter(|s| s.verdict == verdict).count();
    let mut parts = Vec::new();
    for (verdict, word) in [
        (PreviewVerdict::WouldChange, "would change"),
        (PreviewVerdict::AlreadySo, "already so"),
        (PreviewVerdict::Blocked, "blocked"),
        (PreviewVerdict::NeedsPerson, "need a person"),
        (PreviewVerdict::Unknown, "not knowable yet"),
    ] {
        match count(verdict) {
            0 => {}
            n => parts.push(format!("{n} {word}")),
        }
    }
    format!("{} steps: {}. Nothing was written.", view.steps.len(), parts.join(", "))
}

/// What Azure keeps for itself in an item of a list: no part of what the item means.
const BOOKKEEPING: [&str; 4] = ["id", "etag", "provisioningState", "type"];

/// An item that comes or goes whole, as its fields on one line; every other value as it is.
fn fields_text(path: &str, value: &Value) -> String {
    let mut fields = Vec::new();
    if value.is_object() {
        leaves("", value, &mut fields);
        fields.retain(|(field, text)| {
            let named = field == "name" && path.ends_with(&format!("[{text}]"));
            !named && !BOOKKEEPING.contains(&field.as_str())
        });
    }
    if fields.is_empty() {
        return value_text(value);
    }
    let fields: Vec<_> = fields.iter().map(|(field, text)| format!("{field} {text}")).collect();
    fields.join(", ")
}

/// A value for a person's eye: texts without quotes, nothing as `(absent)`.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "(absent)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
