//! Which text, and where in it? The bytes of a runbook, or of a world, as text, spans, lines and columns.
//!
//! A runbook may use others as its parts, and a world extend another one. Their texts stand behind its own in one text, so that a span
//! is a place in exactly one of the files.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::tree;
use crate::model::limits::{
    FILE_BYTES_MAX, RUNBOOK_BYTES_MAX, WORLD_DEPTH_MAX, WORLD_NODES_MAX, YAML_DEPTH_MAX,
    YAML_NODES_MAX,
};

/// A range of bytes of a source.
pub type Span = Range<usize>;

/// What a file that a person writes is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DocumentKind {
    /// A runbook.
    #[default]
    Runbook,
    /// A world, in which a drill begins.
    World,
    /// Bad days, to be laid over worlds.
    BadDays,
    /// Values of parameters.
    Params,
    /// The settings of this host.
    Settings,
}

impl DocumentKind {
    /// What it is called, with its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Runbook => "a runbook",
            Self::World => "a world",
            Self::BadDays => "a file of bad days",
            Self::Params => "a file of parameters",
            Self::Settings => "a settings file",
        }
    }

    /// How it begins, as a sentence.
    pub(super) fn beginning(self) -> &'static str {
        match self {
            Self::Runbook => "A runbook begins with `runbook: NAME`.",
            Self::World => "A world begins with `world: NAME`.",
            Self::BadDays => "A file of bad days is a list: each begins with `- name: NAME`.",
            Self::Params => "A file of parameters has a line for each: `NAME: VALUE`.",
            Self::Settings => "A settings file has the keys `notify` and `page`.",
        }
    }

    /// Why there is one to a file.
    pub(super) fn one_to_a_file(self) -> &'static str {
        match self {
            Self::Runbook => "Put each runbook into a file of its own.",
            Self::World => "Put each world into a file of its own.",
            Self::BadDays => "Write one list.",
            Self::Params | Self::Settings => "Write one mapping.",
        }
    }

    /// What there is in place of anchors.
    pub(super) fn without_anchors(self) -> &'static str {
        match self {
            Self::Runbook => "Use a parameter, `defaults` or a loop instead.",
            Self::World => "Write it out, or let another world say it: `extends: FILE`.",
            Self::BadDays | Self::Params | Self::Settings => "Write it out.",
        }
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::Runbook => RUNBOOK_BYTES_MAX,
            Self::World | Self::BadDays | Self::Params | Self::Settings => {
                usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX)
            }
        }
    }

    pub(super) fn depth_max(self) -> usize {
        match self {
            Self::World => WORLD_DEPTH_MAX,
            Self::Runbook | Self::BadDays | Self::Params | Self::Settings => YAML_DEPTH_MAX,
        }
    }

    pub(super) fn nodes_max(self) -> usize {
        match self {
            Self::World => WORLD_NODES_MAX,
            Self::Runbook | Self::BadDays | Self::Params | Self::Settings => YAML_NODES_MAX,
        }
    }
}

/// A runbook's text and its name for messages, with those of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    kind: DocumentKind,
    name: String,
    text: String,
    lines: Vec<usize>,
    parts: Vec<UsedRunbook>,
    /// Texts that give values of parameters, behind the parts.
    given: Vec<UsedRunbook>,
    unread: BTreeMap<String, String>,
}

/// A runbook that is used by another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UsedRunbook {
    /// As `use` says it.
    written: String,
    /// For messages.
    name: String,
    span: Span,
}

impl SourceFile {
    /// Takes text in as it is.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of(DocumentKind::Runbook, name, text)
    }

    /// The same, of a document of another kind.
    #[must_use]
    pub fn of(kind: DocumentKind, name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            kind,
            name: name.into(),
            text,
            lines,
            parts: Vec::new(),
            given: Vec::new(),
            unread: BTreeMap::new(),
        }
    }

    /// What it is to be.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// Takes in a runbook that this one uses, under the path that it is used by.
    pub fn add_part(&mut self, written: &str, part: &Self) {
        let span = self.append(&part.text);
        self.parts.push(UsedRunbook { written: written.to_owned(), name: part.name.clone(), span });
    }

    /// Takes in a text that gives values of parameters, under a name for messages; no part is added after it.
    pub fn give(&mut self, name: &str, text: &str) -> Span {
        let span = self.append(text);
        let given =
            UsedRunbook { written: String::new(), name: name.to_owned(), span: span.clone() };
        self.given.push(given);
        span
    }

    /// Puts a text behind what is there.
    fn append(&mut self, text: &str) -> Span {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(text);
        let at_lines = text.match_indices('\n').map(|(at, _)| start + at + 1);
        self.lines.push(start);
        self.lines.extend(at_lines);
        self.lines.dedup();
        start..self.text.len()
    }

    /// Takes in every runbook that this one uses, and those that they use.
    pub fn take_in_parts(&mut self, read: impl Fn(&str) -> Result<Self, String>) {
        let mut spans = vec![self.own()];
        while let Some(span) = spans.pop() {
            // What is wrong with the text is said when it is compiled.
            let mut unsaid = Diagnostics::default();
            let root = tree::read_part(self, span, &mut unsaid);
            for path in root.iter().flat_map(tree::uses) {
                if self.knows_part(&path) {
                    continue;
                }
                match read(&path) {
                    Ok(part) if self.text.len() + part.text.len() <= RUNBOOK_BYTES_MAX => {
                        self.add_part(&path, &part);
                        spans.extend(self.part(&path));
                    }
                    Ok(_) => self.miss_part(&path, "with it the runbook is too large".to_owned()),
                    Err(why) => self.miss_part(&path, why),
                }
            }
        }
    }

    /// Remembers why a runbook that this one uses could not be read.
    pub fn miss_part(&mut self, written: &str, why: String) {
        self.unread.insert(written.to_owned(), why);
    }

    /// Whether a part was read, or missed, already.
    #[must_use]
    pub fn knows_part(&self, written: &str) -> bool {
        self.unread.contains_key(written) || self.part(written).is_some()
    }

    /// Where the text of a part stands.
    #[must_use]
    pub fn part(&self, written: &str) -> Option<Span> {
        self.parts.iter().find(|part| part.written == written).map(|part| part.span.clone())
    }

    /// The paths of the parts, in the order in which they were taken in.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.written.as_str())
    }

    /// Why a part could not be read.
    #[must_use]
    pub fn missed(&self, written: &str) -> Option<&str> {
        self.unread.get(written).map(String::as_str)
    }

    /// Where the runbook's own text stands.
    #[must_use]
    pub fn own(&self) -> Span {
        0..self.behind().next().map_or(self.text.len(), |part| part.span.start)
    }

    /// The text that authors wrote: the runbook's own and those of its parts, without what gives values.
    #[must_use]
    pub fn written(&self) -> &str {
        let end = self.given.first().map_or(self.text.len(), |given| given.span.start);
        &self.text[..end]
    }

    /// Everything behind the runbook's own text.
    fn behind(&self) -> impl DoubleEndedIterator<Item = &UsedRunbook> {
        self.parts.iter().chain(&self.given)
    }

    fn part_at(&self, at: usize) -> Option<&UsedRunbook> {
        self.behind().rev().find(|part| part.span.start <= at)
    }

    /// The name of the file that a byte is of, for messages.
    #[must_use]
    pub fn name_at(&self, at: usize) -> &str {
        self.part_at(at).map_or(&self.name, |part| &part.name)
    }

    /// Reads bytes as they come from a file: UTF-8, with or without a byte order mark.
    ///
    /// # Errors
    /// They are another encoding, hold NUL bytes, or are too many; the diagnostic says how to mend it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Box<(Self, Diagnostic)>> {
        Self::read_as(DocumentKind::Runbook, name, bytes)
    }

    /// The same, of a document of another kind.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_as(
        kind: DocumentKind,
        name: &str,
        bytes: &[u8],
    ) -> Result<Self, Box<(Self, Diagnostic)>> {
        let wrong = |code, at: usize, message: String, help: &str| {
            let known = String::from_utf8_lossy(&bytes[..bytes.len().min(4_096)]).into_owned();
            let end = known.len().min(at);
            let source = Self::of(kind, name, known);
            Box::new((source, Diagnostic::error(code, end..end, message).with_help(help)))
        };
        if bytes.len() > kind.bytes_max() {
            let message = format!(
                "The file has {} bytes; {} may have {}.",
                bytes.len(),
                kind.noun(),
                kind.bytes_max()
            );
            return Err(wrong(Code::TooLarge, 0, message, "Is this the right file?"));
        }
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        if utf16 {
            let message = format!("The file is UTF-16; {} is UTF-8.", kind.noun());
            let help = "Save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 FILE.";
            return Err(wrong(Code::NotUtf8, 0, message, help));
        }
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            let message = format!("The file holds a NUL byte at offset {at}; it is not text.");
            return Err(wrong(Code::NulByte, at, message, "Is this the right file?"));
        }
        let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::of(kind, name, text)),
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

    /// Line and column of a byte in its file, both from 1; columns count characters.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self
            .part_at(at)
            .map_or(0, |part| self.lines.partition_point(|start| *start < part.span.start));
        (line - before, self.text[start..at].chars().count() + 1)
    }
}
