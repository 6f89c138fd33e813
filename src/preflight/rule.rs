//! What is a rule? A static record, and one pure function from what is known to a verdict.

use std::collections::BTreeSet;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::certain::Doubts;
use super::facts::Facts;
use super::inquiry::Inquiry;
use super::mend;
use super::rules::FAMILIES;
use crate::model::references::{self, Absence};
use crate::model::{ActionClass, Plan, ResourceId, Step};

/// How bad it is when a rule fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// Good to know.
    Inform,
    /// Somebody should look; the run goes on.
    Warn,
    /// The run cannot work: it is not started, unless the rule is waived.
    Block,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id, for waivers and documents.
    pub id: &'static str,
    /// How bad it is when it fails.
    pub severity: FindingSeverity,
    /// When it fails, as a sentence.
    pub fails_when: &'static str,
    /// What it reads.
    pub reads: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// Judges it: nothing for a plan that it is not about.
    pub judge: fn(&Inquiry<'_>) -> Vec<Judged>,
}

/// What a rule found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The thing, by a name that a person knows.
    pub about: String,
    /// How it stands.
    pub verdict: FindingVerdict,
    /// The resource, where it is one.
    pub id: Option<ResourceId>,
    /// The commands that mend it, where they are not those that its rule has for any resource.
    pub commands: Vec<String>,
}

impl Judged {
    /// A verdict about a thing.
    #[must_use]
    pub fn of(about: String, verdict: FindingVerdict) -> Self {
        Self { about, verdict, id: None, commands: Vec::new() }
    }

    /// With the command that mends it.
    #[must_use]
    pub fn mended_by(mut self, command: String) -> Self {
        self.commands.push(command);
        self
    }
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingVerdict {
    /// As it should be.
    Passed,
    /// Not as it should be, and how it is instead.
    Failed(String),
    /// It cannot be known, and why.
    Unknown(String),
}

impl FindingVerdict {
    /// How it is instead, or why it cannot be known.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(why) | Self::Unknown(why) => Some(why),
        }
    }

    /// How bad it is: what failed, before what cannot be known.
    fn rank(&self) -> u8 {
        match self {
            Self::Failed(_) => 0,
            Self::Unknown(_) => 1,
            Self::Passed => 2,
        }
    }
}

/// Each thing once, by the worst that was found of it; of two as bad the first.
#[must_use]
pub fn worst_of_each(all: Vec<Judged>) -> Vec<Judged> {
    let mut each: Vec<Judged> = Vec::new();
    for judged in all {
        match each.iter_mut().find(|own| own.about == judged.about) {
            Some(own) if judged.verdict.rank() < own.verdict.rank() => *own = judged,
            Some(_) => {}
            None => each.push(judged),
        }
    }
    each
}

/// A finding, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// The family that it is of.
    pub family: &'static str,
    /// How bad it is when it fails.
    pub severity: FindingSeverity,
    /// What it is about.
    pub about: String,
    /// How it stands.
    pub verdict: FindingVerdict,
    /// When the rule fails.
    pub fails_when: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// The commands that mend it, where it failed and there are any.
    pub commands: Vec<String>,
    /// The reason of a person who waived it.
    pub waived: Option<String>,
}

/// What came of a preflight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Every finding: what fails first, the worst of it first.
    pub findings: Vec<Finding>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let because = self.verdict.why();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule", self.rule)?;
        map.serialize_entry("family", self.family)?;
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("about", &self.about)?;
        map.serialize_entry("verdict", self.word())?;
        if let Some(because) = because {
            map.serialize_entry("because", because)?;
        }
        map.serialize_entry("fails_when", self.fails_when)?;
        map.serialize_entry("why", self.why)?;
        map.serialize_entry("fix", self.fix)?;
        if !self.commands.is_empty() {
            map.serialize_entry("commands", &self.commands)?;
        }
        if let Some(waived) = &self.waived {
            map.serialize_entry("waived", waived)?;
        }
        map.end()
    }
}

impl Finding {
    /// How it stands, in a word. What only warns has not failed.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.verdict, self.severity) {
            (FindingVerdict::Passed, _) => "passed",
            (FindingVerdict::Unknown(_), _) => "unknown",
            (FindingVerdict::Failed(_), FindingSeverity::Block) => "failed",
            (FindingVerdict::Failed(_), FindingSeverity::Warn) => "warned",
            (FindingVerdict::Failed(_), FindingSeverity::Inform) => "noted",
        }
    }

    /// Whether it stops a run.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.severity == FindingSeverity::Block
            && matches!(self.verdict, FindingVerdict::Failed(_))
            && self.waived.is_none()
    }
}

impl Preflight {
    /// What stops a run.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.blocks())
    }

    /// Waives a rule; false when there is none of that id.
    pub fn waive(&mut self, rule: &str, reason: &str) -> bool {
        for finding in self.findings.iter_mut().filter(|finding| finding.rule == rule) {
            finding.waived = Some(reason.to_owned());
        }
        self::rule(rule).is_some()
    }
}

/// The rule of an id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    FAMILIES.iter().flat_map(|(_, _, rules)| rules.iter()).find(|rule| rule.id == id)
}

/// The rules that say already of some things that they are not there.
pub(super) const ABSENCE_RULES: [&str; 10] = [
    "CIR-EXISTS",
    "NET-THERE",
    "SUB-THERE",
    "HUB-WAN",
    "HUB-VNET-FREE",
    "DNS-ZONE",
    "TM-ENDPOINT",
    "AUTH-THERE",
    "UDR-FIREWALL",
    "AUTH-KEY",
];

/// The family about what steps name. What else warns of what is not there is about something else, too.
const NAMED: &str = "references";

/// That something is not there, where a run may get past it.
#[must_use]
pub fn not_for_certain(why: &str) -> FindingVerdict {
    FindingVerdict::Unknown(format!(
        "{why}; a person or a program before may make it, or the run goes on without it"
    ))
}

/// What is nowhere.
struct Absent<'p> {
    plan: &'p Plan,
    facts: &'p Facts,
    /// What steps count on.
    counted_on: BTreeSet<ResourceId>,
    /// Of that, what no run gets past.
    certain: BTreeSet<ResourceId>,
}

impl<'p> Absent<'p> {
    fn of(plan: &'p Plan, facts: &'p Facts) -> Self {
        let all = references::missing(plan, |id| facts.stands(id));
        let nowhere = || all.iter().filter(|own| own.absence == Absence::Nowhere);
        let counted_on = nowhere().map(|own| own.id.clone()).collect();
        let certain = nowhere().filter(|own| own.certain).map(|own| own.id.clone()).collect();
        Self { plan, facts, counted_on, certain }
    }

    /// What a rule about what is not there found.
    fn softened_all(&self, rule: &Rule, mut judged: Vec<Judged>) -> Vec<Judged> {
        for own in judged.iter_mut().filter(|_| ABSENCE_RULES.contains(&rule.id)) {
            if let Some(id) = &own.id {
                own.verdict = self.softened(own.verdict.clone(), id);
            }
        }
        judged
    }

    /// That something is not there, where a run may get past it: what comes before may make it, the step may be left out, or
    /// it only takes away what is in it.
    fn softened(&self, verdict: FindingVerdict, id: &ResourceId) -> FindingVerdict {
        match verdict {
            FindingVerdict::Failed(why)
                if self.facts.stands(id) == Some(false) && !self.certain.contains(id) =>
            {
                match self.counted_on.contains(id) {
                    true => not_for_certain(&why),
                    false if self.is_only_cleared(id) => FindingVerdict::Passed,
                    false => FindingVerdict::Failed(why),
                }
            }
            verdict => verdict,
        }
    }

    /// Whether all that steps do in it is to take away.
    fn is_only_cleared(&self, id: &ResourceId) -> bool {
        let within = |own: &ResourceId| {
            std::iter::successors(own.parent(), ResourceId::parent).any(|parent| parent == *id)
        };
        let inside: Vec<&Step> = self
            .plan
            .steps_to_run()
            .filter(|step| step.action.written().is_some_and(within))
            .collect();
        !inside.is_empty() && inside.iter().all(|step| step.action.nature().class.takes_away())
    }
}

/// What was meant by a name that leads nowhere, where something is near, in words to follow others.
fn meant(plan: &Plan, facts: &Facts, id: &ResourceId) -> String {
    // A step does not mean by a name what it makes itself.
    let makes = |step: &Step| {
        step.action.nature().class == ActionClass::Make && !step.action.counts_on().contains(id)
    };
    let made = plan.steps_to_run().filter(|step| makes(step));
    let made = made.filter_map(|step| step.action.written().cloned());
    let Some(near) = references::nearest(id, facts.beside(id).into_iter().chain(made)) else {
        return String::new();
    };
    let place = if !near.subscription().eq_ignore_ascii_case(id.subscription()) {
        format!(
            " of resource group {}, subscription {}",
            near.resource_group(),
            near.subscription()
        )
    } else if !near.resource_group().eq_ignore_ascii_case(id.resource_group()) {
        format!(" of resource group {}", near.resource_group())
    } else {
        String::new()
    };
    format!("; did you mean {}{place}?", near.name())
}

/// Judges a plan by every rule that is about it.
#[must_use]
pub fn judge(plan: &Plan, facts: &Facts) -> Preflight {
    let inquiry = Inquiry::new(plan, facts);
    let absent = Absent::of(plan, facts);
    let doubts = Doubts::of(plan, facts);
    let mut findings = Vec::new();
    for (family, _, rules) in FAMILIES {
        for rule in *rules {
            let judged = absent.softened_all(rule, (rule.judge)(&inquiry));
            for Judged { about, mut verdict, id, mut commands } in doubts.softened(rule, judged) {
                if let (FindingVerdict::Failed(why), Some(id)) = (&mut verdict, &id)
                    && absent.counted_on.contains(id)
                    && (rule.severity == FindingSeverity::Block || *family == NAMED)
                {
                    why.push_str(&meant(plan, facts, id));
                }
                if !matches!(verdict, FindingVerdict::Failed(_)) {
                    commands.clear();
                } else if let (true, Some(id)) = (commands.is_empty(), &id) {
                    commands = mend::resource(rule.id, id);
                }
                findings.push(Finding {
                    commands,
                    rule: rule.id,
                    family,
                    severity: rule.severity,
                    about,
                    verdict,
                    fails_when: rule.fails_when,
                    why: rule.why,
                    fix: rule.fix,
                    waived: None,
                });
            }
        }
    }
    let rank = |finding: &Finding| match (&finding.verdict, finding.severity) {
        (FindingVerdict::Failed(_), FindingSeverity::Block) => 0,
        (FindingVerdict::Failed(_), FindingSeverity::Warn) => 1,
        (FindingVerdict::Unknown(_), _) => 2,
        (FindingVerdict::Failed(_), FindingSeverity::Inform) => 3,
        (FindingVerdict::Passed, _) => 4,
    };
    findings.sort_by_key(rank);
    Preflight { findings }
}
