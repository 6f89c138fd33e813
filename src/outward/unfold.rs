//! What does a text say once its escapes are undone? Per cent, backslash and ampersand, with the place
//! of each byte in the text as it came.

use std::ops::Range;

/// How often escapes may stand within escapes: JSON in JSON in a URL.
const LAYERS: usize = 4;

/// A text with its escapes undone, one layer of them after the other.
pub(super) struct Unfolded {
    layers: Vec<Layer>,
}

/// A text with one layer of escapes less than the one below it.
struct Layer {
    bytes: Vec<u8>,
    pieces: Vec<UnfoldedPiece>,
}

/// Bytes of a layer that came, unchanged or out of one escape, from the layer below.
struct UnfoldedPiece {
    /// The first of them.
    at: usize,
    /// Where they came from.
    from: Range<usize>,
    /// Whether they are unchanged.
    same: bool,
}

impl Unfolded {
    /// The layers, the outermost first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &[u8]> {
        self.layers.iter().map(|layer| layer.bytes.as_slice())
    }

    /// The place, in the text as it came, of some bytes of a layer.
    pub(super) fn place(&self, layer: usize, range: &Range<usize>) -> Range<usize> {
        let below = self.layers.get(..=layer).unwrap_or_default();
        below.iter().rev().fold(range.clone(), |range, layer| layer.below(&range))
    }
}

impl Layer {
    fn below(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origin(range.start).start;
        let last = range.end.checked_sub(1).filter(|last| *last >= range.start);
        start..last.map_or(start, |last| self.origin(last).end)
    }

    /// Where a byte came from.
    fn origin(&self, byte: usize) -> Range<usize> {
        let after = self.pieces.partition_point(|piece| piece.at <= byte);
        match after.checked_sub(1).and_then(|place| self.pieces.get(place)) {
            Some(UnfoldedPiece { at, from, same: true }) => {
                let start = from.start + (byte - at);
                start..start + 1
            }
            Some(piece) => piece.from.clone(),
            None => 0..0,
        }
    }
}

/// The text with one layer of escapes less after the other; nothing where there are none.
pub(super) fn unfold(text: &[u8]) -> Unfolded {
    let mut layers: Vec<Layer> = Vec::new();
    while layers.len() < LAYERS {
        let Some(next) = once(layers.last().map_or(text, |last| &last.bytes)) else { break };
        layers.push(next);
    }
    Unfolded { layers }
}

fn once(text: &[u8]) -> Option<Layer> {
    let mut place = next_escape(text, 0)?;
    let mut layer = Layer { bytes: Vec::with_capacity(text.len()), pieces: Vec::new() };
    let mut changed = false;
    // What is unchanged since the last escape.
    let mut run = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        if let Some((decoded, length)) = escape(rest) {
            changed = true;
            layer.take(text, run..place);
            layer.put(&decoded, place..place + length);
            place += length;
            run = place;
        } else {
            place += 1;
        }
        place = next_escape(text, place).unwrap_or(text.len());
    }
    layer.take(text, run..text.len());
    changed.then_some(layer)
}

impl Layer {
    /// Bytes that are as they were.
    fn take(&mut self, text: &[u8], from: Range<usize>) {
        if let Some(bytes) = text.get(from.clone()).filter(|bytes| !bytes.is_empty()) {
            self.pieces.push(UnfoldedPiece { at: self.bytes.len(), from, same: true });
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// What an escape says.
    fn put(&mut self, decoded: &Decoded, from: Range<usize>) {
        let at = self.bytes.len();
        match decoded {
            Decoded::Nothing => return,
            Decoded::Byte(byte) => self.bytes.push(*byte),
            Decoded::Char(c) => {
                self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.pieces.push(UnfoldedPiece { at, from, same: false });
    }
}

/// What an escape begins with, and what is left out.
const BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        begins[byte] = matches!(byte as u8, b'%' | b'\\' | b'&' | 0..=31 | 127 | 0xc2..=0xf4);
        byte += 1;
    }
    begins
};

/// Bytes that are looked at together: nearly all pieces of a text hold no escape.
const PIECE: usize = 32;

/// The next place from which an escape may begin.
fn next_escape(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    // Without a table and without an early end, so that a processor compares many bytes at once: all that may
    // begin an escape, and a few that do not.
    let may_begin = |piece: &&[u8]| {
        let one = |byte: &u8| {
            (*byte < 32) | (*byte >= 127) | (*byte == b'%') | (*byte == b'\\') | (*byte == b'&')
        };
        piece.iter().fold(false, |any, byte| any | one(byte))
    };
    let pieces = rest.chunks(PIECE).enumerate().filter(|(_, piece)| may_begin(piece));
    let mut found = pieces.filter_map(|(number, piece)| {
        let place = piece.iter().position(|byte| BEGINS[usize::from(*byte)])?;
        Some(from + number * PIECE + place)
    });
    found.next()
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
            let unfolded = unfold(text.as_bytes());
            let (last, bytes) = unfolded.layers().enumerate().last().unwrap();
            assert_eq!(bytes, b"abc", "{text}");
            assert_eq!(unfolded.place(last, &(0..3)), 0..text.len(), "{text}");
        }
    }

    #[test]
    fn escapes_within_escapes_are_undone_to_a_depth() {
        let unfolded = unfold(b"x%255Cu0061y%");
        let (last, bytes) = unfolded.layers().enumerate().last().unwrap();
        assert_eq!((last, bytes), (2, b"xay%".as_slice()));
        assert_eq!(unfolded.place(last, &(0..1)), 0..1);
        assert_eq!(unfolded.place(last, &(1..2)), 1..11);
        assert_eq!(unfolded.place(last, &(2..4)), 11..13);
        assert!(unfold(b"nothing here").layers().next().is_none());
    }
}
