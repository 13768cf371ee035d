//! `portcullis mail`: a test mail is sent, and the newest mail of the outbox is shown.

use crate::fixture::{PASSWORD, Workdir, text};

#[test]
fn a_test_mail_can_be_read() {
    let home = Workdir::new();
    let said = home.run("mail test ann@example.com").done().out;
    let file =
        said.strip_prefix("Put into ").and_then(|said| said.strip_suffix(".\n")).expect("it names the file");
    assert!(file.starts_with("./portcullis-data/outbox/") && file.contains("ann@example.com"), "{file}");

    let mail = home.run("mail last").done().out;
    for line in [
        "From:    Portcullis <portcullis@localhost>",
        "To:      ann@example.com",
        "Subject: A test mail from Portcullis",
    ] {
        assert!(mail.lines().any(|found| found == line), "{line}: {mail}");
    }
    assert!(mail.contains(file) && mail.contains("This mail shows that mails arrive."), "{mail}");
    assert!(!home.database().exists(), "a mail has made a database");
}

#[test]
fn the_newest_mail_to_an_address_is_found_among_others() {
    let home = Workdir::new();
    for email in ["ann@example.com", "bob@example.com"] {
        home.run(&format!("mail test {email}")).done();
    }
    assert_eq!(home.json("mail last --json")["to"], "bob@example.com");
    let mail = home.json("mail last --json --to ANN@example.com");
    assert_eq!(
        (text(&mail["to"]), text(&mail["subject"])),
        ("ann@example.com", "A test mail from Portcullis")
    );
    assert!(text(&mail["messageId"]).ends_with("@localhost>"), "{mail}");
    assert!(
        text(&mail["text"]).contains("mails arrive") && text(&mail["path"]).contains("ann@example.com"),
        "{mail}"
    );
    let said = home.run("mail last --to cem@example.com").refused(1);
    assert_eq!(said, "there is no mail to cem@example.com in ./portcullis-data/outbox");
}

#[test]
fn waiting_mails_are_counted() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    home.run_with("user password ann@example.com --password-stdin", PASSWORD).done();
    let home = home
        .variable("PORTCULLIS_MAIL_TRANSPORT", "smtp://127.0.0.1:1?tls=none")
        .variable("PORTCULLIS_MAIL_FROM", "no-reply@example.com");
    let metrics = home.serve().text("/metrics");
    assert!(metrics.lines().any(|line| line == "portcullis_mail_waiting 1"), "{metrics}");
}

#[test]
fn an_empty_outbox_is_reported() {
    let said = Workdir::new().run("mail last").refused(1);
    assert_eq!(said, "there is no mail in ./portcullis-data/outbox");
}

#[test]
fn with_a_mail_server_there_is_no_last_mail() {
    let home = Workdir::new()
        .variable("PORTCULLIS_MAIL_TRANSPORT", "smtp://127.0.0.1:1?tls=none")
        .variable("PORTCULLIS_MAIL_FROM", "no-reply@example.com");
    let said = home.run("mail last").refused(2);
    assert!(said.starts_with("mails go to the mail server 127.0.0.1:1, and none is kept here"), "{said}");
    let said = home.run("mail test ann@example.com").refused(1);
    assert!(said.starts_with("not delivered; it may be later: 127.0.0.1:1: "), "{said}");
}

#[test]
fn a_mistake_in_a_template_is_a_fault_of_the_configuration() {
    let home = Workdir::new().variable("PORTCULLIS_MAIL_TEMPLATES", "none");
    let said = home.run("mail test ann@example.com").refused(2);
    assert!(said.starts_with("none: cannot be read"), "{said}");
    assert!(home.run("mail test ann").refused(2).contains("not an email address"));
}

#[test]
fn templates_are_written_out_and_work_unchanged() {
    let home = Workdir::new();
    let written = home.run("mail templates own").done().out;
    assert_eq!(
        written.lines().collect::<Vec<_>>(),
        ["own/en.toml", "own/layout.txt", "own/layout.html", "own/page.html", "own/page.css"]
    );
    let said = home.run("mail templates own").refused(1);
    assert!(
        said.starts_with("own/en.toml, own/layout.txt") && said.ends_with("--force overwrites"),
        "{said}"
    );
    home.run("mail templates own --force").done();
    home.run("mail test ann@example.com").done();
    let built_in = home.json("mail last --json");
    let home = home.variable("PORTCULLIS_MAIL_TEMPLATES", "own");
    home.run("mail test bob@example.com").done();
    let own = home.json("mail last --json");
    assert_eq!((&own["subject"], text(&own["to"])), (&built_in["subject"], "bob@example.com"));
    home.serve();
}
