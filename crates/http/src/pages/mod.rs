//! The pages that links in mails lead to: HTML from templates, in the language of the tenant, with its name and logo.
//!
//! A page shows a form that posts, because mail scanners and previews follow links too: a GET must change nothing.
//! There is no script, and nothing from other sites but the logo. The token is in a form field, and in no address,
//! header or log.

mod check;
mod forms;
mod page;
mod render;
mod style;
#[cfg(test)]
mod tests;

pub(crate) use forms::{RequestedForm, SubmittedForm, has_page, html_rejection, is_wanted, rejected_at_once};
pub use page::{Branding, PageSettings, Pages};
