//! What are the chapters of one runbook? Its plan and what is known about it, as a view.

use std::collections::{BTreeMap, BTreeSet};

use super::broken::broken;
use super::estate::{self, NetworkPicture};
use super::material::{Handling, Material};
use super::numbered::Numbered;
use super::schedule::{Schedule, schedule};
use super::steps;
use super::topology::{self, Layout};
use super::view::{
    Chapters, DayView, DocumentPart, FaultView, GateView, MatrixCell, MatrixRow, MatrixView,
    PhoneCall, PictureView, Prerequisite, ReachRow, ReceiverView, RightsView, RoleView, SecretView,
    StepLink, Timing, WriteView,
};
use super::{timeline, values, words};
use crate::model::action::Verification;
use crate::model::{Action, ActionClass, ResourceId, SagaClass, Step, StepStatus, permission};
use crate::render::outage::window;
use crate::render::svg::Svg;
use crate::render::{by_hand, json, role};

/// Which way the machines go in a part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartWay {
    /// Over.
    Over,
    /// Home again.
    Back,
}

impl PartWay {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Over => "failover",
            Self::Back => "failback",
        }
    }
}

/// The chapters of one runbook. `number` is that of its first chapter.
pub(super) fn part(material: &Material, key: &str, way: PartWay, first: usize) -> DocumentPart {
    let plan = &material.plan;
    let parts = plan.parts();
    let numbered = Numbered::of(plan, key);
    let schedule = schedule(plan, &skipped(material));
    let gates: Vec<GateView> =
        numbered.steps().filter_map(|(_, step, link)| steps::gate(step, link)).collect();
    let drilled = material.drill.as_ref();
    let (topology, topology_source) = pictures(material, &numbered, key);
    let name = |n: usize| (first + n).to_string();
    DocumentPart {
        key: key.to_owned(),
        typed_first: steps::typed_first(plan),
        kind: way.as_str().to_owned(),
        runbook: parts.runbook.to_string(),
        title: parts.title.clone(),
        broken: broken(material, &numbered, key),
        undrilled: match drilled {
            Some(_) => None,
            None => Some(material.undrilled.clone().unwrap_or_default()),
        },
        chapters: Chapters {
            use_it: name(0),
            before: name(1),
            values: name(2),
            changes: name(3),
            picture: name(4),
            gates: name(5),
            steps: name(6),
            matrix: name(7),
            undo: name(8),
            checklist: name(9),
        },
        about: parts.prose.why.clone(),
        never_when: parts.prose.not_when.clone(),
        not_when: not_when(material, way),
        prerequisites: prerequisites(material),
        roles: roles(material, &numbered),
        receivers: receivers(material),
        calls: numbered
            .steps()
            .filter_map(|(_, step, link)| {
                Some(PhoneCall { step: link.clone(), text: step.prose.call.clone()? })
            })
            .collect(),
        parameters: values::parameters(material),
        secrets: parts
            .secrets
            .iter()
            .map(|(name, source)| SecretView {
                name: name.clone(),
                source: source.to_string(),
                variable: by_hand::secret_variable(name, Some(source)),
            })
            .collect(),
        tenants: values::tenants(material),
        profiles: values::profiles(material),
        writes: writes(&numbered),
        rights: rights(permission::by_group(plan)),
        rights_by_hand: rights(permission::by_hand(plan)),
        role_definition: json::object(&role::role_by_hand(plan)),
        topology,
        topology_source,
        reach: reach(material),
        schedule: timeline::draw(plan, &schedule, &numbered.links, &numbered.order, &format!("{key}-order"))
            .iter()
            .enumerate()
            .map(|(n, svg)| {
                let caption = "Solid: the time by which half of such changes are done. Light: nine in \
                               ten. Dark bars and heavy lines decide how long the whole takes. A diamond \
                               waits for people and takes as long as they do.";
                picture(svg, &format!("{key}-order-{}", n + 1), "The steps over time", caption)
            })
            .collect(),
        schedule_mermaid: timeline::mermaid(plan, &schedule, &numbered.links, &numbered.order),
        timing: timing(material, &numbered, &schedule),
        pivots: numbered
            .steps()
            .filter(|(_, step, _)| step.saga == SagaClass::Pivot)
            .map(|(_, _, link)| link.clone())
            .collect(),
        window: steps::window_view(
            &numbered,
            &schedule,
            drilled.and_then(|drill| drill.run.window_seconds),
        ),
        retry: steps::usual(plan, |step| words::retry(&step.retry)),
        usual_failure: steps::usual(plan, words::on_failure),
        usual_undo: steps::usual_undo(plan),
        trouble: steps::troubles(by_hand::COMMON),
        steps: steps::parts(material, &numbered, &schedule),
        matrix: matrix(material, &numbered),
        undo: steps::undo(&numbered),
        gates,
    }
}

/// The steps that a good day skips: in a drill, or by having a condition where nothing was drilled.
fn skipped(material: &Material) -> BTreeSet<usize> {
    let steps = material.plan.steps().iter().enumerate();
    let is_skipped = |step: &Step| match &material.drill {
        Some(drill) => drill
            .run
            .steps
            .iter()
            .any(|seen| seen.name == step.name.as_str() && seen.status == StepStatus::Skipped),
        None => step.when.is_some(),
    };
    steps.filter(|(_, step)| is_skipped(step)).map(|(place, _)| place).collect()
}

/// What follows from the plan itself; its author's own words are in the description.
fn not_when(material: &Material, way: PartWay) -> Vec<String> {
    let parts = material.plan.parts();
    let mut list = Vec::new();
    let source = parts.source_region.as_ref().map(|region| region.as_str().to_owned());
    if way == PartWay::Back {
        list.push("While the region to which it leads back is not up again, or the failover before it has not ended.".to_owned());
    } else if let Some(source) = &source {
        list.push(format!(
            "While {source} still serves anybody: two regions that advertise the same addresses split the traffic between them."
        ));
    }
    if window(&material.plan).is_some() {
        list.push("While the path that exists still carries traffic that cannot stop: there is a time without any path.".to_owned());
    }
    list.push("While another run writes the same resources, or an earlier one still owes something: `backroad runs` and `backroad status` say so.".to_owned());
    list.push("When `backroad preflight` finds something that stops it. Its reason comes first; a rule is waived by name, with a reason, and that is recorded.".to_owned());
    list
}

/// What the steps refer to and none of them makes.
fn prerequisites(material: &Material) -> Vec<Prerequisite> {
    let plan = &material.plan;
    let made: BTreeSet<&ResourceId> = plan
        .steps()
        .iter()
        .filter(|step| step.action.nature().class == ActionClass::Make)
        .filter_map(|step| step.action.written())
        .collect();
    let mut wanted: BTreeSet<ResourceId> = BTreeSet::new();
    for step in plan.steps() {
        let mut of = |id: &ResourceId| {
            if !made.contains(id) {
                wanted.insert(id.clone());
            }
        };
        match &step.action {
            Action::Remove(_) => {}
            action => {
                action.reads().into_iter().for_each(&mut of);
                if let Some(subject) = action.subject() {
                    match subject.parent() {
                        Some(parent) => of(&parent),
                        None => of(subject),
                    }
                }
            }
        }
    }
    let mut groups: BTreeSet<(&str, &str)> = BTreeSet::new();
    for written in plan.steps().iter().filter_map(|step| step.action.written()) {
        groups.insert((written.subscription(), written.resource_group()));
    }
    let groups = groups.into_iter().map(|(subscription, group)| Prerequisite {
        text: format!("The resource group `{group}` is there and can be written."),
        id: Some(format!("/subscriptions/{subscription}/resourceGroups/{group}")),
    });
    let inside_made = |id: &ResourceId| made.iter().any(|made| id.is_within(made));
    let resources = wanted.into_iter().filter(|id| !inside_made(id)).map(|id| Prerequisite {
        text: format!("The {} is there.", words::named(&id)),
        id: Some(id.to_string()),
    });
    groups.chain(resources).collect()
}

fn roles(material: &Material, numbered: &Numbered<'_>) -> Vec<RoleView> {
    let answers = |role: &str| -> Vec<StepLink> {
        numbered
            .steps()
            .filter(|(_, step, _)| {
                step.action.gate().is_some_and(|gate| gate.policy().role.as_deref() == Some(role))
            })
            .map(|(_, _, link)| link.clone())
            .collect()
    };
    material
        .plan
        .parts()
        .roles
        .iter()
        .map(|(name, role)| RoleView {
            name: name.clone(),
            description: role.description.clone(),
            people: role.people.clone(),
            contact: role.contact.clone(),
            gates: answers(name),
        })
        .collect()
}

fn receivers(material: &Material) -> Vec<ReceiverView> {
    let one = |receiver: &crate::model::Receiver| ReceiverView {
        name: receiver.name.clone(),
        description: receiver.description.clone(),
        way: receiver.way.shown(),
        told: receiver.told(),
    };
    material.plan.parts().messages.receivers.iter().map(one).collect()
}

fn writes(numbered: &Numbered<'_>) -> Vec<WriteView> {
    numbered
        .steps()
        .filter_map(|(_, step, link)| {
            let id = step.action.written()?;
            Some(WriteView {
                step: link.clone(),
                what: words::written(&step.action)?.to_owned(),
                kind: words::type_words(&id.resource_type()),
                name: match id.parent() {
                    Some(parent) => format!("{} / {}", parent.name(), id.name()),
                    None => id.name().to_owned(),
                },
                group: id.resource_group().to_owned(),
                id: id.to_string(),
            })
        })
        .collect()
}

fn rights(groups: BTreeMap<String, BTreeSet<String>>) -> Vec<RightsView> {
    groups
        .into_iter()
        .map(|(scope, actions)| RightsView { scope, actions: actions.into_iter().collect() })
        .collect()
}

fn picture(svg: &Svg, file: &str, title: &str, caption: &str) -> PictureView {
    PictureView {
        id: file.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        svg: svg.inline(),
        file: format!("{file}.svg"),
    }
}

/// The moments of a part: an id, a title, a caption and the estate.
pub(super) fn moments(
    material: &Material,
    numbered: &Numbered<'_>,
) -> Vec<(&'static str, String, String, NetworkPicture)> {
    let plan = &material.plan;
    let before = match &material.known {
        Some(known) => NetworkPicture::of(known),
        None => NetworkPicture::of_plan(plan),
    };
    if before.is_empty() {
        return Vec::new();
    }
    let skipped = skipped(material);
    let after_steps = |wanted: &dyn Fn(usize) -> bool| {
        let mut estate = before.clone();
        let done = |place: &&usize| wanted(**place) && !skipped.contains(*place);
        for place in plan.dag().order().iter().filter(done) {
            estate.apply(&plan.steps()[*place].action);
        }
        estate
    };
    let mut moments =
        vec![("before", "Before".to_owned(), "Before the first step.".to_owned(), before.clone())];
    if let Some((done, turn)) = estate::turning(plan) {
        let link = &numbered.links[turn];
        let caption = format!(
            "Just before step {}, at which the traffic turns: {}.",
            link.number,
            link.title.trim_end_matches('.')
        );
        let during = after_steps(&|place| done.contains(&place));
        moments.push(("during", "During".to_owned(), caption, during));
    }
    let caption = "After the last step. What was made is marked with +, what was removed with −.";
    moments.push(("after", "After".to_owned(), caption.to_owned(), after_steps(&|_| true)));
    moments
}

fn pictures(material: &Material, numbered: &Numbered<'_>, key: &str) -> (Vec<PictureView>, String) {
    let moments = moments(material, numbered);
    let source = match &material.known {
        Some(known) => known.source.clone(),
        None => "the runbook alone: what it does not refer to is not shown".to_owned(),
    };
    let Some((_, _, _, last)) = moments.last() else { return (Vec::new(), source) };
    let layout = Layout::of(last);
    let pictures = moments
        .iter()
        .map(|(name, title, caption, estate)| {
            let id = format!("{key}-networks-{name}");
            let svg = topology::draw(estate, &layout, &id, &format!("The networks: {title}"));
            picture(&svg, &id, title, caption)
        })
        .collect();
    (pictures, source)
}

/// Every picture of a part as a file of its own.
pub(super) fn files(material: &Material, key: &str) -> Vec<(String, String)> {
    let numbered = Numbered::of(&material.plan, key);
    let moments = moments(material, &numbered);
    let mut files = Vec::new();
    if let Some((_, _, _, last)) = moments.last() {
        let layout = Layout::of(last);
        for (name, title, _, estate) in &moments {
            let id = format!("{key}-networks-{name}");
            let svg = topology::draw(estate, &layout, &id, &format!("The networks: {title}"));
            files.push((format!("{id}.svg"), svg.file()));
        }
    }
    let schedule = schedule(&material.plan, &skipped(material));
    let id = format!("{key}-order");
    let pages = timeline::draw(&material.plan, &schedule, &numbered.links, &numbered.order, &id);
    for (n, svg) in pages.iter().enumerate() {
        files.push((format!("{id}-{}.svg", n + 1), svg.file()));
    }
    files
}

fn reach(material: &Material) -> Vec<ReachRow> {
    let before = material.known.as_ref().map(|known| known.reach.as_slice()).unwrap_or_default();
    let Some(drill) = &material.drill else { return Vec::new() };
    let wanted: BTreeSet<String> = material
        .plan
        .steps()
        .iter()
        .filter_map(|step| match &step.action {
            Action::Verify(Verification::Advertised { expect, .. }) => Some(expect),
            _ => None,
        })
        .flatten()
        .map(ToString::to_string)
        .collect();
    drill
        .run
        .reachability
        .iter()
        .map(|after| {
            let was = before
                .iter()
                .find(|was| was.site == after.site && was.network == after.network)
                .map_or("not known", |was| was.verdict.as_str());
            ReachRow {
                site: after.site.clone(),
                network: after.network.clone(),
                before: was.to_owned(),
                after: after.verdict.clone(),
                works: after.works,
                wanted: wanted.contains(&after.network),
            }
        })
        .collect()
}

fn timing(material: &Material, numbered: &Numbered<'_>, schedule: &Schedule) -> Timing {
    let people = numbered.steps().filter(|(_, step, _)| step.action.gate().is_some()).count();
    Timing {
        usual: words::time(schedule.usual),
        slow: words::time(schedule.slow),
        people,
        path: schedule.path.iter().map(|place| numbered.links[*place].clone()).collect(),
        drilled: material.drill.as_ref().and_then(|drill| {
            let took = words::time(words::seconds(drill.run.recovery_seconds?));
            Some(format!("{took}, {}", drill.source))
        }),
        source: "6,070 recorded operations of Azure's network provider, 2015 to 2026".to_owned(),
    }
}

fn matrix(material: &Material, numbered: &Numbered<'_>) -> Option<MatrixView> {
    let matrix = material.matrix.as_ref()?;
    let mut rows = Vec::new();
    for (_, step, link) in numbered.steps() {
        let cells: Vec<MatrixCell> = matrix
            .faults
            .iter()
            .filter_map(|(id, title, _)| {
                let cell = matrix.cells.get(&(step.name.clone(), id.clone()))?;
                Some(MatrixCell {
                    fault: title.clone(),
                    verdict: cell.handling.as_str().to_owned(),
                    word: cell.handling.word().to_owned(),
                    text: cell.text.clone(),
                })
            })
            .collect();
        if cells.len() == matrix.faults.len() {
            let alike = matrix.alike.get(&step.name).copied().unwrap_or_default();
            rows.push(MatrixRow { step: link.clone(), alike, cells });
        }
    }
    let unhandled = matrix
        .cells
        .values()
        .chain(matrix.days.iter().map(|day| &day.cell))
        .filter(|cell| cell.handling == Handling::Unhandled)
        .count();
    Some(MatrixView {
        proof: matrix.proof.clone(),
        digest: matrix.digest.clone(),
        faults: matrix
            .faults
            .iter()
            .map(|(id, title, what)| FaultView {
                id: id.clone(),
                title: title.clone(),
                what: what.clone(),
            })
            .collect(),
        rows,
        days: matrix
            .days
            .iter()
            .map(|day| DayView {
                name: day.name.clone(),
                title: day.title.clone(),
                what: day.what.clone(),
                verdict: day.cell.handling.as_str().to_owned(),
                word: day.cell.handling.word().to_owned(),
                text: day.cell.text.clone(),
            })
            .collect(),
        unhandled,
    })
}
