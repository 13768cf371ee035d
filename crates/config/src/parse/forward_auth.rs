//! Policies of forward-auth, which the server and the gateway take alike.
//!
//! A line is `NAME.roles=…`, `NAME.login=…` or `NAME.hosts=…`; `NAME` alone is a policy that requires nothing but a
//! signed-in user. A table of a file becomes one line for each of its keys; a variable states all lines at once.

use std::collections::BTreeMap;

use portcullis_core::user::Role;
use url::Url;

use super::{Parsed, list, login_page, role, web_host};
use crate::suggest::did_you_mean;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;
/// What a policy has.
const MEMBERS: [&str; 3] = ["roles", "login", "hosts"];

/// What proxies ask before they pass requests on.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ForwardAuth {
    /// The hosts to which a browser may return, where the proxy's own query says where users sign in.
    pub hosts: Vec<String>,
    /// The policies, by name.
    pub policies: BTreeMap<String, ForwardAuthPolicy>,
}

/// What a request must meet that a proxy asks about.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ForwardAuthPolicy {
    /// The roles of which the user must have one; empty if every user may pass.
    pub roles: Vec<Role>,
    /// Where a browser is sent whose user is not signed in; `None` answers 401.
    pub login: Option<Url>,
    /// The hosts to which the browser may then return.
    pub hosts: Vec<String>,
}

impl ForwardAuth {
    /// Adds what lines say, each to what is known of its policy, and returns the names of these policies.
    pub fn add_policies<'t>(&mut self, lines: &'t str) -> Parsed<Vec<&'t str>> {
        let mut names = Vec::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let line = PolicyLine::parse(line)?;
            line.apply(self.policies.entry(line.name.to_owned()).or_default())?;
            names.push(line.name);
        }
        Ok(names)
    }

    /// What each policy lacks, by its name: a browser that is sent to sign in must be allowed to return.
    pub fn incomplete(&self) -> impl Iterator<Item = (&str, String)> {
        let lacking =
            self.policies.iter().filter(|(_, policy)| policy.login.is_some() && policy.hosts.is_empty());
        lacking.map(|(name, _)| {
            let cure = "needs hosts, to which a browser may return from login: hosts = [\"app.example.com\"]";
            (name.as_str(), format!("{name} {cure}"))
        })
    }

    /// A key that has browsers sent to sign in and achieves nothing, and why; `None` if there is none.
    #[must_use]
    pub fn warning(&self, trusts_a_proxy: bool) -> Option<(&'static str, &'static str)> {
        let sends_browsers = [
            ("forward_auth.hosts", !self.hosts.is_empty()),
            ("forward_auth.policies", self.policies.values().any(|policy| policy.login.is_some())),
        ];
        let (key, _) = sends_browsers.into_iter().find(|(_, sends)| *sends && !trusts_a_proxy)?;
        let warning = "no browser is sent to sign in, because no proxy is trusted to say what it asks for: add the \
                       proxy's address to proxies.trusted";
        Some((key, warning))
    }
}

/// The names of the policies that lines speak of.
pub fn policy_names(lines: &str) -> impl Iterator<Item = &str> {
    lines.lines().filter_map(|line| PolicyLine::parse(line).ok()).map(|line| line.name)
}

/// A line, taken apart.
struct PolicyLine<'t> {
    name: &'t str,
    member: &'t str,
    value: &'t str,
}

impl<'t> PolicyLine<'t> {
    /// Takes a line apart.
    fn parse(line: &'t str) -> Parsed<Self> {
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
    fn apply(&self, policy: &mut ForwardAuthPolicy) -> Parsed<()> {
        let Self { name, member, value } = self;
        let about = |fault: String| format!("{name}.{member}: {fault}");
        match *member {
            "" => {}
            // None must not be taken for all.
            "roles" if value.is_empty() => {
                return Err(about("names no role: leave it out, and every user passes".to_owned()));
            }
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
