//! How does a runbook become a document? Gathered, filled into templates, written whole or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::args::{Compile, Output};
use crate::cli::context::Context;
use crate::cli::document::{self as gather, Wanted};
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::front;
use crate::cli::region_down::RegionsDown;
use crate::cli::world::{Before, Outset};
use crate::model::limits::FILE_BYTES_MAX;
use crate::outward;
use crate::render::document::{self, Written};
use crate::render::json;
use crate::render::template::{TemplateError, Templates};
use crate::store::regular;

/// What `render` takes.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// The world to draw and to drill in [default: the profile's, else that of `drill`].
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The regions that go down in the drills.
    #[command(flatten)]
    pub down: RegionsDown,
    /// What is written [default: what the ending of PATH says, html where it has none].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Templates of your own, in place of the shipped ones of the same names.
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// Where it is written, with its pictures beside it [default: stdout]. May be repeated: one document in
    /// several forms, drilled once.
    #[arg(short, long, value_name = "PATH")]
    pub out: Vec<PathBuf>,
    /// Do not drill the faults; the document then says that nothing is proven.
    #[arg(long)]
    pub without_drills: bool,
}

/// What a document is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One page that needs nothing else.
    Html,
    /// Markdown, with pictures beside it.
    Md,
    /// A script for a POSIX shell: every command of it, with a question at each gate.
    Sh,
}

impl Format {
    /// What the ending of a file's name says; a page where there is none.
    ///
    /// # Errors
    /// Nothing is written with such an ending: whoever wants it would get something else under its name.
    fn of_ending(path: &Path) -> Result<Self, CliError> {
        let Some(ending) = path.extension() else { return Ok(Self::Html) };
        let ending = ending.to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "html" | "htm" => Ok(Self::Html),
            "md" | "markdown" => Ok(Self::Md),
            "sh" => Ok(Self::Sh),
            _ => {
                let what = format!("A document is no .{ending}: `-o {}`.", path.display());
                Err(CliError::usage(what)
                    .hint("Name it .html, .md or .sh, or say with `--format` what is written."))
            }
        }
    }
}

/// Each form that is asked for, and where it goes; none is stdout.
///
/// # Errors
/// `--format` names one form for several places, a place is there twice or cannot be written to, or its ending
/// is that of no form.
fn wanted(args: &RenderArgs) -> Result<Vec<(Format, Option<&Path>)>, CliError> {
    if args.out.is_empty() {
        return Ok(vec![(args.format.unwrap_or(Format::Html), None)]);
    }
    if args.format.is_some() && args.out.len() > 1 {
        return Err(CliError::usage(
            "`--format` says what is written, and `-o` names several places.",
        )
        .hint("Leave `--format` out: the ending of each name says it (.html, .md, .sh)."));
    }
    let mut all: Vec<(Format, Option<&Path>)> = Vec::new();
    for path in &args.out {
        if all.iter().any(|(_, other)| *other == Some(path.as_path())) {
            let what = format!("`-o {}` is there twice.", path.display());
            return Err(CliError::usage(what).hint("Each form needs a place of its own."));
        }
        let format = args.format.map_or_else(|| Format::of_ending(path), Ok)?;
        // What cannot be written is said before the drills, which take their time.
        files::may_write_over(path)?;
        all.push((format, Some(path.as_path())));
    }
    Ok(all)
}

pub(super) async fn render(context: &Context, args: &RenderArgs) -> Result<Status, CliError> {
    let places = wanted(args)?;
    let templates = templates(args.templates.as_deref())?;
    let RenderArgs { runbook, compile, world, .. } = args;
    let (world, drills) = (world.as_deref(), !args.without_drills);
    let down = args.down.regions.as_slice();
    let outset = Outset { world, down, ..Outset::default() };
    // The way back is compiled as it is drilled: its parameters are its own.
    let own = Compile { params: Vec::new(), params_files: Vec::new(), ..compile.clone() };
    // Drills take their time: what is missing for a document is said before the first of them.
    look_back(context, runbook, compile, &own)?;
    let first = gather::gather(context, Wanted { runbook, compile, outset, drills }).await?;
    let back = match &first.failback {
        Some(path) => {
            let compile = way_back(context, path, &own)?;
            let compile = &compile;
            // It begins where the drill of this one ends, as that one was drilled.
            let before = Some(Before { runbook, world, down });
            let outset = Outset { before, ..Outset::default() };
            let wanted = Wanted { runbook: path, compile, outset, drills };
            Some(gather::gather(context, wanted).await?)
        }
        None => None,
    };
    let last = gather::last_run(context, &first);
    let status = worse(first.status, back.as_ref().map_or(Status::Done, |back| back.status));
    let back = back.as_ref().map(|back| &back.material);
    let view = document::document(&first.material, back, &templates, last);
    for warning in &view.warnings {
        context.ui.say(&format!("{} {}", context.ui.err.warn("warning:"), warning.text));
    }
    if context.ui.output == Output::Json {
        context.ui.data(&json::object(&view));
        return Ok(status);
    }
    let form = |format| match format {
        Format::Sh => Ok(document::script(&view)),
        Format::Html => document::html(&view, &templates),
        Format::Md => {
            let all: Vec<_> = std::iter::once(&first.material).chain(back).collect();
            document::markdown(&view, &all, &templates)
        }
    };
    // All of them, before the first is written.
    let forms = places.iter().map(|(format, place)| Ok((form(*format)?, *place)));
    let forms: Vec<_> = forms.collect::<Result<_, _>>().map_err(|error| refused(&error))?;
    for (written, place) in &forms {
        write(context, written, *place)?;
    }
    Ok(status)
}

/// How a document's two parts stand together: the one that is worse, the first of two.
fn worse(first: Status, back: Status) -> Status {
    match (first, back) {
        (Status::Done, _) | (Status::EndedOtherwise, Status::Refused) => back,
        _ => first,
    }
}

/// Looks whether the runbook that leads back can be read and compiled, where one is named.
///
/// # Errors
/// It cannot be read, or has errors.
fn look_back(
    context: &Context,
    runbook: &Path,
    compile: &Compile,
    own: &Compile,
) -> Result<(), CliError> {
    // What is wrong with the runbook itself is said by who compiles it next.
    let (_, read) = front::read(&context.environment, runbook, compile, Some("live"))?;
    let Some(plan) = &read.plan else { return Ok(()) };
    let Some(path) = gather::failback(runbook, plan)? else { return Ok(()) };
    let named = plan.parts().failback.as_deref().unwrap_or_default();
    let hint = format!("{} names it: `failback: {named}`.", runbook.display());
    let looked = || {
        let own = way_back(context, &path, own)?;
        let (_, read) = front::read(&context.environment, &path, &own, Some("live"))?;
        match read.plan {
            Some(_) => Ok(()),
            // It says its diagnostics, and is an error.
            None => front::compile(context, &path, &own, "live").map(|_| ()),
        }
    };
    looked().map_err(|error: CliError| error.hint(&hint))
}

/// How the runbook that leads back is compiled: under the profile that was asked for, where it has that.
fn way_back(context: &Context, path: &Path, own: &Compile) -> Result<Compile, CliError> {
    let Some(wanted) = &own.profile else { return Ok(own.clone()) };
    let (_, read) = front::read(&context.environment, path, &Compile::default(), None)?;
    Ok(if read.profiles.contains(wanted) { own.clone() } else { Compile::default() })
}

pub(super) fn refused(error: &TemplateError) -> CliError {
    CliError::new(Status::Usage, "The templates cannot be used.")
        .reason(&error.message)
        .hint("docs/templates.md lists every name; leave `--templates` out for the shipped look.")
}

/// The shipped templates, and those of a folder in their place.
pub(super) fn templates(folder: Option<&Path>) -> Result<Templates, CliError> {
    let mut replaced = BTreeMap::new();
    if let Some(folder) = folder {
        collect(folder, "", &mut replaced)?;
        if replaced.is_empty() {
            let what = format!("There is no template in {}.", folder.display());
            return Err(CliError::usage(what).hint("A template's name ends in .html, .md or .css."));
        }
    }
    Templates::new(&replaced).map_err(|error| refused(&error))
}

fn collect(
    folder: &Path,
    prefix: &str,
    found: &mut BTreeMap<String, String>,
) -> Result<(), CliError> {
    let failed = |error: &std::io::Error| {
        let what = format!("The templates in {} cannot be read.", folder.display());
        CliError::usage(what).because(error)
    };
    for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), found)?;
        } else if [".html", ".md", ".css"].iter().any(|end| name.ends_with(end)) {
            let text = regular::read_text(&path, FILE_BYTES_MAX).map_err(|error| failed(&error))?;
            found.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(())
}

fn write(context: &Context, written: &Written, out: Option<&Path>) -> Result<(), CliError> {
    let Some(out) = out else {
        context.ui.data(&written.text);
        if !written.files.is_empty() {
            context.ui.say("Its pictures are files beside it: name a place with `-o PATH`.");
        }
        return Ok(());
    };
    let folder = out.parent().map(Path::to_owned).unwrap_or_default();
    for (name, text) in &written.files {
        files::write_over(&folder.join(name), outward::redacted(text).as_bytes())?;
    }
    // A document is made of what was said, too.
    files::write_over(out, outward::redacted(&written.text).as_bytes())?;
    let count = written.files.len();
    let pictures = if count == 0 { String::new() } else { format!(", with {count} pictures") };
    context.ui.say(&format!("Written to {}{pictures}.", out.display()));
    Ok(())
}
