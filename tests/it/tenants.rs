//! Several tenants, said once: a profile names whose each subscription is, and the plan, the document and the
//! program's tokens follow it.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;

use backroad::model::{Plan, permission};
use backroad::plan::{CompileOptions, Compiled, compile};
use backroad::runbook::SourceFile;

use crate::support::process::backroad;
use crate::support::{compiled, file};

const CARRIER: &str = "22222222-2222-2222-2222-222222222222";

fn of(tenants: &str, profile: &str) -> Compiled {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let live = format!("  live:\n    tenants: {tenants}\n");
    let text = text.replacen("  live:\n", &live, 1);
    let options = CompileOptions { profile: Some(profile.to_owned()), ..CompileOptions::default() };
    compile(&SourceFile::new("runbook.yaml", text), &options)
}

#[test]
fn a_profile_names_the_tenant_of_each_subscription() {
    let tenants = format!(
        "{{ {CARRIER}: carrier.example, AAAAAAAA-0000-4000-8000-000000000001: home.example }}"
    );
    let plan = of(&tenants, "live").plan.unwrap();
    let wanted = [
        (CARRIER.to_owned(), "carrier.example".to_owned()),
        ("aaaaaaaa-0000-4000-8000-000000000001".to_owned(), "home.example".to_owned()),
    ];
    assert_eq!(plan.parts().tenants, BTreeMap::from(wanted));
    assert!(of(&tenants, "drill").plan.unwrap().parts().tenants.is_empty(), "another profile's");
    // Said to nobody who does not need it: a plan of one tenant is the plan that it was.
    let stored = serde_json::to_value(compiled("dr-circuit.yaml", "drill").1.plan.unwrap().parts());
    assert!(stored.unwrap().get("tenants").is_none());
    let kept: Plan = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
    assert_eq!(kept.parts().tenants, plan.parts().tenants);
}

#[test]
fn what_is_no_tenant_and_what_is_said_twice_is_named() {
    for (tenants, part) in [
        (
            "{ 22222222-2222-2222-2222-222222222222: 'x; rm' }",
            "names no subscription and its tenant",
        ),
        ("{ a/b: home.example }", "names no subscription and its tenant"),
        ("{ A: home.example, a: other.example }", "is given twice"),
    ] {
        let found = of(tenants, "live");
        assert!(found.plan.is_none(), "{tenants}");
        let told: Vec<String> =
            found.diagnostics.sorted().iter().map(|one| one.message.clone()).collect();
        assert!(told.iter().any(|one| one.contains(part)), "{tenants}: {told:?}");
    }
}

#[test]
fn a_document_tells_where_to_be_signed_in_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file("runbooks/site-recovery-test.yaml")).unwrap();
    let profile = format!("profiles:\n  abroad: {{ tenants: {{ {CARRIER}: carrier.example }} }}\n");
    let text = text.replacen("profiles:\n", &profile, 1);
    for kind in ["md", "html"] {
        let runbook = folder.path().join("runbook.yaml");
        std::fs::write(&runbook, &text).unwrap();
        let words = ["render", runbook.to_str().unwrap(), "--profile", "abroad"];
        let words = [&words[..], &["--without-drills", "--format", kind]].concat();
        let done = backroad(folder.path(), &words).output().unwrap();
        let page = String::from_utf8(done.stdout).unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert!(page.contains("az login --tenant carrier.example"), "{kind}: {told}");
        assert!(page.contains(CARRIER), "{kind}");
    }
}

#[test]
fn the_right_to_ask_what_policies_say_is_listed_where_something_is_made() {
    for (runbook, everywhere) in [("dr-circuit.yaml", true), ("dr-circuit-prepared.yaml", false)] {
        let plan = compiled(runbook, "live").1.plan.unwrap();
        let groups = permission::by_group(&plan);
        let made = |group: &str| {
            plan.steps_to_run().filter_map(|step| permission::made(&step.action)).any(|id| {
                group.ends_with(&format!(
                    "{}/resourceGroups/{}",
                    id.subscription(),
                    id.resource_group()
                ))
            })
        };
        for (group, rights) in &groups {
            assert_eq!(rights.contains(permission::ASKS_POLICIES), made(group), "{group}");
        }
        assert!(groups.keys().any(|group| made(group)), "{runbook}");
        assert_eq!(groups.keys().all(|group| made(group)), everywhere, "{runbook}");
    }
}
