//! What a poll and a snapshot are answered, honestly or not.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::revocation::wire::{
    FeedAnswer, FeedQuery, FeedSigner, Revocation, RevocationRecord, SnapshotPage,
};
use portcullis_core::secret::PlainSecret;
use tokio::time::{sleep, timeout};

use crate::Trick;
use crate::forgery::{unsigned, with_header};
use crate::routes::LiarServer;
use crate::state::Cut;

/// How long a delayed answer is held back.
const DELAY: Duration = Duration::from_secs(2);

impl LiarServer {
    /// Answers a poll; `None` where the program itself fails.
    pub(crate) async fn poll(&self, query: &FeedQuery) -> Option<Response> {
        let arrived = SystemClock.ticks();
        let trick = self.state.lock().trick;
        match trick {
            Trick::Silence => std::future::pending::<()>().await,
            Trick::Gone | Trick::MixedPages => return Some(StatusCode::GONE.into_response()),
            Trick::Restarts => self.state.lock().restart(),
            _ => {}
        }
        let answer = self.honest_answer(query, arrived, trick).await?;
        let text = self.signed(&self.tampered(answer, trick, query), trick)?;
        if trick == Trick::Delay {
            sleep(DELAY).await;
        }
        Some(if trick == Trick::TruncatedBody { truncated(&text) } else { text.into_response() })
    }

    async fn honest_answer(&self, query: &FeedQuery, arrived: Ticks, trick: Trick) -> Option<FeedAnswer> {
        let node = self.state.lock().node();
        let mut news = self.state.news();
        let nothing = |cut: &Cut| cut.records.is_empty() && cut.from == cut.position.number + 1;
        if nothing(&self.cut(node, query, trick)?.1) && !query.wait.is_zero() {
            let _ = timeout(query.wait, news.changed()).await;
        }
        let (stamp, cut) = self.cut(node, query, trick)?;
        // The stamp may be later than the arrival, where the poll has waited.
        let late = stamp.since(arrived).as_millis();
        Some(FeedAnswer {
            issuer: self.issuer.name.clone(),
            log: cut.position.log,
            from: cut.from,
            to: cut.position.number,
            nonce: query.nonce.clone(),
            lag_ms: -i64::try_from(late).ok()?,
            more: false,
            issued: SystemClock.now(),
            records: cut.records,
            behind: Vec::new(),
        })
    }

    /// The stamp is read first, then the log is cut.
    fn cut(&self, node: usize, query: &FeedQuery, trick: Trick) -> Option<(Ticks, Cut)> {
        let (stamp, records) = (SystemClock.ticks(), self.state.lock());
        let is_trimmed = trick == Trick::Trimmed && records.is_trimmed();
        let known = if is_trimmed { &[] } else { query.at.as_slice() };
        Some((stamp, records.cut(node, known, query.age)?))
    }

    fn tampered(&self, answer: FeedAnswer, trick: Trick, query: &FeedQuery) -> FeedAnswer {
        match trick {
            Trick::Gap if !answer.records.is_empty() && answer.from <= answer.to => FeedAnswer {
                from: answer.from + 1,
                records: answer.records.into_iter().skip(1).collect(),
                to: answer.to + 1,
                ..answer
            },
            Trick::EndlessMore => {
                FeedAnswer { to: answer.from - 1, records: Vec::new(), more: true, ..answer }
            }
            Trick::EndlessRecords => endless(answer, query),
            Trick::WrongIssuer => FeedAnswer { issuer: "https://elsewhere.example".to_owned(), ..answer },
            Trick::LateNonce => {
                let late = self.state.lock().last_nonce.replace(query.nonce.clone());
                FeedAnswer { nonce: late.unwrap_or_else(|| "none".to_owned()), ..answer }
            }
            _ => answer,
        }
    }

    fn signed(&self, answer: &FeedAnswer, trick: Trick) -> Option<String> {
        let text = self.signer().sign(answer).ok()?;
        match trick {
            Trick::WrongKey => FeedSigner::derive(&PlainSecret::presented("another key")).sign(answer).ok(),
            Trick::WrongType => with_header(&text, &self.feed_key, |header| {
                header["typ"] = "revocations-snapshot+jwt".into();
            }),
            Trick::WrongAlgorithm => {
                with_header(&text, &self.feed_key, |header| header["alg"] = "HS512".into())
            }
            Trick::NoAlgorithm => unsigned(&text),
            Trick::Replay => Some(self.state.lock().replayed.get_or_insert(text).clone()),
            _ => Some(text),
        }
    }

    /// Answers a page of a snapshot: two pages, so that there is something to mix.
    pub(crate) fn page(&self, is_second: bool) -> Option<String> {
        let records = self.state.lock();
        let mixes = records.trick == Trick::MixedPages && is_second;
        let head = records.head(usize::from(mixes))?;
        let all = records.all();
        let half = all.len() / 2;
        let part = if is_second { all.get(half..)? } else { all.get(..half)? };
        let is_last = is_second || all.is_empty();
        let page = SnapshotPage {
            issuer: self.issuer.name.clone(),
            log: head.log,
            to: head.number,
            issued: SystemClock.now(),
            records: part.to_vec(),
            tenants: Some(FeedTenants::Some([TenantId::default_tenant()].into_iter().collect())),
            next: Some("2".to_owned()).filter(|_| !is_last),
        };
        self.signer().sign(&page).ok()
    }

    fn signer(&self) -> FeedSigner {
        FeedSigner::derive(&PlainSecret::presented(&self.feed_key))
    }
}

/// One record more than the verifier has of this log, and more behind it.
fn endless(answer: FeedAnswer, query: &FeedQuery) -> FeedAnswer {
    match query.at.iter().find(|at| at.log == answer.log) {
        Some(at) => {
            let next = at.number + 1;
            let records = vec![RevocationRecord { revocation: Revocation::KeySet, tenant: None }];
            FeedAnswer { from: next, to: next, records, more: true, ..answer }
        }
        None => answer,
    }
}

/// Half of an answer, and then the connection ends.
fn truncated(text: &str) -> Response {
    let half = text.get(..text.len() / 2).unwrap_or_default().to_owned();
    let parts = [Ok(half), Err(std::io::Error::other("cut off"))];
    Body::from_stream(stream::iter(parts)).into_response()
}
