//! Which run may touch which resource? Claims across the runs of one state directory.
//!
//! A claim belongs to a run, not to a process, and to an endpoint, so that a drill never blocks a
//! failover. All claims are in one file, read and written under one lock (D9). What is in it follows from
//! the runs that have not ended: where it is lost or damaged nothing is claimed before it was worked out anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::error::StoreError;
use super::files;
use super::schema::FORMAT;
use crate::model::{ResourceId, RunId};

/// Why resources cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another run works on one of them.
    #[error("{resource} is claimed by run {run}, which has not ended")]
    Taken {
        /// The resource that was asked for.
        resource: ResourceId,
        /// The run that has it, or something within or around it.
        run: RunId,
    },
    /// What is claimed is not known: the file is damaged, or not there.
    #[error("{} {why}", path.display())]
    Lost {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as words after its name.
        why: String,
    },
    /// The claims cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run works on: its endpoint, and what it has there to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunClaims {
    /// The run.
    pub run: RunId,
    /// Where its Azure is.
    pub endpoint: String,
    /// The resources.
    pub resources: Vec<ResourceId>,
}

/// Whether two endpoints are one, however they are written: letter case, a last slash or dot, the port
/// that goes without saying, and the names that this host has for itself are no difference.
#[must_use]
pub fn same_endpoint(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

fn canonical(endpoint: &str) -> String {
    let endpoint = endpoint.trim();
    let Ok(url) = Url::parse(endpoint) else {
        return endpoint.trim_end_matches('/').to_ascii_lowercase();
    };
    let host = match url.host() {
        Some(Host::Ipv4(ip)) if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
        Some(Host::Ipv6(ip)) => {
            let mapped = ip.to_ipv4_mapped();
            let here = mapped.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
            match mapped {
                _ if here || ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
                Some(mapped) => mapped.to_string(),
                None => ip.to_string(),
            }
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let here = name == "localhost" || name.ends_with(".localhost");
            if here { "localhost".to_owned() } else { name }
        }
        Some(Host::Ipv4(ip)) => ip.to_string(),
        None => String::new(),
    };
    // The scheme only says which port goes without saying: behind one port is one Azure.
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{host}{port}{}", url.path().trim_end_matches('/'))
}

/// The claims of one state directory.
#[derive(Debug, Clone)]
pub struct Claims {
    folder: PathBuf,
}

/// All claims, as they lie in their file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ClaimLedger {
    format: u32,
    claims: Vec<Claim>,
    /// The digest of the claims in a file of a host; an earlier version wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Claim {
    endpoint: String,
    resource: ResourceId,
    run: RunId,
}

impl ClaimLedger {
    /// The claims in these bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let ledger: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if ledger.format > FORMAT {
            return Err(format!(
                "the claims have format {}; this program knows format {FORMAT}",
                ledger.format
            ));
        }
        Ok(ledger)
    }

    /// Their bytes.
    pub(super) fn text(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec_pretty(self).map_err(|e| e.to_string())
    }

    /// Claims all of the resources for a run, or none.
    pub(super) fn claim(
        &mut self,
        run: &RunId,
        endpoint: &str,
        resources: &[ResourceId],
    ) -> Result<(), ClaimError> {
        for wanted in resources {
            let other = self.claims.iter().find(|claim| {
                claim.run != *run
                    && same_endpoint(&claim.endpoint, endpoint)
                    && (claim.resource.is_within(wanted) || wanted.is_within(&claim.resource))
            });
            if let Some(other) = other {
                return Err(ClaimError::Taken { resource: wanted.clone(), run: other.run.clone() });
            }
        }
        for wanted in resources {
            let claim =
                Claim { endpoint: endpoint.to_owned(), resource: wanted.clone(), run: run.clone() };
            if !self.claims.contains(&claim) {
                self.claims.push(claim);
            }
        }
        Ok(())
    }

    /// Gives back everything that a run has claimed.
    pub(super) fn release(&mut self, run: &RunId) {
        self.claims.retain(|claim| claim.run != *run);
    }

    /// The runs that have claimed something.
    pub(super) fn runs(&self) -> BTreeSet<RunId> {
        self.claims.iter().map(|claim| claim.run.clone()).collect()
    }

    fn digest(&self) -> Option<String> {
        let text = serde_json::to_vec(&self.claims).ok()?;
        Some(blake3::hash(&text).to_hex().to_string())
    }
}

impl Claims {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Claims all of the resources for a run, or none. What the run has already is kept.
    ///
    /// # Errors
    /// Another run has one of them at the same endpoint, or something within or around one; or what others have
    /// is lost, and to be worked out first ([`Self::restore`]).
    pub fn claim(
        &self,
        run: &RunId,
        endpoint: &str,
        resources: &[ResourceId],
    ) -> Result<(), ClaimError> {
        let _lock = self.lock()?;
        let lost = |why: String| ClaimError::Lost { path: self.path(), why };
        let mut ledger = match self.read()? {
            Ok(ledger) => ledger,
            Err(ClaimsUnread::Absent) => return Err(lost("is not there".to_owned())),
            Err(ClaimsUnread::Damaged(why)) => return Err(lost(format!("is damaged: {why}"))),
        };
        ledger.claim(run, endpoint, resources)?;
        Ok(self.write(ledger)?)
    }

    /// Gives back everything that a run has claimed.
    ///
    /// # Errors
    /// The claims cannot be read or written.
    pub fn release(&self, run: &RunId) -> Result<(), ClaimError> {
        let _lock = self.lock()?;
        // A run that has ended has none in what is worked out anew, so that what is lost stays so.
        let Ok(mut ledger) = self.read()? else { return Ok(()) };
        ledger.release(run);
        Ok(self.write(ledger)?)
    }

    /// The runs that have claimed something.
    pub(super) fn runs(&self) -> Result<BTreeSet<RunId>, StoreError> {
        match self.read()? {
            Ok(ledger) => Ok(ledger.runs()),
            Err(ClaimsUnread::Absent) => Ok(BTreeSet::new()),
            Err(ClaimsUnread::Damaged(why)) => Err(StoreError::Damaged { path: self.path(), why }),
        }
    }

    /// Writes the claims anew where they are lost: those of the runs that have not ended, the oldest first. Where
    /// two of them are in each other's way the later has none. What was damaged is kept beside them.
    ///
    /// # Errors
    /// The claims cannot be written.
    pub fn restore(&self, running: &[RunClaims]) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        match self.read()? {
            // Somebody else was quicker.
            Ok(_) => return Ok(()),
            Err(ClaimsUnread::Damaged(_)) => {
                let bytes = files::read_if_there(&self.path())?.unwrap_or_default();
                files::write_atomically(&self.folder.join("damaged.json"), &bytes)?;
            }
            Err(ClaimsUnread::Absent) => {}
        }
        let mut ledger = ClaimLedger { format: FORMAT, ..ClaimLedger::default() };
        for RunClaims { run, endpoint, resources } in running {
            drop(ledger.claim(run, endpoint, resources));
        }
        self.write(ledger)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("claims.json")
    }

    /// Held for a few milliseconds by each, and taken back by the system when one dies.
    fn lock(&self) -> Result<std::fs::File, StoreError> {
        files::private_dir(&self.folder)?;
        let path = self.folder.join("lock");
        let lock = files::private_file(&path)?;
        lock.lock().map_err(|e| StoreError::io("lock", &path, e))?;
        Ok(lock)
    }

    fn read(&self) -> Result<Result<ClaimLedger, ClaimsUnread>, StoreError> {
        let path = self.path();
        let Some(bytes) = files::read_if_there(&path)? else {
            return Ok(Err(ClaimsUnread::Absent));
        };
        let ledger: ClaimLedger = match serde_json::from_slice(&bytes) {
            Ok(ledger) => ledger,
            Err(error) => return Ok(Err(ClaimsUnread::Damaged(error.to_string()))),
        };
        if ledger.format > FORMAT {
            return Err(StoreError::Newer { path, found: ledger.format, known: FORMAT });
        }
        if ledger.sum.as_ref().is_some_and(|sum| ledger.digest().as_ref() != Some(sum)) {
            let why = "it is not as it was written".to_owned();
            return Ok(Err(ClaimsUnread::Damaged(why)));
        }
        Ok(Ok(ledger))
    }

    fn write(&self, mut ledger: ClaimLedger) -> Result<(), StoreError> {
        ledger.sum = ledger.digest();
        let text = serde_json::to_vec_pretty(&ledger)
            .map_err(|e| StoreError::Damaged { path: self.path(), why: e.to_string() })?;
        files::write_atomically(&self.path(), &text)
    }
}

/// Why a ledger says nothing.
enum ClaimsUnread {
    Absent,
    Damaged(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_one_however_it_is_written() {
        for (one, others) in [
            (
                "http://127.0.0.1:8080",
                &[
                    "http://localhost:8080",
                    "http://LOCALHOST:8080/",
                    "HTTP://localhost.:8080//",
                    "http://[::1]:8080",
                    "http://[::ffff:127.0.0.1]:8080",
                    "http://127.1:8080",
                    "http://127.0.0.2:8080",
                    "http://0.0.0.0:8080",
                    "http://sim.localhost:8080",
                    " http://127.0.0.1:8080 ",
                    "https://localhost:8080",
                ][..],
            ),
            (
                "https://management.azure.com",
                &[
                    "https://management.azure.com/",
                    "https://MANAGEMENT.azure.com:443",
                    "https://management.azure.com.",
                ][..],
            ),
            ("http://localhost", &["http://127.0.0.1:80"][..]),
            ("drill", &["Drill/"][..]),
        ] {
            for other in others {
                assert!(same_endpoint(one, other), "{one} {other}");
            }
        }
        for (one, other) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
            ("https://management.azure.com", "https://management.chinacloudapi.cn"),
            ("https://management.azure.com", "https://management.azure.com/stack"),
            ("https://localhost", "http://localhost"),
            ("http://localhost.example.com", "http://localhost"),
            ("http://10.0.0.1", "http://127.0.0.1"),
        ] {
            assert!(!same_endpoint(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_run_at_localhost_is_kept_from_what_a_run_at_127_0_0_1_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::new(folder.path().to_owned());
        let run = |n: u32| RunId::parse(&format!("01jd{n:022}")).unwrap();
        let circuit = ResourceId::parse(
            "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg\
             /providers/Microsoft.Network/expressRouteCircuits/er",
        )
        .unwrap();
        let all = std::slice::from_ref(&circuit);
        claims.restore(&[]).unwrap();
        claims.claim(&run(1), "http://127.0.0.1:9", all).unwrap();
        let refused = claims.claim(&run(2), "http://localhost:9/", all);
        assert!(matches!(refused, Err(ClaimError::Taken { run: other, .. }) if other == run(1)));
        claims.claim(&run(1), "http://localhost:9", all).unwrap();
    }

    #[test]
    fn nothing_is_claimed_while_the_claims_of_others_are_lost_and_one_flipped_byte_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::new(folder.path().to_owned());
        let run = |n: u32| RunId::parse(&format!("01jd{n:022}")).unwrap();
        let id = |name: &str| {
            let group = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";
            ResourceId::parse(&format!("{group}/expressRouteCircuits/{name}")).unwrap()
        };
        let of = |n: u32, name: &str| RunClaims {
            run: run(n),
            endpoint: "drill".to_owned(),
            resources: vec![id(name)],
        };
        let path = folder.path().join("claims.json");
        let lost = |claimed| matches!(claimed, Err(ClaimError::Lost { .. }));
        assert!(lost(claims.claim(&run(2), "drill", &[id("er-one")])), "nobody knows who has what");
        claims.release(&run(2)).unwrap();
        assert!(!path.exists(), "giving back does not hide that they are lost");

        // Two that are in each other's way: the older one has it.
        claims.restore(&[of(1, "er-one"), of(3, "er-one")]).unwrap();
        let taken = claims.claim(&run(2), "drill", &[id("er-one")]);
        assert!(matches!(taken, Err(ClaimError::Taken { run: by, .. }) if by == run(1)));
        claims.claim(&run(2), "drill", &[id("er-two")]).unwrap();
        claims.restore(&[]).unwrap();
        assert_eq!(claims.runs().unwrap(), BTreeSet::from([run(1), run(2)]), "they are whole");

        let flipped = std::fs::read_to_string(&path).unwrap().replace("er-one", "er-ohe");
        for damaged in [&flipped, "{", ""] {
            std::fs::write(&path, damaged).unwrap();
            assert!(lost(claims.claim(&run(3), "drill", &[id("er-one")])), "{damaged}");
            assert!(matches!(claims.runs(), Err(StoreError::Damaged { .. })), "{damaged}");
            claims.release(&run(3)).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
        std::fs::write(&path, &flipped).unwrap();
        claims.restore(&[of(1, "er-one")]).unwrap();
        assert_eq!(claims.runs().unwrap(), BTreeSet::from([run(1)]));
        let kept = std::fs::read_to_string(folder.path().join("damaged.json")).unwrap();
        assert_eq!(kept, flipped);
    }

    #[test]
    fn claims_of_a_version_that_wrote_no_sum_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::new(folder.path().to_owned());
        let path = folder.path().join("claims.json");
        std::fs::write(&path, r#"{"format":1,"claims":[]}"#).unwrap();
        claims.release(&RunId::parse("01jd0000000000000000000001").unwrap()).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("sum"));
    }
}
