//! Access tokens, verified by libraries of other languages: npm's `jsonwebtoken` and Python's
//! `PyJWT`.

use serde_json::{Value, json};

use crate::scripts::{node, python};
use crate::server_process::{Credential, ServerDirectory, ServerProcess, wait_until};

const SECRET: &str = "Zk3vY8nQp1Lr6TwXc9MbHs4DfGj7UaEe";
const AUDIENCE: &str = "default";
/// The strategies that hand out access tokens.
const BEARERS: [&str; 5] = ["jwt", "hybrid", "refresh", "denylist", "session-jwt"];

/// The library that reads a token.
#[derive(Clone, Copy, Debug)]
enum OtherLanguage {
    Node,
    Python,
}

const LANGUAGES: [OtherLanguage; 2] = [OtherLanguage::Node, OtherLanguage::Python];

impl OtherLanguage {
    fn does(self, words: &[&str]) -> Result<Value, String> {
        let done = match self {
            Self::Node => node("access_token.mjs", words),
            Self::Python => python("access_token.py", words),
        };
        match done["refused"].as_str() {
            Some(refused) => Err(refused.to_owned()),
            None => Ok(done["ok"].clone()),
        }
    }

    /// The claims of a token that one of the server's published keys signed.
    fn verify(self, server: &ServerProcess, issuer: &str, token: &str) -> Result<Value, String> {
        self.does(&["verify-published", &server.url(JWKS), issuer, AUDIENCE, token])
    }

    fn verify_shared(self, secret: &str, token: &str) -> Result<Value, String> {
        self.does(&["verify-shared", secret, token])
    }

    /// Header and claims, not verified.
    fn decode(self, token: &str) -> (Value, Value) {
        let decoded = self.does(&["decode", token]).unwrap();
        (decoded["header"].clone(), decoded["payload"].clone())
    }

    fn sign(self, secret: &str, header: &Value, claims: &Value) -> String {
        let token = self.does(&["sign", secret, &header.to_string(), &claims.to_string()]).unwrap();
        token.as_str().unwrap().to_owned()
    }
}

const JWKS: &str = "/.well-known/jwks.json";

fn published(server: &ServerProcess) -> Vec<Value> {
    let keys = server.get(JWKS).body["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

/// The token with one character of its claims changed.
fn tampered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let other = if rest.as_bytes()[40] == b'A' { "B" } else { "A" };
    format!("{header}.{}{other}{}", &rest[..40], &rest[41..])
}

#[test]
fn other_languages_verify_every_strategys_tokens_with_the_published_key() {
    let server = ServerDirectory::new().serve();
    server.register();
    for strategy in BEARERS {
        let token = server.access_token(strategy);
        let (header, claims) = OtherLanguage::Node.decode(&token);
        assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
        let issuer = claims["iss"].as_str().unwrap();
        for service in LANGUAGES {
            let verified = service.verify(&server, issuer, &token).unwrap();
            assert_eq!(verified, claims, "{service:?}");
            assert_eq!(verified["strategy"], strategy);
        }
    }
}

// ASVS-map: JW6
#[test]
fn other_languages_refuse_what_was_changed_or_comes_from_elsewhere() {
    let (here, elsewhere) = (ServerDirectory::new().serve(), ServerDirectory::new().serve());
    here.register();
    elsewhere.register();
    let (token, foreign) = (here.access_token("jwt"), elsewhere.access_token("jwt"));
    let issuer = OtherLanguage::Node.decode(&token).1["iss"].as_str().unwrap().to_owned();
    for service in LANGUAGES {
        assert!(service.verify(&here, &issuer, &token).is_ok());
        assert!(service.verify(&here, &issuer, &tampered(&token)).is_err(), "{service:?}");
        assert!(service.verify(&here, &issuer, &foreign).is_err(), "{service:?}");
        assert!(service.verify(&here, "urn:another-issuer", &token).is_err(), "{service:?}");
    }
}

// ASVS-map: JW11
#[test]
fn tokens_from_before_and_after_a_key_rotation_are_verified_alike() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let old = server.access_token("session-jwt");
    let old_kids = published(&server);

    let rotated = home.run(["key", "rotate", "--now"]);
    assert!(rotated.status.success(), "{rotated:?}");
    assert!(
        wait_until(|| published(&server).len() == 2),
        "the new key is not published: {:?}",
        published(&server)
    );
    let kids = published(&server);
    assert!(old_kids.iter().all(|kid| kids.contains(kid)), "{old_kids:?} {kids:?}");

    let kid = |token: &str| OtherLanguage::Node.decode(token).0["kid"].clone();
    let new = server.access_token("session-jwt");
    assert_ne!(kid(&old), kid(&new), "the new key does not sign");
    let issuer = OtherLanguage::Node.decode(&new).1["iss"].as_str().unwrap().to_owned();
    for token in [&old, &new] {
        assert_eq!(server.profile("session-jwt", &Credential::Bearer(token.clone())).status, 200);
        for service in LANGUAGES {
            service.verify(&server, &issuer, token).unwrap();
        }
    }
}

#[test]
fn other_languages_verify_with_the_secret_that_they_share() {
    let server = ServerDirectory::new().with("JWT_SECRET", SECRET).serve();
    server.register();
    for strategy in BEARERS {
        let token = server.access_token(strategy);
        for service in LANGUAGES {
            let verified = service.verify_shared(SECRET, &token).unwrap();
            assert_eq!(verified["strategy"], strategy);
            assert!(
                service.verify_shared("Another-secret-of-enough-length!", &token).is_err(),
                "{service:?}"
            );
        }
    }
    let keys = server.get(JWKS).body;
    assert!(!keys.to_string().contains("oct"), "a secret was published: {keys}");
}

/// Changes the header or the claims of a token.
type Spoil = fn(&mut Value, &mut Value);

/// Tokens that differ from ours. A service that shares the secret can sign anything.
const WRONG: [(&str, Spoil); 13] = [
    ("another kind", |header, _| header["typ"] = json!("JWT")),
    ("the kind of a refresh token", |header, _| header["typ"] = json!("rt+jwt")),
    ("another hash", |header, _| header["alg"] = json!("HS512")),
    ("another issuer", |_, claims| claims["iss"] = json!("urn:another-issuer")),
    ("another audience", |_, claims| claims["aud"] = json!("another-audience")),
    ("another tenant", |_, claims| claims["tid"] = json!("acme")),
    ("another strategy", |_, claims| claims["strategy"] = json!("refresh")),
    ("a session that is none of ours", |_, claims| {
        claims["sid"] = json!("01890000-0000-7000-8000-000000000000");
    }),
    ("no session", |_, claims| drop(claims.as_object_mut().unwrap().remove("sid"))),
    ("no end", |_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
    ("its end behind it", |_, claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61)),
    ("its beginning ahead", |_, claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 600)),
    ("an end that is no number", |_, claims| claims["exp"] = json!("tomorrow")),
];

// ASVS-map: JW4
// ASVS-map: JW5, JW6
#[test]
fn a_token_that_a_service_made_with_the_shared_secret_must_be_right_in_every_claim() {
    let server = ServerDirectory::new().with("JWT_SECRET", SECRET).serve();
    server.register();
    let (header, claims) = OtherLanguage::Node.decode(&server.access_token("session-jwt"));
    let status = |token| server.profile("session-jwt", &Credential::Bearer(token)).status;
    for service in LANGUAGES {
        assert_eq!(status(service.sign(SECRET, &header, &claims)), 200, "{service:?}");
    }
    // An older version named the tenant.
    let named = json!({"aud": AUDIENCE});
    let older: Value =
        [&claims, &named].into_iter().flat_map(|part| part.as_object().unwrap().clone()).collect();
    assert_eq!(status(OtherLanguage::Python.sign(SECRET, &header, &older)), 200);
    for (what, spoil) in WRONG {
        let (mut header, mut claims) = (header.clone(), claims.clone());
        spoil(&mut header, &mut claims);
        // npm's library refuses to write some of these.
        assert_eq!(status(OtherLanguage::Python.sign(SECRET, &header, &claims)), 401, "{what}");
    }
    let guessed = OtherLanguage::Node.sign("Another-secret-of-enough-length!", &header, &claims);
    assert_eq!(status(guessed), 401, "another secret was as good");
}
