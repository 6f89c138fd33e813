//! Which values has a runbook, and where do profiles differ?

use std::collections::BTreeMap;

use super::material::Material;
use super::view::{ParameterView, ProfileValue, ProfileView, TenantView};

/// A value as lines: a list has one item a line, and an id its own.
fn lines(value: &str) -> Vec<String> {
    let Ok(serde_json::Value::Array(items)) = serde_json::from_str(value) else {
        return vec![value.to_owned()];
    };
    items
        .iter()
        .map(|item| match item {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    format!("{name}: {text}")
                })
                .collect::<Vec<_>>()
                .join(", "),
            other => other.to_string(),
        })
        .collect()
}

pub(super) fn parameters(material: &Material) -> Vec<ParameterView> {
    let values = &material.plan.parts().params;
    material
        .parameters
        .iter()
        .filter(|declared| !declared.secret)
        .map(|declared| {
            let value = values.get(&declared.name);
            ParameterView {
                name: declared.name.clone(),
                kind: declared.kind.clone(),
                description: declared.description.clone(),
                value: value.map(|value| lines(value)).unwrap_or_default(),
                differs: material
                    .profiles
                    .iter()
                    .filter_map(|profile| {
                        let other = profile.values.as_ref()?.get(&declared.name)?;
                        (Some(other) != value).then(|| ProfileValue {
                            profile: profile.name.clone(),
                            value: lines(other),
                        })
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Where to be signed in, one command for each tenant; nothing where the profile names none.
pub(super) fn tenants(material: &Material) -> Vec<TenantView> {
    let mut all: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for (subscription, tenant) in &material.plan.parts().tenants {
        all.entry(tenant).or_default().push(subscription.clone());
    }
    all.into_iter()
        .map(|(tenant, subscriptions)| TenantView {
            name: tenant.clone(),
            subscriptions,
            command: format!("az login --tenant {tenant}"),
        })
        .collect()
}

pub(super) fn profiles(material: &Material) -> Vec<ProfileView> {
    let parts = material.plan.parts();
    material
        .profiles
        .iter()
        .map(|profile| ProfileView {
            name: profile.name.clone(),
            description: profile.description.clone(),
            shown: parts.profile.as_ref() == Some(&profile.name),
            world: profile.world.clone(),
            differs: profile
                .values
                .iter()
                .flatten()
                .filter(|(name, value)| parts.params.get(*name) != Some(value))
                .map(|(name, _)| name.clone())
                .collect(),
        })
        .collect()
}
