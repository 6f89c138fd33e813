//! Does a text hold a value that is known, whole or in a part that gives it away?
//!
//! Each writing of each value is indexed by some of its sequences of six bytes, so that a text is looked
//! through once, however many values there are. A hit is widened to both sides as far as text and writing
//! agree; it counts when the whole writing is there, or so much of it that nothing else looks like it:
//! halves of a key in two fields are found, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::forms::{LENGTH_MIN, forms};
use super::sieve::{SEED, Sieve};

/// Agreeing bytes that give a value away without being all of it.
const PART: usize = 16;

/// Different letters in such a part: a row of zeros gives nothing away.
const PART_LETTERS: usize = 7;

/// Of so many places in a row one is in the index: a part holds at least one of them.
const STRIDE: usize = (PART - SEED + 2) / 2;

/// Different letters in a seed, where a writing has them: a row of zeros stands everywhere.
const SEED_LETTERS: usize = 4;

/// Of so many places of a text in a row one is looked at: whatever gives a value away has a seed at one of them.
const STEP: usize = PART - SEED + 1;

/// Places that are tried for one seed; a server that gives many keys which begin alike gains nothing.
const PLACES_MAX: usize = 32;

/// Values of each kind that are kept. Keys of a large estate are some hundreds, tokens one an hour.
const VALUES_MAX: usize = 1_024;

/// Longest value that is looked for whole; tokens are a few thousand bytes long.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// Where a value came from. What a server fills up must not push out what is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// We had it: tokens, parameters, client secrets.
    Ours,
    /// It stood in an answer.
    Answered,
}

/// The values, and where their writings are found. Does not print.
pub(super) struct KnownSecrets {
    ours: VecDeque<String>,
    answered: VecDeque<String>,
    all: BTreeSet<String>,
    forms: Vec<Vec<u8>>,
    places: BTreeMap<[u8; SEED], Vec<(usize, usize)>>,
    /// Where in a text a seed of the index may stand.
    sieve: Sieve,
    /// Where any seed of a writing may stand, indexed or not.
    every: Sieve,
    /// Whether a writing is known that is shorter than a part.
    any_short: bool,
    /// How many values were taken in, or given up, so far: equal at two times, and the same is known.
    revision: u64,
}

impl Default for KnownSecrets {
    fn default() -> Self {
        Self {
            ours: VecDeque::new(),
            answered: VecDeque::new(),
            all: BTreeSet::new(),
            forms: Vec::new(),
            places: BTreeMap::new(),
            sieve: Sieve::default(),
            every: Sieve::for_every_seed(),
            any_short: false,
            revision: 0,
        }
    }
}

impl KnownSecrets {
    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    pub(super) fn has(&self, value: &str) -> bool {
        self.all.contains(value)
    }

    /// Takes a value in.
    pub(super) fn add(&mut self, value: &str, origin: Origin) {
        let mut end = value.len().min(VALUE_BYTES_MAX);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = &value[..end];
        if value.len() < LENGTH_MIN || self.has(value) {
            return;
        }
        let kept = match origin {
            Origin::Ours => &mut self.ours,
            Origin::Answered => &mut self.answered,
        };
        self.revision += 1;
        kept.push_back(value.to_owned());
        self.all.insert(value.to_owned());
        if kept.len() <= VALUES_MAX {
            self.index(value);
            return;
        }
        // The older half goes: seldom, so that the index is seldom made anew.
        kept.drain(..VALUES_MAX / 2);
        let values: Vec<String> = self.ours.iter().chain(&self.answered).cloned().collect();
        self.forms.clear();
        self.places.clear();
        self.sieve = Sieve::default();
        self.every = Sieve::for_every_seed();
        self.any_short = false;
        self.all = values.iter().cloned().collect();
        for value in &values {
            self.index(value);
        }
    }

    fn index(&mut self, value: &str) {
        for form in forms(value) {
            let number = self.forms.len();
            for place in indexed(&form) {
                let Some(seed) = seed(&form, place) else { continue };
                let places = self.places.entry(seed).or_default();
                if places.is_empty() {
                    self.sieve.add(&seed);
                }
                // The same seed again in one writing is a row of the same letters.
                let again = places.last().is_some_and(|(form, _)| *form == number);
                if !again && places.len() < PLACES_MAX {
                    places.push((number, place));
                }
            }
            every_seed(&form).for_each(|seed| self.every.add(&seed));
            self.any_short |= form.len() < PART;
            self.forms.push(form);
        }
        if self.sieve.is_full() {
            self.sieve = self.sieve.larger();
            self.places.keys().for_each(|seed| self.sieve.add(seed));
        }
        if self.every.is_full() {
            self.every = self.every.larger();
            let all = self.forms.iter().flat_map(|form| every_seed(form));
            all.for_each(|seed| self.every.add(&seed));
        }
    }

    /// Which values are known: another number, other values.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Where the text holds a known value; in order, apart from each other.
    pub(super) fn found(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for near in self.worth_a_look(text) {
            self.find_in(text, near, &mut found);
        }
        found
    }

    /// The parts of a text in which a value may stand, in order and apart from each other: its seeds begin
    /// there. All of it where a writing is known that may stand between two looks.
    fn worth_a_look(&self, text: &[u8]) -> Vec<Range<usize>> {
        let seeds = (text.len() + 1).saturating_sub(SEED);
        if self.any_short {
            return std::iter::once(0..seeds).collect();
        }
        let mut near: Vec<Range<usize>> = Vec::new();
        for at in (0..seeds).step_by(STEP).filter(|at| self.every.may_stand(text, *at)) {
            let own = at.saturating_sub(STEP - 1)..(at + STEP).min(seeds);
            match near.last_mut() {
                Some(last) if own.start <= last.end => last.end = own.end,
                _ => near.push(own),
            }
        }
        near
    }

    /// Looks at the places of a part of a text.
    fn find_in(&self, text: &[u8], near: Range<usize>, found: &mut Vec<Range<usize>>) {
        let part = text.get(near.start..(near.end + SEED - 1).min(text.len())).unwrap_or_default();
        for at in self.sieve.places(part).map(|at| near.start + at) {
            if found.last().is_some_and(|last| at + SEED <= last.end) {
                continue;
            }
            let Some(hit) = self.hit(text, at) else { continue };
            match found.last_mut() {
                Some(last) if hit.start <= last.end => {
                    last.start = last.start.min(hit.start);
                    last.end = last.end.max(hit.end);
                }
                _ => found.push(hit),
            }
        }
    }

    /// The longest part of a value around a place of the text, if it counts.
    fn hit(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let mut best: Option<Range<usize>> = None;
        for (number, place) in self.places.get(&seed(text, at)?)? {
            let form = self.forms.get(*number)?;
            let before = same(text[..at].iter().rev(), form[..*place].iter().rev());
            let after = same(text[at..].iter(), form[*place..].iter());
            let run = at - before..at + after;
            let counts = run.len() == form.len() || gives_away(&text[run.clone()]);
            if counts && best.as_ref().is_none_or(|best| best.len() < run.len()) {
                best = Some(run);
            }
        }
        best
    }
}

impl std::fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownSecrets").field("values", &self.all.len()).finish_non_exhaustive()
    }
}

fn seed(bytes: &[u8], at: usize) -> Option<[u8; SEED]> {
    let mut seed: [u8; SEED] = bytes.get(at..at + SEED)?.try_into().ok()?;
    seed.make_ascii_lowercase();
    Some(seed)
}

/// The seeds at all places of a writing.
fn every_seed(form: &[u8]) -> impl Iterator<Item = [u8; SEED]> + '_ {
    form.array_windows().copied()
}

/// The places of a writing that the index knows: one a stride, where the letters differ most.
fn indexed(form: &[u8]) -> Vec<usize> {
    let last = form.len() - SEED;
    let letters = |place: &usize| form[*place..*place + SEED].iter().collect::<BTreeSet<_>>().len();
    let best = |from: usize, to: usize| {
        // The first of the best, so that a writing is mostly known by its beginning.
        (from..to).rev().max_by_key(letters).filter(|place| letters(place) >= SEED_LETTERS)
    };
    let all: Vec<usize> = (0..=last)
        .step_by(STRIDE)
        .filter_map(|from| best(from, (from + STRIDE).min(last + 1)))
        .collect();
    if all.is_empty() { vec![0] } else { all }
}

fn same<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count()
}

fn gives_away(part: &[u8]) -> bool {
    let letters = || part.iter().map(u8::to_ascii_lowercase).collect::<BTreeSet<_>>();
    part.len() >= PART && letters().len() >= PART_LETTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "7d1fca02-93be-4a55-8c1e-2f60b9d47a13";

    fn known(values: &[&str]) -> KnownSecrets {
        let mut known = KnownSecrets::default();
        values.iter().for_each(|value| known.add(value, Origin::Ours));
        known
    }

    #[test]
    fn a_value_is_found_whole_and_in_each_half_and_its_neighbours_stay() {
        let known = known(&[KEY]);
        assert_eq!(known.found(format!("a {KEY} b").as_bytes()), vec![2..38]);
        assert_eq!(known.found(format!("a {} b", &KEY[..18]).as_bytes()), vec![2..20]);
        assert_eq!(known.found(format!("a {} b", &KEY[18..]).as_bytes()), vec![2..20]);
        assert!(known.found(b"7d1fca03-93be-4a54-8c1f-2f60b9d47a14").is_empty());
        assert!(known.found(&KEY.as_bytes()[..12]).is_empty());
    }

    #[test]
    fn a_look_at_every_eleventh_place_finds_what_a_look_at_every_place_does() {
        let known = known(&[KEY, "simulated-token-worth-nothing"]);
        assert!(!known.any_short);
        let at_every_place = |text: &[u8]| {
            let mut found = Vec::new();
            known.find_in(text, 0..(text.len() + 1).saturating_sub(SEED), &mut found);
            found
        };
        for form in forms(KEY) {
            for before in 0..2 * STEP {
                for (from, long) in
                    [(0, form.len()), (0, 15), (0, 16), (1, 16), (form.len() - 16, 16)]
                {
                    let part = &form[from..from + long];
                    let text = [&b"x/".repeat(before)[..before], part, b"\",\"y"].concat();
                    let found = known.found(&text);
                    assert_eq!(found, at_every_place(&text), "{before} {from} {long}");
                    assert!(long != form.len() || !found.is_empty(), "{before}");
                }
            }
        }
        let mut short = known;
        short.add("ab12cd34", Origin::Ours);
        for before in 0..2 * STEP {
            let text = [&b"x/".repeat(before)[..before], b"AB12CD34."].concat();
            assert_eq!(
                short.found(&text).first(),
                Some(&(before..before + 8)),
                "a short one is looked for everywhere"
            );
        }
    }

    #[test]
    fn a_row_of_the_same_letters_gives_nothing_away() {
        let known = known(&["0f2b7c1e-0000-4000-8000-00000000000a"]);
        assert!(known.found(b"22220000-0000-4000-8000-000000000000").is_empty());
        assert_eq!(known.found(b"0f2b7c1e-0000-4000-8000-00000000000a"), vec![0..36]);
    }

    #[test]
    fn many_answers_do_not_push_out_what_is_ours() {
        let mut known = known(&[KEY]);
        for number in 0..3_000 {
            known.add(&format!("{number:08}-93be-4a55-8c1e-2f60b9d47a13"), Origin::Answered);
        }
        assert_eq!(known.found(KEY.as_bytes()), vec![0..36]);
        assert!(known.all.len() <= 2 * VALUES_MAX);
    }

    #[test]
    fn a_hostile_text_is_looked_through_in_its_own_time() {
        let mut known = known(&[&"a".repeat(500), KEY]);
        for number in 0..500 {
            known.add(&format!("{}{number}", "a".repeat(400)), Origin::Answered);
        }
        // Two megabytes of what every value begins with.
        assert!(!known.found(&b"a".repeat(2 << 20)).is_empty());
    }
}
