//! How is the page served, and who is invited to act on it?

use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::served_page::{PageAddress, RunningPage, ServePageArgs};
use crate::cli::args::Output;
use crate::cli::clock::{HostEntropy, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::session::Interrupts;
use crate::cli::typed::duration;
use crate::engine::{Clock as _, Entropy as _};
use crate::model::time::format_duration;
use crate::render::json;
use crate::store::{InvitationError, Invited};

/// What `web` takes.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct WebArgs {
    /// Who may act on the page.
    #[command(subcommand)]
    pub verb: Option<WebVerb>,
    /// How it is served.
    #[command(flatten)]
    pub serve: ServePageArgs,
}

/// Who may act on the page.
#[derive(Debug, Clone, Subcommand)]
pub enum WebVerb {
    /// Print a link that opens the page once, for one person; whoever opens it speaks by that name.
    Invite(InviteArgs),
    /// Take back the links and sessions of a person.
    Revoke(RevokeArgs),
    /// List who is invited, and who has come.
    Invited,
}

/// What `web invite` takes.
#[derive(Debug, Clone, Args)]
pub struct InviteArgs {
    /// Their name, as the journal will have it.
    pub name: String,
    /// The role in which they speak: of gates that ask for a role they may answer only those.
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// How long the link, and the session that it becomes, is good.
    #[arg(long = "for", value_name = "DURATION", default_value = "12h", value_parser = duration)]
    pub good_for: Duration,
    /// The page's address [default: the one that is served for this state directory].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// What `web revoke` takes.
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    /// Their name.
    pub name: String,
}

/// Letters of a name or a role.
const NAME_MAX: usize = 100;

/// The longest that a link or a session is good.
const GOOD_FOR_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

pub(super) async fn web(context: &Context, args: &WebArgs) -> Result<Status, CliError> {
    match &args.verb {
        Some(WebVerb::Invite(args)) => invite(context, args),
        Some(WebVerb::Revoke(args)) => revoke(context, args),
        Some(WebVerb::Invited) => invited(context),
        None => serve(context, &args.serve).await,
    }
}

async fn serve(context: &Context, args: &ServePageArgs) -> Result<Status, CliError> {
    let mut interrupts = Interrupts::listen();
    let page = RunningPage::start(context, args)?;
    match context.ui.output {
        Output::Text => context.ui.data_line(page.url()),
        Output::Json | Output::Jsonl => context.ui.data(&json::line(&json!({
            "schema": "backroad.web/1",
            "url": page.url(),
            "actions": args.allow_actions,
        }))),
    }
    context.ui.say("The page is served until this is interrupted (Ctrl-C).");
    if args.allow_actions {
        context
            .ui
            .say("People act on it by links of their own: `backroad web invite NAME --role ROLE`.");
    }
    interrupts.next().await;
    page.end();
    Ok(Status::Done)
}

fn now() -> crate::model::Timestamp {
    RealClock::new(NonZeroU32::MIN, None).now()
}

fn refused(error: &InvitationError) -> CliError {
    CliError::new(Status::OutOfReach, "The invitation cannot be kept.").because(error).hint(
        "Take back what is not needed with `backroad web revoke NAME`; `backroad web invited` lists them.",
    )
}

/// A name or a role as it was typed: one line, not too long.
fn word(what: &str, text: &str) -> Result<String, CliError> {
    let text = text.trim();
    let bad = text.is_empty()
        || text.chars().count() > NAME_MAX
        || text.chars().any(|c| c == '\n' || c == '\t' || crate::outward::is_hidden(c));
    match bad {
        false => Ok(text.to_owned()),
        true => Err(CliError::usage(format!("That is no {what}."))
            .hint(format!("A {what} is one line of at most {NAME_MAX} letters."))),
    }
}

fn invite(context: &Context, args: &InviteArgs) -> Result<Status, CliError> {
    let name = word("name", &args.name)?;
    let role = args.role.as_deref().map(|role| word("role", role)).transpose()?;
    if args.good_for.is_zero() || args.good_for > GOOD_FOR_MAX {
        return Err(CliError::usage(
            "An invitation is good for a second at least and a week at most.",
        )
        .hint("Say how long with `--for 12h`."));
    }
    let address = match &args.url {
        Some(url) => PageAddress::typed(url)?,
        None => PageAddress::of(context)?,
    };
    let chance = HostEntropy;
    let bytes = chance.bytes().into_iter().chain(chance.bytes());
    let token: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    let at = now();
    let until = at + args.good_for;
    let by = context.user().name;
    let invited = Invited { name, role, by, at, until };
    context.state.invitations().invite(&token, &invited).map_err(|error| refused(&error))?;
    let link = address.link(&token);
    match context.ui.output {
        Output::Text => {
            context.ui.data_line(&link);
            let role = invited.role.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
            context.ui.say(&format!(
                "The link is for {}{role} alone: it opens once, and is good for {}. It is shown here and nowhere else.",
                invited.name,
                format_duration(args.good_for)
            ));
        }
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
            "schema": "backroad.web.invitation/1",
            "url": link,
            "name": invited.name,
            "role": invited.role,
            "until": invited.until,
        }))),
    }
    Ok(Status::Done)
}

fn revoke(context: &Context, args: &RevokeArgs) -> Result<Status, CliError> {
    let count = context.state.invitations().revoke(&args.name).map_err(|error| refused(&error))?;
    if count == 0 {
        return Err(CliError::usage(format!("Nobody of the name {} is invited.", args.name))
            .hint("`backroad web invited` lists who is."));
    }
    context.ui.say(&format!("Taken back: {count} of {}.", args.name));
    Ok(Status::Done)
}

fn invited(context: &Context) -> Result<Status, CliError> {
    let all = context.state.invitations().list(now()).map_err(|error| refused(&error))?;
    match context.ui.output {
        Output::Text if all.is_empty() => context.ui.data("Nobody is invited.\n"),
        Output::Text => {
            for (one, came) in &all {
                let role = one.role.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
                let came = if *came { "has come" } else { "has not come yet" };
                context.ui.data_line(&format!(
                    "{}{role}: {came}; good until {}; invited by {}",
                    one.name, one.until, one.by
                ));
            }
        }
        Output::Json | Output::Jsonl => {
            let one = |(one, came): &(Invited, bool)| json!({"name": one.name, "role": one.role, "until": one.until, "by": one.by, "came": came});
            let list: Vec<_> = all.iter().map(one).collect();
            let object = json!({"schema": "backroad.web.invited/1", "invited": list});
            context.ui.data(&json::object(&object));
        }
    }
    Ok(Status::Done)
}
