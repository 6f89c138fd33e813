//! A document is whole, honest and harmless: every shipped runbook in every format, whatever its texts
//! hold, the same bytes each time.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use backroad::model::{Plan, PlanParts};
use backroad::render::document::{self, Document, Material};
use backroad::render::report::Report;
use backroad::render::template::{SHIPPED, Templates, ViewKind, ViewShape, object_of};
use proptest::prelude::*;
use serde_json::Value;

use crate::generated;
use crate::support::file;
use crate::support::process::{binary, render, text};

/// A key in the shipped worlds.
const KNOWN_KEY: &str = "0f2b7c1e-0000-4000-8000-00000000000a";

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn shipped() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(file("runbooks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    all.sort();
    assert!(all.len() > 5);
    all
}

/// Every text between two marks.
fn between<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

/// Links that lead nowhere, ids that are there twice, headings that skip a level.
fn check_page(page: &str, about: &str) {
    let ids = between(page, " id=\"", '"');
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{about}: an id is there twice");
    for link in between(page, "href=\"#", '"') {
        assert!(unique.contains(link), "{about}: #{link} leads nowhere");
    }
    let mut level = 0;
    for heading in between(page, "<h", '>') {
        let Some(next) = heading.chars().next().and_then(|c| c.to_digit(10)) else { continue };
        assert!(next <= level + 1, "{about}: <h{heading}> after a heading of level {level}");
        level = next;
    }
    assert!(!page.contains("<script") && !page.contains("\"javascript:"), "{about}");
    for outside in ["<img", "@import", "url(", "<link", "<iframe", "<object", "<style>@"] {
        assert!(!page.contains(outside), "{about}: {outside}");
    }
    assert!(page.contains("default-src 'none'"), "{about}: the page forbids itself nothing");
}

fn check_markdown(page: &str, folder: &Path, about: &str) {
    let anchors: BTreeSet<&str> = between(page, "<a id=\"", '"').into_iter().collect();
    for link in between(page, "](#", ')') {
        assert!(anchors.contains(link), "{about}: #{link} leads nowhere");
    }
    let pictures: Vec<&str> =
        between(page, "](", ')').into_iter().filter(|p| p.ends_with(".svg")).collect();
    assert!(pictures.len() >= 3, "{about}: {pictures:?}");
    for picture in pictures {
        let svg = std::fs::read_to_string(folder.join(picture)).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{about}: {picture}");
        assert!(svg.contains("<title") && svg.contains("<desc"), "{about}: {picture}");
    }
    // Every row of a table has as many cells as its head.
    let mut cells = None;
    for line in page.lines() {
        let count = line.replace("\\|", "").matches('|').count();
        match (line.starts_with('|'), cells) {
            (false, _) => cells = None,
            (true, None) => cells = Some(count),
            (true, Some(head)) => assert_eq!(count, head, "{about}: {line}"),
        }
    }
}

/// Steps are numbered from one without a gap, and what they refer to is there.
fn check_view(view: &Value, about: &str) {
    for part in view["parts"].as_array().unwrap() {
        let steps = part["steps"].as_array().unwrap();
        let mut earlier = BTreeSet::new();
        for (n, step) in steps.iter().enumerate() {
            assert_eq!(step["number"], (n + 1).to_string(), "{about}");
            for need in step["needs"].as_array().unwrap() {
                let anchor = need["anchor"].as_str().unwrap();
                assert!(earlier.contains(anchor), "{about}: {anchor} comes later");
            }
            earlier.insert(step["anchor"].as_str().unwrap());
            let azure =
                !matches!(step["kind"].as_str().unwrap(), "gate" | "decision" | "manual" | "wait");
            let check = step["check"].as_array().unwrap();
            assert!(!azure || !check.is_empty(), "{about}: {} has no command", step["name"]);
            let writes = matches!(step["kind"].as_str().unwrap(), "change" | "removal");
            let act = step["act"].as_array().unwrap();
            assert_eq!(writes, !act.is_empty(), "{about}: {}", step["name"]);
        }
        // A runbook that connects nothing has no moment at which the traffic turns.
        let turns = steps.iter().any(|step| {
            // A tunnel carries beside: where it goes, no traffic turns.
            step["action"]
                .as_str()
                .is_some_and(|action| action.contains("connection.") && !action.starts_with("vpn_"))
        });
        let pictures = part["topology"].as_array().unwrap().len();
        assert_eq!(pictures, 2 + usize::from(turns), "{about}: before, during, after");
    }
}

#[test]
fn every_shipped_runbook_is_rendered_in_every_format() {
    for runbook in shipped() {
        let about = runbook.file_stem().unwrap().to_str().unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let page = done(&render(&runbook, &["--without-drills"]));
        check_page(&page, &about);
        let out = folder.path().join("doc.md");
        let words = ["--without-drills", "--format", "md", "-o", out.to_str().unwrap()];
        done(&render(&runbook, &words));
        let markdown = std::fs::read_to_string(&out).unwrap();
        check_markdown(&markdown, folder.path(), &about);
        let view = done(&render(&runbook, &["--without-drills", "--output", "json"]));
        check_view(&serde_json::from_str(&view).unwrap(), &about);
        for text in [&page, &markdown, &view] {
            assert!(!text.contains(KNOWN_KEY), "{about}: a key is in the document");
        }
        // What was not drilled is said, not left out.
        assert!(page.contains("Not proven"), "{about}");
    }
}

const SMALL: &str = r##"
runbook: small
title: "<script>alert(1)</script> | a | b"
owner: { team: "Ops </dd><b>", contact: "[call](javascript:alert(1))" }
objective: { rto: 30m }
description: |
  Use `az` when **all** is lost.

  - first <img src=x onerror=alert(1)>
  - second
not_when: "Never on a <u>Friday</u>."
profiles:
  drill:
    world: WORLD
    people: { approve_after: 1m }
params:
  hub:
    type: resource_id
    description: "The hub | its network"
    default: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworks/vnet-hub-sea
steps:
  go:
    title: "# Not a heading"
    action: approval
    with: { question: "Go? <b>yes</b> | no `x`", expires_after: 5m }
  address:
    title: "1. Address\u202E </text></svg><script>"
    needs: go
    action: public_ip.ensure
    with: { name: pip-x, vnet: "${params.hub}", location: southeastasia }
    why: "Because `a|b` | c"
    looks_good: "<iframe>"
    call: "- nobody"
  table:
    title: "Table \"]; click n0 href javascript"
    needs: address
    undo: pivot
    action: route_table.ensure
    on_failure: undo
    with:
      name: rt-x
      vnet: "${params.hub}"
      location: southeastasia
      routes: [{ name: "r", prefix: 10.0.0.0/8, next_hop: 10.10.10.10 }]
"##;

fn small(folder: &Path) -> PathBuf {
    // A runbook names no world outside its own folder.
    let world = folder.join("worlds/two-circuits.yaml");
    std::fs::create_dir_all(world.parent().unwrap()).unwrap();
    std::fs::copy(file("runbooks/worlds/two-circuits.yaml"), world).unwrap();
    let path = folder.join("small.yaml");
    std::fs::write(&path, SMALL.replace("WORLD", "worlds/two-circuits.yaml")).unwrap();
    path
}

#[test]
fn what_a_runbook_says_is_shown_and_never_becomes_structure() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = small(folder.path());
    let page = done(&render(&runbook, &["--without-drills"]));
    check_page(&page, "small");
    for hostile in ["<script", "<img", "<iframe", "<b>", "</svg><script", "\u{202e}"] {
        assert!(!page.contains(hostile), "{hostile}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; | a | b"));
    let out = folder.path().join("doc.md");
    done(&render(&runbook, &["--without-drills", "--format", "md", "-o", out.to_str().unwrap()]));
    let markdown = std::fs::read_to_string(&out).unwrap();
    check_markdown(&markdown, folder.path(), "small");
    assert!(markdown.starts_with("# \\<script\\>alert(1)\\</script\\> \\| a \\| b\n"));
    assert!(markdown.contains("\n### 1 \\# Not a heading\n"), "{markdown}");
    assert!(!markdown.replace("\\]", "").contains("](javascript"));
    let mermaid = between(&markdown, "```mermaid\n", '`')[0];
    assert!(!mermaid.contains("];") && !mermaid.contains('#'), "{mermaid}");
    let svg = std::fs::read_to_string(folder.path().join("a-order-1.svg")).unwrap();
    assert!(!svg.contains("<script"), "{svg}");
}

#[test]
fn the_same_input_gives_the_same_bytes_and_a_fixed_text() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = small(folder.path());
    for format in ["html", "md"] {
        let once = done(&render(&runbook, &["--format", format]));
        let again = done(&render(&runbook, &["--format", format]));
        let differs = once.lines().zip(again.lines()).find(|(a, b)| a != b);
        assert!(once == again, "{format}: {differs:?}");
        if format == "md" {
            // The digests follow every change of the templates, and the text of the world's path.
            let mut lines: Vec<String> = Vec::new();
            for line in once.lines() {
                let is_digest = ["| Runbook |", "| Plan |", "| Templates |", "Runbook `"]
                    .iter()
                    .any(|start| line.starts_with(start) && line.contains('`'));
                let world = line.contains("/two-circuits.yaml");
                if !is_digest && !world {
                    lines.push(line.to_owned());
                }
            }
            insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
                insta::assert_snapshot!("document-small", lines.join("\n"));
            });
        }
    }
}

#[test]
fn several_forms_are_written_at_once_as_each_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = small(folder.path());
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let all = ["a.html", "a.MD", "a.sh", "a"].map(place);
    done(&render(&runbook, &all.iter().flat_map(|out| ["-o", out]).collect::<Vec<_>>()));
    for (out, format) in all.iter().zip(["html", "md", "sh", "html"]) {
        let alone = done(&render(&runbook, &["--format", format]));
        let together = std::fs::read_to_string(out).unwrap();
        assert!(together.trim_end() == alone.trim_end(), "{out} is another than {format}");
    }
    let (once, other) = (place("b.html"), place("c.html"));
    for (words, why) in [
        (["-o", &once, "-o", &once, "--without-drills"], "is there twice"),
        (["-o", &once, "-o", &other, "--format=md"], "`-o` names several places"),
    ] {
        let refused = render(&runbook, &words);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
        assert!(!Path::new(&once).exists(), "nothing is written");
    }
}

#[test]
fn each_fault_is_drilled_and_what_the_executor_does_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let view = done(&render(&small(folder.path()), &["--output", "json"]));
    let view: Value = serde_json::from_str(&view).unwrap();
    let matrix = &view["parts"][0]["matrix"];
    let cell = |step: &str, fault: &str| -> (String, String) {
        let row = matrix["rows"].as_array().unwrap().iter().find(|row| row["step"]["name"] == step);
        let cells = row.unwrap()["cells"].as_array().unwrap();
        let cell = cells.iter().find(|cell| cell["fault"] == fault).unwrap();
        (cell["verdict"].as_str().unwrap().to_owned(), cell["text"].as_str().unwrap().to_owned())
    };
    // The view of one step, whole: what templates and machines rely on.
    let table = &view["parts"][0]["steps"][2];
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_json_snapshot!("document-step-view", table);
    });
    assert_eq!(cell("address", "Answer lost").0, "recovers");
    assert_eq!(
        cell("address", "Forbidden"),
        ("stops".to_owned(), "AuthorizationFailed".to_owned())
    );
    // The author asked for it, and it is what happens.
    assert_eq!(cell("table", "Forbidden").0, "undoes");
    assert_eq!(cell("table", "Never ends"), ("stops".to_owned(), "time is up".to_owned()));
    assert_eq!(cell("table", "Fails once").0, "recovers");
    assert_eq!(matrix["unhandled"], 0);
    assert!(matrix["days"].as_array().unwrap().len() >= 20);
    assert_eq!(matrix["digest"].as_str().unwrap().len(), 64);
    assert_eq!(view["warnings"].as_array().unwrap().len(), 0, "{}", view["warnings"]);
    // It proves no network, and none is said to be wanted.
    assert!(view["parts"][0]["reach"].as_array().unwrap().iter().all(|row| row["wanted"] == false));
}

#[test]
fn an_unhandled_cell_cannot_be_missed() {
    use backroad::render::document::material::{Cell, Handling, Matrix};
    let (mut material, _) = generated_material(7);
    let step = material.plan.steps()[0].name.clone();
    let cell = Cell { handling: Handling::Unhandled, text: "the world is another".to_owned() };
    material.matrix = Some(Matrix {
        faults: vec![("x".to_owned(), "X".to_owned(), "X happens.".to_owned())],
        cells: BTreeMap::from([((step, "x".to_owned()), cell)]),
        ..Matrix::default()
    });
    let templates = Templates::new(&BTreeMap::new()).unwrap();
    let view = document::document(&material, None, &templates, None);
    assert!(view.warnings.iter().any(|warning| warning.text.contains("not handled")));
    let page = document::html(&view, &templates).unwrap().text;
    assert!(page.contains("UNHANDLED") && page.contains("Do not rely on the executor there"));
    let text = document::markdown(&view, &[&material], &templates).unwrap().text;
    assert!(text.contains("NOT HANDLED"));
}

#[test]
fn the_last_drill_is_told_with_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = small(folder.path());
    let state = folder.path().join("state");
    let run = |words: &[&str]| {
        let mut command = binary();
        command.arg("--state-dir").arg(&state).args(words).arg(&runbook);
        done(&command.stdin(Stdio::null()).output().unwrap())
    };
    let before = run(&["render", "--without-drills"]);
    assert!(before.contains("none is known where this document was made"));
    run(&["drill"]);
    let after = run(&["render", "--without-drills", "--profile", "drill"]);
    assert!(after.contains("Drilled on 20") && after.contains("within the objective"), "{after}");
    assert!(!after.contains("have changed since"));
    let text = std::fs::read_to_string(&runbook).unwrap().replace("rt-x", "rt-y");
    std::fs::write(&runbook, text).unwrap();
    assert!(run(&["render", "--without-drills"]).contains("have changed since"));
}

#[test]
fn a_team_replaces_one_template_and_a_wrong_name_in_it_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = small(folder.path());
    let own = folder.path().join("templates");
    std::fs::create_dir_all(own.join("runbook")).unwrap();
    let step = own.join("runbook/step.html");
    let own = own.to_str().unwrap().to_owned();
    let words = ["--without-drills", "--templates", &own];
    std::fs::write(&step, "<p>OURS {{ step.number }}: {{ step.title }}</p>").unwrap();
    let page = done(&render(&runbook, &words));
    assert!(page.contains("<p>OURS 1: # Not a heading</p>") && page.contains("Checklist"));
    std::fs::write(&step, "<p>\n{% if step.titel %}x{% endif %}</p>").unwrap();
    let refused = render(&runbook, &words);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("runbook/step.html:2") && said.contains("`titel`"), "{said}");
}

#[test]
fn shipped_templates_trust_pictures_and_nothing_else() {
    for (name, text) in SHIPPED {
        for part in text.split("| safe").collect::<Vec<_>>().split_last().unwrap().1 {
            let is_picture = [".svg", "_svg"].iter().any(|end| part.trim_end().ends_with(end));
            assert!(is_picture, "{name}: …{}", &part[part.len() - 40..]);
        }
    }
}

fn generated_material(seed: u64) -> (Material, u64) {
    (plain(generated::plan_of(seed)), seed)
}

fn plain(plan: Plan) -> Material {
    Material {
        plan,
        source_digest: "0".repeat(64),
        parameters: Vec::new(),
        profiles: Vec::new(),
        known: None,
        drill: None,
        matrix: None,
        refused: Vec::new(),
        undrilled: None,
    }
}

fn both(material: &Material, templates: &Templates) -> (Document, String, String) {
    let view = document::document(material, None, templates, None);
    let page = document::html(&view, templates).unwrap().text;
    let text = document::markdown(&view, &[material], templates).unwrap().text;
    (view, page, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_plan_with_any_texts_renders_and_renders_the_same(
        seed in 0u64..10_000,
        texts in prop::collection::vec(any::<String>(), 6),
    ) {
        let mut parts: PlanParts = generated::plan_of(seed).into();
        parts.title.clone_from(&texts[0]);
        parts.prose.why = Some(texts[1].clone());
        for step in &mut parts.steps {
            step.title.clone_from(&texts[2]);
            step.prose.why = Some(texts[3].clone());
            step.prose.by_hand = Some(texts[4].clone());
            step.prose.call = Some(texts[5].clone());
        }
        let material = plain(Plan::new(parts).unwrap());
        let templates = Templates::new(&BTreeMap::new()).unwrap();
        let (_, page, text) = both(&material, &templates);
        check_page(&page, "generated");
        let (_, again, text_again) = both(&material, &templates);
        prop_assert!(page == again && text == text_again);
        // As many cells of each kind as the same plan without texts: none opened or closed one.
        let bare = |page: &str| page.matches("<td").count() + page.matches("<p").count();
        prop_assert!(bare(&page) > 10);
    }
}

/// docs/templates.md: every view with its fields, from the types themselves.
pub(crate) fn templates_page() -> String {
    let mut page = "# What a template sees\n\nGenerated from the types: \
        `cargo test --test it write_the_generated_documents -- --ignored`. [documents.md](documents.md) says how a \
        team makes its own look.\n\nThe templates, replaceable one by one with `--templates DIR`:\n\n"
        .to_owned();
    for (name, _) in SHIPPED {
        page.push_str(&format!("- `{name}`\n"));
    }
    page.push_str(
        "\nFilters beside tera's own: `prose` (paragraphs, items and code of an author's text), `line` (one line of \
         it); in `.html` also `path` (a long one may break after a slash); in `.md` also `code` and `fenced(language=\"sh\")`. Every other value is escaped for the ending of its \
         template's name.\n",
    );
    let mut waiting = vec![Document::kind(), Report::kind()];
    let mut known = BTreeSet::new();
    while !waiting.is_empty() {
        let kind: ViewKind = waiting.remove(0);
        let Some(object) = object_of(kind) else { continue };
        if !known.insert(object.name) {
            continue;
        }
        page.push_str(&format!(
            "\n## {}\n\n{}\n\n| name | is | says |\n|---|---|---|\n",
            object.name, object.doc
        ));
        for field in object.fields {
            page.push_str(&format!(
                "| `{}` | {} | {} |\n",
                field.name,
                field.kind.phrase(),
                field.doc
            ));
            waiting.push(field.kind);
        }
    }
    page
}
