//! Settings of mails to users.

use super::super::parse::{duration, language, mail_password, mail_transport, path, plain, sender};
use super::DefaultValue::{Fixed, Unset};
use super::Setting;

pub(super) const MAIL: &[Setting] = &[
    setting!("mail.transport" [example("smtp://mail.example.com:587")]: Text("URL"), Fixed("outbox"), config.mail.transport = mail_transport,
        "Where mails to users go: `smtp://HOST:587` (STARTTLS, required), `smtps://HOST:465` (TLS), \
         `smtp://HOST:PORT?tls=none` (plain), or `outbox`, a file each in the folder `outbox` of `data_dir`. Must be \
         stated with a public URL"),
    setting!("mail.from" [example("Example <no-reply@example.com>")]: Text("MAILBOX"), Unset("none; needed with SMTP"), config.mail.from = Some(sender),
        "The sender of mails, where the tenant sets none: `Example <no-reply@example.com>`"),
    setting!("mail.username" [example("portcullis")]: Text("NAME"), Unset("none: no login"), config.mail.username = Some(plain),
        "The user name for the mail server"),
    setting!("mail.password" [secret()]: Text("PASSWORD"), Unset("none"),
        config.mail.password = Some(mail_password),
        "The password for the mail server. Without TLS it is sent to this machine alone"),
    setting!("mail.password_file" [example("/etc/portcullis/mail.password")]: Text("FILE"), Unset("none"), mail_password_file = Some(path),
        "A file that holds the password for the mail server, instead of `mail.password`"),
    setting!("mail.ca" [example("/etc/portcullis/mail-ca.pem")]: Text("FILE"), Unset("the authorities that this machine trusts"),
        config.mail.ca = Some(path),
        "The certificate (PEM) of the one authority that is trusted for the mail server"),
    setting!("mail.timeout": Text("DURATION"), Fixed("30s"), config.mail.timeout = duration("1s", "5m"),
        "How long the delivery of a mail may take, from 1s to 5m"),
    setting!("mail.templates" [example("/etc/portcullis/templates")]: Text("DIR"), Unset("those of the binary"), config.mail.templates = Some(path),
        "A folder whose layouts (`layout.txt`, `layout.html`, `page.html`, `page.css`) and texts (`en.toml`, \
         `de.toml`) replace those of the binary, file by file. `portcullis mail templates DIR` writes them"),
    setting!("mail.language": Text("LANGUAGE"), Fixed("en"), config.mail.language = language,
        "The language of mails and pages, where the tenant sets none"),
];
