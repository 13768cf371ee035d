//! Headers and texts.

use super::*;

#[test]
fn the_text_of_every_mail() {
    let composer = example_composer();
    let shown = messages_of_all_kinds().map(|message| {
        let word = message.kind().as_str();
        let (_, read) = sent(&composer, &mail(message));
        format!("==== {word}: {}\n{}\n", read.subject, read.text)
    });
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn a_mail_as_html() {
    let (raw, _) = sent(&example_composer(), &mail(messages_of_all_kinds()[3].clone()));
    insta::assert_snapshot!(html(&raw));
}

#[test]
fn a_message_has_the_headers_that_mail_programs_want() {
    let (raw, read) = sent(&example_composer(), &mail(code("curl/8.7.1")));
    assert_eq!(read.from, "Example <no-reply@example.com>");
    assert_eq!(read.to, "Ann <Ann@example.com>");
    assert_eq!(read.date, "Wed, 28 Jan 2026 22:12:56 +0000");
    assert_eq!(read.message_id, "<01900000-0000-7000-8000-00001b9d6bcd@example.com>");
    for line in ["Auto-Submitted: auto-generated\r\n", "MIME-Version: 1.0\r\n", "multipart/alternative;"] {
        assert!(raw.contains(line), "{line}: {raw}");
    }
    let bodies = raw.split("Content-Type: text/").skip(1).map(|part| part.lines().next().unwrap());
    assert_eq!(bodies.collect::<Vec<_>>(), ["plain; charset=utf-8", "html; charset=utf-8"]);
}

#[test]
fn a_second_copy_is_recognised() {
    let composer = example_composer();
    let first = sent(&composer, &mail(code("x"))).1;
    let second = sent(&composer, &OutgoingMail { at: later(1), ..mail(code("x")) }).1;
    assert_eq!(first.message_id, second.message_id);
    let other = sent(&composer, &OutgoingMail { id: Uuid::from_u128(7), ..mail(code("x")) }).1;
    assert_ne!(first.message_id, other.message_id);
}

#[test]
fn no_header_holds_a_secret() {
    let composer = example_composer();
    for message in messages_of_all_kinds() {
        let (raw, read) = sent(&composer, &mail(message));
        let (headers, _) = raw.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains(CODE) && !headers.contains(TOKEN), "{headers}");
        assert!(!read.subject.is_empty());
    }
}

#[test]
fn links_lead_to_the_configured_url_or_to_the_tenants_page() {
    let composer = example_composer();
    let [_, unlock, reset, welcome, ..] = messages_of_all_kinds();
    for (message, link) in [
        (unlock, format!("{BASE}/auth/unlock?token={TOKEN}")),
        (reset, format!("{BASE}/auth/password/reset?token={TOKEN}")),
        (welcome, format!("https://app.example/in?a=b&token={TOKEN}")),
    ] {
        let (raw, read) = sent(&composer, &mail(message));
        assert!(read.text.lines().any(|line| line == link), "{}", read.text);
        let href = link.replace('&', "&amp;").replace('/', "&#x2f;");
        assert!(html(&raw).contains(&format!("href=\"{href}\"")), "{}", html(&raw));
    }
}

#[test]
fn what_a_stranger_chose_arrives_as_text_and_adds_no_header() {
    let composer = example_composer();
    let clean = sent(&composer, &mail(code("Firefox on Linux"))).0;
    let fields = |raw: &str| mailparse::parse_mail(raw.as_bytes()).unwrap().headers.len();
    for hostile in [
        "x\r\nBcc: eve@evil.example",
        "x\r\n\r\n<script>alert(1)</script>",
        "x\nSubject: y",
        "\"><img src=https://evil.example/x>",
        "{{ code }}{% for x in y %}",
        "x\0\u{85}\u{2028}Bcc: eve",
        "=?utf-8?q?x=0D=0ABcc:_eve?=",
        "<eve@evil.example>, x",
        &"😀".repeat(500),
    ] {
        let hostile_mail = OutgoingMail { name: Some(hostile.to_owned()), ..mail(code(hostile)) };
        let (raw, read) = sent(&composer, &hostile_mail);
        assert_eq!(fields(&raw), fields(&clean), "{raw}");
        assert!(read.is_to(&hostile_mail.to), "{read:?}");
        assert_eq!(read.subject, "Your sign-in code for Portcullis");
        assert!(read.text.contains(CODE) && !read.text.contains("evil.example"), "{}", read.text);
        let html = html(&raw);
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(raw.lines().all(|line| line.len() <= 998), "a line is longer than servers take");
    }
}

#[test]
fn a_tenants_sender_is_used_if_it_is_a_mailbox() {
    let composer = example_composer();
    let from = |sender: &str| {
        let mail = OutgoingMail { sender: Some(sender.to_owned()), ..mail(MailContent::SignUpAttempted) };
        let (raw, read) = sent(&composer, &mail);
        assert!(!raw.contains("\r\nBcc:"), "{raw}");
        (read.from, read.message_id.rsplit_once('@').unwrap().1.to_owned())
    };
    assert_eq!(
        from("Acme <hi@acme.example>"),
        ("Acme <hi@acme.example>".to_owned(), "acme.example>".to_owned())
    );
    assert_eq!(from("hi@bücher.example").0, "hi@xn--bcher-kva.example");
    for bad in ["", "Acme", "Acme <hi@acme.example>\r\nBcc: eve@evil.example", "hi@"] {
        assert_eq!(from(bad).0, "Example <no-reply@example.com>", "{bad}");
    }
}

#[test]
fn mails_in_every_script_arrive() {
    let hostile =
        OutgoingMail { name: Some("Žofie 漢字 😀".to_owned()), ..mail(code("Firefox на Linux")) };
    let (_, read) = sent(&example_composer(), &hostile);
    assert_eq!(read.to, "Žofie 漢字 😀 <Ann@example.com>");
    assert!(read.text.starts_with("Hello Žofie 漢字 😀,"), "{}", read.text);
    assert!(read.text.contains("Firefox на Linux"), "{}", read.text);
}

#[test]
fn a_time_beyond_every_date_breaks_nothing() {
    let composer = example_composer();
    for at in [i64::MIN, i64::MAX] {
        sent(
            &composer,
            &OutgoingMail { at: Timestamp::from_millis(at), ..mail(MailContent::SignUpAttempted) },
        );
    }
}

#[test]
fn a_mail_has_the_name_of_its_tenant_in_subject_and_bodies() {
    let composer = example_composer();
    for message in messages_of_all_kinds() {
        let own = OutgoingMail { tenant_name: Some("Acme & Söhne".to_owned()), ..mail(message.clone()) };
        let (raw, read) = sent(&composer, &own);
        assert!(read.subject.contains("Acme & Söhne"), "{}", read.subject);
        assert!(read.text.contains("Acme & Söhne") && html(&raw).contains("Acme &amp; Söhne"), "{read:?}");
        let common = sent(&composer, &mail(message)).1;
        assert!(common.subject.contains("Portcullis"), "{}", common.subject);
    }
}
