//! What are the steps of a move? Of one item, or of a plan: groups in order, the items of a group side by
//! side, scripts and people between them (azure-facts 6.1).

use std::time::Duration;

use serde_json::Value;

use super::job::{JobPart, JobStep, Stage};
use super::pace::Pace;
use super::phase::MachineMove;
use super::words::PlanGroup;
use crate::model::ResourceId;
use crate::model::recovery::FailoverDirection;
use crate::sim::duration::draw;
use crate::sim::world::World;

/// What a move is done to, and how.
pub(super) struct Order<'a> {
    pub(super) machine_move: MachineMove,
    /// The item or the plan.
    pub(super) target: &'a ResourceId,
    pub(super) items: &'a [ResourceId],
    /// The plan's groups.
    pub(super) groups: Option<&'a [Value]>,
    /// Whether machines are shut down where they run.
    pub(super) shuts_down: bool,
    pub(super) direction: FailoverDirection,
}

/// How long the main step of a move takes for one item.
fn pace(machine_move: MachineMove) -> Pace {
    match machine_move {
        MachineMove::TestFailover => Pace::TestFailover,
        MachineMove::TestFailoverCleanup | MachineMove::Cancel => Pace::Cleanup,
        MachineMove::PlannedFailover
        | MachineMove::UnplannedFailover
        | MachineMove::ChangePoint => Pace::Failover,
        MachineMove::Commit => Pace::Commit,
        MachineMove::Reprotect | MachineMove::Switch => Pace::Switch,
        MachineMove::Disable => Pace::Disable,
    }
}

/// A stage without items.
pub(super) fn plain(name: &str, said: &str, takes: Duration) -> Stage {
    let parts = vec![JobPart { item: None, takes, done: false }];
    Stage {
        name: name.to_owned(),
        said: said.to_owned(),
        parts,
        manual: None,
        step: JobStep::Plain,
        began: None,
        ended: None,
    }
}

impl World {
    /// How long something takes, this time.
    pub(super) fn takes(&self, pace: Pace, id: &ResourceId, purpose: &str) -> Duration {
        let ordinal = self.chance.ordinal(id);
        pace.at(draw(self.chance.seed(), id, ordinal, purpose))
    }

    /// The stages of a move.
    pub(super) fn stages(&self, order: &Order<'_>) -> Vec<Stage> {
        let mut stages = Vec::new();
        if order.machine_move.is_failover() {
            let takes = self.takes(Pace::Check, order.target, "check");
            stages.push(plain("PrerequisitesCheckTask", "Prerequisites check", takes));
        }
        let Some(groups) = order.groups.filter(|_| order.machine_move.is_failover()) else {
            self.without_groups(order, &mut stages);
            return stages;
        };
        let mut number = 0;
        for group in groups {
            let kind = group["groupType"].as_str().unwrap_or_default();
            let of = PlanGroup::parse(kind);
            let (shuts_down, boots) =
                (of == Some(PlanGroup::Shutdown), of == Some(PlanGroup::Boot));
            if shuts_down && order.machine_move == MachineMove::TestFailover {
                continue;
            }
            number += u32::from(boots);
            let title = if boots {
                format!("Group {number}")
            } else {
                format!("All groups {}", kind.to_ascii_lowercase())
            };
            self.actions(order, &group["startGroupActions"], &title, "pre", &mut stages);
            if shuts_down && order.shuts_down {
                stages.push(self.stage(
                    "ShutdownTask",
                    &title,
                    order.items,
                    Pace::Shutdown,
                    JobStep::Shutdown,
                ));
            }
            if boots {
                let items = items_of(group);
                stages.push(self.main(order, &format!("Group{number}Task"), &title, &items));
            }
            self.actions(order, &group["endGroupActions"], &title, "post", &mut stages);
        }
        stages
    }

    /// The stages of what is done to items by themselves.
    fn without_groups(&self, order: &Order<'_>, stages: &mut Vec<Stage>) {
        let (name, said) = order.machine_move.scenario();
        if order.shuts_down {
            stages.push(self.stage(
                "ShutdownTask",
                "Shut down",
                order.items,
                Pace::Shutdown,
                JobStep::Shutdown,
            ));
        }
        if order.machine_move == MachineMove::TestFailover {
            for (name, said) in [
                ("CreateTestVmTask", "Create test virtual machine"),
                ("PrepareTestVmTask", "Preparing the virtual machine"),
            ] {
                let takes = self.takes(Pace::TestFailover, order.target, name) / 4;
                stages.push(plain(name, said, takes));
            }
            let mut last =
                self.main(order, "StartTestVmTask", "Starting the virtual machine", order.items);
            last.parts.iter_mut().for_each(|part| part.takes /= 2);
            stages.push(last);
        } else {
            stages.push(self.main(order, &format!("{name}Task"), said, order.items));
        }
    }

    fn main(&self, order: &Order<'_>, name: &str, said: &str, items: &[ResourceId]) -> Stage {
        self.stage(name, said, items, pace(order.machine_move), JobStep::Main)
    }

    fn stage(
        &self,
        name: &str,
        said: &str,
        items: &[ResourceId],
        pace: Pace,
        step: JobStep,
    ) -> Stage {
        let part = |item: &ResourceId| JobPart {
            item: Some(item.clone()),
            takes: self.takes(pace, item, name),
            done: false,
        };
        Stage { parts: items.iter().map(part).collect(), step, ..plain(name, said, Duration::ZERO) }
    }

    /// Scripts, runbooks and people before or after a group, where they are for this failover.
    fn actions(
        &self,
        order: &Order<'_>,
        actions: &Value,
        group: &str,
        when: &str,
        stages: &mut Vec<Stage>,
    ) {
        let own = order.machine_move.allowed_as().as_str();
        for (place, action) in actions.as_array().into_iter().flatten().enumerate() {
            let holds = |key: &str, word: &str| {
                action[key].as_array().is_none_or(|list| {
                    let mut words = list.iter().filter_map(Value::as_str);
                    words.any(|one| one.eq_ignore_ascii_case(word))
                })
            };
            if !holds("failoverTypes", own)
                || !holds("failoverDirections", order.direction.as_str())
            {
                continue;
            }
            let said = action["actionName"].as_str().unwrap_or("Action");
            let details = &action["customDetails"];
            let name = format!("{group} {when} {place}");
            let takes = self.takes(Pace::Script, order.target, &name);
            let mut stage = plain(&name, said, takes);
            if details["instanceType"] == "ManualActionDetails" {
                let text = details["description"].as_str().unwrap_or_default();
                stage.parts = Vec::new();
                stage.manual = Some(text.to_owned());
            }
            stages.push(stage);
        }
    }
}

/// The items of a plan's group.
pub(super) fn items_of(group: &Value) -> Vec<ResourceId> {
    let list = group["replicationProtectedItems"].as_array();
    let id = |item: &Value| ResourceId::parse(item["id"].as_str()?).ok();
    list.into_iter().flatten().filter_map(id).collect()
}
