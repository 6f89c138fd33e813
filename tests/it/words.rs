//! One word, one sense: a type's name is given once, and words that had several senses are not used again.

use std::collections::BTreeMap;

use crate::support::sources::texts;

/// Words that meant several things, and what is said instead (docs/glossary.md).
const BANNED: [(&str, &str); 26] = [
    ("Said", "command"),
    ("Turning", "TurnContext"),
    ("time_up", "timeout"),
    ("debts", "obligations"),
    ("Happening", "ScheduledEvent"),
    ("misfortune", "fault"),
    ("misfortunes", "faults"),
    ("rehearsal", "drill"),
    ("rehearsed", "drilled"),
    ("lets_on", "releases_next"),
    ("found_out", "conclude_source_down"),
    ("forgive", "discount_absence"),
    ("Placed", "PlacedStep"),
    ("Meaning", "Resolved"),
    ("Deed", "PostAction, MachineMove"),
    ("doom", "failure_due"),
    ("happening", "ScheduledEvent, SpanEvent"),
    ("happenings", "events"),
    ("trial", "FaultDrill"),
    ("do_deed", "do_move"),
    ("disturb", "with_faults"),
    ("deed", "command, call"),
    ("deeds", "commands, calls"),
    ("door", "socket, guard, endpoint"),
    ("doors", "sockets, guards, endpoints"),
    ("knock", "RunSocket"),
];

/// The name that a line gives to a type, of a module or within a macro. An indented `type` is a trait's.
fn named(line: &str) -> Option<&str> {
    let (line, indented) = (line.trim_start(), line.starts_with(' '));
    let item = match line.strip_prefix("pub") {
        Some(rest) => match rest.strip_prefix('(') {
            Some(rest) => rest.split_once(") ")?.1,
            None => rest.trim_start(),
        },
        None => line,
    };
    let kinds = ["struct ", "enum ", "trait ", "type "].iter();
    let mut kinds = kinds.filter(|kind| !indented || **kind != "type ");
    let rest = kinds.find_map(|kind| item.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    // What a macro names is named where the macro is used.
    (end > 0).then(|| &rest[..end])
}

#[test]
fn a_type_of_its_own_has_a_name_of_its_own() {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for (file, text) in texts().into_iter().filter(|(file, _)| !file.contains("/tests")) {
        let before_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for name in before_tests.lines().filter_map(named) {
            names.entry(name.to_owned()).or_default().push(file.clone());
            count += 1;
        }
    }
    names.retain(|_, files| files.len() > 1);
    assert!(names.is_empty(), "{names:#?}");
    assert!(count > 600, "{count} types were found");
}

/// Whether a name is made of a word, or is it.
fn says(name: &str, word: &str) -> bool {
    let (parts, word): (Vec<&str>, Vec<&str>) =
        (name.split('_').collect(), word.split('_').collect());
    parts.windows(word.len()).any(|own| own == word)
}

/// What a version that may still drive a run calls a file of it.
const ELDER_FILE: &str = "\"door.json\"";

#[test]
fn words_that_had_several_senses_are_not_used_again() {
    let mut wrong = Vec::new();
    for (file, text) in texts() {
        for (place, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let found = words.find_map(|own| BANNED.iter().find(|(word, _)| says(own, word)));
            if let Some((word, instead)) = found
                && !line.contains(ELDER_FILE)
            {
                wrong.push(format!("src/{file}:{}: `{word}`: say {instead}", place + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
