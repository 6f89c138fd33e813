//! What does a preflight ask of this host? Whether the programs are there that steps run.

use async_trait::async_trait;
use serde_json::Value;

use super::BesideAzure;
use crate::model::StepError;
use crate::preflight::facts::{FactReader, Question};

/// Answers for Azure and for this host.
pub struct WithHost<'a> {
    azure: &'a dyn FactReader,
    beside: &'a BesideAzure,
}

impl<'a> WithHost<'a> {
    /// Of both.
    #[must_use]
    pub fn new(azure: &'a dyn FactReader, beside: &'a BesideAzure) -> Self {
        Self { azure, beside }
    }
}

impl std::fmt::Debug for WithHost<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WithHost").finish_non_exhaustive()
    }
}

#[async_trait]
impl FactReader for WithHost<'_> {
    async fn ask(&self, question: &Question) -> Result<Option<Value>, StepError> {
        let Question::Program { program } = question else {
            return self.azure.ask(question).await;
        };
        Ok(match self.beside.programs() {
            Some(host) => host.program(program).map(|path| Value::from(path.display().to_string())),
            // A drill runs none.
            None => Some(Value::Null),
        })
    }
}
