//! Texts and layouts of mails and pages: built into the binary, replaced file by file from the folder `mail.templates`.
//!
//! What a page is made of is the business of `pages`, and a mail that of the server; here is what both need: the files,
//! their texts by language, and faults that name file and line.

mod export;
mod fault;
mod files;
mod language;
mod set;

pub use export::export;
pub use fault::{TemplateError, TemplateFault};
pub use files::{MAIL_HTML, MAIL_TEXT, PAGE, STYLE};
pub use language::{Language, PageKind, Text};
pub(crate) use set::ENGLISH;
pub use set::TemplateSet;
