//! Whom does a goal concern? Azure, or what is beside it; one observer and one actuator for both.

use std::sync::Arc;

use async_trait::async_trait;

use crate::engine::{Actuator, CallContext, Observer, PollAnswer, SendAnswer};
use crate::model::{
    Action, Assessment, Goal, OperationHandle, OperationKey, StepError, Write, WriteTarget,
};

/// Whether a goal is beside Azure.
fn is_outside(goal: &Goal<'_>) -> bool {
    match goal {
        Goal::Do(action) | Goal::Mend(action) | Goal::Undo { action, .. } => {
            matches!(action, Action::Outside(_))
        }
    }
}

/// Azure's side and what is beside it, behind one port.
pub struct RoutedPort<P: ?Sized> {
    azure: Arc<P>,
    beside: Arc<P>,
}

/// Reads both. Cannot write either.
pub type RoutedObserver = RoutedPort<dyn Observer>;

/// Reads and writes both.
pub type RoutedActuator = RoutedPort<dyn Actuator>;

impl<P: ?Sized> RoutedPort<P> {
    /// Of both.
    #[must_use]
    pub fn new(azure: Arc<P>, beside: Arc<P>) -> Self {
        Self { azure, beside }
    }
}

#[async_trait]
impl<P: Observer + ?Sized> Observer for RoutedPort<P> {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError> {
        match is_outside(goal) {
            true => self.beside.observe(goal, context).await,
            false => self.azure.observe(goal, context).await,
        }
    }
}

#[async_trait]
impl Actuator for RoutedActuator {
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        match &write.resource {
            WriteTarget::Azure(_) => self.azure.send(write, key, context).await,
            WriteTarget::Outside(_) => self.beside.send(write, key, context).await,
        }
    }

    async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<PollAnswer, StepError> {
        // Nothing beside Azure leaves a handle.
        self.azure.poll(handle, context).await
    }
}
