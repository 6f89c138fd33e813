//! How is what stands kept before a change, and written again after it? In a file beside the person, so that the way
//! back needs no memory and no typing of values.

use super::shell::Az;
use super::{Line, called, line};
use crate::model::ResourceId;
use crate::model::shell::quoted;

/// A resource whose body may lie in a file: it holds no key.
pub(super) struct KeptBody<'a> {
    id: &'a ResourceId,
}

impl<'a> KeptBody<'a> {
    pub(super) fn new(id: &'a ResourceId) -> Self {
        Self { id }
    }

    fn file(&self) -> String {
        file(self.id, "json")
    }

    fn rest(&self) -> Az {
        Az::new("rest")
    }

    fn url(&self) -> String {
        called(self.id.as_str())
    }

    /// Keeps what is there.
    pub(super) fn keep(&self) -> Line {
        keep(&self.file(), &self.rest().with("--url", self.url()))
    }

    /// What makes it where it was not there, and nothing where it was.
    pub(super) fn unless_there(&self, make: &Az) -> Line {
        unless_there(&self.file(), make)
    }

    /// What changes it where it was there, and what makes it where it was not.
    pub(super) fn change_or_make(&self, change: &Az, make: &Az) -> Line {
        change_or_make(&self.file(), &change.text(), &make.text())
    }

    /// Writes it again as it was.
    pub(super) fn write(&self) -> Az {
        self.rest()
            .with("--method", "put")
            .with("--url", self.url())
            .with("--body", format!("@{}", self.file()))
            .with("--query", "id")
    }

    /// Writes it again as it was, or removes what was not there.
    pub(super) fn restore(&self, remove: &Az) -> Line {
        let head = format!("put_back {} {} ", self.file(), quoted(&self.url()));
        line(format!("{head}\\\n  {}", remove.text()))
    }

    /// The same for what takes Azure minutes to write: what comes next waits for it.
    pub(super) fn restore_and_wait(&self, remove: &Az) -> Line {
        let wait = Az::new("resource wait").with("--ids", self.id.as_str()).with_flag("--updated");
        let write = format!("{} &&\n{}", self.write().text(), wait.text());
        restore(&self.file(), &write, remove)
    }
}

/// What a shell must know before it is typed what keeps something: once, whatever is kept. What cannot be read is
/// not taken for what is not there: only Azure's own codes say that (azure-facts 3.5), not a word that a proxy, a shell or a
/// missing subscription has as well.
pub(super) const KEEP: &str = "keep() {
  kept=$1; shift
  [ -e \"$kept\" ] && return
  gone='[(\"](Parent)?(Resource(Group)?)?NotFound[)\"]'
  if \"$@\" >\"$kept.new\" 2>\"$kept.err\" ||
    grep -Eq \"$gone\" \"$kept.err\"; then
    mv \"$kept.new\" \"$kept\"
  else
    cat \"$kept.err\"
    echo 'Stop: what stands is not known.'
    return 1
  fi
}";

/// And before it is typed what writes it again.
pub(super) const PUT_BACK: &str = "put_back() {
  kept=$1 url=$2; shift 2
  if [ -s \"$kept\" ]; then az rest --method put --url \"$url\" --body \"@$kept\" --query id; else \"$@\"; fi
}";

/// Keeps what a command answers, once: a file that is there already is of before, and stays.
pub(super) fn keep(file: &str, answers: &Az) -> Line {
    line(answers.text_after(&format!("keep {file} ")))
}

/// What makes something where nothing was kept, and nothing where something was.
pub(super) fn unless_there(file: &str, make: &Az) -> Line {
    line(make.text_after(&format!("[ -s {file} ] || ")))
}

/// What changes something where it was there, and what makes it where it was not.
pub(super) fn change_or_make(file: &str, change: &str, make: &str) -> Line {
    line(either(file, change, make))
}

/// What writes something again as it was, and what removes it where it was not there.
pub(super) fn restore(file: &str, write: &str, remove: &Az) -> Line {
    line(either(file, write, &remove.text()))
}

/// The file in which something of a resource is kept.
pub(super) fn file(id: &ResourceId, ending: &str) -> String {
    let parent = id.parent().map(|parent| format!("{}-", parent.name())).unwrap_or_default();
    let name = format!("before-{}-{parent}{}.{ending}", id.resource_group(), id.name());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    quoted(&name.chars().map(plain).collect::<String>())
}

/// A command only where a file holds just this id: what else is there stays.
pub(super) fn only_of(file: &str, id: &ResourceId, command: &Az) -> String {
    let command = command.text().replace('\n', "\n  ");
    format!("if grep -qix {} {file}; then\n  {command}\nfi", quoted(id.as_str()))
}

/// A line of a kept file, as a value.
pub(super) fn row(file: &str, number: usize) -> String {
    format!("\"$(sed -n {number}p {file})\"")
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
        let before = KeptBody::new(&id);
        let keep = before.keep().command;
        assert!(keep.starts_with("keep before-g-r_t.json az rest"), "{keep}");
        let restore = before.restore(&about("network route-table delete", &id)).command;
        assert!(restore.starts_with("put_back before-g-r_t.json '/subscriptions/"), "{restore}");
        assert!(restore.contains("\n  az network route-table delete"), "{restore}");
        let slow = before.restore_and_wait(&about("resource delete", &id)).command;
        assert!(slow.starts_with("if [ -s before-g-r_t.json ]; then\n  az rest"), "{slow}");
        assert!(slow.contains("--query id &&\n  az resource wait"), "{slow}");
    }
}
