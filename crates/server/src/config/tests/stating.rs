//! Where things are stated, and which place wins.

use super::*;

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let file = operator().file("listen = [\"127.0.0.1:1\"]\ndatabase = \"sqlite:f.db\"\ndata_dir = \"f\"");
    let variable =
        file.variable("PORTCULLIS_LISTEN", "127.0.0.1:2").variable("PORTCULLIS_DATABASE", "sqlite:v.db");
    let config = variable.flag("listen", "127.0.0.1:3").config();
    let row = |key| {
        config.report().row(key).map(|row| (row.value.clone().unwrap(), row.origin.to_string())).unwrap()
    };
    assert_eq!(config.listen[0].address.port(), 3);
    assert_eq!(row("listen"), ("127.0.0.1:3".to_owned(), "flag --listen".to_owned()));
    assert_eq!(row("database"), ("sqlite:v.db".to_owned(), "variable PORTCULLIS_DATABASE".to_owned()));
    assert_eq!(row("data_dir"), ("f".to_owned(), "p.toml:3".to_owned()));
    assert_eq!(row("limits.body"), ("64KiB".to_owned(), "default".to_owned()));
}

#[test]
fn the_file_can_be_named_by_a_variable_and_must_exist_where_it_is_named() {
    let mut named = operator().variable("PORTCULLIS_CONFIG", "p.toml");
    named.file = "leeway = \"1s\"".to_owned();
    assert_eq!(named.config().leeway, Duration::from_secs(1));
    assert_eq!(named.config().file, Some(PathBuf::from("p.toml")));
    assert_eq!(
        named.flag("config", "q.toml").faults(),
        ["flag --config: cannot read \"q.toml\": no such file"]
    );
}

#[test]
fn every_type_of_the_file_arrives() {
    let config = operator()
        .file(
            "listen = \"127.0.0.1:1, 127.0.0.1:2\"\njwt_expires_in = 1_800\ntenants.require_header = true\n\
             [limits]\nbody = 0x1000\nheaders = \"32KiB\"\nconnections = 10\n\
             [cors]\norigins = []\n[strategies]\nenabled = [\"jwt\"]\n[strategies.session-jwt]\naccess = \"2h\"",
        )
        .config();
    assert_eq!(config.listen.len(), 2);
    assert!(config.tenants.require_header);
    assert_eq!((config.limits.body, config.limits.headers, config.limits.connections), (4096, 32 << 10, 10));
    assert_eq!(config.strategies.enabled, [StrategyName::Jwt]);
    assert!(config.cors.origins.is_empty());
    let renewal = |name| config.strategies.renewal(name);
    assert_eq!(renewal(StrategyName::Jwt), Renewal::Fixed { lifetime: Duration::from_mins(30) });
    assert_eq!(renewal(StrategyName::SessionJwt), Renewal::Fixed { lifetime: 2 * HOUR });
}

#[test]
fn no_fault_hides_another_and_each_names_its_place() {
    let faults = operator()
        .flag("listen", "nowhere")
        .variable("PORTCULLIS_LISTN", "x")
        .flag("data-dir", "")
        .variable("PORTCULLIS_TEST_POSTGRES", "free")
        .variable("JWT_SECRET", "secret")
        .file(
            "leway = \"1s\"\nconfig = \"x\"\nlimits = 5\n\n[timeout]\nbody = \"1s\"\n[timeouts]\nbody = 30\nheaders = \
             \"30\"\n[strategies]\nenabled = [\"jwt\", \"sesion\"]\n[hashing]\nthreads = \"4\"\n[strategies.refresh]\n\
             idle = \"1h\"\n",
        )
        .faults();
    let expected = [
        "flag --data-dir: is empty: leave it out, or give a value",
        "flag --listen: \"nowhere\" is not an address and port: write 127.0.0.1:3000, [::1]:3000 or 0.0.0.0:3000",
        "variable JWT_SECRET: JWT_SECRET has 6 bytes, and HMAC-SHA-256 needs at least 32 (RFC 7518, section 3.2): a shorter one \
         can be found by trying, from any one token. Make a new one with `openssl rand -base64 48` and give it to every \
         service that shares it",
        "variable PORTCULLIS_LISTN: is not a setting; did you mean PORTCULLIS_LISTEN?",
        "p.toml:1: leway: is not a setting; did you mean leeway?",
        "p.toml:2: config: must be stated by flag or variable, not a string",
        "p.toml:3: limits: is a table: write [limits]",
        "p.toml:5: timeout: is not a setting; did you mean timeouts?",
        "p.toml:8: timeouts.body: must be a string, not an integer",
        "p.toml:9: timeouts.headers: \"30\" is not a duration: write 500ms, 15m, 7d or 1h30m",
        "p.toml:11: strategies.enabled: \"sesion\" is not one of jwt, session, hybrid, refresh, denylist, session-jwt, device; \
         did you mean session?",
        "p.toml:13: hashing.threads: must be an integer, not a string",
        "p.toml:15: strategies.refresh.idle: is not a setting",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn what_a_higher_source_overrides_must_be_right_too() {
    let faults = operator().file("listen = \"nowhere\"").flag("listen", "127.0.0.1:1").faults();
    assert!(faults.len() == 1 && faults[0].starts_with("p.toml:1: listen: "), "{faults:?}");
}

#[test]
fn of_a_file_that_is_not_toml_only_its_broken_lines_are_told() {
    let file = "leway = \nlisten = \"0.0.0.0:1\"\n[cookie\nname = \"x\"";
    let faults =
        operator().file(file).flag("listen", "0.0.0.0:1").variable("PORTCULLIS_LEEWAY", "1").faults();
    assert_eq!(
        faults,
        [
            "variable PORTCULLIS_LEEWAY: \"1\" is not a duration: write 500ms, 15m, 7d or 1h30m",
            "p.toml:1: string values must be quoted, expected literal string",
            "p.toml:3: unclosed table, expected `]`",
        ]
    );
}

#[test]
fn a_key_that_is_written_twice_is_a_fault() {
    let faults = operator().file("leeway = \"1s\"\nleeway = \"2s\"").faults();
    assert_eq!(faults, ["p.toml:2: duplicate key"]);
}

#[test]
fn two_names_for_one_setting_must_agree() {
    let other = SECRET.replace('6', "7");
    let both = |own: &str| operator().variable("JWT_SECRET", SECRET).variable("PORTCULLIS_JWT_SECRET", own);
    assert!(both(SECRET).read().is_ok());
    assert_eq!(
        both(&other).faults(),
        ["variable PORTCULLIS_JWT_SECRET: differs from JWT_SECRET; keep one of them"]
    );
}

#[test]
fn the_variables_of_kubernetes_services_are_passed_over() {
    let services = [
        ("SERVICE_HOST", "10.3.0.7"),
        ("SERVICE_PORT", "3000"),
        ("SERVICE_PORT_HTTP", "3000"),
        ("PORT", "tcp://10.3.0.7:3000"),
        ("PORT_3000_TCP", "tcp://10.3.0.7:3000"),
        ("PORT_3000_TCP_PROTO", "tcp"),
        ("PORT_3000_TCP_PORT", "3000"),
        ("PORT_3000_TCP_ADDR", "10.3.0.7"),
        ("PORT_53_UDP_ADDR", "10.3.0.7"),
        ("PORT_9_SCTP", "sctp://10.3.0.7:9"),
    ];
    let mut pod = operator();
    for service in ["PORTCULLIS", "PORTCULLIS_TCP", "PORTCULLIS_LISTEN", "PORTCULLIS_METRICS"] {
        for (name, value) in services {
            pod = pod.variable(&format!("{service}_{name}"), value);
        }
    }
    assert_eq!(pod.config().listen, operator().config().listen);
    for (name, value) in [
        ("PORTCULLIS_PORT", "3000"),
        ("PORTCULLIS_TCP_PORT", "http://a.example"),
        ("PORTCULLIS_PORT_HTTP_TCP", "1"),
        ("PORTCULLIS_PORT_1_HTTP", "1"),
    ] {
        let faults = operator().variable(name, value).faults();
        assert!(faults.len() == 1 && faults[0].contains("is not a setting"), "{name}: {faults:?}");
    }
}

#[test]
fn a_setting_of_a_released_version_is_refused_with_what_has_replaced_it() {
    let faults =
        operator().variable("PORTCULLIS_HASHING_QUEUE", "12").file("[hashing]\nqueue = 12\n").faults();
    let expected = [
        "variable PORTCULLIS_HASHING_QUEUE: is not a setting any more: PORTCULLIS_HASHING_MAX_WAIT has replaced it",
        "p.toml:2: hashing.queue: is not a setting any more: hashing.max_wait has replaced it",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn an_empty_variable_is_unset() {
    let empty =
        settings::all().flat_map(|setting| [Some(setting.variable()), setting.also.map(str::to_owned)]);
    let config = empty.flatten().fold(operator(), |all, name| all.variable(&name, "")).config();
    assert!(config.report().rows().iter().all(|row| row.origin == Origin::Default));
    let one = operator().variable("JWT_SECRET", "").variable("PORTCULLIS_JWT_SECRET", SECRET);
    assert!(one.read().is_ok(), "an empty name of a setting contradicts the other name");
}
