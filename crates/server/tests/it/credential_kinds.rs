//! Every kind of credential on every strategy's routes: each is accepted on its own routes alone.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use portcullis_core::strategy::StrategyName;
use serde_json::json;

use crate::fixture::{Credentials, HttpRequest, STRATEGIES, TestServer, TestUser};

const ROTATING: [StrategyName; 2] = [StrategyName::Refresh, StrategyName::Denylist];

/// The kind of a credential, and its strategy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CredentialKind {
    Access(StrategyName),
    Refresh(StrategyName),
    Cookie,
    DeviceProof(StrategyName),
    Random,
}

/// How a request carries a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Placement {
    Bearer,
    Cookie,
    Body,
}

const PLACEMENTS: [Placement; 3] = [Placement::Bearer, Placement::Cookie, Placement::Body];

impl Placement {
    fn show(self, ask: HttpRequest, text: &str) -> HttpRequest {
        match self {
            Self::Bearer => ask.bearer(text),
            Self::Cookie => ask.header("cookie", &format!("connect.sid={text}")),
            Self::Body => ask.json(&json!({
                "refresh_token": text, "token": text, "access_token": text, "accessToken": text,
                "currentPassword": TestUser::ANN.password, "newPassword": TestUser::ANN.password,
            })),
        }
    }
}

/// Ann's credentials under every strategy.
async fn everything(ann: &TestUser, server: &TestServer) -> Vec<(CredentialKind, String)> {
    let mut found = vec![(CredentialKind::Random, "kY4xq0b2Xn1mZ8v7Wc6uTt5sRr4pQq3o".to_owned())];
    for strategy in STRATEGIES {
        let Credentials { credential, refresh, proof, .. } = ann.signs_in_natively(server, strategy).await;
        match credential.strip_prefix("connect.sid=") {
            Some(value) => found.push((CredentialKind::Cookie, value.to_owned())),
            None => found.push((CredentialKind::Access(strategy), credential)),
        }
        found.extend(refresh.map(|token| (CredentialKind::Refresh(strategy), token)));
        found.extend(proof.map(|proof| (CredentialKind::DeviceProof(strategy), proof)));
    }
    assert_eq!(found.len(), 11);
    found
}

fn opens(strategy: StrategyName, kind: CredentialKind, way: Placement) -> bool {
    match strategy {
        StrategyName::Session => kind == CredentialKind::Cookie && way == Placement::Cookie,
        _ => kind == CredentialKind::Access(strategy) && way == Placement::Bearer,
    }
}

// ASVS-map: JW5
#[tokio::test]
async fn a_protected_route_accepts_the_credential_of_its_own_strategy_alone() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = everything(&ann, &server).await;
    let mut opened = 0;
    for strategy in STRATEGIES {
        for (kind, text) in &held {
            for way in PLACEMENTS {
                // The server reads no body of a GET; a token in one must not count.
                let profile = way.show(server.get(&format!("/auth/{strategy}/profile")), text).await;
                let expected = if opens(strategy, *kind, way) { 200 } else { 401 };
                assert_eq!(
                    profile.status, expected,
                    "profile: {kind:?} as {way:?} at {strategy}: {profile:?}"
                );
                opened += usize::from(profile.status == 200);
                if expected == 200 {
                    continue;
                }
                for operation in ["logout", "password"] {
                    let path = format!("/auth/{strategy}/{operation}");
                    let answer = way.show(server.post(&path), text).await;
                    assert_eq!(
                        answer.status, 401,
                        "{operation}: {kind:?} as {way:?} at {strategy}: {answer:?}"
                    );
                }
            }
        }
    }
    assert_eq!(opened, 6, "the diagonal");
    // No wrong credential has ended a session, and the last route works as well.
    for (kind, text) in &held {
        let (strategy, way) = match kind {
            CredentialKind::Access(strategy) => (*strategy, Placement::Bearer),
            CredentialKind::Cookie => (StrategyName::Session, Placement::Cookie),
            _ => continue,
        };
        way.show(server.get(&format!("/auth/{strategy}/profile")), text).await.status(200);
        way.show(server.post(&format!("/auth/{strategy}/logout")), text).await.status(201);
    }
}

// ASVS-map: JW5
#[tokio::test]
async fn a_refresh_is_made_with_the_refresh_token_of_its_own_strategy_alone() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = everything(&ann, &server).await;
    let proofs: Vec<&(CredentialKind, String)> =
        held.iter().filter(|(kind, _)| matches!(kind, CredentialKind::DeviceProof(_))).collect();
    for strategy in ROTATING {
        for (kind, text) in &held {
            for way in PLACEMENTS {
                let is_own = *kind == CredentialKind::Refresh(strategy) && way != Placement::Cookie;
                if is_own {
                    continue;
                }
                let answer = way.show(server.post(&format!("/auth/{strategy}/refresh")), text).await;
                assert_eq!(answer.status, 401, "{kind:?} as {way:?} at {strategy}: {answer:?}");
            }
        }
    }
    // No wrong route has ended a session: a route reads only tokens of its own kind.
    for strategy in ROTATING {
        let (_, token) = held.iter().find(|(kind, _)| *kind == CredentialKind::Refresh(strategy)).unwrap();
        let (_, proof) =
            proofs.iter().find(|(kind, _)| *kind == CredentialKind::DeviceProof(strategy)).unwrap();
        let body = json!({"token": token, "device_secret": proof});
        server.post(&format!("/auth/{strategy}/refresh")).json(&body).await.status(201);
    }
    // A strategy without refresh tokens has no such route.
    for strategy in STRATEGIES.into_iter().filter(|strategy| !ROTATING.contains(strategy)) {
        for (_, text) in &held {
            server.post(&format!("/auth/{strategy}/refresh")).bearer(text).await.status(404);
        }
    }
}

/// The same bytes to a lax decoder: the last character of 64 bytes in base64 has four unused bits.
fn with_trailing_bits(signature: &str) -> String {
    let (front, last) = signature.split_at(signature.len() - 1);
    let next = match last {
        "A" => 'B',
        "Q" => 'R',
        "g" => 'h',
        "w" => 'x',
        other => panic!("{other} ends no 64 bytes"),
    };
    format!("{front}{next}")
}

// ASVS-map: JW8
#[tokio::test]
async fn another_spelling_of_a_token_is_no_other_token() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
        let held = ann.signs_in(&server, strategy).await;
        let token = &held.credential;
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        for bent in [
            format!("{token}="),
            format!("{token}=="),
            format!("{token}."),
            format!("{header}=.{payload}.{signature}"),
            format!("{header}.{payload} .{signature}"),
            format!("{signed}."),
            format!("{signed}.{signature}%3D"),
            format!("{signed}.{}", with_trailing_bits(signature)),
            format!("{signed}.{}", &signature[..signature.len() - 1]),
        ] {
            let answer = server.get(&format!("/auth/{strategy}/profile")).bearer(&bent).await;
            assert_eq!(answer.status, 401, "{strategy}: {bent}");
        }
        held.profile(&server).await.status(200);
    }
}

/// The order of the curve P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The other valid signature: for (r, s) it is (r, n - s), which any client can compute.
fn twin(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

// ASVS-map: JW9
#[tokio::test]
async fn a_token_that_ended_ends_with_its_twin() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in [StrategyName::Hybrid, StrategyName::Denylist, StrategyName::SessionJwt] {
        let held = ann.signs_in(&server, strategy).await;
        let twin = Credentials { credential: twin(&held.credential), ..held.clone() };
        assert_ne!(twin.credential, held.credential);
        assert_eq!(twin.profile(&server).await.status, 200, "the signature is as good");
        twin.logs_out(&server).await.status(201);
        for token in [&held, &twin] {
            token.profile(&server).await.status(401);
        }
    }
}
