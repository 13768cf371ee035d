//! The lines that describe policies of forward-auth.
//!
//! A line is `NAME.roles=…`, `NAME.login=…` or `NAME.hosts=…`; `NAME` alone is a policy that requires nothing but a
//! signed-in user. A table of the file becomes one line for each of its keys; a variable states all lines at once.

use portcullis_config::did_you_mean;
use portcullis_core::user::Role;

use super::super::values::ForwardAuthPolicy;
use super::{Parsed, choice, list, login_page, web_host};

/// The most characters of a name.
const LONGEST_NAME: usize = 64;
/// What a policy has.
const MEMBERS: [&str; 3] = ["roles", "login", "hosts"];

/// A line, taken apart.
pub(in super::super) struct PolicyLine<'t> {
    /// The name of the policy.
    pub(in super::super) name: &'t str,
    member: &'t str,
    value: &'t str,
}

impl<'t> PolicyLine<'t> {
    /// Takes a line apart.
    pub(in super::super) fn parse(line: &'t str) -> Parsed<Self> {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (name, member) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-_".contains(&c);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
            return Err(format!(
                "{name:?} names no policy: write up to {LONGEST_NAME} letters, digits, - and _"
            ));
        }
        if member.is_empty() && line.contains('=') {
            return Err(format!("{line:?} must begin with {name}.roles, {name}.login or {name}.hosts"));
        }
        Ok(Self { name, member, value: value.trim() })
    }

    /// Applies the line to its policy.
    pub(in super::super) fn apply(&self, policy: &mut ForwardAuthPolicy) -> Parsed<()> {
        let Self { name, member, value } = self;
        let about = |fault: String| format!("{name}.{member}: {fault}");
        match *member {
            "" => {}
            "roles" => policy.roles = list(value, role).map_err(about)?,
            "login" => policy.login = Some(login_page(value).map_err(about)?),
            "hosts" => policy.hosts = list(value, web_host).map_err(about)?,
            other => {
                let suggestion = did_you_mean(other, MEMBERS.into_iter());
                return Err(format!("{name}.{other} is not one of {}{suggestion}", MEMBERS.join(", ")));
            }
        }
        Ok(())
    }
}

fn role(text: &str) -> Parsed<Role> {
    choice(text, &Role::ALL.map(|role| (role.as_str(), role)))
}
