//! From an Azure that somebody has to a drill of its failover, and back, by the program alone and without a hand's
//! touch: its world is served, captured, given a runbook, and that is checked, judged, drilled, taken back, led home
//! and printed.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::init::TWELVE;
use crate::support::file;
use crate::support::process::{binary, serve};

/// What the way of one estate came to.
struct Went {
    /// What `init` says of itself.
    init: Value,
    /// What the drill says of its end.
    drill: Value,
    folder: tempfile::TempDir,
}

impl Went {
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn lacks(&self) -> Vec<String> {
        let all = self.init["lacks"].as_array().unwrap();
        all.iter().map(|own| own["what"].as_str().unwrap().to_owned()).collect()
    }
}

/// Runs the program in a folder; what it says, and that it says it is well.
fn run(folder: &Path, words: &[&str]) -> String {
    let output = binary()
        .args(words)
        .env("BACKROAD_STATE_DIR", folder.join(".state"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{words:?}:\n{out}\n{said}");
    out.into_owned()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The subscriptions that an estate speaks of.
fn subscriptions(estate: &str) -> BTreeSet<String> {
    let all = estate.to_ascii_lowercase();
    all.split("/subscriptions/").skip(1).map(|rest| rest[..36].to_owned()).collect()
}

/// The whole way of an estate.
fn went(estate: &str, said: &[&str]) -> Went {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let azure: PathBuf = here.join("azure.yaml");
    std::fs::write(&azure, estate).unwrap();
    let served = serve(&azure, 600);
    let mut words = vec!["capture", "-o", "estate.yaml", "--clock-factor", "600", "--endpoint"];
    words.push(&served.endpoint);
    let all = subscriptions(estate);
    words.extend(all.iter().flat_map(|own| ["--subscription", own.as_str()]));
    run(here, &words);
    drop(served);
    let words = ["--output", "json", "init", "estate.yaml"];
    let init = parsed(&run(here, &[&words[..], said].concat()));
    let mut written: Vec<&str> = vec!["my-failover.yaml", "my-failover-world.yaml"];
    let home = here.join("my-failover-failback.yaml").exists();
    written.extend(home.then_some("my-failover-failback.yaml"));
    run(here, &[&["check"][..], &written].concat());
    run(here, &["preflight", "my-failover.yaml", "--profile", "drill"]);
    let drill = parsed(&run(here, &["--output", "json", "drill", "my-failover.yaml"]));
    let id = drill["run"].as_str().unwrap();
    run(here, &["undo", id, "--reason", "practice"]);
    if home {
        run(here, &["drill", "my-failover-failback.yaml"]);
    }
    run(here, &["render", "my-failover.yaml", "--without-drills", "-o", "document.html"]);
    Went { init, drill, folder }
}

fn estate_text(name: &str) -> String {
    let path = file("tests/fixtures/estates").join(format!("{name}.yaml"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn twelve_estates_go_the_whole_way_from_azure_to_the_way_home() {
    for (name, strategy, said) in TWELVE {
        let said: Vec<String> = said.iter().map(|own| format!("--{own}")).collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        let went = went(&estate_text(name), &said);
        assert_eq!(went.init["strategy"], strategy.name(), "{name}");
        let reached = went.drill["reachability"].as_array().unwrap();
        assert!(!reached.is_empty(), "{name}: {}", went.drill);
        assert!(went.text("document.html").contains("my-failover"), "{name}");
    }
}

/// An estate like one of the twelve.
fn like(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut estate = serde_yaml::from_str(&estate_text(name)).unwrap();
    change(&mut estate);
    estate.to_string()
}

fn body<'e>(estate: &'e mut Value, end: &str) -> &'e mut Value {
    let all = estate["resources"].as_array_mut().unwrap();
    all.iter_mut().find(|own| own["id"].as_str().unwrap().ends_with(end)).unwrap()
}

fn side(name: &str, remote: &Value, hub: bool) -> Value {
    json!({ "name": name, "properties": {
        "remoteVirtualNetwork": { "id": remote }, "allowVirtualNetworkAccess": true,
        "allowForwardedTraffic": true, "allowGatewayTransit": hub, "useRemoteGateways": !hub,
        "peeringState": "Connected", "peeringSyncLevel": "FullyInSync",
    } })
}

fn peer(estate: &mut Value, hub: &str, spoke: &str, names: (&str, &str)) {
    let (hub_id, spoke_id) = (body(estate, hub)["id"].clone(), body(estate, spoke)["id"].clone());
    for (own, remote, name, is_hub) in
        [(hub, spoke_id, names.0, true), (spoke, hub_id, names.1, false)]
    {
        let properties = &mut body(estate, own)["properties"];
        if !properties["virtualNetworkPeerings"].is_array() {
            properties["virtualNetworkPeerings"] = json!([]);
        }
        let sides = properties["virtualNetworkPeerings"].as_array_mut().unwrap();
        sides.push(side(name, &remote, is_hub));
    }
}

#[test]
fn spokes_of_the_target_that_use_the_sources_gateway_let_go_of_it_and_take_it_up_again() {
    let estate = like("own-addresses", |estate| {
        peer(estate, "/vnet-hub-weu", "/vnet-shop-neu", ("to-far-shop", "to-far-hub"));
    });
    let went = went(&estate, &[]);
    let failover = went.text("my-failover.yaml");
    assert!(failover.contains("\n  let_go_"), "{failover}");
    assert!(went.text("my-failover-failback.yaml").contains("\n  taken_up_"));
    assert!(!went.text("my-failover-todo.md").contains("loses its way to on-premises"));
}

#[test]
fn locks_in_the_way_are_told_with_the_commands_that_take_them_off() {
    let scope = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-net-neu";
    let estate = like("same-addresses", |estate| {
        estate["locks"] = json!([
            { "name": "keep", "scope": scope, "level": "CanNotDelete" },
            { "name": "far", "scope": scope.replace("-neu", "-weu"), "level": "CanNotDelete" },
        ]);
    });
    let went = went(&estate, &[]);
    assert_eq!(went.lacks().len(), 1, "{:?}", went.lacks());
    let todo = went.text("my-failover-todo.md");
    let off =
        format!("az lock delete --ids \"{scope}/providers/Microsoft.Authorization/locks/keep\"");
    assert!(todo.contains(&off), "{todo}");
    assert!(todo.contains("--resource-group \"rg-net-neu\"  # afterwards"), "{todo}");
}

#[test]
fn sessions_that_are_down_today_are_told_and_the_drill_has_them_up() {
    let estate = like("same-addresses", |estate| {
        for link in estate["onprem"]["links"].as_array_mut().unwrap() {
            let source = link["circuit"].as_str().unwrap().ends_with("er-amsterdam");
            if source || link["path"] == "secondary" {
                link["up"] = json!(false);
            }
        }
    });
    let went = went(&estate, &[]);
    let lacks = went.lacks();
    assert_eq!(lacks.len(), 3, "{lacks:?}");
    let told = "The secondary session of er-dublin with on-premises is down (the target's).";
    assert!(lacks.iter().any(|own| own.starts_with(told)), "{lacks:?}");
}

#[test]
fn names_that_azure_allows_and_nobody_expects_go_the_whole_way() {
    let text = estate_text("same-addresses")
        .replace("rg-net-weu", "Netz_(Süd).WEU")
        .replace("rg-net-neu", "netz_(süd).neu")
        .replace("rg-carrier", "Träger-1_")
        .replace("vnet-hub-", "1.Hub_")
        .replace("vnet-erp-", "null.")
        .replace("er-dublin", "ER_Dublin.01_");
    assert!(serde_yaml::from_str::<Value>(&text).is_ok());
    went(&text, &[]);
}

#[test]
fn ids_in_any_case_name_the_same_resources() {
    let loud = like("same-addresses", |estate| {
        for (place, own) in estate["resources"].as_array_mut().unwrap().iter_mut().enumerate() {
            if place % 2 == 0 {
                own["id"] = json!(own["id"].as_str().unwrap().to_ascii_uppercase());
            }
        }
        for link in estate["onprem"]["links"].as_array_mut().unwrap() {
            link["circuit"] = json!(link["circuit"].as_str().unwrap().to_ascii_uppercase());
        }
    });
    let went = went(&loud, &[]);
    assert_eq!(went.lacks(), Vec::<String>::new());
}

#[test]
fn names_clients_and_security_groups_follow_by_steps_where_the_estate_says_how() {
    let estate = like("own-addresses", |estate| {
        let net = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-net-neu\
                   /providers/Microsoft.Network";
        let profile = format!("{net}/trafficManagerProfiles/tm-shop");
        let end = |name: &str, place: &str, status: &str, priority: u8| {
            json!({ "id": format!("{profile}/externalEndpoints/{name}"), "name": name,
                "type": "Microsoft.Network/trafficManagerProfiles/externalEndpoints",
                "properties": { "target": format!("{name}.contoso.example"), "endpointStatus": status,
                    "endpointLocation": place, "priority": priority, "weight": 1 } })
        };
        let shop = body(estate, "/vnet-shop-weu")["properties"]["addressSpace"]["addressPrefixes"]
            [0]
        .as_str()
        .unwrap()
        .replace(".0/24", ".10");
        let group = |region: &str, place: &str| {
            let id = format!("{net}/networkSecurityGroups/nsg-work-{region}");
            json!({ "id": id.replace("rg-net-neu", &format!("rg-net-{region}")), "location": place,
                "properties": { "securityRules": [] } })
        };
        let (weu, neu) = (group("weu", "westeurope"), group("neu", "northeurope"));
        body(estate, "/vnet-shop-weu")["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] =
            json!({ "id": weu["id"] });
        estate["resources"].as_array_mut().unwrap().extend([
            weu,
            neu,
            json!({ "id": profile, "location": "global", "properties": {
                "trafficRoutingMethod": "Priority", "dnsConfig": { "relativeName": "shop", "ttl": 60 },
                "monitorConfig": { "protocol": "HTTPS", "port": 443, "path": "/" },
                "endpoints": [end("weu", "West Europe", "Enabled", 1), end("neu", "North Europe", "Disabled", 2)],
            } }),
            json!({ "id": format!("{net}/privateDnsZones/contoso.example"), "location": "global",
                "properties": {} }),
            json!({ "id": format!("{net}/privateDnsZones/contoso.example/A/shop"),
                "properties": { "ttl": 3600, "aRecords": [{ "ipv4Address": shop }] } }),
        ]);
    });
    let went = went(&estate, &[]);
    let (out, home) = (went.text("my-failover.yaml"), went.text("my-failover-failback.yaml"));
    for (text, action, count) in [
        (&out, "private_dns.record", 1),
        (&out, "traffic_manager.endpoint", 2),
        (&out, "security_group.associate", 1),
        (&home, "private_dns.record", 1),
        (&home, "traffic_manager.endpoint", 2),
        (&home, "security_group.dissociate", 1),
    ] {
        let found = text.matches(&format!("action: {action}\n")).count();
        assert_eq!(found, count, "{action}: {text}");
    }
    assert!(home.contains("ttl: 3600"), "{home}");
}

/// The target's group is at home in the region that is left: no step moves it, so that its list must say it.
#[test]
fn what_preflight_stops_the_written_runbook_for_stands_in_the_list() {
    let estate = like("own-addresses", |estate| {
        let groups = estate["resource_groups"].as_array_mut().unwrap();
        let group =
            groups.iter_mut().find(|own| own["id"].as_str().unwrap().ends_with("rg-net-neu"));
        group.unwrap()["location"] = json!("westeurope");
    });
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("estate.yaml"), estate).unwrap();
    let init = parsed(&run(here, &["--output", "json", "init", "estate.yaml"]));
    let stops = init["stops"].as_array().unwrap();
    let told = |own: &Value| own["what"].as_str().unwrap().starts_with("RG-HOME");
    assert!(stops.iter().any(told), "{init}");
    let list = std::fs::read_to_string(here.join("my-failover-todo.md")).unwrap();
    assert!(list.contains("## What stops the runbook") && list.contains("RG-HOME"), "{list}");
    // Said again it says the same.
    let again = parsed(&run(here, &["--output", "json", "init", "estate.yaml"]));
    assert_eq!(again["stops"], init["stops"]);
    assert!(
        again["files"].as_array().unwrap().iter().all(|own| own["how"] == "unchanged"),
        "{again}"
    );
}
