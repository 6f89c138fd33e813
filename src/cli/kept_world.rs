//! How does a drill's world outlive its process? As it was at one time, and what it was asked since.
//!
//! `world.json` is the world whole; `world.log` begins with the digest of that file and has a line for each
//! request since. A log that follows another file than the one that lies there is an older one, and counts
//! for nothing. When the log has grown longer than the world the world is written anew, so that what a
//! request costs does not grow with the world.

use std::path::{Path, PathBuf};

use super::error::{CliError, Status};
use super::files;
use crate::azure::WireRequest;
use crate::model::Timestamp;
use crate::model::limits::EVIDENCE_BYTES_MAX;
use crate::sim::{Asked, World};
use crate::store::lines::Lines;
use crate::store::regular;

/// A log that is shorter than this is no reason to write the world anew.
const LOG_BYTES_MIN: usize = 256 * 1024;

/// The name of the log, beside the world.
pub(super) const LOG: &str = "world.log";

/// A world that is kept.
pub(super) struct KeptWorld {
    path: PathBuf,
    log: Lines,
    /// Lines of reads: they are written with the next change.
    waiting: Vec<u8>,
    logged: usize,
    /// The log may grow as long as this.
    limit: usize,
}

impl KeptWorld {
    /// Begins to keep a world: writes it whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn begin(path: &Path, world: &World) -> Result<Self, CliError> {
        let bytes = write_whole(path, world)?;
        let digest = blake3::hash(&bytes).to_hex();
        let log = Lines::begin(&path.with_file_name(LOG), digest.as_str());
        let log = log.map_err(|error| cannot(&error))?;
        let limit = bytes.len().max(LOG_BYTES_MIN);
        Ok(Self { path: path.to_owned(), log, waiting: Vec::new(), logged: 0, limit })
    }

    /// Notes that the world was asked; what `changes` it is in the file when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn note(
        &mut self,
        request: &WireRequest,
        at: Timestamp,
        changes: bool,
        world: &World,
    ) -> Result<(), CliError> {
        let asked = Asked::new(request, at);
        serde_json::to_writer(&mut self.waiting, &asked).map_err(|error| cannot(&error))?;
        self.waiting.push(b'\n');
        if !changes && self.waiting.len() < LOG_BYTES_MIN {
            return Ok(());
        }
        self.logged += self.waiting.len();
        if self.logged > self.limit {
            *self = Self::begin(&self.path, world)?;
            return Ok(());
        }
        self.log.add(&self.waiting).map_err(|error| cannot(&error))?;
        self.waiting.clear();
        Ok(())
    }

    /// Writes the world whole for the last time.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn end(self, world: &World) -> Result<(), CliError> {
        write_whole(&self.path, world)?;
        // Until it is gone it follows an older world, and counts for nothing.
        self.log.remove().map_err(|error| cannot(&error))
    }
}

/// Writes a world whole; gives the bytes of its file.
fn write_whole(path: &Path, world: &World) -> Result<Vec<u8>, CliError> {
    let bytes = serde_json::to_vec(&world.sealed()).map_err(|error| cannot(&error))?;
    files::write_private(path, &bytes).map_err(|error| cannot(&error))?;
    Ok(bytes)
}

/// The world that was kept at a place.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn load(path: &Path) -> Result<World, Box<dyn std::error::Error>> {
    let bytes = regular::read(path, EVIDENCE_BYTES_MAX)?;
    let mut world: World = serde_json::from_slice(&bytes)?;
    let Ok(log) = regular::read(&path.with_file_name(LOG), EVIDENCE_BYTES_MAX) else {
        return Ok(world);
    };
    let mut lines = log.split_inclusive(|byte| *byte == b'\n');
    let follows = lines.next().and_then(|first| first.strip_suffix(b"\n"));
    if follows != Some(blake3::hash(&bytes).to_hex().as_bytes()) {
        return Ok(world);
    }
    for line in lines {
        // The process was killed while it wrote this one: nobody heard of what it asked.
        let Some(line) = line.strip_suffix(b"\n") else { break };
        serde_json::from_slice::<Asked>(line)?.ask(&mut world);
    }
    Ok(world)
}

fn cannot(error: &(dyn std::error::Error + 'static)) -> CliError {
    CliError::new(Status::OutOfReach, "The drill's world cannot be kept.")
        .because(error)
        .hint("The run is recorded, but cannot be gone on with.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::Method;
    use crate::azure::wire::Headers;
    use crate::sim::{Answers as _, Scenario};

    const GROUP: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/\
                         providers/Microsoft.Network";

    fn world() -> (World, Timestamp) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/worlds/two-circuits.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let scenario = Scenario::parse("two-circuits", &text).unwrap();
        (World::new(&scenario), scenario.now)
    }

    fn request(method: Method, path: &str, body: &str) -> WireRequest {
        WireRequest {
            method,
            url: format!("http://127.0.0.1{GROUP}/{path}?api-version=2024-03-01").parse().unwrap(),
            headers: Headers::new().with("Authorization", "Bearer of-nobody"),
            body: body.to_owned().into(),
        }
    }

    /// A few requests, some of which change something.
    fn asked() -> Vec<WireRequest> {
        let circuit = "expressRouteCircuits/er-singapore";
        let authorization = format!("{circuit}/authorizations/one");
        let address = r#"{"location":"southeastasia","sku":{"name":"Standard"},
                          "properties":{"publicIPAllocationMethod":"Static"}}"#;
        vec![
            request(Method::Get, circuit, ""),
            request(Method::Put, &authorization, r#"{"properties":{}}"#),
            request(Method::Get, &authorization, ""),
            request(Method::Put, "publicIPAddresses/pip", address),
            request(Method::Put, "publicIPAddresses/broken", "{"),
            request(Method::Delete, "publicIPAddresses/none", ""),
            request(Method::Get, &authorization, ""),
        ]
    }

    /// Keeps a world through these requests, a minute apart.
    fn kept(path: &Path, world: &mut World, now: Timestamp) -> KeptWorld {
        let mut keeper = KeptWorld::begin(path, world).unwrap();
        for (minute, request) in asked().iter().enumerate() {
            let at = now + std::time::Duration::from_secs(60 * minute as u64);
            drop(world.answer(request, at));
            let changes = request.method != Method::Get;
            keeper.note(request, at, changes, world).unwrap();
        }
        keeper
    }

    #[test]
    fn a_world_comes_again_from_what_it_was_and_what_it_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let (mut world, now) = world();
        let begun = serde_json::to_vec(&world.sealed()).unwrap();
        drop(kept(&path, &mut world, now));
        assert_eq!(std::fs::read(&path).unwrap(), begun, "it was not written anew");
        // The last look was a read, and is not in the log yet: the world before it.
        let again = load(&path).unwrap();
        assert_eq!(again.comparable(), world.comparable());
        let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
        assert!(!log.contains("of-nobody"), "no token");
        kept(&path, &mut world, now + std::time::Duration::from_secs(3_600)).end(&world).unwrap();
        assert_eq!(load(&path).unwrap(), world.sealed());
        assert!(!folder.path().join(LOG).exists());
    }

    #[test]
    fn a_line_that_was_cut_off_and_a_log_of_an_older_world_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let (mut world, now) = world();
        drop(kept(&path, &mut world, now));
        let log = folder.path().join(LOG);
        let whole = std::fs::read(&log).unwrap();
        std::fs::write(&log, [whole.as_slice(), b"{\"at\":\"20"].concat()).unwrap();
        assert_eq!(load(&path).unwrap().comparable(), world.comparable());
        // The world was written anew, and the process killed before the log was.
        let newer = serde_json::to_vec(&world.sealed()).unwrap();
        std::fs::write(&path, newer).unwrap();
        assert_eq!(load(&path).unwrap(), world.sealed());
    }
}
