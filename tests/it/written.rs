//! A world is as good as a runbook: every mistake is said at once, where it stands, with a fix; what is accepted can
//! be served, written down and read again.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;

use backroad::render::Style;
use backroad::render::diagnostic::diagnostics;
use backroad::runbook::{DocumentKind, Severity, SourceFile};
use backroad::sim::written::{ReadWorld, bad_days_schema, read_bad_days, read_world, world_schema};
use backroad::sim::{Scenario, World};
use serde_json::Value;

use crate::support::file;

mod impossible;
mod mistakes;
mod strikes;
mod whole;

/// A small world with a bit of everything that can be wrong.
const WORLD: &str = include_str!("written/small.yaml");

/// The pages of a world, for editors and people.
fn read(name: &str, text: &str) -> ReadWorld {
    let none = |_: &str| Err("there is no other world here".to_owned());
    read_world(SourceFile::of(DocumentKind::World, name, text), &none)
}

/// What is said of a world, as a person sees it.
fn said(read: &ReadWorld) -> String {
    diagnostics(&read.source, &read.diagnostics, Style::PLAIN)
}

fn codes(read: &ReadWorld) -> Vec<(&'static str, Severity, usize)> {
    let views = read.diagnostics.views(&read.source);
    views.iter().map(|view| (view.code, view.severity, view.line)).collect()
}

#[test]
fn the_small_world_has_no_mistake_and_neither_has_a_shipped_one() {
    let small = read("small.yaml", WORLD);
    assert!(small.diagnostics.is_empty(), "{}", said(&small));
    assert!(small.scenario.is_some());
    let folder = file("runbooks/worlds");
    let open = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).map_err(|e| e.to_string())?;
        Ok(SourceFile::of(DocumentKind::World, name, text))
    };
    let mut worlds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if name == "bad-days.yaml" {
            let source = SourceFile::of(DocumentKind::BadDays, &name, &text);
            assert!(read_bad_days(&source).diagnostics.is_empty(), "{name}");
            continue;
        }
        let world = read_world(SourceFile::of(DocumentKind::World, &name, &text), &open);
        assert!(world.diagnostics.is_empty(), "{}", said(&world));
        worlds += 1;
    }
    assert!(worlds >= 10, "{worlds}");
}

#[test]
fn a_minimal_world_is_its_name_and_its_resources() {
    let text = "world: mine\nresources:\n  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/\
                virtualNetworks/v\n    location: westeurope\n    properties: { addressSpace: { addressPrefixes: \
                [10.0.0.0/16] } }\n";
    let read = read("mine.yaml", text);
    assert!(read.diagnostics.is_empty(), "{}", said(&read));
    let scenario = read.scenario.unwrap();
    assert_eq!(scenario.resource_groups.len(), 1);
    assert_eq!(scenario.resource_groups[0].id, "/subscriptions/s/resourceGroups/g");
    assert_eq!(scenario.resource_groups[0].location.as_str(), "westeurope");
    // The same world always begins at the same time.
    assert_eq!(scenario.now, Scenario::parse("mine.yaml", text).unwrap().now);
    assert_eq!(World::new(&scenario).ids().count(), 1);
    // The customer's number is the one that a peering names.
    let with_circuit = WORLD.replace("  asn: 65010\n", "");
    assert!(with_circuit != WORLD);
    let scenario = Scenario::parse("small.yaml", &with_circuit).unwrap();
    assert_eq!(scenario.onprem.asn, 65_001);
}

#[test]
fn every_mistake_of_a_world_is_said_at_once_and_of_each_file_where_it_stands() {
    let base = "world: base\nresources:\n  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/\
                routeTables/t\n    location: westeurop\nregions_dwn: []\n";
    let own = "extends: base.yaml\nworld: own\nonprem: { asn: 0 }\nwithout: [/no/such/thing]\n";
    let open = |name: &str| match name {
        "base.yaml" => Ok(SourceFile::of(DocumentKind::World, "base.yaml", base)),
        other => Err(format!("{other} is not there")),
    };
    let read = read_world(SourceFile::of(DocumentKind::World, "own.yaml", own), &open);
    let views = read.diagnostics.views(&read.source);
    let places: Vec<(&str, usize, &str)> =
        views.iter().map(|view| (view.file.as_str(), view.line, view.code)).collect();
    assert_eq!(
        places,
        [
            ("own.yaml", 3, "BR0105"),
            ("own.yaml", 4, "BR0501"),
            ("base.yaml", 4, "BR0407"),
            ("base.yaml", 5, "BR0101"),
        ],
        "{}",
        said(&read)
    );
}

#[test]
fn worlds_that_extend_one_another_in_a_circle_end() {
    let text = "extends: a.yaml\nworld: a\n";
    let open = |_: &str| Ok(SourceFile::of(DocumentKind::World, "a.yaml", text));
    let read = read_world(SourceFile::of(DocumentKind::World, "a.yaml", text), &open);
    assert!(said(&read).contains("is it a circle?"), "{}", said(&read));
}

#[test]
fn a_circuit_that_is_taken_out_takes_its_links_along() {
    let circuit =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er-one";
    assert!(WORLD.contains("expressRouteCircuits/er-one"));
    let own = format!("extends: small.yaml\nworld: own\nwithout:\n  - {circuit}\n  - {}\n", {
        circuit.replace("expressRouteCircuits/er-one", "connections/con-one")
    });
    let open = |_: &str| Ok(SourceFile::of(DocumentKind::World, "small.yaml", WORLD));
    let read = read_world(SourceFile::of(DocumentKind::World, "own.yaml", own), &open);
    assert!(!read.diagnostics.has_errors(), "{}", said(&read));
    assert_eq!(read.scenario.unwrap().onprem.links.len(), 0);
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

/// What editors are given: path, and how it is now.
fn schemas() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("docs/world.schema.json", pretty(&world_schema())),
        ("docs/bad-days.schema.json", pretty(&bad_days_schema())),
    ])
}

#[test]
fn the_schemas_of_worlds_are_fresh_and_shipped_worlds_name_them() {
    for (path, fresh) in schemas() {
        let kept = std::fs::read_to_string(file(path)).unwrap();
        assert!(
            kept == fresh,
            "{path} is not fresh; run: cargo test --test it write_the_schemas_of_worlds -- --ignored"
        );
    }
    for entry in std::fs::read_dir(file("runbooks/worlds")).unwrap() {
        let path = entry.unwrap().path();
        let is_days = path.file_name().unwrap() == "bad-days.yaml";
        let name = if is_days { "bad-days" } else { "world" };
        let line = format!("# yaml-language-server: $schema=../../docs/{name}.schema.json\n");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&line), "{} does not begin with {line}", path.display());
    }
}

#[test]
#[ignore = "writes docs/world.schema.json and docs/bad-days.schema.json"]
fn write_the_schemas_of_worlds() {
    for (path, fresh) in schemas() {
        std::fs::write(file(path), fresh).unwrap();
    }
}

/// Other readers of YAML take no question mark that stands in braces without quotes.
#[test]
fn what_is_shipped_is_plain_enough_for_any_reader() {
    for folder in ["runbooks", "runbooks/worlds", "runbooks/parts"] {
        for entry in std::fs::read_dir(file(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|own| own != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let Some(start) = line.find(": {").or(line.find("- {")) else { continue };
                let bare = line[start..].split('"').step_by(2).collect::<String>();
                assert!(!bare.contains('?'), "{}:{}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn a_state_of_site_recovery_that_nobody_knows_is_doubted() {
    let name = "two-circuits-site-recovery.yaml";
    let folder = file("runbooks/worlds");
    let open = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).map_err(|e| e.to_string())?;
        Ok(SourceFile::of(DocumentKind::World, name, text))
    };
    let beside = |text: &str| read_world(SourceFile::of(DocumentKind::World, name, text), &open);
    let world = std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(codes(&beside(&world)), []);
    let doubted = world.replacen(
        "testFailoverState: None",
        "testFailoverState: WaitingForStopTestFailover",
        1,
    );
    let found = beside(&doubted);
    assert!(codes(&found).iter().all(|own| (own.0, own.1) == ("BR0505", Severity::Warning)));
    assert_eq!(codes(&found).len(), 1, "{}", said(&found));
}

#[test]
fn a_peering_location_that_is_one_but_for_a_letter_is_doubted() {
    let of = |place: &str| {
        let text = format!(
            "world: small\nresources:\n  - id: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Network/expressRouteCircuits/er\n    location: swedencentral\n    sku: {{ name: Standard_MeteredData, tier: Standard, family: MeteredData }}\n    properties:\n      serviceProviderProperties: {{ serviceProviderName: Equinix, peeringLocation: {place}, bandwidthInMbps: 1000 }}\n"
        );
        let read = read("place.yaml", &text);
        let own = read.diagnostics.views(&read.source);
        let told = own.iter().filter(|view| view.code == "BR0505").count();
        (told, said(&read))
    };
    let (told, text) = of("Stockholmm");
    assert_eq!(told, 1, "{text}");
    assert!(text.contains("Did you mean `Stockholm`?"), "{text}");
    // Known by another name, a building's, or like none: no doubt.
    for place in ["Stockholm", "Hong Kong SAR", "Equinix-Ashburn-DC2", "Somewhere Else"] {
        let (told, text) = of(place);
        assert_eq!(told, 0, "{place}: {text}");
    }
}
