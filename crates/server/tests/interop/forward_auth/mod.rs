//! Forward-auth with nginx and with Caddy, configured by the very text of their pages: what reaches the service behind
//! them, and what the client is told.

mod echo_service;
mod proxies;

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::server_process::{Credential, RawAnswer, ServerDirectory, ServerProcess, ask_at, wait_until};
use echo_service::EchoService;
use proxies::{CADDY, NGINX, ProxyKind, RunningProxy};

/// The headers that say whose request it is.
const IDENTITY: [&str; 4] = ["x-user-id", "x-tenant-id", "x-user-role", "x-session-id"];

/// A service behind a proxy that asks the server.
struct Site {
    home: ServerDirectory,
    server: ServerProcess,
    service: EchoService,
    proxy: RunningProxy,
    kind: ProxyKind,
    _files: TempDir,
}

impl Site {
    /// One behind each kind of proxy.
    fn behind_each() -> impl Iterator<Item = Self> {
        [NGINX, CADDY].into_iter().map(Self::behind)
    }

    fn behind(kind: ProxyKind) -> Self {
        let home = ServerDirectory::new();
        let file = home.path().join("portcullis.toml");
        fs::write(&file, kind.file("toml").replace("10.0.0.10", "127.0.0.1")).unwrap();
        let home = home.with("PORTCULLIS_CONFIG", &file.display().to_string());
        let server = home.serve();
        server.register();
        let (service, files) = (EchoService::start(), tempfile::tempdir().unwrap());
        let proxy = (kind.start)(server.address(), service.address, files.path());
        Self { home, server, service, proxy, kind, _files: files }
    }

    /// What a client is told of a request for the service's host.
    fn told(&self, what: &str, headers: &str, body: &str) -> RawAnswer {
        ask_at(self.proxy.address, &format!("{what} HTTP/1.1\r\nHost: app.example.com\r\n{headers}"), body)
    }

    /// The request as the service has received it.
    #[track_caller]
    fn received(&self, what: &str, headers: &str, body: &str) -> Value {
        let answer = self.told(what, headers, body);
        assert_eq!(answer.status, 200, "{what} {headers}: {answer:?}");
        answer.body
    }

    /// What a client is told of a request that must not reach the service.
    #[track_caller]
    fn refused(&self, what: &str, headers: &str, status: u16) -> RawAnswer {
        let reached = self.service.reached();
        let answer = self.told(what, headers, "");
        assert_eq!(
            (answer.status, self.service.reached()),
            (status, reached),
            "{what} {headers}: {answer:?}"
        );
        answer
    }
}

/// The values of every header that a framework may read as this one: names are compared without regard to case, and to
/// what is neither a letter nor a digit.
fn values<'v>(received: &'v Value, name: &str) -> Vec<&'v str> {
    let folded = |name: &str| {
        let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        name.chars().map(fold).collect::<String>()
    };
    let headers = received["headers"].as_array().unwrap().iter();
    let headers = headers.map(|header| (header[0].as_str().unwrap(), header[1].as_str().unwrap()));
    headers.filter(|(known, _)| folded(known) == name).map(|(_, value)| value).collect()
}

/// Spellings of a header of three words that a client may send.
fn spellings(name: &str) -> Vec<String> {
    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    let cases: [&dyn Fn(&str) -> String; 3] = [&str::to_lowercase, &str::to_uppercase, &capitalised];
    let mut all = Vec::new();
    for (first, second) in
        ["-", "_", "."].into_iter().flat_map(|one| ["-", "_", "."].map(|other| (one, other)))
    {
        for case in cases {
            let words: Vec<String> = name.split('-').map(case).collect();
            all.push(format!("{}{first}{}{second}{}", words[0], words[1], words[2]));
        }
    }
    all
}

// ASVS-map: GW1
#[test]
fn the_service_is_told_whose_request_it_is_and_nothing_that_a_client_has_made_up() {
    for site in Site::behind_each() {
        let made_up: Vec<String> = IDENTITY.iter().flat_map(|name| spellings(name)).collect();
        assert_eq!(made_up.len(), 4 * 27);
        for strategy in ["jwt", "session", "hybrid", "refresh", "denylist", "session-jwt"] {
            let held = site.server.credential(strategy);
            let profile = site.server.profile(strategy, &held);
            let user =
                profile.body["user"]["userId"].as_str().or_else(|| profile.body["user"]["id"].as_str());
            let credential = held.header();
            let alone = site.received("GET /reports", &credential, "");
            assert_eq!(values(&alone, "x-user-id"), [user.unwrap()], "{alone}");
            assert_eq!(values(&alone, "x-tenant-id"), ["default"]);
            assert_eq!(values(&alone, "x-user-role"), ["user"]);
            assert_eq!(values(&alone, "x-session-id").len(), 1);
            for chunk in made_up.chunks(20) {
                let headers = format!("{}: evil\r\n{credential}", chunk.join(": evil\r\n"));
                let told = site.received("GET /reports", &headers, "");
                for name in IDENTITY {
                    assert_eq!(values(&told, name), values(&alone, name), "{chunk:?}: {told}");
                }
            }
        }
    }
}

#[test]
fn a_request_reaches_the_service_as_it_was_sent() {
    for site in Site::behind_each() {
        let credential = site.server.credential("session-jwt").header();
        let body = "x".repeat(100_000);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let path = "/reports/7?part=2&name=a%2Fb";
            let received = site.received(&format!("{method} {path}"), &credential, &body);
            assert_eq!((&received["method"], &received["path"]), (&method.into(), &path.into()));
            assert_eq!(received["body"].as_str().map(str::len), Some(body.len()), "{method}");
        }
        let received = site.received("GET /", &credential, "");
        assert_eq!(
            values(&received, "x-original-method").len() + values(&received, "x-forwarded-method").len(),
            0
        );
    }
}

// ASVS-map: GW2
#[test]
fn who_is_not_signed_in_does_not_reach_the_service() {
    for site in Site::behind_each() {
        for (what, credential) in [
            ("GET /reports", ""),
            ("POST /reports", ""),
            ("HEAD /admin/x", ""),
            ("GET /reports", "Authorization: Bearer x.y.z\r\n"),
            ("OPTIONS /reports", ""),
            ("OPTIONS /reports", "Origin: https://other.example\r\n"),
        ] {
            let refused = site.refused(what, credential, 401);
            let challenge =
                if credential.contains("Bearer") { "Bearer error=\"invalid_token\"" } else { "Bearer" };
            assert_eq!(refused.header("www-authenticate"), Some(challenge), "{what}: {refused:?}");
            assert_eq!(refused.header("set-cookie"), None);
        }
        let token = site.server.access_token("session-jwt");
        let twice = format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n");
        let answer = site.told("GET /reports", &twice, "");
        assert!(matches!(answer.status, 400 | 401), "{answer:?}");
    }
}

// ASVS-map: CS5
#[test]
fn a_browser_is_sent_to_sign_in_and_can_return() {
    for site in Site::behind_each() {
        let accept = "Accept: text/html,application/xhtml+xml\r\n";
        for (method, status) in [("GET", 302), ("POST", 303)] {
            let what = format!("{method} /admin/reports?year=2026&x=a%2Fb");
            let sent = site.refused(&what, accept, status);
            let expected = "https://auth.example.com/login?return_to=http%3A%2F%2Fapp.example.com%2Fadmin%2Freports%3Fyear%3D2026%26x%3Da%252Fb";
            assert_eq!(sent.header("location"), Some(expected), "{sent:?}");
        }
        for made_up in [
            "X-Forwarded-Host: evil.example\r\n",
            "X-Forwarded-Proto: javascript\r\n",
            "X-Forwarded-Uri: //evil.example\r\n",
            "Forwarded: host=evil.example\r\n",
        ] {
            let sent = site.refused("GET /", &format!("{accept}{made_up}"), 302);
            let back = "https://auth.example.com/login?return_to=http%3A%2F%2Fapp.example.com%2F";
            assert_eq!(sent.header("location"), Some(back), "{made_up}");
        }
        let script = format!("{accept}X-Requested-With: XMLHttpRequest\r\n");
        site.refused("GET /", &script, 401);
    }
}

// ASVS-map: GW3
#[test]
fn a_policy_by_path_holds_however_the_path_is_written() {
    for site in Site::behind_each() {
        let credential = site.server.credential("session-jwt").header();
        for path in [
            "/admin/",
            "/admin/x?y",
            "//admin/",
            "/x/../admin/",
            "/./admin/x",
            "/%61dmin/x",
            "/admin/../admin/",
            "/x/%2e%2e/admin/",
        ] {
            let refused = site.refused(&format!("GET {path}"), &credential, 403);
            assert_eq!(refused.header("location"), None);
        }
        let promoted = site.home.run(["user", "role", "ann@example.com", "manager"]);
        assert!(promoted.status.success(), "{promoted:?}");
        let reaches = || site.told("GET /admin/x", &credential, "");
        assert!(wait_until(|| reaches().status == 200));
        assert_eq!(values(&reaches().body, "x-user-role"), ["manager"]);
    }
}

// ASVS-map: CS1
#[test]
fn a_form_of_another_site_does_not_reach_the_service() {
    for site in Site::behind_each() {
        let cookie = site.server.credential("session").header();
        let foreign =
            "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
        for made_up in ["", "X-Original-Method: GET\r\n", "X-Forwarded-Method: GET\r\n"] {
            for method in ["POST", "PUT", "DELETE"] {
                let headers = format!("{cookie}{foreign}{made_up}");
                site.refused(&format!("{method} /reports"), &headers, 403);
            }
        }
        site.received("GET /reports", &format!("{cookie}{foreign}"), "");
        site.received("POST /reports", &format!("{cookie}Origin: http://app.example.com\r\n"), "x=1");
        let bearer = Credential::Bearer(site.server.access_token("jwt")).header();
        site.received("POST /reports", &format!("{bearer}{foreign}"), "x=1");
    }
}

#[test]
fn a_preflight_request_reaches_the_service_without_a_user() {
    for site in Site::behind_each() {
        let asked = "Origin: https://other.example\r\nAccess-Control-Request-Method: POST\r\nX-User-Id: evil\r\nX-User-Role: admin\r\n";
        for path in ["/reports", "/admin/x"] {
            let received = site.received(&format!("OPTIONS {path}"), asked, "");
            for name in IDENTITY {
                assert!(values(&received, name).iter().all(|value| value.is_empty()), "{received}");
            }
        }
        site.refused("POST /reports", asked, 401);
    }
}

// ASVS-map: SE4
#[test]
fn a_sign_out_is_refused_at_once() {
    for site in Site::behind_each() {
        for strategy in ["session", "hybrid", "denylist", "session-jwt"] {
            let held = site.server.credential(strategy);
            site.received("GET /", &held.header(), "");
            assert_eq!(site.server.logout(strategy, &held).status, 201);
            site.refused("GET /", &held.header(), 401);
        }
    }
}

// ASVS-map: RV3 GW2
#[test]
fn an_outage_is_503_and_never_a_refusal() {
    for site in Site::behind_each() {
        let held = site.server.credential("session-jwt").header();
        site.received("GET /", &held, "");
        let (database, away) = (site.home.database(), site.home.path().join("away"));
        fs::rename(&database, &away).unwrap();
        let told = || site.told("GET /", &format!("{held}Accept: text/html\r\n"), "");
        assert!(wait_until(|| {
            let status = told().status;
            assert!(matches!(status, 200 | 503), "{status}");
            status == 503
        }));
        assert_eq!(told().header("retry-after"), Some("1"));
        fs::rename(&away, &database).unwrap();
        assert!(wait_until(|| told().status == 200));
    }
}

// ASVS-map: GW2
#[test]
fn without_an_answer_nothing_passes() {
    for site in Site::behind_each() {
        let credential = site.server.credential("jwt").header();
        site.received("GET /", &credential, "");
        let Site { server, service, proxy, kind, .. } = site;
        server.kill();
        let reached = service.reached();
        let head = format!("GET / HTTP/1.1\r\nHost: app.example.com\r\n{credential}");
        assert_eq!(ask_at(proxy.address, &head, "").status, kind.status_without_server);
        assert_eq!(service.reached(), reached);
    }
}
