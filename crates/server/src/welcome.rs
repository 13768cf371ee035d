//! What the server says when it is up: where it is, in which mode, and what to try first.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::{Config, Database};

/// Writes the welcome.
///
/// # Errors
/// What writing gives.
pub(crate) fn write(config: &Config, addresses: &[SocketAddr], out: &mut dyn Write) -> io::Result<()> {
    let local = addresses.first().map_or_else(|| "nowhere".to_owned(), |address| format!("http://{address}"));
    let Database::Sqlite(database) = &config.database;
    writeln!(out, "Portcullis {} is up.\n", env!("CARGO_PKG_VERSION"))?;
    let listening: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
    writeln!(out, "  address    {}", listening.join("  "))?;
    match &config.public_url {
        None => writeln!(
            out,
            "  mode       development: no public_url is configured, so this machine only, and lax"
        )?,
        Some(url) => writeln!(out, "  mode       production, reached as {}", url.as_str())?,
    }
    writeln!(out, "  database   SQLite, {}", database.display())?;
    if config.is_development() {
        writeln!(out, "  docs       {local}/docs")?;
        write_first_steps(&local, out)?;
    }
    writeln!(out, "\nStop it with Ctrl-C; what is in flight is finished first.")?;
    out.flush()
}

fn write_first_steps(local: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nTry:\n")?;
    writeln!(out, "  curl {local}/auth/jwt/register --json \\")?;
    writeln!(
        out,
        "    '{{\"email\": \"ann@example.com\", \"password\": \"correct horse\", \"name\": \"Ann\"}}'"
    )?;
    writeln!(out, "  curl {local}/auth/jwt/login --json \\")?;
    writeln!(out, "    '{{\"email\": \"ann@example.com\", \"password\": \"correct horse\"}}'")
}
