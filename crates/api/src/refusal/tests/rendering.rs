//! Which rendering a request gets.

use super::*;

#[test]
fn problem_details_are_for_those_who_ask_for_them_by_name() {
    for accept in [
        "application/problem+json",
        "APPLICATION/Problem+JSON",
        "application/json, application/problem+json",
        "text/html,application/problem+json;q=0.9,*/*;q=0.8",
        "application/problem+json ; q=0.5 , application/json;q=0.4",
        "application/problem+json; charset=utf-8; Q=1.000",
        "application/problem+json;q=quite",
        " application/problem+json ",
        ",,application/problem+json,",
    ] {
        assert_eq!(Rendering::Plain.negotiated(Some(accept)), Rendering::Problem, "{accept}");
        assert_eq!(Rendering::Envelope.negotiated(Some(accept)), Rendering::Problem, "{accept}");
    }
}

#[test]
fn everybody_else_gets_the_rendering_of_the_surface() {
    assert_eq!(Rendering::Envelope.negotiated(None), Rendering::Envelope);
    for accept in [
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/problem",
        "application/problem+json+x",
        "application/problem+xml",
        "application/problem+json;q=0",
        "application/problem+json;q=0.000",
        "application/problem+json;q=0.4, application/json;q=0.5",
        "application/problem+json;q=0.9, application/json",
        "text/plain; note=\"application/problem+json\"",
    ] {
        assert_eq!(Rendering::Plain.negotiated(Some(accept)), Rendering::Plain, "{accept}");
    }
}

#[test]
fn a_path_belongs_to_the_surface_of_its_first_two_segments() {
    for path in [
        "/auth/jwt/login",
        "/auth/session/profile",
        "/auth/hybrid/logout",
        "/auth/refresh/refresh",
        "/auth/denylist/x",
        "/auth/session-jwt/login",
        "/auth/jwt",
        "/auth/jwt/",
        "/auth/jwt//login",
        "/auth/refresh/",
        "/auth/refresh/x",
        "/administration",
        "//admin/users",
        "/",
        "",
        "*",
        "/healthz",
        "/authx/login",
        "//auth/jwt/login",
        "//auth/sessions",
        "/AUTH/jwt/login",
        "/AUTH/sessions",
        "/x/auth/sessions",
        "auth/sessions",
        "/%61uth/sessions",
        "/auth/revocations",
        "/auth/revocations/snapshot",
    ] {
        assert_eq!(Rendering::of_path(path), Rendering::Plain, "{path}");
    }
    for path in [
        "/auth",
        "/auth/",
        "/auth//jwt/login",
        "/auth/sessions",
        "/auth/login",
        "/auth/jwtx/login",
        "/auth/JWT/login",
        "/auth/jwt%2flogin",
        "/auth/ jwt/login",
        "/auth/session_jwt/login",
        "/auth/../jwt",
        "/auth/device/login",
        "/auth/device",
        "/auth/refresh",
        "/auth/logout/session",
        "/auth/sessions/019c06aa-b377-7c04-9e2f-6a1d83b5c770",
        "/admin",
        "/admin/",
        "/admin/users",
        "/admin/users/7/sessions/end-all",
        "/admin/nothing",
    ] {
        assert_eq!(Rendering::of_path(path), Rendering::Envelope, "{path}");
    }
}

#[test]
fn each_rendering_has_its_media_type() {
    assert_eq!(Rendering::Plain.content_type(), "application/json; charset=utf-8");
    assert_eq!(Rendering::Envelope.content_type(), "application/json; charset=utf-8");
    assert_eq!(Rendering::StatusFirst.content_type(), "application/json; charset=utf-8");
    assert_eq!(Rendering::Problem.content_type(), "application/problem+json");
}

#[test]
fn older_clients_of_nestjs_find_the_status_in_front() {
    let written = |refusal: Refusal| text(&refusal, Rendering::StatusFirst, &LOGIN);
    assert_eq!(written(Refusal::plain(Code::Unauthorized)), r#"{"statusCode":401,"message":"Unauthorized"}"#);
    let faults = r#"["email must be an email","password should not be empty"]"#;
    let expected = format!(r#"{{"statusCode":400,"message":{faults},"error":"Bad Request"}}"#);
    assert_eq!(written(super::faults()), expected);
    assert_eq!(
        Rendering::StatusFirst.negotiated(Some("application/problem+json")),
        Rendering::Problem,
        "also to them, problem details are for those who ask"
    );
}
