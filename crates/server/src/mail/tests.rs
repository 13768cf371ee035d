//! Mails as they are sent, and as users read them.

mod composing;
mod templates;
mod transports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::outgoing_mail::{MailContent, OutgoingMail};
use portcullis_core::secret::PlainSecret;
use uuid::Uuid;

use super::compose::{ComposedMail, Composer};
use super::*;
use crate::config::Flags;

const CODE: &str = "271828";
const TOKEN: &str = "tOkEn-_0123456789";
const BASE: &str = "https://auth.example.com";

/// 2026-01-28T22:12:56.311Z
fn now() -> Timestamp {
    Timestamp::from_millis(1_769_638_376_311)
}

fn later(minutes: u64) -> Timestamp {
    now().plus(Duration::from_mins(minutes))
}

fn code(device: &str) -> MailContent {
    MailContent::Code {
        code: PlainSecret::presented(CODE),
        expires: later(5),
        device: device.to_owned(),
        address: "192.0.2.7".to_owned(),
    }
}

fn messages_of_all_kinds() -> [MailContent; 9] {
    let token = || PlainSecret::presented(TOKEN);
    let (device, address) = (|| "Firefox on Linux".to_owned(), || "192.0.2.7".to_owned());
    [
        code("Firefox on Linux"),
        MailContent::Unlock { token: token(), expires: later(60) },
        MailContent::Reset { token: token(), expires: later(60), page: None },
        MailContent::Welcome {
            token: token(),
            expires: later(60),
            page: Some("https://app.example/in?a=b".to_owned()),
        },
        MailContent::PasswordChanged { at: now() },
        MailContent::NewDevice { device: device(), address: address(), at: now() },
        MailContent::RefreshReused { device: device(), address: address(), at: now() },
        MailContent::RefreshShared { device: device(), address: address(), at: now() },
        MailContent::SignUpAttempted,
    ]
}

fn mail(message: MailContent) -> OutgoingMail {
    OutgoingMail {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_1b9d_6bcd),
        tenant: TenantId::default_tenant(),
        tenant_name: None,
        to: Email::parse("Ann@example.com").unwrap(),
        name: Some("Ann".to_owned()),
        sender: None,
        language: None,
        message,
        at: now(),
    }
}

/// A configuration with these variables of `PORTCULLIS_MAIL_…` and its data in `folder`.
fn config(folder: &Path, variables: &[(&str, &str)]) -> Config {
    let mut env: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| (format!("PORTCULLIS_MAIL_{name}"), (*value).to_owned()))
        .collect();
    env.insert("PORTCULLIS_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned());
    Config::read(&Flags::default(), &env, &|_| Ok(String::new())).unwrap()
}

fn composer_with(variables: &[(&str, &str)]) -> Result<Composer, String> {
    composer(&config(Path::new("data"), variables), BASE).map_err(|fault| fault.to_string())
}

fn example_composer() -> Composer {
    composer_with(&[("FROM", "Example <no-reply@example.com>")]).unwrap()
}

/// The message as it is sent, and as it is read.
fn sent(composer: &Composer, mail: &OutgoingMail) -> (String, ParsedMessage) {
    let ComposedMail { mime, .. } = composer.compose(mail).unwrap();
    let bytes = mime.formatted();
    let parsed = ParsedMessage::parse(&bytes).unwrap();
    (String::from_utf8(bytes).expect("it is ASCII throughout"), parsed)
}

/// The HTML part, decoded.
fn html(raw: &str) -> String {
    let mail = mailparse::parse_mail(raw.as_bytes()).unwrap();
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/html").unwrap();
    part.get_body().unwrap().replace("\r\n", "\n")
}
