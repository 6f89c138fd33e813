//! Which text, and where in it? A runbook's bytes as text, spans, lines and columns.

use std::ops::Range;

use super::diagnostic::{Code, Diagnostic};
use crate::model::limits::RUNBOOK_BYTES_MAX;

/// A range of bytes of a source.
pub type Span = Range<usize>;

/// A runbook's text and its name for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    name: String,
    text: String,
    lines: Vec<usize>,
}

impl SourceFile {
    /// Takes text in as it is.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, lines }
    }

    /// Reads bytes as they come from a file: UTF-8, with or without a byte order mark.
    ///
    /// # Errors
    /// They are another encoding, hold NUL bytes, or are too many; the diagnostic says how to mend it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Box<(Self, Diagnostic)>> {
        let wrong = |code, at: usize, message: String, help: &str| {
            let known = String::from_utf8_lossy(&bytes[..bytes.len().min(4_096)]).into_owned();
            let end = known.len().min(at);
            let source = Self::new(name, known);
            Box::new((source, Diagnostic::error(code, end..end, message).with_help(help)))
        };
        if bytes.len() > RUNBOOK_BYTES_MAX {
            let message = format!(
                "The file has {} bytes; a runbook may have {RUNBOOK_BYTES_MAX}.",
                bytes.len()
            );
            return Err(wrong(Code::TooLarge, 0, message, "Is this the right file?"));
        }
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        if utf16 {
            let message = "The file is UTF-16; a runbook is UTF-8.".to_owned();
            let help = "Save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 FILE.";
            return Err(wrong(Code::NotUtf8, 0, message, help));
        }
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            let message = format!("The file holds a NUL byte at offset {at}; it is not text.");
            return Err(wrong(Code::NulByte, at, message, "Is this the right file?"));
        }
        let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let at = error.valid_up_to();
                let message = format!("The file is not UTF-8 from offset {at} on.");
                Err(wrong(Code::NotUtf8, at, message, "Save it as UTF-8."))
            }
        }
    }

    /// The name for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1; columns count characters.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (line, self.text[start..at].chars().count() + 1)
    }
}
