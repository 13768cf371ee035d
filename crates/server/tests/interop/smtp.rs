//! Delivery by SMTP to a mail server that is not ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};
use portcullis_core::secret::PlainSecret;
use portcullis_server::config::{Config, Flags};
use portcullis_server::mail::{Mailer, ParsedMessage};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mail_server::MailServer;
use crate::server_process::{ServerDirectory, fault};

const FROM: (&str, &str) = ("FROM", "Example <no-reply@example.com>");

/// The notifier that this configuration gives.
fn to(transport: &str, variables: &[(&str, &str)]) -> Mailer {
    let transport = ("TRANSPORT", transport);
    let stated = variables.iter().chain([&FROM, &transport]);
    let env: BTreeMap<String, String> =
        stated.map(|(name, value)| (format!("PORTCULLIS_MAIL_{name}"), (*value).to_owned())).collect();
    let config = Config::read(&Flags::default(), &env, &|_| Ok(String::new())).unwrap();
    Mailer::new(&config, "https://auth.example.com").unwrap()
}

fn code_to(recipient: &str) -> OutgoingMail {
    let now = Timestamp::from_millis(1_769_638_376_311);
    let message = MailContent::Code {
        code: PlainSecret::presented("271828"),
        expires: now.plus(Duration::from_mins(5)),
        device: "Firefox on Linux".to_owned(),
        address: "192.0.2.7".to_owned(),
    };
    OutgoingMail {
        id: Uuid::from_u128(7),
        tenant: TenantId::default_tenant(),
        tenant_name: None,
        to: Email::parse(recipient).unwrap(),
        name: None,
        sender: None,
        language: None,
        message,
        at: now,
    }
}

fn opened(kept: &Value) -> ParsedMessage {
    ParsedMessage::parse(kept["message"].as_str().unwrap().as_bytes()).unwrap()
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn a_mail_arrives_over_starttls_and_over_tls_after_a_login() {
    for (wish, scheme) in [("tls", "smtp"), ("implicit", "smtps")] {
        let server = MailServer::that_wants(&[wish, "login"]);
        let ca = path(&server.authority());
        let url = format!("{scheme}://localhost:{}", server.port());
        let login = [("USERNAME", "me"), ("PASSWORD", "hunter2"), ("CA", ca.as_str())];
        to(&url, &login).deliver(&code_to("Ann@example.com")).await.unwrap();

        let kept = server.stop();
        let [message] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!((&message["tls"], &message["login"]), (&json!(true), &json!(true)), "{message}");
        assert_eq!(message["sender"], "no-reply@example.com");
        assert_eq!(message["recipients"], json!(["Ann@example.com"]));
        let read = opened(message);
        assert_eq!(
            (read.subject.as_str(), read.to.as_str()),
            ("Your sign-in code for Portcullis", "Ann@example.com")
        );
        assert!(read.text.lines().any(|line| line == "271828"), "{}", read.text);
    }
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_told_from_what_may_be_later() {
    let server = MailServer::that_wants(&[]);
    let mail = to(&format!("smtp://127.0.0.1:{}?tls=none", server.port()), &[]);
    let never =
        |why: &str| DeliveryError::Never(format!("127.0.0.1:{}: permanent error {why}", server.port()));
    assert_eq!(
        mail.deliver(&code_to("refused@example.com")).await,
        Err(never("(550): 5.1.1 There is no user of that name"))
    );
    assert_eq!(
        mail.deliver(&code_to("fussy@example.com")).await,
        Err(never("(554): 5.7.1 We do not like what you say"))
    );
    let later = mail.deliver(&code_to("later@example.com")).await;
    assert!(matches!(&later, Err(DeliveryError::Later(why)) if why.contains("Come back later")), "{later:?}");
    mail.deliver(&code_to("ann@example.com")).await.unwrap();
    assert_eq!(server.stop().len(), 1, "a mail that was refused was kept");
}

#[tokio::test]
async fn a_domain_of_any_script_is_reached_and_a_name_that_the_server_cannot_take_is_refused() {
    let server = MailServer::that_wants(&[]);
    let mail = to(&format!("smtp://127.0.0.1:{}?tls=none", server.port()), &[]);
    mail.deliver(&code_to("ann@bücher.example")).await.unwrap();
    let international = mail.deliver(&code_to("žofie@example.com")).await;
    assert!(matches!(international, Err(DeliveryError::Never(_))), "{international:?}");
    let kept = server.stop();
    assert_eq!((kept.len(), &kept[0]["recipients"]), (1, &json!(["ann@xn--bcher-kva.example"])));
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_or_offers_no_tls_hears_nothing() {
    let with_tls = MailServer::that_wants(&["tls"]);
    let ca = path(&with_tls.authority());
    let stranger = to(&format!("smtp://localhost:{}", with_tls.port()), &[]);
    let implicit = MailServer::that_wants(&["implicit"]);
    let another = to(&format!("smtps://localhost:{}", implicit.port()), &[("CA", &ca)]);
    let without_tls = MailServer::that_wants(&[]);
    let open = to(&format!("smtp://localhost:{}", without_tls.port()), &[("CA", &ca)]);
    for (mail, why) in
        [(stranger, "certificate"), (another, "certificate"), (open, "STARTTLS is not supported")]
    {
        let tried = mail.deliver(&code_to("ann@example.com")).await;
        let Err(DeliveryError::Later(told)) = tried else { panic!("{why}: {tried:?}") };
        assert!(told.contains(why), "{told}");
    }
    for server in [with_tls, implicit, without_tls] {
        assert_eq!(server.stop(), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_wrong_or_missing_login_is_a_temporary_failure_of_the_mail() {
    let server = MailServer::that_wants(&["tls", "login"]);
    let ca = path(&server.authority());
    let url = format!("smtp://localhost:{}", server.port());
    let wrong = [("CA", ca.as_str()), ("USERNAME", "me"), ("PASSWORD", "hunter3")];
    for (login, why) in [(&wrong[..], "(535)"), (&wrong[..1], "(530)")] {
        let tried = to(&url, login).deliver(&code_to("ann@example.com")).await;
        let Err(DeliveryError::Later(told)) = tried else { panic!("{tried:?}") };
        assert!(told.contains(why) && !told.contains("hunter3"), "{told}");
    }
    assert_eq!(server.stop(), Vec::<Value>::new());
}

#[tokio::test]
async fn what_a_stranger_chose_arrives_as_text_and_reaches_no_other_address() {
    let server = MailServer::that_wants(&[]);
    let mail = to(&format!("smtp://127.0.0.1:{}?tls=none", server.port()), &[]);
    let hostile = "x\r\n.\r\nRCPT TO:<eve@evil.example>\r\nBcc: eve@evil.example\r\n\r\n<b>x</b>";
    let mut message = code_to("ann@example.com");
    message.name = Some(hostile.to_owned());
    message.sender = Some(format!("Acme <hi@acme.example>{hostile}"));
    if let MailContent::Code { device, .. } = &mut message.message {
        hostile.clone_into(device);
    }
    mail.deliver(&message).await.unwrap();
    let kept = server.stop();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(kept["recipients"], json!(["ann@example.com"]));
    assert_eq!(kept["sender"], "no-reply@example.com");
    assert!(!kept["message"].as_str().unwrap().contains("\nBcc:"), "{kept}");
    let text = opened(kept).text;
    assert!(text.contains("x . RCPT TO:<eve[at]evil[.]example>") && text.contains("271828"), "{text}");
}

#[test]
fn an_operator_is_told_what_became_of_a_mail() {
    let server = MailServer::that_wants(&["tls", "login"]);
    let home = ServerDirectory::new();
    let ca = home.path().join("ca.pem");
    fs::copy(server.authority(), &ca).unwrap();
    let home = home
        .with("PORTCULLIS_MAIL_TRANSPORT", &format!("smtp://localhost:{}", server.port()))
        .with("PORTCULLIS_MAIL_FROM", FROM.1)
        .with("PORTCULLIS_MAIL_USERNAME", "me")
        .with("PORTCULLIS_MAIL_PASSWORD", "hunter2")
        .with("PORTCULLIS_MAIL_CA", &path(&ca));
    let done = home.run(["mail", "test", "ann@example.com"]);
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(said, format!("localhost:{} accepted it: 250 2.0.0 Kept as number 1\n", server.port()));

    let refused = |to: &str, why: [&str; 2]| {
        let (code, line) = fault(&home.run(["mail", "test", to]));
        assert!(code == 1 && why.iter().all(|why| line.contains(why)), "{code}: {line}");
    };
    refused("refused@example.com", ["rejected for good", "There is no user"]);
    refused("later@example.com", ["it may be later", "Come back later"]);
    let kept = server.stop();
    assert_eq!(kept.len(), 1);
    assert_eq!(opened(&kept[0]).subject, "A test mail from Portcullis");
    refused("ann@example.com", ["it may be later", "refused"]);
}
