//! What the caller's environment would change in a release, kept away from every command that makes one.

use std::env;
use std::process::Command;

/// Variables whose names begin so: flags of compilers, settings of cargo's profiles, how SQLite is built, options of
/// tar, gzip and xz, and settings of the server that is asked for its configuration file.
const DISTURBING: [&str; 19] = [
    "CARGO_BUILD_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CFLAGS",
    "CRATE_CC_NO_DEFAULTS",
    "GZIP",
    "HOST_CFLAGS",
    "LIBSQLITE3_",
    "PORTCULLIS_",
    "RUSTC_BOOTSTRAP",
    "RUSTFLAGS",
    "SOURCE_DATE_EPOCH",
    "SQLITE_MAX_",
    "TARGET_CFLAGS",
    "TAR_OPTIONS",
    "XZ_DEFAULTS",
    "XZ_OPT",
];

/// These change where and how fast cargo builds, and not what.
const HARMLESS: [&str; 3] = ["CARGO_BUILD_JOBS", "CARGO_BUILD_TARGET_DIR", "CARGO_TARGET_DIR"];

/// The command, without them. What it is to have is set behind this.
pub(super) fn neutral(mut command: Command) -> Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(disturbs) {
            command.env_remove(name);
        }
    }
    command
}

fn disturbs(name: &str) -> bool {
    DISTURBING.iter().any(|begin| name.starts_with(begin)) && !HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_bytes_is_taken_away_and_nothing_else() {
        for name in ["CFLAGS_x86_64_unknown_linux_gnu", "CARGO_PROFILE_DIST_LTO", "TAR_OPTIONS", "XZ_OPT"] {
            assert!(disturbs(name), "{name}");
        }
        for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "CARGO_HOME", "PATH", "CC"] {
            assert!(!disturbs(name), "{name}");
        }
    }

    #[test]
    fn a_command_does_not_see_what_is_taken_away() {
        // Cargo sets it for this test, by `.cargo/config.toml`.
        let removed = neutral(Command::new("true"));
        assert!(removed.get_envs().any(|(name, value)| name == "LIBSQLITE3_FLAGS" && value.is_none()));
    }
}
