//! No circle between the files of a room, but for those with a reason: what goes around cannot be read from a
//! beginning.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::sources::texts;

/// Circles that stay, by the first file of each, and why. A circle may lose files; it may not gain any.
const REASONS: &[(&str, usize, &str)] = &[
    ("azure::error", 2, "a refusal names the tenant, which is read from how a refusal is told"),
    (
        "render::steps_text",
        2,
        "a summary has a table of its steps, which tells spans as the summary does",
    ),
    (
        "render::truth",
        4,
        "the truth about a run is told of its view, and stands in it; so are the words about a step and what a drill reached",
    ),
    (
        "azure::service::body",
        3,
        "a body is compared by the table, which asks how a body is read, and is taken back by what compares",
    ),
    ("sim::cloud::deploying", 3, "a template may deploy another, which is deployed as any"),
    ("cli::args", 13, "the grammar names what each verb takes, and verbs say how they are driven"),
    (
        "model::action",
        9,
        "an action may be one of a family of its own, which puts out what actions put out; one that is not \
         Azure's also says what it calls, and what is done about a missing answer",
    ),
    (
        "plan::actions",
        7,
        "each family of actions is read with the reader of actions, which names the families",
    ),
    ("plan::compile", 5, "a part is compiled as the runbook that uses it is"),
    (
        "preflight::facts",
        28,
        "the list of rules names each rule, and each rule asks by the list of questions",
    ),
    (
        "render::document::step_view",
        2,
        "the view of a document holds the views of its steps, which hold its words",
    ),
    (
        "runbook::actions",
        3,
        "a family's fields name types as all do, and the table of all names the families",
    ),
    ("runbook::diagnostic", 3, "a mistake shows its source, and reading a source finds mistakes"),
    (
        "sim::azure_policy",
        18,
        "the world is written to by its resources, which ask the world; its file is read for it and written of it",
    ),
    (
        "sim::server::admin",
        3,
        "the server has paths of its own for tests and for signing in, which serve as it does",
    ),
    ("store::growing", 4, "a run's folder opens its journal, and a journal lies in a run's folder"),
    ("store::evidence", 2, "evidence is checked as it was written"),
    (
        "render::document::last_path",
        3,
        "a family's effects are told in the words of all, which name the families",
    ),
    (
        "sim::network::estate",
        6,
        "what is routed over a tunnel or a hub depends on what else is routed",
    ),
    ("sim::provider::hub", 3, "a hub shows its gateway and its networks, and each of them its hub"),
];

/// The text of each module before its tests, without comments and strings, by the module's path.
fn modules() -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    for (file, text) in texts() {
        let mut parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        if parts.contains(&"tests") {
            continue;
        }
        let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        modules.insert(parts.join("::"), code(before_tests));
    }
    modules
}

fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        let mut kept = String::new();
        for c in line.chars() {
            if c == '"' && before != '\\' && before != '\'' {
                quoted = !quoted;
            } else if c == '/' && before == '/' && !quoted {
                kept.pop();
                break;
            } else if !quoted {
                kept.push(c);
            }
            before = c;
        }
        code.push_str(&kept);
        code.push('\n');
    }
    code
}

/// The paths of a tree of `use`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        paths.push(format!("{prefix}{}", tree.split(" as ").next().unwrap_or_default().trim()));
        return;
    };
    let (head, rest) = tree.split_at(open);
    let Some(close) = rest.rfind('}') else { return };
    let (mut depth, mut from) = (0_usize, 1);
    let body = &rest[..close];
    for (at, c) in body.char_indices().skip(1) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&format!("{prefix}{head}"), &body[from..at], paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !body[from..].trim().is_empty() {
        expand(&format!("{prefix}{head}"), &body[from..], paths);
    }
}

/// Paths that begin at `crate`, `super` or `self`.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let line = statement.trim_start();
        let start = ["use ", "pub use ", "pub(super) use ", "pub(crate) use "];
        let last = line.rsplit('\n').next().unwrap_or(line);
        for text in [line, last.trim_start()] {
            if let Some(head) = start.iter().find(|head| text.starts_with(**head)) {
                expand("", &text[head.len()..], &mut paths);
            }
        }
        // A `use` of several lines that does not begin its statement: after attributes.
        if let Some(at) = line.find("\nuse ") {
            expand("", &line[at + 5..], &mut paths);
        }
    }
    // What a module lets through of its children is no way round.
    paths.retain(|path| ["crate::", "super::", "self::"].iter().any(|head| path.starts_with(head)));
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    for text in code.split(|c| !word(c)) {
        if ["crate::", "super::", "self::"].iter().any(|head| text.starts_with(head)) {
            paths.push(text.trim_end_matches(':').to_owned());
        }
    }
    paths
}

/// Which modules of its own room a module names.
fn arrows(modules: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut arrows = BTreeMap::new();
    for (module, code) in modules {
        let to: &mut BTreeSet<&str> = arrows.entry(module.as_str()).or_default();
        for path in paths(code) {
            let mut at: Vec<&str> = module.split("::").collect();
            for part in path.split("::") {
                match part {
                    "crate" => at.clear(),
                    "self" => {}
                    "super" => drop(at.pop()),
                    name => at.push(name),
                }
            }
            let found =
                (1..=at.len()).rev().find_map(|n| modules.get_key_value(&at[..n].join("::")));
            let room = |module: &str| module.split("::").next().map(str::to_owned);
            if let Some((other, _)) = found
                && other != module
                && room(other) == room(module)
            {
                to.insert(other.as_str());
            }
        }
    }
    arrows
}

fn reached<'a>(from: &'a str, arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(at) = left.pop() {
        for &next in arrows.get(at).into_iter().flatten() {
            if seen.insert(next) {
                left.push(next);
            }
        }
    }
    seen
}

#[test]
fn the_files_of_a_room_do_not_go_around_but_for_a_reason() {
    let modules = modules();
    let arrows = arrows(&modules);
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|module| (*module, reached(module, &arrows))).collect();
    let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (module, far) in &reach {
        if far.contains(module) {
            let back = far.iter().filter(|other| reach[**other].contains(module));
            circles.insert(back.copied().collect());
        }
    }
    let mut wrong = Vec::new();
    for circle in &circles {
        let known = REASONS.iter().find(|(first, _, _)| circle.contains(first));
        match known {
            Some((_, most, _)) if circle.len() <= *most => {}
            Some((first, most, _)) => {
                wrong.push(format!("the circle of {first} had {most} files, and has {circle:?}"));
            }
            None => wrong.push(format!("a new circle: {}", circle.join(" → "))),
        }
    }
    for &(first, _, why) in REASONS {
        let stands = circles.iter().any(|circle| circle.contains(&first));
        assert!(
            stands || !wrong.is_empty(),
            "{first} goes around no more ({why}): take it off the list"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(modules.len() > 300 && arrows.values().map(BTreeSet::len).sum::<usize>() > 500);
}
