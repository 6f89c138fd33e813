//! A served world is a cloud that Azure's own tools log in to: with our own credentials it is tried here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::future::pending;
use std::sync::{Arc, Mutex};

use backroad::azure::{
    Cloud, CredentialKind, CredentialSettings, Credentials, HttpWire, Identity, Secret, TokenSource,
};
use backroad::azure::{Method, Wire, WireRequest, WireResponse};
use backroad::engine::Clock;
use backroad::model::ResourceId;
use backroad::sim::server::{ServePace, ServerIdentity, Service, serve};
use backroad::sim::{Grant, ScaledClock, World};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::world_file;

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const GROUP: &str =
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea";
const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

/// A world behind https, and a client that trusts it.
pub(crate) struct Served {
    origin: String,
    wire: HttpWire,
    world: Arc<Mutex<World>>,
    pub(crate) clock: ScaledClock,
    _tasks: JoinSet<()>,
}

impl Served {
    pub(crate) async fn new() -> Self {
        let scenario = world_file("worlds/two-circuits.yaml");
        let identity = Arc::new(ServerIdentity::new().unwrap());
        let wire = HttpWire::trusting(identity.certificate()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let clock = ScaledClock::new(scenario.now, 600.try_into().unwrap());
        let world = Arc::new(Mutex::new(World::new(&scenario)));
        let host: Arc<dyn Clock> =
            Arc::new(backroad::cli::clock::RealClock::new(1.try_into().unwrap(), None));
        let service = Service {
            identity: Some(identity),
            with_identity: true,
            host: Some(host),
            ..Service::default()
        };
        let mut tasks = JoinSet::new();
        let running = serve(
            listener,
            Arc::clone(&world),
            Arc::new(clock.clone()),
            (ServePace::Server, service),
            pending(),
        );
        tasks.spawn(async move { running.await.unwrap() });
        Self { origin, wire, world, clock, _tasks: tasks }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> WireResponse {
        let mut all = backroad::azure::wire::Headers::new();
        for (name, value) in headers {
            all.push(*name, *value);
        }
        let url = format!("{}{path}", self.origin);
        let request = WireRequest {
            method,
            url: url.parse().unwrap(),
            headers: all,
            body: body.to_owned().into(),
        };
        self.wire.send(request).await.unwrap()
    }

    /// A request to ARM, with a token.
    pub(crate) async fn arm(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let token = [("Authorization", "Bearer anything"), ("Content-Type", "application/json")];
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}api-version=2022-09-01");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, &path, &token, &body).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.arm(Method::Get, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn credentials(&self, pinned: CredentialKind, identity: Identity) -> Credentials {
        let settings = CredentialSettings {
            cloud: Cloud::Public,
            pinned: Some(pinned),
            identity: Identity { authority: Some(self.origin.clone()), ..identity },
            transport: Some(self.wire.for_credentials()),
            clock: Arc::new(backroad::cli::clock::RealClock::new(1.try_into().unwrap(), None)),
        };
        Credentials::new(settings).unwrap()
    }

    fn tenant(&self) -> String {
        use backroad::sim::Answers as _;
        self.world.lock().unwrap().tenants()[0].clone()
    }

    /// Lets a deployment come to its end.
    pub(crate) async fn ended(&self, deployment: &str) -> Value {
        for _ in 0..200 {
            let body = self.get(deployment).await;
            if body["properties"]["provisioningState"] != "Running" {
                return body;
            }
            self.clock.advance(std::time::Duration::from_secs(60));
        }
        panic!("{deployment} does not end");
    }
}

fn app(secret: &str) -> Identity {
    Identity {
        tenant: Some("contoso-tenant".to_owned()),
        client: Some(CLIENT.to_owned()),
        secret: Some(Secret::new(secret)),
        ..Identity::default()
    }
}

#[tokio::test]
async fn our_own_credentials_log_in_with_a_secret_and_hear_why_not() {
    let served = Served::new().await;
    let token = served
        .credentials(CredentialKind::Environment, app("s3cret-of-the-app"))
        .token()
        .await
        .unwrap();
    let bearer = format!("Bearer {}", token.expose());
    let headers = [("Authorization", bearer.as_str())];
    let answer =
        served.send(Method::Get, "/subscriptions?api-version=2022-12-01", &headers, "").await;
    assert_eq!(answer.status, 200);
    for (secret, part) in
        [("wrong-one", "takes the secret's value"), ("expired-one", "The secret has expired")]
    {
        let refused = served.credentials(CredentialKind::Environment, app(secret)).token().await;
        let words = refused.unwrap_err().to_string();
        assert!(words.contains(part), "{words}");
        assert!(!words.contains(secret), "{words}");
    }
}

#[tokio::test]
async fn our_own_credentials_log_in_with_a_certificate() {
    let served = Served::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.pem");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let made =
        rcgen::CertificateParams::new(vec!["app".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(&path, format!("{}{}", key.serialize_pem(), made.pem())).unwrap();
    let identity =
        Identity { secret: None, certificate: Some(path.display().to_string()), ..app("unused") };
    let given = served.credentials(CredentialKind::Environment, identity).token().await;
    match given {
        Ok(token) => assert_eq!(token.expose().split('.').count(), 3),
        // A kind of key that Entra does not take is said before anything is sent.
        Err(error) => assert!(error.to_string().contains("RSA"), "{error}"),
    }
}

#[tokio::test]
async fn a_workload_identity_is_let_in_with_its_federated_token() {
    let served = Served::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "aGVhZA.Ym9keQ.c2lnbg").unwrap();
    let identity = Identity {
        secret: None,
        federated_token: Some(path.display().to_string()),
        ..app("unused")
    };
    let token =
        served.credentials(CredentialKind::WorkloadIdentity, identity).token().await.unwrap();
    assert_eq!(token.expose().split('.').count(), 3);
}

#[tokio::test]
async fn a_machine_and_an_app_service_hear_who_they_are_and_nobody_else_does() {
    let served = Served::new().await;
    let imds = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";
    let service =
        "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";
    for (endpoint, header) in
        [(imds, ("Metadata", "true")), (service, ("X-IDENTITY-HEADER", "of-the-host"))]
    {
        let without = served.send(Method::Get, endpoint, &[], "").await;
        assert_eq!(without.status, 400, "{endpoint}");
        let answer = served.send(Method::Get, endpoint, &[header], "").await;
        assert_eq!(answer.status, 200, "{endpoint}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["resource"], "https://management.azure.com/");
        assert!(body["expires_on"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    }
}

#[tokio::test]
async fn the_cloud_describes_itself_to_who_has_no_token_in_each_of_its_versions() {
    let served = Served::new().await;
    let described = async |version: &str| -> Value {
        let path = format!("/metadata/endpoints?api-version={version}");
        let answer = served.send(Method::Get, &path, &[], "").await;
        assert_eq!(answer.status, 200, "{version}");
        serde_json::from_slice(&answer.body).unwrap()
    };
    let old = described("2015-01-01").await;
    assert!(
        old["galleryEndpoint"].is_string() && old["authentication"]["loginEndpoint"].is_string()
    );
    for version in ["2019-05-01", "2020-06-01"] {
        assert_eq!(described(version).await[0]["name"], "Simulated", "{version}");
    }
    let new = described("2022-09-01").await;
    assert_eq!(new["resourceManager"], format!("{}/", served.origin));
    let without = served.send(Method::Get, "/metadata/endpoints", &[], "").await;
    assert_eq!(without.status, 400);
}

#[tokio::test]
async fn a_device_code_lets_a_person_in_with_an_account() {
    let served = Served::new().await;
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let asked = format!("client_id={CLIENT}&scope=x");
    let code =
        served.send(Method::Post, "/organizations/oauth2/v2.0/devicecode", &form, &asked).await;
    let code: Value = serde_json::from_slice(&code.body).unwrap();
    let asked = format!(
        "client_id={CLIENT}&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code={}",
        code["device_code"].as_str().unwrap()
    );
    let answer = served.send(Method::Post, "/organizations/oauth2/v2.0/token", &form, &asked).await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    for wanted in ["access_token", "id_token", "refresh_token", "client_info"] {
        assert!(answer[wanted].is_string(), "{wanted}: {answer}");
    }
    let nobody =
        served.send(Method::Post, "/organizations/oauth2/v2.0/token", &form, "grant_type=x").await;
    assert_eq!(nobody.status, 400);
}

#[tokio::test]
async fn tenants_subscriptions_providers_roles_tags_and_lists_are_there_as_tools_ask_for_them() {
    let served = Served::new().await;
    let tenant = served.tenant();
    assert_eq!(served.get("/tenants").await["value"][0]["tenantId"], tenant.as_str());
    let all = served.get("/subscriptions").await;
    let own = &all["value"][0];
    assert_eq!((&own["subscriptionId"], &own["tenantId"]), (&json!(SUBSCRIPTION), &json!(tenant)));
    assert!(own["displayName"].is_string());
    let (missing, _) = served.arm(Method::Get, "/subscriptions/none", Value::Null).await;
    assert_eq!(missing, 404);
    let at = format!("/subscriptions/{SUBSCRIPTION}");
    assert!(!served.get(&format!("{at}/locations")).await["value"].as_array().unwrap().is_empty());
    let provider = served.get(&format!("{at}/providers/Microsoft.Network")).await;
    assert!(provider["resourceTypes"][0]["apiVersions"][0].is_string());
    let inside = served.get(&format!("{GROUP}/resources")).await;
    assert!(
        inside["value"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["id"].as_str().unwrap().contains("rg-network-sea"))
    );
    let networks = served.get(&format!("{at}/resources?$filter=resourceType%20eq%20'Microsoft.Network/virtualNetworks'%20and%20resourceGroup%20eq%20'rg-network-sea'")).await;
    assert_eq!(networks["value"].as_array().unwrap().len(), 3);
    assert_eq!(
        served.get(&format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions")).await["value"]
            [0]["properties"]["roleName"],
        "Owner"
    );
    assert_eq!(
        served.get(&format!("{GROUP}/providers/Microsoft.Authorization/permissions")).await["value"]
            [0]["actions"][0],
        "*"
    );
    let tags = format!("{GROUP}/providers/Microsoft.Resources/tags/default");
    let change = json!({"operation": "Merge", "properties": {"tags": {"owner": "network"}}});
    assert_eq!(served.arm(Method::Patch, &tags, change).await.0, 200);
    assert_eq!(served.get(&tags).await["properties"]["tags"]["owner"], "network");
}

/// A table, a network with a subnet of it in a copy, and what refers to both.
fn template() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "count": {"type": "int", "defaultValue": 2},
            "name": {"type": "string"},
            "key": {"type": "secureString", "defaultValue": "not-for-anybody"},
        },
        "variables": {"table": "[concat(parameters('name'), '-rt')]"},
        "resources": [
            {
                "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01",
                "name": "[parameters('name')]", "location": "[resourceGroup().location]",
                "dependsOn": ["[resourceId('Microsoft.Network/routeTables', variables('table'))]"],
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.200.0.0/16"]},
                    "copy": [{
                        "name": "subnets", "count": "[parameters('count')]",
                        "input": {
                            "name": "[format('s{0}', copyIndex('subnets'))]",
                            "properties": {
                                "addressPrefix": "[concat('10.200.', string(copyIndex('subnets')), '.0/24')]",
                                "routeTable": {"id": "[resourceId('Microsoft.Network/routeTables', variables('table'))]"},
                            },
                        },
                    }],
                },
            },
            {
                "type": "Microsoft.Network/routeTables", "apiVersion": "2023-09-01",
                "name": "[variables('table')]", "location": "[resourceGroup().location]",
                "properties": {"routes": []},
            },
        ],
        "outputs": {
            "prefix": {"type": "string", "value": "[reference(resourceId('Microsoft.Network/virtualNetworks', parameters('name'))).addressSpace.addressPrefixes[0]]"},
        },
    })
}

fn deployment(template: &Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": {"name": {"value": "vnet-made"}}}})
}

#[tokio::test]
async fn a_template_is_validated_foretold_deployed_and_says_what_it_made() {
    let served = Served::new().await;
    let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/d1");
    let wanted = deployment(&template());
    let (status, body) = served.arm(Method::Post, &format!("{own}/validate"), wanted.clone()).await;
    assert_eq!(
        (status, body["properties"]["validatedResources"].as_array().map(Vec::len)),
        (200, Some(2)),
        "{body}"
    );
    let (_, foretold) = served.arm(Method::Post, &format!("{own}/whatIf"), wanted.clone()).await;
    assert_eq!(foretold["properties"]["changes"][0]["changeType"], "Create");
    let (status, told) = served.arm(Method::Put, &own, wanted.clone()).await;
    assert_eq!(status, 201, "{told}");
    let body = served.ended(&own).await;
    assert_eq!(body["properties"]["provisioningState"], "Succeeded", "{body}");
    assert_eq!(body["properties"]["outputs"]["prefix"]["value"], "10.200.0.0/16");
    assert!(!body.to_string().contains("not-for-anybody"), "what is secure is told to nobody");
    let subnet = served
        .get(&format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-made/subnets/s1"))
        .await;
    assert!(subnet["properties"]["routeTable"]["id"].as_str().unwrap().ends_with("vnet-made-rt"));
    let operations = served.get(&format!("{own}/operations")).await;
    assert_eq!(operations["value"].as_array().unwrap().len(), 2);
    let (_, again) = served.arm(Method::Post, &format!("{own}/whatIf"), wanted).await;
    assert!(
        again["properties"]["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["changeType"] != "Create")
    );
}

#[tokio::test]
async fn a_template_that_cannot_be_is_refused_with_what_is_wrong_in_it() {
    let served = Served::new().await;
    let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/d2");
    let mut cases = Vec::new();
    let mut without = deployment(&template());
    without["properties"]["parameters"] = json!({});
    cases.push((without, "'name' is not provided"));
    let mut more = deployment(&template());
    more["properties"]["parameters"]["other"] = json!({"value": 1});
    cases.push((more, "'other'"));
    let mut wrong = template();
    wrong["variables"]["table"] = "[nothing('a')]".into();
    cases.push((deployment(&wrong), "'nothing' is not known"));
    let mut endless = template();
    endless["resources"][1]["copy"] = json!({"name": "many", "count": 100_000});
    cases.push((deployment(&endless), "more than 800"));
    cases.push((json!({"properties": {"templateLink": {"uri": "https://x"}}}), "no template"));
    for (body, part) in cases {
        let (status, told) = served.arm(Method::Put, &own, body).await;
        assert_eq!(status, 400, "{told}");
        assert!(told.to_string().contains(part), "{part}: {told}");
    }
    // One that fails on its way says which resource, and why.
    let mut fails = template();
    let outside = json!({
        "type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2023-09-01",
        "name": "[concat(parameters('name'), '/outside')]", "dependsOn": ["[parameters('name')]"],
        "properties": {"addressPrefix": "192.168.0.0/24"},
    });
    fails["resources"].as_array_mut().unwrap().push(outside);
    served.arm(Method::Put, &own, deployment(&fails)).await;
    let body = served.ended(&own).await;
    assert_eq!(body["properties"]["provisioningState"], "Failed", "{body}");
    assert!(body["properties"]["error"]["details"][0]["code"].is_string(), "{body}");
}

#[tokio::test]
async fn who_may_not_deploy_is_refused_and_a_deployment_has_no_rights_of_its_own() {
    let served = Served::new().await;
    let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/d3");
    let grant = |actions: &[&str]| {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        vec![Grant { scope: GROUP.to_owned(), actions, not_actions: Vec::new() }]
    };
    served.world.lock().unwrap().set_rights(grant(&["Microsoft.Network/*"]));
    let (status, told) = served.arm(Method::Put, &own, deployment(&template())).await;
    assert_eq!(status, 403, "{told}");
    assert!(told.to_string().contains("Microsoft.Resources/deployments/write"), "{told}");
    let rights = ["Microsoft.Resources/deployments/*", "Microsoft.Network/routeTables/*"];
    served.world.lock().unwrap().set_rights(grant(&rights));
    served.arm(Method::Put, &own, deployment(&template())).await;
    let body = served.ended(&own).await;
    assert_eq!(body["properties"]["error"]["details"][0]["code"], "AuthorizationFailed", "{body}");
    let made = ResourceId::parse(&format!(
        "{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-made"
    ))
    .unwrap();
    assert!(served.world.lock().unwrap().body(&made).is_none());
}
