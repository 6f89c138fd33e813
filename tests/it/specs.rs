//! Would Azure's own published specification let through every body that is written?
//!
//! The specifications are not part of the project: where they are not at hand these tests say so on
//! stderr and prove nothing. The validator is small on purpose: the words of a swagger schema that a
//! request body can break, no more. Ranges, patterns and formats are Azure's to refuse.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest};
use backroad::engine::{Command, Event, Recorded};
use backroad::model::action::General;
use backroad::model::{Action, Assessed, Goal, ResourceId, RunOutcome, SecretRef, Undo};
use backroad::sim::{Answers, Fault, FaultEffect};
use serde_json::{Value, json};

use crate::support::{Lab, Stage, arm_data, data_files, shipped_plan, shipped_world};
use crate::wire::{observe, recorded};

/// No newer version of the API is held against what is written.
const NEWEST: &str = "2024-05-01";

/// How a finding about a property that nobody publishes ends.
pub(crate) const UNKNOWN: &str = "is not known";

/// The resource types that an action writes.
const WRITTEN: [&str; 6] = [
    "microsoft.network/connections",
    "microsoft.network/expressroutecircuits/authorizations",
    "microsoft.network/routetables",
    "microsoft.network/virtualnetworkgateways",
    "microsoft.network/virtualnetworks/subnets",
    "microsoft.network/virtualnetworks/virtualnetworkpeerings",
];

/// How deep a body or a chain of references may go before it is taken for endless.
const DEEPEST: usize = 40;

/// A schema, with the document that its references start from.
#[derive(Clone, Copy)]
struct Schema<'a> {
    file: &'a Path,
    node: &'a Value,
}

/// An object's schema with all that it inherits.
#[derive(Default)]
struct Members<'a> {
    properties: BTreeMap<&'a str, Schema<'a>>,
    required: BTreeSet<&'a str>,
    additional: Option<Schema<'a>>,
}

/// What is wrong with a body, and what is only unusual.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) wrong: Vec<String>,
    unusual: Vec<String>,
}

/// The published documents.
pub(crate) struct Specs {
    /// Whether answers are checked: what only Azure writes is then there, and is checked as well.
    answers: bool,
    documents: BTreeMap<PathBuf, Value>,
    /// The folder of the newest version of `Microsoft.Network` that counts.
    network: PathBuf,
}

impl Specs {
    /// For the bodies of answers.
    pub(crate) fn of_answers() -> Option<Self> {
        Some(Self { answers: true, ..Self::open()? })
    }

    fn open() -> Option<Self> {
        let mut paths = Vec::new();
        let (folder, _) = arm_data("specs")?;
        data_files(&folder, &mut paths);
        let version = |path: &Path| {
            let folder = path.parent()?;
            let provider = folder.parent()?.parent()?.file_name()?;
            let name = folder.file_name()?.to_str()?.to_owned();
            (provider == "Microsoft.Network" && name.as_str() <= NEWEST)
                .then(|| (name, folder.to_owned()))
        };
        let (_, network) = paths.iter().filter_map(|path| version(path)).max().unwrap();
        let documents = paths
            .into_iter()
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                (path, serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap())
            })
            .collect();
        Some(Self { answers: false, documents, network })
    }

    /// The schema of the body of the PUT of each resource type, by the type in small letters.
    fn puts(&self) -> BTreeMap<String, Schema<'_>> {
        let mut puts = BTreeMap::new();
        for (file, document) in &self.documents {
            if !file.starts_with(&self.network) {
                continue;
            }
            for (path, operations) in document["paths"].as_object().into_iter().flatten() {
                let parameters = operations["put"]["parameters"].as_array().into_iter().flatten();
                let body = parameters.into_iter().find(|parameter| parameter["in"] == "body");
                if let (Some(of), Some(body)) = (type_of(path), body) {
                    puts.insert(of, Schema { file, node: &body["schema"] });
                }
            }
        }
        puts
    }

    /// The schema itself, at the end of its references.
    fn resolved<'a>(&'a self, schema: Schema<'a>) -> Schema<'a> {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let Some(reference) = schema.node["$ref"].as_str() else { return schema };
            let (document, pointer) = reference.split_once('#').unwrap();
            let wanted = if document.is_empty() {
                schema.file.to_owned()
            } else {
                beside(schema.file, document)
            };
            let found = self.documents.get_key_value(&wanted);
            let (file, root) = found.unwrap_or_else(|| panic!("{reference} is not at hand"));
            let node = root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"));
            schema = Schema { file, node };
        }
        panic!("references without end at {}", schema.node["$ref"]);
    }

    fn members<'a>(&'a self, schema: Schema<'a>, members: &mut Members<'a>) {
        let Schema { file, node } = self.resolved(schema);
        for parent in node["allOf"].as_array().into_iter().flatten() {
            self.members(Schema { file, node: parent }, members);
        }
        for (name, node) in node["properties"].as_object().into_iter().flatten() {
            members.properties.insert(name, Schema { file, node });
        }
        members
            .required
            .extend(node["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        if let Some(node) = node.get("additionalProperties") {
            members.additional = Some(Schema { file, node });
        }
    }

    /// Only Azure writes it: said of the property itself, or of the type that it has.
    fn read_only(&self, schema: Schema<'_>) -> bool {
        schema.node["readOnly"] == true || self.resolved(schema).node["readOnly"] == true
    }

    fn check(&self, schema: Schema<'_>, value: &Value, path: &str, found: &mut Findings) {
        assert!(path.split('/').count() < DEEPEST, "a body without end: {path}");
        let Schema { file, node } = self.of_kind(self.resolved(schema), value);
        // What a secret's placeholder becomes when it is sent.
        let key = Value::from("a key");
        let value = if SecretRef::from_placeholder(value).is_some() { &key } else { value };
        if value.is_null() && (schema.node["x-nullable"] == true || node["x-nullable"] == true) {
            return;
        }
        let said = node["type"].as_str();
        let object = node.get("properties").is_some() || node.get("allOf").is_some();
        let of = said.or(object.then_some("object"));
        if let Some(of) = of
            && !is_a(of, value)
        {
            found.wrong.push(format!("{path}: {value} is not of the type {of}"));
            return;
        }
        if let Some(words) = node["enum"].as_array()
            && !words.iter().any(|word| is_word(word, value))
        {
            let why = format!("{path}: {value} is none of {}", node["enum"]);
            let open = node["x-ms-enum"]["modelAsString"] == true;
            if open { found.unusual.push(why) } else { found.wrong.push(why) }
        }
        if let Some(list) = value.as_array()
            && let Some(node) = node.get("items")
        {
            for (place, item) in list.iter().enumerate() {
                self.check(Schema { file, node }, item, &format!("{path}/{place}"), found);
            }
        }
        if let Some(map) = value.as_object() {
            self.check_object(Schema { file, node }, map, path, found);
        }
    }

    /// The schema of the kind that a value says it is, where the published one is of many kinds.
    fn of_kind<'a>(&'a self, schema: Schema<'a>, value: &Value) -> Schema<'a> {
        let kind = schema.node["discriminator"].as_str().and_then(|key| value.get(key)?.as_str());
        let Some(kind) = kind else { return schema };
        let all = self.documents[schema.file]["definitions"].as_object().into_iter().flatten();
        // Requests and answers have kinds of the same name: the right one inherits from this.
        let inherits = |node: &'a Value| {
            let parents = node["allOf"].as_array().into_iter().flatten();
            let mut parents = parents.map(|node| self.resolved(Schema { file: schema.file, node }));
            parents.any(|parent| std::ptr::eq(parent.node, schema.node))
        };
        let mut own =
            all.filter(|(_, node)| node["x-ms-discriminator-value"] == kind && inherits(node));
        own.next().map_or(schema, |(_, node)| Schema { file: schema.file, node })
    }

    fn check_object(
        &self,
        schema: Schema<'_>,
        map: &serde_json::Map<String, Value>,
        path: &str,
        found: &mut Findings,
    ) {
        let mut members = Members::default();
        self.members(schema, &mut members);
        // A mere reference by id stands for the whole resource, whatever that one requires.
        let by_id = map.len() == 1 && map.get("id").is_some_and(Value::is_string);
        if by_id && !path.is_empty() && members.properties.contains_key("id") {
            return;
        }
        for name in members.required.iter().filter(|name| !map.contains_key(**name)) {
            let known = members.properties.get(name);
            if !known.is_some_and(|schema| self.read_only(*schema)) {
                found.wrong.push(format!("{path}/{name}: is required and not there"));
            }
        }
        // A schema that names no property at all says nothing about them.
        let open = members.properties.is_empty() && members.additional.is_none();
        for (name, value) in map {
            let below = format!("{path}/{name}");
            match (members.properties.get(name.as_str()), members.additional) {
                (Some(known), _) if !self.answers && self.read_only(*known) => {
                    found.wrong.push(format!("{below}: only Azure writes it"));
                }
                (Some(known), _) => self.check(*known, value, &below, found),
                (None, Some(other)) if other.node.is_object() => {
                    self.check(other, value, &below, found);
                }
                (None, Some(other)) if other.node == true => {}
                (None, _) if open => {}
                (None, _) => found.wrong.push(format!("{below}: {UNKNOWN}")),
            }
        }
    }

    fn put(&self, resource: &ResourceId) -> Schema<'_> {
        let of = resource.resource_type().to_string().to_ascii_lowercase();
        *self.puts().get(&of).unwrap_or_else(|| panic!("nobody can PUT a {of}"))
    }

    /// Holds an answer against what is published for its method, path and status; nothing where nothing is.
    pub(crate) fn answered(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Option<Findings> {
        let fits = |template: &str| {
            let (own, theirs): (Vec<&str>, Vec<&str>) =
                (path.split('/').collect(), template.split('/').collect());
            own.len() == theirs.len()
                && own
                    .iter()
                    .zip(theirs)
                    .all(|(own, word)| word.starts_with('{') || own.eq_ignore_ascii_case(word))
        };
        let is_vault = |file: &Path| file.iter().any(|part| part == "Microsoft.RecoveryServices");
        let documents = self
            .documents
            .iter()
            .filter(|(file, _)| file.starts_with(&self.network) || is_vault(file));
        let (file, operation) = documents
            .flat_map(|(file, document)| {
                let paths = document["paths"].as_object().into_iter().flatten();
                paths.map(move |(template, operations)| (file, template, operations))
            })
            .filter(|(_, template, operations)| fits(template) && operations.get(method).is_some())
            .map(|(file, _, operations)| (file, &operations[method]))
            .next()?;
        let responses = &operation["responses"];
        let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        let node = response.get("schema")?;
        let mut found = Findings::default();
        self.check(Schema { file, node }, body, "", &mut found);
        Some(found)
    }

    /// Holds a body against the PUT of its resource's type.
    fn validate(&self, resource: &ResourceId, body: &Value) -> Findings {
        let mut found = Findings::default();
        self.check(self.put(resource), body, "", &mut found);
        found
    }

    /// The properties that clients may write, that were shown, and that are not in what is put back.
    fn lost(&self, resource: &ResourceId, shown: &Value, back: &Value) -> Vec<String> {
        let (mut whole, mut members) = (Members::default(), Members::default());
        self.members(self.put(resource), &mut whole);
        self.members(whole.properties["properties"], &mut members);
        let names = shown.as_object().into_iter().flatten().map(|(name, _)| name);
        let lost = names.filter(|name| {
            let known = members.properties.get(name.as_str());
            known.is_some_and(|known| !self.read_only(*known)) && back.get(name).is_none()
        });
        lost.cloned().collect()
    }
}

/// The path of another document, as a reference names it.
fn beside(file: &Path, reference: &str) -> PathBuf {
    let mut path = file.parent().unwrap().to_owned();
    for part in Path::new(reference).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{reference} leads out"),
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path
}

/// The resource type of an operation's path, if the path is that of a resource.
fn type_of(path: &str) -> Option<String> {
    let (_, after) = path.rsplit_once("/providers/")?;
    let parts: Vec<&str> = after.split('/').collect();
    let named = parts.iter().skip(2).step_by(2).all(|part| part.starts_with('{'));
    let types = parts.iter().skip(1).step_by(2);
    let text: Vec<&str> = parts.iter().take(1).chain(types).copied().collect();
    (named && parts.len() % 2 == 1).then(|| text.join("/").to_ascii_lowercase())
}

fn is_a(of: &str, value: &Value) -> bool {
    match of {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a schema of the type {other}"),
    }
}

/// Azure reads the words of an enumeration without their case.
fn is_word(word: &Value, value: &Value) -> bool {
    match (word.as_str(), value.as_str()) {
        (Some(word), Some(value)) => word.eq_ignore_ascii_case(value),
        _ => word == value,
    }
}

/// Every body that a run wrote, and every one that it would put back.
fn bodies(events: &[Recorded]) -> Vec<(ResourceId, Value)> {
    let mut bodies = Vec::new();
    for recorded in events {
        let Event::Intended { intent, .. } = &recorded.event else { continue };
        if let Some(body) = &intent.write.body {
            bodies.push((intent.write.resource.azure().unwrap().clone(), body.clone()));
        }
        if let Undo::Restore { resource, body } = &intent.undo {
            bodies.push((resource.clone(), body.clone()));
        }
    }
    bodies
}

fn assert_valid(specs: &Specs, about: &str, bodies: &[(ResourceId, Value)]) {
    let mut wrong = BTreeSet::new();
    for (resource, body) in bodies {
        let found = specs.validate(resource, body);
        for one in &found.unusual {
            // Past the capture of the test harness: a warning is seen.
            let told = format!("{about}: {}: unusual: {one}\n", resource.name());
            drop(std::io::stderr().write_all(told.as_bytes()));
        }
        wrong.extend(found.wrong.into_iter().map(|one| format!("{}: {one}", resource.name())));
    }
    assert!(wrong.is_empty(), "{about}: {wrong:#?}");
}

#[tokio::test]
async fn every_body_of_a_drill_and_of_its_undo_is_as_published() {
    let Some(specs) = Specs::open() else { return };
    let lab = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let undo = Command::Undo { by: "a person".into(), reason: None };
    assert_eq!(Lab::outcome_of(lab.drive(Some(undo)).await), RunOutcome::Undone);
    let bodies = bodies(&lab.journal.events());
    assert_valid(&specs, "a drill", &bodies);
    // Each resource that an action writes was among them.
    let seen: BTreeSet<&ResourceId> = bodies.iter().map(|(resource, _)| resource).collect();
    for step in lab.plan.steps() {
        if let Some(resource) = step.action.written() {
            assert!(seen.contains(resource), "{} wrote nothing", step.name);
        }
    }
    let kinds: BTreeSet<String> =
        seen.iter().map(|id| id.resource_type().to_string().to_ascii_lowercase()).collect();
    assert!(kinds.iter().map(String::as_str).eq(WRITTEN), "{kinds:?}");
}

/// Of hubs the published document is a file of its own, which may not be at hand.
#[tokio::test]
async fn every_body_of_a_virtual_wan_and_of_its_undo_is_as_published() {
    let Some(specs) = Specs::open() else { return };
    if !specs.puts().contains_key("microsoft.network/virtualhubs") {
        return;
    }
    for runbook in ["vwan-dr-circuit.yaml", "vwan-dr-circuit-failback.yaml"] {
        let lab = Stage::of(runbook, "drill").await.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let undo = Command::Undo { by: "a person".into(), reason: None };
        assert_eq!(Lab::outcome_of(lab.drive(Some(undo)).await), RunOutcome::Undone);
        let bodies = bodies(&lab.journal.events());
        assert!(bodies.len() > 5, "{runbook}: {}", bodies.len());
        assert_valid(&specs, runbook, &bodies);
    }
}

/// A resource that failed is written again as Azure shows it: the body is Azure's own, merged.
#[tokio::test]
async fn what_is_written_back_after_a_failure_is_as_published() {
    let Some(specs) = Specs::open() else { return };
    let plan = shipped_plan();
    for step in plan.steps() {
        let Some(resource) = step.action.written() else { continue };
        let lab = Lab::new(plan.clone(), &shipped_world());
        lab.world.lock().unwrap().add_fault(Fault::new(
            Some("PUT"),
            resource.as_str(),
            1,
            FaultEffect::Fail { code: "InternalServerError".to_owned() },
        ));
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "{}", step.name);
        let bodies = bodies(&lab.journal.events());
        let again = bodies.iter().filter(|(id, _)| id == resource).count();
        assert!(again >= 2, "{} was written once only", step.name);
        assert_valid(&specs, step.name.as_str(), &bodies);
    }
}

/// Keys that recorded answers have and the published documents do not: Azure says more than it publishes.
const SAID_AND_NOT_PUBLISHED: [&str; 13] = [
    "/etag",
    "/properties/enableVmProtection",
    "/properties/gatewayManagerEtag",
    "/properties/ipConfigurations/*/type",
    "/properties/isMigrateToCSES",
    "/properties/packetCaptureDiagnosticState",
    "/properties/peerCompleteVnets",
    "/properties/provisioningState",
    "/properties/remoteGateways",
    "/properties/resourceGuid",
    "/properties/routeServiceVips",
    "/properties/stag",
    "/type",
];

/// Every body that the simulated Azure shows is one that Azure publishes, but for what it says besides.
#[tokio::test]
async fn what_the_simulator_shows_is_as_published() {
    let Some(specs) = Specs::open() else { return };
    let lab = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let ids: Vec<ResourceId> = lab.world.lock().unwrap().ids().cloned().collect();
    let puts = specs.puts();
    let (mut wrong, mut seen) = (BTreeSet::new(), 0);
    for id in ids {
        if !puts.contains_key(&id.resource_type().to_string().to_ascii_lowercase()) {
            continue;
        }
        let url = format!("https://management.azure.com{id}?api-version=2024-03-01");
        let request = WireRequest {
            method: Method::Get,
            url: url.parse().unwrap(),
            headers: Headers::new(),
            body: bytes::Bytes::new(),
        };
        let answer = lab.world.lock().unwrap().answer(&request, lab.now()).0.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        seen += 1;
        for one in specs.validate(&id, &body).wrong {
            let (path, why) = one.split_once(": ").unwrap();
            let known = path
                .split('/')
                .map(|part| if part.parse::<u32>().is_ok() { "*" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let said = SAID_AND_NOT_PUBLISHED.iter().any(|own| known.ends_with(own));
            // An answer may hold what only Azure writes.
            if why != "only Azure writes it" && !(said && why == UNKNOWN) {
                wrong.insert(format!("{}: {known}: {why}", id.resource_type()));
            }
        }
    }
    assert!(seen > 30, "{seen} bodies are too few");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Properties that the specification lets clients write and that are still left out: what Azure finds
/// out by itself, and the keys, which stay where they are.
const LEFT_OUT: [&str; 7] = [
    "authorizationKey",
    "authorizationUseStatus",
    "peeringState",
    "peeringSyncLevel",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "sharedKey",
];

/// What is put back is what Azure showed, without what only Azure writes. Azure shows more than it
/// publishes: what is not known survives on purpose, and does not count here.
#[test]
fn a_recorded_resource_is_put_back_as_published() {
    let (Some(specs), (all, _)) = (Specs::open(), recorded()) else { return };
    let action = Action::General(General::Wait { duration: Duration::from_secs(1) });
    let (mut wrong, mut lost, mut held) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for one in all.iter().filter(|one| one.method == "GET" && one.response.status == 200) {
        let Ok(body) = serde_json::from_slice::<Value>(&one.response.body) else { continue };
        let Some(Ok(resource)) = body["id"].as_str().map(ResourceId::parse) else { continue };
        let kind = resource.resource_type().to_string().to_ascii_lowercase();
        if !WRITTEN.contains(&kind.as_str()) {
            continue;
        }
        let undo = Undo::Delete { resource: resource.clone() };
        let goal = Goal::Undo { action: &action, undo: &undo, rest: &[] };
        let Assessed::Change(change) = observe(&goal, &body) else { continue };
        held.insert(kind.clone());
        let back = &change.changes[0].before;
        lost.extend(specs.lost(&resource, &body["properties"], &back["properties"]));
        let found = specs.validate(&resource, back).wrong;
        let found = found.into_iter().filter(|finding| !finding.ends_with(UNKNOWN));
        wrong.extend(found.map(|finding| format!("{kind}: {finding} ({})", one.file)));
    }
    assert!(held.iter().eq(&WRITTEN), "{held:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lost.iter().eq(&LEFT_OUT), "a write takes away: {lost:#?}");
}

#[test]
fn a_wrong_body_is_found() {
    let Some(specs) = Specs::open() else { return };
    let id = |kind: &str| {
        ResourceId::parse(&format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}"
        ))
        .unwrap()
    };
    let wrong = |kind: &str, body: Value| specs.validate(&id(kind), &body).wrong;
    let table = |properties: Value| wrong("routeTables/rt", json!({ "properties": properties }));
    let none: Vec<String> = Vec::new();
    assert_eq!(table(json!({ "disableBgpRoutePropagation": true })), none);
    assert_eq!(table(json!({ "disableBgp": true })), ["/properties/disableBgp: is not known"]);
    assert_eq!(
        table(json!({ "disableBgpRoutePropagation": "true" })),
        ["/properties/disableBgpRoutePropagation: \"true\" is not of the type boolean"]
    );
    assert_eq!(
        table(json!({ "provisioningState": "Succeeded" })),
        ["/properties/provisioningState: only Azure writes it"]
    );
    // Inherited, across documents.
    assert_eq!(wrong("routeTables/rt", json!({ "type": "t" })), ["/type: only Azure writes it"]);
    assert_eq!(
        wrong("routeTables/rt", json!({ "tags": { "owner": 1 } })),
        ["/tags/owner: 1 is not of the type string"]
    );
    assert_eq!(
        table(
            json!({ "routes": [{ "name": "a", "properties": { "addressPrefix": "10.0.0.0/8" } }] })
        ),
        ["/properties/routes/0/properties/nextHopType: is required and not there"]
    );
    // A resource inside another is a mere reference, or it is held against all of its own schema.
    let subnet = |table: Value| {
        wrong("virtualNetworks/v/subnets/s", json!({ "properties": { "routeTable": table } }))
    };
    assert_eq!(subnet(json!({ "id": "x" })), none);
    assert_eq!(
        subnet(json!({ "id": "x", "name": "rt" })),
        ["/properties/routeTable/name: only Azure writes it"]
    );
    // An open enumeration may have words that are newer than the specification.
    let hop = |word: &str| {
        let route = json!({ "name": "a", "properties": { "nextHopType": word } });
        specs.validate(&id("routeTables/rt"), &json!({ "properties": { "routes": [route] } }))
    };
    assert!(hop("virtualappliance").unusual.is_empty());
    let newer = hop("Elsewhere");
    assert_eq!((newer.wrong.len(), newer.unusual.len()), (0, 1), "{newer:?}");
    // The place of a key takes its placeholder, and any other object is none.
    let connection = |key: Value| {
        let gateway = json!({ "id": "gw" });
        let properties = json!({
            "connectionType": "ExpressRoute", "virtualNetworkGateway1": gateway, "authorizationKey": key
        });
        wrong("connections/c", json!({ "properties": properties }))
    };
    assert_eq!(connection(SecretRef::Param("dr_key".to_owned()).placeholder()), none);
    assert_eq!(connection(json!({ "value": "k" })).len(), 1);
}
