//! How is a connection changed that may stand already? Its body may hold a key, so that no file holds the body: only
//! the values that are changed are kept, and written again.

use super::before;
use super::shell::Az;
use super::{Line, about};
use crate::model::ResourceId;

/// A connection that may be there before its step.
pub(super) struct StandingConnection<'a> {
    id: &'a ResourceId,
    settings: Vec<&'a str>,
}

impl<'a> StandingConnection<'a> {
    /// `settings` are the fields of its properties that are set beside its weight.
    pub(super) fn of(id: &'a ResourceId, settings: &[(&'a str, bool)]) -> Self {
        Self { id, settings: settings.iter().map(|(key, _)| *key).collect() }
    }

    fn file(&self) -> String {
        before::file(self.id, "txt")
    }

    pub(super) fn keep(&self) -> Line {
        // The weight is never empty: the file says whether the connection was there.
        let mut values = "[routingWeight||`0`".to_owned();
        for key in &self.settings {
            values.push_str(&format!(",to_string({key}||`false`)"));
        }
        values.push(']');
        let show = about("network vpn-connection show", self.id)
            .with("--query", values)
            .with("--output", "tsv");
        before::keep(&self.file(), &show)
    }

    /// Another weight where it stands and one is said; else it is made.
    pub(super) fn weigh(&self, weight: Option<u16>, make: &Az) -> Line {
        let Some(weight) = weight else { return before::unless_there(&self.file(), make) };
        let change = self.update().with("--routing-weight", weight.to_string());
        before::change_or_make(&self.file(), &change.with("--query", "id").text(), &make.text())
    }

    /// What was kept, or nothing of it.
    pub(super) fn restore(&self) -> Line {
        let file = self.file();
        let update = self.update().with("--query", "id").text();
        let mut write = format!("{update} \\\n  --routing-weight {}", before::row(&file, 1));
        if !self.settings.is_empty() {
            let set = about("resource update", self.id).with("--query", "id").text();
            write.push_str(&format!(" &&\n{set} \\\n  --set"));
            for (place, key) in self.settings.iter().enumerate() {
                write.push_str(&format!(" properties.{key}={}", before::row(&file, place + 2)));
            }
        }
        before::restore(&file, &write, &about("network vpn-connection delete", self.id))
    }

    fn update(&self) -> Az {
        about("network vpn-connection update", self.id)
    }
}
