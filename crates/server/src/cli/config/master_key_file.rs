//! The file of the master key that `config init` makes, or finds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};

use portcullis_core::key::MasterKey;
use portcullis_core::machine::SystemRandom;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::new_file::{Made, make_file};
use crate::config::PartialConfig;

/// Its name where no setting names one: it is beside the configuration file.
pub(in crate::cli) const KEY_FILE: &str = "master.key";

/// Where the master key is, or is to be.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum KeyPlace {
    /// The key itself is stated: `master_key`, by this source. No file is needed.
    Stated(String),
    /// In a file, which a setting names or does not name yet.
    File { path: PathBuf, is_named: bool },
}

impl KeyPlace {
    /// What the operator asks for, otherwise what is configured, otherwise the file beside `configuration`.
    ///
    /// Paths become absolute: the server may be started in another folder.
    pub(super) fn of(asked: Option<&Path>, config: &PartialConfig, configuration: &Path) -> io::Result<Self> {
        let named = config.stated("master_key_file").map(|(path, _)| absolute(path)).transpose()?;
        let path = match (asked, &named, config.stated("master_key")) {
            (Some(asked), ..) => absolute(asked)?,
            (None, Some(named), _) => named.clone(),
            (None, None, Some((_, origin))) => return Ok(Self::Stated(origin.to_string())),
            (None, None, None) => configuration.with_file_name(KEY_FILE),
        };
        let is_named = named.as_ref() == Some(&path);
        Ok(Self::File { path, is_named })
    }

    /// The file that a new configuration file is to name.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stated(_) => None,
            Self::File { path, .. } => Some(path),
        }
    }
}

/// Makes a key, unless the file is there. It is for the user alone that runs the command.
///
/// # Errors
/// The file cannot be made, or it is there and holds no key.
pub(super) fn make(path: &Path) -> Result<Made, Failure> {
    let mut text = MasterKey::generate(&SystemRandom);
    text.push('\n');
    let made = make_file(path, &text, 0o600)
        .map_err(|fault| Failure::other(format_args!("{} cannot be made: {fault}", path.display())))?;
    if made == Made::Before {
        judge(path)?;
    }
    Ok(made)
}

/// A file that this user may not read may hold a good key: another user runs the server.
fn judge(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    match fs::read_to_string(path).map(Zeroizing::new) {
        Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(fault) => Err(Failure::other(format_args!("{shown} is there and cannot be read: {fault}"))),
        Ok(text) if MasterKey::parse(&text).is_ok() => Ok(()),
        Ok(_) => Err(Failure::other(format_args!(
            "{shown} is there and holds no master key: put the right one into it, or, if no database was ever used \
             with one, remove the file"
        ))),
    }
}
