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

/// What `permissions` takes.
#[derive(Debug, Clone, Args)]
pub struct PermissionsArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
}

pub(super) fn permissions(
    context: &Context,
    PermissionsArgs { runbook, compile }: &PermissionsArgs,
) -> Result<Status, CliError> {
    let plan = front::compile(context, runbook, compile, "live")?.plan;
    let groups = permission::by_group(&plan);
    let actions: BTreeSet<&String> = groups.values().flatten().collect();
    let name = plan.parts().runbook.as_str();
    let role = role::role(&plan);
    match context.ui.output {
        // The role by itself, so that it can be piped into `az role definition create`.
        Output::Text => context.ui.data(&out::object(&role)),
        Output::Json => context.ui.data(&out::object(&json!({
            "schema": "backroad.permissions/1", "runbook": name, "role": role, "groups": groups,
        }))),
    }
    if context.ui.output == Output::Text {
        context.ui.say(&format!(
            "{} rights in {} resource groups. Create the role with `az role definition create \
             --role-definition @FILE` and assign it at those groups. The preflight looks further: \
             assign Reader there as well.",
            actions.len(),
            groups.len()
        ));
    }
    Ok(Status::Done)
}
