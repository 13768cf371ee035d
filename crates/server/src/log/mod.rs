//! The log: lines for people or for programs, with every audit event among them.

use portcullis_core::clock::Timestamp;
use portcullis_core::event::{Event, EventKind, EventSink};
use tracing::{Level, info, warn};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// The target of audit events.
pub(crate) const AUDIT: &str = "portcullis::audit";

/// Starts to log to standard error, for the whole process.
pub fn begin(log: &Log) {
    begin_with(log, log.level);
}

/// The same for a command whose output an operator reads: only warnings are logged, unless the configured level is more
/// verbose than the default. Audit events are logged as always.
pub fn begin_for_command(log: &Log) {
    let ordinary = log.level <= Level::INFO;
    begin_with(log, if ordinary { log.level.min(Level::WARN) } else { log.level });
}

fn begin_with(log: &Log, level: Level) {
    let filter = EnvFilter::new(format!("{level},{AUDIT}={},hyper=warn,sqlx=warn", log.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = match log.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if begun.is_err() {
        info!("this process already has another logger");
    }
}

/// Writes every audit event to the log. An event holds no secret and no text of a client, so none can forge a line.
#[derive(Clone, Copy, Default, Debug)]
pub struct EventLog;

impl EventSink for EventLog {
    fn record(&self, _at: Timestamp, event: &Event) {
        let Event { tenant, user, session, strategy, kind } = event;
        let user = user.map(|user| user.to_string());
        let session = session.map(|session| session.to_string());
        let strategy = strategy.map(portcullis_core::strategy::StrategyName::as_str);
        let (reason, count) = match kind {
            EventKind::Ended { reason, count } => (Some(reason.as_str()), Some(*count)),
            _ => (None, None),
        };
        let name = kind.as_str();
        if event.kind.is_alarm() {
            warn!(target: AUDIT, event = name, %tenant, user, session, strategy, reason, count, alarm = true);
        } else {
            info!(target: AUDIT, event = name, %tenant, user, session, strategy, reason, count);
        }
    }
}
