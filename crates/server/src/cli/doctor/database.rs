//! The database: whether it is there, up to date, answers, and can be locked for writing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use portcullis_core::machine::SystemClock;
use portcullis_stores::sqlite::{SqliteStore, migrations};

use super::{Finding, Stopwatch};
use crate::cli::printable::counted;

/// What is to be said, and the store, if it can be asked for more; `missing` where there is none.
pub(super) async fn examine(
    path: &Path,
    name: &str,
    migrations_name: &str,
    missing: String,
) -> (Vec<Finding>, Option<SqliteStore>) {
    if let Ok(false) = path.try_exists() {
        return (vec![Finding::broken(name, missing)], None);
    }
    let watch = Stopwatch::start();
    let known = match migrations(path).await {
        Ok(known) => known,
        Err(fault) => return (vec![Finding::broken(name, fault.to_string())], None),
    };
    let took = watch.elapsed();
    let pending = known.iter().filter(|migration| !migration.applied).count() as u64;
    if pending > 0 {
        let pending = counted(pending, "migration");
        let detail = format!("{pending} pending; `portcullis migrate` brings the database up to date");
        return (vec![Finding::broken(migrations_name, detail).took(took)], None);
    }
    let applied = counted(known.len() as u64, "migration");
    let up_to_date = Finding::ok(migrations_name, format!("up to date, {applied} applied")).took(took);
    match open(path, name).await {
        Ok((finding, store)) => (vec![finding, up_to_date], Some(store)),
        Err(finding) => (vec![finding, up_to_date], None),
    }
}

async fn open(path: &Path, name: &str) -> Result<(Finding, SqliteStore), Finding> {
    let broken = |fault| Finding::broken(name, format!("{fault}"));
    let store = SqliteStore::open_existing(path, Arc::new(SystemClock)).await.map_err(broken)?;
    let watch = Stopwatch::start();
    if let Err(fault) = store.ping().await {
        store.close().await;
        return Err(broken(fault));
    }
    let took = watch.elapsed();
    let shown = path.display();
    let finding = if is_open_to_others(path) {
        Finding::note(name, format!("{shown} answers, but others can read it: chmod 600 {shown}"))
    } else {
        Finding::ok(name, format!("SQLite, {shown}: answers, and can be locked for writing"))
    };
    Ok((finding.took(took), store))
}

/// Keys and password hashes are in it.
fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}
