//! How does a view become a document? Templates: shipped in the binary, replaceable one file at a time.
//!
//! A template sees its view and nothing else: no file, no environment, no network, no clock. Every
//! value is escaped for the format of the template's own ending; a name that the view does not have
//! is an error with the template's line, in a condition as well.

mod escape;
mod names;
mod prose;
#[macro_use]
mod shape;

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

pub use escape::{html as escape_html, markdown as escape_markdown};
pub(crate) use shape::view;
pub use shape::{FieldShape, ObjectShape, ViewKind, ViewShape, object_of};

/// The templates of the binary: name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("base.html", include_str!("../../../templates/base.html")),
    ("picture.css", include_str!("../../../templates/picture.css")),
    ("style.css", include_str!("../../../templates/style.css")),
    ("report.html", include_str!("../../../templates/report.html")),
    ("report.md", include_str!("../../../templates/report.md")),
    ("runbook.html", include_str!("../../../templates/runbook.html")),
    ("runbook.md", include_str!("../../../templates/runbook.md")),
    ("runbook/chapters.html", include_str!("../../../templates/runbook/chapters.html")),
    ("runbook/chapters.md", include_str!("../../../templates/runbook/chapters.md")),
    ("runbook/card.html", include_str!("../../../templates/runbook/card.html")),
    ("runbook/card.md", include_str!("../../../templates/runbook/card.md")),
    ("runbook/checklist.html", include_str!("../../../templates/runbook/checklist.html")),
    ("runbook/cover.html", include_str!("../../../templates/runbook/cover.html")),
    ("runbook/matrix.html", include_str!("../../../templates/runbook/matrix.html")),
    ("runbook/step.html", include_str!("../../../templates/runbook/step.html")),
    ("runbook/step.md", include_str!("../../../templates/runbook/step.md")),
];

/// A template that cannot be used; the message names the template and its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, with the place in the template.
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// Tera says "because of what" in the sources of its errors.
    fn of(error: &tera::Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message.push_str(&format!("\n{cause}"));
            source = cause.source();
        }
        Self { message }
    }
}

/// The templates in use.
#[derive(Debug, Clone)]
pub struct Templates {
    html: Tera,
    markdown: Tera,
    texts: BTreeMap<String, String>,
}

impl Templates {
    /// The shipped templates, with some of them replaced and others added, by name.
    ///
    /// # Errors
    /// A template is not one, or includes or extends one that is not there.
    pub fn new(replaced: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut texts: BTreeMap<String, String> =
            SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        texts.extend(replaced.iter().map(|(name, text)| (name.clone(), text.clone())));
        let (mut html, mut markdown) = (Tera::new(), Tera::new());
        html.autoescape_on([".html", ".css"]);
        html.set_escape_fn(|text, out| out.write_all(escape::html(text).as_bytes()));
        html.register_filter("prose", |text: &str, _: Kwargs, _: &State<'_>| {
            Value::safe_string(&prose::html(text))
        });
        html.register_filter("line", |text: &str, _: Kwargs, _: &State<'_>| {
            Value::safe_string(&prose::html_line(text))
        });
        html.register_filter("path", |text: &str, _: Kwargs, _: &State<'_>| {
            // A long one breaks after a slash, not within a name.
            Value::safe_string(&escape::html(text).replace('/', "/<wbr>"))
        });
        markdown.autoescape_on([".md"]);
        markdown.set_escape_fn(|text, out| out.write_all(escape::markdown(text).as_bytes()));
        markdown.register_filter("prose", |text: &str, _: Kwargs, _: &State<'_>| {
            Value::safe_string(&prose::markdown(text))
        });
        markdown.register_filter("line", |text: &str, _: Kwargs, _: &State<'_>| {
            Value::safe_string(&prose::markdown_line(text))
        });
        markdown.register_filter("code", |text: &str, _: Kwargs, _: &State<'_>| {
            Value::safe_string(&escape::markdown_code(text))
        });
        markdown.register_filter("fenced", |text: &str, options: Kwargs, _: &State<'_>| {
            let language = options.get::<&str>("language")?.unwrap_or_default();
            Ok::<_, tera::Error>(Value::safe_string(&escape::markdown_fence(text, language)))
        });
        let of =
            |wanted: bool| texts.iter().filter(move |(name, _)| name.ends_with(".md") == wanted);
        html.add_raw_templates(of(false)).map_err(|error| TemplateError::of(&error))?;
        markdown.add_raw_templates(of(true)).map_err(|error| TemplateError::of(&error))?;
        Ok(Self { html, markdown, texts })
    }

    /// Fills a template with a view.
    ///
    /// # Errors
    /// There is no such template, it uses a name that the view does not have, or it cannot be filled.
    pub fn fill<V: Serialize + ViewShape>(
        &self,
        template: &str,
        view: &V,
    ) -> Result<String, TemplateError> {
        names::check(&self.texts, template, V::kind())?;
        let context = Context::from_serialize(view).map_err(|error| TemplateError::of(&error))?;
        let tera = if template.ends_with(".md") { &self.markdown } else { &self.html };
        tera.render(template, &context).map_err(|error| TemplateError::of(&error))
    }

    /// The digest of all templates in use: BLAKE3, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, text) in &self.texts {
            for part in [name, text] {
                hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    view! {
        /// A line.
        struct PageLine {
            /// Its text.
            text: String,
        }
    }

    view! {
        /// A page.
        struct Page {
            /// Its title.
            title: String,
            /// Whether it has a word before its lines.
            word: Option<String>,
            /// Its lines.
            lines: Vec<PageLine>,
        }
    }

    fn page() -> Page {
        Page {
            title: "<script>alert(1)</script> | a | b".to_owned(),
            word: None,
            lines: vec![PageLine { text: "`x` *y* [z](javascript:1)\n# no heading".to_owned() }],
        }
    }

    fn filled(name: &str, text: &str) -> Result<String, TemplateError> {
        let replaced = BTreeMap::from([(name.to_owned(), text.to_owned())]);
        Templates::new(&replaced)?.fill(name, &page())
    }

    #[test]
    fn every_value_is_escaped_for_its_format() {
        let html = filled("x.html", "<h1 title=\"{{ title }}\">{{ title }}</h1>").unwrap();
        assert!(!html.contains("<script"), "{html}");
        let text = "# {{ title }}\n\n{% for line in lines %}{{ line.text }}{% endfor %}";
        let markdown = filled("x.md", text).unwrap();
        assert_eq!(
            markdown,
            "# \\<script\\>alert(1)\\</script\\> \\| a \\| b\n\n\
             \\`x\\` \\*y\\* \\[z\\](javascript:1) # no heading"
        );
    }

    #[test]
    fn a_name_that_the_view_does_not_have_is_an_error_with_its_line() {
        for (template, name, line) in [
            ("a\n{{ titel }}", "titel", 2),
            ("{{ title }}\n\n{% if wrod %}x{% endif %}", "wrod", 3),
            ("{% for line in lines %}\n{{ line.txt }}{% endfor %}", "txt", 2),
            ("{% for line in lines %}\n{% if line.title %}x{% endif %}{% endfor %}", "title", 2),
            ("{% for line in linse %}{% endfor %}", "linse", 1),
            ("{{ title | default(value=wrod) }}", "wrod", 1),
        ] {
            let error = filled("x.html", template).unwrap_err().message;
            assert!(error.contains(&format!("`{name}`")), "{template}: {error}");
            assert!(error.contains(&format!("x.html:{line}")), "{template}: {error}");
        }
    }

    #[test]
    fn a_template_that_is_none_is_an_error_with_its_line() {
        let error = filled("x.html", "a\n{% if title %}").unwrap_err().message;
        assert!(error.contains("x.html:2"), "{error}");
        let error = filled("x.html", "{% include \"other.html\" %}").unwrap_err().message;
        assert!(error.contains("other.html"), "{error}");
    }

    #[test]
    fn nothing_outside_the_view_can_be_read() {
        for template in [
            "{{ get_env(name=\"PATH\") }}",
            "{% include \"/etc/passwd\" %}",
            "{% include \"../Cargo.toml\" %}",
            "{{ now() }}",
            "{{ load_data(path=\"x\") }}",
        ] {
            assert!(filled("x.html", template).is_err(), "{template}");
        }
    }

    #[test]
    fn the_digest_follows_every_template() {
        let of = |replaced| Templates::new(&replaced).unwrap().digest();
        let shipped = of(BTreeMap::new());
        let one = of(BTreeMap::from([("style.css".to_owned(), "body{}".to_owned())]));
        assert_eq!(shipped, of(BTreeMap::new()));
        assert_ne!(shipped, one);
    }
}
