//! In which writings may a value come back? As it is, without its dashes, in hexadecimal, in base64.
//!
//! What decodes by rules that do not depend on the value (per cent, backslash and ampersand) is undone in
//! the text instead ([`super::unfold`]). Letters count without their case everywhere.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// A writing that is shorter says too little to be looked for.
pub(super) const LENGTH_MIN: usize = 6;

/// Letters of base64 that a value must leave before they are looked for.
const BASE64_MIN: usize = 8;

/// Every writing of a value that is looked for, in lower case, each once.
pub(super) fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut add = |form: Vec<u8>| {
        let form = form.to_ascii_lowercase();
        if form.len() >= LENGTH_MIN && !all.contains(&form) {
            all.push(form);
        }
    };
    add(value.as_bytes().to_vec());
    if value.contains(' ') {
        add(value.replace(' ', "+").into_bytes());
    }
    if is_guid(value) {
        add(value.replace('-', "").into_bytes());
    }
    add(value.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    for alphabet in [STANDARD, URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for before in 0..3 {
            let core = base64_core(&engine, value.as_bytes(), before);
            if core.len() >= BASE64_MIN {
                add(core);
            }
        }
    }
    all
}

/// The letters of base64 that depend on the value alone, when `before` bytes (modulo three) stand before
/// it: those that it shares with its neighbours are left out.
fn base64_core(engine: &GeneralPurpose, value: &[u8], before: usize) -> Vec<u8> {
    let mut padded = vec![0; before];
    padded.extend_from_slice(value);
    let text = engine.encode(&padded).into_bytes();
    let whole = padded.len() * 8 / 6;
    let shared = (before * 8).div_ceil(6);
    text.get(shared..whole).unwrap_or_default().to_vec()
}

fn is_guid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as PADDED;

    #[test]
    fn base64_is_found_at_each_of_its_three_places() {
        let value = "7d1fca02-93be-4a55-8c1e-2f60b9d47a13";
        let all = forms(value);
        for before in 0..6 {
            for after in 0..4 {
                let text = format!("{}{value}{}", "x".repeat(before), "y".repeat(after));
                let encoded = PADDED.encode(text).to_ascii_lowercase().into_bytes();
                let found = all.iter().any(|form| {
                    form.len() > 40 && encoded.windows(form.len()).any(|window| window == form)
                });
                assert!(found, "{before} before, {after} after");
            }
        }
    }

    #[test]
    fn what_is_too_short_is_not_looked_for() {
        assert!(forms("k").iter().all(|form| form.len() >= LENGTH_MIN));
        assert!(forms("").is_empty());
    }
}
