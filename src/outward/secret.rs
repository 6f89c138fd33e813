//! What is a secret while it is carried about? A text that does not print, and is known from its making.

use std::fmt;

/// A text that neither `Debug` nor `Display` shows. Whoever makes one makes it known: from then on no
/// text that leaves this process holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        super::know(&text);
        Self(text)
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::BLANK)
    }
}

/// Reads the value of a secret parameter; given by the command line, which knows the environment.
pub trait SecretReader: Send + Sync + fmt::Debug {
    /// The value of the parameter.
    ///
    /// # Errors
    /// It cannot be read; a sentence that names the source and never the value.
    fn read(&self, param: &str) -> Result<Secret, String>;
}

/// Knows no secrets: for drills and runbooks without any.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl SecretReader for NoSecrets {
    fn read(&self, param: &str) -> Result<Secret, String> {
        Err(format!("The secret parameter `{param}` has no source here."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_is_known_from_its_making() {
        let secret = Secret::new("7d1fca02-93be-4a55-8c1e-2f60b9d47a13");
        assert_eq!(format!("{secret:?}"), "…");
        let told = super::super::redacted("no: 7D1FCA02-93BE-4A55-8C1E-2F60B9D47A13").into_owned();
        assert_eq!(told, "no: …");
    }
}
