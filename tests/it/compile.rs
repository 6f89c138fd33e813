//! A runbook is right, or every mistake in it is named with its place and its fix, in one pass.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::model::{Action, Condition, SecretRef};
use backroad::plan::{CompileOptions, Compiled, Given, compile};
use backroad::render::{Style, diagnostic};
use backroad::runbook::{Code, Diagnostics, SourceFile, schema};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::file;

fn compiled(text: &str) -> Compiled {
    compile(&SourceFile::new("runbook.yaml", text), &CompileOptions::default())
}

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled.diagnostics.sorted().iter().map(|d| d.code.as_str()).collect()
}

#[test]
fn every_invalid_runbook_is_answered_with_every_mistake() {
    let folder = file("tests/fixtures/runbooks/invalid");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let source = SourceFile::new(name.clone(), std::fs::read_to_string(&path).unwrap());
        let compiled = compile(&source, &CompileOptions::default());
        assert!(compiled.plan.is_none(), "{name}");
        let text = diagnostic::diagnostics(&source, &compiled.diagnostics, Style::PLAIN);
        assert!(!text.contains("hunter2") && !text.contains("0f2b7c1e"), "no secret is shown");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(name.replace(".yaml", ""), text));
    }
}

#[test]
fn the_shipped_runbook_is_without_a_word_of_blame_under_every_profile() {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let source = SourceFile::new("dr-circuit.yaml", text);
    for profile in [None, Some("drill"), Some("live")] {
        let options =
            CompileOptions { profile: profile.map(str::to_owned), ..CompileOptions::default() };
        let compiled = compile(&source, &options);
        let said = diagnostic::diagnostics(&source, &compiled.diagnostics, Style::PLAIN);
        assert!(compiled.diagnostics.is_empty(), "{profile:?}: {said}");
        assert!(compiled.plan.is_some());
    }
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

fn diagnostics_page() -> String {
    let mut page = "# Diagnostics\n\nWhat `backroad check` may say; the codes are stable.\n\n| code | means |\n|---|---|\n".to_owned();
    for code in Code::ALL {
        page.push_str(&format!("| {} | {} |\n", code.as_str(), code.meaning()));
    }
    page
}

fn preflight_page() -> String {
    let mut page = "# Preflight rules\n\nWhat `plan`, `preflight` and the start of `run` and `drill` \
                    judge, against what is there and before anything is touched. A rule is judged only \
                    for a runbook that it is about. `block` stops a run with exit status 4, unless it is \
                    waived with a reason that is journalled (`--waive RULE=WHY`); what cannot be read \
                    is said and stops nothing, nor does what may be otherwise by then: in a step that may \
                    be left out, or that a person comes before, or a program that may make it.\n\nThe sources are sections of \
                    [azure-facts.md](azure-facts.md), or Microsoft's documents by the keys of its \
                    section 8.\n\nHeld by the language already, and \
                    no rules here: a connection across subscriptions names its key (AUTH-NEEDED), keys \
                    are references (AUTH-SECRET), weights are 0 to 32000 (LINK-WEIGHT), the gateway's \
                    subnet has its name (GWS-NAME), and no route leads to an ExpressRoute gateway \
                    (UDR-ERGW). No action of the language lowers a tier or makes or removes a circuit \
                    (PREM-DOWN, CIR-QUOTA, CIR-DELETE).\n"
        .to_owned();
    for (family, about, rules) in backroad::preflight::FAMILIES {
        page.push_str(&format!("\n## {family}\n\n{about}\n"));
        for rule in *rules {
            let severity = match rule.severity {
                backroad::preflight::FindingSeverity::Block => "block",
                backroad::preflight::FindingSeverity::Warn => "warn",
                backroad::preflight::FindingSeverity::Inform => "inform",
            };
            page.push_str(&format!(
                "\n### {}\n\n{severity} · {}\n\n- Reads: {}\n- Why: {}\n- Fix: {}\n- Source: {}\n",
                rule.id, rule.fails_when, rule.reads, rule.why, rule.fix, rule.source
            ));
        }
    }
    page
}

#[test]
fn the_generated_documents_are_fresh() {
    let read = |path: &str| std::fs::read_to_string(file(path)).unwrap();
    let again = "run: cargo test --test it write_the_generated_documents -- --ignored";
    let pages = [
        ("docs/runbook.schema.json", pretty(&schema())),
        ("docs/diagnostics.md", diagnostics_page()),
        ("docs/preflight.md", preflight_page()),
        ("docs/templates.md", crate::documents::templates_page()),
        ("docs/runbook-reference.md", crate::reference::reference_page()),
        ("docs/comparison.md", backroad::model::compared::page()),
        ("docs/events.md", backroad::render::machine::events_page()),
    ];
    for (path, fresh) in pages {
        assert!(read(path) == fresh, "{path} is not fresh; {again}");
    }
}

#[test]
#[ignore = "writes docs/runbook.schema.json and the generated pages of docs"]
fn write_the_generated_documents() {
    std::fs::write(file("docs/runbook.schema.json"), pretty(&schema())).unwrap();
    std::fs::write(file("docs/diagnostics.md"), diagnostics_page()).unwrap();
    std::fs::write(file("docs/preflight.md"), preflight_page()).unwrap();
    std::fs::write(file("docs/templates.md"), crate::documents::templates_page()).unwrap();
    let reference = crate::reference::reference_page();
    std::fs::write(file("docs/runbook-reference.md"), reference).unwrap();
    std::fs::write(file("docs/comparison.md"), backroad::model::compared::page()).unwrap();
    let events = backroad::render::machine::events_page();
    std::fs::write(file("docs/events.md"), events).unwrap();
}

#[test]
fn the_shipped_runbook_keeps_to_the_schema_and_the_schema_keeps_out_the_rest() {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=../docs/runbook.schema.json\n"));
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let value: Value = serde_yaml::from_str(&text).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (from, to) in [
        ("    action: gateway.ensure", "    action: gateway.insure"),
        ("    timeout: 90m", "    timeuot: 90m"),
        ("      sku: \"${params.gateway_sku}\"", "      skew: \"${params.gateway_sku}\""),
        ("title: Re-establish", "titel: Re-establish"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong: Value = serde_yaml::from_str(&text.replacen(from, to, 1)).unwrap();
        assert!(!validator.is_valid(&wrong), "{to} must be refused by the schema");
        assert!(compiled(&text.replacen(from, to, 1)).plan.is_none(), "{to} must be refused");
    }
}

#[test]
fn hostile_bytes_are_answered_and_never_believed() {
    let said = |bytes: &[u8]| match SourceFile::read("x.yaml", bytes) {
        Ok(source) => {
            let compiled = compile(&source, &CompileOptions::default());
            assert!(compiled.plan.is_none());
            codes(&compiled).first().copied().unwrap_or("none").to_owned()
        }
        Err(refused) => refused.1.code.as_str().to_owned(),
    };
    let bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n";
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("a: 1".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, expected) in [
        (bomb.as_bytes().to_vec(), "BR0007"),
        (utf16, "BR0001"),
        (b"a: \xc3\x28".to_vec(), "BR0001"),
        (b"a: 1\0".to_vec(), "BR0002"),
        (vec![b'a'; (8 << 20) + 1], "BR0003"),
        (b"a: !!python/object:os.system x".to_vec(), "BR0008"),
        (b"a: 1\n---\nb: 2\n".to_vec(), "BR0009"),
        ("k: 1\n".repeat(10_000).into_bytes(), "BR0010"),
        (b"".to_vec(), "BR0012"),
    ] {
        assert_eq!(said(&bytes), expected);
    }
    for deep in
        ["[".repeat(200_000), "{a: ".repeat(50_000), "- ".repeat(100_000), "? ".repeat(50_000)]
    {
        assert!(["BR0004", "BR0005", "BR0011"].contains(&said(deep.as_bytes()).as_str()));
    }
    let marked = [b"\xef\xbb\xbf".as_slice(), b"runbook: x\n"].concat();
    assert_eq!(SourceFile::read("x", &marked).unwrap().text(), "runbook: x\n");
}

const SMALL: &str = "runbook: small
title: Small
params:
  list: { type: list, default: [a, b] }
  key: { type: secret, from: \"env:KEY\" }
  size: { type: int, default: 5 }
profiles:
  big: { params: { size: 7 } }
steps:
  each_one:
    each: \"${params.list}\"
    action: wait
    with: { duration: 1m }
  after:
    needs: each_one
    when: steps[\"each_one.a\"].status == \"succeeded\" && params.size > 4
    action: wait
    with: { duration: \"${params.size}m\" }
  joined:
    needs: [\"each_one.b\"]
    action: connection.ensure
    with:
      name: c
      location: southeastasia
      gateway: /subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworkGateways/gw
      circuit: /subscriptions/2/resourceGroups/rg/providers/Microsoft.Network/expressRouteCircuits/er
      authorization_key: \"${params.key}\"
";

#[test]
fn loops_needs_conditions_and_secrets_mean_what_they_say() {
    let compiled = compiled(SMALL);
    let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let names: Vec<&str> = plan.steps().iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["each_one.a", "each_one.b", "after", "joined"]);
    assert_eq!(plan.steps()[2].needs.len(), 2, "a loop's name stands for all its turns");
    assert_eq!(plan.steps()[3].needs.len(), 1);
    // What is known is folded; what only the run can know stays.
    assert!(matches!(plan.steps()[2].when, Some(Condition::Compare { .. })));
    let Action::Connection(connection) = &plan.steps()[3].action else { panic!() };
    assert_eq!(connection.authorization, Some(SecretRef::Param("key".to_owned())));
    assert!(!serde_json::to_string(&plan).unwrap().contains("\"KEY\""));
}

#[test]
fn the_command_line_goes_before_the_profile_and_the_profile_before_the_default() {
    let mut source = SourceFile::new("small.yaml", SMALL);
    let mut size = |profile: Option<&str>, given: Option<&str>| {
        let options = CompileOptions {
            profile: profile.map(str::to_owned),
            given: Given::options(&mut source, given.map(|size| ("size", size))),
            ..CompileOptions::default()
        };
        compile(&source, &options).plan.unwrap().parts().params["size"].clone()
    };
    assert_eq!(size(None, None), "5");
    assert_eq!(size(Some("big"), None), "7");
    assert_eq!(size(Some("big"), Some("9")), "9");
    let options = CompileOptions { profile: Some("bigg".to_owned()), ..CompileOptions::default() };
    let refused = compile(&source, &options);
    assert_eq!(codes(&refused), ["BR0205"]);
}

#[test]
fn a_limit_of_nothing_is_refused_where_it_stands() {
    for (from, to) in [
        ("  after:\n", "  after:\n    timeout: 0s\n"),
        ("title: Small\n", "title: Small\ndeadline: 0m\n"),
        ("title: Small\n", "title: Small\ndefaults: { timeout: 0h }\n"),
        ("title: Small\n", "title: Small\ndrill_every: 0d\n"),
        ("title: Small\n", "title: Small\nobjective: { rto: 0m }\n"),
        ("  big: {", "  big: { deadline: 0s,"),
        (
            "  joined:\n",
            "  asked:\n    action: approval\n    with: { question: Go?, expires_after: 0s }\n  joined:\n",
        ),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let text = SMALL.replacen(from, to, 1);
        let options =
            CompileOptions { profile: Some("big".to_owned()), ..CompileOptions::default() };
        let compiled = compile(&SourceFile::new("small.yaml", text.clone()), &options);
        let said = compiled.diagnostics.sorted();
        assert_eq!(codes(&compiled), ["BR0105"], "{to}");
        assert!(said[0].message.contains("more than nothing"), "{}", said[0].message);
        assert!(text[said[0].span.clone()].contains('0'), "{to}: the place is the value's");
        assert!(compiled.plan.is_none());
    }
}

/// Forty are for `ErGwScale`, a gateway of a network.
#[test]
fn the_gateway_of_a_hub_has_at_most_ten_units() {
    let group = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network";
    let with = |step: &str, max: u32| {
        let bounds = format!("{{ min: 2, max: {max} }}");
        let step = step.replace("BOUNDS", &bounds).replace("GROUP", group);
        codes(&compiled(&format!("runbook: small\ntitle: Small\nsteps:\n  a:\n{step}")))
    };
    let hub = "    action: hub_gateway.ensure\n    with:\n      name: g\n      hub: GROUP/virtualHubs/h\n      \
               location: eastasia\n      units: BOUNDS\n";
    let network = "    action: gateway.ensure\n    with:\n      name: g\n      vnet: GROUP/virtualNetworks/v\n      \
                   location: eastasia\n      sku: ErGwScale\n      autoscale: BOUNDS\n";
    assert_eq!(with(hub, 10), Vec::<&str>::new());
    assert_eq!(with(hub, 11), ["BR0105"]);
    assert_eq!(with(network, 40), Vec::<&str>::new());
}

#[test]
fn subnets_have_sizes_that_azure_makes() {
    let subnet = |prefix: &str| {
        compiled(&format!(
            "runbook: small\ntitle: Small\nsteps:\n  a:\n    action: subnet.ensure\n    with:\n      name: s\n      \
             vnet: /subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v\n      \
             prefix: {prefix}\n"
        ))
    };
    for right in ["10.1.0.0/29", "[10.1.0.0/26, \"fd00:1:0:1::/64\"]"] {
        assert_eq!(codes(&subnet(right)), Vec::<&str>::new(), "{right}");
    }
    for wrong in ["10.1.0.0/30", "[10.1.0.0/26, \"fd00:1:0:1::/80\"]", "\"fd00:1::/56\""] {
        let compiled = subnet(wrong);
        assert_eq!(codes(&compiled), ["BR0418"], "{wrong}");
        assert!(compiled.plan.is_none());
    }
}

#[test]
fn subnets_of_azures_services_are_as_large_as_these_want() {
    let subnet = |name: &str, prefix: &str| {
        compiled(&format!(
            "runbook: small\ntitle: Small\nsteps:\n  a:\n    action: subnet.ensure\n    with:\n      name: {name}\n      \
             vnet: /subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v\n      \
             prefix: {prefix}\n"
        ))
    };
    for (name, prefix, told) in [
        ("AzureFirewallSubnet", "10.1.0.0/26", None),
        ("AzureFirewallSubnet", "10.1.0.0/27", Some("needs /26 or larger")),
        ("AzureFirewallManagementSubnet", "10.1.0.0/27", Some("Azure Firewall needs /26")),
        ("azurebastionsubnet", "10.1.0.0/28", Some("Azure Bastion needs /26")),
        ("RouteServerSubnet", "10.1.0.0/28", Some("Route Server needs /27")),
        ("RouteServerSubnet", "10.1.0.0/27", Some("Azure recommends /26")),
        ("RouteServerSubnet", "10.1.0.0/26", None),
        // One that is large enough will do.
        ("AzureFirewallSubnet", "[10.1.0.0/28, 10.2.0.0/26]", None),
        ("snet-app", "10.1.0.0/29", None),
    ] {
        let compiled = subnet(name, prefix);
        let said = compiled.diagnostics.sorted();
        assert_eq!(codes(&compiled), Vec::from_iter(told.map(|_| "BR0419")), "{name} {prefix}");
        assert!(compiled.plan.is_some(), "it only warns");
        if let Some(told) = told {
            assert!(said[0].message.contains(told), "{}", said[0].message);
        }
    }
}

#[test]
fn the_digest_does_not_see_the_form() {
    let spaced = SMALL.replace("title: Small", "title:    \"Small\"   # a comment");
    let moved = SMALL.replace("runbook: small\ntitle: Small\n", "title: Small\nrunbook: small\n");
    let digest = |text: &str| compiled(text).plan.unwrap().digest();
    assert_eq!(digest(SMALL), digest(&spaced));
    assert_eq!(digest(SMALL), digest(&moved));
    assert_ne!(digest(SMALL), digest(&SMALL.replace("duration: 1m", "duration: 2m")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_text_never_panics(text in "[ -~\n]{0,300}", at in 0usize..2_000, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(compiled(&text));
        // A shipped runbook with something in its middle.
        let shipped = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
        let mut cut = at.min(shipped.len());
        while !shipped.is_char_boundary(cut) {
            cut -= 1;
        }
        let broken = format!("{}{}{}", &shipped[..cut], text, &shipped[cut..]);
        let source = SourceFile::new("x", broken);
        let compiled = compile(&source, &CompileOptions::default());
        let rendered: Diagnostics = compiled.diagnostics;
        drop(diagnostic::diagnostics(&source, &rendered, Style::PLAIN));
        drop(SourceFile::read("x", &bytes));
    }
}
