//! Was the same asked before, and has nothing changed? Then the answer is what it was.
//!
//! Whoever waits for Azure reads one resource again and again. What a GET shows follows from the resources, the
//! network and the regions, each of which counts its changes, and from the time, of which a type says until when it
//! shows the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::network::EstateParts;
use super::reply::common;
use crate::azure::wire::WireResponse;
use crate::model::{ResourceId, Timestamp};

/// What a GET of a resource follows from, but for the time. Of one world only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShownMark {
    pub(super) resources: u64,
    pub(super) network: u64,
    pub(super) regions: u64,
    pub(super) seed: u64,
}

/// What was told of a resource the last time.
#[derive(Debug, Clone)]
pub(super) struct ToldOf {
    pub(super) api_version: String,
    pub(super) mark: ShownMark,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) body: Bytes,
    pub(super) etag: Option<String>,
}

impl ToldOf {
    /// The answer that tells it.
    pub(super) fn answer(&self) -> WireResponse {
        let mut answer = WireResponse { status: 200, headers: common(), body: self.body.clone() };
        if let Some(etag) = &self.etag {
            answer.headers.push("ETag", etag.clone());
        }
        answer
    }
}

/// The last answer of each resource, and what was read of the network. It follows from the world, so that all are
/// equal, and is never stored.
#[derive(Debug, Default)]
pub(super) struct ToldBefore {
    answers: BTreeMap<ResourceId, ToldOf>,
    estate: Mutex<Option<(ShownMark, Arc<EstateParts>)>>,
}

impl Clone for ToldBefore {
    /// Another world changes on its own, and counts on from the same numbers: it has nothing of this one's.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for ToldBefore {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ToldBefore {
    /// What was told of a resource, where the same is to be told now.
    pub(super) fn of(
        &self,
        id: &ResourceId,
        api_version: &str,
        mark: &ShownMark,
        now: Timestamp,
    ) -> Option<&ToldOf> {
        let told = self.answers.get(id)?;
        let stands = told.mark == *mark && told.from <= now && now < told.until;
        (stands && told.api_version == api_version).then_some(told)
    }

    pub(super) fn keep(&mut self, id: &ResourceId, told: ToldOf) {
        self.answers.insert(id.clone(), told);
    }

    /// What was read of the network, as long as nothing has changed.
    pub(super) fn estate(&self, mark: ShownMark) -> Arc<EstateParts> {
        let mut last = self.estate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, read)) = last.as_ref().filter(|(own, _)| *own == mark) {
            return Arc::clone(read);
        }
        let read = Arc::<EstateParts>::default();
        *last = Some((mark, Arc::clone(&read)));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::{Headers, Method, WireRequest};
    use crate::model::Region;
    use crate::sim::server::Answers as _;
    use crate::sim::{Scenario, World};

    const EXAMPLE: &str = include_str!("../../runbooks/worlds/two-circuits.yaml");

    fn asked(world: &mut World, id: &ResourceId, now: Timestamp) -> WireResponse {
        let url = format!("http://127.0.0.1{id}?api-version=2024-03-01").parse().unwrap();
        let headers = Headers::new().with("Authorization", "Bearer x");
        let request = WireRequest { method: Method::Get, url, headers, body: Bytes::new() };
        world.answer(&request, now).0.unwrap()
    }

    #[test]
    fn what_was_told_before_is_what_a_world_that_told_nothing_tells() {
        let scenario: Scenario = serde_yaml::from_str(EXAMPLE).unwrap();
        let mut world = World::new(&scenario);
        let ids: Vec<ResourceId> = world.ids().cloned().collect();
        let hour = std::time::Duration::from_secs(3_600);
        let mut now = scenario.now;
        let changes: [fn(&mut World); 5] = [
            |_| {},
            |world| world.onprem_mut().links.iter_mut().for_each(|link| link.up = false),
            |world| world.set_region_down(Region::parse("eastasia").unwrap(), true),
            |world| world.set_seed(8),
            |world| world.set_region_down(Region::parse("eastasia").unwrap(), false),
        ];
        let mut kept = 0;
        for change in changes {
            change(&mut world);
            for _ in 0..3 {
                // Buckets fill up again, and a day goes by in the end.
                now = now + hour * 3;
                for id in &ids {
                    let told = asked(&mut world.clone(), id, now);
                    kept += usize::from(
                        world.told.of(id, "2024-03-01", &world.shown_mark(), now).is_some(),
                    );
                    assert_eq!(asked(&mut world, id, now).body, told.body, "{id}");
                }
            }
        }
        assert!(kept > ids.len(), "{kept} answers were kept");
    }
}
