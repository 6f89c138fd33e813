//! What must be there when a step begins? What its action names and does not make; and what a mistyped name meant.
//!
//! References are known from the actions themselves: what is written into, what is changed, what is read besides. A new
//! action has its references by saying what it is about and what it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Action, General, Verification};
use super::id::StepName;
use super::nature::ActionClass;
use super::plan::{Plan, Step};
use super::policy::{OnFailure, Side};
use super::resource::ResourceId;

/// A thing that a step counts on and does not find.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingReference<'p> {
    /// The step.
    pub step: &'p Step,
    /// The thing: of what is part of something that is not there, that something.
    pub id: ResourceId,
    /// Since when, or until when.
    pub absence: Absence<'p>,
    /// Whether the run cannot get past it: the step runs, and nobody can have made the thing by then.
    pub certain: bool,
}

/// How a thing is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence<'p> {
    /// It is nowhere, and no step makes it.
    Nowhere,
    /// A step makes it that does not come before.
    Later(&'p StepName),
    /// A step before takes it away.
    Gone(&'p StepName),
    /// The step before that makes it may be left out.
    Perhaps(&'p StepName),
}

impl Action {
    /// What must be there before the action can work.
    #[must_use]
    pub fn counts_on(&self) -> BTreeSet<ResourceId> {
        let class = self.nature().class;
        let subject = self.subject();
        let own = match class {
            ActionClass::Make => subject.and_then(ResourceId::parent),
            ActionClass::Change => subject.cloned(),
            ActionClass::Look => subject.filter(|_| !self.expects_absence()).cloned(),
            ActionClass::Release
            | ActionClass::Remove
            | ActionClass::Call
            | ActionClass::Ask
            | ActionClass::Wait => None,
        };
        let besides =
            if class.takes_away() || self.expects_absence() { Vec::new() } else { self.reads() };
        own.into_iter().chain(besides.into_iter().cloned()).collect()
    }

    /// What the action takes away, unties, or expects not to be there: where it is not, nothing is done.
    #[must_use]
    pub fn takes_away(&self) -> Vec<&ResourceId> {
        let class = self.nature().class;
        if class == ActionClass::Release {
            return self.subject().into_iter().chain(self.reads()).collect();
        }
        let is_gone = class == ActionClass::Remove || self.expects_absence();
        self.subject().into_iter().filter(|_| is_gone).collect()
    }

    fn expects_absence(&self) -> bool {
        matches!(self, Self::Verify(Verification::Absent { .. }))
    }

    /// Whether it may make what no action of the language names: a program, a service, a person's hands.
    fn may_make_anything(&self) -> bool {
        self.nature().class == ActionClass::Call
            || matches!(self, Self::General(General::Manual(_)))
    }
}

/// Which steps write a resource.
struct Writers<'p> {
    plan: &'p Plan,
    of: BTreeMap<&'p ResourceId, Vec<usize>>,
    /// What removals take away.
    removed: BTreeSet<&'p ResourceId>,
}

impl<'p> Writers<'p> {
    fn of(plan: &'p Plan) -> Self {
        let (mut of, mut removed) = (BTreeMap::<_, Vec<usize>>::new(), BTreeSet::new());
        for (place, step) in plan.steps().iter().enumerate() {
            let Some(id) = step.action.written().filter(|_| !step.never_runs()) else { continue };
            let class = step.action.nature().class;
            if [ActionClass::Make, ActionClass::Remove].contains(&class) {
                of.entry(id).or_default().push(place);
            }
            if class == ActionClass::Remove {
                removed.insert(id);
            }
        }
        Self { plan, of, removed }
    }

    /// How a thing is not there when the step at a place begins; nothing where it is, or where that is not known.
    fn absence(
        &self,
        place: usize,
        id: &ResourceId,
        stands: &impl Fn(&ResourceId) -> Option<bool>,
    ) -> Option<Absence<'p>> {
        let stands = stands(id)?;
        if stands && !self.removed.contains(id) {
            return None;
        }
        let steps = self.plan.steps();
        let writers = self.of.get(id).map_or(&[][..], Vec::as_slice);
        let before = self.plan.dag().ancestors(place);
        let is_make = |at: &&usize| steps[**at].action.nature().class == ActionClass::Make;
        let (makers, removers): (Vec<&usize>, Vec<&usize>) = writers.iter().partition(is_make);
        // Of what is made and removed before, nobody knows here which is last: it is taken to be there.
        let own = makers.iter().map(|at| **at).filter(|at| before.contains(at) || *at == place);
        let own: Vec<usize> = own.collect();
        if let Some(first) = own.first().map(|at| &steps[*at]) {
            // Of several each may be the one that is done; and what hangs on a condition itself may hang on the same.
            let perhaps = !stands && own.len() == 1 && !steps[place].may_be_left();
            return (perhaps && first.may_be_left()).then_some(Absence::Perhaps(&first.name));
        }
        if stands {
            let gone = removers.into_iter().find(|at| before.contains(at))?;
            return Some(Absence::Gone(&steps[*gone].name));
        }
        Some(makers.first().map_or(Absence::Nowhere, |at| Absence::Later(&steps[**at].name)))
    }
}

/// What steps count on and do not find, each thing once for each step; `stands` tells what is there now, as far as that
/// is known.
#[must_use]
pub fn missing<'p>(
    plan: &'p Plan,
    stands: impl Fn(&ResourceId) -> Option<bool>,
) -> Vec<MissingReference<'p>> {
    let writers = Writers::of(plan);
    let mut all = Vec::new();
    for (place, step) in plan.steps().iter().enumerate().filter(|(_, step)| !step.never_runs()) {
        let mut seen = BTreeSet::new();
        for named in step.action.counts_on() {
            // What is part of something that is not there needs no words of its own.
            let mut around: Vec<ResourceId> =
                std::iter::successors(Some(named), ResourceId::parent).collect();
            around.reverse();
            let found = around.into_iter().find_map(|id| {
                let absence = writers.absence(place, &id, &stands)?;
                Some((id, absence))
            });
            let Some((id, absence)) = found else { continue };
            let looks = step.action.nature().class == ActionClass::Look;
            // A verification waits for what comes at the same time.
            if (looks && matches!(absence, Absence::Later(_))) || !seen.insert(id.clone()) {
                continue;
            }
            let certain = absence == Absence::Nowhere && is_certain(plan, place, step);
            all.push(MissingReference { step, id, absence, certain });
        }
    }
    all
}

/// Whether a step runs whatever is decided, stops the run if it fails, and finds nothing that was made behind our back.
#[must_use]
pub fn is_certain(plan: &Plan, place: usize, step: &Step) -> bool {
    let stops = step.on_failure != OnFailure::Continue && step.side != Some(Side::Source);
    let before = plan.dag().ancestors(place);
    !step.may_be_left()
        && stops
        && !before.iter().any(|at| plan.steps()[*at].action.may_make_anything())
}

/// Who may do what no action of the language says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreparedBy {
    /// A person, by hand.
    People,
    /// A person, a program or a service.
    Anybody,
}

/// The steps that such a one comes before: by their places.
#[must_use]
pub fn prepared(plan: &Plan, by: PreparedBy) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let steps = plan.steps();
    for place in plan.dag().order() {
        // What the run does as well without prepares nothing.
        let helps = |at: usize| {
            let counts = !steps[at].never_runs() && steps[at].on_failure != OnFailure::Continue;
            let action = &steps[at].action;
            counts
                && match by {
                    PreparedBy::People => matches!(action, Action::General(General::Manual(_))),
                    PreparedBy::Anybody => action.may_make_anything(),
                }
        };
        if plan.dag().needs(*place).iter().any(|at| helps(*at) || all.contains(at)) {
            all.insert(*place);
        }
    }
    all
}

/// How far a name may be from the one that was meant, of things whose names nobody made up to be alike.
const LETTERS_MAX: usize = 2;

/// Whether two names differ as by a slip of the hand: in a letter or two, not in a number alone.
#[must_use]
pub fn is_slip(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        name.to_ascii_lowercase().chars().filter(|c| !c.is_ascii_digit()).collect()
    };
    let far = strsim::damerau_levenshtein(&letters(one), &letters(other));
    (1..=LETTERS_MAX).contains(&far) && one.len().min(other.len()) > 2 * LETTERS_MAX
}

/// What a name that leads nowhere most likely meant: the same name elsewhere, else the nearest of its own place, else
/// of another one.
#[must_use]
pub fn nearest(id: &ResourceId, there: impl IntoIterator<Item = ResourceId>) -> Option<ResourceId> {
    let name = id.name().to_ascii_lowercase();
    let place = |id: &ResourceId| id.key()[..id.key().len() - id.name().len()].to_owned();
    let home = place(id);
    let kind = id.type_key();
    let near = there.into_iter().filter(|own| own.type_key() == kind && own != id);
    let near = near.filter_map(|own| {
        let other = own.name().to_ascii_lowercase();
        let far = strsim::damerau_levenshtein(&name, &other);
        (far <= 1 + name.len().min(other.len()) / 5).then(|| ((far, place(&own) != home), own))
    });
    near.min().map(|(_, own)| own)
}
