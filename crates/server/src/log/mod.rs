//! The log: lines for people or for programs, with every audit event among them.

mod lines;

use std::io::stderr;
use std::sync::OnceLock;

use portcullis_core::clock::Timestamp;
use portcullis_core::event::{Event, EventKind, EventSink};
use tracing::{Level, info, warn};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use lines::LogLines;
pub(crate) use lines::{is_losing, lost};
pub(crate) use portcullis_http::request_span::AUDIT;

/// The lines of this process's log.
static LINES: OnceLock<LogLines> = OnceLock::new();

/// Starts to log to standard error, for the whole process.
pub fn begin(log: &Log) {
    begin_with(log, log.level, false);
}

/// The same for a command whose output an operator reads: only warnings are logged, unless the configured level is more
/// verbose than the default. Audit events are logged as always. All lines wait until `release`.
pub fn begin_for_command(log: &Log) {
    let ordinary = log.level <= Level::INFO;
    begin_with(log, if ordinary { log.level.min(Level::WARN) } else { log.level }, true);
}

/// Writes what the log of a command has held back: the answer comes first.
pub(crate) fn release() {
    if let Some(lines) = LINES.get() {
        lines.release();
    }
}

fn begin_with(log: &Log, level: Level, held: bool) {
    let filter = EnvFilter::new(format!("{level},{AUDIT}={},hyper=warn", log.level));
    let lines = LINES.get_or_init(|| LogLines::new(stderr(), log.format, held)).clone();
    // A line that cannot be written must not be reported on standard error: that panics where it cannot be written to.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines).log_internal_errors(false);
    let begun = match log.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
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
        let role = match kind {
            EventKind::RoleChanged { role } => Some(role.as_str()),
            _ => None,
        };
        let name = kind.as_str();
        if event.kind.is_alarm() {
            warn!(target: AUDIT, event = name, %tenant, user, session, strategy, reason, count, role, alarm = true);
        } else {
            info!(target: AUDIT, event = name, %tenant, user, session, strategy, reason, count, role);
        }
    }
}
