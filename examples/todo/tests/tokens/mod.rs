//! Refresh tokens and sign-out.

use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::service::{HttpAnswer, ServiceProcess, text};
use super::{Member, UNAUTHORIZED, messages, service};

const INVALID: (u16, &str) =
    (401, r#"{"message":"Invalid refresh token","error":"Unauthorized","statusCode":401}"#);

#[test]
fn stories() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    a_rotated_token_names_its_successor(&service);
    a_spent_token_ends_its_session(&service);
    a_sign_out_ends_one_session(&service);
    a_token_that_many_redeem_at_once_is_redeemed_once(&service);
    sign_outs_at_once_are_one(&service);
}

fn refresh(service: &ServiceProcess, token: &str) -> HttpAnswer {
    service.ask("POST", "/auth/refresh", "", Some(&json!({ "refreshToken": token })))
}

fn logout(member: &Member<'_>, refresh: &str) -> HttpAnswer {
    member.ask("POST", "/auth/logout", Some(&json!({ "refreshToken": refresh })))
}

pub(super) fn a_rotated_token_names_its_successor(service: &ServiceProcess) {
    let fay = Member::sign_up(service, "fay");
    let first = fay.get("/users/current/tokens").json();
    assert_eq!(first.as_array().unwrap().len(), 1);
    assert_eq!((&first[0]["active"], &first[0]["replacedByToken"]), (&json!(true), &json!(null)));
    let members: Vec<String> = first[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["active", "expires", "id", "issued", "replacedByToken"]);

    let answer = refresh(service, &fay.refresh);
    let next = Member::of(service, fay.email.clone(), &answer);
    assert_eq!(text(&answer.json()["user"], "displayName"), "fay");
    assert!(next.is_let_in() && fay.is_let_in(), "an access token lives out its minutes");
    let tokens = next.get("/users/current/tokens");
    let listed: Value = tokens.json();
    let (spent, current) = (&listed[0], &listed[1]);
    let session = text(&first[0], "id").rsplit_once('.').unwrap().0.to_owned();
    let generation: u64 = text(current, "id").strip_prefix(&format!("{session}.")).unwrap().parse().unwrap();
    assert_eq!((&spent["id"], &spent["active"]), (&first[0]["id"], &json!(false)));
    assert_eq!(text(spent, "id"), format!("{session}.{}", generation - 1));
    assert_eq!(spent["replacedByToken"], current["id"]);
    assert_eq!((&current["active"], &current["replacedByToken"]), (&json!(true), &json!(null)));
    assert!(text(current, "issued") < text(current, "expires"), "{current}");
    for token in [&fay.refresh, &next.refresh] {
        assert!(!tokens.text.contains(token.as_str()), "a token is shown by value");
    }
    let gil = Member::sign_up(service, "gil");
    assert_eq!(
        gil.get("/users/current/tokens").json().as_array().unwrap().len(),
        1,
        "another user's are shown"
    );
}

pub(super) fn a_spent_token_ends_its_session(service: &ServiceProcess) {
    let hal = Member::sign_up(service, "hal");
    let other = hal.again();
    let next = Member::of(service, hal.email.clone(), &refresh(service, &hal.refresh));
    assert_eq!(refresh(service, &hal.refresh).said(), INVALID);
    assert_eq!(refresh(service, &next.refresh).said(), INVALID, "the newest one, too");
    assert!(!hal.is_let_in() && !next.is_let_in());
    assert!(other.is_let_in(), "another session of the user");
    let listed = other.get("/users/current/tokens").json();
    let active: Vec<&Value> = listed.as_array().unwrap().iter().map(|token| &token["active"]).collect();
    assert_eq!(active, [&json!(false), &json!(false), &json!(true)]);
    for forged in ["", "x", "a.b.c", &other.token] {
        let answer = refresh(service, forged);
        assert!(answer.said() == INVALID || messages(&answer) == ["refreshToken should not be empty"]);
    }
    assert!(other.is_let_in());
}

pub(super) fn a_sign_out_ends_one_session(service: &ServiceProcess) {
    let ida = Member::sign_up(service, "ida");
    let (other, stranger) = (ida.again(), Member::sign_up(service, "jon"));
    for foreign in [&*other.refresh, &*stranger.refresh, &*ida.token, "x"] {
        let refused = messages(&logout(&ida, foreign));
        assert_eq!(refused, ["refreshToken must be the refresh token of this session"]);
    }
    assert_eq!(messages(&ida.ask("POST", "/auth/logout", None)), ["refreshToken must be a string"]);
    assert!(ida.is_let_in() && other.is_let_in() && stranger.is_let_in(), "a refused sign-out ends nothing");

    let done = logout(&ida, &ida.refresh);
    assert_eq!(done.said(), (201, r#"{"message":"Logout successful"}"#));
    assert_eq!(logout(&ida, &ida.refresh).said(), UNAUTHORIZED);
    assert_eq!(refresh(service, &ida.refresh).said(), INVALID);
    assert!(!ida.is_let_in() && other.is_let_in() && stranger.is_let_in());
    assert_eq!(refresh(service, &other.refresh).status, 201);
}

fn at_once(request: impl Fn() -> HttpAnswer + Sync) -> Vec<HttpAnswer> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(&request)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn a_token_that_many_redeem_at_once_is_redeemed_once(service: &ServiceProcess) {
    let kim = Member::sign_up(service, "kim");
    let answers = at_once(|| refresh(service, &kim.refresh));
    let won: Vec<&HttpAnswer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.said() == INVALID), "{answers:?}");
    // All others have shown a spent token.
    assert!(!kim.is_let_in());
    assert_eq!(refresh(service, &text(&won[0].json(), "refreshToken")).said(), INVALID);
}

fn sign_outs_at_once_are_one(service: &ServiceProcess) {
    let leo = Member::sign_up(service, "leo");
    let answers = at_once(|| logout(&leo, &leo.refresh));
    assert!(answers.iter().any(|answer| answer.status == 201), "{answers:?}");
    assert!(
        answers.iter().all(|answer| answer.status == 201 || answer.said() == UNAUTHORIZED),
        "{answers:?}"
    );
    assert!(!leo.is_let_in());
    assert_eq!(refresh(service, &leo.refresh).said(), INVALID);
}
