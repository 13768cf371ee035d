use std::collections::BTreeSet;

use portcullis_core::strategy::StrategyName;

use super::*;

/// What is public, written down a second time: a row that becomes public must be made so here as well.
const PUBLIC: [(&str, &str); 11] = [
    ("POST", "/auth/signup"),
    ("POST", "/auth/login"),
    ("POST", "/auth/login/verify"),
    ("POST", "/auth/login/resend"),
    ("GET", "/auth/unlock"),
    ("POST", "/auth/unlock"),
    ("POST", "/auth/refresh"),
    ("GET", "/auth/health"),
    ("POST", "/auth/password/forgot"),
    ("GET", "/auth/password/reset"),
    ("POST", "/auth/password/reset"),
];

// ASVS-map: TN4
#[test]
fn everything_is_denied_but_what_is_listed_and_administration_is_for_admins() {
    for operation in DEVICE_OPERATIONS {
        let expected = if PUBLIC.contains(&(operation.method.as_str(), operation.route)) {
            Access::Public
        } else if operation.route.starts_with("/admin/") {
            Access::Role(Role::Admin)
        } else {
            Access::SignedIn
        };
        assert_eq!(operation.access(), expected, "{}", operation.route);
        assert_eq!(operation.is_administration(), operation.route.starts_with("/admin/"));
    }
    let public = DEVICE_OPERATIONS.iter().filter(|operation| operation.access() == Access::Public).count();
    assert_eq!(public, PUBLIC.len());
}

#[test]
fn every_operation_has_a_row_of_its_own_and_a_route_of_its_own() {
    let kinds: BTreeSet<_> = DEVICE_OPERATIONS.iter().map(|operation| operation.kind).collect();
    assert_eq!(kinds.len(), DEVICE_OPERATIONS.len());
    let device =
        DEVICE_OPERATIONS.iter().map(|operation| (operation.route.to_owned(), operation.method.as_str()));
    let service = SERVICE_OPERATIONS.iter().map(|operation| (operation.route.to_owned(), "GET"));
    let strategies = StrategyName::ROUTED.into_iter().flat_map(|strategy| {
        let row = move |operation: &StrategyRow| Some((operation.path(strategy)?, operation.method.as_str()));
        STRATEGY_OPERATIONS.iter().filter_map(row).collect::<Vec<_>>()
    });
    let forward_auth = FORWARD_AUTH_OPERATIONS.iter().map(|operation| (operation.route.to_owned(), "any"));
    let rows: Vec<_> = device.chain(service).chain(strategies).chain(forward_auth).collect();
    let distinct: BTreeSet<_> = rows.iter().collect();
    assert_eq!(distinct.len(), rows.len());
    assert_eq!(rows.len(), 30 + 8 + 32 + 3);
}

#[test]
fn ten_operations_can_be_asked_over_tcp() {
    let patterns: BTreeSet<_> = DEVICE_OPERATIONS.iter().filter_map(|operation| operation.pattern).collect();
    assert_eq!(
        patterns,
        BTreeSet::from([
            "auth.signup",
            "auth.login",
            "auth.verifyOtp",
            "auth.resendOtp",
            "auth.unlock",
            "auth.sessions",
            "auth.logoutSession",
            "auth.logoutAll",
            "auth.refresh",
            "auth.health",
        ])
    );
    for pattern in patterns {
        assert_eq!(DeviceRow::by_pattern(pattern).unwrap().pattern, Some(pattern));
    }
    for unknown in ["", "auth", "auth.Signup", "auth.signup ", "auth.password", "/auth/signup"] {
        assert!(DeviceRow::by_pattern(unknown).is_none(), "{unknown:?}");
    }
}

#[test]
fn the_status_of_success_follows_from_the_method() {
    for operation in DEVICE_OPERATIONS {
        let expected = if operation.method == Method::Post { 201 } else { 200 };
        assert_eq!(operation.method.success(), expected, "{}", operation.route);
    }
}

// ASVS-map: CS2
#[test]
fn only_the_two_pages_post_forms_and_what_takes_them_needs_no_credential() {
    let forms: Vec<_> = DEVICE_OPERATIONS.iter().filter(|operation| operation.form).collect();
    assert_eq!(
        forms.iter().map(|operation| operation.route).collect::<Vec<_>>(),
        ["/auth/unlock", "/auth/password/reset"]
    );
    assert!(
        forms
            .iter()
            .all(|operation| operation.method == Method::Post && operation.access() == Access::Public)
    );
}

#[test]
fn whatever_takes_a_guess_costs_a_hash_or_sends_a_mail_for_a_stranger_is_limited() {
    let unlimited: Vec<_> = DEVICE_OPERATIONS
        .iter()
        .filter(|operation| operation.access() == Access::Public && !operation.limited)
        .map(|operation| operation.route)
        .collect();
    assert_eq!(unlimited, ["/auth/health"]);
    let password =
        DEVICE_OPERATIONS.iter().find(|operation| operation.kind == OwnOperation::Password.into()).unwrap();
    assert!(password.limited);
    for operation in STRATEGY_OPERATIONS {
        let is_costly = operation.access() == Access::Public || operation.route == "password";
        assert_eq!(operation.limited, is_costly, "{}", operation.route);
    }
}

fn line((method, route): (Method, &str), marks: &str, summary: &str) -> String {
    format!("/// | `{} {route}` | {marks} | {summary} |", method.as_str())
        .replace("|  |", "| |")
        .replace("|  |", "| |")
}

fn device_line(row: &DeviceRow) -> String {
    let pattern = row.pattern.map(|pattern| format!("`{pattern}`")).unwrap_or_default();
    let marks = [(row.limited, "limited"), (row.form, "form")];
    let marks: Vec<&str> = marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark)).collect();
    line((row.method, row.route), &format!("{pattern} | {}", marks.join(", ")), row.summary)
}

#[test]
fn the_documentation_shows_the_tables_as_they_are() {
    let device = |access: Access| {
        let rows = DEVICE_OPERATIONS.iter().filter(move |row| row.access() == access).map(device_line);
        rows.collect::<Vec<_>>().join("\n")
    };
    let strategies = STRATEGY_OPERATIONS.map(|row| {
        let who = if row.access() == Access::Public { "anyone" } else { "signed in" };
        let limited = if row.limited { "limited" } else { "" };
        line((row.method, row.route), &format!("{who} | {limited}"), row.summary)
    });
    let service =
        SERVICE_OPERATIONS.map(|row| line((Method::Get, row.route), "", row.summary).replace(" | | ", " | "));
    for (file, table) in [
        (include_str!("device/public.rs"), device(Access::Public)),
        (include_str!("device/own.rs"), device(Access::SignedIn)),
        (include_str!("device/admin.rs"), device(Access::Role(Role::Admin))),
        (include_str!("strategy.rs"), strategies.join("\n")),
        (include_str!("service.rs"), service.join("\n")),
    ] {
        let file = file.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
        assert!(file.contains(&table), "this table is missing beside its rows:\n{table}");
    }
}
