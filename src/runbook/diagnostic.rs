//! What is wrong with the file? Diagnostics: coded, placed, with a fix; many at once.

use serde::Serialize;

use super::source::{SourceFile, Span};
use crate::model::limits::DIAGNOSTICS_MAX;

/// Defines the codes, once: variant, text, what it means.
macro_rules! codes {
    ($($variant:ident $code:literal $meaning:literal,)*) => {
        /// A stable code of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, as a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    NotUtf8 "BR0001" "The file is not UTF-8.",
    NulByte "BR0002" "The file holds NUL bytes.",
    TooLarge "BR0003" "The file is larger than a runbook may be.",
    Syntax "BR0004" "The file is not YAML.",
    TooDeep "BR0005" "The YAML is nested too deep.",
    TooManyNodes "BR0006" "The YAML has too many nodes.",
    Alias "BR0007" "Anchors and aliases are not part of the language.",
    Tag "BR0008" "Tags are not part of the language.",
    SeveralDocuments "BR0009" "A runbook is one YAML document.",
    DuplicateKey "BR0010" "A key stands twice in one mapping.",
    KeyNotText "BR0011" "A key is not plain text.",
    Empty "BR0012" "The file is empty.",
    UnknownKey "BR0101" "A key is not part of the language.",
    MissingKey "BR0102" "A key is missing.",
    WrongKind "BR0103" "A value is of the wrong kind.",
    BadName "BR0104" "A name breaks the rules of names.",
    BadValue "BR0105" "A value cannot be read as what it should be.",
    UnknownParam "BR0201" "A parameter does not exist.",
    ParamConstraint "BR0202" "A parameter's value breaks its constraint.",
    ParamMissing "BR0203" "A parameter has no value.",
    Secret "BR0204" "A secret stands where it must not.",
    UnknownProfile "BR0205" "A profile does not exist.",
    UnusedParam "BR0206" "A parameter is not used.",
    ExprSyntax "BR0301" "An expression cannot be parsed.",
    UnknownReference "BR0302" "An expression refers to what does not exist.",
    ExprUnsupported "BR0303" "An expression uses what the language does not have.",
    ExprType "BR0304" "An expression combines what does not fit together.",
    ExprTooLong "BR0305" "An expression is too long.",
    UnknownAction "BR0401" "An action does not exist.",
    UnknownStep "BR0402" "A step does not exist.",
    Cycle "BR0403" "Steps need one another.",
    DoubleWrite "BR0404" "Two steps write one resource in no order.",
    Unordered "BR0405" "A condition reads a step that may not have ended.",
    ResourceType "BR0406" "A resource is of the wrong type.",
    Region "BR0407" "Azure has no such region.",
    HostBits "BR0408" "An address prefix has host bits set.",
    GatewaySku "BR0409" "A gateway SKU is not one of ExpressRoute.",
    GatewaySubnet "BR0410" "A gateway's subnet is not as Azure wants it.",
    TooManySteps "BR0411" "The runbook has too many steps.",
    Part "BR0412" "A runbook that is used by this one cannot be used.",
    UnknownRole "BR0413" "A role does not exist.",
    ResourceTags "BR0414" "Azure does not take these tags.",
    ServiceTag "BR0415" "Azure has no such service tag.",
    NamedFile "BR0416" "A file that the runbook names cannot be read.",
    Ends "BR0417" "A connection does not fit what it joins.",
    SubnetSize "BR0418" "A subnet is of a size that Azure does not make.",
    ServiceSubnet "BR0419" "A subnet is small for the service of Azure that it is named for.",
    Placeholder "BR0420" "A value is still to be filled in.",
    NotThere "BR0501" "A resource is named that is not in the world.",
    Twice "BR0502" "Something stands twice that there is once.",
    UnknownProperty "BR0503" "A resource's type has no such property, as far as we know.",
    PropertyKind "BR0504" "A property is not of the kind that Azure has there.",
    PropertyWord "BR0505" "A property has a word that Azure does not use there, as far as we know.",
    MissingProperty "BR0506" "A resource lacks what it cannot be without.",
    NeverStrikes "BR0507" "A fault or an event can never happen to anything.",
    Extends "BR0508" "A world that this one changes cannot be used.",
    UnknownType "BR0509" "Azure has no such type, as far as we know.",
    Outside "BR0510" "A prefix lies outside of the one that it is part of.",
    Nameless "BR0511" "A resource's name or type is not what its id says.",
    Impossible "BR0512" "Two resources stand beside each other as Azure never has them.",
    NotPlayed "BR0513" "A resource does something that a drill does not show.",
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// One thing that is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of thing.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What, as a sentence.
    pub message: String,
    /// The fix, as a sentence.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, span, message: message.into(), help: None }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Adds the fix.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The diagnostics of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    /// How many were left out because there were so many.
    pub left_out: usize,
}

/// A diagnostic as machine output has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagnosticView {
    /// The code.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The fix.
    pub help: Option<String>,
}

impl Diagnostics {
    /// Adds one; the same thing at the same place is said once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.contains(&diagnostic) {
            return;
        }
        if self.kept.len() >= DIAGNOSTICS_MAX {
            self.left_out += 1;
            return;
        }
        self.kept.push(diagnostic);
    }

    /// Takes back the doubts of a kind at a place: something better is said of it, or nothing.
    pub fn forget(&mut self, code: Code, span: &Span) {
        let is =
            |d: &Diagnostic| d.code == code && d.span == *span && d.severity == Severity::Warning;
        self.kept.retain(|d| !is(d));
    }

    /// All, in the order of the file.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.kept.iter().collect();
        all.sort_by_key(|d| (d.span.start, d.span.end, d.code));
        all
    }

    /// Whether any is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.kept.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many errors there are among those that are kept.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.kept.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many there are, the left out ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len() + self.left_out
    }

    /// All, as machine output has them.
    #[must_use]
    pub fn views(&self, source: &SourceFile) -> Vec<DiagnosticView> {
        self.sorted()
            .into_iter()
            .map(|d| {
                let (line, column) = source.place(d.span.start);
                DiagnosticView {
                    code: d.code.as_str(),
                    severity: d.severity,
                    message: d.message.clone(),
                    file: source.name_at(d.span.start).to_owned(),
                    line,
                    column,
                    help: d.help.clone(),
                }
            })
            .collect()
    }
}

/// The candidate that a misspelt word most likely meant.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}
