//! How does the world compare with the plan? Every step's resource is looked at, through an
//! [`Observer`] only: nothing here could write.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use super::ports::{CallContext, Clock, Observer};
use crate::model::{Action, Assessment, Goal, Plan, Step, StepError, StepName};

/// Looks that are under way at once: a fraction of Azure's read bucket (azure-facts 3.7).
const LOOKS_AT_ONCE: usize = 8;

/// What was seen of each step that is about a resource.
pub type Survey = BTreeMap<StepName, Result<Assessment, StepError>>;

/// Whether a look at the step is part of a survey: it is about a resource.
#[must_use]
pub fn is_looked_at(step: &Step) -> bool {
    // What takes in what earlier steps put out is known in the run only.
    if let Action::Outside(own) = &step.action {
        return own.takes_in().is_empty();
    }
    !matches!(step.action, Action::General(_))
}

/// Looks at every step's resource once.
pub async fn survey(plan: &Plan, observer: &dyn Observer, clock: &Arc<dyn Clock>) -> Survey {
    let steps: Vec<&Step> = plan.steps().iter().filter(|step| is_looked_at(step)).collect();
    survey_of(&steps, observer, clock).await
}

/// Looks at the resources of these steps once.
pub async fn survey_of(steps: &[&Step], observer: &dyn Observer, clock: &Arc<dyn Clock>) -> Survey {
    let looks = steps.iter().map(|step| {
        // Each look is a worker of its own on the clock.
        let turn = clock.queue();
        async move {
            let busy = turn.await;
            let context = CallContext { run: None, not_after: None, waited: None };
            let result = observer.observe(&Goal::Do(&step.action), &context).await;
            drop(busy);
            (step.name.clone(), result)
        }
    });
    futures::stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).collect().await
}
