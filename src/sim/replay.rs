//! What if Azure had taken just as long as it did then? The world's side of replaying recorded traffic.
//!
//! A recording shows when operations ended and which of them failed by bad luck. Whoever replays it ends
//! them as it says; everything else the world decides as it always does.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::fault::{Fault, FaultEffect};
use super::world::World;
use crate::model::{Region, ResourceId, Timestamp};

/// POSTs that do something and take time.
const HOLDING_POSTS: [&str; 4] =
    ["*/microsoft.recoveryservices/*", "*/reset", "*/resetconnection", "*sitefailovertest"];

impl World {
    /// Lets operations go on until [`Self::end_operation`].
    pub fn hold_operations(&mut self) {
        // Not what only reads: a recording tells what was read, and the world reads when it ends.
        for method in ["PUT", "PATCH", "DELETE"] {
            self.add_fault(Fault::new(Some(method), "*", u32::MAX, FaultEffect::Stuck));
        }
        for resource in HOLDING_POSTS {
            self.add_fault(Fault::new(Some("POST"), resource, u32::MAX, FaultEffect::Stuck));
        }
    }

    /// A group that is there although nobody was seen making it.
    pub fn put_group(&mut self, id: &str, home: Region, tags: &Value) {
        self.groups.put(id, home, Some(tags));
    }

    /// Whether a group is there.
    #[must_use]
    pub fn has_group(&self, id: &str) -> bool {
        self.groups.home(id).is_some()
    }

    /// A resource that is there although nobody was seen making it, as a GET shows it.
    pub fn put_resource(&mut self, body: &Value, now: Timestamp) {
        let id = body.get("id").and_then(Value::as_str).map(ResourceId::parse);
        if let Some(Ok(id)) = id {
            self.place(&id, body.clone(), now);
        }
    }

    /// Ends the operation of a URL now; `failure` gives code and message of bad luck. What must fail by
    /// the world's own rules fails by them.
    pub fn end_operation(&mut self, url: &str, failure: Option<(String, String)>, now: Timestamp) {
        let Ok(url) = Url::parse(url) else { return };
        if let Some(job) = self.polled_job(&url).map(|job| job.id().to_owned()) {
            self.finish_job(&job, failure, now);
            return;
        }
        let Some(id) = self.polled(&url) else { return };
        if let Some(operation) = self.operations.get_mut(&id).filter(|o| !o.settled) {
            operation.ends = now;
            if operation.failure.is_none() {
                operation.failure = failure;
            }
        }
        self.settle(now);
    }

    /// The operations that still go on, with the resources that they are about.
    #[must_use]
    pub fn open_operations(&self) -> Vec<(String, ResourceId)> {
        let open = self.operations.open().filter(|operation| !operation.settled);
        let open = open.map(|operation| (operation.id.clone(), operation.resource.clone()));
        let jobs = self.vaults.jobs().filter(|job| !job.is_over());
        open.chain(jobs.map(|job| (job.id().to_owned(), job.target.clone()))).collect()
    }

    /// How long to let pass between two requests of a replay: nothing that is timed decides them.
    pub const REPLAY_STEP: Duration = Duration::from_millis(1_100);
}
