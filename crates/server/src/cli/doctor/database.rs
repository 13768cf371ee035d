//! The database: whether it exists, is up to date, answers, and can be locked for writing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use portcullis_core::machine::SystemClock;
use portcullis_stores::{DatabaseUrl, IfMissing, OpenDatabase};

use super::{Finding, Stopwatch};
use crate::cli::output::counted;

/// The findings, and the open database if it works. `missing` is what to say if there is no database.
pub(super) async fn examine(
    url: &DatabaseUrl,
    name: &str,
    migrations_name: &str,
    missing: String,
) -> (Vec<Finding>, Option<Arc<dyn OpenDatabase>>) {
    if let Ok(true) = url.is_missing() {
        return (vec![Finding::broken(name, missing)], None);
    }
    let watch = Stopwatch::start();
    let known = match url.migrations().await {
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
    match open(url, name).await {
        Ok((finding, database)) => (vec![finding, up_to_date], Some(database)),
        Err(finding) => (vec![finding, up_to_date], None),
    }
}

async fn open(url: &DatabaseUrl, name: &str) -> Result<(Finding, Arc<dyn OpenDatabase>), Finding> {
    let broken = |fault| Finding::broken(name, format!("{fault}"));
    let database = url.open(Arc::new(SystemClock), IfMissing::Refuse).await.map_err(broken)?;
    let watch = Stopwatch::start();
    if let Err(fault) = database.ping().await {
        database.close().await;
        return Err(broken(fault));
    }
    let took = watch.elapsed();
    let shown = url.location();
    let product = database.described().await.unwrap_or_else(|_| url.product().to_owned());
    let finding = if is_open_to_others(url) {
        Finding::note(name, format!("{shown} answers, but others can read it: chmod 600 {shown}"))
    } else {
        Finding::ok(name, format!("{product}, {shown}: answers, and can be locked for writing"))
    };
    Ok((finding.took(took), database))
}

/// Whether other users of the machine can read the keys and password hashes in the file.
fn is_open_to_others(url: &DatabaseUrl) -> bool {
    let Some(file) = url.file() else { return false };
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}
