//! The log: lines for people or for programs, and every decision about somebody's access among them.

use portcullis_core::clock::Timestamp;
use portcullis_core::event::{Event, EventKind, EventSink};
use tracing::{Level, info, warn};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// The target of events: what an auditor reads.
pub(crate) const AUDIT: &str = "portcullis::audit";

/// Begins to log to standard error, once for the whole process.
pub fn begin(log: &Log) {
    begin_with(log, log.level);
}

/// The same for a command, which an operator waits for: what goes on inside it is said only where it is a warning, or
/// where somebody asked for more than the ordinary level. What it does to somebody's access is said as ever, so that it
/// is in the log of whoever keeps one.
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
        info!("somebody else logs for this process already");
    }
}

/// Writes every event to the log. An event holds nothing that a stranger typed and nothing secret, so a line is a line.
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
