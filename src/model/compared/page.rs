//! What do people read of the table? docs/comparison.md, generated.

use std::fmt::Write as _;

use super::{ComparedField, FIELDS, How, Remedy, Unshown};

const HEAD: &str = "# How each field is compared

<!-- Generated from src/model/compared/table.rs: cargo test --test it write_the_generated_documents -- --ignored -->

An action is a desired state: what stands is compared with it, and what differs is written. Azure answers in other letters than it was sent, in another order, with more than was asked, and sometimes with less. What counts as a difference is said here for each field that an action writes; a field that is not here is not looked at, and survives a write. What the runbook does not name is left as it is. `*` is each thing of a list.

- **exactly**: only itself will do, lists in their order; named things by their names in any order, and one too many is a difference
- **any case**: letters of either case and spaces make no difference (ids, regions, words)
- **a set**: in any order, and more than asked hold
- **at least**: as much as asked, or more
- **tags**: names in letters of either case, each with exactly its value; more than asked hold
- **not once it stands**: written when the resource is made, and not looked at afterwards

An undo compares with how it was before the step, in what the step changed: there, more than there was is a difference as well. What others changed since stays (decision 84).
";

const FOOT: &str = "
## The other actions

`authorization.ensure` asks only that there is one. `route_table.dissociate`, `security_group.dissociate` and the removals ask for absence. `subnet.ensure` of a GatewaySubnet in which a gateway stands holds with whatever prefixes it has: it is a place for gateways, and is not changed under one. `peering.ensure` also looks at `peeringSyncLevel`: a side that is behind (LocalNotInSync) is written with `syncRemoteAddressSpace`; one that reads RemoteNotInSync is the other side's to sync. `recovery_plan.*` are states of machines ([decision 39](decisions/0039-machines-move-by-desired-states.md)). Keys are never compared.
";

fn how(how: How) -> &'static str {
    match how {
        How::Exactly => "exactly",
        How::AnyCase => "any case",
        How::Set => "a set",
        How::AtLeast => "at least",
        How::Tags => "tags",
        How::NotOnceItStands => "not once it stands",
    }
}

fn unshown(row: &ComparedField) -> &'static str {
    match row.unshown {
        Unshown::Differs => "differs",
        Unshown::Off => "is off, 0 or empty",
        Unshown::Nothing => "no difference",
    }
}

fn remedy(row: &ComparedField) -> String {
    match row.remedy {
        _ if row.how == How::NotOnceItStands => "nothing".to_owned(),
        Remedy::Written => "it is written".to_owned(),
        Remedy::Person(fix) => format!("blocked. {fix}"),
        Remedy::Partly(fix) => fix.to_owned(),
    }
}

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut last = "";
    for row in FIELDS {
        if row.action != last {
            last = row.action;
            let _ = write!(
                page,
                "\n## {}\n\n`{}`\n\n| field | compared | not shown by Azure | where it differs |\n|---|---|---|---|\n",
                row.action, row.of
            );
        }
        let _ = writeln!(
            page,
            "| {}: `{}` | {} | {} | {} |",
            row.what,
            row.path.replace('/', "."),
            how(row.how),
            unshown(row),
            remedy(row)
        );
    }
    page + FOOT
}
