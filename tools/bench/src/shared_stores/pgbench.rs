//! The rotation of a refresh as `pgbench` sends it: the statement that the server has sent, on the rows that it has
//! rotated, over as many connections.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use portcullis_bench::store_servers::PostgresServer;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::kinds::PlacedStores;
use crate::cases::MANY;
use crate::error::BenchError;

/// What stands in the place of each parameter of the statement but the version, in their order: what the row has.
const PARAMETERS: [&str; 24] = [
    "tenant",
    "id",
    "last_seen",
    "idle_expires",
    "rotation_generation",
    "rotation_issued",
    "rotation_expires",
    "rotation_kid",
    "rotation_hash",
    "previous_issued",
    "previous_expires",
    "previous_hash",
    "proof_hash",
    "proof_shown",
    "ended_at",
    "ended_reason",
    "late_generation",
    "late_in_a_row",
    "version",
    "user_id",
    "(SELECT version FROM users WHERE users.tenant = sessions.tenant AND users.id = user_id)",
    "epoch_user",
    "epoch_tenant",
    "epoch_everyone",
];
/// The place of the idle end, which is in an index: a rotation moves it, unless it has reached the absolute end.
const IDLE_END: usize = 3;
const MOVED: &str = "LEAST(idle_expires + 1, absolute_expires)";
/// The place of the version: the statement compares it, and counts it up.
const VERSION: usize = 18;

/// How many rotations the database does in a second, and over how many connections.
///
/// # Errors
/// [`BenchError`]
pub(super) async fn rotations(
    server: &PostgresServer,
    stores: &PlacedStores,
    span: Duration,
) -> Result<(f64, u64), BenchError> {
    let mut db = PgConnection::connect(&stores.database).await?;
    let (statement, connections) = sent_statement(&mut db).await?;
    let rows = rotated_rows(&mut db).await?;
    let script = stores.folder.join("rotations.pgbench");
    fs::write(&script, script_of(&statement, &rows, connections))?;
    let before = versions(&mut db).await?;
    let mut pgbench = server.client("pgbench")?;
    pgbench.args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"]);
    pgbench.args(["--client", &connections.to_string(), "--time", &span.as_secs().to_string()]);
    pgbench.args(["--define", "begun=0", "--define", "turn=0", "--file"]).arg(&script);
    let output = pgbench.arg(stores.database_name()).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let fault = || BenchError::OwnProgram(format!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    let done: i64 = figure(&said, "number of transactions actually processed: ").ok_or_else(fault)?;
    let rate = figure(&said, "tps = ").ok_or_else(fault)?;
    let written = versions(&mut db).await? - before;
    if written != done {
        return Err(BenchError::OwnProgram(format!("pgbench has written {written} of {done} rotations")));
    }
    db.close().await?;
    Ok((rate, connections))
}

/// The statement with which the server has rotated, and on how many connections it did.
async fn sent_statement(db: &mut PgConnection) -> Result<(String, u64), BenchError> {
    let row = sqlx::query(
        "SELECT query, count(*) AS connections FROM pg_stat_activity WHERE datname = current_database() \
        AND query LIKE 'UPDATE sessions SET last_seen%' GROUP BY query ORDER BY 2 DESC LIMIT 1",
    );
    let row = row.fetch_optional(db).await?;
    let row = row.ok_or_else(|| BenchError::OwnProgram("the server has rotated nothing".to_owned()))?;
    let (statement, connections): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (last, behind) = (PARAMETERS.len(), PARAMETERS.len() + 1);
    if !statement.contains(&format!("${last}")) || statement.contains(&format!("${behind}")) {
        return Err(BenchError::OwnProgram(format!("this rotation is not known here: {statement}")));
    }
    Ok((statement, connections.unsigned_abs()))
}

/// What stands for the parameters, as literals, of the sessions that were refreshed last.
async fn rotated_rows(db: &mut PgConnection) -> Result<Vec<Vec<String>>, BenchError> {
    let columns = PARAMETERS.map(|value| format!("quote_nullable({value})")).join(", ");
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {columns} FROM sessions WHERE strategy = 'refresh' AND ended_at IS NULL \
        ORDER BY created DESC, id LIMIT {MANY}"
    )));
    let rows = rows.fetch_all(db).await?;
    let literals = |row| (0..PARAMETERS.len()).map(|place| sqlx::Row::try_get(&row, place)).collect();
    Ok(rows.into_iter().map(literals).collect::<Result<_, _>>()?)
}

async fn versions(db: &mut PgConnection) -> Result<i64, BenchError> {
    let sum = sqlx::query_scalar("SELECT sum(version)::BIGINT FROM sessions");
    Ok(sum.fetch_one(db).await?)
}

/// Each client has rows of its own, so that none is in the way of another, and takes turns at them.
fn script_of(statement: &str, rows: &[Vec<String>], connections: u64) -> String {
    let connections = usize::try_from(connections).unwrap_or(1).clamp(1, rows.len().max(1));
    let mut script = String::new();
    for client in 0..connections {
        let own: Vec<&Vec<String>> = rows.iter().skip(client).step_by(connections).collect();
        let branch = if client == 0 { "if" } else { "elif" };
        let _ = writeln!(script, "\\{branch} :client_id = {client}\n\\if :begun = 0\n\\set begun 1");
        for (turn, row) in own.iter().enumerate() {
            let version = row.get(VERSION).map(|version| version.trim_matches('\'')).unwrap_or_default();
            let _ = writeln!(script, "\\set v{turn} {version}");
        }
        script.push_str("\\endif\n");
        for (turn, row) in own.iter().enumerate() {
            let branch = if turn == 0 { "if" } else { "elif" };
            let update = filled_in(statement, row, &format!(":v{turn}"));
            let _ = writeln!(script, "\\{branch} :turn = {turn}\n\\set v{turn} :v{turn} + 1\n{update};");
        }
        let _ = writeln!(script, "\\endif\n\\set turn (:turn + 1) % {}", own.len());
    }
    script.push_str("\\endif\n");
    script
}

/// The statement with what the row has in the places of parameters.
fn filled_in(statement: &str, row: &[String], version: &str) -> String {
    let places = row.iter().enumerate().rev();
    places.fold(statement.replace('\n', " "), |text, (place, literal)| {
        let value = match place {
            VERSION => version,
            IDLE_END => MOVED,
            _ => literal,
        };
        text.replace(&format!("${}", place + 1), value)
    })
}

/// The figure behind a name in what `pgbench` says.
fn figure<T: std::str::FromStr>(said: &str, name: &str) -> Option<T> {
    let line = said.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_takes_turns_at_rows_of_its_own_and_counts_their_versions() {
        let row = |id: &str| {
            let mut row: Vec<String> = (0..PARAMETERS.len()).map(|place| format!("'p{place}'")).collect();
            row[1] = format!("'{id}'");
            row[VERSION] = "'7'".to_owned();
            row
        };
        let statement = "UPDATE x SET version = $19, a = $3 WHERE id = $2 AND version = $19 - 1 AND u = $20";
        let script = script_of(statement, &[row("a"), row("b"), row("c")], 2);
        let updates: Vec<&str> = script.lines().filter(|line| line.starts_with("UPDATE")).collect();
        assert_eq!(
            updates[1],
            "UPDATE x SET version = :v1, a = 'p2' WHERE id = 'c' AND version = :v1 - 1 AND u = 'p19';"
        );
        assert!(updates[2].contains("version = :v0 - 1") && updates[2].contains("id = 'b'"));
        assert_eq!(script.matches("\\if").count(), script.matches("\\endif").count());
        assert_eq!(script.matches("\\set v0 7").count(), 2);
    }
}
