//! Links in mails: they lead to the configured URL, whatever a request calls the server.

use serde_json::json;

use crate::outbox::link;
use crate::server_process::ServerDirectory;

const MASTER_KEY: &str = "8f3b1c5d7e9a0246bdf13579ace02468fedcba98765432100123456789abcdef";
const PUBLIC_URL: &str = "https://auth.example.com";
const SUBJECT: &str = "Choose a new password for auth.example.com";

/// Headers with which a client, or a proxy that passes on what a client sent, names another host.
const NAMING_ANOTHER_HOST: [&[(&str, &str)]; 12] = [
    &[("Host", "evil.example")],
    &[("Host", "auth.example.com:8443")],
    &[("Host", "auth.example.com@evil.example")],
    &[("Host", "evil.example"), ("X-Forwarded-Host", "auth.example.com")],
    &[("X-Forwarded-Host", "evil.example")],
    &[("X-Forwarded-Host", "auth.example.com"), ("X-Forwarded-Host", "evil.example")],
    &[("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "1")],
    &[("Forwarded", "for=203.0.113.7;host=evil.example;proto=http")],
    &[("X-Host", "evil.example"), ("X-Original-Host", "evil.example")],
    &[("X-Forwarded-Server", "evil.example"), ("X-HTTP-Host-Override", "evil.example")],
    &[("X-Original-URL", "https://evil.example/"), ("X-Rewrite-URL", "https://evil.example/")],
    &[("X-Forwarded-Prefix", "//evil.example/"), ("Referer", "https://evil.example/")],
];

// ASVS-map: RC3
#[test]
fn a_link_leads_to_the_configured_url_whatever_host_a_request_names() {
    let home = ServerDirectory::new()
        .with("PORTCULLIS_PUBLIC_URL", PUBLIC_URL)
        .with("PORTCULLIS_MAIL_TRANSPORT", "outbox")
        .with("PORTCULLIS_MASTER_KEY", MASTER_KEY)
        .with("PORTCULLIS_PROXIES_TRUSTED", "127.0.0.1");
    let server = home.serve();
    for (number, headers) in NAMING_ANOTHER_HOST.iter().enumerate() {
        let email = format!("ann{number}@example.com");
        let user = json!({"email": email, "password": "a lighthouse in the fog of 1911"});
        assert_eq!(server.post("/auth/signup", &user).status, 201);
        let asked = server.send("POST /auth/password/forgot", headers, &json!({"email": email}));
        assert_eq!(asked.status, 201, "{headers:?}: {asked:?}");
        let link = link(&home.mail(SUBJECT, number + 1));
        let expected = format!("{PUBLIC_URL}/auth/password/reset?token=");
        assert!(link.starts_with(&expected), "{headers:?}: {link}");
    }
}
