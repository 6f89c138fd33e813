//! What comes with the program? Runbooks, worlds, estates, templates and schemas, written out to begin from.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::render::json as out;

/// What `examples` takes.
#[derive(Debug, Clone, Args)]
pub struct ExamplesArgs {
    /// The folder to write into; files that are there already are left alone.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

macro_rules! shipped {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../", $path)))
    };
}

/// An estate of docs/cookbook.md, to be served and captured where there is no Azure to try it on.
macro_rules! estate {
    ($name:literal) => {
        (
            concat!("estates/", $name),
            include_str!(concat!("../../../tests/fixtures/estates/", $name)),
        )
    };
}

/// Every file, by its path in the project: what one names of another it names from there.
const SHIPPED: &[(&str, &str)] = &[
    shipped!("docs/bad-days.schema.json"),
    shipped!("docs/runbook.schema.json"),
    shipped!("docs/world.schema.json"),
    estate!("bow-tie.yaml"),
    estate!("dual-stack.yaml"),
    estate!("firewall-and-vpn.yaml"),
    estate!("no-spare-circuit.yaml"),
    estate!("nothing-at-the-target.yaml"),
    estate!("odd-names.yaml"),
    estate!("own-addresses.yaml"),
    estate!("same-addresses.yaml"),
    estate!("several-sites.yaml"),
    estate!("two-hubs-in-one-region.yaml"),
    estate!("virtual-wan.yaml"),
    estate!("vpn-to-two-devices.yaml"),
    shipped!("runbooks/dr-circuit-failback.yaml"),
    shipped!("runbooks/dr-circuit-prepared-failback.yaml"),
    shipped!("runbooks/dr-circuit-prepared.yaml"),
    shipped!("runbooks/dr-circuit.yaml"),
    shipped!("runbooks/onprem-to-azure-failback.yaml"),
    shipped!("runbooks/onprem-to-azure.yaml"),
    shipped!("runbooks/parts/gateway-gone.yaml"),
    shipped!("runbooks/parts/gateway.yaml"),
    shipped!("runbooks/parts/hub-and-spoke.yaml"),
    shipped!("runbooks/parts/proof.yaml"),
    shipped!("runbooks/parts/take-down.yaml"),
    shipped!("runbooks/same-circuit-failback.yaml"),
    shipped!("runbooks/same-circuit-swap-failback.yaml"),
    shipped!("runbooks/same-circuit-swap.yaml"),
    shipped!("runbooks/same-circuit.yaml"),
    shipped!("runbooks/site-recovery-test.yaml"),
    shipped!("runbooks/two-circuits-one-location-failback.yaml"),
    shipped!("runbooks/two-circuits-one-location.yaml"),
    shipped!("runbooks/vpn-last-path-failback.yaml"),
    shipped!("runbooks/vpn-last-path.yaml"),
    shipped!("runbooks/vwan-dr-circuit-failback.yaml"),
    shipped!("runbooks/vwan-dr-circuit.yaml"),
    shipped!("runbooks/worlds/bad-days.yaml"),
    shipped!("runbooks/worlds/one-circuit-kept-source-dead.yaml"),
    shipped!("runbooks/worlds/one-circuit-kept.yaml"),
    shipped!("runbooks/worlds/one-circuit.yaml"),
    shipped!("runbooks/worlds/onprem-site.yaml"),
    shipped!("runbooks/worlds/site-recovery-test.yaml"),
    shipped!("runbooks/worlds/two-circuits-one-location.yaml"),
    shipped!("runbooks/worlds/two-circuits-prepared.yaml"),
    shipped!("runbooks/worlds/two-circuits-site-recovery.yaml"),
    shipped!("runbooks/worlds/two-circuits.yaml"),
    shipped!("runbooks/worlds/vpn-last-path.yaml"),
    shipped!("runbooks/worlds/vwan-two-hubs.yaml"),
    shipped!("templates/base.html"),
    shipped!("templates/picture.css"),
    shipped!("templates/report.html"),
    shipped!("templates/report.md"),
    shipped!("templates/runbook.html"),
    shipped!("templates/runbook.md"),
    shipped!("templates/runbook/card.html"),
    shipped!("templates/runbook/card.md"),
    shipped!("templates/runbook/chapters.html"),
    shipped!("templates/runbook/chapters.md"),
    shipped!("templates/runbook/checklist.html"),
    shipped!("templates/runbook/cover.html"),
    shipped!("templates/runbook/matrix.html"),
    shipped!("templates/runbook/step.html"),
    shipped!("templates/runbook/step.md"),
    shipped!("templates/style.css"),
];

/// Writes what is shipped.
///
/// # Errors
/// The folder cannot be written to.
pub(super) fn examples(context: &Context, args: &ExamplesArgs) -> Result<Status, CliError> {
    let (mut written, mut same, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in SHIPPED {
        let path = args.folder.join(name);
        if path.symlink_metadata().is_ok() {
            let own = files::read_text("file", &path).is_ok_and(|there| there == *text);
            if own {
                same.push(*name)
            } else {
                kept.push(*name)
            }
            continue;
        }
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        files::write_new(&path, text.as_bytes())?;
        written.push(*name);
    }
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&out::object(&json!({
            "schema": "backroad.examples/1",
            "folder": args.folder, "written": written, "same": same, "kept": kept,
        }))),
        Output::Text => {
            let mut text = format!(
                "{} files are written into {}; {} were there already.\n",
                written.len(),
                args.folder.display(),
                same.len()
            );
            for name in &kept {
                text.push_str(&format!("  left alone, since it is another than ours: {name}\n"));
            }
            context.ui.data(&text);
            let runbook = args.folder.join("runbooks/dr-circuit.yaml");
            context.ui.say(&format!("  Begin with: backroad drill {}", runbook.display()));
        }
    }
    Ok(if kept.is_empty() { Status::Done } else { Status::EndedOtherwise })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn below(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_runbook_world_estate_and_template_is_shipped() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let schemas = ["bad-days", "runbook", "world"];
        let mut expected = BTreeSet::from(schemas.map(|of| format!("docs/{of}.schema.json")));
        for folder in ["runbooks", "templates"] {
            below(&root.join(folder), &mut expected);
        }
        let mut estates = BTreeSet::new();
        below(&root.join("tests/fixtures/estates"), &mut estates);
        let own = estates.iter().filter_map(|path| path.strip_prefix("tests/fixtures/"));
        expected.extend(own.map(str::to_owned));
        let shipped: BTreeSet<String> =
            SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(shipped, expected);
    }
}
