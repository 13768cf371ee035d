use std::collections::BTreeSet;

use super::*;

/// What is public, written down a second time: a row that becomes public must be made so here as well.
const PUBLIC: [(&str, &str); 10] = [
    ("POST", "/auth/signup"),
    ("POST", "/auth/login"),
    ("POST", "/auth/login/verify"),
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
        assert_eq!(operation.access, expected, "{}", operation.route);
        assert_eq!(operation.is_administration(), operation.route.starts_with("/admin/"));
    }
    let public = DEVICE_OPERATIONS.iter().filter(|operation| operation.access == Access::Public).count();
    assert_eq!(public, PUBLIC.len());
}

#[test]
fn every_operation_has_a_row_of_its_own_and_a_route_of_its_own() {
    let kinds: BTreeSet<_> = DEVICE_OPERATIONS.iter().map(|operation| operation.kind).collect();
    assert_eq!(kinds.len(), DEVICE_OPERATIONS.len());
    let device =
        DEVICE_OPERATIONS.iter().map(|operation| (operation.route.to_owned(), operation.method.as_str()));
    let service =
        SERVICE_OPERATIONS.iter().map(|operation| (operation.route.to_owned(), operation.method.as_str()));
    let strategies = StrategyName::ROUTED.into_iter().flat_map(|strategy| {
        let row =
            move |operation: &Operation<_>| Some((operation.path(strategy)?, operation.method.as_str()));
        STRATEGY_OPERATIONS.iter().filter_map(row).collect::<Vec<_>>()
    });
    let rows: Vec<_> = device.chain(service).chain(strategies).collect();
    let distinct: BTreeSet<_> = rows.iter().collect();
    assert_eq!(distinct.len(), rows.len());
    assert_eq!(rows.len(), 27 + 4 + 32);
}

#[test]
fn nine_operations_can_be_asked_over_tcp() {
    let patterns: BTreeSet<_> = DEVICE_OPERATIONS.iter().filter_map(|operation| operation.pattern).collect();
    assert_eq!(
        patterns,
        BTreeSet::from([
            "auth.signup",
            "auth.login",
            "auth.verifyOtp",
            "auth.unlock",
            "auth.sessions",
            "auth.logoutSession",
            "auth.logoutAll",
            "auth.refresh",
            "auth.health",
        ])
    );
    for pattern in patterns {
        assert_eq!(Operation::by_pattern(pattern).unwrap().pattern, Some(pattern));
    }
    for unknown in ["", "auth", "auth.Signup", "auth.signup ", "auth.password", "/auth/signup"] {
        assert_eq!(Operation::by_pattern(unknown), None, "{unknown:?}");
    }
}

#[test]
fn the_status_of_success_follows_from_the_method() {
    for operation in DEVICE_OPERATIONS {
        let expected = if operation.method == Method::Post { 201 } else { 200 };
        assert_eq!(operation.success, expected, "{}", operation.route);
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
        forms.iter().all(|operation| operation.method == Method::Post && operation.access == Access::Public)
    );
}

#[test]
fn whatever_takes_a_guess_or_sends_a_mail_for_a_stranger_is_limited() {
    let unlimited: Vec<_> = DEVICE_OPERATIONS
        .iter()
        .filter(|operation| operation.access == Access::Public && !operation.limited)
        .map(|operation| operation.route)
        .collect();
    assert_eq!(unlimited, ["/auth/health"]);
    let password =
        DEVICE_OPERATIONS.iter().find(|operation| operation.kind == DeviceOperation::Password).unwrap();
    assert!(password.limited);
    for operation in STRATEGY_OPERATIONS {
        assert_eq!(operation.limited, operation.access == Access::Public, "{}", operation.route);
    }
}

fn row<K>(operation: &Operation<K>) -> String {
    let Operation { method, route, pattern, access, .. } = operation;
    let who = match access {
        Access::Public => "anybody".to_owned(),
        Access::SignedIn => "signed in".to_owned(),
        Access::Role(role) => format!("role `{role}`"),
    };
    let pattern = pattern.map(|pattern| format!("`{pattern}`")).unwrap_or_default();
    let marks = [(operation.limited, "limited"), (operation.form, "form")];
    let marks: Vec<&str> = marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark)).collect();
    let cells = [
        format!("`{} {route}`", method.as_str()),
        who,
        pattern,
        marks.join(", "),
        operation.summary.to_owned(),
    ];
    format!("//! | {} |", cells.join(" | ")).replace("|  |", "| |").replace("|  |", "| |")
}

fn table<K>(operations: &[Operation<K>]) -> String {
    let head = "//! | request | who | over TCP | | what it does |\n//! |---|---|---|---|---|";
    let rows = operations.iter().map(row);
    std::iter::once(head.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_front_page_shows_the_three_tables_as_they_are() {
    let page = include_str!("../lib.rs");
    for table in [table(&STRATEGY_OPERATIONS), table(&DEVICE_OPERATIONS), table(&SERVICE_OPERATIONS)] {
        assert!(page.contains(&table), "the front page does not have this table:\n{table}");
    }
}
