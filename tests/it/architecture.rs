//! The house stays as it was drawn: what a room may use, sizes of files, who may print.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::support::sources::{sources, texts};

/// Which rooms a room may use; the table of docs/architecture.md.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("outward", &[]),
    ("model", &[]),
    ("serving", &[]),
    ("arm", &["model"]),
    ("runbook", &["model"]),
    ("plan", &["model", "runbook"]),
    ("engine", &["model", "outward"]),
    ("store", &["model", "engine"]),
    ("preflight", &["model", "arm", "engine"]),
    ("azure", &["model", "arm", "engine", "preflight", "outward"]),
    ("sim", &["model", "arm", "runbook", "engine", "azure", "serving"]),
    ("outside", &["model", "engine", "preflight", "outward"]),
    ("notify", &["model", "engine", "outward", "outside", "render"]),
    ("drill", &["model", "engine", "azure", "outside", "sim", "store"]),
    ("init", &["model", "arm", "runbook", "sim"]),
    ("render", &["model", "arm", "runbook", "plan", "preflight", "engine", "outward"]),
    ("web", &["model", "engine", "store", "render", "outward", "serving"]),
    (
        "cli",
        &[
            "outward",
            "model",
            "arm",
            "runbook",
            "plan",
            "preflight",
            "engine",
            "store",
            "azure",
            "outside",
            "drill",
            "sim",
            "init",
            "notify",
            "render",
            "web",
        ],
    ),
];

/// Lines of a file before its tests, with some room for a table that reads better whole.
const LINES_MAX: usize = 500;

/// Lines of a function; a test's story may be longer.
const FUNCTION_LINES_MAX: usize = 60;

/// Functions that are longer because they are a table, which reads better whole: where, which, and of what.
const TABLES: &[(&str, &str, &str)] = &[
    ("cli/command/sim_env.rs", "told", "what each tool is told, to type"),
    ("notify/maker.rs", "told", "the message that each event makes"),
    ("plan/actions.rs", "build", "each action's name and what it is made of"),
    ("render/by_hand/verify.rs", "verification", "how each look is done by hand"),
    ("render/document/part.rs", "part", "a literal: the chapters of a runbook"),
    ("render/document/words.rs", "changes", "a sentence for each action"),
    ("render/line.rs", "progress", "a line for each event"),
    ("render/machine/fields.rs", "of_run", "the fields of each event about the run"),
    ("render/typical.rs", "typical", "how long each action takes, with its source"),
    ("runbook/schema.rs", "value", "the schema of each kind of value"),
    ("sim/cloud/function.rs", "plain", "each function of templates"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Path under `src`, and the text before the file's tests.
fn files() -> Vec<(String, String)> {
    let before_tests =
        |text: String| text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    texts().into_iter().map(|(name, text)| (name, before_tests(text))).collect()
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
}

#[test]
fn every_room_uses_only_what_it_may() {
    let rooms: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(room, may)| (*room, may.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let Some((room, _)) = name.split_once('/') else {
            continue;
        };
        let Some(may) = rooms.get(room) else {
            wrong.push(format!("{name}: `{room}` is not a room"));
            continue;
        };
        for (place, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for used in code.split("crate::").skip(1) {
                let used: String =
                    used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let is_room = rooms.contains_key(used.as_str());
                if is_room && used != room && !may.contains(used.as_str()) {
                    wrong.push(format!("src/{name}:{}: {room} may not use {used}", place + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_knows_the_database_and_only_the_transport_the_network() {
    let only = [
        ("sled::", vec!["store/"]),
        ("slatedb::", vec!["store/shared/"]),
        ("object_store::", vec!["store/shared/", "cli/shared"]),
        ("reqwest::", vec!["azure/transport", "cli/collector", "cli/control", "outside/web"]),
        ("hickory_resolver::", vec!["outside/probe"]),
        ("lettre::", vec!["notify/mail"]),
        ("tokio::process::", vec!["outside/program"]),
        ("azure_mgmt_network::", vec!["azure/"]),
        ("azure_identity::", vec!["azure/token", "azure/certificate"]),
        ("saphyr_parser::", vec!["runbook/"]),
        ("std::env::", vec!["cli/settings.rs"]),
        ("clap::", vec!["cli/"]),
    ];
    let mut wrong = Vec::new();
    for (name, text) in files() {
        for (word, homes) in &only {
            let at_home = homes.iter().any(|home| name.starts_with(home));
            let used = text.lines().any(|l| l.split("//").next().unwrap_or("").contains(word));
            if used && !at_home {
                wrong.push(format!("src/{name} uses {word}, which belongs to {homes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_its_question_and_is_of_a_readable_size() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        if !text.starts_with("//!") {
            wrong.push(format!("src/{name} does not open with a module doc"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX && !is_test_file(&name) {
            wrong.push(format!("src/{name} has {lines} lines before its tests"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The functions of a formatted file: name, and lines from its head to the brace that closes it.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start().split("//").next().unwrap_or_default();
        let Some((before, after)) = head.split_once("fn ") else { continue };
        let words = ["pub", "const", "async", "extern"];
        let is_head =
            before.split_whitespace().all(|word| words.iter().any(|w| word.starts_with(w)));
        let name: String =
            after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !is_head || name.is_empty() {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        // What is said on its head's own lines alone ends with the head: a signature, or `{ value }`.
        let mut body = lines[begin..].iter().enumerate();
        let end = body.find(|(at, line)| {
            let signature = line.starts_with(&close.replace('}', ")")) && line.ends_with(';');
            **line == close
                || signature
                || (*at == 0 && (line.ends_with(';') || line.ends_with('}')))
        });
        if let Some((at, _)) = end {
            functions.push((name, at + 1));
        }
    }
    functions
}

#[test]
fn every_function_says_one_thing_but_for_tables() {
    let mut wrong = Vec::new();
    let mut long: BTreeSet<(String, String)> = BTreeSet::new();
    let mut count = 0;
    for (name, text) in files().into_iter().filter(|(name, _)| !is_test_file(name)) {
        for (function, lines) in functions(&text) {
            count += 1;
            if lines <= FUNCTION_LINES_MAX {
                continue;
            }
            if !TABLES.iter().any(|(file, table, _)| *file == name && *table == function) {
                wrong.push(format!("src/{name}: `{function}` has {lines} lines"));
            }
            long.insert((name.clone(), function));
        }
    }
    for (file, function, what) in TABLES {
        if !long.contains(&((*file).to_owned(), (*function).to_owned())) {
            wrong.push(format!("src/{file}: `{function}` ({what}) is short: take it off the list"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 3_000, "{count} functions were found");
}

#[test]
fn only_the_ui_prints_and_only_main_exits() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        for (place, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let prints = ["println!", "eprintln!", "print!(", "eprint!(", "dbg!("]
                .iter()
                .any(|word| code.contains(word));
            if prints && name != "cli/ui.rs" {
                wrong.push(format!("src/{name}:{}: only cli/ui.rs prints", place + 1));
            }
            if code.contains("process::exit") && name != "main.rs" {
                wrong.push(format!("src/{name}:{}: only main.rs ends the process", place + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file comes to be in one place: whole, durable, and through no link.
#[test]
fn only_one_writer_makes_files_and_only_one_reader_opens_what_a_person_names() {
    let makes = ["fs::write(", "File::create", "create_new(", "fs::rename(", "hard_link("];
    let opens = ["fs::read(", "fs::read_to_string(", "File::open(", "OpenOptions"];
    // What is appended to, locked or copied as it lies; and what the system says of itself.
    let opens_too = [
        "store/",
        "cli/clock.rs",
        "azure/certificate.rs",
        "azure/secret.rs",
        "azure/token.rs",
        "cli/account.rs",
        "cli/azure.rs",
    ];
    let mut wrong = Vec::new();
    for (name, text) in files().into_iter().filter(|(name, _)| !is_test_file(name)) {
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        for (place, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let made = makes.iter().any(|word| code.contains(word)) && name != "store/whole.rs";
            let opened = opens.iter().any(|word| code.contains(word))
                && !opens_too.iter().any(|home| name.starts_with(home));
            if made || opened {
                wrong.push(format!("src/{name}:{}: {}", place + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "use store::whole or store::regular:\n{}", wrong.join("\n"));
}

#[test]
fn an_installed_binary_reads_nothing_of_the_checkout() {
    for (name, text) in files().into_iter().filter(|(name, _)| !is_test_file(name)) {
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        assert!(!text.contains("CARGO_MANIFEST_DIR"), "src/{name}: embed it with include_str!");
    }
}

#[test]
fn unsafe_code_lives_in_one_file() {
    let with_unsafe: Vec<String> = files()
        .into_iter()
        .filter(|(_, text)| text.contains("unsafe_code"))
        .map(|(name, _)| name)
        .collect();
    assert!(with_unsafe.len() <= 1, "{with_unsafe:?}");
}

#[test]
fn nothing_is_allowed_silently() {
    for (name, text) in files() {
        assert!(!text.contains("#[allow("), "src/{name}: use #[expect(…, reason = \"…\")]");
        assert!(!text.contains("#![allow("), "src/{name}: use #![expect(…, reason = \"…\")]");
    }
}

/// Rooms of the simulator that are about types, or about what is between them.
const OF_TYPES: [&str; 3] = ["sim/provider/", "sim/network/", "sim/site_recovery/"];

/// What names a type and is no question after one.
const NAMES_TYPES: [(&str, &str); 4] = [
    (
        "sim/governance.rs",
        "what is sold where is told with a type of its own, which is no resource's",
    ),
    ("sim/operation.rs", "where an operation is polled"),
    ("sim/written/grammar.rs", "the keys of a world file that take ids of one type"),
    ("sim/written/shape.rs", "what recordings have beside the published shapes"),
];

/// Who adds a type to the simulator says in its own file what is asked of it.
#[test]
fn generic_code_of_the_simulator_asks_a_type_and_never_for_its_name() {
    let mut wrong = Vec::new();
    let mut named: BTreeSet<String> = BTreeSet::new();
    let generic = |name: &str| {
        name.starts_with("sim/") && !OF_TYPES.iter().any(|folder| name.starts_with(folder))
    };
    for (name, text) in files().into_iter().filter(|(name, _)| generic(name)) {
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        for (place, line) in text.lines().enumerate() {
            let code = line.split("// ").next().unwrap_or_default();
            // A namespace is no type's name.
            let types = code.split("Microsoft.Network/").skip(1);
            let by_name =
                types.into_iter().any(|rest| rest.starts_with(|c: char| c.is_alphabetic()));
            let of_provider = code.split("provider::").skip(1).any(|rest| {
                rest.split(|c: char| !c.is_ascii_lowercase() && c != '_')
                    .next()
                    .is_some_and(|file| rest[file.len()..].starts_with("::") && !file.is_empty())
            });
            if !(by_name || of_provider || code.contains("arm::kind")) {
                continue;
            }
            named.insert(name.clone());
            if !NAMES_TYPES.iter().any(|(file, _)| *file == name) {
                wrong.push(format!("src/{name}:{}: {}", place + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "let `Provider` say it:\n{}", wrong.join("\n"));
    for (file, why) in NAMES_TYPES {
        assert!(named.contains(file), "src/{file} names no type ({why}): take it off the list");
    }
}

#[test]
fn each_service_has_its_provider_and_each_provider_its_service() {
    let names = |folder: &str| -> BTreeSet<String> {
        sources(&root().join(folder))
            .iter()
            .filter(|path| !is_test_file(&path.to_string_lossy()))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| name != "mod")
            .collect()
    };
    let (services, mut providers) = (names("src/azure/service"), names("src/sim/provider"));
    // No types: what is refused of a gateway, of a subnet, and of a connection for what it joins.
    providers.remove("gateway_check");
    providers.remove("gateway_place_check");
    providers.remove("subnet_check");
    providers.remove("connection_ends");
    providers.remove("route_server");
    // Not types of their own: what the bodies share and how they compare, a subnet's table, what gateways are asked, one
    // field of a circuit, and the end of anything.
    // A recovery plan's provider is Site Recovery, which has a folder of its own; a VPN is of several types, and so is what
    // tells clients where to go.
    let without_provider = [
        "association",
        "bandwidth",
        "body",
        "circuit_tier",
        "compare",
        "gateway_routes",
        "recovery_plan",
        "removal",
        "steering",
        "taken_back",
        "vpn",
    ];
    // What only the simulator answers for, or what a service of several types writes.
    let without_service = [
        "azure_firewall",
        "circuit_peering",
        "global_reach",
        // Hubs have one service, and a provider for each thing of theirs.
        "hub_gateway",
        "hub_vnet",
        "local_gateway",
        "private_dns",
        "security_group",
        "traffic_manager",
    ];
    let expected: BTreeSet<String> = services
        .iter()
        .filter(|name| !without_provider.contains(&name.as_str()))
        .cloned()
        .chain(without_service.iter().map(|name| (*name).to_owned()))
        .collect();
    assert_eq!(providers, expected);
}
