//! What a request must meet to pass: by the query of a proxy, or by a policy of the configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_api::operation::{ForwardAuthOperation, ForwardAuthRow};
use portcullis_api::refusal::{Code, Reason, Refusal};
use portcullis_api::request::VerifyQuery;
use portcullis_axum::Roles;
use portcullis_core::user::Role;
use url::Url;

use super::super::routed_request::RoutedRequest;
use crate::config::{Config, ForwardAuthPolicy, authority_of, login_page};

/// What forward-auth is configured with.
#[derive(Clone, Debug)]
pub struct ForwardAuthRules {
    policies: BTreeMap<String, Requirements>,
    /// The hosts to which a browser may return, where the query says where the user signs in.
    hosts: Arc<[String]>,
    /// The host of the public URL.
    own_host: Option<String>,
}

/// What a request must meet.
#[derive(Clone, Debug)]
pub(super) struct Requirements {
    /// The roles of which the user must have one; `None` if every user may pass.
    pub(super) roles: Option<Roles>,
    /// The page where a browser's user signs in.
    pub(super) login: Option<Url>,
    /// The hosts to which the browser may then return.
    pub(super) hosts: Arc<[String]>,
}

impl ForwardAuthRules {
    /// The configured ones.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let policies = config.forward_auth.policies.iter();
        let public_url = config.public_url.as_ref().and_then(|url| Url::parse(url.as_str()).ok());
        Self {
            policies: policies.map(|(name, policy)| (name.clone(), Requirements::of(policy))).collect(),
            hosts: config.forward_auth.hosts.as_slice().into(),
            own_host: public_url.and_then(|url| authority_of(&url)),
        }
    }

    /// What a request must meet.
    ///
    /// # Errors
    /// A refusal: the query has a fault, or there is no such policy.
    pub(super) fn required(
        &self,
        row: ForwardAuthRow,
        asked: &RoutedRequest,
    ) -> Result<Cow<'_, Requirements>, Refusal> {
        match row.kind {
            ForwardAuthOperation::Query => {
                self.of_query(asked.parts.uri.query().unwrap_or_default()).map(Cow::Owned)
            }
            ForwardAuthOperation::Policy | ForwardAuthOperation::PolicyBeforePath => {
                let named = asked.members.first().and_then(|(_, name)| self.policies.get(name));
                named.map(Cow::Borrowed).ok_or_else(Refusal::no_route)
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
        let is_allowed = |host: String| self.own_host.as_ref() == Some(&host) || self.hosts.contains(&host);
        let page = login_page(text).ok().filter(|page| authority_of(page).is_some_and(is_allowed));
        page.ok_or_else(|| {
            let fault = "login must be an https address whose host public_url or forward_auth.hosts names";
            Refusal {
                reason: Reason::Faults(vec![fault.to_owned()]),
                ..Refusal::plain(Code::ValidationFailed)
            }
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
