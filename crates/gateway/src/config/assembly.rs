//! The configuration, put together from what is stated: files that keys name, routes, and what must agree.

use std::path::Path;

use portcullis_axum::Origins;
use portcullis_axum::forward_auth::SignInHost;
use portcullis_config::parse::{ForwardAuth, Parsed, PublicUrl, policy_names};
use portcullis_config::{ConfigFault, OpenFile, Origin, unreadable};

use super::draft::{GatewayDraft, RouteDraft, feed_key};
use super::key::StatedKeys;
use super::route_settings::ROUTE_SETTINGS;
use super::settings::SETTINGS;
use super::{GatewayConfig, GatewayProcess, VerificationServer};
use crate::headers::OurCookies;
use crate::routes::{GatewayRoute, RoutePath, RouteTimeouts, RoutingTable};
use crate::upstream::stated_authorities;

const POLICIES: &str = "forward_auth.policies";

/// Puts a configuration together, and collects the faults.
pub(super) struct Assembly<'a> {
    pub(super) open: OpenFile<'a>,
    pub(super) faults: &'a mut Vec<ConfigFault>,
}

impl Assembly<'_> {
    /// The configuration; it is of use only if there is no fault.
    pub(super) fn gateway(&mut self, stated: &StatedKeys) -> GatewayConfig {
        let mut draft = GatewayDraft::blank();
        stated.fill(SETTINGS, "", &mut draft, self.faults);
        self.one_feed_key(stated);
        if let Some(path) = draft.feed_key_file.take() {
            let text = self.opened(stated, "feed_key_file", &path);
            let key = text.and_then(|text| self.told(stated, "feed_key_file", feed_key(text.trim())));
            draft.feed_key = key;
        }
        let forward_auth = draft.answered_proxies();
        let routes = self.routes(stated, draft.timeouts, forward_auth.is_some());
        self.check_policies(forward_auth.as_ref(), stated);
        self.check_reserved(forward_auth.as_ref(), &routes, stated);
        let mut cookies = OurCookies::default();
        cookies.session = draft.session_cookies.take().unwrap_or(cookies.session);
        let server = self.followed(&draft, &cookies, stated);
        let sign_in = SignInHost::of("server", draft.server.as_ref().map(PublicUrl::as_str));
        GatewayConfig {
            process: GatewayProcess { server, client_idle: draft.timeouts.idle, ..draft.process },
            routes,
            origins: Origins {
                listed: draft.origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
                any_local_port: false,
            },
            proxies: draft.proxies,
            stream_grace: draft.stream_grace,
            cookies,
            forward_auth,
            sign_in,
        }
    }

    /// A secret is stated once: directly, or in a file.
    fn one_feed_key(&mut self, stated: &StatedKeys) {
        if let Some(other) = stated.origin("feed_key").filter(|_| stated.origin("feed_key_file").is_some()) {
            let what = format!("feed_key is stated, too ({other}); keep one of them");
            self.told::<()>(stated, "feed_key_file", Err(what));
        }
    }

    /// The server that is followed needs a feed key, and a feed key a server.
    fn followed(
        &mut self,
        draft: &GatewayDraft,
        cookies: &OurCookies,
        stated: &StatedKeys,
    ) -> Option<VerificationServer> {
        let has_key = ["feed_key", "feed_key_file"].into_iter().find(|key| stated.origin(key).is_some());
        let (of, what) = match (&draft.server, &draft.feed_key, has_key) {
            (Some(url), Some(key), _) => {
                return Some(VerificationServer {
                    url: url.clone(),
                    feed_key: key.clone(),
                    tenants: draft.tenants.clone(),
                    cookies: cookies.session.clone(),
                });
            }
            (Some(_), None, None) => {
                ("server", "needs feed_key_file: `portcullis feed key create` prints a feed key")
            }
            (None, Some(_), Some(key)) if stated.origin("server").is_none() => {
                (key, "is of no use without server")
            }
            _ => return None,
        };
        self.told::<()>(stated, of, Err(what.to_owned()));
        None
    }

    /// Each policy must be whole, if what is stated of all was understood.
    fn check_policies(&mut self, forward_auth: Option<&ForwardAuth>, stated: &StatedKeys) {
        if self.faults.iter().any(|fault| fault.is_about(POLICIES)) {
            return;
        }
        for (name, message) in forward_auth.into_iter().flat_map(ForwardAuth::incomplete) {
            let is_about = |lines: &str| policy_names(lines).any(|known| known == name);
            let origin = stated.origin_about(POLICIES, is_about).cloned().unwrap_or(Origin::Default);
            self.faults.push(ConfigFault::new(origin, message).about(POLICIES));
        }
    }

    /// What the gateway answers itself is no route's.
    fn check_reserved(
        &mut self,
        forward_auth: Option<&ForwardAuth>,
        routes: &[GatewayRoute],
        stated: &StatedKeys,
    ) {
        let own = RoutePath::of_forward_auth();
        let begins = stated.routes.iter().map(|(begin, _)| begin);
        let below = routes.iter().zip(begins).filter(|(route, _)| own.lies_at_or_above(&route.path));
        for (route, begin) in below.filter(|_| forward_auth.is_some()) {
            let message = format!(
                "{} is never reached, because the gateway answers {own} and what lies below it itself: leave the route out, \
                 or write forward_auth.enabled = false",
                route.path
            );
            self.faults.push(ConfigFault::new(begin.clone(), message).about("routes"));
        }
    }

    /// Every route, if all are right. A gateway that answers proxies needs none.
    fn routes(
        &mut self,
        stated: &StatedKeys,
        timeouts: RouteTimeouts,
        answers_proxies: bool,
    ) -> Vec<GatewayRoute> {
        if stated.routes.is_empty() && !answers_proxies {
            let what = "there is no route: write [[routes]]";
            self.faults.push(ConfigFault::new(Origin::Default, what).about("routes"));
        }
        let read = stated.routes.iter().map(|(begin, keys)| self.route(begin, keys, timeouts));
        // All of them, so that the faults of each are found.
        let routes: Option<Vec<GatewayRoute>> = read.collect::<Vec<_>>().into_iter().collect();
        let routes = routes.unwrap_or_default();
        for fault in RoutingTable::check(&routes).err().into_iter().flatten() {
            let origin = stated.routes.get(fault.route()).map_or(Origin::Default, |(begin, _)| begin.clone());
            self.faults.push(ConfigFault::new(origin, fault.to_string()).about("routes"));
        }
        routes
    }

    fn route(&mut self, begin: &Origin, keys: &StatedKeys, timeouts: RouteTimeouts) -> Option<GatewayRoute> {
        let mut draft = RouteDraft::blank(timeouts);
        keys.fill(ROUTE_SETTINGS, "routes.", &mut draft, self.faults);
        for key in ["path", "upstream"].into_iter().filter(|key| keys.origin(key).is_none()) {
            self.faults.push(ConfigFault::new(begin.clone(), "is missing").about(format!("routes.{key}")));
        }
        let access = self.told(keys, "routes.roles", draft.access());
        if let Some(file) = draft.ca_file.take() {
            let pem = self.opened(keys, "routes.ca_file", &file);
            let is_right =
                |pem: &String| stated_authorities(pem).map(drop).map_err(|fault| fault.to_string());
            let checked = pem.as_ref().map_or(Ok(()), is_right);
            self.told(keys, "routes.ca_file", checked);
            draft.upstream.authorities = pem;
        }
        keys.origin("path")?;
        let path = self.told(keys, "routes.path", RoutePath::parse(&draft.path, draft.is_exact));
        Some(GatewayRoute {
            path: path?,
            methods: draft.methods,
            access: access?,
            on_stale: draft.on_stale,
            keeps_encoded: draft.keeps_encoded,
            forwards_token: draft.forwards_token,
            asserts: draft.asserts,
            body_limit: draft.body_limit,
            timeouts: draft.timeouts,
            upstream: draft.upstream,
        })
    }

    /// The value; a fault of this key otherwise.
    fn told<T>(&mut self, keys: &StatedKeys, key: &str, parsed: Parsed<T>) -> Option<T> {
        let in_table = key.strip_prefix("routes.").unwrap_or(key);
        let fault = |message| {
            let origin = keys.origin(in_table).cloned().unwrap_or(Origin::Default);
            self.faults.push(ConfigFault::new(origin, message).about(key));
        };
        parsed.map_err(fault).ok()
    }

    /// The content of a file that a key names.
    fn opened(&mut self, keys: &StatedKeys, key: &str, path: &Path) -> Option<String> {
        let content = (self.open)(path).map_err(|error| unreadable(path, &error));
        self.told(keys, key, content)
    }
}
