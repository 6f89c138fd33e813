//! How does one circuit change hands? The source's connections go, or a person says what becomes of the target.

use super::draft::{Draft, DraftHub, DraftLink};
use super::estate::CircuitLink;
use super::text::Body;
use super::text::{StepText, expr, prefixes, rows};

/// The source's connections go, or a person says what becomes of a target that they stand in the way of.
pub(super) fn swap(draft: &Draft, body: &mut Body) {
    let links: Vec<(&DraftHub, &DraftLink)> =
        draft.hubs.iter().flat_map(|hub| hub.links.iter().map(move |link| (hub, link))).collect();
    let source = draft.source.as_ref().map_or("the source", |own| own.as_str());
    let mut failed = Vec::new();
    for (hub, link) in &links {
        let Some(removed) = &link.removed else { continue };
        let circuit = format!("${{params.circuit{}}}", link.suffix);
        let step = removal(hub, removed, &link.suffix, &circuit);
        let owes = format!(
            "Remove the connection {} as soon as {source} answers. Until then it brings the same addresses onto the \
             circuit again the moment its region returns, and packets drop.",
            removed.id.name()
        );
        let why = "A circuit cannot serve two networks with the same addresses. Ten minutes are tried and \
                   no more: when the region is down, this may never succeed.";
        body.steps.push(known_gone(step.say("owes", &owes).say("why", why)));
        failed.push(format!("disconnect{}", link.suffix));
    }
    // Nothing waits for these: the target stands on another circuit.
    for hub in &draft.hubs {
        for own in &hub.also_removed {
            let step = removal(hub, &own.link, &own.suffix, own.link.circuit.as_str());
            let owes = format!(
                "Remove the connection {} as soon as {source} answers. Until then on-premises hears the source's networks \
                 over {} beside the target's, which have the same addresses, the moment its region returns.",
                own.link.id.name(),
                own.link.circuit.name()
            );
            let why = format!(
                "The target is not connected with {}; the source's networks, which have the same addresses, must not come \
                 in by it. Nothing waits for this: when the region is down, it may never succeed.",
                own.link.circuit.name()
            );
            body.steps.push(known_gone(step.say("owes", &owes).say("why", &why)));
        }
    }
    what_now(draft.revocable, &failed, body);
    for (hub, link) in &links {
        source_left(hub, link, draft.revocable, &mut body.steps);
    }
}

/// A connection of the source goes: the step that tries.
fn removal(hub: &DraftHub, removed: &CircuitLink, suffix: &str, circuit: &str) -> StepText {
    let mut step = StepText::new(
        &format!("disconnect{suffix}"),
        &format!("{} is removed", removed.id.name()),
        "connection.remove",
    )
    .needs(&["go_ahead"])
    .with("id", removed.id.as_str());
    if let Some(gateway) = &hub.source_gateway {
        step = step.with("gateway", gateway.as_str());
    }
    if let Some(name) = &removed.authorization {
        step = step.with("authorization", format!("\"{circuit}/authorizations/{name}\""));
    }
    step.is("side", "source")
        .is("timeout", "10m")
        .is("retry", "{ attempts: 12, delay: 30s, delay_max: 1m }")
        .is("on_failure", "continue")
}

/// How somebody sees that a connection is gone, and who helps where it stays.
fn known_gone(step: StepText) -> StepText {
    step.say("looks_good", "A GET of the connection answers 404.")
        .say("call", "Azure support, severity A, when it neither goes nor fails.")
}

/// A person chooses what becomes of a target that a connection of the source stands in the way of.
fn what_now(revocable: bool, failed: &[String], body: &mut Body) {
    let when: Vec<String> =
        failed.iter().map(|own| format!("steps.{own}.status != \"succeeded\"")).collect();
    let mut options = vec![vec![
        ("name", "connect_anyway".to_owned()),
        (
            "text",
            "\"Connect the target all the same. Azure may refuse it; if not, it works while the source stays dead.\""
                .to_owned(),
        ),
    ]];
    let (name, text) = if revocable {
        (
            "revoke",
            "\"Revoke the authorization of the source's connection, which ends it from the circuit's side.\"",
        )
    } else {
        (
            "by_azure",
            "\"Have Azure's support remove the connection (severity A), wait for them, and choose this when it is gone.\"",
        )
    };
    options.insert(
        usize::from(!revocable),
        vec![("name", name.to_owned()), ("text", text.to_owned())],
    );
    body.steps.push(
        StepText::new(
            "source_dead",
            "What now, with the source's connection still in place?",
            "decision",
        )
        .needs(failed)
        .is("when", &format!("'{}'", when.join(" || ")))
        .question(
            "The source's connection could not be removed. It will have to be removed when the region is \
             back, whatever is chosen. Decline to stop here.",
        )
        .with("options", rows(&options, 8))
        .with("role", "commander")
        .with("expires_after", "1h")
        .say("why", "Nobody but a person can weigh these; each is right in some outage."),
    );
    body.choice = Some((
        "source_dead".to_owned(),
        if revocable { "revoke" } else { "connect_anyway" }.to_owned(),
    ));
}

/// The source's networks have left the circuit.
fn source_left(hub: &DraftHub, link: &DraftLink, revocable: bool, steps: &mut Vec<StepText>) {
    let Some(removed) = &link.removed else { return };
    let mut needs = vec![format!("disconnect{}", link.suffix)];
    if let (true, Some(name)) = (revocable, &removed.authorization) {
        let revoke = format!("revoke{}", link.suffix);
        steps.push(
                StepText::new(
                    &revoke,
                    &format!("The source's authorization on {} is revoked", link.circuit.name()),
                    "authorization.remove",
                )
                .needs(&["source_dead"])
                .is("when", "steps.source_dead.status == \"succeeded\" && steps.source_dead.choice == \"revoke\"")
                .with("id", format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix))
                // A removal that was accepted in a dead region keeps others out until it fails (azure-facts 3.9).
                .is("timeout", "40m")
                .is("undo", "keep"),
            );
        needs.push(revoke);
    }
    steps.push(
            StepText::new(
                &format!("left{}", link.suffix),
                &format!("The source's networks have left {}", link.circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&needs)
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
            .with("absent", prefixes(&hub.source_azure))
            .is("timeout", "10m")
            .is("on_failure", "ask")
            .say(
                "why",
                "Gone from Azure's records is not gone from the edge. As long as the prefixes are there, the \
                 target's would fight them.",
            )
            .say("looks_good", "None of the source's prefixes in either path's route table."),
        );
}
