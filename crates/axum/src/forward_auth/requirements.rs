//! What a request must meet to pass: by the query of a proxy, or by a policy of the configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_api::refusal::{Code, Reason, Refusal};
use portcullis_api::request::VerifyQuery;
use portcullis_config::parse::{ForwardAuth, ForwardAuthPolicy, authority_of, login_page};
use portcullis_core::user::Role;
use url::Url;

use crate::Roles;

/// What forward-auth is configured with.
#[derive(Clone, Debug)]
pub struct ForwardAuthRules {
    policies: BTreeMap<String, Requirements>,
    /// The hosts to which a browser may return, where the query says where the user signs in.
    hosts: Arc<[String]>,
    /// The host on which the query may have users sign in, too.
    sign_in: SignInHost,
}

/// The host of a server's own pages, where users may sign in though no list names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignInHost {
    /// The setting whose URL names it.
    pub setting: &'static str,
    /// The host; `None` where the setting is not stated.
    pub host: Option<String>,
}

impl SignInHost {
    /// The host of the URL that a setting states.
    #[must_use]
    pub fn of(setting: &'static str, url: Option<&str>) -> Self {
        let url = url.and_then(|url| Url::parse(url).ok());
        Self { setting, host: url.and_then(|url| authority_of(&url)) }
    }
}

/// What says which requirements a request must meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequirementSource<'r> {
    /// The query of the proxy's own request.
    Query(&'r str),
    /// The policy of this name.
    Policy(&'r str),
}

/// What a request must meet.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// The roles of which the user must have one; `None` if every user may pass.
    pub roles: Option<Roles>,
    /// The page where a browser's user signs in.
    pub login: Option<Url>,
    /// The hosts to which the browser may then return.
    pub hosts: Arc<[String]>,
}

impl ForwardAuthRules {
    /// The configured ones.
    #[must_use]
    pub fn of(config: &ForwardAuth, sign_in: SignInHost) -> Self {
        let policies = config.policies.iter();
        Self {
            policies: policies.map(|(name, policy)| (name.clone(), Requirements::of(policy))).collect(),
            hosts: config.hosts.as_slice().into(),
            sign_in,
        }
    }

    /// What a request must meet.
    ///
    /// # Errors
    /// A refusal: the query has a fault, or there is no such policy.
    pub fn required(&self, source: RequirementSource<'_>) -> Result<Cow<'_, Requirements>, Refusal> {
        match source {
            RequirementSource::Query(query) => self.of_query(query).map(Cow::Owned),
            RequirementSource::Policy(name) => {
                self.policies.get(name).map(Cow::Borrowed).ok_or_else(Refusal::no_route)
            }
        }
    }

    fn of_query(&self, query: &str) -> Result<Requirements, Refusal> {
        let VerifyQuery { roles, login } = VerifyQuery::read(query)?;
        let login = login.map(|login| self.login_page(&login)).transpose()?;
        Ok(Requirements { roles: one_of(&roles), login, hosts: self.hosts.clone() })
    }

    /// A page of an allowed host. The query of a request that a client makes itself would else send browsers anywhere.
    fn login_page(&self, text: &str) -> Result<Url, Refusal> {
        let is_allowed =
            |host: String| self.sign_in.host.as_ref() == Some(&host) || self.hosts.contains(&host);
        let page = login_page(text).ok().filter(|page| authority_of(page).is_some_and(is_allowed));
        page.ok_or_else(|| {
            let named_by = self.sign_in.setting;
            let fault =
                format!("login must be an https address whose host {named_by} or forward_auth.hosts names");
            Refusal { reason: Reason::Faults(vec![fault]), ..Refusal::plain(Code::ValidationFailed) }
        })
    }
}

impl Requirements {
    fn of(policy: &ForwardAuthPolicy) -> Self {
        let ForwardAuthPolicy { roles, login, hosts } = policy;
        Self { roles: one_of(roles), login: login.clone(), hosts: hosts.as_slice().into() }
    }
}

fn one_of(roles: &[Role]) -> Option<Roles> {
    (!roles.is_empty()).then(|| Roles::any_of(roles.iter().copied()))
}
