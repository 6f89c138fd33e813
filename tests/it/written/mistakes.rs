//! The mistakes that people make in worlds, each with what is said of it.

use super::{
    DocumentKind, SourceFile, Value, WORLD, codes, diagnostics, read, read_bad_days, said,
    world_schema,
};
use backroad::render::Style;
use backroad::sim::written::bad_days_schema;

/// What a mistake is, what is replaced by what, and whether the schema can see it.
const MISTAKES: &[(&str, &str, &str, bool)] = &[
    ("unknown key", "regions_down: []", "region_down: []", true),
    ("missing key", "world: small\n", "", true),
    ("wrong kind: a list is needed", "regions_down: []", "regions_down: westeurope", true),
    ("wrong kind: a number is needed", "seed: 7", "seed: seven", true),
    ("wrong kind: true or false", "path: secondary }", "path: secondary, up: no }", true),
    ("a time that is none", "now: 2026-03-14T03:00:00Z", "now: 14.3.2026 03:00", false),
    ("a duration without a unit", "read: 150ms", "read: 150", true),
    ("a word that is none", "writes: never_end", "writes: never_ends", true),
    ("a region that is none", "regions_down: []", "regions_down: [westeurop]", false),
    ("a region in which nothing is", "regions_down: []", "regions_down: [japaneast]", false),
    (
        "a location that is none",
        "rt\n    location: westeurope",
        "rt\n    location: westeurpe",
        false,
    ),
    ("a prefix that is none", "prefixes: [10.100.0.0/16]", "prefixes: [10.100.0.0/160]", false),
    ("host bits", "prefixes: [10.100.0.0/16]", "prefixes: [10.100.7.0/16]", false),
    ("an address that is none", "address: 203.0.113.7", "address: 203.0.113.777", false),
    ("a number out of its range", "vlanId: 100", "vlanId: 4095", false),
    (
        "an id that is none",
        "resourceGroups/g/providers/Microsoft.Network/routeTables/rt\n    location",
        "resourceGroups/g/Microsoft.Network/routeTables/rt\n    location",
        true,
    ),
    (
        "a group's id that is none",
        "id: /subscriptions/s/resourceGroups/g, location",
        "id: /subscriptions/s/g, location",
        false,
    ),
    (
        "a resource without an id",
        "  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/rt",
        "  - name: rt",
        true,
    ),
    (
        "a link to a circuit that is not there",
        "expressRouteCircuits/er-one, path: primary",
        "expressRouteCircuits/er-onne, path: primary",
        false,
    ),
    (
        "a link to what is no circuit",
        "expressRouteCircuits/er-one, path: primary",
        "virtualNetworkGateways/ergw, path: primary",
        false,
    ),
    ("a link twice", "path: secondary }", "path: primary }", false),
    ("a site that is not there", "path: primary, sites: [dc]", "path: primary, sites: [cd]", false),
    (
        "an id that leads nowhere",
        "virtualNetworks/hub/subnets/GatewaySubnet",
        "virtualNetworks/hub/subnets/GatewaySubnets",
        false,
    ),
    (
        "a resource twice",
        "virtualNetworks/spoke\n    location",
        "virtualNetworks/HUB\n    location",
        false,
    ),
    (
        "a child without its parent",
        "virtualNetworks/spoke\n    location",
        "virtualNetworks/spokes/subnets/x\n    location",
        false,
    ),
    ("a child without a name", "- name: apps\n          properties:", "- properties:", false),
    (
        "a property that is none",
        "addressSpace: { addressPrefixes: [10.1.0.0/16] }",
        "adressSpace: { addressPrefixes: [10.1.0.0/16] }",
        false,
    ),
    (
        "a property of another kind",
        "addressPrefixes: [10.1.0.0/16]",
        "addressPrefixes: 10.1.0.0/16",
        false,
    ),
    ("a number in quotes", "peerASN: 65001", "peerASN: \"65001\"", false),
    (
        "a word that Azure does not have",
        "gatewayType: ExpressRoute",
        "gatewayType: ExpresRoute",
        false,
    ),
    (
        "a subnet outside of its network",
        "addressPrefix: 10.0.1.0/24",
        "addressPrefix: 10.9.1.0/24",
        false,
    ),
    ("a name that is not the id's", "    tags: { owner: net }", "    name: hubb", false),
    (
        "a type that is none",
        "Microsoft.Network/routeTables/rt\n    location",
        "Microsoft.Network/routeTable/rt\n    location",
        false,
    ),
    ("a fault with an unknown method", "method: PUT", "method: PSOT", false),
    (
        "a fault of no path",
        "\"*/virtualnetworkgateways/*\"",
        "\"*/virtualnetworkgateway/*\"",
        false,
    ),
    (
        "a fault of another subscription",
        "\"*/virtualnetworkgateways/*\"",
        "/subscriptions/t/*",
        false,
    ),
    (
        "an unknown effect",
        "effect: { slow: { factor: 3 } }",
        "effect: { slwo: { factor: 3 } }",
        true,
    ),
    ("an effect that says too little", "effect: { slow: { factor: 3 } }", "effect: slow", true),
    ("an effect that changes nothing", "slow: { factor: 3 }", "slow: { factor: 1 }", false),
    (
        "a fault whose time is over before it begins",
        "method: PUT,",
        "method: PUT, from: 2h, until: 1h,",
        false,
    ),
    ("an event that does nothing", "{ after: 10m, cut: [\"*\"] }", "{ after: 10m }", false),
    ("an event of no circuit", "cut: [\"*\"]", "cut: [\"*/er-two\"]", false),
    (
        "a right in no subscription",
        "scope: /subscriptions/s, actions",
        "scope: /subscriptions/S1, actions",
        false,
    ),
    ("a lock's level", "level: CanNotDelete", "level: CannotDelete", true),
    ("a key twice", "seed: 7\n", "seed: 7\nseed: 8\n", false),
    ("an anchor", "regions_down: []", "regions_down: &none []", false),
    ("no YAML", "regions_down: []", "regions_down: [", false),
    ("a second document", "regions_down: []", "---\nregions_down: []", false),
    ("`without` and no `extends`", "regions_down: []", "without: [/a]", true),
    ("a world that is not there", "regions_down: []", "extends: nothing.yaml", false),
];

#[test]
fn each_mistake_in_a_world_is_said_where_it_stands_with_a_fix() {
    assert!(MISTAKES.len() >= 30, "{}", MISTAKES.len());
    let mut all = String::new();
    for (what, from, to, _) in MISTAKES {
        assert!(WORLD.contains(from), "{what}: {from}");
        let read = read("small.yaml", &WORLD.replacen(from, to, 1));
        assert!(!read.diagnostics.is_empty(), "{what} is taken without a word");
        all.push_str(&format!("## {what}\n\n{}\n", said(&read)));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("world-mistakes", all));
}

#[test]
fn all_of_these_mistakes_in_one_world_are_said_together() {
    let mut text = WORLD.to_owned();
    let mut made = 0;
    for (what, from, to, _) in MISTAKES {
        // Those that end the reading of the text have to stand alone.
        let ends = ["an anchor", "no YAML", "a second document", "a world that is not there"];
        // And these give a resource another id: what is said of it otherwise is gone with it.
        let other = [
            "an id that is none",
            "a resource without an id",
            "a resource twice",
            "a child without its parent",
            "a child without a name",
            "a type that is none",
        ];
        if !ends.contains(what) && !other.contains(what) && text.contains(from) {
            text = text.replacen(from, to, 1);
            made += 1;
        }
    }
    assert!(made > 20, "{made}");
    let read = read("small.yaml", &text);
    let said = codes(&read);
    assert!(said.len() >= made, "{made} mistakes, and {} are said:\n{said:#?}", said.len());
    assert!(read.scenario.is_none());
}

#[test]
fn the_schema_of_worlds_and_the_reader_refuse_the_same() {
    let validator = jsonschema::validator_for(&world_schema()).unwrap();
    let value = |text: &str| -> Option<Value> { serde_yaml::from_str(text).ok() };
    let good = value(WORLD).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&good)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (what, from, to, seen) in MISTAKES {
        let text = WORLD.replacen(from, to, 1);
        let Some(value) = value(&text) else { continue };
        let is_refused = !validator.is_valid(&value);
        if *seen {
            assert!(is_refused, "{what}: the schema takes it");
        }
        if is_refused {
            let read = read("small.yaml", &text);
            assert!(read.diagnostics.has_errors(), "{what}: the reader takes it");
        }
    }
    // Every shipped world is one by both; an optional key may be left empty by both.
    for key in ["description", "regions_down", "events", "rights", "onprem", "latency"] {
        let text = format!(
            "world: w\nresources: [{{ id: /subscriptions/s/resourceGroups/g/providers/A.B/c/d }}]\n{key}:\n"
        );
        assert!(read("w", &text).scenario.is_some(), "{key}: the reader refuses it");
        assert!(validator.is_valid(&value(&text).unwrap()), "{key}: the schema refuses it");
    }
}

#[test]
fn a_mistake_in_bad_days_is_said_where_it_stands() {
    let validator = jsonschema::validator_for(&bad_days_schema()).unwrap();
    let day = "- name: slow\n  title: Slow\n  what: Slow.\n  faults:\n    - { resource: \"*\", effect: html }\n";
    let read = |text: &str| {
        let source = SourceFile::of(DocumentKind::BadDays, "days.yaml", text);
        let read = read_bad_days(&source);
        (diagnostics(&source, &read.diagnostics, Style::PLAIN), read.days.is_some())
    };
    assert_eq!(read(day), (String::new(), true));
    for (text, said, seen) in [
        (day.replace("title", "titel"), "Did you mean `title`?", true),
        (day.replace("effect: html", "effect: htlm"), "Did you mean `html`?", true),
        (day.replace("\"*\"", "connections/*"), "can never strike", false),
        (
            day.replace("faults:", "events:").replace("resource: \"*\", effect: html", "after: 1m"),
            "does nothing",
            false,
        ),
        (format!("{day}{day}"), "stands twice", false),
        ("- name: a\n  title: A\n  what: A.\n".to_owned(), "Nothing happens", false),
        ("name: a\n".to_owned(), "must be a list", true),
        (String::new(), "A file of bad days is a list", false),
    ] {
        let (told, usable) = read(&text);
        assert!(told.contains(said) && !usable, "{text}\n{told}");
        let value: Value = serde_yaml::from_str(&text).unwrap();
        assert!(!seen || !validator.is_valid(&value), "{text}: the schema takes it");
    }
}
