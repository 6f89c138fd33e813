//! Whoever cites a book finds it on the shelf: every reference in sources, tests, scripts and documents leads
//! to a file and a section that exist.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backroad::sim::Scenario;
use serde_json::Value;

use crate::support::file;

/// Where citations stand; and the single files beside these folders.
const FOLDERS: [&str; 9] = [
    "src",
    "tests",
    "benches",
    "scripts",
    "fuzz/fuzz_targets",
    "runbooks",
    "templates",
    "docs",
    ".ci",
];
const FILES: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml"];

/// The books with numbered sections, by the names that they are cited by.
const BOOKS: [(&str, &str); 3] = [
    ("azure-facts", "docs/azure-facts.md"),
    ("wire.md", "docs/wire.md"),
    ("storage.md", "docs/storage.md"),
];

/// Books that stand on nobody's shelf.
const GONE: [&str; 4] = ["WIRE.md", "state-engines", "product.md", "style-anchors"];

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "snapshots" {
            walk(&path, found);
        } else if path.is_file() && name != "books.rs" {
            found.push(path);
        }
    }
}

/// Every text that may cite, by its path from the root.
fn texts() -> Vec<(String, String)> {
    let mut found: Vec<PathBuf> = FILES.iter().map(|name| file(name)).collect();
    FOLDERS.iter().for_each(|folder| walk(&file(folder), &mut found));
    found.sort();
    let root = file("");
    let name = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    let text = |path: &PathBuf| std::fs::read_to_string(path).ok();
    found.iter().filter_map(|path| Some((name(path), text(path)?))).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap()
}

/// The numbers of a book's chapters and sections, and of the items of a chapter that is a list.
fn sections(path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut chapter = String::new();
    for line in read(path).lines() {
        let heading = line.strip_prefix("### ").or_else(|| line.strip_prefix("## "));
        if let Some((number, _)) = heading.and_then(number) {
            chapter = number.to_owned();
            found.insert(chapter.clone());
        } else if let Some((item, rest)) = number(line)
            && rest.starts_with(". ")
        {
            found.insert(format!("{chapter}.{item}"));
        }
    }
    found
}

/// A number such as `5` or `5.2` at the beginning, and what comes after it.
fn number(text: &str) -> Option<(&str, &str)> {
    let mut end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    while text[..end].ends_with('.') {
        end -= 1;
    }
    text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.split_at(end))
}

/// The numbers that are cited here: `5.2`, `1 and 3`, `5.2 to 5.4`, `5.6, 1.9`.
fn numbers(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut next = number(text);
    while let Some((one, rest)) = next {
        found.push(one);
        let joined = [", ", " and ", " to ", "–"].iter().find_map(|word| rest.strip_prefix(word));
        next = joined.and_then(number);
    }
    found
}

/// Each place in a text where a word stands by itself, and what comes after it.
fn after<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(word).filter_map(move |(place, _)| {
        let before = text[..place].chars().next_back();
        let alone = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
        alone.then(|| &text[place + word.len()..])
    })
}

/// A comment's text may be broken anywhere: two lines of it are one line here.
fn joined(text: &str) -> String {
    let mut whole = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        let bare = ["///", "//!", "//", "#"].iter().find_map(|mark| line.strip_prefix(mark));
        match bare {
            Some(rest) if !line.starts_with("##") => whole.push_str(rest),
            _ => {
                whole.push('\n');
                whole.push_str(line);
            }
        }
    }
    whole
}

#[test]
fn every_cited_section_exists() {
    let mut wrong = Vec::new();
    let mut cited = 0;
    for (book, path) in BOOKS {
        let sections = sections(path);
        for (name, text) in texts() {
            let text = joined(&text);
            for rest in after(&text, book) {
                let rest = rest.strip_prefix(".md").unwrap_or(rest).trim_start_matches(['`', ')']);
                let Some(rest) = rest.strip_prefix(' ') else { continue };
                // `azure-facts PEER-L3-PROVIDER`: a rule of Azure's by its name.
                let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
                let named = rest.split(|c| !is_name(c)).next().unwrap_or_default();
                if named.contains('-') && !read(path).contains(&format!("**{named}**")) {
                    wrong.push(format!("{name}: {path} does not know {named}"));
                }
                for number in numbers(rest) {
                    cited += 1;
                    if !sections.contains(number) {
                        wrong.push(format!("{name}: {path} has no section {number}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cited > 100, "{cited} citations were understood");
}

#[test]
fn no_book_is_cited_that_is_not_here() {
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        for (place, line) in text.lines().enumerate() {
            for gone in GONE.iter().filter(|gone| line.contains(*gone)) {
                wrong.push(format!("{name}:{}: there is no {gone}", place + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The sources of the facts, by key: `E-GW`, `S-ERASR`.
fn sources() -> BTreeSet<String> {
    let text = read("docs/azure-facts.md");
    let legend = text.split("\n## 8.").nth(1).unwrap().split("\n## 9.").next().unwrap().to_owned();
    let rows = legend.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    rows.flat_map(|keys| keys.split(", ")).map(str::to_owned).collect()
}

#[test]
fn every_source_that_is_named_is_in_the_legend() {
    let sources = sources();
    assert!(sources.contains("E-GW") && sources.contains("SEED") && sources.len() > 60);
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        if !name.starts_with("src/preflight") && !name.starts_with("docs/") {
            continue;
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for word in words {
            let Some((family, key)) = word.split_once('-') else { continue };
            let is_key = ["S", "E", "N", "A", "R", "X", "G", "T"].contains(&family)
                && key.len() > 1
                && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            let is_thread = family == "I" && key.starts_with(|c: char| c.is_ascii_digit());
            if (is_key || is_thread) && !sources.contains(word) {
                wrong.push(format!("{name}: {word} is no source of azure-facts 8"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The decisions' files, in order.
fn decisions() -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(file("docs/decisions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    found.sort();
    found
}

#[test]
fn decisions_have_one_form_and_stand_in_the_index() {
    let index = read("docs/decisions/README.md");
    let mut wrong = Vec::new();
    for name in decisions() {
        let text = read(&format!("docs/decisions/{name}"));
        let place: u32 = name.get(..4).and_then(|number| number.parse().ok()).unwrap();
        let title = text.lines().next().unwrap_or_default();
        let Some(title) = title.strip_prefix(&format!("# {place}. ")) else {
            wrong.push(format!("{name} does not begin with `# {place}. `"));
            continue;
        };
        if !index.contains(&format!("| [{place}]({name}) | {title} |")) {
            wrong.push(format!("{name} is not in docs/decisions/README.md as it is titled"));
        }
        let parts = ["\n**Context.**", "\n**Choice.**", "\n**Consequence.**"];
        let places: Vec<Option<usize>> = parts.iter().map(|part| text.find(part)).collect();
        if places.contains(&None) || !places.is_sorted() {
            wrong.push(format!("{name} is not context, choice, consequence"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_decision_that_is_named_exists() {
    let numbers_of: BTreeSet<String> =
        decisions().iter().map(|name| name[..4].trim_start_matches('0').to_owned()).collect();
    let index = read("docs/decisions/README.md");
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        let whole = joined(&text);
        for word in ["decision ", "decisions "] {
            for rest in after(&whole, word) {
                for number in numbers(rest).into_iter().filter(|n| !numbers_of.contains(*n)) {
                    wrong.push(format!("{name}: there is no decision {number}"));
                }
            }
        }
        // D8 and its like are names of decisions in comments only; elsewhere they may be anything.
        for line in text.lines().filter_map(|line| Some(line.split_once("//")?.1)) {
            for rest in after(line, "D") {
                let Some((number, rest)) = number(rest) else { continue };
                let is_name = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                if is_name && number.len() < 3 && !index.contains(&format!("(D{number})")) {
                    wrong.push(format!("{name}: there is no decision D{number}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_document_that_is_named_exists() {
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        for rest in after(&text, "docs/") {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c));
            let path = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '/']);
            // `docs/decisions/NNNN-title.md` shows a form.
            let is_path = path.contains('.') && !path.contains("NNNN");
            if is_path && !file(&format!("docs/{path}")).exists() {
                wrong.push(format!("{name}: there is no docs/{path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The anchors of a page, as they are made of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        if !name.ends_with(".md") || name.starts_with("templates/") {
            continue;
        }
        let folder = Path::new(&name).parent().unwrap().to_owned();
        for (place, _) in text.match_indices("](") {
            let link = text[place + 2..].split([')', ' ']).next().unwrap_or_default();
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") || link.is_empty() {
                continue;
            }
            let target =
                if path.is_empty() { file(&name) } else { file("").join(&folder).join(path) };
            if !target.exists() {
                wrong.push(format!("{name}: {link} leads nowhere"));
            } else if !anchor.is_empty()
                && !anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor)
            {
                wrong.push(format!("{name}: {link} names no heading"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_example_of_a_world_is_one() {
    let page = read("docs/world.md");
    let mut examples =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let whole = examples.next().unwrap();
    Scenario::parse("docs/world.md", whole).unwrap();
    let mut parts = 0;
    for part in examples {
        let mut world: serde_json::Map<String, Value> = serde_yaml::from_str(whole).unwrap();
        let keys: serde_json::Map<String, Value> = serde_yaml::from_str(part).unwrap();
        world.extend(keys);
        let text = serde_yaml::to_string(&world).unwrap();
        let read = Scenario::parse("docs/world.md", &text);
        assert!(read.is_ok(), "{read:?} in\n{part}");
        parts += 1;
    }
    assert!(parts > 5, "{parts}");
}

/// The fields of a struct, or the variants of an enum as they are written, from a source.
fn names_in(path: &str, item: &str) -> Vec<String> {
    let text = read(path);
    let Some(body) = text.split(&format!("pub {item} {{\n")).nth(1) else {
        panic!("{path} has no {item}");
    };
    let body = body.split("\n}").next().unwrap();
    let is_struct = item.starts_with("struct");
    let mut names = Vec::new();
    for line in body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
        let line = line.trim();
        let field = line.strip_prefix("pub ").and_then(|rest| rest.split(':').next());
        match field {
            Some(field) if is_struct => names.push(field.to_owned()),
            None if !is_struct && line.starts_with(|c: char| c.is_ascii_uppercase()) => {
                let variant: String = line.chars().take_while(|c| c.is_alphanumeric()).collect();
                let mut snake = String::new();
                for c in variant.chars() {
                    if c.is_ascii_uppercase() && !snake.is_empty() {
                        snake.push('_');
                    }
                    snake.push(c.to_ascii_lowercase());
                }
                names.push(snake);
            }
            _ => {}
        }
    }
    assert!(!names.is_empty(), "{path}: {item}");
    names
}

#[test]
fn every_key_of_a_world_is_described() {
    let page = read("docs/world.md");
    let mut wrong = Vec::new();
    for (path, item) in [
        ("src/sim/scenario.rs", "struct Scenario"),
        ("src/sim/scenario.rs", "struct Outage"),
        ("src/sim/scenario.rs", "enum OutageWrites"),
        ("src/sim/scenario.rs", "enum OutageReads"),
        ("src/sim/scenario.rs", "enum Overlap"),
        ("src/sim/scenario.rs", "struct Latency"),
        ("src/sim/scenario.rs", "struct ResourceGroup"),
        ("src/sim/scheduled_event.rs", "struct ScheduledEvent"),
        ("src/sim/scheduled_event.rs", "struct ScheduledChange"),
        ("src/sim/fault.rs", "struct Fault"),
        ("src/sim/fault.rs", "enum FaultEffect"),
        ("src/sim/governance.rs", "struct Grant"),
        ("src/sim/governance.rs", "struct Lock"),
        ("src/sim/network/onprem.rs", "struct OnPrem"),
        ("src/sim/network/onprem.rs", "struct Site"),
        ("src/sim/network/onprem.rs", "struct Link"),
        ("src/sim/resiliency.rs", "struct SiteTest"),
        ("src/sim/bad_day.rs", "struct BadDay"),
    ] {
        for name in names_in(path, item) {
            if !page.contains(&format!("`{name}`")) && !page.contains(&format!("`{name}: {{")) {
                wrong.push(format!("docs/world.md does not say what `{name}` of {item} is"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn decisions_are_numbered_without_holes_and_each_is_in_the_index() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let all = std::fs::read_dir(&folder).unwrap();
    let mut names: Vec<String> = all
        .map(|own| own.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert!(names.len() > 80, "{}", names.len());
    for (place, name) in names.iter().enumerate() {
        let number = place + 1;
        assert!(name.starts_with(&format!("{number:04}-")), "{number} is {name}");
        assert!(index.contains(&format!("[{number}]({name})")), "{name} is not in the index");
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.starts_with(&format!("# {number}. ")), "{name}");
    }
}
