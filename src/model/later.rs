//! How does a text take in what an earlier step puts out? As `${steps.STEP.OUTPUT}`, until the run knows it.
//!
//! Only programs and calls beside Azure have such texts: their arguments, values and bodies. What is filled in is
//! data: it becomes no other word of a command, no other part of a URL, and no other field of a body.

use serde_json::Value;

use super::id::StepName;
use super::outcome::StepError;
use super::outside::{EnvEntry, HttpRequest, Outside, PassedValue};

/// How such a place begins, and how it ends.
const BEGINS: &str = "${steps.";
const ENDS: char = '}';

/// What a text is part of, which decides how a value is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextUse {
    /// A word of a command, or what a program reads.
    Word,
    /// A value on one line: of a variable or a header.
    OneLine,
    /// A URL, behind its host.
    Url,
    /// A body.
    Body,
}

/// What an output is read from.
pub type ReadOutput<'a> = &'a dyn Fn(&StepName, &str) -> Option<Value>;

/// The place of an output in a text.
#[must_use]
pub fn place(step: &StepName, output: &str) -> String {
    format!("{BEGINS}{step}.{output}{ENDS}")
}

/// Whether a text holds what looks like such a place.
#[must_use]
pub fn has_place(text: &str) -> bool {
    text.contains(BEGINS)
}

/// How many such places there are in a text.
#[must_use]
pub fn places_in(text: &str) -> usize {
    text.matches(BEGINS).count()
}

/// The first place in a text: where it begins and ends, and what belongs there.
fn first(text: &str) -> Option<(usize, usize, StepName, &str)> {
    let from = text.find(BEGINS)?;
    let inside = &text[from + BEGINS.len()..];
    let end = inside.find(ENDS)?;
    let (step, output) = inside[..end].rsplit_once('.')?;
    let to = from + BEGINS.len() + end + ENDS.len_utf8();
    Some((from, to, StepName::parse(step).ok()?, output))
}

impl Outside {
    /// The outputs of other steps that it takes in, each once.
    #[must_use]
    pub fn takes_in(&self) -> Vec<(StepName, String)> {
        let mut found: Vec<(StepName, String)> = Vec::new();
        let mut gather = |_: TextUse, text: &mut String| {
            let mut rest = text.as_str();
            while let Some((_, to, step, output)) = first(rest) {
                let one = (step, output.to_owned());
                if !found.contains(&one) {
                    found.push(one);
                }
                rest = &rest[to..];
            }
            Ok(())
        };
        // Nothing is refused here.
        let _gathered = self.clone().each_text(&mut gather).is_ok();
        found
    }

    /// How many places its texts have that may take something in.
    #[must_use]
    pub fn places(&self) -> usize {
        let mut count = 0;
        let mut add = |_: TextUse, text: &mut String| {
            count += places_in(text);
            Ok(())
        };
        let _counted = self.clone().each_text(&mut add).is_ok();
        count
    }

    /// The same with what earlier steps put out in its places.
    ///
    /// # Errors
    /// A step put out nothing of that name, or what does not fit there.
    pub fn filled(&self, read: ReadOutput<'_>) -> Result<Self, StepError> {
        let mut own = self.clone();
        own.each_text(&mut |of, text| {
            *text = filled(of, text, read)?;
            Ok(())
        })?;
        Ok(own)
    }

    fn each_text(
        &mut self,
        each: &mut dyn FnMut(TextUse, &mut String) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        match self {
            Self::Probe(_) => Ok(()),
            Self::Command(spec) => {
                for argv in [&mut spec.argv, &mut spec.check_argv, &mut spec.undo_argv] {
                    // Which program it is, is known before the run.
                    argv.iter_mut().skip(1).try_for_each(|word| each(TextUse::Word, word))?;
                }
                of_entries(&mut spec.env, each)?;
                match &mut spec.stdin {
                    Some(PassedValue::Text(text)) => each(TextUse::Word, text),
                    Some(PassedValue::Secret { .. }) | None => Ok(()),
                }
            }
            Self::Http(spec) => {
                let more = [&mut spec.check, &mut spec.undo].into_iter().flatten();
                for request in std::iter::once(&mut spec.request).chain(more) {
                    of_request(request, each)?;
                }
                Ok(())
            }
        }
    }
}

fn of_request(
    request: &mut HttpRequest,
    each: &mut dyn FnMut(TextUse, &mut String) -> Result<(), StepError>,
) -> Result<(), StepError> {
    each(TextUse::Url, &mut request.url)?;
    of_entries(&mut request.headers, each)?;
    request.body.iter_mut().try_for_each(|body| each(TextUse::Body, body))
}

fn of_entries(
    entries: &mut [EnvEntry],
    each: &mut dyn FnMut(TextUse, &mut String) -> Result<(), StepError>,
) -> Result<(), StepError> {
    for entry in entries {
        if let Some(PassedValue::Text(text)) = &mut entry.value {
            each(TextUse::OneLine, text)?;
        }
    }
    Ok(())
}

fn filled(of: TextUse, text: &str, read: ReadOutput<'_>) -> Result<String, StepError> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((from, to, step, output)) = first(rest) {
        made.push_str(&rest[..from]);
        let value = read(&step, output).ok_or_else(|| {
            let message = format!("Step `{step}` put out no `{output}`, which this step takes in.");
            StepError::rejected("output_missing", message)
        })?;
        let is_json = text.trim_start().starts_with(['{', '[']);
        made.push_str(&written(of, &value, is_json).ok_or_else(|| {
            let message = format!(
                "What step `{step}` put out as `{output}` does not fit where it is taken in."
            );
            StepError::rejected("output_unfit", message)
        })?);
        rest = &rest[to..];
    }
    made.push_str(rest);
    Ok(made)
}

/// A value as it stands in such a text; none where it cannot.
fn written(of: TextUse, value: &Value, is_json: bool) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    match of {
        TextUse::Word => (!text.contains('\0')).then_some(text),
        TextUse::OneLine => (!text.chars().any(char::is_control)).then_some(text),
        TextUse::Url => Some(encoded(&text)),
        TextUse::Body if is_json => {
            let quoted = serde_json::to_string(&text).ok()?;
            quoted.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
        }
        TextUse::Body => Some(text),
    }
}

/// A text as part of a URL that it cannot leave: dots alone would lead out of their folder.
fn encoded(text: &str) -> String {
    let only_dots = text.chars().all(|c| c == '.');
    let mut made = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        match plain || (byte == b'.' && !only_dots) {
            true => made.push(char::from(byte)),
            false => made.push_str(&format!("%{byte:02X}")),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn name(text: &str) -> StepName {
        StepName::parse(text).unwrap()
    }

    #[test]
    fn what_is_filled_in_stays_where_it_was_put() {
        let hostile = json!("a b/../c?x=1#\"}\u{2028},\"admin\":\"1");
        let read = |step: &StepName, output: &str| {
            (step.as_str() == "part.ticket" && output == "id").then(|| hostile.clone())
        };
        let at = place(&name("part.ticket"), "id");
        let url = filled(TextUse::Url, &format!("https://x.example/t/{at}/close"), &read).unwrap();
        let parsed = url::Url::parse(&url).unwrap();
        assert_eq!((parsed.path_segments().unwrap().count(), parsed.query()), (3, None));
        let body = filled(TextUse::Body, &format!("{{\"id\": \"{at}\"}}"), &read).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, json!({ "id": hostile }));
        assert_eq!(
            filled(TextUse::Word, &format!("--id={at}"), &read).unwrap(),
            format!("--id={}", hostile.as_str().unwrap())
        );
        assert_eq!(encoded(".."), "%2E%2E");
        let other = place(&name("other"), "id");
        assert_eq!(filled(TextUse::Word, &other, &read).unwrap_err().code, "output_missing");
        let lines = |_: &StepName, _: &str| Some(json!("a\r\nX-Admin: 1"));
        assert_eq!(filled(TextUse::OneLine, &other, &lines).unwrap_err().code, "output_unfit");
        let list = |_: &StepName, _: &str| Some(json!(["a"]));
        assert_eq!(filled(TextUse::Word, &other, &list).unwrap_err().code, "output_unfit");
    }
}
