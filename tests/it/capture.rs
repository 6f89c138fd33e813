//! A world that is captured is the world: what is read from a served one begins as the same one again.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use backroad::sim::network::Link;
use backroad::sim::{Answers, Scenario, World};
use serde_json::{Value, json};

use crate::support::process::{Served, binary, serve};
use crate::support::{file, world_file};

const SUBSCRIPTIONS: [&str; 2] =
    ["11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"];

fn backroad(words: &[&str]) -> Command {
    let mut command = binary();
    command.args(words).stdin(Stdio::null());
    command
}

/// A folder with the shipped worlds, and more of them.
struct Worlds {
    folder: tempfile::TempDir,
}

impl Worlds {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in shipped() {
            let from = file(&format!("runbooks/worlds/{name}.yaml"));
            std::fs::copy(from, folder.path().join(format!("{name}.yaml"))).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.yaml"))
    }

    /// A shipped world before anything has happened in it, with changes.
    fn healthy(&self, name: &str, more: &str) -> PathBuf {
        let path = self.path(&format!("healthy-{name}"));
        let text =
            format!("extends: {name}.yaml\nworld: healthy\nregions_down: []\nevents: []\n{more}");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn load(&self, path: &Path) -> World {
        let read = |name: &str| {
            std::fs::read_to_string(self.folder.path().join(name)).map_err(|e| e.to_string())
        };
        let text = std::fs::read_to_string(path).unwrap();
        World::new(&Scenario::parse_over("world", &text, &read).unwrap())
    }

    fn capture(&self, served: &Served, name: &str, more: &[&str]) -> (PathBuf, Output) {
        let out = self.path(name);
        let mut words = vec!["capture", "-o", out.to_str().unwrap()];
        for subscription in SUBSCRIPTIONS {
            words.extend(["--subscription", subscription]);
        }
        words.extend(more);
        (out.clone(), self.run(served, &words))
    }

    fn run(&self, served: &Served, words: &[&str]) -> Output {
        let state = self.folder.path().join("state");
        let at = ["--endpoint", served.endpoint.as_str(), "--clock-factor", "600"];
        backroad(words).args(at).arg("--state-dir").arg(state).output().unwrap()
    }

    fn drill(&self, runbook: &str, more: &[&str]) -> (i32, Value) {
        let runbook = file(&format!("runbooks/{runbook}.yaml")).display().to_string();
        let words = [&["--output", "json", "drill", runbook.as_str()], more].concat();
        let state = self.folder.path().join("state");
        let output = backroad(&words).arg("--state-dir").arg(state).output().unwrap();
        let code = output.status.code().unwrap();
        let view = serde_json::from_slice(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (code, view.unwrap_or_else(|_| panic!("{runbook} {more:?}: {said}")))
    }
}

fn shipped() -> Vec<String> {
    let names = std::fs::read_dir(file("runbooks/worlds")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name != "bad-days")
        .collect();
    names.sort();
    names
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Takes out what goes on by itself, and Azure's own names for what was written without one.
fn without_counters(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !key.ends_with("BytesTransferred") && key != "resourceGuid");
            object.values_mut().for_each(without_counters);
        }
        Value::Array(list) => list.iter_mut().for_each(without_counters),
        _ => {}
    }
}

/// Which networks are reached, by every site together.
fn reached(world: &World) -> BTreeMap<String, bool> {
    let mut all = BTreeMap::new();
    for reach in world.reachability() {
        *all.entry(reach.network.to_string()).or_default() |= reach.verdict.works();
    }
    all
}

/// What each path of each circuit brings.
fn heard(world: &World) -> BTreeSet<String> {
    let onprem = world.onprem();
    let up = onprem.links.iter().filter(|link| link.up);
    up.map(|link| format!("{} {} {:?}", link.circuit, link.path, onprem.advertised(link))).collect()
}

fn yaml(path: &Path) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_shipped_world_is_captured_as_itself_and_its_capture_too() {
    let worlds = Worlds::new();
    for name in shipped() {
        let healthy = worlds.healthy(&name, "");
        let served = serve(&healthy, 600);
        let (out, output) = worlds.capture(&served, &format!("captured-{name}"), &[]);
        assert!(output.status.success(), "{name}: {}", said(&output));
        let (original, mut captured) = (worlds.load(&healthy), worlds.load(&out));
        // What on-premises prefers is told to nobody: the file's head says that it is to be set by hand.
        let preferred = original.onprem().clone();
        for link in &mut captured.onprem_mut().links {
            let own = |other: &&Link| other.circuit == link.circuit && other.path == link.path;
            link.local_preference = preferred.links.iter().find(own).unwrap().local_preference;
        }
        let resources = |world: &World| {
            let mut all = world.comparable()["resources"].clone();
            without_counters(&mut all);
            all
        };
        for (id, body) in resources(&original).as_object().unwrap() {
            assert_eq!(resources(&captured).get(id), Some(body), "{name}: {id}");
        }
        assert_eq!(resources(&captured), resources(&original), "{name}");
        assert_eq!(heard(&captured), heard(&original), "{name}");
        assert_eq!(reached(&captured), reached(&original), "{name}");
        for key in keys(&worlds) {
            assert!(!std::fs::read_to_string(&out).unwrap().contains(&key), "{name}: a key");
        }
        // And once more, of what was captured.
        let served = serve(&out, 600);
        let (again, output) = worlds.capture(&served, &format!("again-{name}"), &[]);
        assert!(output.status.success(), "{name}: {}", said(&output));
        let (mut one, mut two) = (yaml(&out), yaml(&again));
        (one["now"], two["now"]) = (Value::Null, Value::Null);
        assert_eq!(one["onprem"], two["onprem"], "{name}");
        let two = worlds.load(&again);
        assert_eq!(resources(&two), resources(&captured), "{name}");
    }
}

#[test]
fn a_drill_of_a_shipped_runbook_on_its_captured_world_ends_the_same() {
    let worlds = Worlds::new();
    for (runbook, world, down) in [
        ("dr-circuit", "two-circuits", "eastasia"),
        ("dr-circuit-prepared", "two-circuits-prepared", "eastasia"),
        ("same-circuit", "one-circuit", "eastasia"),
        ("same-circuit-swap", "one-circuit-kept", ""),
        ("two-circuits-one-location", "two-circuits-one-location", "eastasia"),
        ("site-recovery-test", "site-recovery-test", ""),
        ("vpn-last-path", "vpn-last-path", "eastasia"),
        ("vwan-dr-circuit", "vwan-two-hubs", "eastasia"),
    ] {
        let served = serve(worlds.healthy(world, ""), 600);
        let (out, output) = worlds.capture(&served, &format!("captured-{runbook}"), &[]);
        assert!(output.status.success(), "{runbook}: {}", said(&output));
        let mut words = vec!["--world", out.to_str().unwrap(), "--profile", "drill"];
        if !down.is_empty() {
            words.extend(["--region-down", down]);
        }
        let (code, captured) = worlds.drill(runbook, &words);
        let (was, shipped) = worlds.drill(runbook, &["--profile", "drill"]);
        assert_eq!((code, &captured["outcome"]), (was, &shipped["outcome"]), "{runbook}");
        let ends = |view: &Value| -> BTreeMap<String, bool> {
            let last = view["reachability"].as_array().cloned().unwrap_or_default();
            let mut all = BTreeMap::new();
            for reach in last.last().and_then(|at| at["reach"].as_array()).into_iter().flatten() {
                let network = reach["network"].as_str().unwrap().to_owned();
                *all.entry(network).or_default() |= reach["works"] == json!(true);
            }
            all
        };
        assert_eq!(ends(&captured), ends(&shipped), "{runbook}");
    }
}

#[test]
fn what_governs_an_estate_is_captured_too() {
    let worlds = Worlds::new();
    let more = format!(
        "locks: [{{ name: keep, scope: /subscriptions/{0}/resourceGroups/rg-network-ea, level: CanNotDelete }}]
policies:
  - {{ name: owner, require_tags: [owner], types: [Microsoft.Network/virtualNetworks] }}
  - {{ name: europe, scope: /subscriptions/{0}, locations: [westeurope] }}
quotas: {{ RouteTables: 7 }}
tenants: {{ home: tenant-a, subscriptions: {{ {1}: tenant-b }} }}
",
        SUBSCRIPTIONS[0], SUBSCRIPTIONS[1]
    );
    let healthy = worlds.healthy("two-circuits", &more);
    let served = serve(&healthy, 600);
    let tenant = format!("{}=tenant-b", SUBSCRIPTIONS[1]);
    let (out, output) = worlds.capture(&served, "captured", &["--tenant", &tenant]);
    assert!(output.status.success(), "{}", said(&output));
    let (captured, original) = (yaml(&out), yaml(&healthy));
    for key in ["locks", "policies", "tenants"] {
        assert_eq!(captured[key], original[key], "{key}");
    }
    assert_eq!(captured["quotas"]["RouteTables"], json!(7));
}

#[test]
fn what_may_not_be_read_ends_no_capture_and_is_named_in_the_file_and_on_the_screen() {
    let worlds = Worlds::new();
    // The route tables of one subscription are hidden from us.
    let more = "rights:
  - scope: /subscriptions/11111111-1111-1111-1111-111111111111
    actions: ['*']
    not_actions: [Microsoft.Network/routeTables/read]
  - { scope: /subscriptions/22222222-2222-2222-2222-222222222222, actions: ['*'] }
";
    let served = serve(worlds.healthy("two-circuits", more), 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = std::fs::read_to_string(&out).unwrap();
    let head = text.split("\nworld: ").next().unwrap();
    assert!(said(&output).contains("routeTables/rt-"), "{}", said(&output));
    assert!(head.contains("Not read, so that it may be there:"), "{head}");
    assert!(head.contains("routeTables/rt-") && head.contains("AuthorizationFailed"), "{head}");
    // The rest is there.
    let captured = worlds.load(&out);
    assert!(captured.ids().any(|id| id.as_str().contains("expressRouteCircuits")));
}

#[test]
fn an_estate_of_more_than_a_page_is_captured_whole() {
    let worlds = Worlds::new();
    let mut more = "resources:\n".to_owned();
    for number in 0..1_050 {
        more.push_str(&format!(
            "  - {{ id: /subscriptions/{}/resourceGroups/rg-network-ea/providers/Microsoft.Network/routeTables/rt-{number}, location: eastasia, properties: {{}} }}\n",
            SUBSCRIPTIONS[0]
        ));
    }
    let healthy = worlds.healthy("two-circuits", &more);
    let served = serve(&healthy, 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert!(output.status.success(), "{}", said(&output));
    let count = |path: &Path| worlds.load(path).ids().count();
    assert!(count(&out) > 1_050);
    assert_eq!(count(&out), count(&healthy));
}

#[test]
fn where_a_circuits_tables_may_not_be_read_what_gateways_learned_stands_for_them() {
    let worlds = Worlds::new();
    let more = "rights:
  - { scope: /subscriptions/11111111-1111-1111-1111-111111111111, actions: ['*'] }
  - scope: /subscriptions/22222222-2222-2222-2222-222222222222
    actions: ['*']
    not_actions: ['Microsoft.Network/expressRouteCircuits/peerings/routeTables/read']
";
    let served = serve(worlds.healthy("two-circuits", more), 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let captured = worlds.load(&out);
    let heard = heard(&captured);
    // The gateway stands behind the circuit in Hong Kong; behind the other one is none.
    let hongkong: Vec<&String> = heard.iter().filter(|one| one.contains("er-hongkong")).collect();
    assert_eq!(hongkong.len(), 2, "{heard:?}");
    assert!(
        hongkong.iter().all(|one| one.contains("10.100.0.0/16") && one.contains("10.101.0.0/16"))
    );
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(
        text.contains("what the gateways") || text.contains("what the\n#   gateways"),
        "{text}"
    );
}

#[test]
fn a_subscription_or_a_group_that_is_not_there_is_said() {
    let worlds = Worlds::new();
    let served = serve(worlds.healthy("two-circuits", ""), 600);
    let more = ["--resource-group", "rg-network-ea", "--resource-group", "rg-nowhere"];
    let (out, output) = worlds.capture(&served, "captured", &more);
    assert!(said(&output).contains("resource group rg-nowhere: nothing"), "{}", said(&output));
    let captured = worlds.load(&out);
    assert!(captured.ids().all(|id| id.resource_group() == "rg-network-ea"));
}

#[test]
fn what_is_left_out_is_said_with_a_reason() {
    let worlds = Worlds::new();
    let gateway = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network/applicationGateways/agw";
    let more = format!("resources: [{{ id: {gateway}, location: eastasia, properties: {{}} }}]\n");
    let served = serve(worlds.healthy("two-circuits", &more), 600);
    let out = worlds.path("captured");
    let words = ["capture", "--subscription", SUBSCRIPTIONS[0], "-o", out.to_str().unwrap()];
    let output = worlds.run(&served, &words);
    let text = std::fs::read_to_string(&out).unwrap_or_else(|_| panic!("{}", said(&output)));
    let head = text.split("\nworld: ").next().unwrap().replace("\n#  ", "");
    for what in [
        "1 of type Microsoft.Network/applicationGateways",
        "name it too, `--subscription 22222222-2222-2222-2222-222222222222`",
        "which regions are down",
        "shared keys",
    ] {
        assert!(head.contains(what), "{what}: {head}");
    }
    assert!(said(&output).contains("applicationGateways"), "{}", said(&output));
}

#[test]
fn drift_between_the_estate_and_the_world_that_was_drilled_is_listed() {
    let worlds = Worlds::new();
    let served = serve(worlds.healthy("two-circuits", ""), 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert!(output.status.success(), "{}", said(&output));
    let check = ["capture", "--check", out.to_str().unwrap()];
    let output = worlds.run(&served, &check);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text} {}", said(&output));
    assert!(text.contains("The estate is as"), "{text}");
    // The estate goes on.
    let more = "locks: [{ name: keep, scope: /subscriptions/11111111-1111-1111-1111-111111111111, level: ReadOnly }]
resources:
  - id: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworks/vnet-new
    location: southeastasia
    properties: { addressSpace: { addressPrefixes: [10.77.0.0/16] } }
  - id: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network/routeTables/rt-app-ea
    location: eastasia
    tags: { owner: somebody }
    properties: { routes: [] }
onprem:
  asn: 65001
  sites: [{ name: dc, prefixes: [10.100.0.0/16] }]
  links:
    - { circuit: /subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-hongkong, path: primary }
    - { circuit: /subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-hongkong, path: secondary, up: false }
";
    let served = serve(worlds.healthy("two-circuits", more), 600);
    let output = worlds.run(&served, &check);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for what in [
        "virtualNetworks/vnet-new",
        "tags is {\"owner\":\"somebody\"}, was nothing",
        "ReadOnly lock of /subscriptions/11111111",
        "the primary path's prefix is gone, was 10.101.0.0/16",
        "the secondary path's session is down, was up",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let output = worlds.run(&served, &[&check[..], &["--output", "json"]].concat());
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(view["schema"], "backroad.drift/1");
    assert!(view["differences"].as_array().unwrap().len() >= 5);
}

#[test]
fn what_may_not_be_read_is_not_called_gone() {
    let worlds = Worlds::new();
    let served = serve(worlds.healthy("two-circuits", ""), 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert!(output.status.success(), "{}", said(&output));
    let more = "rights:
  - scope: /subscriptions/11111111-1111-1111-1111-111111111111
    actions: ['*']
    not_actions: [Microsoft.Network/virtualNetworks/read]
  - { scope: /subscriptions/22222222-2222-2222-2222-222222222222, actions: ['*'] }
";
    let served = serve(worlds.healthy("two-circuits", more), 600);
    let output = worlds.run(&served, &["capture", "--check", out.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("as far as it could be read"), "{text}");
    assert!(said(&output).contains("virtualNetworks/vnet-hub-ea"), "{}", said(&output));
}

#[test]
fn a_lock_that_is_gone_is_told_although_those_of_another_subscription_may_not_be_read() {
    let worlds = Worlds::new();
    let lock = "locks: [{ name: keep, scope: /subscriptions/11111111-1111-1111-1111-111111111111, level: ReadOnly }]\n";
    let served = serve(worlds.healthy("two-circuits", lock), 600);
    let (out, output) = worlds.capture(&served, "captured", &[]);
    assert!(output.status.success(), "{}", said(&output));
    for (hidden, told) in
        [("22222222-2222-2222-2222-222222222222", true), (SUBSCRIPTIONS[0], false)]
    {
        let fault = format!(
            "faults: [{{ method: GET, resource: '/subscriptions/{hidden}/providers/microsoft.authorization/locks', \
             times: 99, effect: {{ refuse: {{ status: 403, code: AuthorizationFailed }} }} }}]\n"
        );
        let served = serve(worlds.healthy("two-circuits", &fault), 600);
        let output = worlds.run(&served, &["capture", "--check", out.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said(&output).contains(&format!("locks of /subscriptions/{hidden}")),
            "{}",
            said(&output)
        );
        assert_eq!(
            text.contains("ReadOnly lock of /subscriptions/11111111"),
            told,
            "{hidden}: {text}"
        );
    }
}

#[test]
fn a_capture_is_never_written_over_another_file() {
    let worlds = Worlds::new();
    let served = serve(worlds.healthy("two-circuits", ""), 600);
    let (out, first) = worlds.capture(&served, "captured", &[]);
    assert!(first.status.success(), "{}", said(&first));
    let text = std::fs::read_to_string(&out).unwrap();
    let (_, again) = worlds.capture(&served, "captured", &[]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
}

/// The authorization keys that the shipped worlds hold.
fn keys(worlds: &Worlds) -> Vec<String> {
    let text = |name: String| std::fs::read_to_string(worlds.path(&name)).unwrap();
    let of = |text: String| -> Vec<String> {
        let parts = text.split("authorizationKey: ").skip(1);
        parts.map(|rest| rest[..36].to_owned()).collect()
    };
    shipped().into_iter().flat_map(|name| of(text(name))).collect()
}

#[test]
fn a_world_that_is_written_down_begins_again_as_the_same() {
    for name in [
        "two-circuits",
        "one-circuit",
        "one-circuit-kept",
        "onprem-site",
        "two-circuits-site-recovery",
    ] {
        let scenario = world_file(&format!("worlds/{name}.yaml"));
        let mut world = World::new(&scenario);
        let written = world.world_file(scenario.now);
        let text = serde_yaml::to_string(&written).unwrap();
        let again = World::new(&Scenario::parse(name, &text).unwrap());
        assert_eq!(again.comparable(), world.comparable(), "{name}");
        let mut again = again;
        let twice = again.world_file(scenario.now);
        assert_eq!(twice, written, "{name}: written again it is the same");
    }
}
