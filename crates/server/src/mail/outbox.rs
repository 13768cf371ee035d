//! Delivery to a folder, one file for each mail: for trying things out on one machine.
//!
//! A file is written under a hidden name and renamed when it is complete. Nothing is ever deleted.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use portcullis_core::clock::Timestamp;
use portcullis_core::outgoing_mail::DeliveryError;
use portcullis_stores::sqlite::OwnersFolder;
use tracing::info;

use super::compose::ComposedMail;

/// The most characters of a recipient in the name of a file.
const LONGEST_RECIPIENT: usize = 80;

/// Writes a mail to the outbox, and returns its file.
pub(super) async fn put(outbox: &Path, composed: ComposedMail) -> Result<PathBuf, DeliveryError> {
    let folder = outbox.to_owned();
    let written = tokio::task::spawn_blocking(move || write(&folder, &composed)).await;
    let written = written.map_err(io::Error::other).and_then(|written| written);
    let path = written.map_err(|fault| {
        DeliveryError::Later(format!("{} cannot be written to: {fault}", outbox.display()))
    })?;
    // The path alone: the mail holds codes and links.
    info!(path = %path.display(), "mail written to the outbox; `portcullis mail last` shows the newest");
    Ok(path)
}

/// For the owner of the folder alone to read: the mail holds codes and links.
fn write(outbox: &Path, composed: &ComposedMail) -> io::Result<PathBuf> {
    let folder = OwnersFolder::open_or_make(outbox)?;
    let hidden = |path: &Path| folder.make_file(path.file_name().unwrap_or_default().as_ref());
    let mut file = tempfile::Builder::new().prefix(".").suffix(".part").make_in(outbox, hidden)?;
    file.write_all(&composed.mime.formatted())?;
    file.as_file().sync_all()?;
    let name = name(composed);
    let hidden = file.into_temp_path();
    folder.rename(hidden.file_name().unwrap_or_default().as_ref(), name.as_ref())?;
    hidden.keep()?;
    Ok(outbox.join(name))
}

/// `20260128T221256311Z_ann@example.com_1b9d6bcd.eml`: sorts by time.
fn name(composed: &ComposedMail) -> String {
    let id = composed.id.simple().to_string();
    let id = id.get(24..).unwrap_or(&id);
    format!("{}_{}_{id}.eml", time(composed.at), recipient(composed.to.canonical()))
}

fn time(at: Timestamp) -> String {
    at.to_string().chars().filter(char::is_ascii_alphanumeric).collect()
}

fn recipient(address: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+');
    address.chars().map(|c| if harmless(c) { c } else { '_' }).take(LONGEST_RECIPIENT).collect()
}

/// The mails in a folder, the newest first; none if there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn mail_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}
