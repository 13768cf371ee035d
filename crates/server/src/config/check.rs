//! `portcullis config check`: the effective configuration, or every fault.

use std::io::{self, Write};

use super::{Config, ConfigFault};

/// Writes the configuration to `out`, as a table or as JSON, or its faults to `err`, one per line. Returns exit code 0
/// or 2.
///
/// # Errors
///
/// The error of a write.
pub fn check(
    read: &Result<Config, Vec<ConfigFault>>,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    match read {
        Ok(config) if json => writeln!(out, "{}", serde_json::to_string_pretty(config.report())?)?,
        Ok(config) => writeln!(out, "{}", config.report().table())?,
        Err(faults) => {
            for fault in faults {
                writeln!(err, "{fault}")?;
            }
            return Ok(2);
        }
    }
    Ok(0)
}
