//! The links in mails: choosing a new password, and pages that change nothing when they are fetched.

use portcullis_api::answer::Success;
use portcullis_api::operation::PublicOperation;
use portcullis_core::tenant::TenantSettings;
use serde_json::json;

use crate::fixture::{
    DeviceClient, Envelope, HTTPS, HttpAnswer, HttpRequest, TestServer, TestUser, random_id,
};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const INVALID_RESET: (u16, &str, &str) =
    (400, "INVALID_RESET_TOKEN", "The password reset link is invalid or has expired.");

/// The request of a browser that posts a form.
fn post_form(server: &TestServer, path: &str, members: &[(&str, &str)]) -> HttpRequest {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(members);
    server.post(path).header("accept", BROWSER).header("content-type", FORM).body(form.finish())
}

/// A page of this server: no script, own style, nothing from other sites, not cached.
fn is_page(answer: &HttpAnswer, status: u16, title: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("strict-origin"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-security-policy"), Some(POLICY));
    assert!(answer.body.contains(&format!("<title>{title}</title>")), "{answer:?}");
    for inline in ["<script", "<style", "style=", "src="] {
        assert!(!answer.body.contains(inline), "{answer:?}");
    }
}

async fn asks_for_link(client: &DeviceClient<'_>, email: &str) -> Envelope {
    client.asks(PublicOperation::ForgotPassword, json!({"email": email}), None).await
}

// ASVS-map: RC1, RC2, AU2, AU7
#[tokio::test]
async fn a_user_who_forgot_the_password_chooses_another_on_a_page() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    let known = asks_for_link(&client, TestUser::ANN.email).await;
    assert_eq!(known.succeeded(201, Success::RESET_REQUESTED), "null");
    let unknown = asks_for_link(&client, "unknown@example.com").await;
    assert_eq!(unknown.undated(), known.undated(), "the answer tells who has an account");
    let token = server.mailbox.link(TestUser::ANN.email, "reset").await;

    let path = format!("/auth/password/reset?token={token}");
    let page = server.get(&path).header("accept", BROWSER).await;
    is_page(&page, 200, "Choose a new password");
    let hidden = format!(r#"<input type="hidden" name="token" value="{token}">"#);
    assert!(page.body.contains(&hidden), "{page:?}");
    for _ in 0..2 {
        server.ask("HEAD", &path).await.status(200);
        server.get(&path).await.status(200);
    }
    assert_eq!(ann.session_code().await, "SESSIONS_RETRIEVED", "nothing happens by looking");
    let spoiled =
        post_form(&server, "/auth/password/reset", &[("token", &token), ("newPassword", "short")]).await;
    is_page(&spoiled, 400, "The password was not changed");
    for part in [">The password must be longer than or equal to 8 characters</p>", &*hidden] {
        assert!(spoiled.body.contains(part), "{part} is not on the page: {spoiled:?}");
    }
    let same = [("token", token.as_str()), ("newPassword", TestUser::ANN.password)];
    is_page(&post_form(&server, "/auth/password/reset", &same).await, 400, "The password was not changed");
    let good = [("token", token.as_str()), ("newPassword", "another battery")];
    is_page(&post_form(&server, "/auth/password/reset", &good).await, 201, "Password changed");

    assert_eq!(ann.session_code().await, "UNAUTHORIZED", "it ends all sessions");
    client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.refused(
        401,
        "INVALID_CREDENTIALS",
        "Invalid credentials",
    );
    assert_eq!(client.device_sign_in(TestUser::ANN.email, "another battery").await.code(), "OTP_SENT");
    server.mailbox.mail(TestUser::ANN.email, "password_changed").await;
    let again = json!({"token": token, "newPassword": "a third battery"});
    let (status, code, text) = INVALID_RESET;
    client.asks(PublicOperation::ResetPassword, again, None).await.refused(status, code, text);
}

// ASVS-map: RC1
#[tokio::test]
async fn a_program_resets_with_json_and_a_newer_link_takes_the_place_of_an_older_one() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    asks_for_link(&client, TestUser::ANN.email).await;
    let older = server.mailbox.link(TestUser::ANN.email, "reset").await;
    asks_for_link(&client, TestUser::ANN.email).await;
    let newer = server.mailbox.link(TestUser::ANN.email, "reset").await;
    let reset = |token: &str| json!({"token": token, "newPassword": "another battery"});
    let (status, code, text) = INVALID_RESET;
    for bad in [older.as_str(), "nonsense", "default.x.y", &newer[1..]] {
        client.asks(PublicOperation::ResetPassword, reset(bad), None).await.refused(status, code, text);
    }
    let said = client.asks(PublicOperation::ResetPassword, reset(&newer), None).await;
    assert_eq!(said.succeeded(201, Success::PASSWORD_RESET), "null");
    // A reset token does not unlock, and the page needs no tenant header.
    server.create_tenant("acme").await;
    let acme = client.clone().of("acme");
    TestUser::BOB.signs_up(&acme).await;
    asks_for_link(&acme, TestUser::BOB.email).await;
    let token = server.mailbox.link(TestUser::BOB.email, "reset").await;
    let said = client.asks(PublicOperation::Unlock, json!({"token": token}), None).await;
    said.refused(400, "INVALID_UNLOCK_TOKEN", "The unlock link is invalid or has expired.");
    assert_eq!(
        client.asks(PublicOperation::ResetPassword, reset(&token), None).await.code(),
        "PASSWORD_RESET"
    );
    assert_eq!(acme.device_sign_in(TestUser::BOB.email, "another battery").await.code(), "OTP_SENT");
}

// ASVS-map: CS1, CS2
#[tokio::test]
async fn pages_of_other_sites_post_no_forms_and_no_other_operation_takes_one() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    asks_for_link(&client, TestUser::ANN.email).await;
    let token = server.mailbox.link(TestUser::ANN.email, "reset").await;
    let form = [("token", token.as_str()), ("newPassword", "another battery")];
    for path in ["/auth/password/reset", "/auth/unlock"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "nonsense"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = post_form(&server, path, &form).header(name, value).await;
            let was =
                if path == "/auth/unlock" { "account was not unlocked" } else { "password was not changed" };
            is_page(&answer, 403, &format!("The {was}"));
            assert!(answer.body.contains("Open the link in the mail again."), "{name}: {value}: {answer:?}");
        }
    }
    assert_eq!(
        client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.code(),
        "OTP_SENT",
        "it is as it was"
    );
    for path in
        ["/auth/signup", "/auth/login", "/auth/login/verify", "/auth/refresh", "/auth/password/forgot"]
    {
        let answer = post_form(&server, path, &form).await.status(415);
        assert_eq!(answer.at("/meta/code"), "UNSUPPORTED_MEDIA_TYPE", "{path}");
    }
    // A page that sends no referrer posts without an origin (Fetch, section 3.1): browsers say "null".
    let ours = post_form(&server, "/auth/password/reset", &form).header("origin", "null");
    is_page(&ours.header("sec-fetch-site", "same-origin").await, 201, "Password changed");
}

// ASVS-map: CS1
#[tokio::test]
async fn a_browser_without_fetch_metadata_may_post_our_form_and_a_refusal_of_it_is_a_page() {
    let server = TestServer::with(&HTTPS).await;
    let form = [("token", "nonsense"), ("newPassword", "another battery staple")];
    for (path, title) in [
        ("/auth/unlock", "The account was not unlocked"),
        ("/auth/password/reset", "The password was not changed"),
    ] {
        // Our pages send `Referrer-Policy: strict-origin`, so a browser names their origin.
        let ours = post_form(&server, path, &form).header("origin", "https://auth.example.com");
        is_page(&ours.await, 400, title);
        for foreign in ["null", "https://evil.example"] {
            is_page(&post_form(&server, path, &form).header("origin", foreign).await, 403, title);
        }
    }
}

// ASVS-map: CS6
#[tokio::test]
async fn a_browser_gets_a_page_whatever_is_wrong() {
    let server = TestServer::with(&[&HTTPS[..], &[("LIMITS_RATE", "6")]].concat()).await;
    for path in ["/auth/unlock", "/auth/password/reset?token="] {
        is_page(&server.get(path).header("accept", BROWSER).await, 400, "The link is not complete");
    }
    for (path, title) in [
        ("/auth/unlock", "The account was not unlocked"),
        ("/auth/password/reset", "The password was not changed"),
    ] {
        let link = format!("{path}?token=nonsense");
        for ask in
            [server.get(&link).header("accept", BROWSER), post_form(&server, path, &[("token", "nonsense")])]
        {
            let answer = ask.await;
            is_page(&answer, 429, title);
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
        }
        let program = server.get(&link).await.status(429);
        assert_eq!(program.at("/meta/code"), "TOO_MANY_REQUESTS");
    }
}

#[tokio::test]
async fn a_token_in_a_link_stays_text_on_the_page() {
    let server = TestServer::start().await;
    for path in ["/auth/unlock", "/auth/password/reset"] {
        let hostile = format!("{path}?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
        let page = server.get(&hostile).header("accept", BROWSER).await.status(200);
        assert!(!page.body.contains("<script") && page.body.contains("&lt;script&gt;"), "{page:?}");
    }
}

// ASVS-map: CS6
#[tokio::test]
async fn a_page_has_the_name_logo_and_link_of_its_tenant_and_its_policy_allows_that_logo_alone() {
    let server = TestServer::with(&[
        ("TENANT_NAME", "Example"),
        ("TENANT_HOME_URL", "https://example.com/?a=1&b=\"2"),
    ])
    .await;
    let settings = TenantSettings {
        name: Some("Acme <&> Söhne".to_owned()),
        logo_url: Some("https://cdn.acme.example:8443/logo.svg?v=\"1".to_owned()),
        home_url: Some("https://acme.example/sign-in".to_owned()),
        ..TenantSettings::default()
    };
    server.create_tenant_with("acme", settings).await;
    let common = server.get("/auth/unlock?token=nonsense").header("accept", BROWSER).await;
    is_page(&common, 200, "Unlock your account");
    assert!(common.body.contains("<header>Example</header>"), "{common:?}");
    let link = r#"<a href="https:&#x2f;&#x2f;example.com&#x2f;?a=1&amp;b=%222">Continue to Example</a>"#;
    assert!(common.body.contains(link), "{common:?}");

    let acme = DeviceClient::curl(&server).of("acme");
    TestUser::ANN.signs_up(&acme).await;
    asks_for_link(&acme, TestUser::ANN.email).await;
    let token = server.mailbox.link(TestUser::ANN.email, "reset").await;
    let form = [("token", token.as_str()), ("newPassword", "another battery")];
    for page in [
        server.get(&format!("/auth/password/reset?token={token}")).header("accept", BROWSER).await,
        post_form(&server, "/auth/password/reset", &form).await,
        post_form(&server, "/auth/password/reset", &form).await.status(400),
    ] {
        let policy = format!("{POLICY}; img-src https://cdn.acme.example:8443");
        assert_eq!(page.header("content-security-policy"), Some(policy.as_str()));
        assert!(page.body.contains(r#"alt="Acme &lt;&amp;&gt; Söhne""#), "{page:?}");
        assert!(page.body.contains(">Continue to Acme &lt;&amp;&gt; Söhne</a>"), "{page:?}");
        assert!(!page.body.contains("example.com"), "{page:?}");
    }
}

#[tokio::test]
async fn the_style_of_a_page_is_a_file_that_browsers_may_keep_for_ever() {
    let server = TestServer::start().await;
    let page = server.get("/auth/unlock?token=x").header("accept", BROWSER).await.status(200);
    let (_, rest) = page.body.split_once(r#"<link rel="stylesheet" href=""#).expect("it has a style");
    let path = rest.split('"').next().unwrap();
    let style = server.get(path).await.status(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(style.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert!(style.body.contains("prefers-color-scheme"), "{style:?}");
    server.get("/auth/pages/000000000000000000000000.css").await.status(404);
}

#[tokio::test]
async fn a_page_is_in_the_language_of_its_tenant() {
    let folder = tempfile::TempDir::new().unwrap();
    let english = include_str!("../../../../http/src/templates/built_in/en.toml");
    let german = english.replace("Unlock your account", "Konto entsperren");
    std::fs::write(folder.path().join("de.toml"), german).unwrap();
    let server = TestServer::with(&[("MAIL_TEMPLATES", &folder.path().to_string_lossy())]).await;
    let settings = TenantSettings { language: Some("de-AT".to_owned()), ..TenantSettings::default() };
    server.create_tenant_with("acme", settings).await;
    let id = random_id().replace('-', "");
    for (tenant, language, title) in
        [("acme", "de", "Konto entsperren"), ("default", "en", "Unlock your account")]
    {
        let link = format!("/auth/unlock?token={tenant}.{id}.secret");
        let page = server.get(&link).header("accept", BROWSER).await;
        is_page(&page, 200, title);
        assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{page:?}");
    }
}
