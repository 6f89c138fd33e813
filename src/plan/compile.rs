//! From text to plan: the passes in order, and every problem found.

use std::collections::BTreeMap;

use super::durations;
use super::given::{self, DeclaredParam, Given, GivenValues};
use super::params::{self, ParamSources, Params};
use super::reader::{Fields, Read, Reader};
use super::rules::RULES;
use super::scope::Scope;
use super::steps::{self, Defaults, PlacedStep};
use crate::model::probe::Vantage;
use crate::model::tenant::is_tenant;
use crate::model::{
    Answer, Messages, Objective, Owner, People, Plan, PlanParts, Prose, Region, Role, RunbookName,
};
use crate::runbook::grammar::{self, Field, Kind, RUNBOOK};
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, SourceFile, Span, did_you_mean, tree};

/// What a runbook is compiled with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// The profile's name; none for the parameters' defaults.
    pub profile: Option<String>,
    /// A profile that is used if the runbook has it, when none was asked for.
    pub default_profile: Option<String>,
    /// Values of parameters from outside the runbook; the later goes before the earlier.
    pub given: Vec<Given>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compiled {
    /// The plan, if there was no error.
    pub plan: Option<Plan>,
    /// The profile's world, as written: relative to the runbook.
    pub world: Option<String>,
    /// The runbook whose drill leads to where the profile's begins, as written.
    pub after: Option<String>,
    /// The regions that are up again by then.
    pub returns: Vec<Region>,
    /// The files beside it that it names, for another day: its worlds and the runbook that leads home.
    pub files: Vec<NamedFile>,
    /// The runbook's profiles.
    pub profiles: Vec<String>,
    /// The profile that it was compiled under.
    pub profile: Option<String>,
    /// Its parameters, with what they have now.
    pub params: Vec<DeclaredParam>,
    /// What is wrong, and what should be looked at.
    pub diagnostics: Diagnostics,
}

/// A file that a runbook names and that compiling does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// The key that names it.
    pub key: &'static str,
    /// Its path as written: relative to the runbook.
    pub path: String,
    /// Where that is written.
    pub span: Span,
}

/// Compiles a runbook.
#[must_use]
pub fn compile(source: &SourceFile, options: &CompileOptions) -> Compiled {
    let mut diagnostics = Diagnostics::default();
    let root = tree::read(source, &mut diagnostics);
    let mut parts = BTreeMap::new();
    let mut unread = BTreeMap::new();
    for path in root.iter().flat_map(tree::uses) {
        unread.insert(path.clone(), source.missed(&path).unwrap_or("it was not read").to_owned());
    }
    for path in source.parts() {
        let span = source.part(path).unwrap_or_default();
        if let Some(part) = tree::read_part(source, span.clone(), &mut diagnostics) {
            unused(&source.text()[span], &part, &mut diagnostics);
            parts.insert(path.to_owned(), part);
        }
    }
    let given = given::read(source, &options.given, &mut diagnostics);
    let mut compiled = Compiled { diagnostics: Diagnostics::default(), ..Compiled::default() };
    if let Some(root) = root {
        let mut compiler = Compiler {
            reader: Reader {
                diagnostics: &mut diagnostics,
                doubts: true,
                parts: &parts,
                unread: &unread,
                roles: Vec::new(),
                vantages: Vec::new(),
            },
            options,
            given: &given,
            compiled: &mut compiled,
        };
        let parts = compiler.parts(&root);
        unused(&source.text()[source.own()], &root, &mut diagnostics);
        if let (Some(parts), false) = (parts, diagnostics.has_errors()) {
            match Plan::new(parts) {
                Ok(plan) => compiled.plan = Some(plan),
                // The rules have said all of these with their places; this is the net below them.
                Err(error) => {
                    diagnostics.push(Diagnostic::error(Code::Cycle, 0..0, format!("{error}.")));
                }
            }
        }
    }
    compiled.diagnostics = diagnostics;
    compiled
}

struct Compiler<'c, 'd> {
    reader: Reader<'d>,
    options: &'c CompileOptions,
    given: &'c GivenValues,
    compiled: &'c mut Compiled,
}

/// The fields of the objects in a mapping under a key of the runbook.
fn names_fields(key: &str) -> &'static [Field] {
    match grammar::field(RUNBOOK, key).map(|field| &field.kind) {
        Some(Kind::Names(Kind::Object(fields))) => fields,
        _ => &[],
    }
}

/// The fields of an object under a key of the runbook.
pub(super) fn object_fields(key: &str) -> &'static [Field] {
    match grammar::field(RUNBOOK, key).map(|field| &field.kind) {
        Some(Kind::Object(fields)) => fields,
        _ => &[],
    }
}

impl Compiler<'_, '_> {
    fn parts(&mut self, root: &Node) -> Option<PlanParts> {
        let fields = self.reader.fields(root, RUNBOOK, "A runbook")?;
        let name = self.runbook_name(&fields);
        let title = self.text(&fields, "title");
        let owner = self.owner(&fields);
        let empty = Scope::default();
        let objective = self.objective(&fields);
        let description =
            fields.get("description").and_then(|(_, n)| self.reader.text(n, "`description`"));
        let not_when = fields.get("not_when").and_then(|(_, n)| self.reader.text(n, "`not_when`"));
        let profile_name = self.profile_name(&fields);
        let profile = profile_name.as_ref().and_then(|name| fields.get("profiles")?.1.get(name));
        let profile_fields =
            profile.and_then(|node| self.reader.fields(node, grammar::PROFILE, "The profile"));
        let values = ParamSources {
            profile: profile_fields.as_ref().and_then(|f| f.get("params")).map(|(_, node)| *node),
            given: self.given,
            bound: None,
        };
        let mut params =
            params::read(&mut self.reader, fields.get("params").map(|(_, n)| *n), &values);
        self.compiled.params = std::mem::take(&mut params.declared);
        self.compiled.profile.clone_from(&profile_name);
        let (people, profile_deadline) = self.profile(profile_fields.as_ref());
        let tenants = self.tenants(profile_fields.as_ref());
        let deadline = durations::limit(&mut self.reader, &fields, "deadline", &empty);
        let roles = self.roles(&fields);
        self.reader.roles = roles.keys().cloned().collect();
        self.reader.vantages = self.vantages(&fields, &params.scope);
        let trust_names = self.trusts_names(&fields);
        let failback = self.file(&fields, "failback");
        let source_region = self.source_region(&fields, &params.scope);
        let messages = self.messages(&fields, &params);
        let drill_every = durations::limit(&mut self.reader, &fields, "drill_every", &empty);
        let steps = self.steps(&fields, &params);
        Some(PlanParts {
            runbook: name?,
            title: title?,
            owner,
            objective,
            profile: profile_name,
            params: shown(&params),
            secrets: params.sources,
            tenants,
            roles,
            trust_names,
            source_region,
            failback,
            people,
            deadline: profile_deadline.or(deadline),
            drill_every,
            messages,
            prose: Prose { why: description, not_when, ..Prose::default() },
            steps: steps?.into_iter().map(|placed| placed.step).collect(),
        })
    }

    fn objective(&mut self, fields: &Fields<'_>) -> Objective {
        match fields.get("objective") {
            Some((_, node)) => self
                .reader
                .fields(node, object_fields("objective"), "`objective`")
                .map(|fields| Objective {
                    rto: durations::limit(&mut self.reader, &fields, "rto", &Scope::default()),
                })
                .unwrap_or_default(),
            None => Objective::default(),
        }
    }

    fn source_region(&mut self, fields: &Fields<'_>, scope: &Scope) -> Option<Region> {
        let (_, node) = fields.get("source_region")?;
        let read = self.reader.value(node, &Kind::Region, scope, "`source_region`")?;
        match read {
            Read::Value(value) => Region::parse(value.as_str()?).ok(),
            Read::Secret(_) => None,
        }
    }

    fn messages(&mut self, fields: &Fields<'_>, params: &Params) -> Messages {
        let notify = fields.get("notify").map(|(_, node)| *node);
        let page = self.text(fields, "page").zip(fields.get("page").map(|(_, node)| *node));
        super::messages::of_runbook(&mut self.reader, notify, page, &params.scope, &params.sources)
    }

    fn text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let (_, node) = fields.get(key)?;
        self.reader.text(node, &format!("`{key}`"))
    }

    /// The path of a file that is read on another day.
    fn file(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<String> {
        let path = self.text(fields, key)?;
        let (_, node) = fields.get(key)?;
        self.compiled.files.push(NamedFile { key, path: path.clone(), span: node.span.clone() });
        Some(path)
    }

    fn runbook_name(&mut self, fields: &Fields<'_>) -> Option<RunbookName> {
        let text = self.text(fields, "runbook")?;
        match RunbookName::parse(&text) {
            Ok(name) => Some(name),
            Err(error) => {
                let (_, node) = fields.get("runbook")?;
                self.reader.error(Code::BadName, &node.span, format!("The {error}."));
                None
            }
        }
    }

    fn owner(&mut self, fields: &Fields<'_>) -> Option<Owner> {
        let (_, node) = fields.get("owner")?;
        let fields = self.reader.fields(node, object_fields("owner"), "`owner`")?;
        Some(Owner { team: self.text(&fields, "team")?, contact: self.text(&fields, "contact") })
    }

    fn profile_name(&mut self, fields: &Fields<'_>) -> Option<String> {
        let entries = fields.get("profiles").and_then(|(_, node)| node.map()).unwrap_or_default();
        for (key, node) in entries {
            self.reader.name(key, "a profile");
            // Those that are not used now must be right as well.
            self.reader.fields(node, grammar::PROFILE, "The profile");
        }
        self.compiled.profiles = entries.iter().map(|(key, _)| key.text.clone()).collect();
        let known = |name: &String| self.compiled.profiles.contains(name);
        match &self.options.profile {
            Some(name) if known(name) => Some(name.clone()),
            Some(name) => {
                let names = self.compiled.profiles.iter().map(String::as_str);
                let help = match did_you_mean(name, names.clone()) {
                    Some(meant) => format!("Did you mean `{meant}`?"),
                    None => format!("It has {}.", names.collect::<Vec<_>>().join(", ")),
                };
                let span = fields.get("profiles").map_or(0..0, |(key, _)| key.span.clone());
                let message = format!("The runbook has no profile `{name}`.");
                self.reader.error_with(Code::UnknownProfile, &span, message, help);
                None
            }
            None => self.options.default_profile.clone().filter(known),
        }
    }

    fn profile(
        &mut self,
        fields: Option<&Fields<'_>>,
    ) -> (Option<People>, Option<std::time::Duration>) {
        let Some(fields) = fields else {
            return (None, None);
        };
        let empty = Scope::default();
        self.compiled.world = self.file(fields, "world");
        self.compiled.after = self.file(fields, "after");
        if let Some((_, node)) = fields.get("returns")
            && let Some(Read::Value(serde_json::Value::Array(list))) =
                self.reader.value(node, &Kind::OneOrMany(&Kind::Region), &empty, "`returns`")
        {
            let names = list.iter().filter_map(serde_json::Value::as_str);
            self.compiled.returns = names.filter_map(|name| Region::parse(name).ok()).collect();
        }
        let deadline = durations::limit(&mut self.reader, fields, "deadline", &empty);
        let Some((_, node)) = fields.get("people") else {
            return (None, deadline);
        };
        let people_fields = match grammar::field(grammar::PROFILE, "people").map(|f| &f.kind) {
            Some(Kind::Object(fields)) => *fields,
            _ => &[],
        };
        let Some(found) = self.reader.fields(node, people_fields, "`people`") else {
            return (None, deadline);
        };
        let approve = durations::duration(&mut self.reader, &found, "approve_after", &empty);
        let decline = durations::duration(&mut self.reader, &found, "decline_after", &empty);
        let absent = found.get("absent").is_some_and(|(_, node)| {
            matches!(
                self.reader.value(node, &Kind::Bool, &empty, "`absent`"),
                Some(Read::Value(serde_json::Value::Bool(true)))
            )
        });
        let people = match (approve, decline, absent) {
            (_, _, true) => Some((std::time::Duration::ZERO, Answer::Absent)),
            (_, Some(after), false) => Some((after, Answer::Decline)),
            (Some(after), None, false) => Some((after, Answer::Approve)),
            (None, None, false) => None,
        };
        let mut choices = BTreeMap::new();
        let chosen = found.get("choices").and_then(|(_, node)| node.map()).unwrap_or_default();
        for (key, node) in chosen {
            if let Some(choice) = self.reader.text(node, "`choices`") {
                choices.insert(key.text.clone(), choice);
            }
        }
        let people = people.map(|(answer_after, answer)| People { answer_after, answer, choices });
        (people, deadline)
    }

    /// Whose subscriptions are whose, as the profile says.
    fn tenants(&mut self, fields: Option<&Fields<'_>>) -> BTreeMap<String, String> {
        let entries = fields.and_then(|fields| fields.get("tenants")?.1.map()).unwrap_or_default();
        let mut all = BTreeMap::new();
        for (key, node) in entries {
            let subscription = key.text.to_ascii_lowercase();
            let Some(tenant) = self.reader.text(node, "A tenant") else { continue };
            if !is_tenant(&tenant) || !is_tenant(&subscription) {
                let message =
                    format!("`{}: {tenant}` names no subscription and its tenant.", key.text);
                let help = "Write the subscription's id, and the tenant's id or domain.";
                self.reader.error_with(Code::BadName, &node.span, message, help.to_owned());
                continue;
            }
            if all.insert(subscription, tenant).is_some() {
                let message = format!("The subscription {} is given twice.", key.text);
                self.reader.error(Code::BadName, &key.span, message);
            }
        }
        all
    }

    fn steps(&mut self, fields: &Fields<'_>, params: &Params) -> Option<Vec<PlacedStep>> {
        let (_, node) = fields.get("steps")?;
        let mut scope = params.scope.clone();
        let defaults = steps::defaults(&mut self.reader, fields, &scope, Defaults::default());
        let placed = steps::compile(&mut self.reader, node, &mut scope, &defaults)?;
        for rule in RULES {
            (rule.judge)(&placed, self.reader.diagnostics);
        }
        Some(placed)
    }

    /// Whether people are counted by the names they give.
    fn trusts_names(&mut self, fields: &Fields<'_>) -> bool {
        let Some((_, node)) = fields.get("people") else { return false };
        let Some(fields) = self.reader.fields(node, object_fields("people"), "`people`") else {
            return false;
        };
        let Some((_, node)) = fields.get("trust_names") else { return false };
        let read = self.reader.value(node, &Kind::Bool, &Scope::default(), "`trust_names`");
        matches!(read, Some(Read::Value(serde_json::Value::Bool(true))))
    }

    /// Where probes may look from.
    fn vantages(&mut self, fields: &Fields<'_>, scope: &Scope) -> Vec<Vantage> {
        let mut vantages = Vec::new();
        let node = fields.get("vantages").map(|(_, node)| *node);
        let kind = Kind::Object(names_fields("vantages"));
        for (key, node) in node.and_then(Node::map).unwrap_or_default() {
            if !self.reader.name(key, "a vantage") {
                continue;
            }
            let read = self.reader.value(node, &kind, scope, "A vantage");
            let Some(Read::Value(value)) = read else { continue };
            match super::outside::vantage_of(&key.text, &value) {
                Ok(vantage) => vantages.push(vantage),
                Err(message) => self.reader.error(Code::BadValue, &node.span, message),
            }
        }
        vantages
    }

    /// Who may answer which gates.
    fn roles(&mut self, fields: &Fields<'_>) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        let node = fields.get("roles").map(|(_, node)| *node);
        let empty = Scope::default();
        for (key, node) in node.and_then(Node::map).unwrap_or_default() {
            if !self.reader.name(key, "a role") {
                continue;
            }
            let Some(fields) = self.reader.fields(node, names_fields("roles"), "A role") else {
                continue;
            };
            let people = fields.get("people").and_then(|(_, node)| {
                let kind = Kind::OneOrMany(&Kind::Text);
                self.reader.value(node, &kind, &empty, "`people`")
            });
            let people = match people {
                Some(Read::Value(serde_json::Value::Array(list))) => {
                    list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
                }
                Some(Read::Value(serde_json::Value::String(name))) => vec![name],
                _ => Vec::new(),
            };
            let role = Role {
                description: self.text(&fields, "description"),
                people,
                contact: self.text(&fields, "contact"),
            };
            roles.insert(key.text.clone(), role);
        }
        roles
    }
}

/// The parameters as the plan shows them.
fn shown(params: &Params) -> BTreeMap<String, String> {
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    params.scope.params.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Parameters that nothing refers to.
fn unused(text: &str, root: &Node, diagnostics: &mut Diagnostics) {
    // Without steps nothing can be used, and that there are none is said already.
    if root.get("steps").and_then(Node::map).is_none_or(<[_]>::is_empty) {
        return;
    }
    for (key, _) in root.get("params").and_then(Node::map).unwrap_or_default() {
        let reference = format!("params.{}", key.text);
        let by_index = format!("params[\"{}\"]", key.text);
        let used = text.match_indices(&reference).any(|(at, _)| {
            !text[at + reference.len()..]
                .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        }) || text.contains(&by_index);
        if !used {
            let message = format!("The parameter `{}` is not used.", key.text);
            diagnostics.push(Diagnostic::warning(Code::UnusedParam, key.span.clone(), message));
        }
    }
}
