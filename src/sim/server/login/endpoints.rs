//! Where is what in this cloud? ARM's description of itself, which tools read before they have a token.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{LoginForm, at};
use crate::sim::server::exchange::{error, json_response};
use crate::sim::server::serve::{Answers, Served};

/// What tools call this cloud.
const NAME: &str = "Simulated";

pub(super) async fn endpoints<W: Answers>(
    State(served): State<Served<W>>,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let origin = at(&served, &parts);
    let form = LoginForm::query(&parts);
    let cloud = described(&origin);
    match form.get("api-version") {
        None => error(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ),
        Some("2015-01-01" | "2015-11-01") => json_response(
            StatusCode::OK,
            &json!({
                "galleryEndpoint": origin, "graphEndpoint": origin, "portalEndpoint": origin,
                "graphAudience": origin, "authentication": cloud["authentication"],
            }),
        ),
        // A list of clouds until 2020, one since.
        Some(version) if version < "2022" => json_response(StatusCode::OK, &json!([cloud])),
        Some(_) => json_response(StatusCode::OK, &cloud),
    }
}

fn described(origin: &str) -> Value {
    let host = origin.split("://").nth(1).unwrap_or_default();
    json!({
        "name": NAME,
        "portal": origin, "resourceManager": format!("{origin}/"), "gallery": origin,
        "authentication": {
            "loginEndpoint": format!("{origin}/"), "audiences": [format!("{origin}/"), origin],
            "tenant": "common", "identityProvider": "AAD",
        },
        "graph": origin, "graphAudience": origin, "microsoftGraphResourceId": format!("{origin}/"),
        "media": origin, "batch": origin, "sqlManagement": origin, "vmImageAliasDoc": origin,
        "activeDirectoryDataLake": origin, "appInsightsResourceId": origin,
        "appInsightsTelemetryChannelResourceId": origin, "appServiceResourceId": origin,
        "attestationResourceId": origin, "logAnalyticsResourceId": origin,
        "ossrdbmsResourceId": origin, "synapseAnalyticsResourceId": origin,
        // What a tool puts together from these is asked of nobody here.
        "suffixes": {
            "storage": format!("storage.{host}"), "keyVaultDns": format!("vault.{host}"),
            "sqlServerHostname": format!("database.{host}"), "acrLoginServer": format!("registry.{host}"),
            "mhsmDns": format!("managedhsm.{host}"), "azureDataLakeStoreFileSystem": "",
            "azureDataLakeAnalyticsCatalogAndJob": "", "storageSyncEndpointSuffix": format!("afs.{host}"),
            "azureFrontDoorEndpointSuffix": "", "synapseAnalytics": format!("synapse.{host}"),
            "attestationEndpoint": format!("attest.{host}"), "mysqlServerEndpoint": format!("mysql.{host}"),
            "mariadbServerEndpoint": format!("mariadb.{host}"),
            "postgresqlServerEndpoint": format!("postgres.{host}"),
        },
    })
}
