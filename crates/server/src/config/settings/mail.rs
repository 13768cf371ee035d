//! Settings of mails to users.

use std::path::PathBuf;

use super::super::parse;
use super::{DefaultValue, Setting, put};

pub(super) const MAIL: &[Setting] = &[
    Setting::new(
        "mail.transport",
        "URL",
        DefaultValue::Fixed("outbox"),
        "Where mails to users go: `smtp://HOST:587` (STARTTLS, required), `smtps://HOST:465` (TLS), \
         `smtp://HOST:PORT?tls=none` (plain), or `outbox`, a file each in the folder `outbox` of `data_dir`. Must be stated \
         with a public URL",
        |builder, text| put(&mut builder.config.mail.transport, parse::mail_transport(text)),
    ),
    Setting::new(
        "mail.from",
        "MAILBOX",
        DefaultValue::Unset("none; needed with SMTP"),
        "The sender of mails, where the tenant sets none: `Example <no-reply@example.com>`",
        |builder, text| put(&mut builder.config.mail.from, parse::sender(text).map(Some)),
    ),
    Setting::new(
        "mail.username",
        "NAME",
        DefaultValue::Unset("none: no login"),
        "The user name for the mail server",
        |builder, text| put(&mut builder.config.mail.username, parse::plain(text).map(Some)),
    ),
    Setting::new(
        "mail.password",
        "PASSWORD",
        DefaultValue::Unset("none"),
        "The password for the mail server. Without TLS it is sent to this machine alone",
        |builder, text| put(&mut builder.config.mail.password, parse::mail_password(text).map(Some)),
    )
    .secret(),
    Setting::new(
        "mail.password_file",
        "FILE",
        DefaultValue::Unset("none"),
        "A file that holds the password for the mail server, instead of `mail.password`",
        |builder, text| put(&mut builder.mail_password_file, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "mail.ca",
        "FILE",
        DefaultValue::Unset("the authorities that this machine trusts"),
        "The certificate (PEM) of the one authority that is trusted for the mail server",
        |builder, text| put(&mut builder.config.mail.ca, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "mail.timeout",
        "DURATION",
        DefaultValue::Fixed("30s"),
        "How long the delivery of a mail may take, from 1s to 5m",
        |builder, text| put(&mut builder.config.mail.timeout, parse::duration(text, "1s", "5m")),
    ),
    Setting::new(
        "mail.templates",
        "DIR",
        DefaultValue::Unset("those of the binary"),
        "A folder whose layouts (`layout.txt`, `layout.html`, `page.html`, `page.css`) and texts (`en.toml`, `de.toml`) replace \
         those of the binary, file by file. `portcullis mail templates DIR` writes them",
        |builder, text| put(&mut builder.config.mail.templates, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "mail.language",
        "LANGUAGE",
        DefaultValue::Fixed("en"),
        "The language of mails and pages, where the tenant sets none",
        |builder, text| put(&mut builder.config.mail.language, parse::language(text)),
    ),
];
