//! The log: lines for people or for programs, and every decision about somebody's access among them.

use portcullis_core::clock::Timestamp;
use portcullis_core::event::{Event, EventSink, What};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// The target of events: what an auditor reads.
const AUDIT: &str = "portcullis::audit";

/// Begins to log to standard error, once for the whole process.
pub fn begin(log: &Log) {
    let filter = EnvFilter::new(format!("{},hyper=warn,sqlx=warn", log.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = match log.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if begun.is_err() {
        info!("somebody else logs for this process already");
    }
}

/// Writes every event to the log. An event holds nothing that a stranger typed and nothing secret, so a line is a line.
#[derive(Clone, Copy, Default, Debug)]
pub struct EventLog;

impl EventSink for EventLog {
    fn record(&self, _at: Timestamp, event: &Event) {
        let Event { tenant, user, session, strategy, what } = event;
        let user = user.map(|user| user.to_string());
        let session = session.map(|session| session.to_string());
        let strategy = strategy.map(portcullis_core::strategy::StrategyName::as_str);
        let (reason, count) = match what {
            What::Ended { reason, count } => (Some(reason.as_str()), Some(*count)),
            _ => (None, None),
        };
        let what = what.as_str();
        if event.what.is_alarm() {
            warn!(target: AUDIT, event = what, %tenant, user, session, strategy, reason, count, alarm = true);
        } else {
            info!(target: AUDIT, event = what, %tenant, user, session, strategy, reason, count);
        }
    }
}
