//! What was typed? The command line's grammar, and nothing of its meaning.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::detach::Detach;
pub use super::said::{Drive, DriveSaid, DriveStep, SaidArgs};
use super::typed::{duration, head, pair};

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
                  10 waiting for a person; 70 a bug of ours; 130 interrupted, resumable."
)]
pub struct CommandLine {
    /// What the data on stdout looks like.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Where runs are kept [default: BACKROAD_STATE_DIR, else the platform's state directory].
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the data on stdout looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For machines; each object names its schema.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Compile runbooks and print every problem found; touches nothing.
    Check {
        /// The runbooks.
        #[arg(required = true, value_name = "RUNBOOK")]
        runbooks: Vec<PathBuf>,
        /// How they are compiled.
        #[command(flatten)]
        compile: Compile,
    },
    /// Show what a run would change, with reads only; writes nothing. Exit status 4 when a step is blocked.
    Plan {
        /// The runbook.
        runbook: PathBuf,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
        /// Where Azure is.
        #[command(flatten)]
        target: Target,
        /// Look at this world instead of Azure.
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
        /// Keep the plan and what was seen, for `run --plan`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Judge the rules of ExpressRoute against what is there; reads only.
    Preflight {
        /// The runbook.
        runbook: PathBuf,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
        /// Where Azure is.
        #[command(flatten)]
        target: Target,
        /// Look at this world instead of Azure.
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
        /// What is waived.
        #[command(flatten)]
        waive: Waive,
    },
    /// Read a live estate into a world file, to drill on; reads only.
    Capture {
        /// A subscription to read. May be repeated.
        #[arg(long, value_name = "ID", required = true)]
        subscription: Vec<String>,
        /// Only these resource groups. May be repeated.
        #[arg(long, value_name = "NAME")]
        resource_group: Vec<String>,
        /// Where Azure is.
        #[command(flatten)]
        target: Target,
        /// The world file to write; it must not be there yet.
        #[arg(long, short = 'o', value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the exact rights that a runbook needs, as a custom role.
    Permissions {
        /// The runbook.
        runbook: PathBuf,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
    },
    /// Write a runbook as a document that a person can follow by hand and a change board approve.
    Render {
        /// The runbook.
        runbook: PathBuf,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
        /// The world to draw and to drill in [default: the profile's, else that of `drill`].
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
        /// What is written.
        #[arg(long, value_enum, default_value_t = Format::Html)]
        format: Format,
        /// Templates of your own, in place of the shipped ones of the same names.
        #[arg(long, value_name = "DIR")]
        templates: Option<PathBuf>,
        /// Where it is written, with its pictures beside it [default: stdout].
        #[arg(short, long, value_name = "PATH")]
        out: Option<PathBuf>,
        /// Do not drill the misfortunes; the document then says that nothing is proven.
        #[arg(long)]
        without_drills: bool,
    },
    /// Execute a runbook against Azure.
    Run {
        /// The runbook [with `--plan`: the one it was made from].
        #[arg(required_unless_present = "plan")]
        runbook: Option<PathBuf>,
        /// A plan that was kept by `plan --out`: refused when runbook, parameters or what was seen
        /// have changed since.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["runbook", "profile", "params", "dry_run"])]
        plan: Option<PathBuf>,
        /// Only show what would change, as `plan` does.
        #[arg(long, conflicts_with = "detach")]
        dry_run: bool,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
        /// Where Azure is.
        #[command(flatten)]
        target: Target,
        /// What is said before it starts.
        #[command(flatten)]
        start: Start,
        /// Ask at this terminal; refuse to start where there is none.
        #[arg(long, conflicts_with = "detach")]
        interactive: bool,
        /// Whether it goes on by itself.
        #[command(flatten)]
        detach: Detach,
    },
    /// Execute a runbook against the built-in simulator, in virtual time.
    Drill {
        /// The runbook.
        runbook: PathBuf,
        /// How it is compiled.
        #[command(flatten)]
        compile: Compile,
        /// The world to start from [default: the profile's].
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
        /// A bad day of the library to live through; `list` shows them. May be repeated.
        #[arg(long, value_name = "NAME")]
        bad_day: Vec<String>,
        /// What decides the simulator's chance [default: the world's]; the same seed gives the same
        /// drill.
        #[arg(long)]
        seed: Option<u64>,
        /// Who answers the gates.
        #[arg(long, value_enum, default_value_t = PeopleArg::Profile)]
        people: PeopleArg,
        /// What is said before it starts.
        #[command(flatten)]
        start: Start,
    },
    /// List the runs.
    Runs,
    /// Show where a run stands.
    Status {
        /// The run's id, or its beginning.
        run: String,
    },
    /// Print every event of a run.
    Journal {
        /// The run's id, or its beginning.
        run: String,
    },
    /// Go on with a run that was interrupted.
    Resume(Drive),
    /// Try a step again that ended badly or is held, or all that failed, and go on.
    Retry {
        /// Also every step after it that did not succeed.
        #[arg(long, requires = "step")]
        from: bool,
        /// Only say what would be tried again.
        #[arg(long, conflicts_with = "detach")]
        dry_run: bool,
        /// The run's id, or its beginning.
        run: String,
        /// The step; every step that failed when absent.
        step: Option<String>,
        /// The word.
        #[command(flatten)]
        said: SaidArgs,
        /// Where Azure is.
        #[command(flatten)]
        target: Target,
        /// Whether it goes on by itself.
        #[command(flatten)]
        detach: Detach,
    },
    /// Go on without a step.
    Skip {
        /// Only say what would go on without it.
        #[arg(long, conflicts_with = "detach")]
        dry_run: bool,
        /// The step.
        #[command(flatten)]
        step: DriveStep,
    },
    /// Start nothing new until `resume`; what is at work is finished.
    Pause(DriveSaid),
    /// Meet what an ended run still owes, such as removing a connection whose region was dead.
    Settle {
        /// Let this much time pass first; for drills, whose clock stands still otherwise.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        after: Option<Duration>,
        /// The run.
        #[command(flatten)]
        run: DriveSaid,
    },
    /// Say yes at a gate, or choose at a decision, and go on.
    Approve {
        /// What is chosen, at a decision.
        #[arg(long, value_name = "OPTION")]
        choice: Option<String>,
        /// The step.
        #[command(flatten)]
        step: DriveStep,
    },
    /// Say no at a gate.
    Decline(DriveStep),
    /// Start nothing more, and end the run.
    Cancel(DriveSaid),
    /// Put back what a run changed.
    Undo(DriveSaid),
    /// Write what happened in a run as a document, or as JSON.
    Report {
        /// The run's id, or its beginning.
        run: String,
        /// The form.
        #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
        format: ReportFormat,
        /// Another run, to stand beside it.
        #[arg(long, value_name = "RUN")]
        compare: Option<String>,
        /// A folder whose templates replace the shipped ones, one file at a time.
        #[arg(long, value_name = "DIR")]
        templates: Option<PathBuf>,
        /// Where to write it [default: standard output].
        #[arg(long, short = 'o', value_name = "PATH")]
        out: Option<PathBuf>,
    },
    /// Write a run's evidence into one file that `verify` checks by itself.
    Export {
        /// The run's id, or its beginning.
        run: String,
        /// The file to write; it must not be there yet.
        #[arg(long, short = 'o', value_name = "FILE")]
        out: PathBuf,
        /// Sign it with this private SSH key (ed25519, without a passphrase).
        #[arg(long, value_name = "KEY")]
        sign: Option<PathBuf>,
    },
    /// Check that a run's history is whole and unedited.
    Verify {
        /// The run's id or its beginning, its evidence, or an exported journal.
        #[arg(value_name = "RUN|FILE")]
        what: String,
        /// The hash of the last event, as it was told you.
        #[arg(long, value_name = "HASH", value_parser = head)]
        head: Option<String>,
        /// Refuse evidence that none of these SSH keys signed: a public key, or an allowed-signers file.
        #[arg(long, value_name = "KEYS")]
        trusted: Option<PathBuf>,
    },
    /// The simulated Azure on its own.
    Sim {
        /// What to do with it.
        #[command(subcommand)]
        verb: SimVerb,
    },
    /// Print the JSON Schema of runbooks, for editors.
    Schema,
    /// Print the manual page, for `man -l -`.
    Man,
    /// Print a shell's completions.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What a document is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One page that needs nothing else.
    Html,
    /// Markdown, with pictures beside it.
    Md,
}

/// The verbs of the simulator.
#[derive(Debug, Subcommand)]
pub enum SimVerb {
    /// Serve a world over HTTP on loopback; prints one JSON line with `endpoint` once it listens.
    Serve {
        /// The world.
        #[arg(long, value_name = "FILE")]
        world: PathBuf,
        /// Where to listen; loopback only.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// What decides its chance [default: the world's].
        #[arg(long)]
        seed: Option<u64>,
        /// How much faster than the host's its clock goes.
        #[arg(long, default_value = "1")]
        speed: NonZeroU32,
        /// Over https, with a certificate that is made anew at each start.
        #[arg(long)]
        tls: bool,
        /// Where to write that certificate (PEM), for clients to trust.
        #[arg(long, value_name = "FILE", requires = "tls")]
        tls_certificate: Option<PathBuf>,
    },
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One HTML page.
    Html,
    /// Markdown.
    Md,
    /// The same view, for machines.
    Json,
}

/// How a runbook is compiled.
#[derive(Debug, Clone, Default, Args)]
pub struct Compile {
    /// The profile [default: `drill` for drills and `live` else, where the runbook has it].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A parameter's value; goes before the profile's. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,
}

/// What is said before a run starts.
#[derive(Debug, Clone, Default, Args)]
pub struct Start {
    /// Declare the source region out of reach: steps that act on it are not tried.
    #[arg(long, value_name = "WHY", num_args = 0..=1, default_missing_value = "declared")]
    pub source_down: Option<String>,
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

/// Who answers the gates of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PeopleArg {
    /// The profile's people, in virtual time.
    Profile,
    /// Whoever sits at the terminal.
    Ask,
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
    fn a_parameter_keeps_what_follows_its_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("=b").is_err());
    }
}
