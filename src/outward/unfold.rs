//! What does a text say once its escapes are undone? Per cent, backslash and ampersand, with the place
//! of each byte in the text as it came.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

/// How often escapes may stand within escapes: JSON in JSON in a URL.
const LAYERS: usize = 4;

/// A text with its escapes undone.
pub(super) struct Unfolded {
    pub(super) bytes: Vec<u8>,
    /// For each byte, where it came from.
    from: Vec<(usize, usize)>,
}

impl Unfolded {
    /// The place, in the text as it came, of some bytes.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.from.get(range.start).map_or(0, |from| from.0);
        let end = range.end.checked_sub(1).and_then(|last| self.from.get(last));
        start..end.map_or(start, |from| from.1)
    }
}

/// The text with one layer of escapes less after the other; nothing where there are none.
pub(super) fn unfold(text: &[u8]) -> Vec<Unfolded> {
    let mut layers: Vec<Unfolded> = Vec::new();
    while layers.len() < LAYERS {
        let next = match layers.last() {
            None => once(text, |place, length| (place, place + length)),
            Some(last) => once(&last.bytes, |place, length| {
                let range = last.place(&(place..place + length));
                (range.start, range.end)
            }),
        };
        let Some(next) = next else { break };
        layers.push(next);
    }
    layers
}

fn once(text: &[u8], origin: impl Fn(usize, usize) -> (usize, usize)) -> Option<Unfolded> {
    if text.is_ascii() && escapes().is_none_or(|escapes| !escapes.is_match(text)) {
        return None;
    }
    let mut out = Unfolded { bytes: Vec::with_capacity(text.len()), from: Vec::new() };
    let mut changed = false;
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let (decoded, length) = match escape(rest) {
            Some(found) => {
                changed = true;
                found
            }
            None => (Decoded::Byte(rest[0]), 1),
        };
        let from = origin(place, length);
        match decoded {
            Decoded::Nothing => {}
            Decoded::Byte(byte) => {
                out.bytes.push(byte);
                out.from.push(from);
            }
            Decoded::Char(c) => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    out.bytes.push(byte);
                    out.from.push(from);
                }
            }
        }
        place += length;
    }
    changed.then_some(out)
}

/// What an escape begins with, and what is left out.
fn escapes() -> Option<&'static AhoCorasick> {
    static ESCAPES: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let begin = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&' | 0..=31 | 127);
    let made = || AhoCorasick::new((0..=127_u8).filter(begin).map(|byte| [byte])).ok();
    ESCAPES.get_or_init(made).as_ref()
}

enum Decoded {
    Nothing,
    Byte(u8),
    Char(char),
}

/// The escape at the beginning of these bytes, and how long it is.
fn escape(rest: &[u8]) -> Option<(Decoded, usize)> {
    match rest[0] {
        b'%' => hex(rest.get(1..3)?).map(|value| (byte(value), 3)),
        b'\\' => match rest.get(1)? {
            b'u' => {
                let value = hex(rest.get(2..6)?)?;
                Some((Decoded::Char(char::from_u32(value)?), 6))
            }
            b'x' => hex(rest.get(2..4)?).map(|value| (byte(value), 4)),
            b'n' | b'r' | b't' | b'b' | b'f' => Some((Decoded::Nothing, 2)),
            other if other.is_ascii_punctuation() => Some((Decoded::Byte(*other), 2)),
            _ => None,
        },
        b'&' => entity(rest),
        // What nobody sees may stand between any two letters.
        0..=31 | 127 => Some((Decoded::Nothing, 1)),
        0xc2..=0xf4 => unseen(rest),
        _ => None,
    }
}

fn byte(value: u32) -> Decoded {
    u8::try_from(value).map_or(Decoded::Nothing, Decoded::Byte)
}

fn hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(text, 16).ok()
}

fn entity(rest: &[u8]) -> Option<(Decoded, usize)> {
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
    let number = |digits: &str, radix| {
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).map(Decoded::Char)
    };
    let decoded = match name {
        "amp" => Decoded::Byte(b'&'),
        "lt" => Decoded::Byte(b'<'),
        "gt" => Decoded::Byte(b'>'),
        "quot" => Decoded::Byte(b'"'),
        "apos" => Decoded::Byte(b'\''),
        "shy" | "zwj" | "zwnj" => Decoded::Nothing,
        _ => match name.strip_prefix(['#']) {
            Some(digits) => match digits.strip_prefix(['x', 'X']) {
                Some(digits) => number(digits, 16)?,
                None => number(digits, 10)?,
            },
            None => return None,
        },
    };
    Some((decoded, end + 1))
}

fn unseen(rest: &[u8]) -> Option<(Decoded, usize)> {
    let length = match rest[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let c = std::str::from_utf8(rest.get(..length)?).ok()?.chars().next()?;
    super::is_hidden(c).then_some((Decoded::Nothing, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape_leads_back_to_its_place() {
        for text in ["a%62c", "a\\u0062c", "a&#98;c", "a&#x62;c", "a\\x62c", "ab\u{200b}c", "ab\nc"]
        {
            let layers = unfold(text.as_bytes());
            let last = layers.last().unwrap();
            assert_eq!(last.bytes, b"abc", "{text}");
            assert_eq!(last.place(&(0..3)), 0..text.len(), "{text}");
        }
    }

    #[test]
    fn escapes_within_escapes_are_undone_to_a_depth() {
        let layers = unfold(b"%255Cu0061%");
        assert_eq!(layers.last().unwrap().bytes, b"a%");
        assert!(unfold(b"nothing here").is_empty());
    }
}
