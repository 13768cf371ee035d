//! From a mail in words to a message that mail programs read (RFC 5322): headers, and the words as text and as HTML.
//!
//! Names, devices and senders are hostile text. They are one line before they get into a header, where the library
//! encodes them.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mime, MultiPart};
use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::outgoing_mail::{DeliveryError, OutgoingMail};
use tracing::warn;
use url::Host;
use uuid::Uuid;

use super::defang::{defang, single_line};
use super::links::MailLinks;
use super::render::render;
use super::variables::{LONGEST_NAME, MailInput};
use portcullis_http::templates::TemplateSet;

/// The most characters of a subject.
const LONGEST_SUBJECT: usize = 200;
/// The last second that a `Date` can hold, in milliseconds since 1970.
const LAST_DATE: i64 = 253_402_300_799_000;

/// Makes messages.
pub(super) struct Composer {
    pub(super) templates: TemplateSet,
    pub(super) links: MailLinks,
    /// The sender for tenants that set none.
    pub(super) from: Mailbox,
    /// The language for tenants that set none.
    pub(super) language: String,
    /// The name for tenants that set none.
    pub(super) tenant_name: String,
}

/// A message, ready to be sent.
pub(super) struct ComposedMail {
    pub(super) mime: Mime,
    pub(super) id: Uuid,
    pub(super) to: Email,
    pub(super) at: Timestamp,
}

impl Composer {
    /// The message of a mail. A failure is final: trying again would give the same.
    pub(super) fn compose(&self, mail: &OutgoingMail) -> Result<ComposedMail, DeliveryError> {
        let input = MailInput {
            tenant_name: mail.tenant_name.as_deref().unwrap_or(&self.tenant_name),
            name: mail.name.as_deref(),
            content: Some(&mail.message),
            at: mail.at,
        };
        let language = mail.language.as_deref().unwrap_or(&self.language);
        self.message(mail.id, self.sender(mail), &mail.to, language, input)
    }

    /// The message with which an operator tries the mail server.
    pub(super) fn compose_test(
        &self,
        id: Uuid,
        to: &Email,
        at: Timestamp,
    ) -> Result<ComposedMail, DeliveryError> {
        let input = MailInput { tenant_name: &self.tenant_name, name: None, content: None, at };
        self.message(id, self.from.clone(), to, &self.language, input)
    }

    fn message(
        &self,
        id: Uuid,
        from: Mailbox,
        to: &Email,
        language: &str,
        input: MailInput<'_>,
    ) -> Result<ComposedMail, DeliveryError> {
        let rendered =
            render(&self.templates, &self.links, language, input).map_err(|fault| never(&fault))?;
        let domain = to.canonical().rsplit_once('@').map_or("", |(_, domain)| domain);
        let address =
            address(to.local_part(), domain).ok_or_else(|| never("mail cannot be sent to this address"))?;
        let name = input.name.map(|name| defang(name, LONGEST_NAME)).filter(|name| !name.is_empty());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mime = Mime::builder()
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .date(date(input.at))
            .from(from)
            .to(Mailbox::new(name, address))
            .subject(single_line(&rendered.subject, LONGEST_SUBJECT))
            // RFC 3834: vacation replies do not answer it.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(rendered.text, rendered.html))
            .map_err(|fault| never(&fault))?;
        Ok(ComposedMail { mime, id, to: to.clone(), at: input.at })
    }

    /// The tenant's own sender. If it is not a mailbox, the configured one: a code must not get lost because of it.
    fn sender(&self, mail: &OutgoingMail) -> Mailbox {
        let Some(stated) = &mail.sender else { return self.from.clone() };
        mailbox(stated).unwrap_or_else(|| {
            warn!(tenant = %mail.tenant, sender = ?stated, "mail.from of the tenant is not a mailbox; that of the installation is used");
            self.from.clone()
        })
    }
}

/// Reads a mailbox: `Acme <no-reply@acme.example>` or `no-reply@acme.example`.
pub(crate) fn mailbox(text: &str) -> Option<Mailbox> {
    if text.contains(char::is_control) {
        return None;
    }
    let mailbox: Mailbox = text.parse().ok()?;
    let email = address(mailbox.email.user(), mailbox.email.domain())?;
    let name = mailbox.name.map(|name| single_line(&name, LONGEST_NAME)).filter(|name| !name.is_empty());
    Some(Mailbox::new(name, email))
}

/// With the domain in ASCII, which every server takes.
fn address(user: &str, domain: &str) -> Option<Address> {
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
    Address::new(user, domain).ok()
}

fn date(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.as_millis().clamp(0, LAST_DATE)).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

fn never(fault: &(impl ToString + ?Sized)) -> DeliveryError {
    DeliveryError::Never(fault.to_string())
}
