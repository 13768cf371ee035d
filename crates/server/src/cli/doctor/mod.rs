//! `portcullis doctor`: checks what works, and how long it takes.
//!
//! It changes nothing: it creates no database, no key and no file that stays.

mod database;
mod directory;
mod keys;
mod machine;
mod mail;
mod readiness;
mod records;
mod sessions;
mod tenants;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::machine::SystemClock;
use serde::{Serialize, Serializer};

use super::database::no_database;
use super::failure::Failure;
use super::output::{Column, Output, Table, write_json};
use crate::config::Config;

/// Check what works and what does not
///
/// Looks at configuration, directories, databases, keys, mail, clock, password hashing and a running server, and says
/// how long each took. Changes nothing. The exit code is 1 if anything is broken.
#[derive(Args, Debug)]
pub(super) struct DoctorCommand {
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// The result of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It works.
    Ok,
    /// Worth knowing; no action is needed.
    Note,
    /// It does not work.
    Broken,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Broken => "BROKEN",
        }
    }
}

/// All findings as JSON.
#[derive(Serialize)]
struct DoctorReport<'a> {
    ok: bool,
    checks: &'a [Finding],
}

/// The finding of one check.
#[derive(Debug, Serialize)]
struct Finding {
    check: String,
    status: Status,
    detail: String,
    #[serde(
        rename = "milliseconds",
        serialize_with = "milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    took: Option<Duration>,
}

/// Milliseconds, rounded to microseconds.
#[expect(clippy::ref_option, reason = "serde calls it with what it has")]
fn milliseconds<S: Serializer>(took: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match took {
        Some(took) => serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3),
        None => serializer.serialize_none(),
    }
}

impl Finding {
    fn new(check: impl Into<String>, status: Status, detail: impl Into<String>) -> Self {
        Self { check: check.into(), status, detail: detail.into(), took: None }
    }

    fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, detail)
    }

    fn note(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Note, detail)
    }

    fn broken(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Broken, detail)
    }

    fn took(self, took: Duration) -> Self {
        Self { took: Some(took), ..self }
    }
}

const COLUMNS: [Column<Finding>; 4] = [
    ("CHECK", |finding| finding.check.clone()),
    ("STATUS", |finding| finding.status.as_str().to_owned()),
    ("TOOK", |finding| {
        finding.took.map_or_else(String::new, |took| format!("{:.1} ms", took.as_secs_f64() * 1e3))
    }),
    ("DETAIL", |finding| finding.detail.clone()),
];

/// Measures a duration.
struct Stopwatch(Ticks);

impl Stopwatch {
    fn start() -> Self {
        Self(SystemClock.ticks())
    }

    fn elapsed(&self) -> Duration {
        SystemClock.ticks().since(self.0)
    }
}

pub(super) async fn run(
    command: &DoctorCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let findings = examine(config).await?;
    let broken: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.status == Status::Broken)
        .map(|finding| finding.check.as_str())
        .collect();
    if command.json {
        let ok = broken.is_empty();
        write_json(&DoctorReport { ok, checks: &findings }, out)?;
    } else {
        Table::of(&findings, &COLUMNS).write(out)?;
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::other(format_args!("broken: {}", broken.join(", "))))
    }
}

async fn examine(config: &Config) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![configuration(config)];
    findings.push(directory::examine("data directory", &config.data_dir));
    if let Some(beside) = config.database.file().and_then(Path::parent) {
        let beside = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
        if beside != config.data_dir {
            findings.push(directory::examine("directory of the database", beside));
        }
    }
    let missing = no_database(&config.database);
    let (of_database, database) =
        database::examine(&config.database, "database", "migrations", missing).await;
    findings.extend(of_database);
    findings.extend(sessions::examine(&config.sessions).await);
    let (mut newest, mut published) = (None, None);
    if let Some(database) = database {
        let stores = database.stores();
        let of_keys = keys::examine(config, &stores).await?;
        newest = of_keys.newest;
        published = Some(of_keys.published);
        findings.extend(of_keys.findings);
        findings.extend(records::examine(&stores).await?);
        let of_tenants = tenants::examine(config, &stores).await?;
        findings.extend(of_tenants.findings);
        findings.push(mail::waiting(of_tenants.mail_waiting + stores.mail.waiting(SystemClock.now()).await?));
        database.close().await;
    }
    findings.push(mail::examine(config).await);
    findings.extend(mail::templates(config));
    findings.push(machine::clock(SystemClock.now(), newest));
    findings.push(machine::hashing(config)?);
    findings.extend(readiness::examine(config, published.as_deref()).await);
    Ok(findings)
}

/// The configuration is valid here; otherwise no command runs.
fn configuration(config: &Config) -> Finding {
    let mode = match &config.public_url {
        None => "development mode, for this machine only: no public_url is configured".to_owned(),
        Some(url) => format!("production, reached as {}", url.as_str()),
    };
    let file = match &config.file {
        None => "no file".to_owned(),
        Some(file) => format!("file {}", file.display()),
    };
    Finding::ok("configuration", format!("{mode}; {file}"))
}
