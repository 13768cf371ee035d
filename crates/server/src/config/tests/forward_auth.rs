//! What proxies ask, as operators state it.

use portcullis_core::user::Role;

use super::*;

const POLICIES: &str = r#"
proxies.trusted = ["10.0.0.1"]
[forward_auth]
hosts = ["app.example.com"]
[forward_auth.policies.any]
[forward_auth.policies.staff]
roles = ["manager", "admin"]
login = "https://auth.example.com/login?for=staff"
hosts = ["App.example.com:443", "staff.example.com:8443"]
[forward_auth.policies]
inline = { roles = "admin" }
"#;

#[test]
fn a_policy_is_a_table_of_the_file() {
    let config = operator().file(POLICIES).config();
    let ForwardAuth { hosts, policies } = &config.forward_auth;
    assert_eq!(hosts, &["app.example.com"]);
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["any", "inline", "staff"]);
    assert_eq!(policies["any"], ForwardAuthPolicy::default());
    assert_eq!(policies["inline"].roles, [Role::Admin]);
    let staff = &policies["staff"];
    assert_eq!(staff.roles, [Role::Manager, Role::Admin]);
    assert_eq!(staff.login.as_ref().unwrap().as_str(), "https://auth.example.com/login?for=staff");
    assert_eq!(staff.hosts, ["app.example.com", "staff.example.com:8443"]);
    assert_eq!(config.report().warnings().count(), 0);
}

#[test]
fn a_variable_has_a_line_for_each_key_and_adds_to_the_file() {
    let lines = "staff.roles=admin\n\n  other.roles = user , manager \nbare";
    let operator = operator().file(POLICIES).variable("PORTCULLIS_FORWARD_AUTH_POLICIES", lines);
    let config = operator.config();
    let policies = &config.forward_auth.policies;
    assert_eq!(policies["staff"].roles, [Role::Admin]);
    assert!(policies["staff"].login.is_some(), "what the variable does not say stays");
    assert_eq!(policies["other"].roles, [Role::User, Role::Manager]);
    assert_eq!(policies["bare"], ForwardAuthPolicy::default());
    let row = config.report().row("forward_auth.policies").unwrap();
    assert_eq!(row.origin.to_string(), "variable PORTCULLIS_FORWARD_AUTH_POLICIES");
    let shown = row.value.as_deref().unwrap();
    assert!(shown.contains("staff.roles=manager, admin; ") && shown.ends_with("bare"), "{shown}");
}

#[test]
fn each_fault_of_a_policy_names_its_line_and_the_cure() {
    let file = r#"[forward_auth]
hosts = ["https://app.example.com"]
[forward_auth.policies.one]
roles = ["boss"]
login = "http://auth.example.com"
hosts = ["*.example.com"]
role = ["admin"]
[forward_auth.policies.two]
login = "https://auth.example.com"
[forward_auth.policies."a b"]
roles = "user"
[forward_auth.policies.three]
roles = 3
[forward_auth.policies]
four = "admin"
six = { roles = [] }
[forward_auth.policy.five]
roles = "admin"
"#;
    let faults = operator().file(file).faults();
    let expected = [
        "p.toml:2: forward_auth.hosts: \"https://app.example.com\" is not a host: write app.example.com, or \
         app.example.com:8443",
        "p.toml:4: forward_auth.policies: one.roles: \"boss\" is not one of user, manager, admin",
        "p.toml:5: forward_auth.policies: one.login: \"http://auth.example.com\" must be https; http is for a loopback host \
         such as localhost only",
        "p.toml:6: forward_auth.policies: one.hosts: \"*.example.com\" is not a host: write app.example.com, or \
         app.example.com:8443",
        "p.toml:7: forward_auth.policies: one.role is not one of roles, login, hosts; did you mean roles?",
        "p.toml:11: forward_auth.policies: \"a b\" names no policy: write up to 64 letters, digits, - and _",
        "p.toml:13: forward_auth.policies.three.roles: must be a string or an array of strings, in one line, not an integer",
        "p.toml:15: forward_auth.policies.four: must be a table, not a string",
        "p.toml:16: forward_auth.policies: six.roles: names no role: leave it out, and every user passes",
        "p.toml:17: forward_auth.policy: is not a setting",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn a_browser_that_is_sent_to_sign_in_must_be_allowed_to_return() {
    let file = "[forward_auth.policies.app]\nlogin = \"https://auth.example.com\"\n[forward_auth.policies.other]\nroles = \"user\"\n";
    let cure = "needs hosts, to which a browser may return from login: hosts = [\"app.example.com\"]";
    assert_eq!(operator().file(file).faults(), [format!("p.toml:2: forward_auth.policies: app {cure}")]);
    let variable = "app.login=https://auth.example.com";
    assert_eq!(
        operator().variable("PORTCULLIS_FORWARD_AUTH_POLICIES", variable).faults(),
        [format!("variable PORTCULLIS_FORWARD_AUTH_POLICIES: app {cure}")]
    );
}

#[test]
fn where_no_proxy_is_trusted_a_warning_says_that_no_browser_is_sent_to_sign_in() {
    let warnings = |operator: Operator| operator.config().report().warnings().collect::<Vec<_>>();
    let told = "no browser is sent to sign in, because no proxy is trusted to say what it asks for: add the proxy's \
                address to proxies.trusted";
    let policy = "app.login=https://auth.example.com\napp.hosts=app.example.com";
    let policies = operator().variable("PORTCULLIS_FORWARD_AUTH_POLICIES", policy);
    assert_eq!(warnings(policies), [format!("variable PORTCULLIS_FORWARD_AUTH_POLICIES: {told}")]);
    let hosts = operator().variable("PORTCULLIS_FORWARD_AUTH_HOSTS", "app.example.com");
    assert_eq!(warnings(hosts), [format!("variable PORTCULLIS_FORWARD_AUTH_HOSTS: {told}")]);
    let roles = operator().variable("PORTCULLIS_FORWARD_AUTH_POLICIES", "app.roles=admin");
    assert_eq!(warnings(roles), [""; 0]);
}
