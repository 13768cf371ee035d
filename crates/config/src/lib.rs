//! What every configuration is read with: parsers of values, where a value was written, and faults that name the place
//! and the cure.
//!
//! | module | what it is |
//! |---|---|
//! | [`parse`] | parsers: from the text that a flag, a variable or a file states to a value, or one sentence |
//! | [`toml_value`] | values of a TOML file as such texts, and the line on which each stands |
//!
//! This crate knows no setting: the server and the gateway have a table of settings each. It knows the policies of
//! forward-auth, which both take alike.

mod fault;
mod origin;
#[expect(clippy::missing_errors_doc, reason = "all parsers fail alike, as the page of the module says")]
pub mod parse;
mod suggest;
pub mod toml_value;

pub use fault::{ConfigFault, unreadable};
pub use origin::{OpenFile, Origin, StatedValue};
pub use suggest::did_you_mean;
