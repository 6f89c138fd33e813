//! Which resource groups are there? Their homes, what they were given, and which of them are on their way out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Region, Timestamp};

/// The groups of a world; a group's key is its folded id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Groups {
    #[serde(rename = "groups")]
    homes: BTreeMap<String, Region>,
    #[serde(rename = "group_details", default)]
    details: BTreeMap<String, Value>,
    #[serde(rename = "group_deletions", default)]
    deletions: Vec<Deletion>,
}

/// A group that is on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) struct Deletion {
    pub(in crate::sim) token: String,
    /// The group's folded id.
    pub(in crate::sim) group: String,
    pub(in crate::sim) ends: Timestamp,
}

impl Groups {
    /// The home region of a group, if there is one.
    pub(in crate::sim) fn home(&self, id: &str) -> Option<&Region> {
        self.homes.get(&id.to_ascii_lowercase())
    }

    /// Where they are managed.
    pub(in crate::sim) fn homes(&self) -> impl Iterator<Item = Region> {
        self.homes.values().cloned()
    }

    /// Their folded ids.
    pub(in crate::sim) fn keys(&self) -> impl Iterator<Item = &str> {
        self.homes.keys().map(String::as_str)
    }

    /// Makes a group, or gives it other tags.
    pub(in crate::sim) fn put(&mut self, id: &str, home: Region, tags: Option<&Value>) {
        let mut details = json!({ "name": id.rsplit('/').next() });
        if let Some(tags) = tags.filter(|tags| tags.is_object()) {
            details["tags"] = tags.clone();
        }
        let key = id.to_ascii_lowercase();
        self.details.insert(key.clone(), details);
        self.homes.insert(key, home);
    }

    /// A group's name as it was spelled when it was made.
    pub(in crate::sim) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        let details = self.details.get(&id.to_ascii_lowercase());
        let spelled = details.and_then(|details| details["name"].as_str());
        spelled.or_else(|| id.rsplit('/').next()).unwrap_or_default()
    }

    /// A group's tags, if it was given any.
    pub(in crate::sim) fn tags(&self, id: &str) -> Option<&Value> {
        self.details.get(&id.to_ascii_lowercase())?.get("tags")
    }

    /// A group's deletion, while it goes on.
    pub(in crate::sim) fn deletion(&self, id: &str) -> Option<&Deletion> {
        self.deletions.iter().find(|deletion| deletion.group.eq_ignore_ascii_case(id))
    }

    /// Whether the deletion with this token goes on.
    pub(in crate::sim) fn is_going(&self, token: &str) -> bool {
        self.deletions.iter().any(|deletion| deletion.token.eq_ignore_ascii_case(token))
    }

    /// Begins a deletion.
    pub(in crate::sim) fn leave(&mut self, deletion: Deletion) {
        self.deletions.push(deletion);
    }

    /// Takes away the groups whose time has come: their folded ids.
    pub(in crate::sim) fn take_gone(&mut self, now: Timestamp) -> Vec<String> {
        let all = std::mem::take(&mut self.deletions).into_iter();
        let (gone, stay): (Vec<Deletion>, _) = all.partition(|deletion| deletion.ends <= now);
        self.deletions = stay;
        let gone: Vec<String> = gone.into_iter().map(|deletion| deletion.group).collect();
        for key in &gone {
            self.homes.remove(key);
            self.details.remove(key);
        }
        gone
    }

    /// The groups as a world file has them.
    pub(in crate::sim) fn to_file(&self) -> Value {
        let one = |(id, home): (&String, &Region)| {
            let subscription = id.split('/').nth(2).unwrap_or_default();
            let name = self.name(id);
            json!({
                "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"),
                "location": home.as_str(),
            })
        };
        self.homes.iter().map(one).collect()
    }
}
