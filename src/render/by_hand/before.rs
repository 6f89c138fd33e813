//! How is what stands kept before a change, and written again after it? In a file beside the person, so that the way
//! back needs no memory and no typing of values.

use super::shell::{Az, quoted};
use super::{Line, noted};
use crate::model::ResourceId;

/// A resource whose body may lie in a file: it holds no key.
pub(super) struct KeptBody<'a> {
    id: &'a ResourceId,
    version: &'static str,
}

impl<'a> KeptBody<'a> {
    pub(super) fn new(id: &'a ResourceId, version: &'static str) -> Self {
        Self { id, version }
    }

    fn file(&self) -> String {
        file(self.id, "json")
    }

    fn rest(&self, method: &str) -> Az {
        let url = format!("{}?api-version={}", self.id, self.version);
        Az::new("rest").with("--method", method).with("--url", url)
    }

    /// Keeps what is there. A file that is there already is of before, and stays.
    pub(super) fn keep(&self) -> Line {
        let file = self.file();
        let read = self.rest("get").text();
        noted(
            "First keep what is there now, in a file of this folder: taking this back needs it.",
            format!(
                "[ -e {file} ] || {read} \\\n  >{file} || echo 'Not found: it is made new. Anything else: remove \
                 {file}, and stop.'"
            ),
        )
    }

    /// Writes it again as it was.
    pub(super) fn write(&self) -> Az {
        self.rest("put").with("--body", format!("@{}", self.file())).with("--query", "id")
    }

    /// Writes it again as it was, or removes what was not there.
    pub(super) fn restore(&self, remove: &Az) -> Line {
        let file = self.file();
        noted(
            "As it was where it was there; else what was made is removed.",
            either(&file, &self.write().text(), &remove.text()),
        )
    }
}

/// The file in which something of a resource is kept.
pub(super) fn file(id: &ResourceId, ending: &str) -> String {
    let parent = id.parent().map(|parent| format!("{}-", parent.name())).unwrap_or_default();
    let name = format!("before-{}-{parent}{}.{ending}", id.resource_group(), id.name());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    quoted(&name.chars().map(plain).collect::<String>())
}

/// One command where a file holds something, another where it holds nothing.
pub(super) fn either(file: &str, full: &str, empty: &str) -> String {
    let [full, empty] = [full, empty].map(|text| text.replace('\n', "\n  "));
    format!("if [ -s {file} ]; then\n  {full}\nelse\n  {empty}\nfi")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::by_hand::about;

    #[test]
    fn what_stands_is_kept_once_and_written_again_whole() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r t";
        let id = ResourceId::parse(&id.replace(' ', "_")).unwrap();
        let before = KeptBody::new(&id, "2024-03-01");
        let keep = before.keep().command;
        assert!(keep.starts_with("[ -e before-g-r_t.json ] || az rest"), "{keep}");
        assert!(keep.contains(">before-g-r_t.json || echo 'Not found: it is made new."), "{keep}");
        let restore = before.restore(&about("network route-table delete", &id)).command;
        assert!(restore.starts_with("if [ -s before-g-r_t.json ]; then\n  az rest"), "{restore}");
        assert!(restore.contains("--body @before-g-r_t.json"), "{restore}");
        assert!(restore.contains("\nelse\n  az network route-table delete"), "{restore}");
    }
}
