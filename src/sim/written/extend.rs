//! What does a world say that changes another? One tree, in which each node stands where it was written.

use std::collections::BTreeSet;

use crate::runbook::tree::{self, Key};
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, NodeValue, SourceFile, Span};

/// How many worlds may extend one another; more is most likely one that extends itself.
const EXTENDS_MAX: usize = 4;

/// Opens a world that another one names.
pub(super) type OpenWorld<'o> = dyn Fn(&str) -> Result<SourceFile, String> + 'o;

/// The tree of a world, with what it extends under it.
pub(super) fn whole(
    source: &mut SourceFile,
    span: Span,
    open: &OpenWorld<'_>,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let root = tree::read_part(source, span, diagnostics)?;
    twice(&root, diagnostics);
    let Some(extends) = root.get("extends").filter(|node| !node.is_null()) else {
        if let Some(without) = root.get("without").filter(|node| !node.is_null()) {
            let message = "`without` takes resources out of the world that this one extends, and it extends none.";
            diagnostics.push(
                Diagnostic::error(Code::Extends, without.span.clone(), message)
                    .with_help("Add `extends: FILE`, or leave it out."),
            );
        }
        return Some(root);
    };
    let mut wrong = |message: String, help: Option<&str>| {
        let mut diagnostic = Diagnostic::error(Code::Extends, extends.span.clone(), message);
        diagnostic.help = help.map(str::to_owned);
        diagnostics.push(diagnostic);
    };
    let NodeValue::Scalar { text: path, .. } = &extends.value else {
        wrong(
            format!("`extends` must be the path of a world, and this is {}.", extends.kind()),
            None,
        );
        return None;
    };
    if depth >= EXTENDS_MAX {
        let message = format!("`extends: {path}` is {EXTENDS_MAX} worlds deep; is it a circle?");
        wrong(message, Some("Let one of them stand by itself."));
        return None;
    }
    let part = match open(path) {
        Ok(part) => part,
        Err(why) => {
            let message = format!("`extends: {path}` cannot be used: {why}.");
            wrong(message, Some("Name a world that lies beside this file, or in a folder there."));
            return None;
        }
    };
    let written = format!("{depth} {path}");
    source.add_part(&written, &part);
    let span = source.part(&written)?;
    let base = whole(source, span, open, depth + 1, diagnostics)?;
    Some(over(root, base, diagnostics))
}

/// The id of an item of a list, as ids are compared.
fn id(node: &Node) -> Option<String> {
    match &node.get("id")?.value {
        NodeValue::Scalar { text, .. } => Some(text.trim_end_matches('/').to_ascii_lowercase()),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}

/// Says which ids stand twice in one list of one file.
fn twice(root: &Node, diagnostics: &mut Diagnostics) {
    for (list, what) in [("resources", "resource"), ("resource_groups", "resource group")] {
        let Some(NodeValue::List(items)) = root.get(list).map(|node| &node.value) else { continue };
        let mut seen = BTreeSet::new();
        for item in items {
            let Some(id) = id(item).filter(|id| !seen.insert(id.clone())) else { continue };
            let span = item.get("id").map_or(item.span.clone(), |node| node.span.clone());
            let name = id.rsplit('/').next().unwrap_or_default();
            let message = format!("The {what} `{name}` stands twice in this file.");
            diagnostics.push(
                Diagnostic::error(Code::Twice, span, message)
                    .with_help("Keep one of them; ids are compared without letter case."),
            );
        }
    }
}

/// One world over another.
fn over(own: Node, base: Node, diagnostics: &mut Diagnostics) -> Node {
    let span = own.span.clone();
    let (NodeValue::Map(own), NodeValue::Map(mut below)) = (own.value, base.value) else {
        let message = "Only a mapping can extend another world, and only a mapping be extended.";
        diagnostics.push(Diagnostic::error(Code::Extends, span.clone(), message));
        return Node { span, value: NodeValue::Map(Vec::new()) };
    };
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let mut without = None;
    let mut says_onprem = false;
    for (key, mut node) in own {
        let place = below.iter().position(|(other, _)| other.text == key.text);
        let under = place.map(|place| below.remove(place).1);
        says_onprem |= key.text == "onprem";
        match key.text.as_str() {
            "extends" => continue,
            "without" => {
                without = Some(node);
                continue;
            }
            "resources" | "resource_groups" => {
                if let (NodeValue::List(more), Some(NodeValue::List(there))) =
                    (&mut node.value, under.map(|under| under.value))
                {
                    *more = merged(there, std::mem::take(more));
                }
            }
            _ => {}
        }
        entries.push((key, node));
    }
    entries.extend(below);
    if let Some(without) = without {
        take_out(&mut entries, &without, says_onprem, diagnostics);
    }
    Node { span, value: NodeValue::Map(entries) }
}

/// Items of one list over those of another: of the same id they replace, else they are added.
fn merged(mut there: Vec<Node>, more: Vec<Node>) -> Vec<Node> {
    for item in more {
        let own = id(&item);
        match there.iter_mut().find(|other| own.is_some() && id(other) == own) {
            Some(other) => *other = item,
            None => there.push(item),
        }
    }
    there
}

/// Takes resources out, with the links of circuits that are gone, unless the world says its links itself.
fn take_out(
    entries: &mut [(Key, Node)],
    without: &Node,
    says_onprem: bool,
    diagnostics: &mut Diagnostics,
) {
    let NodeValue::List(gone) = &without.value else {
        let message = format!("`without` must be a list of ids, and this is {}.", without.kind());
        diagnostics.push(Diagnostic::error(Code::WrongKind, without.span.clone(), message));
        return;
    };
    let list = |entries: &mut [(Key, Node)], key: &str| -> Option<Vec<Node>> {
        let node = entries.iter_mut().find(|(own, _)| own.text == key).map(|(_, node)| node)?;
        match &mut node.value {
            NodeValue::List(items) => Some(std::mem::take(items)),
            NodeValue::Scalar { .. } | NodeValue::Map(_) => None,
        }
    };
    let Some(mut resources) = list(entries, "resources") else { return };
    let mut ids = BTreeSet::new();
    for one in gone {
        let NodeValue::Scalar { text, .. } = &one.value else {
            let message = format!("`without` names ids, and this is {}.", one.kind());
            diagnostics.push(Diagnostic::error(Code::WrongKind, one.span.clone(), message));
            continue;
        };
        let gone = text.trim_end_matches('/').to_ascii_lowercase();
        let before = resources.len();
        resources.retain(|body| id(body).as_ref() != Some(&gone));
        if resources.len() == before {
            let message = format!("`without` names {text}, which is not there.");
            let known: Vec<String> = resources.iter().filter_map(id).collect();
            let mut diagnostic = Diagnostic::error(Code::NotThere, one.span.clone(), message);
            let meant = crate::runbook::did_you_mean(&gone, known.iter().map(String::as_str));
            diagnostic.help = meant.map(|meant| format!("Did you mean `{meant}`?"));
            diagnostics.push(diagnostic);
        }
        ids.insert(gone);
    }
    for (key, node) in entries.iter_mut() {
        match (key.text.as_str(), &mut node.value) {
            ("resources", NodeValue::List(items)) => *items = std::mem::take(&mut resources),
            ("onprem", NodeValue::Map(parts)) if !says_onprem => {
                let links = parts.iter_mut().find(|(key, _)| key.text == "links");
                if let Some((_, Node { value: NodeValue::List(links), .. })) = links {
                    let of = |link: &Node| match &link.get("circuit")?.value {
                        NodeValue::Scalar { text, .. } => Some(text.to_ascii_lowercase()),
                        NodeValue::List(_) | NodeValue::Map(_) => None,
                    };
                    links.retain(|link| of(link).is_none_or(|circuit| !ids.contains(&circuit)));
                }
            }
            _ => {}
        }
    }
}
