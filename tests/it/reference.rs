//! docs/runbook-reference.md: the language, from the one table that reads it.

use std::collections::BTreeSet;

use backroad::runbook::actions::ACTIONS;
use backroad::runbook::grammar::{Field, Kind, PARAM, PROFILE, RETRY, RUNBOOK, STEP};

use crate::support::{all_shipped, compiled};

/// What steps put out beside `id` and `status`, which each has; held against every shipped plan.
const OUTPUTS: [(&str, &[&str]); 20] = [
    ("probe.http", &["status"]),
    ("probe.dns", &["answers"]),
    ("public_ip.ensure", &["ip_address"]),
    ("connection.ensure", &["connection_status"]),
    ("peering.ensure", &["peering_state"]),
    ("circuit.bandwidth", &["bandwidth_mbps"]),
    ("circuit.tier", &["tier"]),
    ("verify.circuit", &["bandwidth_mbps"]),
    ("verify.connection", &["connection_status"]),
    ("vpn_connection.ensure", &["connection_status"]),
    ("verify.tunnel", &["connection_status", "bytes_in"]),
    ("verify.routes", &["prefixes"]),
    ("verify.advertised", &["prefixes"]),
    ("verify.bgp", &["peers_connected"]),
    ("verify.arp", &["entries"]),
    ("verify.circuit_routes", &["prefixes"]),
    ("verify.microsoft_peering", &["prefixes"]),
    ("virtual_hub.ensure", &["routing_state"]),
    ("verify.hub_routes", &["prefixes"]),
    ("decision", &["choice"]),
];

const OPENING: &str = "# Runbook reference

Generated from the table that reads runbooks: `cargo test --test it write_the_generated_documents -- --ignored`.
[runbook.schema.json](runbook.schema.json) is the same for editors; [diagnostics.md](diagnostics.md) lists what
`backroad check` may say. Begin with a shipped runbook rather than here.

## Text

A runbook is one YAML document in UTF-8, without anchors, tags and double keys. Names of steps, parameters, profiles and
roles are `[a-z][a-z0-9_]*`. Unknown keys are errors. A duration is written `90s`, `45m`, `1h30m`, `2d`.

## Expressions

A value may hold `${...}`, of at most 2,048 bytes; `$${` stands for `${` itself. Inside is a part of CEL: texts, numbers,
lists, `== != < <= > >= in + && || !`, and paths that begin with

- `params.NAME`, and further into objects and lists;
- `steps.NAME.FIELD`: what a step puts out. `id` is known beforehand wherever a step is about a resource; `status`
  (how it ended) and every other field only in `when` and `ensure`, and inside what `command` and `http` are
  given: arguments, values, bodies, and URLs behind their host, where it is data whatever it holds. A step of a part or a loop has its longer name:
  `steps.network.gateway.id`, or `steps[\"NAME\"]`;
- `each.key`, `each.value`: the turn of a step with `each`;
- `self.FIELD`: in `ensure`, what the step itself puts out.

A secret parameter may stand only where a key is asked for.

## Columns

*key* is written with what it stands in: `owner.team` is `team` under `owner`, `options[].name` is `name` in each element of
`options`. Keys in **bold** must be there.
";

fn words(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What a value must be, in words.
fn phrase(kind: &Kind) -> String {
    let id = |of: &str| of.rsplit('/').next().unwrap_or_default().to_owned();
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Prose => "prose".to_owned(),
        Kind::Int(min, u64::MAX) => format!("number from {min}"),
        Kind::Int(min, max) => format!("number, {min} to {max}"),
        Kind::Bool => "true or false".to_owned(),
        Kind::Duration => "duration".to_owned(),
        Kind::Cidr => "prefix".to_owned(),
        Kind::Destination => "prefix or service tag".to_owned(),
        Kind::Tags => "text by name".to_owned(),
        Kind::Ip => "address".to_owned(),
        Kind::Region => "region".to_owned(),
        Kind::Id("") => "id".to_owned(),
        Kind::Id(of) => format!("id of one of `{}`", id(of)),
        Kind::IdOrName(of) => format!("name, or id of one of `{}`", id(of)),
        Kind::OneOf(of) => words(of),
        Kind::Secret => "secret parameter".to_owned(),
        Kind::SecretFrom => "`env:NAME`, `file:PATH` or secret parameter".to_owned(),
        Kind::Condition => "condition".to_owned(),
        Kind::List(inner) => format!("list of {}", phrase(inner)),
        Kind::OneOrMany(inner) => format!("{}, or a list", phrase(inner)),
        Kind::Object(_) => "mapping".to_owned(),
        Kind::Names(inner) | Kind::ByText(inner) | Kind::ById(inner) => {
            format!("{} by name", phrase(inner))
        }
        Kind::Step => "step".to_owned(),
        Kind::Any | Kind::Json => "anything".to_owned(),
        Kind::Time => "time".to_owned(),
        Kind::Choice(_) => "word, or a mapping".to_owned(),
        Kind::Resource => "resource".to_owned(),
    }
}

/// The lines of a table: a key, and below it those that stand in it, unless they have a chapter.
fn rows(page: &mut String, within: &str, fields: &[Field], chapters: &[&str]) {
    for field in fields {
        let key = format!("{within}{}", field.key);
        let shown = if field.required { format!("**`{key}`**") } else { format!("`{key}`") };
        page.push_str(&format!("| {shown} | {} | {} |\n", phrase(&field.kind), field.doc));
        if chapters.contains(&key.as_str()) {
            continue;
        }
        let (mut kind, mut key) = (field.kind, key);
        loop {
            match kind {
                Kind::List(inner) | Kind::OneOrMany(inner) => {
                    (kind, key) = (*inner, format!("{key}[]"));
                }
                Kind::Names(inner) => (kind, key) = (*inner, format!("{key}.NAME")),
                Kind::Object(inner) => break rows(page, &format!("{key}."), inner, chapters),
                _ => break,
            }
        }
    }
}

/// Where values come from, after the table of parameters.
const VALUES: &str = "
### Where a value comes from

The first of these that gives one:

1. `--param NAME=VALUE`; the last one of a name counts. The value is taken as text, number or `true`/`false`; for a list or an object it
   is YAML: `--param 'spokes=[vnet-app1, vnet-app2]'`. `--param NAME=@FILE` takes it from a YAML file, whatever its type; a text that
   begins with `@` is written with `@@`.
2. `--params FILE`: a YAML mapping from names to values. May be repeated; the last file goes first. `backroad check RUNBOOK FILE`
   judges it as the runbook declares its parameters, and so does `backroad check FILE` where a comment at its beginning names the runbook
   beside it: `# runbook: NAME.yaml`.
3. `BACKROAD_PARAM_<NAME>` of the environment, the name in upper case, the value written as for `--param` (without `@FILE`). It is said on
   stderr, so that no forgotten variable steers a run unseen. One that is set for another runbook does no harm.
4. The profile's `params`.
5. The parameter's `default`.

A secret has none of these: it has `from`, and is read when it is needed. A value that is wrong is shown where it stands, in the file or
the option that gave it. `backroad params RUNBOOK` prints each parameter with its type, its value and where that comes from;
`plan --out` keeps the values themselves, and `run --plan` takes no others.
";

fn table(page: &mut String, fields: &[Field], chapters: &[&str]) {
    page.push_str("\n| key | is | for |\n|---|---|---|\n");
    rows(page, "", fields, chapters);
}

pub(crate) fn outputs(action: &str) -> &'static [&'static str] {
    OUTPUTS.iter().find(|(name, _)| *name == action).map_or(&[], |(_, fields)| fields)
}

pub(crate) fn reference_page() -> String {
    let mut page = OPENING.to_owned();
    page.push_str("\n## Runbook\n");
    table(&mut page, RUNBOOK, &["params", "profiles", "steps", "defaults.retry"]);
    for (title, about, fields) in [
        ("Parameters", "Under `params`, by name.", PARAM),
        (
            "Profiles",
            "Under `profiles`, by name; `drill` and `live` are taken when none is named.",
            PROFILE,
        ),
        ("Steps", "Under `steps`, by name; each has an `action` or a `use`.", STEP),
        ("Retry", "Under `retry` of a step, or of `defaults`.", RETRY),
    ] {
        page.push_str(&format!("\n## {title}\n\n{about}\n"));
        table(&mut page, fields, &["retry"]);
        if title == "Parameters" {
            page.push_str(VALUES);
        }
    }
    page.push_str("\n## Actions\n\nWhat each takes under `with`.\n");
    for (name, about, fields) in ACTIONS {
        page.push_str(&format!("\n### {name}\n\n{about}\n"));
        table(&mut page, fields, &[]);
        if !outputs(name).is_empty() {
            page.push_str(&format!("\nPuts out {}.\n", words(outputs(name))));
        }
    }
    page
}

#[test]
fn the_reference_names_what_steps_put_out() {
    let known: BTreeSet<&str> = ACTIONS.iter().map(|(name, _, _)| *name).collect();
    assert!(OUTPUTS.iter().all(|(name, _)| known.contains(name)));
    for (runbook, profile) in all_shipped() {
        for step in compiled(&runbook, &profile).1.plan.unwrap().steps() {
            let outputs_of = step.action.outputs();
            let real = outputs_of.iter().map(|(name, _)| *name);
            let real: Vec<&str> = real.filter(|name| *name != "id").collect();
            assert_eq!(outputs(step.action.name()), real, "{}", step.action.name());
        }
    }
}
