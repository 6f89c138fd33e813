//! What stands with a field that Azure never changes is refused before the run, whichever field of the table of comparisons
//! it is.

use super::*;
use backroad::model::Timestamp;
use backroad::model::compared::{FIELDS, Remedy};
use backroad::model::hub::HubAction;
use backroad::preflight::projection;
use backroad::preflight::{Facts, Question};

/// The runbooks that make, between them, all that has such fields.
const RUNBOOKS: [&str; 3] = [VPN, MAIN, VWAN];

/// The rules that say it: one for each field.
const RULES: [&str; 4] = ["RES-FIXED", "RES-STANDS", "LINK-ELSEWHERE", "HUB-THERE"];

/// A step of an action, in whichever runbook has one.
fn with_step(action: &str) -> Option<(Case, Step)> {
    RUNBOOKS.iter().find_map(|runbook| {
        let case = Case::of(runbook);
        let step = case.plan.steps.iter().find(|step| step.action.name() == action)?.clone();
        Some((case, step))
    })
}

/// What stands when a step has been done.
fn made_by(step: &Step) -> Value {
    let id = step.action.written().unwrap();
    let mut facts = Facts::default();
    facts.insert(Question::Resource(id.clone()), Ok(None));
    projection::after(&facts, [step]).body(id).unwrap().clone()
}

/// Puts another value in a field.
fn spoil(body: &mut Value, path: &str) {
    if let Some((all, rest)) = path.split_once("/*/") {
        let all = body.pointer_mut(&format!("/{all}")).unwrap().as_array_mut().unwrap();
        all.iter_mut().for_each(|own| spoil(own, rest));
        return;
    }
    let mut at = &mut *body;
    for key in path.split('/') {
        at = &mut at[key];
    }
    *at = match at.as_str() {
        Some(id) if id.starts_with('/') => {
            // A child of a thing that is another one's.
            let other =
                id.replace("vnet-hub-sea", "vnet-app1-sea").replace("er-singapore", "er-hongkong");
            let more = if other == id { format!("{id}-other") } else { other };
            json!(more)
        }
        _ if path == "location" => json!("eastasia"),
        _ if path == "zones" => json!(["2"]),
        _ if path.ends_with("addressPrefix") => json!("10.199.0.0/23"),
        _ => json!("Basic"),
    };
}

/// Puts a thing where its world has it: a part of another thing stands in that.
fn stands(case: &mut Case, step: &Step, mut body: Value) {
    let id = step.action.written().unwrap();
    let list = match &step.action {
        Action::Peering(_) => "virtualNetworkPeerings",
        Action::Hub(HubAction::Connection(_)) => "expressRouteConnections",
        _ => return case.add(body),
    };
    let parent = id.parent().unwrap();
    let there = |body: &Value| body["id"].as_str().unwrap().eq_ignore_ascii_case(parent.as_str());
    if !case.world.resources.iter().any(there) {
        case.add(json!({ "id": parent.as_str(), "location": "southeastasia", "properties": {
            "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") } } }));
    }
    body["name"] = json!(id.name());
    let parent = case.world.resources.iter_mut().find(|body| there(body)).unwrap();
    parent["properties"][list] = json!([body]);
}

/// What the rules say of the step's resource.
async fn refused(case: Case) -> Vec<(&'static str, String, String)> {
    let found = case.found().await;
    let own = found.blocking().filter(|finding| RULES.contains(&finding.rule));
    own.map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => (finding.rule, finding.about.clone(), why.clone()),
        _ => panic!("it blocks, and does not fail"),
    })
    .collect()
}

#[tokio::test]
async fn each_field_that_a_plan_is_blocked_by_is_told_before_the_run() {
    let (mut silent, mut fields) = (Vec::new(), 0);
    for row in FIELDS.iter().filter(|row| matches!(row.remedy, Remedy::Person(_))) {
        let (mut case, step) = with_step(row.action).unwrap_or_else(|| panic!("{}", row.action));
        let mut body = made_by(&step);
        spoil(&mut body, row.path);
        stands(&mut case, &step, body);
        // The author brings an address where the field is about it.
        if let (Action::Gateway(_), true) = (&step.action, row.path.contains("publicIPAddress")) {
            let own = format!("{SEA}/publicIPAddresses/pip-own");
            case.also(step.name.as_str(), "public_ip", json!(own));
            // Azure has shown none since August 2025.
            case.world.now = Timestamp::parse("2025-07-31T03:00:00Z").unwrap();
            let other = format!("{SEA}/publicIPAddresses/pip-other");
            case.set(
                step.action.written().unwrap().name(),
                "/properties/ipConfigurations/0/properties/publicIPAddress",
                json!({ "id": other }),
            );
        }
        fields += 1;
        let name = step.action.written().unwrap().name().to_owned();
        let told = refused(case).await;
        let own: Vec<_> = told.iter().filter(|(_, about, _)| about.ends_with(&name)).collect();
        if own.len() != 1 {
            silent.push((row.action, row.path, own.len(), told));
        }
    }
    assert!(fields > 25, "{fields}");
    assert!(silent.is_empty(), "these are not told once: {silent:#?}");
}

#[tokio::test]
async fn what_stands_as_it_is_wanted_is_refused_by_none_of_them() {
    for row in FIELDS.iter().filter(|row| matches!(row.remedy, Remedy::Person(_))) {
        let (mut case, step) = with_step(row.action).unwrap();
        stands(&mut case, &step, made_by(&step));
        let name = step.action.written().unwrap().name().to_owned();
        let told = refused(case).await;
        assert!(
            !told.iter().any(|(_, about, _)| about.ends_with(&name)),
            "{} {told:?}",
            row.action
        );
    }
}

/// The address stands in one zone, where three are wanted.
fn in_one_zone() -> Case {
    let (mut case, step) = with_step("public_ip.ensure").unwrap();
    let mut body = made_by(&step);
    body["zones"] = json!(["1"]);
    stands(&mut case, &step, body);
    case
}

#[tokio::test]
async fn a_finding_says_what_stands_and_what_is_wanted() {
    let told = refused(in_one_zone()).await;
    let why = "it stands with zones 1, and the runbook wants 1, 2, 3";
    assert_eq!(told, [("RES-FIXED", "pip-vgw-hub-sea-1".to_owned(), why.to_owned())]);
    let (mut case, step) = with_step("peering.ensure").unwrap();
    let mut body = made_by(&step);
    body["properties"]["remoteVirtualNetwork"]["id"] =
        json!(format!("{SEA}/virtualNetworks/vnet-shared-sea"));
    stands(&mut case, &step, body);
    let told = refused(case).await;
    assert!(
        told[0].2.contains("with remote network vnet-shared-sea, and the runbook wants vnet-app"),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_may_be_taken_away_before_blocks_nothing() {
    // A step before removes it.
    let mut case = in_one_zone();
    let id = case.step("address.1").action.written().unwrap().to_string();
    case.instead(
        "gateway_subnet",
        json!({ "action": "remove", "with": { "kind": "public_ip", "id": id } }),
    );
    case.step("gateway_subnet").ensure.clear();
    let before = StepName::parse("gateway_subnet").unwrap();
    if !case.step("address.1").needs.contains(&before) {
        case.step("address.1").needs.push(before);
    }
    assert_eq!(refused(case).await, []);
    // A run goes on without it.
    let mut case = in_one_zone();
    case.step("address.1").on_failure = OnFailure::Continue;
    let found = case.found().await;
    assert_eq!(found.blocking().filter(|own| own.rule == "RES-FIXED").count(), 0);
    let own =
        found.findings.iter().find(|own| own.rule == "RES-FIXED" && own.about.ends_with("-1"));
    assert!(
        matches!(&own.unwrap().verdict, FindingVerdict::Unknown(why) if why.contains("zones 1"))
    );
}

#[tokio::test]
async fn a_larger_set_of_zones_and_an_address_that_is_not_shown_are_no_difference() {
    let (mut case, step) = with_step("public_ip.ensure").unwrap();
    let mut body = made_by(&step);
    body["zones"] = json!(["3", "2", "1"]);
    stands(&mut case, &step, body);
    assert_eq!(refused(case).await, []);
    let mut case = Case::of(MAIN);
    case.also("gateway", "public_ip", json!(format!("{SEA}/publicIPAddresses/pip-own")));
    case.add(standing_gateway("ErGw3AZ"));
    assert_eq!(refused(case).await, []);
}

#[tokio::test]
async fn a_vpn_gateway_of_another_family_is_refused_as_well() {
    let (mut case, step) = with_step("vpn_gateway.ensure").unwrap();
    let mut body = made_by(&step);
    body["properties"]["sku"] = json!({ "name": "Basic", "tier": "Basic" });
    stands(&mut case, &step, body);
    let told = said(&case.found().await, "GW-RESIZE");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.starts_with("it is Basic, and shall be VpnGw"), "{told:?}");
}
