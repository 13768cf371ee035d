use super::*;
use crate::path::RequestPath;

/// A route that only says what the tests are about.
fn route(path: &str, access: RouteAccess) -> GatewayRoute {
    let second = Duration::from_secs(1);
    GatewayRoute {
        path: RoutePath::parse(path, false).unwrap(),
        methods: Vec::new(),
        access,
        on_stale: OnStale::Ask,
        keeps_encoded: false,
        forwards_token: false,
        asserts: false,
        body_limit: 0,
        timeouts: RouteTimeouts { connect: second, first_byte: second, idle: second },
        upstream: UpstreamPool {
            urls: vec![UpstreamUrl::parse("http://127.0.0.1:1").unwrap()],
            authorities: None,
            health: None,
        },
    }
}

fn exact(path: &str, access: RouteAccess) -> GatewayRoute {
    GatewayRoute { path: RoutePath::parse(path, true).unwrap(), ..route(path, access) }
}

fn roles(roles: &[Role]) -> RouteAccess {
    RouteAccess::Roles(roles.to_vec())
}

fn path(text: &str) -> RequestPath {
    RequestPath::read(&text.parse().unwrap()).unwrap()
}

/// The route that takes a path, and those that must admit it, too.
fn found(routes: &[GatewayRoute], text: &str) -> Option<(String, Vec<String>)> {
    let table = RoutingTable::new(routes.to_vec());
    let found = table.find(&path(text))?;
    let others = found.others.iter().map(|route| route.path.to_string()).collect();
    Some((found.route.path.to_string(), others))
}

#[test]
fn the_longest_path_by_whole_segments_wins() {
    let routes = ["/", "/reports", "/reports/2026", "/rep"].map(|path| route(path, RouteAccess::SignedIn));
    for (sent, expected) in [
        ("/", "/"),
        ("/other", "/"),
        ("/reports", "/reports"),
        ("/reports/", "/reports"),
        ("/reports/x", "/reports"),
        ("/reports/2026", "/reports/2026"),
        ("/reports/2026/q1", "/reports/2026"),
        ("/reports/20261", "/reports"),
        ("/reportsx", "/"),
        ("/rep/x", "/rep"),
        ("/%72ep", "/rep"),
    ] {
        assert_eq!(found(&routes, sent).unwrap().0, expected, "{sent}");
    }
    assert_eq!(found(&routes[1..], "/other"), None);
}

// ASVS-map: GW3
#[test]
fn case_and_parameters_do_not_matter_but_for_those_who_read_them_the_stricter_route_counts() {
    let routes = [
        route("/", RouteAccess::SignedIn),
        route("/admin", roles(&[Role::Admin])),
        route("/open", RouteAccess::Public),
    ];
    for sent in ["/Admin", "/ADMIN/x", "/admin;x=1", "/aDmin;/x", "/%41dmin;jsessionid=1/y"] {
        let (route, others) = found(&routes, sent).unwrap();
        assert_eq!((route.as_str(), others), ("/admin", vec!["/".to_owned()]), "{sent}");
    }
    // To a server that counts case this is no part of /open: a user must be signed in, as for all of /.
    for sent in ["/OPEN", "/open;x", "/open;x/y"] {
        assert_eq!(found(&routes, sent).unwrap(), ("/open".to_owned(), vec!["/".to_owned()]), "{sent}");
    }
    // An encoded semicolon is one to some.
    assert_eq!(found(&routes, "/admin%3bx").unwrap(), ("/".to_owned(), vec!["/admin".to_owned()]));
    assert_eq!(found(&routes, "/open/X;y").unwrap(), ("/open".to_owned(), vec![]));
}

// ASVS-map: GW3
#[test]
fn capitals_of_a_route_are_read_in_more_than_one_way_as_those_of_a_request() {
    let routes = [route("/", RouteAccess::SignedIn), route("/Open/Files", RouteAccess::Public)];
    for sent in ["/open/files", "/Open/files/x", "/OPEN/FILES"] {
        assert_eq!(found(&routes, sent).unwrap(), ("/Open/Files".to_owned(), vec!["/".to_owned()]), "{sent}");
    }
    assert_eq!(found(&routes, "/Open/Files/x").unwrap(), ("/Open/Files".to_owned(), vec![]));
    let kelvin = [route("/", RouteAccess::SignedIn), route("/\u{212a}", RouteAccess::Public)];
    assert_eq!(found(&kelvin, "/k").unwrap().1, ["/"]);
}

#[test]
fn letters_beyond_ascii_have_case_too() {
    let routes = [
        route("/", RouteAccess::Public),
        route("/straße/küche", RouteAccess::SignedIn),
        route("/task", RouteAccess::SignedIn),
    ];
    for sent in ["/STRASSE/K%C3%9CCHE", "/stra%C3%9Fe/k%C3%BCche/x", "/ta%C5%BFk", "/TAS%E2%84%AA"] {
        assert_ne!(found(&routes, sent).unwrap().0, "/", "{sent}");
    }
}

#[test]
fn a_route_may_count_case() {
    let routes = [
        route("/", RouteAccess::Public),
        exact("/Reports", RouteAccess::SignedIn),
        exact("/reports", RouteAccess::Public),
    ];
    assert_eq!(RoutingTable::check(&routes), Ok(()));
    assert_eq!(found(&routes, "/Reports/x").unwrap().0, "/Reports");
    assert_eq!(found(&routes, "/reports").unwrap().0, "/reports");
    assert_eq!(found(&routes, "/REPORTS").unwrap().0, "/");
}

#[test]
fn two_routes_that_could_take_one_path_are_a_fault() {
    for (one, other) in [
        (route("/a", RouteAccess::Public), route("/a", RouteAccess::SignedIn)),
        (route("/a", RouteAccess::Public), route("/A", RouteAccess::SignedIn)),
        (route("/a", RouteAccess::Public), exact("/A", RouteAccess::SignedIn)),
        (route("/straße", RouteAccess::Public), route("/STRASSE", RouteAccess::SignedIn)),
        (route("/%61", RouteAccess::Public), route("/a", RouteAccess::Public)),
        (route("/a/b", RouteAccess::Public), route("/a", RouteAccess::SignedIn)),
    ] {
        let tie = RoutingTable::check(&[one.clone(), other.clone()]);
        let is_tie = one.path.len() == other.path.len();
        assert_eq!(tie.is_err(), is_tie, "{} {}", one.path, other.path);
    }
}

// ASVS-map: GW3
#[test]
fn what_keeps_encoded_characters_may_have_nothing_stricter_below() {
    let keeping = |access| GatewayRoute { keeps_encoded: true, ..route("/files", access) };
    let below = |access| route("/files/secret", access);
    let is_refused = |routes: &[GatewayRoute]| {
        let faults = RoutingTable::check(routes).err().unwrap_or_default();
        matches!(faults.as_slice(), [TableFault::StricterBelow { route: 0, .. }])
    };
    for (keeper, stricter) in [
        (RouteAccess::Public, RouteAccess::SignedIn),
        (RouteAccess::Public, roles(&[Role::User])),
        (RouteAccess::SignedIn, roles(&[Role::User, Role::Manager])),
        (roles(&[Role::User, Role::Admin]), roles(&[Role::Admin])),
    ] {
        assert!(is_refused(&[keeping(keeper.clone()), below(stricter.clone())]), "{keeper} {stricter}");
        assert!(!is_refused(&[keeping(stricter), below(keeper)]));
    }
    let same = [keeping(RouteAccess::SignedIn), below(RouteAccess::SignedIn)];
    assert!(!is_refused(&same));
    let stale = GatewayRoute { on_stale: OnStale::Refuse, ..below(RouteAccess::SignedIn) };
    assert!(is_refused(&[keeping(RouteAccess::SignedIn), stale]));
    let less = GatewayRoute { methods: vec![Method::GET], ..below(RouteAccess::SignedIn) };
    assert!(is_refused(&[keeping(RouteAccess::SignedIn), less]));
    let beside = route("/filesx", RouteAccess::Roles(vec![Role::Admin]));
    assert!(!is_refused(&[keeping(RouteAccess::Public), beside]));
    let root = GatewayRoute { keeps_encoded: true, ..route("/", RouteAccess::Public) };
    assert!(is_refused(&[root, below(RouteAccess::SignedIn)]));
}

#[test]
fn a_role_is_one_of_those_that_are_named() {
    let managers = roles(&[Role::Manager, Role::Admin]);
    assert!(
        managers.admits(Some(Role::Admin)) && !managers.admits(Some(Role::User)) && !managers.admits(None)
    );
    assert!(RouteAccess::SignedIn.admits(None) && RouteAccess::Public.admits(None));
}

#[test]
fn the_path_of_a_route_is_literal() {
    for text in [
        "",
        "reports",
        "/a//b",
        "/a/../b",
        "/a;b",
        "/a?b",
        "/a#b",
        "/*",
        "/{id}",
        "/a%2fb",
        "http://h/a",
        "/a%",
    ] {
        assert!(RoutePath::parse(text, false).is_err(), "{text}");
    }
}
