//! `portcullis config init`

use std::io::Write;
use std::path::{Path, PathBuf, absolute};

use clap::Args;

use super::master_key_file::{KeyPlace, make};
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::new_file::{Made, make_file};
use crate::config::{ConfigTemplate, Flags, PartialConfig, configuration_file, environment};

/// The configuration file where neither argument nor flag nor variable names one, and this machine's installation has
/// none.
pub(in crate::cli) const DEFAULT_FILE: &str = "portcullis.toml";

/// Write a configuration file to begin with, and make the master key
///
/// The file has every setting, commented out, with its meaning and default; what production needs is on top. The
/// settings of the flags below, such as `--data-dir`, are written into it. The master key goes into a file of its own,
/// which only this user can read, and is not shown.
///
/// What exists is kept as it is, and the command says so: where a package has installed the configuration file, the
/// command makes the key that it names. Exit code 0 means that both files are there.
#[derive(Args, Debug)]
pub(in crate::cli) struct InitConfig {
    /// The file to write; `-` is standard output [default: the file that `--config` or `PORTCULLIS_CONFIG` names,
    /// otherwise /etc/portcullis/portcullis.toml if that is there, otherwise portcullis.toml]
    file: Option<PathBuf>,
    /// The file of the master key [default: the one that is configured, otherwise master.key beside the configuration
    /// file]
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Write the text of the file to standard output, and make no file and no key
    #[arg(long, conflicts_with = "file")]
    stdout: bool,
}

pub(super) fn run(command: &InitConfig, flags: &Flags, out: &mut dyn Write) -> Result<(), Failure> {
    if command.stdout || command.file.as_deref() == Some(Path::new("-")) {
        let text = text(flags, command.master_key_file.as_deref())?;
        return Ok(out.write_all(text.as_bytes())?);
    }
    let env = environment();
    let file = command.file.clone().or_else(|| configuration_file(flags, &env));
    let file = absolute(file.unwrap_or_else(|| DEFAULT_FILE.into()))?;
    let of_file = Flags::default().with("config", &file.to_string_lossy());
    // If it is not there, the variables may say where the key is.
    let config = PartialConfig::read(&of_file, &env, &|path| std::fs::read_to_string(path));
    let place = KeyPlace::of(command.master_key_file.as_deref(), &config, &file)?;
    let text = text(flags, place.path())?;
    write_key(&place, out)?;
    if write_file(&file, &text, out)? {
        warn(&file, &config, &place, out)?;
    }
    Ok(())
}

/// The text of the configuration file.
fn text(flags: &Flags, master_key_file: Option<&Path>) -> Result<String, Failure> {
    let key = master_key_file.map(|path| ("master_key_file", path.to_string_lossy().into_owned()));
    Ok(ConfigTemplate::new(flags, key)?.text())
}

/// Makes the key if there is to be one.
fn write_key(place: &KeyPlace, out: &mut dyn Write) -> Result<(), Failure> {
    let path = match place {
        KeyPlace::Stated(origin) => {
            let origin = Escaped(origin);
            return Ok(writeln!(out, "No file is made for the master key: it is set by {origin}.")?);
        }
        KeyPlace::File { path, .. } => path,
    };
    let made = make(path)?;
    let path = path.to_string_lossy();
    let path = Escaped(&path);
    match made {
        Made::Now => {
            writeln!(
                out,
                "Made {path}: the master key. Keep a copy, apart from the backups of the database."
            )?;
        }
        Made::Before => writeln!(out, "Kept {path}: the master key is there already.")?,
    }
    Ok(())
}

/// Makes the configuration file. Returns whether there was one.
fn write_file(file: &Path, text: &str, out: &mut dyn Write) -> Result<bool, Failure> {
    let made = make_file(file, text, 0o644)
        .map_err(|fault| Failure::other(format_args!("{} cannot be made: {fault}", file.display())))?;
    let file = file.to_string_lossy();
    let file = Escaped(&file);
    match made {
        Made::Now => writeln!(
            out,
            "Made {file}: every setting, commented out. `portcullis config check --config {file}` checks it."
        )?,
        Made::Before => writeln!(out, "Kept {file}: nothing is written into a file that exists.")?,
    }
    Ok(made == Made::Before)
}

/// Says what is left to do because the file was there.
fn warn(file: &Path, config: &PartialConfig, place: &KeyPlace, out: &mut dyn Write) -> Result<(), Failure> {
    let file = file.to_string_lossy();
    let file = Escaped(&file);
    if !config.is_complete() {
        writeln!(out, "warning: {file} cannot be read; `portcullis config check --config {file}` says why")?;
    } else if let KeyPlace::File { path, is_named: false } = place {
        let path = path.to_string_lossy();
        let path = Escaped(&path);
        writeln!(out, "warning: no setting names the key; add to {file}: master_key_file = \"{path}\"")?;
    }
    Ok(())
}
