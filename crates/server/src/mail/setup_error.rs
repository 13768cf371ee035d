//! Why mail cannot be sent as configured.

use std::path::PathBuf;

use thiserror::Error;

use portcullis_http::templates::TemplateError;

/// Mail cannot be sent as configured.
#[derive(Debug, Error)]
pub enum MailSetupError {
    /// Texts or layouts.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// The certificate authority of the mail server.
    #[error("mail.ca: {}: {fault}", path.display())]
    Authority {
        /// The file of `mail.ca`.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// TLS cannot be set up.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(String),
    /// Links cannot begin with this URL.
    #[error("links in mails cannot begin with {0:?}: {1}")]
    Base(String, url::ParseError),
}
