//! What `init` writes is what a person would have: it is without a mistake, its drill reaches what it should, it can
//! be taken back, and its way home leads home. For estates that follow no pattern of ours.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use backroad::engine::{Command, RunState};
use backroad::init::{
    Advice, Draft, KnownEstate, Strategy, Wish, WrittenFile, advise, draft, written,
};
use backroad::model::{Region, RunOutcome, SagaClass};
use backroad::plan::{CompileOptions, Compiled, compile};
use backroad::preflight::{inquire, judge};
use backroad::runbook::SourceFile;
use backroad::sim::{Scenario, World};
use serde_json::Value;

use crate::support::process::backroad;
use crate::support::told::estate_file;
use crate::support::worlds::differences;
use crate::support::{Lab, Stage, all_shipped, compiled, file, world_file};

/// An estate as its world file, and what has to be said besides.
struct Case {
    scenario: Scenario,
    wish: Wish,
}

/// What was written for it.
struct Written {
    advice: Advice,
    draft: Draft,
    files: BTreeMap<String, String>,
    base: Scenario,
}

fn region(name: &str) -> Option<Region> {
    Some(Region::parse(name).unwrap())
}

/// The twelve of docs/cookbook.md, and the strategy that each is to get.
pub(crate) const TWELVE: [(&str, Strategy, &[&str]); 12] = [
    ("same-addresses", Strategy::DrCircuit, &[]),
    ("firewall-and-vpn", Strategy::DrCircuit, &[]),
    ("odd-names", Strategy::DrCircuit, &[]),
    ("several-sites", Strategy::DrCircuit, &[]),
    ("dual-stack", Strategy::DrCircuit, &[]),
    ("no-spare-circuit", Strategy::SameCircuitSwap, &[]),
    ("own-addresses", Strategy::SameCircuit, &[]),
    ("nothing-at-the-target", Strategy::DrCircuit, &["target=northeurope"]),
    ("two-hubs-in-one-region", Strategy::DrCircuit, &[]),
    ("bow-tie", Strategy::DrCircuitPrepared, &["source=japaneast"]),
    ("virtual-wan", Strategy::VwanDrCircuit, &["target=australiasoutheast"]),
    ("vpn-to-two-devices", Strategy::VpnLastPath, &[]),
];

fn of_twelve(name: &str, said: &[&str]) -> Case {
    let of = |key: &str| said.iter().find_map(|own| own.strip_prefix(key)).and_then(region);
    let wish = Wish { source: of("source="), target: of("target="), ..Wish::default() };
    Case { scenario: estate_file(name), wish }
}

impl Case {
    fn write(&self) -> Written {
        let estate = KnownEstate::of(&self.scenario);
        let advice = advise(&estate, &self.wish).unwrap_or_else(|e| panic!("{e}: {:?}", e.hints));
        let draft = draft(&estate, &advice).unwrap();
        let all = written(&draft, "my-failover", "estate.yaml");
        let files = all.into_iter().map(|WrittenFile { name, text, .. }| (name, text)).collect();
        Written { advice, draft, files, base: self.scenario.clone() }
    }
}

impl Written {
    fn compiled(&self, name: &str, profile: &str) -> Compiled {
        let source = SourceFile::new(name, self.files[name].clone());
        let profile = Some(profile.to_owned());
        compile(&source, &CompileOptions { profile, ..CompileOptions::default() })
    }

    fn world(&self, name: &str) -> Scenario {
        let base = serde_json::to_string(&self.base).unwrap();
        Scenario::parse_over(name, &self.files[name], &|_| Ok(base.clone())).unwrap()
    }

    /// Where a drill of the failover begins.
    fn stage(&self, profile: &str) -> Stage {
        let compiled = self.compiled("my-failover.yaml", profile);
        let scenario = self.world(&compiled.world.unwrap());
        let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        Stage { plan, world: World::new(&scenario), now: scenario.now }
    }

    /// Where a drill of the way home begins: where the failover's ends.
    async fn stage_home(&self) -> Option<Stage> {
        self.files.get("my-failover-failback.yaml")?;
        let compiled = self.compiled("my-failover-failback.yaml", "drill");
        let lab = self.stage("drill").lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let mut world = lab.world.lock().unwrap().clone();
        for region in compiled.returns.clone() {
            world.set_region_down(region, false);
        }
        let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        Some(Stage { plan, world, now: lab.now() })
    }
}

/// What differs, but for what Azure adds to a body that is written, whatever it said before.
fn changed(before: &Value, after: &Value) -> BTreeMap<String, (Value, Value)> {
    let mut all = differences(before, after);
    all.retain(|_, (before, after)| !is_within(before, after));
    all
}

/// Whether all that one says the other says too.
fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, own)| whole.get(key).is_some_and(|other| is_within(own, other)))
        }
        (Value::Null, _) => false,
        _ => part == whole,
    }
}

/// Which sites reach which networks.
fn reached(world: &Arc<Mutex<World>>) -> BTreeSet<(String, String)> {
    let all = world.lock().unwrap().reachability();
    all.into_iter()
        .filter(|own| own.verdict.works())
        .map(|own| (own.site, own.network.to_string()))
        .collect()
}

/// What is written is right: check, preflight, drill, undo and the way home, each without a hand's touch.
async fn holds(name: &str, written: &Written) -> BTreeSet<(String, String)> {
    for (own, profile) in [
        ("my-failover.yaml", "drill"),
        ("my-failover.yaml", "live"),
        ("my-failover-failback.yaml", "drill"),
        ("my-failover-failback.yaml", "live"),
    ] {
        if written.files.contains_key(own) {
            let compiled = written.compiled(own, profile);
            assert!(compiled.diagnostics.is_empty(), "{name} {own}: {:?}", compiled.diagnostics);
        }
    }
    let stage = written.stage("drill");
    let lab = stage.lab();
    let first = lab.comparable();
    let clock = lab.clock();
    let facts = inquire(&stage.plan, &lab.arm(&clock).observer(), &clock).await;
    let found = judge(&stage.plan, &facts);
    let blocking: Vec<_> = found.blocking().collect();
    assert!(blocking.is_empty(), "{name}: {blocking:#?}");
    let ended = Lab::outcome_of(lab.drive(None).await);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    assert_eq!(ended, RunOutcome::Succeeded, "{name}: {:#?}", state.steps);
    let now = reached(&lab.world);
    let undo = Command::Undo { by: "a person".into(), reason: None };
    let ended = Lab::outcome_of(lab.drive(Some(undo)).await);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    assert_eq!(ended, RunOutcome::Undone, "{name}: {:#?}", state.steps);
    let kept = stage
        .plan
        .steps()
        .iter()
        .any(|step| step.saga == SagaClass::Retriable && state.steps[&step.name].touched);
    if !kept {
        let left = changed(&first, &lab.comparable());
        assert!(left.is_empty(), "{name}, after the undo: {left:#?}");
    }
    if let Some(home) = written.stage_home().await {
        let lab = home.lab();
        let ended = Lab::outcome_of(lab.drive(None).await);
        let state = RunState::fold(&lab.journal.events()).unwrap();
        assert_eq!(ended, RunOutcome::Succeeded, "{name}, home: {:#?}", state.steps);
        let left = changed(&first, &lab.comparable());
        assert!(left.is_empty(), "{name}, home again: {left:#?}");
    }
    now
}

#[tokio::test]
async fn twelve_estates_get_a_runbook_that_holds_without_a_hands_touch() {
    for (name, strategy, said) in TWELVE {
        let written = of_twelve(name, said).write();
        assert_eq!(written.advice.strategy, strategy, "{name}: {:#?}", written.advice.fits);
        let reached = holds(name, &written).await;
        let sites: BTreeSet<&str> = reached.iter().map(|(site, _)| site.as_str()).collect();
        // A site that has no way to the target is named among what somebody must look at.
        for site in
            written.base.onprem.sites.iter().filter(|own| !sites.contains(own.name.as_str()))
        {
            let told = &written.draft.todo.decisions;
            assert!(
                told.iter().any(|own| own.contains(&site.name)),
                "{name}: {} {told:#?}",
                site.name
            );
        }
        assert!(!sites.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn each_shipped_world_gets_a_runbook_that_reaches_what_the_shipped_one_reaches() {
    let mut seen = 0;
    for (name, profile) in all_shipped() {
        let (_, shipped) = compiled(&name, &profile);
        let Some(world) = shipped.world.clone() else { continue };
        // A profile besides `drill` changes what people choose; init's own is the one that is compared.
        let Ok(strategy) = Strategy::parse(name.trim_end_matches(".yaml")) else { continue };
        let lab = Stage::of(&name, &profile).await.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let site = strategy == Strategy::OnpremToAzure;
        let wish = Wish {
            source: if site { None } else { region("eastasia") },
            target: region("southeastasia"),
            strategy: Some(strategy),
            params: Vec::new(),
        };
        let written = Case { scenario: world_file(&world), wish }.write();
        let own = holds(&format!("{name} {profile}"), &written).await;
        let theirs = reached(&lab.world);
        // The shipped one may leave a region up that is down here.
        let reach = |all: &BTreeSet<(String, String)>| -> BTreeSet<String> {
            all.iter().map(|(site, _)| site.clone()).collect()
        };
        if strategy == Strategy::SiteRecoveryTest {
            assert_eq!(own, theirs, "{name} {profile}");
        }
        assert_eq!(reach(&own), reach(&theirs), "{name} {profile}");
        let missing: Vec<_> = theirs.difference(&own).collect();
        assert!(missing.is_empty(), "{name} {profile}: {missing:?} of {theirs:?}");
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
}

#[tokio::test]
async fn a_planned_swap_is_drilled_as_well() {
    let written = of_twelve("no-spare-circuit", &[]).write();
    let lab = written.stage("drill_planned").lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(reached(&lab.world).len(), 3);
}

/// Estates of the kind that the twelve are of, each made from one of them.
#[tokio::test]
async fn estates_like_the_twelve_hold_too() {
    let other = |name: &str, said: &[&str], change: &dyn Fn(&mut Value)| {
        let mut case = of_twelve(name, said);
        let mut text = serde_json::to_value(&case.scenario).unwrap();
        change(&mut text);
        case.scenario = serde_json::from_value(text).unwrap();
        case
    };
    let replaced = |text: &mut Value, all: &[(&str, &str)]| {
        let mut whole = text.to_string();
        for (from, to) in all {
            whole = whole.replace(from, to);
        }
        *text = serde_json::from_str(&whole).unwrap();
    };
    // Hubs and spokes in different subscriptions and groups.
    let far = other("same-addresses", &[], &|text| {
        replaced(text, &[("vnet-erp-neu", "erp.dr"), ("vnet-shop-neu", "zweigstelle")]);
    });
    holds("other names", &far.write()).await;
    // The circuit is in the subscription of the networks: no authorization.
    let near = other("same-addresses", &[], &|text| {
        replaced(
            text,
            &[("44444444-4444-4444-4444-444444444444", "33333333-3333-3333-3333-333333333333")],
        );
    });
    let written = near.write();
    assert!(!written.files["my-failover.yaml"].contains("authorization.ensure"));
    holds("one subscription", &written).await;
    // No room for a GatewaySubnet at the target.
    let full = other("same-addresses", &[], &|text| {
        replaced(
            text,
            &[(
                "\"10.50.0.0/27\"}}],\"virtualNetworkPeerings\"",
                "\"10.50.0.0/27\"}}],\"virtualNetworkPeerings\"",
            )],
        );
        for body in text["resources"].as_array_mut().unwrap() {
            if body["id"].as_str().unwrap().ends_with("/vnet-hub-neu") {
                body["properties"]["subnets"][0]["properties"]["addressPrefix"] =
                    "10.50.0.0/24".into();
            }
        }
    });
    let written = full.write();
    assert!(written.draft.todo.lacks.iter().any(|own| own.what.contains("no room")));
    holds("no room", &written).await;
    // A circuit that does not reach so far is raised beforehand.
    let short = other("own-addresses", &["target=eastus"], &|text| {
        replaced(text, &[("northeurope", "eastus")]);
    });
    let written = short.write();
    assert!(written.draft.todo.lacks.iter().any(|own| own.what.contains("Premium")));
    holds("standard circuit", &written).await;
    // Nothing at the target, and one circuit only: addresses are kept, and swapped.
    let bare = other("no-spare-circuit", &["target=northeurope"], &|text| {
        let gone = |body: &Value| body["id"].as_str().unwrap().contains("rg-net-neu");
        text["resources"].as_array_mut().unwrap().retain(|body| !gone(body));
    });
    holds("bare swap", &bare.write()).await;
    // Two hubs, and a circuit that nobody can write when the source is down: a key for each.
    let keys = other("two-hubs-in-one-region", &[], &|text| {
        for body in text["resources"].as_array_mut().unwrap() {
            if body["id"].as_str().unwrap().ends_with("/line-oslo") {
                body["location"] = "swedencentral".into();
            }
        }
    });
    let written = keys.write();
    assert_eq!(written.draft.todo.lacks.len(), 2, "{:#?}", written.draft.todo.lacks);
    holds("keys beforehand", &written).await;
    // What the source is tagged with, policies may ask for.
    let tagged = other("same-addresses", &[], &|text| {
        for body in text["resources"].as_array_mut().unwrap() {
            if body["id"].as_str().unwrap().ends_with("/vnet-hub-weu") {
                body["tags"] = serde_json::json!({ "costCenter": "4711", "region": "westeurope" });
            }
        }
        text["policies"] = serde_json::json!([{
            "name": "cost-center", "scope": "/subscriptions/33333333-3333-3333-3333-333333333333",
            "types": ["Microsoft.Network/routeTables", "Microsoft.Network/virtualNetworkGateways"],
            "require_tags": ["costCenter"],
        }]);
    });
    let written = tagged.write();
    assert!(written.files["my-failover.yaml"].contains("\n  costCenter: \"4711\"\n"));
    assert!(!written.files["my-failover.yaml"].contains("  region: "));
    holds("tags", &written).await;
    // Two connections of one gateway, and no other circuit: both are swapped.
    let mut double = other("bow-tie", &["source=japaneast"], &|text| {
        let gone = ["hub-jpw", "archive-jpw", "core-jpw", "ergw-jpw", "jpw-tokyo", "jpw-osaka"];
        text["resources"].as_array_mut().unwrap().retain(|body| {
            let id = body["id"].as_str().unwrap();
            !gone.iter().any(|own| id.ends_with(&format!("/{own}")))
        });
        text["resource_groups"][0]["location"] = "japaneast".into();
    });
    double.wish.target = region("japanwest");
    holds("two circuits of one gateway", &double.write()).await;
}

fn without(case: &mut Case, gone: &[&str]) {
    case.scenario.resources.retain(|body| {
        let id = body["id"].as_str().unwrap();
        !gone.iter().any(|own| id.ends_with(&format!("/{own}")))
    });
}

/// The world that a drill has come to, as its file.
fn world_of(lab: &Lab) -> Value {
    let now = lab.now();
    lab.world.lock().unwrap().to_file(now)
}

/// Of two circuits of the source one can be taken from it while it is down: it is swapped, planned or not, and the way home
/// brings both back.
#[tokio::test]
async fn a_swap_of_one_of_two_circuits_holds() {
    let mut case = of_twelve("bow-tie", &["source=japaneast"]);
    without(
        &mut case,
        &["hub-jpw", "archive-jpw", "core-jpw", "ergw-jpw", "jpw-tokyo", "jpw-osaka"],
    );
    case.wish.target = region("japanwest");
    let written = case.write();
    assert!(written.files["my-failover.yaml"].contains("disconnect_also_er_tokyo"));
    // A revoke ends it for certain: the drill needs no assumption about addresses twice on one circuit.
    assert!(!written.files["my-failover-world.yaml"].contains("overlap"));
    holds("one of two circuits", &written).await;
    let lab = written.stage("drill_planned").lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    // No connection of the source is left on either circuit.
    let after = KnownEstate::of(&serde_json::from_value(world_of(&lab)).unwrap());
    let said = format!("{after:?}");
    assert!(said.contains("connections/jpw-osaka"), "{said}");
    assert!(!said.contains("connections/jpe-tokyo") && !said.contains("connections/jpe-osaka"));
}

/// Two circuits of one name, in two groups, are two steps; and a circuit that does not carry is no reason to give up another.
#[test]
fn a_swap_gives_up_no_circuit_for_one_that_does_not_carry() {
    let gone = ["hub-jpw", "archive-jpw", "core-jpw", "ergw-jpw", "jpw-tokyo", "jpw-osaka"];
    let mut case = of_twelve("bow-tie", &["source=japaneast"]);
    without(&mut case, &gone);
    case.wish.target = region("japanwest");
    let copies: Vec<Value> = ["er-tokyo", "jpe-tokyo"]
        .into_iter()
        .map(|name| {
            let mut all = case.scenario.resources.iter();
            let ends = format!("/{name}");
            let own = all.find(|own| own["id"].as_str().unwrap().ends_with(&ends)).unwrap();
            let text = serde_json::to_string(own).unwrap();
            let lines = "/rg-lines/providers/Microsoft.Network/expressRouteCircuits/er-tokyo";
            let text = text.replace(lines, &lines.replace("rg-lines", "rg-more"));
            serde_json::from_str(&text.replace("/jpe-tokyo", "/jpe-tokyo-2")).unwrap()
        })
        .collect();
    case.scenario.resources.extend(copies);
    let written = case.write();
    let text = &written.files["my-failover.yaml"];
    assert!(text.contains("disconnect_also_er_tokyo:"), "{text}");
    assert!(text.contains("disconnect_also_er_tokyo_2:"), "{text}");
    // The one that could be revoked is not provisioned: all are swapped, as where none can be.
    let mut all = case.scenario.resources.iter_mut();
    let osaka = all.find(|own| own["id"].as_str().unwrap().ends_with("/er-osaka")).unwrap();
    osaka["properties"]["serviceProviderProvisioningState"] = "NotProvisioned".into();
    assert!(!case.write().files["my-failover.yaml"].contains("disconnect_also"));
}

/// A virtual WAN takes no addresses twice: without a free circuit the source's own serves both hubs.
#[tokio::test]
async fn a_virtual_wan_without_a_free_circuit_takes_the_sources_own() {
    let mut case = of_twelve("virtual-wan", &["target=australiasoutheast"]);
    without(&mut case, &["er-melbourne"]);
    case.scenario.onprem.links.retain(|own| own.circuit.name() != "er-melbourne");
    let written = case.write();
    assert_eq!(written.advice.strategy, Strategy::VwanDrCircuit);
    // It is managed in the source's region: the key has to be there before.
    let lacks = |written: &Written| {
        let mut all = written.draft.todo.lacks.iter();
        all.find(|own| own.what.contains("no free authorization")).unwrap().commands[0].clone()
    };
    let command = lacks(&written);
    holds("the source's own circuit", &written).await;
    // A key of the wanted name is somebody's already: another is asked for.
    let name = command.rsplit(' ').next().unwrap().to_owned();
    let mut all = case.scenario.resources.iter_mut();
    let is_it = |own: &&mut Value| own["id"].as_str().unwrap().ends_with("/er-sydney");
    let circuit = &mut all.find(is_it).unwrap()["properties"];
    let taken =
        serde_json::json!({ "name": name, "properties": { "authorizationUseStatus": "InUse" } });
    match circuit["authorizations"].as_array_mut() {
        Some(own) => own.push(taken),
        None => circuit["authorizations"] = serde_json::json!([taken]),
    }
    let written = case.write();
    assert!(lacks(&written).ends_with(&format!(" {name}-2")), "{}", lacks(&written));
    holds("with another key", &written).await;
}

/// Half a peering that stood before is whole after the way home, without the gateway: never Disconnected.
#[tokio::test]
async fn half_a_peering_is_whole_after_the_way_home() {
    for of_hub in [false, true] {
        let mut case = of_twelve("same-addresses", &[]);
        let id = |case: &Case, name: &str| -> String {
            let mut all = case.scenario.resources.iter().filter_map(|own| own["id"].as_str());
            all.find(|own| own.ends_with(&format!("/{name}"))).unwrap().to_owned()
        };
        let (hub, spoke) = (id(&case, "vnet-hub-neu"), id(&case, "vnet-erp-neu"));
        let (own, remote) = if of_hub { (&hub, &spoke) } else { (&spoke, &hub) };
        let mut all = case.scenario.resources.iter_mut();
        let body = all.find(|body| body["id"] == own.as_str()).unwrap();
        body["properties"]["virtualNetworkPeerings"] = serde_json::json!([{
            "name": "half", "properties": {
                "remoteVirtualNetwork": { "id": remote }, "allowVirtualNetworkAccess": true,
                "allowForwardedTraffic": true, "allowGatewayTransit": false,
                "useRemoteGateways": false, "peeringState": "Initiated",
                "peeringSyncLevel": "RemoteNotInSync",
            }
        }]);
        let home = case.write().stage_home().await.unwrap();
        let lab = home.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let after = lab.comparable().to_string();
        assert!(after.contains("\"Connected\"") && !after.contains("Disconnected"), "{after}");
    }
}

/// A circuit on a port of the customer's own reports no provider's state, and needs none.
#[test]
fn a_circuit_on_a_port_of_its_own_is_ready_without_a_provider() {
    let strategy = |direct: bool| {
        let mut case = of_twelve("same-addresses", &[]);
        let is_it = |id: &Value| id.as_str().unwrap().ends_with("/er-dublin");
        let mut all = case.scenario.resources.iter_mut();
        let properties = &mut all.find(|body| is_it(&body["id"])).unwrap()["properties"];
        let properties = properties.as_object_mut().unwrap();
        properties.remove("serviceProviderProvisioningState");
        if direct {
            let port = serde_json::json!({ "id": "/subscriptions/s/expressRoutePorts/p" });
            properties.insert("expressRoutePort".to_owned(), port);
        }
        let estate = KnownEstate::of(&case.scenario);
        advise(&estate, &case.wish).map(|advice| advice.strategy).ok()
    };
    assert_eq!(strategy(true), Some(Strategy::DrCircuit));
    assert_ne!(strategy(false), Some(Strategy::DrCircuit));
}

/// Where a circuit on a port of its own is, the port says: what it reaches is known by that.
#[test]
fn a_circuit_on_a_port_of_its_own_is_where_its_port_is() {
    let port = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRoutePorts/p";
    let explained = |place: &str| {
        let mut case = of_twelve("same-addresses", &[]);
        let is_it = |id: &Value| id.as_str().unwrap().ends_with("/er-dublin");
        let mut all = case.scenario.resources.iter_mut();
        let body = all.find(|body| is_it(&body["id"])).unwrap();
        body["sku"] = serde_json::json!({ "tier": "Local" });
        let properties = body["properties"].as_object_mut().unwrap();
        properties.remove("serviceProviderProperties");
        properties.remove("serviceProviderProvisioningState");
        properties.insert("expressRoutePort".to_owned(), serde_json::json!({ "id": port }));
        case.scenario.resources.push(serde_json::json!({ "id": port, "location": "northeurope",
            "properties": { "peeringLocation": place } }));
        let estate = KnownEstate::of(&case.scenario);
        advise(&estate, &case.wish).map(|advice| advice.strategy).ok()
    };
    assert_eq!(explained("Dublin"), Some(Strategy::DrCircuit));
    assert_ne!(explained("Singapore"), Some(Strategy::DrCircuit));
}

#[test]
fn what_cannot_be_told_is_said_with_what_there_is() {
    let told = |name: &str, wish: Wish| {
        let error = advise(&KnownEstate::of(&estate_file(name)), &wish).unwrap_err();
        format!("{error}\n{}", error.hints.join("\n"))
    };
    let said = told("bow-tie", Wish::default());
    assert!(said.contains("--source") && said.contains("japaneast, japanwest"), "{said}");
    let said = told("nothing-at-the-target", Wish::default());
    assert!(said.contains("--target"), "{said}");
    let said = told("same-addresses", Wish { source: region("westeurop"), ..Wish::default() });
    assert!(said.contains("Did you mean `westeurope`?"), "{said}");
    let said = told("same-addresses", Wish { source: region("eastus"), ..Wish::default() });
    assert!(
        said.contains("no network in eastus") && said.contains("northeurope, westeurope"),
        "{said}"
    );
    let one = Some(Strategy::SameCircuit);
    let said = told("same-addresses", Wish { strategy: one, ..Wish::default() });
    assert!(said.contains("does not fit") && said.contains("What fits: dr-circuit"), "{said}");
    let param = |key: &str, value: &str| Wish {
        params: vec![(key.to_owned(), value.to_owned())],
        ..Wish::default()
    };
    let said = told("same-addresses", param("circut", "er-dublin"));
    assert!(said.contains("Did you mean `circuit`?"), "{said}");
    let said = told("same-addresses", param("circuit", "er-rome"));
    assert!(said.contains("er-amsterdam, er-dublin"), "{said}");
    let said = told("same-addresses", param("network.vnet-erp-weu", "nowhere"));
    assert!(said.contains("`nowhere`") && said.contains("vnet-erp-neu"), "{said}");
}

fn files_of(folder: &Path) -> BTreeMap<String, String> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn init_writes_no_secret_and_never_over_an_edit() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (out, state, estate) = (at("out"), at("state"), at("estate.yaml"));
    let text =
        std::fs::read_to_string(file("tests/fixtures/estates/firewall-and-vpn.yaml")).unwrap();
    std::fs::write(&estate, &text).unwrap();
    let init = |more: &[&str]| {
        let mut words = vec!["init", estate.to_str().unwrap(), "-o", out.to_str().unwrap()];
        words.extend(more);
        let done = backroad(&state, &words).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    init(&[]);
    let first = files_of(&out);
    assert_eq!(first.len(), 6, "{:?}", first.keys());
    for (name, text) in &first {
        for key in
            ["9a000000-0000-4000-8000-000000000002", "an-example-and-nobodys-key", "7c000000-"]
        {
            assert!(!text.contains(key), "{name} has {key}");
        }
    }
    let said = init(&[]);
    assert!(said.contains("unchanged") && !said.contains("written anew"), "{said}");
    // A later capture: what nobody edited is written anew, with what changed.
    std::fs::write(
        &estate,
        text.replace("172.25.0.0/16", "172.27.0.0/16").replace("10.60.4", "10.60.5"),
    )
    .unwrap();
    let said = init(&[]);
    assert!(
        said.contains("written anew") && said.contains("\n+ ") && said.contains("10.60.5.0/24"),
        "{said}"
    );
    // An edit stays, and what init would write lies beside it.
    let path = out.join("my-failover.yaml");
    let edited =
        std::fs::read_to_string(&path).unwrap().replace("to be filled in", "noc@contoso.example");
    std::fs::write(&path, &edited).unwrap();
    std::fs::write(&estate, &text).unwrap();
    let said = init(&[]);
    assert!(said.contains("edited by somebody"), "{said}");
    assert!(said.contains("- owner") && said.contains("noc@contoso.example"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), edited);
    assert_eq!(
        std::fs::read_to_string(out.join("my-failover.yaml.new")).unwrap(),
        first["my-failover.yaml"]
    );
    // Explaining writes nothing.
    let before = files_of(&out);
    let said = init(&["--explain"]);
    assert!(
        said.contains("taken dr-circuit") && said.contains("connectivity-weu-vnet -> "),
        "{said}"
    );
    assert_eq!(files_of(&out), before);
}

#[test]
fn examples_come_with_the_program_and_leave_what_is_there_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let out = folder.path().join("out");
    let words = ["examples", out.to_str().unwrap()];
    assert!(backroad(&state, &words).output().unwrap().status.success());
    let own = out.join("runbooks/dr-circuit.yaml");
    let drilled = backroad(&state, &["check", own.to_str().unwrap()]).output().unwrap();
    assert!(drilled.status.success());
    std::fs::write(&own, "mine").unwrap();
    let done = backroad(&state, &words).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("left alone, since it is another than ours: runbooks/dr-circuit.yaml"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
}
