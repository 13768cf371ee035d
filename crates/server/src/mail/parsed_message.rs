//! A mail read back from its file: headers and text, decoded.

use mailparse::{MailAddr, MailHeaderMap as _, MailParseError, ParsedMail, addrparse_header, parse_mail};
use portcullis_core::email::Email;
use serde::Serialize;

/// A mail that was read back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedMessage {
    /// `From`, decoded.
    pub from: String,
    /// `To`, decoded.
    pub to: String,
    /// `Date`, as the mail has it.
    pub date: String,
    /// `Subject`, decoded.
    pub subject: String,
    /// `Message-ID`, in angle brackets.
    pub message_id: String,
    /// The text part.
    pub text: String,
    #[serde(skip)]
    recipients: Vec<String>,
}

impl ParsedMessage {
    /// Reads a mail.
    ///
    /// # Errors
    /// The bytes are not a mail.
    pub fn parse(bytes: &[u8]) -> Result<Self, MailParseError> {
        let mail = parse_mail(bytes)?;
        let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
        Ok(Self {
            from: header("From"),
            to: header("To"),
            date: header("Date"),
            subject: header("Subject"),
            message_id: header("Message-ID"),
            text: text(&mail)?,
            recipients: recipients(&mail)?,
        })
    }

    /// Whether it is addressed to this mailbox.
    #[must_use]
    pub fn is_to(&self, email: &Email) -> bool {
        let known =
            |address: &String| Email::parse(address).is_ok_and(|to| to.canonical() == email.canonical());
        self.recipients.iter().any(known)
    }
}

fn text(mail: &ParsedMail<'_>) -> Result<String, MailParseError> {
    let part = mail.parts().find(|part| part.ctype.mimetype == "text/plain").unwrap_or(mail);
    Ok(part.get_body()?.replace("\r\n", "\n").trim_end().to_owned())
}

fn recipients(mail: &ParsedMail<'_>) -> Result<Vec<String>, MailParseError> {
    let Some(to) = mail.headers.get_first_header("To") else { return Ok(Vec::new()) };
    let single = |address: &MailAddr| match address {
        MailAddr::Single(single) => Some(single.addr.clone()),
        MailAddr::Group(_) => None,
    };
    Ok(addrparse_header(to)?.iter().filter_map(single).collect())
}
