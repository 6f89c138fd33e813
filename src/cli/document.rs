//! What is known about a runbook? Its text, its values under each profile, drills in memory and past
//! runs, gathered for a document.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::args::Compile;
use super::clock::RealClock;
use super::context::Context;
use super::document_drills::{DrillOrigin, DrillsHeard};
use super::error::{CliError, Status};
use super::front::{self, CompiledRunbook};
use super::region_down;
use super::ui::Ui;
use super::world::{self, KeptDrill, Outset};
use crate::engine::{Clock as _, RunState};
use crate::model::{Answer, People, Plan, PlanDigest, StepName, Timestamp};
use crate::plan::Compiled;
use crate::render::document::LastRun;
use crate::render::document::material::{Declared, DocumentDrill, Known, Material, ProfileText};
use crate::render::progress::StandingLine;
use crate::render::run_view;
use crate::render::style::cut;
use crate::render::view::Driven;
use crate::runbook::tree::{self, Node, NodeValue};
use crate::runbook::{Diagnostics, SourceFile};
use crate::sim::World;

/// What is wanted of one runbook.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) runbook: &'a Path,
    pub(super) compile: &'a Compile,
    /// Where its drill begins.
    pub(super) outset: Outset<'a>,
    /// Whether faults are drilled.
    pub(super) drills: bool,
}

/// One runbook's material, and the digests of plans whose runs are runs of it.
pub(super) struct Gathered {
    pub(super) material: Material,
    /// Beside the runbook.
    pub(super) failback: Option<PathBuf>,
    /// What is wrong with it, as `drill` would end: refused, or otherwise than it is for; `Done` of a sound one.
    pub(super) status: Status,
    digests: Vec<PlanDigest>,
}

/// How long the people of a document's drill take to answer where the runbook says nothing.
const ANSWER_AFTER: std::time::Duration = std::time::Duration::from_secs(240);

/// Gathers what is known about a runbook.
///
/// # Errors
/// It cannot be read, or has errors.
pub(super) async fn gather(context: &Context, wanted: Wanted<'_>) -> Result<Gathered, CliError> {
    let compiled = front::compile(context, wanted.runbook, wanted.compile, "live")?;
    let (source, _) = read(context, wanted.runbook, wanted.compile, compiled.profile.as_deref())?;
    let plan = compiled.plan.clone();
    let mut digests = vec![plan.digest()];
    let (parameters, profiles) = declared(context, &source, wanted)?;
    let mut material = Material {
        source_digest: blake3::hash(source.written().as_bytes()).to_hex().to_string(),
        parameters,
        profiles,
        known: None,
        drill: None,
        matrix: None,
        refused: Vec::new(),
        undrilled: None,
        plan,
    };
    let drilled = match stage(context, &compiled, wanted).await {
        Ok(Some((stage, place))) => {
            digests.push(stage.plan.digest());
            material.known = Some(known(&stage.world, &place));
            let stage = Arc::new(stage);
            let heard = OnScreen::of(context, &material.plan);
            drill(&mut material, &stage, &place, wanted.drills.then_some(&heard)).await
        }
        Ok(None) => Ok(Status::Done),
        Err(error) => Err(error),
    };
    // A document without a drill is a document still, and says what it lacks.
    let status = drilled.unwrap_or_else(|error| {
        context.ui.error(&error);
        material.undrilled = Some(error.what.clone());
        error.status
    });
    let failback = failback(wanted.runbook, &material.plan)?;
    Ok(Gathered { material, failback, status, digests })
}

/// The runbook that leads back, beside this one.
///
/// # Errors
/// It does not lie below this one's folder.
pub(super) fn failback(runbook: &Path, plan: &Plan) -> Result<Option<PathBuf>, CliError> {
    let folder = runbook.parent().unwrap_or_else(|| Path::new(""));
    let failback = plan.parts().failback.as_ref();
    failback.map(|path| front::named(folder, "failback", path)).transpose()
}

fn read(
    context: &Context,
    runbook: &Path,
    compile: &Compile,
    wanted: Option<&str>,
) -> Result<(SourceFile, Compiled), CliError> {
    front::read(&context.environment, runbook, compile, wanted)
}

async fn drill(
    material: &mut Material,
    stage: &Arc<DrillOrigin>,
    place: &str,
    faults: Option<&OnScreen>,
) -> Result<Status, CliError> {
    material.refused = stage.refused(place).await?;
    let good = Arc::new(stage.good_day().await?);
    let mut run = good.view.clone();
    run.reachability = good.reachability();
    let stopped = good.stopped.clone();
    let status = match (&stopped, material.refused.is_empty()) {
        (_, false) => Status::Refused,
        (Some(_), true) => Status::EndedOtherwise,
        (None, true) => Status::Done,
    };
    // What goes wrong on a good day would go wrong in the drill of every fault as well: they prove nothing.
    let proves = stopped.is_none();
    material.drill = Some(DocumentDrill { source: place.to_owned(), run, stopped });
    if let Some(heard) = faults.filter(|_| proves) {
        let matrix = stage.matrix(&good, place, heard).await;
        heard.over();
        material.matrix = Some(matrix?);
    }
    Ok(status)
}

/// How far the drills are, for whoever sits before the screen.
struct OnScreen {
    ui: Ui,
    runbook: String,
    drills: AtomicUsize,
    /// When it is to be said next, where no line stands on a screen.
    due: Mutex<Timestamp>,
}

/// How often it is said where no line stands: seldom enough for a log, often enough to be seen at work.
const SAID_EVERY: Duration = Duration::from_secs(20);

fn now() -> Timestamp {
    RealClock::new(NonZeroU32::MIN, None).now()
}

impl OnScreen {
    fn of(context: &Context, plan: &Plan) -> Self {
        let runbook = plan.parts().runbook.to_string();
        let due = Mutex::new(now() + SAID_EVERY);
        Self { ui: context.ui, runbook, drills: AtomicUsize::new(0), due }
    }

    fn over(&self) {
        if self.ui.live {
            Ui::stand(Vec::new());
        }
    }
}

impl DrillsHeard for OnScreen {
    fn begins(&self, drills: usize, alike: &BTreeMap<StepName, usize>) {
        self.drills.store(drills, Ordering::Relaxed);
        let others: usize = alike.values().sum();
        if others > 0 {
            self.ui.say(&format!(
                "{}: {drills} drills. {others} steps that do what another one does are not drilled themselves; the \
                 document says which.",
                self.runbook
            ));
        }
        self.done(0);
    }

    fn done(&self, drills: usize) {
        let of = self.drills.load(Ordering::Relaxed);
        let text = format!("Drilling {} for its document: {drills} of {of}", self.runbook);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.ui.live && now() >= *due {
            *due = now() + SAID_EVERY;
            self.ui.say(&format!("{text}."));
        }
        if self.ui.live {
            let text = cut(&text, self.ui.err_now().width.saturating_sub(1));
            let columns = text.chars().count();
            Ui::stand(vec![StandingLine { columns, text }]);
        }
    }
}

/// Where the runbook can be drilled, and that in words: under its own profile where that has a world
/// or one was named, else under `drill`.
async fn stage(
    context: &Context,
    compiled: &CompiledRunbook,
    wanted: Wanted<'_>,
) -> Result<Option<(DrillOrigin, String)>, CliError> {
    let own = wanted.outset.world.is_some() || compiled.world.is_some() || compiled.after.is_some();
    let drilled = if own {
        compiled.clone()
    } else {
        let (_, read) = read(context, wanted.runbook, wanted.compile, None)?;
        if !read.profiles.iter().any(|profile| profile == "drill") {
            return Ok(None);
        }
        let compile = Compile { profile: Some("drill".to_owned()), ..wanted.compile.clone() };
        front::compile(context, wanted.runbook, &compile, "drill")?
    };
    let drilled = CompiledRunbook { plan: with_people(&drilled.plan)?, ..drilled };
    let drill = KeptDrill::begin(context, &drilled, wanted.outset).await?;
    let place = wanted.outset.world.or(drilled.world.as_deref()).or(drilled.after.as_deref());
    let place = place.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let begins =
        if wanted.outset.world.is_none() && drilled.world.is_none() { "after" } else { "in" };
    let (world, now) = drill.now();
    let words = format!(
        "{begins} {}{}{}, seed {}",
        place.unwrap_or_default(),
        drilled.profile.map(|name| format!(" under the profile {name}")).unwrap_or_default(),
        region_down::words(wanted.outset.down),
        world.seed()
    );
    Ok(Some((DrillOrigin { plan: drilled.plan, world, now }, words)))
}

/// Somebody must answer the gates of a drill.
fn with_people(plan: &Plan) -> Result<Plan, CliError> {
    if plan.parts().people.is_some() {
        return Ok(plan.clone());
    }
    let mut parts = plan.parts().clone();
    let choices = BTreeMap::new();
    parts.people = Some(People { answer_after: ANSWER_AFTER, answer: Answer::Approve, choices });
    Plan::new(parts).map_err(|error| {
        CliError::new(Status::Bug, "The plan cannot be changed for the drill.").because(&error)
    })
}

/// What is known of an estate in a simulated world.
pub(super) fn known(world: &World, place: &str) -> Known {
    let sealed = world.sealed();
    let bodies =
        sealed.ids().filter_map(|id| Some((id.clone(), sealed.body(id)?.clone()))).collect();
    let onprem = sealed.onprem();
    let text = |prefixes: &[ipnet::IpNet]| prefixes.iter().map(ToString::to_string).collect();
    Known {
        source: format!("the estate as its drill begins, {place}"),
        bodies,
        sites: onprem.sites.iter().map(|site| (site.name.clone(), text(&site.prefixes))).collect(),
        links: onprem
            .links
            .iter()
            .filter(|link| link.up)
            .map(|link| (link.circuit.clone(), link.sites.clone()))
            .collect(),
        down: sealed.regions_down().clone(),
        reach: sealed.reachability().into_iter().map(world::reach_view).collect(),
    }
}

fn scalar(node: Option<&Node>) -> Option<String> {
    match &node?.value {
        NodeValue::Scalar { text, .. } if !node?.is_null() => Some(text.clone()),
        NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}

/// The parameters and profiles as the author wrote them, with the values under each profile.
fn declared(
    context: &Context,
    source: &SourceFile,
    wanted: Wanted<'_>,
) -> Result<(Vec<Declared>, Vec<ProfileText>), CliError> {
    let root = tree::read(source, &mut Diagnostics::default());
    let entries =
        |key: &str| root.as_ref().and_then(|root| root.get(key)?.map()).unwrap_or_default().iter();
    let parameters = entries("params")
        .map(|(key, node)| {
            let kind = scalar(node.get("type")).unwrap_or_default();
            let of = scalar(node.get("of")).map(|of| format!(" of {of}")).unwrap_or_default();
            Declared {
                name: key.text.clone(),
                secret: kind == "secret",
                kind: format!("{kind}{of}"),
                description: scalar(node.get("description")),
            }
        })
        .collect();
    let mut profiles = Vec::new();
    for (key, node) in entries("profiles") {
        let compile = Compile { profile: Some(key.text.clone()), ..wanted.compile.clone() };
        let (_, compiled) = read(context, wanted.runbook, &compile, None)?;
        profiles.push(ProfileText {
            name: key.text.clone(),
            description: scalar(node.get("description")),
            world: scalar(node.get("world")),
            values: compiled.plan.map(|plan| plan.parts().params.clone()),
        });
    }
    Ok((parameters, profiles))
}

/// The last drill or run of a runbook that this host knows and that has ended.
pub(super) fn last_run(context: &Context, gathered: &Gathered) -> Option<LastRun> {
    let plan = &gathered.material.plan;
    let mut last: Option<LastRun> = None;
    // A run that cannot be read now has no word in this; `backroad runs` names it.
    for raw in context.state.list().ok()? {
        let Ok(events) = context.state.read(&raw.run) else { continue };
        let Ok(state) = RunState::fold(&events) else { continue };
        let Some(opened) = &state.opened else { continue };
        if opened.plan.parts().runbook != plan.parts().runbook || state.outcome().is_none() {
            continue;
        }
        let Some(view) = run_view(&state, &events, Driven::ByNobody) else { continue };
        if last.as_ref().is_some_and(|last| last.run >= view.run) {
            continue;
        }
        let took = view.recovery_seconds;
        last = Some(LastRun {
            succeeded: view.has_succeeded(),
            run: view.run,
            mode: view.mode.as_str().to_owned(),
            at: written_at(&raw.run),
            outcome: view.outcome.as_str().to_owned(),
            took: took.map(crate::render::document::time),
            within_objective: took.zip(view.objective_seconds).map(|(took, may)| took <= may),
            same_plan: gathered.digests.contains(&opened.plan.digest()),
        });
    }
    last
}

/// When a run was started, by its id: a drill's own clock is the world's.
fn written_at(run: &crate::model::RunId) -> String {
    let Ok(id) = ulid::Ulid::from_string(&run.as_str().to_ascii_uppercase()) else {
        return "a time that is not known".to_owned();
    };
    let millis = i64::try_from(id.timestamp_ms()).unwrap_or(0);
    let text = crate::model::Timestamp::from_millis(millis).to_string();
    // Minutes are enough to find it.
    text.get(..16).map_or(text.clone(), |short| format!("{short}Z"))
}
