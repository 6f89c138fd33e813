//! What goes wrong with this request? The faults of the world, and the ways in which a region is out.

use std::time::Duration;

use url::Url;

use super::fault::{FaultEffect, Occasion, OperationFault};
use super::parts::State;
use super::reply::{Refusal, html_answer};
use super::server::changes;
use super::tenancy::wrong_by_fault;
use super::world::World;
use crate::azure::tenancy::WRONG_TENANT;
use crate::azure::wire::{Method, WireFault, WireRequest, WireResponse};
use crate::model::{ResourceId, Timestamp};

/// For how long after its creation a resource may not be found, by a fault.
const NEW: Duration = Duration::from_secs(120);

impl World {
    /// The answer, after the faults that this request meets; and whether a change was accepted.
    pub(super) fn with_faults(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, bool) {
        let (method, resource) = self.subject(request.method, &request.url);
        // Only faults ask.
        let asked = !self.faults.each().is_empty();
        let is_new = asked
            && ResourceId::parse(&resource).is_ok_and(|id| {
                self.chance.ordinal(&id) == 1
                    && self.resources.get(&id).is_some_and(|resource| {
                        resource.state == State::Succeeded && now.since(resource.settled_at) < NEW
                    })
            });
        if self.lived.has_outage()
            && let Ok(id) = ResourceId::parse(&resource)
            && self.is_out(&id)
        {
            let now = self.regions.outage();
            let home_down = self.group_home(&id).is_some_and(|home| self.regions.is_down(&home));
            let writes = changes(request.method, request.url.path());
            self.lived.met_outage(|before| match writes {
                true => before.writes.felt(home_down) != now.writes.felt(home_down),
                false => before.reads != now.reads,
            });
        }
        let occasion = Occasion {
            method: &method,
            resource: &resource,
            is_new,
            since: now.since(self.schedule.began()),
            seed: self.chance.seed(),
        };
        let struck = self.faults.strike(&occasion);
        self.struck(struck, request, &resource, now)
    }

    /// What a fault leaves of a request and its answer.
    fn struck(
        &mut self,
        effect: Option<FaultEffect>,
        request: &WireRequest,
        resource: &str,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, bool) {
        match effect {
            Some(FaultEffect::LoseRequest) => {
                (Err(WireFault::Unanswered("the request was lost, by a fault".to_owned())), false)
            }
            Some(FaultEffect::Unreachable) => {
                (Err(WireFault::NotSent("no connection, by a fault".to_owned())), false)
            }
            Some(FaultEffect::LoseAnswer) => {
                let answer = self.ask(request, now);
                let accepted = changes(request.method, request.url.path()) && answer.status < 300;
                (Err(WireFault::Unanswered("the answer was lost, by a fault".to_owned())), accepted)
            }
            Some(FaultEffect::Html) => (Ok(html_answer()), false),
            Some(FaultEffect::Throttle { after }) => {
                let message = "Too many requests, by a fault of this world.";
                let mut refusal = Refusal::new(429, "TooManyRequests", message);
                refusal.retry_after = after.map(|after| after.as_secs());
                (Ok(refusal.response()), false)
            }
            Some(FaultEffect::Conflict) => {
                let message = "Another operation on this or dependent resource is in progress.";
                let refusal = Refusal::new(409, "AnotherOperationInProgress", message);
                (Ok(refusal.response()), false)
            }
            Some(FaultEffect::Refuse { code, .. }) if code == WRONG_TENANT => {
                (Ok(wrong_by_fault(request.url.path())), false)
            }
            Some(FaultEffect::Refuse { status, code }) => {
                let refusal = Refusal::new(status, &code, "Refused, by a fault of this world.");
                (Ok(refusal.response()), false)
            }
            Some(FaultEffect::Absent) => {
                let refusal = ResourceId::parse(resource).map_or_else(
                    |_| Refusal::new(404, "NotFound", "The resource was not found."),
                    |id| Refusal::not_found(&id),
                );
                (Ok(refusal.response()), false)
            }
            Some(_) | None => {
                let answer = self.ask(request, now);
                let accepted = changes(request.method, request.url.path()) && answer.status < 300;
                (Ok(answer), accepted)
            }
        }
    }

    /// What a fault matches: the method, `POLL` for a poll, and the resource it is about.
    fn subject(&self, method: Method, url: &Url) -> (String, String) {
        match self.polled(url) {
            Some(id) => {
                let resource = self.operations.get(&id).map(|o| o.resource.to_string());
                ("POLL".to_owned(), resource.unwrap_or_default())
            }
            None => match self.polled_job(url) {
                Some(job) => ("POLL".to_owned(), job.target.to_string()),
                None => (method.as_str().to_owned(), url.path().to_owned()),
            },
        }
    }

    /// The faults that an accepted operation meets.
    pub(super) fn operation_faults(
        &mut self,
        method: &str,
        resource: &str,
        now: Timestamp,
    ) -> Vec<OperationFault> {
        let occasion = Occasion {
            method,
            resource,
            is_new: false,
            since: now.since(self.schedule.began()),
            seed: self.chance.seed(),
        };
        self.faults.strike_operation(&occasion)
    }

    /// The faults that a POST's operation meets: a fault may name the resource, or the path with the
    /// verb.
    pub(super) fn posted_faults(
        &mut self,
        id: &ResourceId,
        path: &str,
        now: Timestamp,
    ) -> Vec<OperationFault> {
        let mut effects = self.operation_faults("POST", id.as_str(), now);
        // Each fault strikes an operation once: the path is asked of those that did not name the resource.
        let (by_id, path) = (id.as_str(), path.to_owned());
        let occasion = Occasion {
            method: "POST",
            resource: &path,
            is_new: false,
            since: now.since(self.schedule.began()),
            seed: self.chance.seed(),
        };
        effects.extend(self.faults.strike_by_path(by_id, &occasion));
        effects
    }
}
