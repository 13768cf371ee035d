//! The listener for microservices: trusted gateways, and certificates that do not match.

use rcgen::{CertificateParams, KeyPair};

use super::*;

fn tcp(file: &str) -> Operator {
    operator().file(&format!("[tcp]\n{file}"))
}

#[test]
fn microservices_connect_nowhere_unless_it_is_stated() {
    let off = operator().config().tcp;
    assert!(off.listen.is_none() && off.tls.is_none() && !off.trust_gateway);
    assert_eq!((off.limits.frame, off.timeouts.packet), (72 << 10, Duration::from_secs(30)));
    let on = tcp("listen = \"localhost:4503\"").config().tcp;
    assert_eq!(on.listen.unwrap().addresses().len(), 2);
}

#[test]
fn an_address_for_microservices_that_others_reach_needs_what_production_needs() {
    let open = tcp("listen = \"0.0.0.0:4503\"");
    let faults = open.faults();
    assert!(
        faults.len() == 1 && faults[0].contains("0.0.0.0:4503 can be reached from other machines"),
        "{faults:?}"
    );
    assert!(open.in_production().read().is_ok());
    assert!(tcp("listen = \"unix:/run/p.sock\"").read().is_ok());
}

#[test]
fn an_address_is_taken_once() {
    let twice = tcp("listen = \"127.0.0.1:1\"").flag("listen", "127.0.0.1:1").faults();
    assert_eq!(twice, ["p.toml:2: tcp.listen: 127.0.0.1:1 is already an address of listen"]);
    let metrics =
        tcp("listen = \"127.0.0.1:9\"").variable("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:9").faults();
    assert_eq!(metrics, ["p.toml:2: tcp.listen: 127.0.0.1:9 is already an address of metrics.listen"]);
}

#[test]
fn a_gateway_is_trusted_only_where_no_other_client_can_connect() {
    for (listen, allowed) in [
        ("127.0.0.1:4503", true),
        ("localhost:4503", true),
        ("unix:/run/p.sock", true),
        ("0.0.0.0:4503", false),
        ("127.0.0.1:4503, 10.0.0.1:4503", false),
    ] {
        let trusting = tcp(&format!("listen = \"{listen}\"\ntrust_gateway = true")).in_production();
        let faults = trusting.read().err().unwrap_or_default();
        assert_eq!(faults.is_empty(), allowed, "{listen}");
        if let Some(fault) = faults.first() {
            let told = "p.toml:3: tcp.trust_gateway: true needs tcp.tls.client_ca, or ";
            assert!(fault.to_string().starts_with(told), "{fault}");
        }
        assert!(tcp(&format!("listen = \"{listen}\"")).in_production().read().is_ok());
    }
}

/// An operator with real files: `name` and what is in it.
fn with_files(files: &[(&str, &str)], stated: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let files: BTreeMap<String, String> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let env = stated
        .iter()
        .map(|(name, value)| (format!("PORTCULLIS_TCP_{name}"), (*value).to_owned()))
        .chain([
            ("PORTCULLIS_PUBLIC_URL".to_owned(), "https://auth.example.com".to_owned()),
            ("PORTCULLIS_MAIL_TRANSPORT".to_owned(), "outbox".to_owned()),
            ("PORTCULLIS_MASTER_KEY".to_owned(), KEY.to_owned()),
        ])
        .collect();
    let open = |path: &Path| {
        let text = path.to_str().and_then(|path| files.get(path));
        text.cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    };
    Config::read(&Flags::default(), &env, &open)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn issued() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["auth.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

// ASVS-map: OP6
#[test]
fn certificates_are_read_with_the_configuration() {
    let (certificate, key) = issued();
    let files = [("c", certificate.as_str()), ("k", key.as_str())];
    let stated = [
        ("LISTEN", "0.0.0.0:4503"),
        ("TRUST_GATEWAY", "true"),
        ("TLS_CERTIFICATE", "c"),
        ("TLS_KEY", "k"),
        ("TLS_CLIENT_CA", "c"),
    ];
    let config = with_files(&files, &stated).unwrap();
    assert!(config.tcp.tls.is_some() && config.tcp.trust_gateway);
    assert!(!format!("{config:?}").contains(key.lines().nth(1).unwrap()), "the key is shown");
}

#[test]
fn certificates_that_do_not_serve_are_told_before_anything_starts() {
    let (certificate, key) = issued();
    let (_, other_key) = issued();
    let broken = certificate.replace("MII", "%%%");
    let files =
        [("c", certificate.as_str()), ("k", &key), ("other", &other_key), ("broken", &broken), ("empty", "")];
    let (c, k) = (("TLS_CERTIFICATE", "c"), ("TLS_KEY", "k"));
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[c], "TLS_CERTIFICATE: needs tcp.tls.key"),
        (&[k], "TLS_KEY: needs tcp.tls.certificate"),
        (&[("TLS_CLIENT_CA", "c")], "TLS_CLIENT_CA: needs tcp.tls.certificate and tcp.tls.key"),
        (&[("TLS_CERTIFICATE", "none"), k], "TLS_CERTIFICATE: cannot read \"none\": no such file"),
        (&[("TLS_CERTIFICATE", "empty"), k], "TLS_CERTIFICATE: \"empty\": holds no certificate in PEM"),
        (&[("TLS_CERTIFICATE", "broken"), k], "TLS_CERTIFICATE: \"broken\": holds something that is no"),
        (&[("TLS_CERTIFICATE", "k"), k], "TLS_CERTIFICATE: \"k\": holds no certificate in PEM"),
        (&[c, ("TLS_KEY", "c")], "TLS_KEY: \"c\": holds no private key in PEM"),
        (&[c, ("TLS_KEY", "other")], "TLS_CERTIFICATE: does not match its key"),
        (&[c, k, ("TLS_CLIENT_CA", "empty")], "TLS_CLIENT_CA: \"empty\": holds no certificate in PEM"),
    ];
    for (stated, told) in cases {
        let faults = with_files(&files, stated).unwrap_err();
        let told = format!("variable PORTCULLIS_TCP_{told}");
        assert!(faults.len() == 1 && faults[0].starts_with(&told), "{told}\n{faults:?}");
    }
}
