//! What was typed? The command line's grammar, and nothing of its meaning.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::command::{
    ApproveArgs, CaptureArgs, CheckArgs, CompletionsArgs, DrillArgs, ExamplesArgs, ExportArgs,
    InitArgs, JournalArgs, NotifyArgs, PageBesideArgs, ParamsArgs, PermissionsArgs, PlanArgs,
    PreflightArgs, ProbeArgs, ReadyArgs, RenderArgs, ReportArgs, ResumeArgs, RetryArgs, RunArgs,
    RunsArgs, SchemaArgs, SettleArgs, SimVerb, SkipArgs, StatusArgs, StoreVerb, TakeOverArgs,
    UndoArgs, VerifyArgs, WatchArgs, WebArgs,
};
use super::detach::Detach;
use super::typed::pair;
use super::ui::Manner;

/// Under what `--help` lists the options that every verb takes, apart from the verb's own.
const GLOBAL: &str = "Global options";

/// ExpressRoute down? Take the back road.
///
/// Runs a failover runbook for Azure ExpressRoute: checks it, shows what it would change, drills it
/// against a simulated Azure, executes it, and goes on after anything.
#[derive(Debug, Parser)]
#[command(
    name = "backroad",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done; 1 the run ended otherwise than asked; 2 usage; 3 the runbook \
                  has errors; 4 refused; 5 Azure or the store is out of reach; 6 undo incomplete; \
                  7 not ready; 10 waiting for a person; 70 a bug of ours; 130 interrupted, resumable."
)]
pub struct CommandLine {
    /// What the data on stdout looks like.
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Where runs are kept [default: BACKROAD_STATE_DIR, else the platform's state directory].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where runs are kept that several hosts reach.
    #[command(flatten)]
    pub shared: GivenStore,
    /// In sentences, one thing a line, without colour, bars or lines that redraw: for screen readers.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub plain: bool,
    /// Tell times by this host's clock instead of UTC; each with the name of its zone.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub local_time: bool,
    /// Mark what is found for a CI system: annotations in its log, a summary on its page.
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = CiArg::Auto)]
    pub ci: CiArg,
    /// Send a run's trace and measures to this collector by OTLP/HTTP [default: what OpenTelemetry's variables
    /// name, such as OTEL_EXPORTER_OTLP_ENDPOINT].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "URL")]
    pub otlp: Option<String>,
    /// How much goes into the log that is kept beside a run; never a token or a body [default: of our own debug,
    /// of others info].
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Where runs are kept that several hosts reach.
#[derive(Debug, Clone, Default, Args)]
pub struct GivenStore {
    /// A store that other hosts reach too, so that the run outlives this one: `azblob://ACCOUNT/CONTAINER[/PREFIX]`,
    /// `s3://BUCKET[/PREFIX]` or `file:///DIR` [default: BACKROAD_STORE, else none].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "PLACE")]
    pub store: Option<String>,
}

impl CommandLine {
    /// How the person wants to be spoken to.
    #[must_use]
    pub fn manner(&self) -> Manner {
        Manner { plain: self.plain, local_time: self.local_time }
    }
}

/// What the data on stdout looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For machines; each object names its schema.
    Json,
    /// For machines, one object a line: a run's events as they happen, and `result` at the end.
    Jsonl,
}

/// Which CI system is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CiArg {
    /// The one that the environment names: `GITHUB_ACTIONS` or `TF_BUILD`.
    Auto,
    /// GitHub Actions.
    Github,
    /// Azure DevOps' pipelines.
    AzureDevops,
    /// None.
    None,
}

/// How much goes into a run's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// No log.
    Off,
    /// What failed.
    Error,
    /// What is amiss.
    Warn,
    /// What happens.
    Info,
    /// Each call and its answer.
    Debug,
    /// Everything that may be told.
    Trace,
}

impl LogLevel {
    /// As directives of a filter; none for no log.
    #[must_use]
    pub fn directives(wanted: Option<Self>) -> Option<&'static str> {
        match wanted {
            None => Some("info,backroad=debug"),
            Some(Self::Off) => None,
            Some(Self::Error) => Some("error"),
            Some(Self::Warn) => Some("warn"),
            Some(Self::Info) => Some("info"),
            Some(Self::Debug) => Some("debug"),
            Some(Self::Trace) => Some("trace"),
        }
    }
}

/// The verbs; what each takes stands beside what it does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read runbooks, worlds and other files, and print every problem found; touches nothing.
    Check(CheckArgs),
    /// Show what a run would change, with reads only; writes nothing. Exit status 4 when a step is blocked, or the run would not be started.
    Plan(PlanArgs),
    /// Judge the rules of ExpressRoute against what is there; reads only.
    Preflight(PreflightArgs),
    /// Say whether runbooks could be used now: preflight, drift, the last drill. Exit status 7 when not.
    Ready(ReadyArgs),
    /// Answer a probe's question from here: what a vantage of a runbook runs.
    Probe(ProbeArgs),
    /// Read a live estate into a world file, to drill on; reads only.
    Capture(CaptureArgs),
    /// Write a runbook for an estate: what fits it, its way home, its world, and what a person must decide.
    Init(InitArgs),
    /// Write the shipped runbooks, worlds, templates and schema into a folder.
    Examples(ExamplesArgs),
    /// Print a runbook's parameters: type, value, where it comes from, and what it is for.
    Params(ParamsArgs),
    /// Print the exact rights that a runbook needs, as a custom role.
    Permissions(PermissionsArgs),
    /// Write a runbook as a document that a person can follow by hand and a change board approve.
    Render(RenderArgs),
    /// Execute a runbook against Azure.
    Run(RunArgs),
    /// Execute a runbook against the built-in simulator, in virtual time.
    Drill(DrillArgs),
    /// List the runs, the newest first.
    Runs(RunsArgs),
    /// Show where a run stands: what goes on, who is waited for, when it will end.
    Status(StatusArgs),
    /// Follow a run on the whole screen; step through one that has ended.
    Watch(WatchArgs),
    /// Serve a page of all runs, for everybody on the call: while they happen, and as a replay afterwards.
    Web(WebArgs),
    /// Print every event of a run.
    Journal(JournalArgs),
    /// Print what is measured of the runs here, as Prometheus reads it.
    Metrics,
    /// Send what is left of a run's messages, or a test message to one receiver.
    Notify(NotifyArgs),
    /// Go on with a run that was interrupted, or that is paused, from any terminal.
    Resume(ResumeArgs),
    /// Drive a run of a shared store from here, and shut out the host that drove it.
    TakeOver(TakeOverArgs),
    /// Try a step again that failed, is held or is done, or all that failed, and go on.
    Retry(RetryArgs),
    /// Go on without a step.
    Skip(SkipArgs),
    /// Start nothing new until `resume`; what is at work is finished.
    Pause(RunCommandArgs),
    /// Say that the source region is out of reach: what acts on it is not tried from now on, and owed.
    SourceDown(RunCommandArgs),
    /// Meet what an ended run still owes, such as removing a connection whose region was dead.
    Settle(SettleArgs),
    /// Say yes at a gate, or choose at a decision, and go on.
    Approve(ApproveArgs),
    /// Say no at a gate.
    Decline(StepCommandArgs),
    /// Start nothing more, and end the run.
    Cancel(RunCommandArgs),
    /// Put back what a run changed.
    Undo(UndoArgs),
    /// Write what happened in a run as a document, or as JSON.
    Report(ReportArgs),
    /// Write a run's evidence into one file that `verify` checks by itself.
    Export(ExportArgs),
    /// Check that a run's history is whole and unedited.
    Verify(VerifyArgs),
    /// Look at a store as a whole: check it, copy runs into another, remove old ones.
    #[command(subcommand)]
    Store(StoreVerb),
    /// The simulated Azure on its own.
    #[command(subcommand)]
    Sim(SimVerb),
    /// Print the JSON Schema of runbooks or of worlds, for editors.
    Schema(SchemaArgs),
    /// Print the manual page, for `man -l -`.
    Man,
    /// Print a shell's completions.
    Completions(CompletionsArgs),
}

impl Verb {
    /// Whether a run is driven by it, drills included.
    #[must_use]
    pub fn is_about_a_run(&self) -> bool {
        matches!(self, Self::Drill(_)) || self.drives().is_some()
    }

    /// Whether it is done in ignorance where it is not known what runs on other hosts owe: a request of a shared store.
    #[must_use]
    pub fn needs_to_know_what_is_owed(&self) -> bool {
        let looks = matches!(
            self,
            Self::Runs(_) | Self::Status(_) | Self::Plan(_) | Self::Ready(_) | Self::Preflight(_)
        );
        looks || self.drives().is_some()
    }

    /// Whether it only reads what a shared store has: then its secondary will do.
    #[must_use]
    pub fn only_reads_runs(&self) -> bool {
        matches!(
            self,
            Self::Runs(_)
                | Self::Status(_)
                | Self::Watch(_)
                | Self::Journal(_)
                | Self::Report(_)
                | Self::Export(_)
                | Self::Verify(_)
                | Self::Store(StoreVerb::Check(_))
        )
    }

    /// Whether it is given for what it prints: a run goes on where nobody can read it.
    #[must_use]
    pub fn is_for_its_data(&self) -> bool {
        let shows = matches!(self, Self::Drill(_) | Self::Watch(_) | Self::Web(_) | Self::Sim(_));
        self.drives().is_none() && !shows
    }

    /// How a run is driven by it, and which: a new one where none is named. None for verbs that drive none.
    #[must_use]
    pub fn drives(&self) -> Option<(&DriveArgs, Option<&str>)> {
        match self {
            Self::Run(args) => Some((&args.drive, None)),
            Self::Resume(args) => Some((&args.drive, Some(&args.run))),
            Self::TakeOver(args) => Some((&args.drive, Some(&args.run))),
            Self::Retry(args) => Some((&args.drive, Some(&args.run))),
            Self::Skip(SkipArgs { step, .. })
            | Self::Approve(ApproveArgs { step, .. })
            | Self::Decline(step) => Some((&step.drive, Some(&step.run))),
            Self::Pause(args)
            | Self::SourceDown(args)
            | Self::Settle(SettleArgs { run: args, .. })
            | Self::Cancel(args)
            | Self::Undo(UndoArgs { run: args, .. }) => Some((&args.drive, Some(&args.run))),
            Self::Check(_)
            | Self::Plan(_)
            | Self::Preflight(_)
            | Self::Ready(_)
            | Self::Probe(_)
            | Self::Capture(_)
            | Self::Init(_)
            | Self::Examples(_)
            | Self::Params(_)
            | Self::Permissions(_)
            | Self::Render(_)
            | Self::Drill(_)
            | Self::Runs(_)
            | Self::Watch(_)
            | Self::Web(_)
            | Self::Status(_)
            | Self::Journal(_)
            | Self::Metrics
            | Self::Notify(_)
            | Self::Report(_)
            | Self::Export(_)
            | Self::Verify(_)
            | Self::Store(_)
            | Self::Sim(_)
            | Self::Schema(_)
            | Self::Man
            | Self::Completions(_) => None,
        }
    }
}

impl Verb {
    /// The page that is to be served beside what it drives; none where there is none.
    #[must_use]
    pub fn page(&self) -> Option<&PageBesideArgs> {
        let page = match self {
            Self::Run(args) => &args.page,
            Self::Drill(args) => &args.page,
            Self::Resume(args) => &args.page,
            _ => return None,
        };
        page.web.then_some(page)
    }
}

/// How a runbook is compiled.
#[derive(Debug, Clone, Default, Args)]
pub struct Compile {
    /// The profile [default: `drill` for drills and `live` else, where the runbook has it].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A parameter's value: text, YAML where it is a list or a mapping, or `NAME=@FILE`; goes before everything
    /// else. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,
    /// A YAML file with values of parameters by name; goes before `BACKROAD_PARAM_<NAME>` of the environment, and
    /// that before the profile's. May be repeated, the last first.
    #[arg(long = "params", value_name = "FILE")]
    pub params_files: Vec<PathBuf>,
}

/// What is said before a run starts.
#[derive(Debug, Clone, Default, Args)]
pub struct Start {
    /// Declare the source region out of reach: steps that act on it are not tried. It only declares: a drill's
    /// simulated region stays up, and goes down with `--region-down`.
    #[arg(long, value_name = "WHY", num_args = 0..=1, default_missing_value = "declared")]
    pub source_down: Option<String>,
    /// Send the runbook's messages although nothing real happens: in a drill, or against a simulator.
    #[arg(long)]
    pub notify: bool,
    /// What is waived.
    #[command(flatten)]
    pub waive: Waive,
}

/// Preflight rules that a person takes upon themselves.
#[derive(Debug, Clone, Default, Args)]
pub struct Waive {
    /// Start although this rule fails; the reason goes into the journal. May be repeated.
    #[arg(long, value_name = "RULE=WHY", value_parser = pair)]
    pub waive: Vec<(String, String)>,
}

/// Where Azure is, and who we are to it.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// Which Azure [default: BACKROAD_CLOUD, else public].
    #[arg(long, value_enum)]
    pub cloud: Option<CloudArg>,
    /// Where Azure Resource Manager is; http for loopback only [default: the cloud's].
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Who we are to Azure [default: AZURE_TOKEN_CREDENTIALS, else what its tools find in their usual
    /// order].
    #[arg(long, value_enum)]
    pub credential: Option<Credential>,
    /// Whose tokens are sent: TENANT for all subscriptions, or SUBSCRIPTION=TENANT for one; may be given
    /// several times [default: the credential's own, and what Azure says of others].
    #[arg(long, value_name = "[SUBSCRIPTION=]TENANT")]
    pub tenant: Vec<String>,
    /// How much faster a simulator's clock goes; for loopback endpoints only.
    #[arg(long, value_name = "N")]
    pub clock_factor: Option<NonZeroU32>,
}

/// How a run is driven: against which Azure, and by which process.
#[derive(Debug, Clone, Default, Args)]
pub struct DriveArgs {
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Whether it goes on by itself.
    #[command(flatten)]
    pub detach: Detach,
}

/// A command about a run that exists, which drives it on.
#[derive(Debug, Clone, Args)]
pub struct RunCommandArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// Who gives it, and why.
    #[command(flatten)]
    pub given: GivenArgs,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// A command about a step of a run, which drives it on.
#[derive(Debug, Clone, Args)]
pub struct StepCommandArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// The step.
    pub step: String,
    /// Who gives it, and why.
    #[command(flatten)]
    pub given: GivenArgs,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Who gives a command, and why; both go into the journal.
#[derive(Debug, Clone, Default, Args)]
pub struct GivenArgs {
    /// Why. `skip`, `retry --from`, `decline`, `cancel` and `undo` ask for it, and need it off a terminal.
    #[arg(long)]
    pub reason: Option<String>,
    /// By whom; the account of this session is recorded beside it [default: that account].
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Which Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CloudArg {
    /// Azure.
    Public,
    /// Azure operated by 21Vianet in China.
    China,
    /// Azure for the government of the United States.
    UsGovernment,
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Credential {
    /// A service principal's secret that the environment names.
    Environment,
    /// The workload identity of the pod.
    WorkloadIdentity,
    /// The managed identity of the machine, or the one of AZURE_CLIENT_ID.
    ManagedIdentity,
    /// The login of `az`.
    Az,
    /// The login of `azd`.
    Azd,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_every_verb_takes_stands_apart_from_its_own_in_each_help() {
        let mut command = CommandLine::command();
        command.build();
        let mut seen = 0;
        for verb in command.get_subcommands() {
            for option in verb.get_arguments().filter(|option| option.is_global_set()) {
                let id = option.get_id().as_str();
                if ["help", "version"].contains(&id) {
                    continue;
                }
                let heading = option.get_help_heading();
                assert_eq!(heading, Some(GLOBAL), "{} {id}", verb.get_name());
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_parameter_keeps_what_follows_its_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("=b").is_err());
    }
}
