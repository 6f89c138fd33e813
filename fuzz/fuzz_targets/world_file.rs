//! Does any text bring the reader of worlds down, or read as a world that cannot be written down and read again?
#![no_main]

use backroad::render::Style;
use backroad::render::diagnostic::diagnostics;
use backroad::runbook::{DocumentKind, SourceFile};
use backroad::sim::written::{ReadWorld, read_bad_days, read_world};
use backroad::sim::{Answers, Scenario, World};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = SourceFile::read_as(DocumentKind::World, "fuzz.yaml", bytes) else { return };
    let days = SourceFile::of(DocumentKind::BadDays, "fuzz.yaml", source.text());
    let days = read_bad_days(&days);
    assert_eq!(days.days.is_none(), days.diagnostics.has_errors(), "no days and no reason");
    // A world that extends another extends itself here: the circle has an end.
    let text = source.text().to_owned();
    let open = |name: &str| Ok(SourceFile::of(DocumentKind::World, name, text.as_str()));
    let ReadWorld { source, diagnostics: found, scenario } = read_world(source, &open);
    let said = diagnostics(&source, &found, Style::PLAIN);
    assert!(!said.contains("This cannot be used"), "the table and the type differ: {said}");
    let Some(scenario) = scenario else {
        assert!(found.has_errors(), "no world and no reason");
        return;
    };
    let mut world = World::new(&scenario);
    let written = world.world_file(scenario.now);
    let text = serde_json::to_string(&written).expect("JSON is written");
    let again = Scenario::parse("again.yaml", &text).expect("what is written down is read");
    assert_eq!(World::new(&again).comparable(), world.comparable());
});
