//! How does a CI system mark what was found? By the commands that its agent reads in a log.
//!
//! The same agents read those commands in any line that a step prints, so that what Azure or an author wrote must not
//! look like one: [`defused`] sees to that.

use std::borrow::Cow;

use crate::outward;

/// A CI system whose commands we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CiSystem {
    /// GitHub Actions.
    GitHub,
    /// Azure DevOps' pipelines.
    AzureDevOps,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationLevel {
    /// It fails.
    Error,
    /// It is worth a look.
    Warning,
}

/// Something found, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// In a word or two: a code, a step.
    pub title: String,
    /// What.
    pub message: String,
    /// The file, as it was named.
    pub file: Option<String>,
    /// Line and column, from 1; 0 where they are not known.
    pub place: (usize, usize),
}

impl Annotation {
    /// As the system's command, on one line without its end.
    #[must_use]
    pub fn command(&self, system: CiSystem) -> String {
        match system {
            CiSystem::GitHub => self.for_github(),
            CiSystem::AzureDevOps => self.for_azure_devops(),
        }
    }

    fn for_github(&self) -> String {
        let level = match self.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
        };
        let mut properties = Vec::new();
        let mut put = |name: &str, value: &str| {
            properties.push(format!("{name}={}", github(value, true)));
        };
        if let Some(file) = &self.file {
            put("file", file);
        }
        let (line, column) = self.place;
        if line > 0 {
            put("line", &line.to_string());
        }
        if column > 0 {
            put("col", &column.to_string());
        }
        put("title", &self.title);
        format!("::{level} {}::{}", properties.join(","), github(&self.message, false))
    }

    fn for_azure_devops(&self) -> String {
        let level = match self.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
        };
        let mut properties = format!("type={level};");
        if let Some(file) = &self.file {
            properties.push_str(&format!("sourcepath={};", azure_devops(file)));
        }
        let (line, column) = self.place;
        if line > 0 {
            properties.push_str(&format!("linenumber={line};"));
        }
        if column > 0 {
            properties.push_str(&format!("columnnumber={column};"));
        }
        properties.push_str(&format!("code={};", azure_devops(&self.title)));
        format!("##vso[task.logissue {properties}]{}", azure_devops(&self.message))
    }
}

/// The command that adds a file of Markdown to the run's summary, where there is one for it.
#[must_use]
pub fn upload_summary(path: &str) -> String {
    format!("##vso[task.uploadsummary]{}", azure_devops(path))
}

/// A value of GitHub's: percent signs first, so that nothing is escaped twice.
fn github(text: &str, is_property: bool) -> String {
    let mut escaped = free(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if is_property {
        escaped = escaped.replace(':', "%3A").replace(',', "%2C");
    }
    escaped
}

/// A value of Azure DevOps'.
fn azure_devops(text: &str) -> String {
    free(text)
        .replace('%', "%AZP25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
        .replace(']', "%5D")
        .replace(';', "%3B")
}

fn free(text: &str) -> String {
    outward::visible(&outward::redacted(text)).into_owned()
}

/// A text in which no agent finds a command.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    // `##[` and `##vso[` count wherever they stand, `::` at a line's start.
    let starts = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##") && !text.lines().any(starts) {
        return Cow::Borrowed(text);
    }
    let mut made = text.to_owned();
    // Also what comes to be a mark when another is taken apart.
    while made.to_ascii_lowercase().contains("##[") || made.to_ascii_lowercase().contains("##vso[")
    {
        made = made.replace("##", "# #");
    }
    let lines: Vec<String> = made
        .split('\n')
        .map(|line| match starts(line) {
            true => line.replacen("::", ": :", 1),
            false => line.to_owned(),
        })
        .collect();
    Cow::Owned(lines.join("\n"))
}

/// The same for JSON, which stays the same value: within its texts a number sign may be written by its code.
#[must_use]
pub fn defused_json(text: &str) -> Cow<'_, str> {
    match text.contains("##") {
        true => Cow::Owned(text.replace("##", "#\\u0023")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &str) -> Annotation {
        Annotation {
            level: AnnotationLevel::Error,
            title: "E101, a: b".to_owned(),
            message: message.to_owned(),
            file: Some("run,books/a:b].yaml".to_owned()),
            place: (3, 7),
        }
    }

    #[test]
    fn what_is_in_an_annotation_stays_in_it() {
        let message = "100% bad\n::error::x\r\n##vso[task.setvariable variable=a]b;c";
        let github = found(message).command(CiSystem::GitHub);
        assert_eq!(github.lines().count(), 1);
        assert_eq!(
            github,
            "::error file=run%2Cbooks/a%3Ab].yaml,line=3,col=7,title=E101%2C a%3A b::100%25 bad%0A::error::x␍%0A\
             ##vso[task.setvariable variable=a]b;c"
        );
        let azure = found(message).command(CiSystem::AzureDevOps);
        assert_eq!(azure.lines().count(), 1);
        assert_eq!(azure.matches(']').count(), 1, "{azure}");
        assert!(azure.starts_with(
            "##vso[task.logissue type=error;sourcepath=run,books/a:b%5D.yaml;linenumber=3;columnnumber=7;"
        ));
        assert!(azure.contains("100%AZP25 bad%0A"), "{azure}");
    }

    #[test]
    fn no_line_of_what_others_wrote_is_a_command() {
        for hostile in [
            "##vso[task.setvariable variable=PATH]/tmp",
            "a ##VSO[x]",
            "####vso[vso[x]",
            "###[error]x",
            "a\n  ::set-output name=x::y",
            "::::add-mask::x",
        ] {
            let made = defused(hostile);
            let low = made.to_ascii_lowercase();
            assert!(!low.contains("##vso[") && !low.contains("##["), "{made}");
            assert!(!made.lines().any(|line| line.trim_start().starts_with("::")), "{made}");
        }
        assert!(matches!(defused("# a heading: fine"), Cow::Borrowed(_)));
    }
}
