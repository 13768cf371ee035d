//! One request and its answer: which upstream it goes to, and how long the gateway waits.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response};
use tokio::time::timeout;
use tracing::warn;

use super::{AnswerBody, Pool, PoolMember, Upload, UpstreamFault};
use crate::headers::has_plain_framing;

/// What is sent, whichever upstream it goes to.
#[derive(Debug)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub target: PathAndQuery,
    /// The headers, but for those that depend on the upstream.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// The most bytes of the body.
    pub body_limit: u64,
    /// For how long the client may pause in the body.
    pub idle: Duration,
    /// How long the upstream may take to answer.
    pub first_byte: Duration,
}

impl OutgoingRequest {
    /// Whether another upstream may get it, too: it changes nothing, and nothing of it is used up.
    fn is_repeatable(&self) -> bool {
        self.method.is_safe() && self.body.is_end_stream()
    }

    /// The request to one upstream. The first one gets the body.
    fn to(&mut self, member: &PoolMember, prepare: impl Fn(&PoolMember, &mut HeaderMap)) -> Request<Upload> {
        let body = Upload::new(std::mem::take(&mut self.body), self.body_limit, self.idle);
        let mut request = Request::new(body);
        *request.uri_mut() = self.target.clone().into();
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().entry(HOST).or_insert_with(|| member.url.host());
        prepare(member, request.headers_mut());
        request
    }
}

/// Sends a request to the upstreams of a pool until one answers. `prepare` adds the headers that depend on the
/// upstream.
///
/// An upstream may close a connection that was kept just as a request goes out on it. So if all have hung up, the first
/// one is asked once more.
///
/// # Errors
///
/// The [`UpstreamFault`] of the last one that was tried.
pub async fn exchange(
    pool: &Pool,
    mut outgoing: OutgoingRequest,
    prepare: impl Fn(&PoolMember, &mut HeaderMap),
) -> Result<(Response<AnswerBody>, &PoolMember), UpstreamFault> {
    let is_repeatable = outgoing.is_repeatable();
    let mut failed = UpstreamFault::Unreachable("the pool is empty".to_owned());
    let mut order = pool.order().peekable();
    let again = order.peek().copied();
    let tries = order.map(|member| (member, false)).chain(again.map(|member| (member, true)));
    for (member, is_again) in tries {
        if is_again && !matches!(failed, UpstreamFault::HungUp(_)) {
            break;
        }
        let request = outgoing.to(member, &prepare);
        match attempt(member, request, outgoing.first_byte).await {
            Ok(response) => return Ok((response, member)),
            Err(fault) => {
                log_fault(member, &fault);
                failed = fault;
            }
        }
        if !is_repeatable || !failed.is_before_any_answer() {
            break;
        }
    }
    Err(failed)
}

/// Logs why an upstream gave no answer. The fault of the client's own body is none of the upstream.
pub fn log_fault(member: &PoolMember, fault: &UpstreamFault) {
    if !matches!(fault, UpstreamFault::Upload(_)) {
        warn!(upstream = %member.url, %fault, "an upstream gave no answer");
    }
}

async fn attempt(
    member: &PoolMember,
    request: Request<Upload>,
    first_byte: Duration,
) -> Result<Response<AnswerBody>, UpstreamFault> {
    let state = request.body().state();
    let mut sent = pin!(member.send(request));
    loop {
        tokio::select! {
            biased;
            answered = &mut sent => {
                let answered = answered.map_err(|fault| state.fault().map_or(fault, UpstreamFault::Upload));
                return answered.and_then(readable);
            }
            moved = timeout(first_byte, state.moved()) => {
                if moved.is_err() && !state.waits_for_client() {
                    return Err(UpstreamFault::Slow);
                }
            }
        }
    }
}

/// An answer whose body is in no other coding than chunks: what is taken for its end could be in the middle.
fn readable(answer: Response<AnswerBody>) -> Result<Response<AnswerBody>, UpstreamFault> {
    if has_plain_framing(answer.headers()) {
        return Ok(answer);
    }
    Err(UpstreamFault::Unreadable("its transfer coding is not supported".to_owned()))
}
