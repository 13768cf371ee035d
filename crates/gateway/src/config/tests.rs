use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use http::Method;
use portcullis_core::user::Role;
use portcullis_verifier::OnStale;

use super::*;
use crate::routes::RouteAccess;

const ROUTE: &str = "[[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:8000\"\n";

fn read_with(
    text: &str,
    variables: &[(&str, &str)],
    listen: Option<&str>,
) -> Result<GatewayConfig, Vec<String>> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: BTreeMap<String, String> = variables.iter().map(own).collect();
    let open = |path: &Path| match path.to_str() {
        Some("gateway.toml") => Ok(text.to_owned()),
        Some("feed.key") => Ok("the-key\n".to_owned()),
        Some("empty.pem") => Ok("no certificate".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let sources = GatewaySources {
        file: PathBuf::from("gateway.toml"),
        environment: &environment,
        listen: listen.map(str::to_owned),
        open: &open,
    };
    GatewayConfig::read(&sources).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn read(text: &str) -> Result<GatewayConfig, Vec<String>> {
    read_with(text, &[], None)
}

#[test]
fn a_file_says_what_it_says() {
    let config = read(
        r#"
        listen = "127.0.0.1:9000"
        server = "https://auth.example.com"
        feed_key_file = "feed.key"
        max_staleness = "2s"
        stream_grace = "10s"
        [cors]
        origins = ["https://app.example.com"]
        [proxies]
        trusted = ["10.0.0.0/8"]
        [timeouts]
        connect = "2s"
        idle = "90s"
        [[routes]]
        path = "/reports"
        methods = ["GET", "POST"]
        upstream = ["http://127.0.0.1:8000", "http://127.0.0.1:8001"]
        health = "/healthz"
        roles = ["manager", "admin"]
        on_stale = "refuse"
        case = "exact"
        encoded = "keep"
        forward_token = true
        assertion = true
        body_limit = "1GiB"
        timeouts = { first_byte = "5m" }
        [[routes]]
        path = "/open"
        upstream = "https://127.0.0.1:8443"
        public = true
        "#,
    )
    .unwrap();
    let server = config.process.server.as_ref().unwrap();
    assert_eq!((server.url.as_str(), server.feed_key.reveal()), ("https://auth.example.com", "the-key"));
    assert_eq!(config.process.listen[0].address.to_string(), "127.0.0.1:9000");
    assert_eq!((config.process.max_staleness.as_secs(), config.stream_grace.as_secs()), (2, 10));
    assert!(
        config.origins.allow("https://app.example.com") && config.proxies.include("10.1.2.3".parse().ok())
    );
    let [reports, open] = config.routes.as_slice() else { panic!("two routes") };
    assert_eq!(reports.methods, [Method::GET, Method::POST]);
    assert_eq!(reports.access, RouteAccess::Roles(vec![Role::Manager, Role::Admin]));
    assert_eq!(
        (reports.on_stale, reports.path.is_exact(), reports.keeps_encoded),
        (OnStale::Refuse, true, true)
    );
    assert_eq!((reports.forwards_token, reports.asserts, reports.body_limit), (true, true, 1 << 30));
    let seconds = |route: &GatewayRoute| {
        [route.timeouts.connect, route.timeouts.first_byte, route.timeouts.idle].map(|span| span.as_secs())
    };
    assert_eq!((seconds(reports), seconds(open)), ([2, 300, 90], [2, 30, 90]), "a route's own go first");
    assert_eq!((reports.upstream.urls.len(), reports.upstream.health.as_deref()), (2, Some("/healthz")));
    assert_eq!((&open.access, open.body_limit, open.keeps_encoded), (&RouteAccess::Public, 10 << 20, false));
}

#[test]
fn every_fault_names_its_line_and_the_cure() {
    for (text, faults) in [
        ("", &["routes: there is no route: write [[routes]]"][..]),
        (
            "listen = \"x\"\n[[routes]]\n",
            &[
                "gateway.toml:1: listen: \"x\" is not an address and port: write 127.0.0.1:3000, [::1]:3000 or 0.0.0.0:3000",
                "gateway.toml:2: routes.path: is missing",
                "gateway.toml:2: routes.upstream: is missing",
            ],
        ),
        (
            "lisen = \"x\"\n",
            &[
                "routes: there is no route: write [[routes]]",
                "gateway.toml:1: lisen: is not a key; did you mean listen?",
            ],
        ),
        ("[timeout]\nidle = \"1s\"\n", &["gateway.toml:1: timeout: is not a key"]),
        ("timeouts = 3\n", &["gateway.toml:1: timeouts: is a table: write [timeouts]"]),
        ("routes = 3\n", &["gateway.toml:1: routes: is a list of tables: write [[routes]]"]),
        ("a = [\n", &["gateway.toml:"]),
        (
            "server = \"https://auth.example.com\"\n",
            &["gateway.toml:1: server: needs feed_key_file: `portcullis feed key create` prints a feed key"],
        ),
        ("server = \"http://auth.example.com\"\n", &["must be https"]),
        ("feed_key_file = \"other.key\"\n", &["gateway.toml:1: feed_key_file: cannot read \"other.key\""]),
        ("feed_key_file = \"feed.key\"\n", &["gateway.toml:1: feed_key_file: is of no use without server"]),
        (
            "feed_key = \"a\"\nfeed_key_file = \"feed.key\"\nserver = \"https://auth.example.com\"\n",
            &["gateway.toml:2: feed_key_file: feed_key is stated, too (gateway.toml:1); keep one of them"],
        ),
        ("tenants = []\n", &["gateway.toml:1: tenants: names no tenant"]),
        ("[cors]\norigins = [\"*\"]\n", &["gateway.toml:2: cors.origins: \"*\" would let any page act"]),
        ("[proxies]\ntrusted = [\"0.0.0.0/0\"]\n", &["gateway.toml:2: proxies.trusted:"]),
    ] {
        let told = read(text).unwrap_err();
        for fault in faults {
            assert!(told.iter().any(|line| line.contains(fault)), "{text}: {fault}: {told:#?}");
        }
    }
}

#[test]
fn a_route_that_says_two_things_or_nothing_is_a_fault() {
    let route =
        |keys: &str| format!("[[routes]]\npath = \"/a\"\nupstream = \"http://127.0.0.1:1\"\n{keys}\n");
    for (keys, fault) in [
        ("public = true\nroles = [\"admin\"]", "gateway.toml:5: routes.roles: stands beside public = true"),
        ("roles = []", "gateway.toml:4: routes.roles: names no role"),
        ("roles = [\"boss\"]", "gateway.toml:4: routes.roles: \"boss\" is not one of user, manager, admin"),
        ("methods = [\"FETCH\"]", "gateway.toml:4: routes.methods: \"FETCH\" is not one of GET"),
        ("methods = [\"get\"]", "routes.methods"),
        ("methods = []", "gateway.toml:4: routes.methods: names no method"),
        ("on_stale = \"pass\"", "\"pass\" is not one of ask, refuse"),
        ("health = \"healthz\"", "is not a path: write /healthz"),
        ("body_limit = \"much\"", "is not a size"),
        (
            "timeouts = { first_bite = \"1s\" }",
            "timeouts.first_bite: is not a key; did you mean timeouts.first_byte?",
        ),
        ("public = \"yes\"", "must be true or false, not a string"),
        ("ca_file = \"none.pem\"", "gateway.toml:4: routes.ca_file: cannot read"),
        ("ca_file = \"empty.pem\"", "gateway.toml:4: routes.ca_file: holds no certificates"),
        (
            "[[routes]]\npath = \"/A\"\nupstream = \"http://127.0.0.1:1\"",
            "gateway.toml:4: routes: a request may be for this route and for /a",
        ),
        (
            "encoded = \"keep\"\n[[routes]]\npath = \"/a/b\"\nupstream = \"http://127.0.0.1:1\"\nroles = [\"admin\"]",
            "gateway.toml:1: routes: encoded = \"keep\" leaves it to the upstream",
        ),
    ] {
        let told = read(&route(keys)).unwrap_err();
        assert!(told.iter().any(|line| line.contains(fault)), "{keys}: {told:#?}");
    }
}

#[test]
fn an_upstream_is_a_scheme_a_host_and_a_port_that_can_be() {
    let read = |upstream: &str| read(&format!("[[routes]]\npath = \"/a\"\nupstream = {upstream}\n"));
    for wrong in [
        "127.0.0.1:8000",
        "http://h/path",
        "http://h?x",
        "ftp://h",
        "http://u:p@h",
        "http://",
        "http://:80",
        "http://h:",
        "http://h:0",
        "http://h:65536",
        "http://[::1]:",
    ] {
        let told = read(&format!("\"{wrong}\"")).unwrap_err();
        assert!(told[0].contains("routes.upstream"), "{wrong}: {told:#?}");
    }
    assert!(read("[]").unwrap_err()[0].contains("routes.upstream: names no server"));
    for right in
        ["http://h", "http://h/", "https://h:8443", "http://[::1]:80", "http://[::1]", "http://a_b:1"]
    {
        assert!(read(&format!("\"{right}\"")).is_ok(), "{right}");
    }
}

#[test]
fn a_variable_goes_before_the_file_and_a_flag_before_both() {
    let text = format!("listen = \"127.0.0.1:1\"\nmax_staleness = \"1s\"\n{ROUTE}");
    let variables =
        [("PORTCULLIS_GATEWAY_LISTEN", "127.0.0.1:2"), ("PORTCULLIS_GATEWAY_MAX_STALENESS", "3s")];
    let config = read_with(&text, &variables, None).unwrap();
    assert_eq!(config.process.listen[0].address.port(), 2);
    assert_eq!(config.process.max_staleness.as_secs(), 3);
    let config = read_with(&text, &variables, Some("127.0.0.1:4")).unwrap();
    assert_eq!(config.process.listen[0].address.port(), 4);
    let unset = read_with(&text, &[("PORTCULLIS_GATEWAY_LISTEN", "")], None).unwrap();
    assert_eq!(unset.process.listen[0].address.port(), 1);
}

#[test]
fn an_unknown_variable_names_the_one_that_was_meant_and_those_of_the_server_are_left_alone() {
    let others =
        [("PORTCULLIS_LISTEN", "x"), ("PORTCULLIS_GATEWAY_CONFIG", "x"), ("PORTCULLIS_GATEWAY_X", "")];
    assert!(read_with(ROUTE, &others, None).is_ok());
    let told = read_with(ROUTE, &[("PORTCULLIS_GATEWAY_LISTN", "x")], None).unwrap_err();
    assert_eq!(
        told,
        ["variable PORTCULLIS_GATEWAY_LISTN: is not a setting; did you mean PORTCULLIS_GATEWAY_LISTEN?"]
    );
    assert!(
        is_variable("PORTCULLIS_GATEWAY_TIMEOUTS_FIRST_BYTE") && !is_variable("PORTCULLIS_GATEWAY_ROUTES")
    );
}

// ASVS-map: LG1
#[test]
fn no_fault_repeats_a_feed_key() {
    let told = read(&format!("feed_key = \"canary\\u0007\"\n{ROUTE}")).unwrap_err();
    assert!(!format!("{told:?}").contains("canary"), "{told:#?}");
    let config = read(&format!("server = \"https://a.example\"\nfeed_key = \"canary\"\n{ROUTE}")).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
}

const POLICIES: &str = r#"
proxies.trusted = ["10.0.0.1"]
[forward_auth]
hosts = ["app.example.com"]
[forward_auth.policies.any]
[forward_auth.policies.staff]
roles = ["manager", "admin"]
login = "https://auth.example.com/login?for=staff"
hosts = ["App.example.com:443", "staff.example.com:8443"]
"#;

#[test]
fn policies_are_those_of_the_server_and_a_variable_adds_to_the_file() {
    let lines = "staff.roles=admin\n\nother.roles = user , manager";
    let text = format!("{POLICIES}{ROUTE}");
    let config = read_with(&text, &[("PORTCULLIS_GATEWAY_FORWARD_AUTH_POLICIES", lines)], None).unwrap();
    assert_eq!(config.warning(), None);
    let ForwardAuth { hosts, policies } = config.forward_auth.unwrap();
    assert_eq!(hosts, ["app.example.com"]);
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["any", "other", "staff"]);
    let staff = &policies["staff"];
    assert_eq!(
        (staff.roles.as_slice(), staff.hosts.as_slice()),
        (&[Role::Admin][..], &["app.example.com".to_owned(), "staff.example.com:8443".to_owned()][..])
    );
    assert_eq!(staff.login.as_ref().unwrap().as_str(), "https://auth.example.com/login?for=staff");
    assert_eq!(policies["other"].roles, [Role::User, Role::Manager]);
}

#[test]
fn each_fault_of_a_policy_names_its_line_and_the_cure() {
    let file = r#"[forward_auth]
hosts = ["https://app.example.com"]
[forward_auth.policies.one]
roles = ["boss"]
role = ["admin"]
[forward_auth.policies.two]
login = "https://auth.example.com"
roles = "user"
[forward_auth.policies."a b"]
[forward_auth.policies.three]
roles = 3
[forward_auth.policies]
four = "admin"
[forward_auth.policy.five]
roles = "admin"
"#;
    let expected = [
        "gateway.toml:2: forward_auth.hosts: \"https://app.example.com\" is not a host: write app.example.com, or \
         app.example.com:8443",
        "gateway.toml:4: forward_auth.policies: one.roles: \"boss\" is not one of user, manager, admin",
        "gateway.toml:5: forward_auth.policies: one.role is not one of roles, login, hosts; did you mean roles?",
        "gateway.toml:9: forward_auth.policies: \"a b\" names no policy: write up to 64 letters, digits, - and _",
        "gateway.toml:11: forward_auth.policies.three.roles: must be a string or an array of strings, in one line, not an \
         integer",
        "gateway.toml:13: forward_auth.policies.four: must be a table, not a string",
        "gateway.toml:14: forward_auth.policy: is not a key",
    ];
    assert_eq!(read(&format!("{file}{ROUTE}")).unwrap_err(), expected);
    let told = read(&format!(
        "[forward_auth.policies.a]\nlogin = \"https://auth.example.com\"\nroles = \"user\"\n\
                              [forward_auth.policies.b]\nroles = \"user\"\n{ROUTE}"
    ));
    let fault = "gateway.toml:3: forward_auth.policies: a needs hosts, to which a browser may return from login: hosts = \
                 [\"app.example.com\"]";
    assert_eq!(told.unwrap_err(), [fault]);
}

#[test]
fn a_route_of_what_the_gateway_answers_itself_is_a_fault() {
    let route = |path: &str| format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://127.0.0.1:1\"\n");
    for (path, shown) in [("/auth/verify", "/auth/verify"), ("/Auth/Verify/x", "/Auth/Verify/x")] {
        let text = format!("forward_auth.enabled = true\n{ROUTE}{}", route(path));
        let fault = format!(
            "gateway.toml:5: routes: {shown} is never reached, because the gateway answers /auth/verify and what lies below \
             it itself: leave the route out, or write forward_auth.enabled = false"
        );
        assert_eq!(read(&text).unwrap_err(), [fault]);
        for off in ["", "forward_auth.enabled = false\nforward_auth.policies.any = {}\n"] {
            assert!(read(&format!("{off}{ROUTE}{}", route(path))).unwrap().forward_auth.is_none());
        }
    }
    let alone = read("forward_auth.enabled = true").unwrap();
    assert!(alone.routes.is_empty(), "a gateway beside another proxy forwards nothing");
    for path in ["/auth", "/auth/verifyx", "/verify"] {
        let text = format!("forward_auth.enabled = true\n{ROUTE}{}", route(path));
        assert!(read(&text).unwrap().forward_auth.is_some(), "{path}");
    }
}

#[test]
fn where_no_proxy_is_trusted_a_warning_says_that_no_browser_is_sent_to_sign_in() {
    let warning = |keys: &str| read(&format!("{keys}\n{ROUTE}")).unwrap().warning();
    let told = warning("forward_auth.hosts = [\"app.example.com\"]").unwrap();
    assert!(told.starts_with("forward_auth.hosts: no browser is sent to sign in"), "{told}");
    assert_eq!(warning("forward_auth.enabled = true"), None);
    assert_eq!(warning("proxies.trusted = [\"10.0.0.1\"]\nforward_auth.hosts = [\"app.example.com\"]"), None);
}
