//! How does a captured estate become a file? A world, and at its head what it says and what it does not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Captured;
use crate::model::Timestamp;

/// The width of the head's lines.
const WIDTH: usize = 110;

/// The world that was captured.
pub(in crate::cli) fn world(captured: &Captured, now: Timestamp) -> Value {
    let mut world = json!({
        "world": "captured",
        "description": "Captured from Azure with reads only. Authorization keys are sealed, other secrets are left \
                        out; what stands behind circuits is inferred from what was learned.",
        "now": now,
        "resource_groups": captured.groups.values().collect::<Vec<_>>(),
        "resources": captured.resources,
        "onprem": captured.onprem.to_file(),
    });
    if !captured.locks.is_empty() {
        world["locks"] = json!(captured.locks);
    }
    if !captured.policies.is_empty() {
        world["policies"] = json!(captured.policies);
    }
    if !captured.quotas.is_empty() {
        world["quotas"] = json!(captured.quotas);
    }
    if !captured.unregistered.is_empty() {
        world["unregistered"] = json!(captured.unregistered);
    }
    if !captured.disabled.is_empty() {
        world["disabled"] = json!(captured.disabled);
    }
    if let Some(tenants) = tenants(&captured.tenants) {
        world["tenants"] = tenants;
    }
    world
}

/// The tenants, where there are several: home is the one of the first subscription.
fn tenants(of: &BTreeMap<String, String>) -> Option<Value> {
    let home = of.values().next()?;
    let others: BTreeMap<&String, &String> =
        of.iter().filter(|(_, tenant)| *tenant != home).collect();
    (!others.is_empty()).then(|| json!({ "home": home, "subscriptions": others }))
}

/// What no capture can say, whatever is read.
const NEVER: [&str; 4] = [
    "shared keys of VPN connections and service keys of circuits: secrets are never written",
    "which regions are down: the estate counts as healthy; drill with --region-down REGION[@TIME]",
    "what we may do (`rights`): who drills is not who captured; `preflight` against Azure asks",
    "machines, appliances and what listens on them: a world is the network",
];

/// A world as the text of a file.
///
/// # Errors
/// It cannot be written as YAML.
pub(in crate::cli) fn text(
    world: &Value,
    captured: &Captured,
) -> Result<String, serde_yaml::Error> {
    let mut text = String::new();
    let mut head = |lines: &[String]| {
        for line in lines {
            text.push_str(&format!("# {line}\n"));
        }
    };
    head(&[
        format!("Captured from Azure with reads only: {} resources.", captured.resources.len()),
        "Drill on it with `backroad drill RUNBOOK --world FILE --region-down REGION`; later,"
            .to_owned(),
        "`backroad capture --check FILE` says what has changed in Azure since.".to_owned(),
    ]);
    let always: Vec<String> = NEVER.map(str::to_owned).to_vec();
    for (title, all) in [
        ("Left out of every capture:", &always),
        ("Left out of this one:", &captured.left_out),
        ("Not read, so that it may be there:", &captured.unread),
    ] {
        if all.is_empty() {
            continue;
        }
        head(&[String::new(), title.to_owned()]);
        for one in all {
            head(&listed(one));
        }
    }
    text.push_str(&serde_yaml::to_string(world)?);
    Ok(text)
}

/// One item of a list in lines of comments; a control character in Azure's words ends no comment.
fn listed(item: &str) -> Vec<String> {
    let mut lines = vec!["-".to_owned()];
    let clean = item.replace(char::is_control, " ");
    for word in clean.split_whitespace() {
        let room =
            lines.last().is_some_and(|line| line.chars().count() + word.chars().count() < WIDTH);
        if !room {
            lines.push(" ".to_owned());
        }
        if let Some(last) = lines.last_mut() {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_azure_says_never_leaves_the_comment() {
        let mut captured = Captured::default();
        captured.unread.push("a lock: refused\nworld: forged\u{2028}x\r\nresources: []".to_owned());
        let text = text(&json!({ "world": "captured" }), &captured).unwrap();
        let read: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read, json!({ "world": "captured" }));
        assert!(text.contains("# - a lock: refused"), "{text}");
    }

    #[test]
    fn several_tenants_are_said_and_one_is_not() {
        let of = |pairs: &[(&str, &str)]| {
            tenants(&pairs.iter().map(|(s, t)| ((*s).to_owned(), (*t).to_owned())).collect())
        };
        assert_eq!(of(&[("s1", "t"), ("s2", "t")]), None);
        let two = of(&[("s1", "t"), ("s2", "u")]).unwrap();
        assert_eq!(two, json!({ "home": "t", "subscriptions": { "s2": "u" } }));
    }
}
