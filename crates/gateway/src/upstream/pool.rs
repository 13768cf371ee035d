//! The upstreams of a route, and which of them a request goes to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use metrics::{Gauge, gauge};

use super::answer_body::AnswerBody;
use super::connection::{Unanswered, UpstreamConnection};
use super::connector::{Authorities, ConnectorError, UpstreamConnector};
use super::kept_connections::KeptConnections;
use super::{Upload, UpstreamFault, UpstreamUrl};
use crate::routes::UpstreamPool;

/// The upstreams of a route.
#[derive(Debug)]
pub struct Pool {
    /// What the pool was made of.
    pub described: UpstreamPool,
    members: Vec<PoolMember>,
    next: AtomicUsize,
}

/// One upstream.
pub struct PoolMember {
    /// Where it is.
    pub url: UpstreamUrl,
    connector: UpstreamConnector,
    kept: Arc<KeptConnections>,
    is_well: AtomicBool,
    shown: Gauge,
}

impl fmt::Debug for PoolMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMember").field("url", &self.url).finish_non_exhaustive()
    }
}

impl PoolMember {
    fn new(url: &UpstreamUrl, connector: &UpstreamConnector) -> Self {
        let shown = gauge!("portcullis_gateway_upstream_up", "upstream" => url.to_string());
        shown.set(1.0);
        Self {
            url: url.clone(),
            connector: connector.clone(),
            kept: Arc::default(),
            is_well: AtomicBool::new(true),
            shown,
        }
    }

    /// Sends a request, on a connection that was kept or a new one.
    ///
    /// # Errors
    ///
    /// An [`UpstreamFault`] where there is no answer.
    pub async fn send(&self, mut request: Request<Upload>) -> Result<Response<AnswerBody>, UpstreamFault> {
        let answered = loop {
            let Some(connection) = self.kept.take() else {
                let stream = self.connector.connect(&self.url).await?;
                break UpstreamConnection::over(stream).await?.send(request).await;
            };
            match connection.send(request).await {
                Err(Unanswered { unsent: Some(unsent), .. }) => request = *unsent,
                answered => break answered,
            }
        };
        let answered = answered.map_err(|unanswered| unanswered.fault)?;
        Ok(AnswerBody::of(answered, &self.kept))
    }

    /// Notes whether it answers; `true` if that has changed.
    pub fn note(&self, is_well: bool) -> bool {
        self.shown.set(if is_well { 1.0 } else { 0.0 });
        self.is_well.swap(is_well, Ordering::Relaxed) != is_well
    }
}

impl Pool {
    /// The pool that a route describes.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`].
    pub fn new(described: &UpstreamPool, connect: Duration) -> Result<Self, ConnectorError> {
        let connector = UpstreamConnector::new(connect, authorities(described))?;
        Ok(Self {
            described: described.clone(),
            members: described.urls.iter().map(|url| PoolMember::new(url, &connector)).collect(),
            next: AtomicUsize::new(0),
        })
    }

    /// The upstreams.
    #[must_use]
    pub fn members(&self) -> &[PoolMember] {
        &self.members
    }

    /// The upstreams in the order in which a request is to try them: in turns, and those that fail are left out. If all
    /// fail, all are tried: the one that knows better is the upstream.
    pub fn order(&self) -> impl Iterator<Item = &PoolMember> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.members.len().max(1);
        let in_turn = self.members.iter().cycle().skip(first).take(self.members.len());
        let is_any_well = self.members.iter().any(|member| member.is_well.load(Ordering::Relaxed));
        in_turn.filter(move |member| !is_any_well || member.is_well.load(Ordering::Relaxed))
    }
}

fn authorities(described: &UpstreamPool) -> Authorities<'_> {
    match &described.authorities {
        Some(pem) => Authorities::Stated(pem),
        None if described.urls.iter().any(UpstreamUrl::is_https) => Authorities::System,
        None => Authorities::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_upstreams_over_tls_need_the_certificates_of_the_system() {
        let described = |urls: &[&str], authorities: Option<&str>| UpstreamPool {
            urls: urls.iter().map(|url| UpstreamUrl::parse(url).unwrap()).collect(),
            authorities: authorities.map(str::to_owned),
            health: None,
        };
        assert_eq!(authorities(&described(&["http://a", "http://b"], None)), Authorities::None);
        assert_eq!(authorities(&described(&["http://a", "https://b"], None)), Authorities::System);
        assert_eq!(authorities(&described(&["https://b"], Some("pem"))), Authorities::Stated("pem"));
    }
}
