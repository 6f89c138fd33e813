//! What would this estate need to fail over? A runbook is written for it, or only what would be is told.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output, Waive};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::front::CompiledRunbook;
use crate::cli::typed::pair;
use crate::cli::world::{KeptDrill, Outset};
use crate::cli::{files, front, written};
use crate::init::{
    Advice, Draft, InitError, Keep, KnownEstate, Lack, Strategy, Wish, WrittenFile, advise, copy,
    difference, draft, explained, keep, lacking, marked, todo_file, written,
};
use crate::model::Region;
use crate::preflight::Finding;
use crate::render::json as out;
use crate::runbook::DocumentKind;

/// What `init` takes.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The estate: a world that was captured or written.
    pub estate: PathBuf,
    /// The region that is left [default: the only one with a gateway that is connected].
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub source: Option<Region>,
    /// The region that takes over [default: the only other one].
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub target: Option<Region>,
    /// The strategy, by the name of its shipped runbook [default: the first that fits].
    #[arg(long, value_name = "NAME", value_parser = Strategy::parse)]
    pub strategy: Option<Strategy>,
    /// What init cannot read from the estate, such as `circuit=NAME` or `network.SOURCE=TARGET`. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,
    /// Ask nothing, and take the answer that would be suggested.
    #[arg(long)]
    pub yes: bool,
    /// Only tell what fits, why, and what the estate lacks; write nothing.
    #[arg(long)]
    pub explain: bool,
    /// The runbook's name; its files begin with it.
    #[arg(long, value_name = "NAME", default_value = "my-failover", value_parser = file_name)]
    pub name: String,
    /// The folder to write into [default: the one of the estate].
    #[arg(long, short = 'o', value_name = "DIR")]
    pub out: Option<PathBuf>,
}

fn region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|error| error.to_string())
}

fn file_name(text: &str) -> Result<String, String> {
    let legal =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let fits = text.len() <= 60
        && text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.chars().all(legal);
    fits.then(|| text.to_owned()).ok_or_else(|| "it has small letters, digits and -".to_owned())
}

/// What became of a file.
struct Done {
    path: PathBuf,
    what: &'static str,
    how: FileOutcome,
    difference: String,
}

enum FileOutcome {
    New,
    Same,
    Replaced,
    Beside,
}

impl FileOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::New => "written",
            Self::Same => "unchanged",
            Self::Replaced => "written anew",
            Self::Beside => {
                "edited by somebody, and left alone; what init would write is beside it"
            }
        }
    }
}

/// Writes a runbook for an estate.
///
/// # Errors
/// The estate cannot be read, nothing fits it, or a file cannot be written.
pub(super) async fn init(context: &Context, args: &InitArgs) -> Result<Status, CliError> {
    refuse_other_kinds(&args.estate)?;
    let scenario = written::usable_world(context, &args.estate)?;
    let estate = KnownEstate::of(&scenario);
    let mut wish = Wish {
        source: args.source.clone(),
        target: args.target.clone(),
        strategy: args.strategy,
        params: args.params.clone(),
    };
    let mut advice = advise(&estate, &wish).map_err(|error| no_runbook(&error))?;
    if context.ui.somebody && !args.yes && !args.explain {
        ask(context, &estate, &advice, &mut wish)?;
        advice = advise(&estate, &wish).map_err(|error| no_runbook(&error))?;
    }
    let mut draft = draft(&estate, &advice).map_err(|error| no_runbook(&error))?;
    if args.explain {
        explain(context, &estate, &advice, &draft);
        return Ok(Status::Done);
    }
    let beside = args.estate.parent().unwrap_or(Path::new(""));
    let folder = args.out.clone().unwrap_or_else(|| beside.to_owned());
    let mut all = Vec::new();
    let base = match within(&folder, &args.estate) {
        Some(path) => path,
        None => {
            let name = format!("{}-estate.yaml", args.name);
            let text = marked(&copy(&scenario), true);
            all.push(WrittenFile { name: name.clone(), what: "the estate, without keys", text });
            name
        }
    };
    all.extend(written(&draft, &args.name, &base));
    let mut done = write(&folder, all)?;
    schema_beside(&folder)?;
    let runbook = folder.join(format!("{}.yaml", args.name));
    let checked = async {
        let failover = compiled(context, &runbook)?;
        let stops = stops(context, &failover).await?;
        let failback = folder.join(format!("{}-failback.yaml", args.name));
        if failback.exists() {
            compiled(context, &failback)?;
        }
        Ok::<_, CliError>(stops)
    };
    let checked = checked.await;
    if let Ok(stops) = &checked {
        draft.todo.stops.clone_from(stops);
    }
    done.extend(write(&folder, vec![todo_file(&draft, &args.name)])?);
    show(context, &advice, &draft, &done, &runbook);
    checked.map(|_| Status::Done)
}

/// What preflight stops the runbook for in the world of its drill, in which all that the estate lacks is there. What
/// cannot be judged stops nothing here: the drill says it.
///
/// # Errors
/// The world of the drill has mistakes.
async fn stops(context: &Context, compiled: &CompiledRunbook) -> Result<Vec<Lack>, CliError> {
    let drill = KeptDrill::begin(context, compiled, Outset::default()).await?;
    let Ok(found) = drill.preflight(&Waive::default()).await else { return Ok(Vec::new()) };
    let one = |finding: &Finding| {
        let why = finding.verdict.why().unwrap_or_default();
        let what = format!("{} {}: {why}. {}", finding.rule, finding.about, finding.fix);
        Lack { what, commands: finding.commands.clone() }
    };
    Ok(found.blocking().map(one).collect())
}

/// A runbook is no estate: its keys would all be named as mistakes of a world.
///
/// # Errors
/// The file is of another kind, as far as its keys tell.
fn refuse_other_kinds(estate: &Path) -> Result<(), CliError> {
    // What cannot be read is said by who reads it as an estate.
    let Ok(kind) = written::kind(estate) else { return Ok(()) };
    let what = match kind {
        DocumentKind::Runbook if written::says_runbook(estate) => "a runbook",
        DocumentKind::BadDays => "a file of bad days",
        DocumentKind::Settings => "a settings file",
        DocumentKind::Runbook | DocumentKind::World | DocumentKind::Params => return Ok(()),
    };
    let what = format!("{} is {what}, and `init` wants an estate.", estate.display());
    Err(CliError::usage(what).hint("Capture one: `backroad capture --help`; or name a world."))
}

fn no_runbook(error: &InitError) -> CliError {
    let mut told = CliError::usage(error.what.clone());
    for hint in &error.hints {
        told = told.hint(hint.clone());
    }
    told
}

/// Asks what the estate does not say, each question until its answer can be used. Nothing has been written by then.
///
/// # Errors
/// Whoever was asked left.
fn ask(
    context: &Context,
    estate: &KnownEstate,
    advice: &Advice,
    wish: &mut Wish,
) -> Result<(), CliError> {
    for own in &advice.asked {
        let options = match own.options.as_slice() {
            [] => String::new(),
            all => format!(" ({})", all.join(", ")),
        };
        let question = format!("{}{options} [{}]", own.question, own.answer);
        loop {
            let Some(answer) = context.ui.ask(&question) else {
                return Err(CliError::new(Status::Interrupted, "Nothing was written.")
                    .hint("Answer the questions, or give `--param NAME=VALUE` and `--yes`."));
            };
            if answer.is_empty() {
                break;
            }
            let mut with = wish.clone();
            with.params.push((own.key.clone(), answer));
            match advise(estate, &with).and_then(|advice| draft(estate, &advice)) {
                Ok(_) => {
                    *wish = with;
                    break;
                }
                Err(error) => {
                    context.ui.say(&format!("  {}", error.what));
                    error.hints.iter().for_each(|hint| context.ui.say(&format!("  {hint}")));
                }
            }
        }
    }
    Ok(())
}

fn explain(context: &Context, estate: &KnownEstate, advice: &Advice, draft: &Draft) {
    match context.ui.output {
        Output::Text => context.ui.data(&explained(estate, advice, draft)),
        Output::Json | Output::Jsonl => {
            let mut view = view(advice, draft);
            view["files"] = json!([]);
            context.ui.data(&out::object(&view));
        }
    }
}

fn view(advice: &Advice, draft: &Draft) -> serde_json::Value {
    let fits: Vec<serde_json::Value> = advice
        .fits
        .iter()
        .map(|fit| {
            json!({ "strategy": fit.strategy.name(), "fits": fit.fits, "because": fit.because })
        })
        .collect();
    let listed = |all: &[Lack]| -> Vec<serde_json::Value> {
        all.iter().map(|own| json!({ "what": own.what, "commands": own.commands })).collect()
    };
    json!({
        "schema": "backroad.init/1",
        "source": advice.source.as_ref().map(Region::as_str),
        "target": advice.target.as_str(),
        "strategy": advice.strategy.name(),
        "fits": fits,
        "lacks": listed(&draft.todo.lacks),
        "stops": listed(&draft.todo.stops),
        "decisions": draft.todo.decisions,
    })
}

/// The path of the estate as a file of the folder names it; none where it is not below it.
fn within(folder: &Path, estate: &Path) -> Option<String> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (folder, estate) = (here.canonicalize().ok()?, estate.canonicalize().ok()?);
    let path = estate.strip_prefix(&folder).ok()?;
    path.to_str().map(str::to_owned)
}

fn write(folder: &Path, all: Vec<WrittenFile>) -> Result<Vec<Done>, CliError> {
    files::make_folder(folder)?;
    // What is there is looked at before anything is written.
    let mut planned = Vec::new();
    for file in all {
        let path = folder.join(&file.name);
        let there = if path.exists() { Some(files::read_text("file", &path)?) } else { None };
        planned.push((path, file, there));
    }
    let mut done = Vec::new();
    for (path, file, there) in planned {
        let (how, place) = match there.as_deref().map(|there| keep(there, &file.text)) {
            None => (FileOutcome::New, path.clone()),
            Some(Keep::Same) => (FileOutcome::Same, path.clone()),
            Some(Keep::Replace) => (FileOutcome::Replaced, path.clone()),
            Some(Keep::Beside) => (FileOutcome::Beside, beside(&path, &file.text)?),
        };
        match how {
            FileOutcome::Same => {}
            FileOutcome::New => files::write_new(&place, file.text.as_bytes())?,
            FileOutcome::Replaced | FileOutcome::Beside => {
                files::write_over(&place, file.text.as_bytes())?
            }
        }
        let difference = match (&how, &there) {
            (FileOutcome::Replaced | FileOutcome::Beside, Some(there)) => {
                difference(there, &file.text)
            }
            _ => String::new(),
        };
        done.push(Done { path, what: file.what, how, difference });
    }
    Ok(done)
}

/// The place beside a file that somebody edited; what lies there is written over only if nobody edited that.
fn beside(path: &Path, text: &str) -> Result<PathBuf, CliError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let place = PathBuf::from(name);
    if place.exists() && keep(&files::read_text("file", &place)?, text) == Keep::Beside {
        let what = format!("{} and {} are both edited.", path.display(), place.display());
        return Err(CliError::usage(what).hint("Move the second one away, or give --name or -o."));
    }
    Ok(place)
}

/// What editors complete from, where nobody has put another one.
fn schema_beside(folder: &Path) -> Result<(), CliError> {
    let path = folder.join("runbook.schema.json");
    if path.exists() {
        return Ok(());
    }
    files::write_new(&path, out::object(&crate::runbook::schema()).as_bytes())
}

fn show(context: &Context, advice: &Advice, draft: &Draft, done: &[Done], runbook: &Path) {
    if context.ui.output == Output::Json {
        let mut view = view(advice, draft);
        view["files"] = done
            .iter()
            .map(|own| {
                json!({
                    "path": own.path, "what": own.what, "how": own.how.word(),
                    "difference": own.difference,
                })
            })
            .collect();
        return context.ui.data(&out::object(&view));
    }
    let mut text = format!(
        "{} from {} to {}.\n\n",
        advice.strategy.name(),
        advice.source.as_ref().map_or("a site", Region::as_str),
        advice.target.as_str()
    );
    let width = done.iter().map(|own| own.path.display().to_string().len()).max().unwrap_or(0);
    for own in done {
        let path = own.path.display().to_string();
        text.push_str(&format!("  {path:<width$}  {}: {}\n", own.what, own.how.word()));
    }
    for own in done.iter().filter(|own| !own.difference.is_empty()) {
        text.push_str(&format!("\n{}:\n{}", own.path.display(), own.difference));
    }
    let todo = &draft.todo;
    if !todo.lacks.is_empty() {
        text.push_str("\nWhat the estate lacks today, which no step makes:\n");
        text.push_str(&lacking(&todo.lacks));
    }
    if !todo.stops.is_empty() {
        text.push_str("\nWhat preflight stops the runbook for, also in its drill:\n");
        text.push_str(&lacking(&todo.stops));
    }
    text.push_str(&format!(
        "\nThe estate lacks {} of what no step makes; {}{} things are for somebody to decide or look at.\n",
        todo.lacks.len(),
        match todo.stops.len() {
            0 => String::new(),
            1 => "one more thing stops the runbook; ".to_owned(),
            many => format!("{many} more things stop the runbook; "),
        },
        todo.decisions.len()
    ));
    context.ui.data(&text);
    let name = runbook.display();
    context.ui.say(&format!(
        "  Look:  backroad check {name}\n  Drill: backroad drill {name}\n  Read:  backroad render {name} -o \
         failover.html"
    ));
}

/// What was written is right, or the fault is ours. An edited runbook is its author's.
fn compiled(context: &Context, runbook: &Path) -> Result<CompiledRunbook, CliError> {
    let compile = Compile { profile: Some("drill".to_owned()), ..Compile::default() };
    front::compile(context, runbook, &compile, "drill").map_err(|error| {
        if error.status != Status::Runbook {
            return error;
        }
        let path = runbook.display();
        CliError::new(Status::Runbook, format!("{path} has mistakes."))
            .hint(format!("See them with `backroad check {path}`."))
    })
}
