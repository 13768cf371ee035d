//! The JSON test vectors of `docs/revocation-feed`, which verifiers in other languages read too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use portcullis_core::clock::Ticks;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::key::Kid;
use portcullis_core::revocation::wire::{FeedAnswer, FeedMessage, FeedSigner, SnapshotPage};
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::Epochs;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::follower::{FeedProgress, LogFollower};
use crate::revocations::{KnownRevocations, Subject, Verdict};

fn vectors<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/revocation-feed/vectors");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct SignatureVectors {
    feed_key: String,
    texts: Vec<SignedText>,
}

#[derive(Deserialize)]
struct SignedText {
    name: String,
    text: String,
    is: String,
    claims: Option<Map<String, Value>>,
}

// ASVS-map: JW1, JW5
#[test]
fn a_signed_text_is_what_the_vectors_say() {
    let vectors: SignatureVectors = vectors("signatures.json");
    let signer = FeedSigner::derive(&PlainSecret::presented(&vectors.feed_key));
    for SignedText { name, text, is, claims } in vectors.texts {
        let expect = |kind: &str| claims.clone().filter(|_| is == kind);
        let answer = signer.read::<FeedAnswer>(&text).ok();
        assert_eq!(answer, expect("answer").map(|claims| FeedAnswer::of_claims(&claims).unwrap()), "{name}");
        let page = signer.read::<SnapshotPage>(&text).ok();
        assert_eq!(page, expect("page").map(|claims| SnapshotPage::of_claims(&claims).unwrap()), "{name}");
        let again = answer.map(|it| signer.sign(&it)).or_else(|| page.map(|it| signer.sign(&it)));
        assert!(again.is_none_or(|again| again.unwrap() == text), "{name}: the same bytes");
    }
}

#[derive(Deserialize)]
struct StepVectors {
    cases: Vec<VectorCase>,
}

#[derive(Deserialize)]
struct VectorCase {
    name: String,
    tenants: Vec<String>,
    snapshot: Map<String, Value>,
    steps: Vec<VectorStep>,
}

#[derive(Deserialize)]
struct VectorStep {
    sent: u64,
    nonce: String,
    query: String,
    answer: Map<String, Value>,
    arrives: u64,
    outcome: String,
    stamps: BTreeMap<String, Option<u64>>,
    checks: Vec<TokenCheck>,
}

#[derive(Deserialize)]
struct TokenCheck {
    at: u64,
    token: TokenUnderTest,
    is: String,
    role: Option<String>,
}

#[derive(Deserialize)]
struct TokenUnderTest {
    tenant: String,
    user: String,
    session: String,
    kid: String,
    epochs: [u64; 3],
}

fn at(millis: u64) -> Ticks {
    Ticks::new(Duration::from_millis(millis))
}

/// A verifier that goes through the steps of a case.
struct Walk {
    known: KnownRevocations,
    follower: LogFollower,
}

impl Walk {
    fn begin(case: &VectorCase) -> Self {
        let tenants: Vec<TenantId> = case.tenants.iter().map(|name| name.parse().unwrap()).collect();
        let known = KnownRevocations::new(&tenants, 100, Duration::from_secs(1));
        let mut follower = LogFollower::default();
        let mut claims = case.snapshot.clone();
        let sent = claims.remove("sent").unwrap().as_u64().unwrap();
        claims.insert("iss".to_owned(), "https://auth.example.com".into());
        follower.start(&SnapshotPage::of_claims(&claims).unwrap(), at(sent), at(sent));
        Self { known, follower }
    }

    fn step(&mut self, step: &VectorStep, name: &str) {
        let wait = Duration::from_millis(250);
        let query = self.follower.poll(&self.known, at(step.sent), wait, step.nonce.clone()).unwrap();
        assert_eq!(query.to_string(), step.query, "{name}");
        let answer = FeedAnswer::of_claims(&step.answer).unwrap();
        let progress = self.follower.take(&answer, &self.known, at(step.arrives));
        assert_eq!(outcome(progress), step.outcome, "{name}");
        for (tenant, stamp) in &step.stamps {
            assert_eq!(self.known.stamp(&tenant.parse().unwrap()), stamp.map(at), "{name}: {tenant}");
        }
        for check in &step.checks {
            let found = self.verdict(&check.token, check.at);
            assert_eq!(found, (check.is.as_str(), check.role.clone()), "{name} at {}", check.at);
        }
    }

    fn verdict(&self, token: &TokenUnderTest, now: u64) -> (&'static str, Option<String>) {
        let tenant: TenantId = token.tenant.parse().unwrap();
        let (user, session): (UserId, SessionId) =
            (token.user.parse().unwrap(), token.session.parse().unwrap());
        let kid: Kid = token.kid.parse().unwrap();
        let [of_user, of_tenant, everyone] = token.epochs;
        let epochs = Epochs { user: of_user, tenant: of_tenant, everyone };
        let subject = Subject { tenant: &tenant, user, session: Some(session), kid: Some(&kid), epochs };
        match self.known.judge(&subject, at(now)) {
            Verdict::Live(role, _) => ("live", role.map(|role| role.to_string())),
            Verdict::Dead => ("dead", None),
            Verdict::Stale(_) => ("stale", None),
        }
    }
}

const fn outcome(progress: FeedProgress) -> &'static str {
    match progress {
        FeedProgress::Proven => "proven",
        FeedProgress::More => "more",
        FeedProgress::Started => "started",
        FeedProgress::Ignored(_) => "ignored",
        FeedProgress::Lost => "snapshot",
    }
}

#[test]
fn each_step_proves_what_the_vectors_say() {
    let vectors: StepVectors = vectors("steps.json");
    for case in vectors.cases {
        let mut walk = Walk::begin(&case);
        for step in &case.steps {
            walk.step(step, &case.name);
        }
    }
}
