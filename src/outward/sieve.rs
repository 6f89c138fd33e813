//! Where in a text may a known value be? A look into a table for each place, which passes nearly all of them by.
//!
//! Every byte that comes from Azure, and every event, is gone through by this. An automaton over the same seeds
//! is megabytes of states, made anew with each value that comes in (decision 48).

use super::forms::LENGTH_MIN;

/// Bytes that a place of a writing is known by.
pub(super) const SEED: usize = LENGTH_MIN;

/// Bits of the table for each seed: of so many places that hold none, one is looked at more closely.
const BITS_OF_SEED: usize = 256;

/// The same where every seed of a writing is in the table, and few places of a text are looked up.
const BITS_OF_EVERY_SEED: usize = 32;

/// Fewest bits, and most: 1 KiB to 128 KiB, what a processor has at hand.
const BITS: [usize; 2] = [1 << 13, 1 << 20];

/// The bytes of a seed in a number.
const MASK: u64 = (1 << (8 * SEED)) - 1;

/// The bit that tells small letters from capitals, in each byte of a number. It makes some signs alike as well.
const CASE: u64 = 0x2020_2020_2020_2020;

/// Bytes that a processor takes at once.
const WORD: usize = 8;

/// The hashes of the seeds, a bit each.
pub(super) struct Sieve {
    words: Vec<u64>,
    seeds: usize,
    bits_of_seed: usize,
}

impl Default for Sieve {
    fn default() -> Self {
        Self::with_bits(BITS[0], BITS_OF_SEED)
    }
}

impl Sieve {
    fn with_bits(bits: usize, bits_of_seed: usize) -> Self {
        Self { words: vec![0; bits / 64], seeds: 0, bits_of_seed }
    }

    /// For every seed of each writing.
    pub(super) fn for_every_seed() -> Self {
        Self::with_bits(BITS[0], BITS_OF_EVERY_SEED)
    }

    /// An empty one for twice as many seeds.
    pub(super) fn larger(&self) -> Self {
        // Twice as many may come in before it is made anew.
        let wanted = (2 * self.seeds * self.bits_of_seed).next_power_of_two();
        Self::with_bits(wanted.clamp(BITS[0], BITS[1]), self.bits_of_seed)
    }

    /// One seed more.
    pub(super) fn add(&mut self, seed: &[u8; SEED]) {
        let (word, bit) = self.place(last_key(seed));
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
        self.seeds += 1;
    }

    /// Whether it has taken in more than it was made for.
    pub(super) fn is_full(&self) -> bool {
        let bits = 64 * self.words.len();
        bits < BITS[1] && self.seeds * self.bits_of_seed > bits
    }

    /// The places of a text from which a seed may stand, whatever the case of its letters; in order.
    pub(super) fn places<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let keys = text.array_windows().map(|word| key(*word));
        // Behind the last that has a whole word before it there are a few more.
        let all = (text.len() + 1).saturating_sub(SEED);
        let behind = (text.len() + 1).saturating_sub(WORD)..all;
        let rest = behind.filter_map(|at| text.get(at..)).map(last_key);
        keys.chain(rest).enumerate().filter(|(_, key)| self.has(*key)).map(|(at, _)| at)
    }

    /// Whether a seed may stand at a place of a text.
    pub(super) fn may_stand(&self, text: &[u8], at: usize) -> bool {
        let word = text.get(at..).and_then(|rest| rest.first_chunk::<WORD>());
        let own = || text.get(at..at + SEED).map(last_key);
        word.map(|word| key(*word)).or_else(own).is_some_and(|key| self.has(key))
    }

    fn has(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The word and the bit of a seed, by the high bits of a product (Fibonacci hashing).
    fn place(&self, key: u64) -> (usize, u64) {
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        // The number of words is a power of two.
        let word = (hash >> 6) & (self.words.len() as u64 - 1);
        (usize::try_from(word).unwrap_or(0), 1 << (hash & 63))
    }
}

/// The seed at the beginning of eight bytes, in a number.
fn key(word: [u8; WORD]) -> u64 {
    (u64::from_le_bytes(word) | CASE) & MASK
}

/// The seed at the beginning of fewer.
fn last_key(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD];
    word.iter_mut().zip(bytes).for_each(|(own, byte)| *own = *byte);
    key(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_passes_in_any_case_at_its_place_and_hardly_anything_else_does() {
        let seeds: Vec<[u8; SEED]> = (0..500_u32)
            .map(|n| format!("{:06x}", n * 7_919).as_bytes().try_into().unwrap())
            .collect();
        let mut sieve = Sieve::default();
        for number in 0..2 {
            sieve = if number == 0 { sieve } else { sieve.larger() };
            seeds.iter().for_each(|seed| sieve.add(seed));
        }
        for seed in &seeds {
            let text = [b"..", seed.to_ascii_uppercase().as_slice(), b".."].concat();
            assert!(sieve.places(&text).any(|place| place == 2));
        }
        for behind in 0..2 * WORD {
            let text = [seeds[3].as_slice(), b"..................".get(..behind).unwrap()].concat();
            assert_eq!(sieve.places(&text).next(), Some(0), "{behind} bytes behind it");
            let text = [&text[SEED..], seeds[3].as_slice()].concat();
            assert_eq!(sieve.places(&text).last(), Some(behind), "at the end");
        }
        assert_eq!(sieve.places(&seeds[3][..SEED - 1]).next(), None, "shorter than a seed");
        let other: Vec<u8> = (0..100_000_u64).map(|n| b'g' + (n * n / 7 % 19) as u8).collect();
        assert!(sieve.places(&other).count() < other.len() / 50);
    }

    #[test]
    fn it_says_when_it_is_full() {
        let mut sieve = Sieve::default();
        let seed = |n: u32| format!("{n:06}").as_bytes().try_into().unwrap();
        let fits = (0..).take_while(|n| {
            sieve.add(&seed(*n));
            !sieve.is_full()
        });
        assert_eq!(fits.count(), BITS[0] / BITS_OF_SEED);
    }
}
