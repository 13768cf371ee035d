//! Settings of mail: which need each other, and which are rejected.

use super::*;

/// A configuration whose mails go to this server.
fn sending(transport: &str) -> Operator {
    operator()
        .variable("PORTCULLIS_MAIL_TRANSPORT", transport)
        .variable("PORTCULLIS_MAIL_FROM", "Example <no-reply@example.com>")
}

#[test]
fn mail_goes_to_the_outbox_by_default() {
    let mail = operator().config().mail;
    assert_eq!(mail.transport, MailTransport::Outbox);
    assert_eq!((mail.language.as_str(), mail.timeout), ("en", Duration::from_secs(30)));
    assert!(mail.from.is_none() && mail.password.is_none() && mail.templates.is_none());
}

#[test]
fn smtp_needs_a_sender() {
    let without = operator().file("[mail]\ntransport = \"smtps://mail.example.com\"").faults();
    assert_eq!(
        without,
        ["p.toml:2: mail.transport: needs mail.from, the sender of mails: Example <no-reply@example.com>"]
    );
    assert!(sending("smtps://mail.example.com").read().is_ok());
}

#[test]
fn a_login_is_a_name_and_a_password_from_one_place() {
    let server = || sending("smtp://mail.example.com");
    let named = || server().variable("PORTCULLIS_MAIL_USERNAME", "me");
    let password = |mail: Mail| mail.password.map(|password| password.reveal().to_owned());
    assert_eq!(named().faults(), ["variable PORTCULLIS_MAIL_USERNAME: needs mail.password"]);
    assert_eq!(
        server().variable("PORTCULLIS_MAIL_PASSWORD_FILE", "password").faults(),
        ["variable PORTCULLIS_MAIL_PASSWORD_FILE: needs mail.username"]
    );
    let stated = named().variable("PORTCULLIS_MAIL_PASSWORD", "hunter2");
    assert_eq!(password(stated.config().mail).as_deref(), Some("hunter2"));
    let filed = named().variable("PORTCULLIS_MAIL_PASSWORD_FILE", "password");
    assert_eq!(password(filed.config().mail).as_deref(), Some("hunter2"));
    assert_eq!(
        named().variable("PORTCULLIS_MAIL_PASSWORD_FILE", "none").faults(),
        ["variable PORTCULLIS_MAIL_PASSWORD_FILE: cannot read \"none\": no such file"]
    );
    let twice = filed.variable("PORTCULLIS_MAIL_PASSWORD", "hunter2").faults();
    assert!(twice.len() == 1 && twice[0].contains("keep one of them"), "{twice:?}");
}

#[test]
fn a_password_is_not_sent_in_the_open_to_another_machine() {
    let login = |transport| {
        sending(transport)
            .variable("PORTCULLIS_MAIL_USERNAME", "me")
            .variable("PORTCULLIS_MAIL_PASSWORD", "hunter2")
    };
    let refused = login("smtp://mail.example.com?tls=none").faults();
    assert!(refused.len() == 1 && refused[0].contains("without encryption"), "{refused:?}");
    for fine in ["smtp://mail.example.com", "smtps://mail.example.com", "smtp://127.0.0.1:1025?tls=none"] {
        assert!(login(fine).read().is_ok(), "{fine}");
    }
    assert!(sending("smtp://mail.example.com?tls=none").read().is_ok());
}
