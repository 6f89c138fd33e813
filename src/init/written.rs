//! Which files come of it? The runbook, its way home, its world, and the list of what is left for people.

use std::fmt::Write as _;

use super::draft::Draft;
use super::failover;
use super::keep::marked;
use super::strategy::Strategy;
use super::text::Body;
use super::text::{ParamText, StepText, comment, expr, prose, scalar};
use super::todo::Lack;
use super::{failback, wan_steps, world_text};
use crate::arm::kind;

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its name in the folder.
    pub name: String,
    /// What it is, for people.
    pub what: &'static str,
    /// Its text.
    pub text: String,
}

/// The list of what is left for people: written last, when what was written has been judged.
#[must_use]
pub fn todo_file(draft: &Draft, name: &str) -> WrittenFile {
    WrittenFile {
        name: format!("{name}-todo.md"),
        what: "what is left for people",
        text: marked(&todo(draft, name), false),
    }
}

/// The files of a draft, but for [`todo_file`]. `name` is that of the runbook, `estate` the path of the world that theirs extends.
#[must_use]
pub fn written(draft: &Draft, name: &str, estate: &str) -> Vec<WrittenFile> {
    let mut files = vec![WrittenFile {
        name: format!("{name}.yaml"),
        what: "the failover",
        text: marked(&runbook(draft, name), true),
    }];
    if draft.test.is_none() {
        files.push(WrittenFile {
            name: format!("{name}-failback.yaml"),
            what: "the way home",
            text: marked(&home(draft, name), true),
        });
    }
    let down = draft.test.is_none();
    files.push(WrittenFile {
        name: format!("{name}-world.yaml"),
        what: "the world of its drill",
        text: marked(&world_text::world(draft, &format!("{name}-world"), estate, down), true),
    });
    if draft.strategy == Strategy::SameCircuitSwap {
        let own = format!("{name}-world-planned");
        files.push(WrittenFile {
            name: format!("{own}.yaml"),
            what: "the same with every region up",
            text: marked(&world_text::world(draft, &own, estate, false), true),
        });
    }
    files
}

/// How long a way home may take: nobody waits for it, and machines are copied back first.
const RTO_HOME: &str = "26h";

fn head(draft: &Draft, name: &str, rto: &str, title: &str, description: &str) -> String {
    let mut out = String::from("# yaml-language-server: $schema=runbook.schema.json\n");
    out.push_str(&comment(
        &format!(
            "Written by backroad init from the world `{}`, with the strategy {}. Edit it as you like: init \
             never writes over an edit. Every name and id in it was read from the estate, or made like those \
             that were.",
            draft.estate,
            draft.strategy.name()
        ),
        0,
    ));
    writeln!(out, "\nrunbook: {name}").ok();
    writeln!(out, "title: {title}").ok();
    writeln!(
        out,
        "owner: {{ team: {}, contact: {} }}",
        quoted(&draft.team),
        quoted(&draft.contact)
    )
    .ok();
    writeln!(out, "objective: {{ rto: {rto} }}").ok();
    out.push_str(&prose("description", description, 0));
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "))
}

const ROLES: &str = "
roles:
  commander:
    description: Decides whether production moves.
    contact: Duty phone of the incident commander, in the on-call plan.
";

fn put(out: &mut String, body: &Body, profiles: &str) {
    let steps: Vec<String> = body.steps.iter().map(ToString::to_string).collect();
    let steps = steps.join("\n");
    out.push_str("\nparams:\n");
    for param in body.params.iter().filter(|own| is_used(&own.name, &steps)) {
        write!(out, "{param}").ok();
    }
    out.push_str(profiles);
    out.push_str("\ndefaults:\n  timeout: 15m\n\nsteps:\n");
    out.push_str(&steps);
}

/// Whether a step names a parameter.
fn is_used(name: &str, steps: &str) -> bool {
    let own = format!("params.{name}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    steps.split(&own).skip(1).any(ends)
}

fn source(draft: &Draft) -> String {
    draft.source.as_ref().map_or_else(|| "the site".to_owned(), |own| own.as_str().to_owned())
}

fn runbook(draft: &Draft, name: &str) -> String {
    let body = match (&draft.wan, &draft.test) {
        (Some(own), _) => wan_steps::body(own),
        (None, Some(_)) => test_body(draft),
        (None, None) => failover::body(draft),
    };
    let mut out = head(draft, name, &draft.rto, draft.strategy.title(), &description(draft));
    out.push_str(&prose("not_when", not_when(draft.strategy), 0));
    if let (Some(source), None) = (&draft.source, &draft.test) {
        writeln!(out, "source_region: {}", source.as_str()).ok();
    }
    if draft.test.is_none() {
        writeln!(out, "failback: {name}-failback.yaml").ok();
    }
    out.push_str(ROLES);
    if !draft.tags.is_empty() && draft.test.is_none() {
        out.push_str("\n# What everything that is made is tagged with: the tags of the source's hub and gateway.\ntags:\n");
        for (name, value) in &draft.tags {
            writeln!(out, "  {}: {}", scalar(name), quoted(value)).ok();
        }
    }
    let choices = body
        .choice
        .as_ref()
        .map(|(step, choice)| format!(", choices: {{ {step}: {choice} }}"))
        .unwrap_or_default();
    let mut profiles = format!(
        "\nprofiles:\n  drill:\n    description: Against the built-in simulator, in a copy of the estate.\n    \
         world: {name}-world.yaml\n    people: {{ approve_after: 4m{choices} }}\n"
    );
    if draft.strategy == Strategy::SameCircuitSwap {
        write!(
            profiles,
            "  drill_planned:\n    description: A planned swap; the source region answers.\n    world: \
             {name}-world-planned.yaml\n    people: {{ approve_after: 4m }}\n"
        )
        .ok();
    }
    profiles.push_str("  live:\n    description: The estate itself.\n");
    put(&mut out, &body, &profiles);
    out
}

fn home(draft: &Draft, name: &str) -> String {
    let body = match &draft.wan {
        Some(own) => wan_steps::body_home(own),
        None => failback::body(draft),
    };
    let own = format!("{name}-failback");
    let title = format!("Bring production home to {} after {name}", source(draft));
    let mut out = head(
        draft,
        &own,
        RTO_HOME,
        &title,
        &format!(
            "The way home after {name}. The machines go home first; then the target is cut off, what the failover \
         made is removed, and what it changed is as it was. It ends in the world as it was before the failover."
        ),
    );
    out.push_str(ROLES);
    let returns = draft
        .source
        .as_ref()
        .filter(|_| draft.strategy != Strategy::OnpremToAzure)
        .map(|own| format!("    returns: {}\n", own.as_str()))
        .unwrap_or_default();
    let profiles = format!(
        "\nprofiles:\n  drill:\n    description: From the world that the drill of the failover ends in.\n    \
         after: {name}.yaml\n{returns}    people: {{ approve_after: 10m }}\n  live:\n    description: The estate \
         itself.\n"
    );
    put(&mut out, &body, &profiles);
    out
}

fn description(draft: &Draft) -> String {
    let (source, target) = (source(draft), draft.target.as_str());
    let circuits: Vec<&str> = draft
        .hubs
        .iter()
        .flat_map(|hub| hub.links.iter().map(|link| link.circuit.name()))
        .collect();
    let over = circuits.first().map_or_else(String::new, |own| format!(" over {own}"));
    let first = match draft.strategy {
        Strategy::SameCircuitSwap => format!(
            "One circuit, and networks in {target} with the addresses of those in {source}. The source's connection \
             goes before the target's comes, and between the two nothing reaches either. All that takes time is \
             done before that window opens."
        ),
        Strategy::SameCircuit => format!(
            "{target} takes over from {source}{over}, with addresses of its own. Both connections may exist at \
             once, so nothing of the source needs to be reachable. Names must follow, and firewalls that know the \
             old addresses."
        ),
        Strategy::DrCircuitPrepared => format!(
            "{target} takes over from {source}{over}: gateway and connection stand by, and become the preferred \
             ones. What is between the networks is put in place beside it."
        ),
        Strategy::VpnLastPath => format!(
            "{source} is lost and no circuit carries anything for {target}. A VPN gateway is made there and \
             tunnels to the devices that the source's tunnels lead to. It is slower than a circuit and has no \
             agreed bandwidth: the last path, and better than none."
        ),
        Strategy::OnpremToAzure => format!(
            "The machines of an on-premises site run in {target} now. Users reach them{over}, once on-premises \
             has stopped telling of the subnets that moved."
        ),
        Strategy::SiteRecoveryTest => {
            "The drill that touches no production: copies of the machines start in a network of their own, the \
             owners of the applications look at them, and the copies are deleted."
                .to_owned()
        }
        Strategy::VwanDrCircuit => format!(
            "Use this when {source} is lost and its networks are connected to a virtual WAN. The hub in {target} \
             gets a gateway and its circuit, and the recovery networks are connected to it."
        ),
        Strategy::DrCircuit | Strategy::TwoCircuitsOneLocation => format!(
            "Use this when {source} is lost. The hubs in {target} get what they lack of gateway, connection, \
             peerings and route tables, and are connected{over}."
        ),
    };
    format!(
        "{first}\n\nIt ends when the on-premises prefixes are learned and the networks are heard of, not when \
         Azure says Succeeded."
    )
}

fn not_when(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::SameCircuitSwap => {
            "When production can stay where it is: between the two connections nothing is reached at all."
        }
        Strategy::SiteRecoveryTest => {
            "With the failover's real target network, or while a failover is under way."
        }
        Strategy::OnpremToAzure => {
            "When the site is up and its routers still advertise the subnets."
        }
        Strategy::VpnLastPath => {
            "When a circuit of the target still carries: it is faster and wider."
        }
        Strategy::TwoCircuitsOneLocation => {
            "When the peering location itself is lost, since both circuits are in it. When the source region is \
             slow and not lost."
        }
        Strategy::VwanDrCircuit
        | Strategy::DrCircuitPrepared
        | Strategy::DrCircuit
        | Strategy::SameCircuit => {
            "When the source region is slow and not lost: its networks stay advertised, and two regions that \
             answer for the same addresses split the traffic."
        }
    }
}

fn test_body(draft: &Draft) -> Body {
    let mut body = Body::default();
    let Some(test) = &draft.test else { return body };
    let plan = test.plan.as_str().replacen("/Subscriptions/", "/subscriptions/", 1);
    body.params = vec![
        ParamText::id(
            "recovery_plan",
            "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans",
            "The recovery plan of the machines.",
            &plan,
        ),
        ParamText::id(
            "network",
            kind::NETWORKS,
            "A network with nothing behind it, in the target region.",
            test.network.as_str(),
        ),
    ];
    body.steps = vec![
        StepText::new("copies", "Copies of the machines start in the test network", "recovery_plan.test_failover")
            .with("plan", expr("params.recovery_plan"))
            .with("network", expr("params.network"))
            .is("timeout", "2h")
            .is("on_failure", "undo"),
        StepText::new("seen", "The applications answer from the copies", "manual")
            .needs(&["copies"])
            .question(
                "Log on to the copies in the test network and look at each application as its owner would. Do \
                 they answer? Decline to record that they do not; the copies are deleted either way.",
            )
            .with("expires_after", "8h")
            .is("on_failure", "continue")
            .say("why", "That a machine starts is not that its application works."),
        StepText::new("cleaned_up", "The copies are deleted", "recovery_plan.test_cleanup")
            .needs(&["seen"])
            .with("plan", expr("params.recovery_plan"))
            .is("timeout", "1h")
            .say("why", "A test that is not cleaned up blocks the next failover, the real one included.")
            .say(
                "owes",
                "Clean the test failover up: until then Site Recovery refuses to fail this plan over.",
            ),
    ];
    body
}

fn list(out: &mut String, all: &[Lack]) {
    for lack in all {
        writeln!(out, "- [ ] {}", lack.what).ok();
        for command in &lack.commands {
            writeln!(out, "\n      {command}").ok();
        }
        out.push('\n');
    }
}

fn todo(draft: &Draft, name: &str) -> String {
    let mut out = format!("# What is left for people: {name}\n\n");
    out.push_str("## What the estate lacks today\n\n");
    if draft.todo.lacks.is_empty() {
        out.push_str("Nothing that a step of the runbook would not make.\n");
    } else {
        out.push_str(
            "No step of the runbook makes these, and its drill takes them as made. Until then `backroad preflight` \
             says so.\n\n",
        );
    }
    list(&mut out, &draft.todo.lacks);
    if !draft.todo.stops.is_empty() {
        out.push_str(
            "\n## What stops the runbook\n\nPreflight lets it begin neither here nor in its drill, and no step mends \
             these.\n\n",
        );
        list(&mut out, &draft.todo.stops);
    }
    out.push_str("\n## What somebody must decide or look at\n\n");
    for own in &draft.todo.decisions {
        writeln!(out, "- [ ] {own}").ok();
    }
    write!(
        out,
        "\n## Then\n\n    backroad check {name}.yaml\n    backroad drill {name}.yaml\n    backroad preflight \
         {name}.yaml --profile live\n    backroad render {name}.yaml -o {name}.html\n"
    )
    .ok();

    out
}
