//! Scripts in other languages. Each takes arguments and prints one JSON value.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a script of `node/`.
pub(crate) fn node(script: &str, words: &[&str]) -> Value {
    // The script finds its libraries by the same variable.
    tool_path("PORTCULLIS_TEST_NODE_DIR");
    run(Command::new("node"), "node", script, words)
}

/// Runs a script of `python/`.
pub(crate) fn python(script: &str, words: &[&str]) -> Value {
    run(Command::new(tool_path("PORTCULLIS_TEST_PYTHON")), "python", script, words)
}

/// The command for a script of `python/` that runs until its standard input ends.
pub(crate) fn python_process(script: &str) -> Command {
    let mut command = Command::new(tool_path("PORTCULLIS_TEST_PYTHON"));
    command.arg(path("python", script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Runs a statement on an SQLite file. Rows are arrays, blobs are in hexadecimal.
pub(crate) fn sql(database: &Path, statement: &str) -> Vec<Vec<Value>> {
    let rows = python("sql.py", &[&database.to_string_lossy(), statement]);
    serde_json::from_value(rows).unwrap()
}

fn run(mut command: Command, folder: &str, script: &str, words: &[&str]) -> Value {
    let script = path(folder, script);
    let output = command.arg(&script).args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} failed: {stderr}", script.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn path(folder: &str, script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(folder).join(script)
}

pub(crate) fn tool_path(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run `cargo xtask test`, which installs it"))
}
