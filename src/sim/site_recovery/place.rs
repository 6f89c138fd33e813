//! Where does a path in a vault lead?

use super::words::VaultKind;
use crate::model::ResourceId;
use crate::sim::reply::guid;

/// The namespace of vaults.
const NAMESPACE: &str = "Microsoft.RecoveryServices";

/// The namespace and type of vaults.
pub(super) const VAULTS: &str = "Microsoft.RecoveryServices/vaults";

/// What a path in a vault, or of one, is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum VaultPlace {
    Vault,
    /// How an operation stands.
    Status(String),
    /// What an operation came to.
    Result(String),
    /// An operation on the vault itself, by the id in its URL; and whether its result is asked for.
    OfVault(String, bool),
    One(ResourceId),
    /// The last word of a path that names a list.
    Many(String),
    /// What is done, and to what.
    Action(ResourceId, String),
}

/// The vault that a path is in, and the place there; nothing where the path is not of a vault.
pub(super) fn placed(path: &str, is_post: bool) -> Option<(ResourceId, VaultPlace)> {
    // Nearly every path is another provider's.
    if !path.split('/').nth(6).is_some_and(|own| own.eq_ignore_ascii_case(NAMESPACE)) {
        return None;
    }
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    let is = |place: usize, word: &str| {
        parts.get(place).is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    if !is(4, "providers") || !is(5, NAMESPACE) || !is(6, "vaults") {
        return None;
    }
    let whole = |count: usize| ResourceId::parse(&format!("/{}", parts[..count].join("/"))).ok();
    let vault = if parts.len() >= 8 { whole(8)? } else { return None };
    let rest = &parts[8..];
    let word = |place: usize| rest.get(place).map(|part| part.to_ascii_lowercase());
    let last = || rest.last().map(|part| part.to_ascii_lowercase()).unwrap_or_default();
    let first = word(0).unwrap_or_default();
    let place = match (rest.len(), first.as_str()) {
        (0, _) => VaultPlace::Vault,
        (2, "replicationoperationstatus") => VaultPlace::Status(last()),
        (2, "operationstatus") => VaultPlace::OfVault(rest[1].to_owned(), false),
        (2, "operationresults") => VaultPlace::OfVault(rest[1].to_owned(), true),
        (count, _) if count > 2 && word(count - 2).as_deref() == Some("operationresults") => {
            VaultPlace::Result(last())
        }
        (2, "replicationjobs") if is_post => VaultPlace::Action(whole(8)?, last()),
        (count, _) if count % 2 == 1 && is_post => {
            VaultPlace::Action(whole(8 + count - 1)?, last())
        }
        (count, _) if count % 2 == 1 => VaultPlace::Many(last()),
        (count, _) => VaultPlace::One(whole(8 + count)?),
    };
    Some((vault, place))
}

/// What a resource is, where it is one of a vault.
pub(super) fn kind(id: &ResourceId) -> Option<VaultKind> {
    VaultKind::parse(id.resource_type().as_str().rsplit('/').next().unwrap_or_default())
}

/// Whether a resource is a vault or in one.
pub(in crate::sim) fn is_ours(id: &ResourceId) -> bool {
    id.is_of(VAULTS)
}

/// An id as Site Recovery spells it: with a large S (recorded).
pub(super) fn spelled(id: &ResourceId) -> String {
    let rest = id.as_str().split('/').skip(2).collect::<Vec<_>>().join("/");
    format!("/Subscriptions/{rest}")
}

/// An id that names something and nobody can resolve: always the same for the same thing.
pub(super) fn named(seed: u64, id: &ResourceId, purpose: &str) -> String {
    guid(&[&seed.to_string(), id.key(), purpose])
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";

    fn at(rest: &str, is_post: bool) -> VaultPlace {
        placed(&format!("{V}{rest}"), is_post).unwrap().1
    }

    #[test]
    fn a_path_leads_where_azure_says() {
        let one = |rest: &str| ResourceId::parse(&format!("{V}{rest}")).unwrap();
        assert_eq!(at("", false), VaultPlace::Vault);
        assert_eq!(at("/replicationJobs", false), VaultPlace::Many("replicationjobs".to_owned()));
        assert_eq!(
            at("/replicationRecoveryPlans/p/failoverCommit", true),
            VaultPlace::Action(one("/replicationRecoveryPlans/p"), "failovercommit".to_owned())
        );
        assert_eq!(
            at("/replicationJobs/export", true),
            VaultPlace::Action(one(""), "export".to_owned())
        );
        assert_eq!(
            at("/replicationFabrics/f/operationresults/O", false),
            VaultPlace::Result("o".to_owned())
        );
        assert_eq!(at("/replicationOperationStatus/O", false), VaultPlace::Status("o".to_owned()));
        assert_eq!(
            at("/operationStatus/Mg==", false),
            VaultPlace::OfVault("Mg==".to_owned(), false)
        );
        assert_eq!(
            placed("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/x/v", false),
            None
        );
        assert_eq!(spelled(&one("")), V.replacen("/s", "/S", 1));
    }
}
