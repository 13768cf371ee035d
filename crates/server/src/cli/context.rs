//! What a command on an open database works with.

use std::fmt::Display;

use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;
use portcullis_core::user::User;

use super::escaped::Escaped;
use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

/// The engine on the open database, the tenant to work in, and where the output goes.
pub(super) struct CommandContext<'a> {
    pub(super) engine: &'a Engine,
    pub(super) config: &'a Config,
    pub(super) tenant: &'a TenantId,
    pub(super) out: &'a mut Output<'a>,
}

impl CommandContext<'_> {
    /// Writes a line: a text, and nothing else.
    pub(super) fn say(&mut self, line: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Writes a line about a user: the address, and what follows it.
    pub(super) fn say_of(&mut self, user: &User, what: impl Display) -> Result<(), Failure> {
        self.say(format_args!("{} {what}", Escaped(user.email.as_typed())))
    }
}
