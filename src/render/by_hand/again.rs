//! How is what was removed made again where its body may hold a key? From values that were kept, one a line, and with
//! the key read anew.

use super::before::{self, row};
use super::shell::Az;
use super::{Line, Secrets, about, key, line, make, noted, parent_name, within};
use crate::model::action::Removal;

/// What a kind of connection is made of.
pub(super) struct Connected {
    /// The field that says what is at its other end, and the option that takes it.
    other: (&'static str, &'static str),
    /// The option that takes its key.
    key: &'static str,
    /// The fields that `create` takes no value for, and what Azure makes of one that is not said.
    more: &'static [(&'static str, &'static str)],
}

/// To a circuit.
pub(super) const CIRCUIT: Connected = Connected {
    other: ("peer.id", "--express-route-circuit2"),
    key: "--authorization-key",
    more: &[("expressRouteGatewayBypass", "false"), ("enablePrivateLinkFastPath", "false")],
};

/// To a device.
pub(super) const TUNNEL: Connected = Connected {
    other: ("localNetworkGateway2.id", "--local-gateway2"),
    key: "--shared-key",
    more: &[
        ("enableBgp", "false"),
        ("usePolicyBasedTrafficSelectors", "false"),
        ("ipsecPolicies", "[]"),
        ("trafficSelectorPolicies", "[]"),
        ("dpdTimeoutSeconds", "0"),
        ("connectionMode", "\"Default\""),
    ],
};

/// A list of values, one a line of a file.
fn kept(verb: &'static str, spec: &Removal, values: &[String]) -> Line {
    let show = about(verb, &spec.id)
        .with("--query", format!("[{}]", values.join(",")))
        .with("--output", "tsv");
    let mut keep = before::keep(&before::file(&spec.id, "txt"), &show);
    keep.note = Some("What making it again needs; no key is among it.".to_owned());
    keep
}

/// A value as one line; what is not there is as Azure would have it.
fn one(field: &str, otherwise: &str) -> String {
    format!("to_string({field}||`{otherwise}`)")
}

/// A command and what a file's lines give it, an option each.
fn given(command: &Az, file: &str, options: &[(usize, &str)]) -> String {
    let options =
        options.iter().map(|(number, option)| format!(" \\\n  {option} {}", row(file, *number)));
    command.text() + &options.collect::<String>()
}

/// What `create` has no word for, written when it is made. Without a query the answer would show a key.
fn rest(spec: &Removal, file: &str, settings: &[(usize, &str)]) -> Line {
    let set = about("resource update", &spec.id).with("--query", "id").text();
    let settings =
        settings.iter().map(|(number, path)| format!(" \\\n  {path}={}", row(file, *number)));
    noted(
        "Then the rest of what it was.",
        format!("{set} \\\n  --set{}", settings.collect::<String>()),
    )
}

/// A connection of a gateway.
pub(super) fn connection(spec: &Removal, secrets: &Secrets, kind: &Connected) -> (Line, Vec<Line>) {
    let file = before::file(&spec.id, "txt");
    let mut values: Vec<String> =
        ["location", "virtualNetworkGateway1.id", kind.other.0].map(str::to_owned).to_vec();
    values.extend([one("routingWeight", "0"), one("tags", "{}")]);
    values.extend(kind.more.iter().map(|(field, otherwise)| one(field, otherwise)));
    let mut undo = Vec::new();
    let mut create = make("network vpn-connection create", &spec.id);
    if let Some(secret) = &spec.authorization {
        let (read, variable) = key(secret, secrets);
        undo.extend(read);
        create = create.with_key(kind.key, &variable);
    }
    let create = create.with("--query", "{state:provisioningState,name:name}");
    let options =
        [(1, "--location"), (2, "--vnet-gateway1"), (3, kind.other.1), (4, "--routing-weight")];
    undo.push(line(given(&create, &file, &options)));
    let paths: Vec<String> =
        kind.more.iter().map(|(field, _)| format!("properties.{field}")).collect();
    let mut settings = vec![(5, "tags")];
    settings.extend(paths.iter().enumerate().map(|(place, path)| (place + 6, path.as_str())));
    undo.push(rest(spec, &file, &settings));
    (kept("network vpn-connection show", spec, &values), undo)
}

/// A connection of a hub's gateway.
pub(super) fn hub_connection(spec: &Removal, secrets: &Secrets) -> (Line, Vec<Line>) {
    let file = before::file(&spec.id, "txt");
    let routing = "routingConfiguration";
    let values = [
        "expressRouteCircuitPeering.id".to_owned(),
        one("routingWeight", "0"),
        one("enableInternetSecurity", "false"),
        format!("{routing}.associatedRouteTable.id"),
        format!("join(' ',{routing}.propagatedRouteTables.ids[].id||`[]`)"),
        format!("join(' ',{routing}.propagatedRouteTables.labels||`[]`)"),
    ];
    let mut undo = Vec::new();
    let mut create = within("network express-route gateway connection create", &spec.id)
        .with("--gateway-name", parent_name(&spec.id))
        .with("--name", spec.id.name());
    if let Some(secret) = &spec.authorization {
        let (read, variable) = key(secret, secrets);
        undo.extend(read);
        create = create.with_key("--authorization-key", &variable);
    }
    let create = create.with("--query", "{state:provisioningState,name:name}");
    let options = [
        (1, "--peering"),
        (2, "--routing-weight"),
        (3, "--internet-security"),
        (4, "--associated"),
    ];
    // An option with no value would be refused: a line that is empty gives none.
    let lists: String = [(5, "--propagated"), (6, "--labels")]
        .iter()
        .map(|(number, option)| format!(" \\\n  $(sed -n '{number}s/./{option} &/p' {file})"))
        .collect();
    undo.push(line(given(&create, &file, &options) + &lists));
    (kept("network express-route gateway connection show", spec, &values), undo)
}

/// A hub's gateway.
pub(super) fn hub_gateway(spec: &Removal) -> (Line, Vec<Line>) {
    let file = before::file(&spec.id, "txt");
    let bounds = "autoScaleConfiguration.bounds";
    let values = [
        "location".to_owned(),
        "virtualHub.id".to_owned(),
        one(&format!("{bounds}.min"), "1"),
        one(&format!("{bounds}.max"), "2"),
        one("allowNonVirtualWanTraffic", "false"),
    ];
    let create = make("network express-route gateway create", &spec.id);
    let options = [
        (1, "--location"),
        (2, "--virtual-hub"),
        (3, "--min-val"),
        (4, "--max-val"),
        (5, "--allow-non-vwan-traffic"),
    ];
    let undo = vec![line(given(&create, &file, &options))];
    (kept("network express-route gateway show", spec, &values), undo)
}
