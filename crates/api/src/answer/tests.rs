use std::sync::Arc;

use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, SessionKey, TenantId, TokenId, UserKey};
use portcullis_core::secret::PlainSecret;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::{PersonName, Role, UserProfile};
use uuid::Uuid;

use super::*;

const CREATED: Timestamp = Timestamp::from_millis(1_769_638_376_311);
const UPDATED: Timestamp = Timestamp::from_millis(1_769_638_400_000);
const USER: &str = "019c06aa-b377-7a3e-8c51-5b7d1f0e9a42";
const SESSION: &str = "019c06aa-b377-7c04-9e2f-6a1d83b5c770";
const TOKEN: &str = "019c06aa-b377-7d11-a0b1-0c2d3e4f5a6b";

/// A user by this name, whole, in parts, or nameless.
fn user(name: impl Into<Option<PersonName>>) -> User {
    let key = UserKey { tenant: TenantId::default_tenant(), id: USER.parse().unwrap() };
    let user = User::new(key, Email::parse("Ann@Example.com").unwrap(), name.into(), Role::Admin, CREATED);
    User { updated: UPDATED, ..user }
}

fn ann() -> PersonName {
    PersonName::new("Ann Droid").unwrap()
}

fn in_parts() -> PersonName {
    PersonName::from_parts("Ann", "Droid").unwrap()
}

fn session() -> SessionId {
    SESSION.parse().unwrap()
}

fn login(strategy: StrategyName, name: impl Into<Option<PersonName>>, device_secret: Option<&str>) -> String {
    let grant = Grant {
        credential: PlainSecret::presented("ACCESS"),
        carrier: strategy.strategy().carrier(),
        expires: UPDATED,
        refresh: strategy.strategy().rotates().then(|| PlainSecret::presented("REFRESH")),
        device_secret: device_secret.map(PlainSecret::presented),
    };
    json(&strategy_format(strategy).login(&CompletedSignIn { user: user(name), session: session(), grant }))
}

fn profile(strategy: StrategyName, name: Option<&PersonName>) -> String {
    let identity = Identity {
        user: user(None).key,
        session: session(),
        strategy,
        token: Some(TokenId::from_uuid(TOKEN.parse::<Uuid>().unwrap())),
        profile: Arc::new(UserProfile::of(&user(name.cloned()))),
        role: None,
        signed_in: None,
        renewed: None,
    };
    json(&strategy_format(strategy).profile(&identity))
}

fn refreshed(strategy: StrategyName) -> String {
    json(&strategy_format(strategy).refreshed(&Refreshed {
        access: PlainSecret::presented("ACCESS"),
        refresh: PlainSecret::presented("REFRESH"),
        session: SessionKey { tenant: TenantId::default_tenant(), id: session() },
    }))
}

fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap()
}

const ANN: &str = r#"{"id":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","name":"Ann Droid","createdAt":"2026-01-28T22:12:56.311Z","updatedAt":"2026-01-28T22:13:20.000Z"}"#;

#[test]
fn a_user_is_shown_with_five_members_and_no_others() {
    assert_eq!(json(&UserView::of(&user(ann()))), ANN);
    assert_eq!(json(&UserView::of(&user(in_parts()))), ANN);
    assert_eq!(json(&UserView::of(&user(None))), ANN.replace(r#""Ann Droid""#, "null"));
}

#[test]
fn a_sign_in_with_one_token_answers_the_token_and_the_user() {
    for strategy in [StrategyName::Jwt, StrategyName::Hybrid, StrategyName::SessionJwt] {
        assert_eq!(login(strategy, ann(), None), format!(r#"{{"access_token":"ACCESS","user":{ANN}}}"#));
    }
}

// ASVS-map: SE9
#[test]
fn a_sign_in_with_a_cookie_answers_a_sentence_and_the_user_and_not_the_cookie() {
    assert_eq!(
        login(StrategyName::Session, ann(), None),
        format!(r#"{{"message":"Session login successful","user":{ANN}}}"#)
    );
}

#[test]
fn a_sign_in_with_refresh_answers_both_tokens_and_the_device_proof_where_it_was_asked_for() {
    assert_eq!(
        login(StrategyName::Refresh, ann(), None),
        format!(r#"{{"access_token":"ACCESS","refresh_token":"REFRESH","user":{ANN}}}"#)
    );
    assert_eq!(
        login(StrategyName::Refresh, ann(), Some("PROOF")),
        format!(
            r#"{{"access_token":"ACCESS","refresh_token":"REFRESH","device_secret":"PROOF","user":{ANN}}}"#
        )
    );
}

#[test]
fn a_sign_in_under_denylist_answers_the_user_and_the_tokens_apart() {
    let answer = |first: &str, last: &str, proof: &str| {
        format!(
            r#"{{"user":{{"id":"{USER}","email":"Ann@Example.com","firstName":{first},"lastName":{last}}},"tokens":{{"accessToken":"ACCESS","refreshToken":"REFRESH"{proof}}}}}"#
        )
    };
    let denylist = StrategyName::Denylist;
    assert_eq!(login(denylist, in_parts(), None), answer(r#""Ann""#, r#""Droid""#, ""));
    assert_eq!(login(denylist, ann(), None), answer(r#""Ann Droid""#, "null", ""));
    assert_eq!(login(denylist, None, None), answer("null", "null", ""));
    assert_eq!(
        login(denylist, in_parts(), Some("PROOF")),
        answer(r#""Ann""#, r#""Droid""#, r#","deviceSecret":"PROOF""#)
    );
}

/// What each strategy says of Ann Droid, whose name has two parts.
const PROFILES: [(StrategyName, &str); 6] = [
    (
        StrategyName::Jwt,
        r#"{"message":"JWT authentication successful","user":{"userId":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","name":"Ann Droid"},"strategy":"jwt"}"#,
    ),
    (
        StrategyName::Session,
        r#"{"message":"Session authentication successful","user":{"id":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com"},"strategy":"session"}"#,
    ),
    (
        StrategyName::Hybrid,
        r#"{"message":"Hybrid Authentication successful","user":{"userId":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","name":"Ann Droid","tokenId":"019c06aa-b377-7d11-a0b1-0c2d3e4f5a6b"},"strategy":"hybrid","note":"Token is validated AND checked against Redis whitelist"}"#,
    ),
    (
        StrategyName::Refresh,
        r#"{"message":"Access token validated","user":{"userId":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","name":"Ann Droid"},"strategy":"refresh-token","note":"Use short-lived access token for API calls"}"#,
    ),
    (
        StrategyName::Denylist,
        r#"{"message":"Access token validated","user":{"userId":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","firstName":"Ann","lastName":"Droid"},"strategy":"denylist"}"#,
    ),
    (
        StrategyName::SessionJwt,
        r#"{"message":"Session over JWT authentication successful","user":{"userId":"019c06aa-b377-7a3e-8c51-5b7d1f0e9a42","email":"Ann@Example.com","name":"Ann Droid","sessionId":"019c06aa-b377-7c04-9e2f-6a1d83b5c770"},"strategy":"session-jwt"}"#,
    ),
];

#[test]
fn a_profile_says_who_and_under_which_strategy() {
    assert_eq!(PROFILES.map(|(strategy, _)| strategy), StrategyName::ROUTED);
    for (strategy, expected) in PROFILES {
        assert_eq!(profile(strategy, Some(&in_parts())), expected);
    }
}

#[test]
fn a_profile_without_a_name_has_null_in_its_place() {
    for (strategy, expected) in PROFILES {
        let nameless = [r#""Ann Droid""#, r#""Ann""#, r#""Droid""#]
            .iter()
            .fold(expected.to_owned(), |text, name| text.replace(name, "null"));
        assert_eq!(profile(strategy, None), nameless);
    }
}

#[test]
fn of_a_name_without_parts_denylist_shows_all_as_the_first() {
    let shown = profile(StrategyName::Denylist, Some(&ann()));
    assert!(shown.contains(r#""firstName":"Ann Droid","lastName":null"#), "{shown}");
}

#[test]
fn a_refresh_answers_the_next_pair_in_the_spelling_of_its_strategy() {
    assert_eq!(refreshed(StrategyName::Refresh), r#"{"access_token":"ACCESS","refresh_token":"REFRESH"}"#);
    assert_eq!(refreshed(StrategyName::Denylist), r#"{"accessToken":"ACCESS","refreshToken":"REFRESH"}"#);
}

#[test]
fn a_sign_out_has_a_sentence_for_each_strategy() {
    for (strategy, message) in [
        (StrategyName::Jwt, "JWT logout successful, remove token from client"),
        (StrategyName::Session, "Session logout successful"),
        (StrategyName::Hybrid, "Logout successful. Token removed from whitelist."),
        (StrategyName::Refresh, "Logout successful"),
        (StrategyName::Denylist, "Logout successful"),
        (StrategyName::SessionJwt, "Logout successful"),
    ] {
        assert_eq!(json(&strategy_format(strategy).logout()), format!(r#"{{"message":"{message}"}}"#));
    }
}

#[test]
fn every_strategy_has_a_shape_of_its_own_and_only_denylist_takes_names_in_parts() {
    use crate::request::NameForm;
    for strategy in StrategyName::ROUTED {
        let format = strategy_format(strategy);
        assert_eq!(format.strategy, strategy);
        assert_eq!(format.names == NameForm::Parts, strategy == StrategyName::Denylist);
    }
}

#[test]
fn the_other_sentences_are_these() {
    assert_eq!(json(&PASSWORD_CHANGED), r#"{"message":"Password changed"}"#);
    assert_eq!(json(&AUTH_HEALTH), r#"{"ok":true,"service":"auth-service","mode":"HTTP"}"#);
}
