//! From a letter to a message as mail programs read it (RFC 5322): headers, and the same words as text and as HTML.
//!
//! Names, devices and senders are hostile text. What goes into a header is one line by then, and is encoded by the library
//! besides.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mime, MultiPart};
use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::outgoing_mail::{DeliveryError, MailContent, OutgoingMail};
use tracing::warn;
use url::Host;
use uuid::Uuid;

use super::facts::{LONGEST_NAME, facts};
use super::inert::{inert, line};
use super::kind::Kind;
use super::links::Links;
use super::templates::{Content, Rendered, Templates};

/// The most characters of a subject.
const LONGEST_SUBJECT: usize = 200;
/// The last second that a `Date` can say.
const END_OF_TIME: i64 = 253_402_300_799_000;

/// Puts letters into words and messages.
pub(super) struct Composer {
    pub(super) templates: Templates,
    pub(super) links: Links,
    /// Who sends where a tenant says nothing else.
    pub(super) from: Mailbox,
    /// The language where a tenant says nothing else.
    pub(super) language: String,
}

/// A message, ready to be sent.
pub(super) struct Composed {
    pub(super) mime: Mime,
    pub(super) id: Uuid,
    pub(super) to: Email,
    pub(super) at: Timestamp,
}

/// Who a message is from and to, and what marks it.
struct Cover<'a> {
    id: Uuid,
    from: Mailbox,
    to: &'a Email,
    name: Option<&'a str>,
    at: Timestamp,
}

impl Composer {
    /// The message of a letter. One that cannot be made today cannot be made tomorrow.
    pub(super) fn compose(&self, mail: &OutgoingMail) -> Result<Composed, DeliveryError> {
        let (code, link) = match &mail.message {
            MailContent::Code { code, .. } => (Some(code.reveal()), None),
            MailContent::Unlock { token, .. } => (None, Some(self.links.unlock(token))),
            MailContent::Reset { token, page, .. } | MailContent::Welcome { token, page, .. } => {
                (None, Some(self.links.password(page.as_deref(), token)))
            }
            _ => (None, None),
        };
        let facts = facts(&mail.tenant, mail.name.as_deref(), Some(&mail.message), mail.at);
        let kind = Kind::Told(mail.message.kind());
        let content = Content { kind, facts: &facts, code, link: link.as_deref() };
        let cover = Cover {
            id: mail.id,
            from: self.sender(mail),
            to: &mail.to,
            name: mail.name.as_deref(),
            at: mail.at,
        };
        self.seal(cover, mail.language.as_deref(), content)
    }

    /// The message that shows an operator that mail arrives.
    pub(super) fn compose_test(
        &self,
        id: Uuid,
        to: &Email,
        at: Timestamp,
    ) -> Result<Composed, DeliveryError> {
        let facts = facts(&TenantId::default_tenant(), None, None, at);
        let content = Content { kind: Kind::Test, facts: &facts, code: None, link: None };
        self.seal(Cover { id, from: self.from.clone(), to, name: None, at }, None, content)
    }

    fn seal(
        &self,
        cover: Cover<'_>,
        language: Option<&str>,
        content: Content<'_>,
    ) -> Result<Composed, DeliveryError> {
        let language = language.unwrap_or(&self.language);
        let rendered = self.templates.render(language, content).map_err(|fault| never(&fault))?;
        let (id, to, at) = (cover.id, cover.to.clone(), cover.at);
        Ok(Composed { mime: message(cover, rendered)?, id, to, at })
    }

    /// The tenant's own sender; the configured one where the tenant's is none, for a code must not be lost over it.
    fn sender(&self, mail: &OutgoingMail) -> Mailbox {
        let Some(stated) = &mail.sender else { return self.from.clone() };
        mailbox(stated).unwrap_or_else(|| {
            warn!(tenant = %mail.tenant, sender = ?stated, "the tenant's sender is no mailbox; ours is used");
            self.from.clone()
        })
    }
}

/// The mailbox that is written `Acme <no-reply@acme.example>` or `no-reply@acme.example`.
pub(crate) fn mailbox(text: &str) -> Option<Mailbox> {
    if text.contains(char::is_control) {
        return None;
    }
    let mailbox: Mailbox = text.parse().ok()?;
    let email = address(mailbox.email.user(), mailbox.email.domain())?;
    let name = mailbox.name.map(|name| line(&name, LONGEST_NAME)).filter(|name| !name.is_empty());
    Some(Mailbox::new(name, email))
}

/// With the domain in its ASCII form, which every server takes.
fn address(user: &str, domain: &str) -> Option<Address> {
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
    Address::new(user, domain).ok()
}

fn message(cover: Cover<'_>, rendered: Rendered) -> Result<Mime, DeliveryError> {
    let Cover { id, from, to, name, at } = cover;
    let domain = to.canonical().rsplit_once('@').map_or("", |(_, domain)| domain);
    let address =
        address(to.local_part(), domain).ok_or_else(|| never("the address is none that mail can go to"))?;
    let name = name.map(|name| inert(name, LONGEST_NAME)).filter(|name| !name.is_empty());
    let message_id = format!("<{id}@{}>", from.email.domain());
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    Mime::builder()
        .message_id(Some(message_id))
        .date(date(at))
        .from(from)
        .to(Mailbox::new(name, address))
        .subject(line(&rendered.subject, LONGEST_SUBJECT))
        // RFC 3834: holiday notices do not answer it.
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .multipart(MultiPart::alternative_plain_html(rendered.text, rendered.html))
        .map_err(|fault| never(&fault))
}

fn date(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.as_millis().clamp(0, END_OF_TIME)).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

fn never(fault: &(impl ToString + ?Sized)) -> DeliveryError {
    DeliveryError::Never(fault.to_string())
}
