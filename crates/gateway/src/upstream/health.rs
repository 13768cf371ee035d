//! Asks the upstreams of a pool whether they are well.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use futures_util::future::join_all;
use http::Request;
use http::header::HOST;
use http::uri::PathAndQuery;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::{Pool, PoolMember, Upload};

/// How often an upstream is asked, and how long it may take to answer.
const EVERY: Duration = Duration::from_secs(5);

/// The most bytes of an answer that are read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Asks each upstream of the pool every five seconds, for as long as the pool is used.
pub async fn keep_looking(pool: Weak<Pool>) {
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        let Some(path) = pool.described.health.as_deref().and_then(|path| path.parse().ok()) else { return };
        look(&pool, &path).await;
    }
}

async fn look(pool: &Arc<Pool>, path: &PathAndQuery) {
    join_all(pool.members().iter().map(|member| async move {
        let is_well = is_well(member, path).await;
        if member.note(is_well) {
            tell(member, is_well);
        }
    }))
    .await;
}

async fn is_well(member: &PoolMember, path: &PathAndQuery) -> bool {
    let mut request = Request::new(Upload::empty());
    *request.uri_mut() = path.clone().into();
    request.headers_mut().insert(HOST, member.url.host());
    let Ok(Ok(answer)) = timeout(EVERY, member.send(request)).await else { return false };
    let is_well = answer.status().is_success();
    // Read to its end, so that the connection is kept. The head has said what there is to know.
    tokio::spawn(timeout(EVERY, to_bytes(Body::new(answer.into_body()), LARGEST_ANSWER)));
    is_well
}

fn tell(member: &PoolMember, is_well: bool) {
    let upstream = member.url.to_string();
    if is_well {
        info!(upstream, "an upstream is well again");
    } else {
        warn!(upstream, "an upstream fails its health check and gets no requests");
    }
}
