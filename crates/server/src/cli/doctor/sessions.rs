//! The store of live sessions, if it is not the database: whether it answers, and may be used.

use std::sync::Arc;

use portcullis_core::machine::SystemClock;
use portcullis_stores::RedisSessions;

use super::{Finding, Stopwatch};
use crate::config::Sessions;

pub(super) async fn examine(sessions: &Sessions) -> Option<Finding> {
    let Sessions::InRedis(url) = sessions else { return None };
    let watch = Stopwatch::start();
    let live = match RedisSessions::open(url, Arc::new(SystemClock)).await {
        Ok(live) => live,
        Err(fault) => return Some(Finding::broken("sessions", fault.to_string())),
    };
    let took = watch.elapsed();
    let described = live.described().await;
    live.close().await;
    Some(match described {
        Ok(server) => found(live.warning(), format!("{server}, {url}: answers")).took(took),
        Err(fault) => Finding::broken("sessions", fault.to_string()),
    })
}

fn found(warning: Option<&str>, answers: String) -> Finding {
    match warning {
        Some(warning) => Finding::note("sessions", format!("{answers}; {warning}")),
        None => Finding::ok("sessions", answers),
    }
}
