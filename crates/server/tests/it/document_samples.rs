//! The samples of the OpenAPI document, sent as the page at `/docs` fills them in: they lead through a sign-in as they
//! stand. A reader pastes what an earlier answer or a mail says, and nothing else.

use portcullis_core::strategy::StrategyName;
use serde_json::{Map, Value, json};

use crate::fixture::{HttpAnswer, TestServer};

/// The server, and its document.
struct Page<'s> {
    server: &'s TestServer,
    document: Value,
}

impl<'s> Page<'s> {
    async fn of(server: &'s TestServer) -> Self {
        Self { server, document: server.get("/openapi.json").await.status(200).json() }
    }

    /// The body that the page proposes: the first example of each member.
    fn sample(&self, path: &str) -> Map<String, Value> {
        let body =
            &self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let place = body["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
        let members = self.document.pointer(&format!("{place}/properties")).unwrap().as_object().unwrap();
        let sample = |schema: &Value| match &schema["examples"][0] {
            Value::Null if schema["examples"].is_array() => Value::Null,
            Value::Null => json!("string"),
            example => example.clone(),
        };
        members.iter().map(|(name, schema)| (name.clone(), sample(schema))).collect()
    }

    /// Sends the sample, with what the reader has pasted.
    async fn sends(&self, path: &str, pasted: &[(&str, &str)], token: Option<&str>) -> HttpAnswer {
        let mut body = self.sample(path);
        for (name, value) in pasted {
            assert!(body.insert((*name).to_owned(), json!(value)).is_some(), "{path} {name}");
        }
        let request = self.server.post(path).json(&Value::Object(body));
        match token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")).await,
            None => request.await,
        }
    }
}

#[tokio::test]
async fn the_samples_of_device_come_first_and_lead_from_the_sign_up_to_a_new_password() {
    let server = TestServer::start().await;
    let page = Page::of(&server).await;
    assert_eq!(page.document["tags"][0]["name"], "device");
    page.sends("/auth/signup", &[], None).await.status(201);
    let asked = page.sends("/auth/login", &[], None).await.status(201);
    let code = server.mailbox.code("ann@example.com").await;
    let pasted = [("loginId", asked.at("/data/loginId")), ("otp", code)];
    let pasted = pasted.each_ref().map(|(name, value)| (*name, value.as_str()));
    let signed_in = page.sends("/auth/login/verify", &pasted, None).await.status(201);
    let refresh = signed_in.at("/data/refreshToken");
    let renewed = page.sends("/auth/refresh", &[("refreshToken", &refresh)], None).await.status(201);
    let token = renewed.at("/data/accessToken");
    page.sends("/auth/password", &[], Some(&token)).await.status(201);
    page.sends("/auth/login", &[], None).await.status(401);
    page.sends("/auth/password/forgot", &[], None).await.status(201);
}

#[tokio::test]
async fn the_samples_of_each_strategy_with_a_token_lead_from_the_sign_up_to_a_new_password() {
    for strategy in StrategyName::ROUTED.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
        let server = TestServer::start().await;
        let page = Page::of(&server).await;
        let path = |verb: &str| format!("/auth/{strategy}/{verb}");
        page.sends(&path("register"), &[], None).await.status(201);
        let signed_in = page.sends(&path("login"), &[], None).await.status(201).json();
        let token = ["/access_token", "/tokens/accessToken"].into_iter().find_map(|at| signed_in.pointer(at));
        let token = token.and_then(Value::as_str).unwrap();
        page.sends(&path("password"), &[], Some(token)).await.status(201);
    }
}
