//! Which run may touch which resource? Claims across the runs of one state directory.
//!
//! A claim belongs to a run, not to a process, and to an endpoint, so that a drill never blocks a
//! failover. All claims are in one file, read and written under one lock (D9).

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
    /// The claims cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
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
}

impl Claims {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Claims all of the resources for a run, or none. What the run has already is kept.
    ///
    /// # Errors
    /// Another run has one of them at the same endpoint, or something within or around one.
    pub fn claim(
        &self,
        run: &RunId,
        endpoint: &str,
        resources: &[ResourceId],
    ) -> Result<(), ClaimError> {
        self.with(|ledger| ledger.claim(run, endpoint, resources))
    }

    /// Gives back everything that a run has claimed.
    ///
    /// # Errors
    /// The claims cannot be read or written.
    pub fn release(&self, run: &RunId) -> Result<(), ClaimError> {
        self.with(|ledger| {
            ledger.release(run);
            Ok(())
        })
    }

    /// The runs that have claimed something.
    pub(super) fn runs(&self) -> Result<BTreeSet<RunId>, StoreError> {
        let path = self.folder.join("claims.json");
        let Some(bytes) = files::read_if_there(&path)? else { return Ok(BTreeSet::new()) };
        let ledger = ClaimLedger::read(&bytes).map_err(|why| StoreError::Damaged { path, why })?;
        Ok(ledger.runs())
    }

    /// Does something with the ledger while nobody else does, and writes it if that succeeded.
    fn with(
        &self,
        work: impl FnOnce(&mut ClaimLedger) -> Result<(), ClaimError>,
    ) -> Result<(), ClaimError> {
        files::private_dir(&self.folder)?;
        let lock_path = self.folder.join("lock");
        let lock = files::private_file(&lock_path)?;
        // Held for a few milliseconds by each, and taken back by the system when one dies.
        lock.lock().map_err(|e| StoreError::io("lock", &lock_path, e))?;
        let path = self.folder.join("claims.json");
        let damaged = |why: String| StoreError::Damaged { path: path.clone(), why };
        let mut ledger = match files::read_if_there(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?,
            None => ClaimLedger { format: FORMAT, claims: Vec::new() },
        };
        if ledger.format > FORMAT {
            return Err(StoreError::Newer { path, found: ledger.format, known: FORMAT }.into());
        }
        work(&mut ledger)?;
        let text = serde_json::to_vec_pretty(&ledger).map_err(|e| damaged(e.to_string()))?;
        files::write_atomically(&path, &text)?;
        Ok(())
    }
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
        claims.claim(&run(1), "http://127.0.0.1:9", all).unwrap();
        let refused = claims.claim(&run(2), "http://localhost:9/", all);
        assert!(matches!(refused, Err(ClaimError::Taken { run: other, .. }) if other == run(1)));
        claims.claim(&run(1), "http://localhost:9", all).unwrap();
    }
}
