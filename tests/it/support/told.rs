//! What does `init` write and say of an estate?

use std::collections::BTreeMap;

use backroad::init::{
    InitError, KnownEstate, Wish, WrittenFile, advise, draft, explained, written,
};
use backroad::sim::Scenario;
use serde_json::Value;

use super::file;

/// One of the estates that the tests keep.
pub(crate) fn estate_file(name: &str) -> Scenario {
    let path = file("tests/fixtures/estates").join(format!("{name}.yaml"));
    Scenario::parse(name, &std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What `init` writes and says of an estate.
pub(crate) struct Told {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) todo: Vec<String>,
    pub(crate) explained: String,
}

impl Told {
    /// Whether one line of the list has all of these.
    pub(crate) fn says(&self, all: &[&str]) -> bool {
        self.todo.iter().any(|own| all.iter().all(|word| own.contains(word)))
    }

    pub(crate) fn failover(&self) -> &str {
        &self.files["my-failover.yaml"]
    }
}

pub(crate) fn tried(scenario: &Scenario, wish: &Wish) -> Result<Told, InitError> {
    let estate = KnownEstate::of(scenario);
    let advice = advise(&estate, wish)?;
    let draft = draft(&estate, &advice)?;
    let all = written(&draft, "my-failover", "estate.yaml");
    Ok(Told {
        files: all.into_iter().map(|WrittenFile { name, text, .. }| (name, text)).collect(),
        todo: draft.todo.decisions.clone(),
        explained: explained(&estate, &advice, &draft),
    })
}

pub(crate) fn told(scenario: &Scenario, wish: &Wish) -> Told {
    tried(scenario, wish).unwrap_or_else(|e| panic!("{e}: {:?}", e.hints))
}

/// The body of the first thing of this name.
pub(crate) fn body<'s>(scenario: &'s mut Scenario, name: &str) -> &'s mut Value {
    let ends = format!("/{name}");
    let is_it = |body: &&mut Value| body["id"].as_str().is_some_and(|id| id.ends_with(&ends));
    scenario.resources.iter_mut().find(is_it).unwrap()
}
