//! What stands where? YAML read once into a tree with positions, under caps (D12).
//!
//! Only what the language needs is let in: no anchors, tags, second documents or duplicate keys. The
//! caps are enforced while the events arrive, so hostile input ends early.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::source::{DocumentKind, SourceFile, Span};
use super::syntax::yaml_slip;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: NodeValue,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    /// Text; plain when it was not quoted, and only then anything but a string.
    Scalar {
        /// The text.
        text: String,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in its order.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub span: Span,
    /// The text.
    pub text: String,
}

impl Node {
    /// The entries, if it is a mapping.
    #[must_use]
    pub fn map(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            NodeValue::Map(entries) => Some(entries),
            NodeValue::Scalar { .. } | NodeValue::List(_) => None,
        }
    }

    /// The value of a key, if it is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// Whether it is nothing: `null`, `~` or empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, plain: true } if ["", "~", "null"].contains(&text.as_str()))
    }

    /// What it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Scalar { .. } if self.is_null() => "nothing",
            NodeValue::Scalar { .. } => "a text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }
}

/// An unfinished mapping: its entries, and the keys that it has already.
type Mapping = (Vec<(Key, Node)>, BTreeSet<String>);

/// An unfinished list or mapping.
struct Open {
    start: usize,
    list: Vec<Node>,
    map: Option<Mapping>,
    key: Option<Key>,
    duplicate: bool,
}

/// Reads the text; none when it is no tree of ours, and the diagnostics say why.
pub fn read(source: &SourceFile, diagnostics: &mut Diagnostics) -> Option<Node> {
    read_part(source, source.own(), diagnostics)
}

/// Reads the text of a part.
pub fn read_part(source: &SourceFile, span: Span, diagnostics: &mut Diagnostics) -> Option<Node> {
    let text = source.text().get(span.clone())?;
    let before = diagnostics.len();
    let mut reader = TreeReader {
        kind: source.kind(),
        offsets: offsets(text),
        begin: span.start,
        length: text.len(),
        open: Vec::new(),
        nodes: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((event, span)) => {
                let span = reader.byte(span.start.index())..reader.byte(span.end.index());
                reader.take(event, span, diagnostics)
            }
            Err(error) => {
                let at = reader.byte(error.marker().index());
                // The parser has a limit of its own, and may reach it first.
                if error.info().contains("recursion limit") {
                    let message = "This is nested deeper than anything is that means something.";
                    Err(Diagnostic::error(Code::TooDeep, at..at, message))
                } else {
                    let message = format!("This is not YAML: {}.", error.info());
                    let (within, help) = yaml_slip(text, at - span.start, error.info());
                    let at = span.start + within;
                    let mut diagnostic = Diagnostic::error(Code::Syntax, at..at, message);
                    diagnostic.help = help;
                    Err(diagnostic)
                }
            }
        };
        if let Err(diagnostic) = step {
            diagnostics.push(diagnostic);
            return None;
        }
    }
    if reader.root.is_none() && diagnostics.len() == before {
        diagnostics.push(
            Diagnostic::error(Code::Empty, span.start..span.start, "The file is empty.")
                .with_help(source.kind().beginning()),
        );
    }
    reader.root
}

/// Byte offsets of characters, when they are not the same.
fn offsets(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect())
}

struct TreeReader {
    kind: DocumentKind,
    offsets: Option<Vec<usize>>,
    begin: usize,
    length: usize,
    open: Vec<Open>,
    nodes: usize,
    root: Option<Node>,
}

impl TreeReader {
    fn byte(&self, character: usize) -> usize {
        let within = match &self.offsets {
            Some(offsets) => offsets.get(character).copied().unwrap_or(self.length),
            None => character.min(self.length),
        };
        self.begin + within
    }

    fn take(
        &mut self,
        event: Event<'_>,
        span: Span,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                let message = "A second YAML document begins here.";
                Err(Diagnostic::error(Code::SeveralDocuments, span, message)
                    .with_help(self.kind.one_to_a_file()))
            }
            Event::DocumentStart(_)
            | Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => Err(self.alias(span)),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), &span)?;
                let plain = style == ScalarStyle::Plain;
                let value = NodeValue::Scalar { text: text.into_owned(), plain };
                self.add(Node { span, value }, diagnostics)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), &span)?;
                self.begin(span, false)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), &span)?;
                self.begin(span, true)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let end = span.end.max(open.start);
                let value = match open.map {
                    Some((entries, _)) => NodeValue::Map(entries),
                    None => NodeValue::List(open.list),
                };
                self.add(Node { span: open.start..end, value }, diagnostics)
            }
        }
    }

    fn alias(&self, span: Span) -> Diagnostic {
        alias(self.kind, span)
    }

    fn refuse(&self, anchor: usize, tag: bool, span: &Span) -> Result<(), Diagnostic> {
        if anchor > 0 {
            return Err(self.alias(span.clone()));
        }
        if tag {
            let message = "Tags such as `!!str` are not part of the language.";
            return Err(Diagnostic::error(Code::Tag, span.clone(), message)
                .with_help("Leave it out; the language knows the type of every value."));
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, map: bool) -> Result<(), Diagnostic> {
        if self.open.len() >= self.kind.depth_max() {
            let message = format!("This is nested deeper than {} levels.", self.kind.depth_max());
            return Err(Diagnostic::error(Code::TooDeep, span, message));
        }
        self.open.push(Open {
            start: span.start,
            list: Vec::new(),
            map: map.then(|| (Vec::new(), BTreeSet::new())),
            key: None,
            duplicate: false,
        });
        Ok(())
    }

    fn add(&mut self, node: Node, diagnostics: &mut Diagnostics) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > self.kind.nodes_max() {
            let message = format!("The file has more than {} nodes.", self.kind.nodes_max());
            return Err(Diagnostic::error(Code::TooManyNodes, node.span, message));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let Some((entries, names)) = &mut open.map else {
            open.list.push(node);
            return Ok(());
        };
        match open.key.take() {
            Some(key) if open.duplicate => drop((key, node)),
            Some(key) => entries.push((key, node)),
            None => {
                let NodeValue::Scalar { text, .. } = node.value else {
                    let message = "A key must be plain text.";
                    return Err(Diagnostic::error(Code::KeyNotText, node.span, message));
                };
                if text == "<<" {
                    return Err(alias(self.kind, node.span));
                }
                open.duplicate = !names.insert(text.clone());
                if open.duplicate {
                    let shown: String = text.chars().take(60).collect();
                    let message = format!("The key `{shown}` stands twice in this mapping.");
                    diagnostics.push(
                        Diagnostic::error(Code::DuplicateKey, node.span.clone(), message)
                            .with_help("Keep one of them."),
                    );
                }
                open.key = Some(Key { span: node.span, text });
            }
        }
        Ok(())
    }
}

fn alias(kind: DocumentKind, span: Span) -> Diagnostic {
    let message = "Anchors, aliases and merge keys are not part of the language.";
    Diagnostic::error(Code::Alias, span, message).with_help(kind.without_anchors())
}

/// The paths of the parts that a runbook's steps use, as written.
#[must_use]
pub fn uses(root: &Node) -> Vec<String> {
    let steps = root.get("steps").and_then(Node::map).unwrap_or_default();
    let used = steps.iter().filter_map(|(_, step)| step.get("use"));
    used.filter_map(|node| match &node.value {
        NodeValue::Scalar { text, .. } => Some(text.clone()),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let source = SourceFile::new("t", text);
        let mut diagnostics = Diagnostics::default();
        let tree = read(&source, &mut diagnostics);
        assert!(tree.is_some() || diagnostics.has_errors(), "no tree without a reason");
        diagnostics.sorted().iter().map(|d| d.code.as_str()).collect()
    }

    #[test]
    fn what_is_not_of_the_language_is_named() {
        assert_eq!(codes("a: &x 1\nb: *x"), ["BR0007"]);
        assert_eq!(codes("a: !!str 1"), ["BR0008"]);
        assert_eq!(codes("a: 1\n---\nb: 2"), ["BR0009"]);
        assert_eq!(codes("a: 1\na: 2\nb: 1"), ["BR0010"]);
        assert_eq!(codes("? [a]\n: 1"), ["BR0011"]);
        assert_eq!(codes(""), ["BR0012"]);
        assert_eq!(codes("a: [1"), ["BR0004"]);
        assert_eq!(codes("a: 1\n<<: {b: 1}"), ["BR0007"]);
    }

    #[test]
    fn hostile_input_ends_early() {
        let deep = "[".repeat(200_000);
        // The parser has a limit of its own, and may reach it first.
        assert!(matches!(codes(&deep).as_slice(), ["BR0004" | "BR0005"]), "{:?}", codes(&deep));
        let block = (0..2_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
        assert!(matches!(codes(&block).as_slice(), ["BR0004" | "BR0005"]), "{:?}", codes(&block));
        let wide = format!("[{}]", "1,".repeat(1_100_000));
        assert_eq!(codes(&wide), ["BR0006"]);
        let twice = "a: 1\n".repeat(20_000);
        assert!(codes(&twice).iter().all(|code| *code == "BR0010"));
        let key = format!("{}: 1", "k".repeat(1_000_000));
        assert!(codes(&key).len() <= 1);
        let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]";
        assert_eq!(codes(bomb), ["BR0007"]);
    }

    #[test]
    fn places_count_characters_and_not_bytes() {
        let source = SourceFile::new("t", "título: [é, ü]\nx: {y: 1}\n");
        let mut diagnostics = Diagnostics::default();
        let tree = read(&source, &mut diagnostics).unwrap();
        let y = tree.get("x").unwrap().get("y").unwrap();
        assert_eq!(source.place(y.span.start), (2, 8));
        let list = tree.get("título").unwrap();
        let NodeValue::List(items) = &list.value else { panic!() };
        assert_eq!(source.place(items[1].span.start), (1, 13));
        assert_eq!(&source.text()[items[1].span.clone()], "ü");
    }
}
