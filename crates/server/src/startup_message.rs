//! The startup message: where the server is, in which mode, and what to try first.

use std::io::{self, Write};
use std::net::SocketAddr;

use tracing::{info, warn};

use crate::config::{Config, MailTransport, PublicUrl, Sessions};
use crate::local_url::local_url;
use crate::mail;

/// The commit that the binary was built from, if the build named one.
const COMMIT: Option<&str> = option_env!("BUILD_COMMIT");

/// Logs the start in one line, and each warning about configuration and stores in one of its own.
pub(crate) fn log(config: &Config, of_stores: Option<&str>, addresses: &[SocketAddr]) {
    for warning in config.report().warnings() {
        warn!("{warning}");
    }
    if let Some(warning) = of_stores {
        warn!("{warning}");
    }
    info!(
        version = env!("CARGO_PKG_VERSION"),
        commit = COMMIT,
        mode = if config.is_development() { "development" } else { "production" },
        listen = joined(addresses),
        strategies = joined(&config.offered()),
        "up"
    );
}

fn joined<T: ToString>(parts: &[T]) -> String {
    let parts: Vec<String> = parts.iter().map(T::to_string).collect();
    parts.join(", ")
}

/// Writes the startup message: where the server is, in which mode, and, in development mode, what to try first.
///
/// # Errors
/// The error of a write.
pub(crate) fn write(config: &Config, addresses: &[SocketAddr], out: &mut dyn Write) -> io::Result<()> {
    write_of(COMMIT, config, addresses, out)
}

fn write_of(
    commit: Option<&str>,
    config: &Config,
    addresses: &[SocketAddr],
    out: &mut dyn Write,
) -> io::Result<()> {
    let local = local_url(addresses).unwrap_or_else(|| "nowhere".to_owned());
    let url = config.public_url.as_ref().map_or(local.as_str(), PublicUrl::as_str);
    let commit = commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
    writeln!(out, "Portcullis {}{commit} is up: {url}\n", env!("CARGO_PKG_VERSION"))?;
    let listening: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    writeln!(out, "  listening  {}", listening.join("  "))?;
    match &config.public_url {
        None => {
            writeln!(out, "  mode       development, for this machine only: no public_url is configured")?;
        }
        Some(url) => writeln!(out, "  mode       production, reached as {url}")?,
    }
    writeln!(out, "  offers     {}", joined(&config.offered()))?;
    writeln!(out, "  database   {}, {}", config.database.product(), config.database.location())?;
    if let Sessions::InRedis(url) = &config.sessions {
        writeln!(out, "  sessions   Redis, {url}; those that the database still holds go on there")?;
    }
    match &config.mail.transport {
        MailTransport::Outbox => writeln!(out, "  mail       {}", mail::outbox_folder(config).display())?,
        MailTransport::Smtp(server) => writeln!(out, "  mail       {server}")?,
    }
    if config.tcp.listen.is_some() {
        writeln!(out, "  tcp        {}", config.report().text("tcp.listen"))?;
    }
    if config.is_development() {
        writeln!(out, "  docs       {local}/docs")?;
        write_first_steps(&local, out)?;
    }
    writeln!(out, "\nStop it with Ctrl-C; requests in flight are finished first.")?;
    out.flush()
}

fn write_first_steps(local: &str, out: &mut dyn Write) -> io::Result<()> {
    let user = r#""password": "correct horse""#;
    write!(
        out,
        r#"
Try, with a password alone:

  curl {local}/auth/jwt/register --json \
    '{{"email": "ann@example.com", {user}, "name": "Ann"}}'
  curl {local}/auth/jwt/login --json '{{"email": "ann@example.com", {user}}}'

or with a code by mail:

  curl {local}/auth/signup --json '{{"email": "bob@example.com", {user}}}'
  curl {local}/auth/login --json '{{"usernameOrEmailOrMobile": "bob@example.com", {user}}}'
  portcullis mail last
  curl {local}/auth/login/verify --json '{{"loginId": "…", "otp": "…"}}'
"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;
    use crate::config::Flags;

    fn said(stated: &[(&str, &str)]) -> String {
        said_of(None, stated)
    }

    fn said_of(commit: Option<&str>, stated: &[(&str, &str)]) -> String {
        let env: BTreeMap<String, String> =
            stated.iter().map(|(name, value)| (format!("PORTCULLIS_{name}"), (*value).to_owned())).collect();
        let config = Config::read(&Flags::default(), &env, &|_| Ok(String::new())).unwrap();
        let mut out = Vec::new();
        write_of(commit, &config, &["127.0.0.1:4000".parse().unwrap()], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_newcomer_is_told_where_everything_is_and_what_to_try() {
        let told = said(&[("TCP_LISTEN", "localhost:4503")]);
        for line in [
            "  listening  127.0.0.1:4000",
            "  offers     jwt, session, hybrid, refresh, denylist, session-jwt, device",
            "  docs       http://localhost:4000/docs",
            "  mail       ./portcullis-data/outbox",
            "  tcp        localhost:4503",
            "  portcullis mail last",
            r#"  curl http://localhost:4000/auth/login/verify --json '{"loginId": "…", "otp": "…"}'"#,
        ] {
            assert!(told.lines().any(|found| found == line), "{line}: {told}");
        }
        assert!(
            told.lines().next().is_some_and(|line| line.ends_with(" is up: http://localhost:4000")),
            "{told}"
        );
        assert!(!told.contains("http://127.0.0.1"), "{told}");
        assert!(!said(&[]).contains("  tcp "));
        assert!(told.lines().count() <= 30, "{told}");
    }

    #[test]
    fn the_first_line_names_the_commit_where_the_build_does() {
        let first = |commit| said_of(commit, &[]).lines().next().unwrap().to_owned();
        let version = concat!("Portcullis ", env!("CARGO_PKG_VERSION"));
        assert!(first(Some("0123456789ab")).starts_with(&format!("{version} (0123456789ab) is up: ")));
        assert!(first(None).starts_with(&format!("{version} is up: ")));
    }

    /// The build script is run as cargo runs it.
    #[test]
    fn a_release_is_built_with_the_commit_that_is_checked_out_or_the_one_that_is_stated() {
        let place = tempfile::TempDir::new().unwrap();
        let (folder, script) = (env!("CARGO_MANIFEST_DIR"), place.path().join("build"));
        let compiled = Command::new("rustc")
            .args(["--edition", "2024"])
            .arg(format!("{folder}/build.rs"))
            .arg("-o")
            .arg(&script)
            .status();
        assert!(compiled.unwrap().success());
        let printed = |command: &mut Command| {
            let output = command.current_dir(folder).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let built = |profile: &str, stated: Option<&str>| {
            let mut command = Command::new(&script);
            command.env_remove("BUILD_COMMIT").env("PROFILE", profile);
            let lines = printed(command.envs(stated.map(|commit| ("BUILD_COMMIT", commit))));
            let mut variables = lines.lines().filter_map(|line| line.strip_prefix("cargo:rustc-env="));
            let (name, commit) = variables.next()?.split_once('=')?;
            let handed_on = BTreeMap::from([(name.to_owned(), commit.to_owned())]);
            let config = Config::read(&Flags::default(), &handed_on, &|_| Ok(String::new()));
            assert!(config.is_ok(), "`cargo run` hands {name} on to the server: {config:?}");
            assert_eq!(name, "BUILD_COMMIT");
            Some(commit.to_owned())
        };
        let head = printed(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]));
        assert_eq!(built("release", None), (!head.is_empty()).then_some(head));
        assert_eq!(built("debug", None), None);
        for profile in ["debug", "release"] {
            assert_eq!(built(profile, Some("0123456789ab")).as_deref(), Some("0123456789ab"));
        }
    }

    #[test]
    fn with_a_public_url_nothing_is_to_be_tried() {
        let told = said(&[
            ("PUBLIC_URL", "https://auth.example.com"),
            ("MAIL_TRANSPORT", "smtp://mail.example.com"),
            ("MAIL_FROM", "no-reply@example.com"),
            ("MASTER_KEY", "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc"),
        ]);
        assert!(told.contains("  mail       mail.example.com:587\n") && !told.contains("curl"), "{told}");
        assert!(told.contains("  offers     device\n"), "{told}");
    }
}
