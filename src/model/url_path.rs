//! Which resource does the path of a URL name? Clients encode what ids have plain: a space, a letter like `ü`.

/// The path of a URL as ids are written.
///
/// What would have a meaning of its own in a path or that no name may have (`/`, `?`, `#`, `%`, `\`, control
/// characters) stays encoded, and so does what is no UTF-8: no id has a `%`, so that such a path names none.
#[must_use]
pub fn from_url_path(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, coded) = rest.split_at(at);
        plain.push_str(before);
        let bytes = encoded_run(coded);
        let (coded, after) = coded.split_at((3 * bytes.len()).max(1));
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.is_empty() => {
                text.chars().for_each(|letter| push_decoded(&mut plain, letter));
            }
            _ => plain.push_str(coded),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The bytes of the `%XX` that a text begins with.
fn encoded_run(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks_exact(3)
        .map_while(|chunk| match chunk {
            [b'%', high, low] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(*high)? * 16 + digit(*low)?;
                u8::try_from(value).ok()
            }
            _ => None,
        })
        .collect()
}

fn push_decoded(plain: &mut String, letter: char) {
    if letter.is_control() || matches!(letter, '/' | '?' | '#' | '%' | '\\' | '<' | '>') {
        let mut bytes = [0; 4];
        for byte in letter.encode_utf8(&mut bytes).bytes() {
            plain.push_str(&format!("%{byte:02X}"));
        }
    } else {
        plain.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_may_have_is_decoded_and_nothing_else_is() {
        for (path, plain) in [
            ("/a/b", "/a/b"),
            ("/rg%20one/%C3%9Cnternehmen", "/rg one/Ünternehmen"),
            ("/%28prod%29", "/(prod)"),
            ("/a%2fb%2e%2e%3f%25%00", "/a%2Fb..%3F%25%00"),
            ("/%C3", "/%C3"),
            ("/%c3%28", "/%c3%28"),
            ("/100%", "/100%"),
            ("/%4", "/%4"),
            ("/%zz%20", "/%zz "),
            ("/%ü", "/%ü"),
        ] {
            assert_eq!(from_url_path(path), plain, "{path}");
        }
    }
}
