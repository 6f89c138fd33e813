//! Which rights does a runbook need? The exact ARM actions, as a custom role.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::front;
use crate::model::permission;
use crate::render::{json as out, role};

/// What the role does not give, since no step needs it.
const PREFLIGHT: &str = "Preflight looks further than the run: assign Reader there as well, and on the circuits' \
                         subscriptions (docs/live-azure.md).";

/// What `permissions` takes.
#[derive(Debug, Clone, Args)]
pub struct PermissionsArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// Also what a person needs who types the document's commands: `az` deploys templates for some.
    #[arg(long)]
    pub by_hand: bool,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
}

pub(super) fn permissions(
    context: &Context,
    PermissionsArgs { runbook, by_hand, compile }: &PermissionsArgs,
) -> Result<Status, CliError> {
    let plan = front::compile(context, runbook, compile, "live")?.plan;
    let mut groups = permission::by_group(&plan);
    let typed = permission::by_hand(&plan);
    if *by_hand {
        for (scope, rights) in &typed {
            groups.entry(scope.clone()).or_default().extend(rights.iter().cloned());
        }
    }
    let actions: BTreeSet<&String> = groups.values().flatten().collect();
    let name = plan.parts().runbook.as_str();
    let role = if *by_hand { role::role_by_hand(&plan) } else { role::role(&plan) };
    match context.ui.output {
        // The role by itself, so that it can be piped into `az role definition create`.
        Output::Text => context.ui.data(&out::object(&role)),
        Output::Json | Output::Jsonl => context.ui.data(&out::object(&json!({
            "schema": "backroad.permissions/1", "runbook": name, "role": role, "groups": groups,
            "by_hand": typed, "besides": PREFLIGHT,
        }))),
    }
    if context.ui.output == Output::Text {
        context.ui.say(&format!(
            "{} rights in {} resource groups. Create the role with `az role definition create \
             --role-definition @FILE` and assign it at those groups. {PREFLIGHT}{}",
            actions.len(),
            groups.len(),
            if typed.is_empty() || *by_hand {
                ""
            } else {
                " Who types the document's commands needs more: `--by-hand` adds it."
            }
        ));
    }
    Ok(Status::Done)
}
