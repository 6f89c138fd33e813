//! What nobody would write brings nothing down: shipped texts, spoilt line by line and word by word. The same as the
//! targets of `fuzz/`, without coverage to lead it, and with any toolchain: `scripts/fuzz` runs it where there is no
//! cargo-fuzz.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::init::{KnownEstate, Wish, advise, draft, explained, written};
use backroad::plan::{CompileOptions, compile};
use backroad::render::Style;
use backroad::render::diagnostic::diagnostics;
use backroad::runbook::{DocumentKind, SourceFile};
use backroad::sim::written::{ReadWorld, read_bad_days, read_world};
use backroad::sim::{Answers, Scenario, World};

use crate::support::file;

/// How many texts of each kind are spoilt in a run of the suite.
const ROUNDS: u64 = 25;

/// A small source of chance: the same seed spoils the same.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % (count.max(1) as u64)).unwrap()
    }
}

/// What is put in a word's place.
const ODD: [&str; 24] = [
    "null",
    "~",
    "[]",
    "{}",
    "true",
    "-1",
    "0",
    "65536",
    "99999999999999999999",
    "1e309",
    "0.0.0.0/0",
    "10.0.0.0/33",
    "::/0",
    "fd00::1/64",
    "\"\"",
    "\"\u{202e}\"",
    "&a",
    "*a",
    "!x",
    "- -",
    "? :",
    "\u{0}",
    "westeurope",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
];

/// Spoils a text at a few places.
fn spoilt(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..1 + dice.below(4) {
        if lines.is_empty() {
            break;
        }
        let (here, there) = (dice.below(lines.len()), dice.below(lines.len()));
        match dice.below(9) {
            0 => drop(lines.remove(here)),
            1 => lines.insert(here, lines[there].clone()),
            2 => lines.swap(here, there),
            3 => lines[here] = format!("{}{}", " ".repeat(dice.below(5)), lines[here]),
            4 => lines[here] = lines[here].trim_start().to_owned(),
            5 => {
                let cut = here + dice.below(lines.len() - here);
                drop(lines.drain(here..cut.min(here + 12)));
            }
            6 => {
                let letters: Vec<char> = lines[here].chars().collect();
                let cut = dice.below(letters.len().max(1));
                lines[here] = letters[..cut.min(letters.len())].iter().collect();
            }
            _ => {
                let odd = match dice.below(3) {
                    0 => {
                        let words: Vec<&str> = lines[there].split_whitespace().collect();
                        words.get(dice.below(words.len())).map_or("", |word| *word).to_owned()
                    }
                    _ => ODD[dice.below(ODD.len())].to_owned(),
                };
                let words: Vec<&str> = lines[here].split(' ').collect();
                let place = dice.below(words.len());
                let words: Vec<String> = words
                    .iter()
                    .enumerate()
                    .map(|(at, word)| if at == place { odd.clone() } else { (*word).to_owned() })
                    .collect();
                lines[here] = words.join(" ");
            }
        }
    }
    lines.join("\n")
}

/// Tells which text it was, should one bring something down.
struct Told<'a>(&'a str, u64);

impl Drop for Told<'_> {
    #[expect(clippy::print_stderr, reason = "a test that fails says of what")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("round {} brought it down:\n{}", self.1, self.0);
        }
    }
}

fn texts(folder: &str) -> Vec<String> {
    let mut paths: Vec<_> =
        std::fs::read_dir(file(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|own| own == "yaml"));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn each(folder: &str, rounds: u64, mut look: impl FnMut(&str)) {
    let all = texts(folder);
    assert!(!all.is_empty(), "{folder}");
    for round in 0..rounds {
        let mut dice =
            Dice(0x9e37_79b9_7f4a_7c15 ^ (round + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let text = spoilt(&all[dice.below(all.len())], &mut dice);
        let _told = Told(&text, round);
        look(&text);
    }
}

/// Reads a text as a world; one that is none says why.
fn world(text: &str) -> Option<Scenario> {
    let Ok(source) = SourceFile::read_as(DocumentKind::World, "spoilt.yaml", text.as_bytes())
    else {
        return None;
    };
    let days = SourceFile::of(DocumentKind::BadDays, "spoilt.yaml", source.text());
    let days = read_bad_days(&days);
    assert_eq!(days.days.is_none(), days.diagnostics.has_errors(), "no days and no reason");
    let text = source.text().to_owned();
    let open = |name: &str| Ok(SourceFile::of(DocumentKind::World, name, text.as_str()));
    let ReadWorld { source, diagnostics: found, scenario } = read_world(source, &open);
    let said = diagnostics(&source, &found, Style::PLAIN);
    assert!(!said.contains("This cannot be used"), "the table and the type differ: {said}");
    assert!(scenario.is_some() || found.has_errors(), "no world and no reason");
    scenario
}

fn worlds_are_read_or_refused(rounds: u64) {
    each("runbooks/worlds", rounds, |text| {
        let Some(scenario) = world(text) else { return };
        let mut one = World::new(&scenario);
        let written = serde_json::to_string(&one.world_file(scenario.now)).unwrap();
        let again = Scenario::parse("again.yaml", &written).unwrap();
        assert_eq!(World::new(&again).comparable(), one.comparable());
    });
}

fn runbooks_are_compiled_or_refused(rounds: u64) {
    each("runbooks", rounds, |text| {
        let source = SourceFile::new("spoilt.yaml", text.to_owned());
        let compiled = compile(&source, &CompileOptions::default());
        assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
    });
}

/// Whatever an estate is like: `init` says why it cannot, or writes what is without a mistake.
fn estates_get_a_runbook_or_a_reason(rounds: u64) {
    each("tests/fixtures/estates", rounds, |text| {
        let Some(scenario) = world(text) else { return };
        let estate = KnownEstate::of(&scenario);
        let Ok(advice) = advise(&estate, &Wish::default()) else { return };
        let Ok(draft) = draft(&estate, &advice) else { return };
        assert!(!explained(&estate, &advice, &draft).is_empty());
        for own in written(&draft, "my-failover", "estate.yaml") {
            if !own.name.ends_with(".yaml") || own.name.contains("world") {
                continue;
            }
            let source = SourceFile::new(own.name.clone(), own.text.clone());
            let profile = Some("live".to_owned());
            let options = CompileOptions { profile, ..CompileOptions::default() };
            let compiled = compile(&source, &options);
            let said = diagnostics(&source, &compiled.diagnostics, Style::PLAIN);
            assert!(!compiled.diagnostics.has_errors(), "{}: {said}", own.name);
        }
    });
}

#[test]
fn spoilt_texts_are_read_or_refused_with_a_reason() {
    worlds_are_read_or_refused(ROUNDS);
    runbooks_are_compiled_or_refused(ROUNDS);
    estates_get_a_runbook_or_a_reason(ROUNDS);
}

/// As many rounds of each as `BACKROAD_FUZZ_ROUNDS` says.
#[test]
#[ignore = "takes as long as one likes: scripts/fuzz"]
fn spoilt_for_long() {
    #[expect(clippy::disallowed_methods, reason = "a test is told how long it may take")]
    let said = std::env::var("BACKROAD_FUZZ_ROUNDS").ok();
    let said = said.and_then(|text| text.parse().ok());
    let rounds = said.unwrap_or(20_000);
    worlds_are_read_or_refused(rounds);
    runbooks_are_compiled_or_refused(rounds);
    estates_get_a_runbook_or_a_reason(rounds);
}
