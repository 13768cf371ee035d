//! Everything that an archive or a package brings beside the program, in one folder next to it.
//!
//! The manual, the completions and the configuration file are what the program itself writes: none can be of another
//! version than it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::build::{self, BuiltServer};
use super::environment::neutral;
use super::{NAME, Release, documents, gzip};
use crate::failure::VerbFailure;
use crate::workspace;

/// Its name is also in the list of assets in `crates/server/Cargo.toml`.
const FOLDER: &str = "package";

/// Shells, and what each calls a file of completions.
const SHELLS: [(&str, &str); 3] = [("bash", NAME), ("zsh", "_portcullis"), ("fish", "portcullis.fish")];

/// What is shipped as it is in the repository.
const COPIED: [&str; 8] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "UPGRADING.md",
    "packaging/debian/copyright",
    "packaging/systemd/portcullis.service",
    "packaging/systemd/portcullis.socket",
];

const DEBIAN_CHANGELOG: &str = "changelog.Debian";

/// The key that the configuration file of Debian's package names.
const MASTER_KEY: &str = "/etc/portcullis/master.key";
/// The address that `portcullis.socket` holds, and no other one, which would be closed while the service restarts.
const LISTEN: &str = "127.0.0.1:3000";
/// Where the server's user may write there.
const DATA: &str = "/var/lib/portcullis";

/// Also in `crates/server/Cargo.toml`.
const MAINTAINER: &str = "The Portcullis authors <packages@portcullis.example>";

/// The folder.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
}

impl Stage {
    /// Makes the folder anew.
    pub(super) fn fill(
        release: &Release<'_>,
        server: &BuiltServer,
        licences: &str,
    ) -> Result<Self, VerbFailure> {
        let stage = Self::empty(build::folder(release).join(FOLDER))?;
        stage.copy(&server.program)?;
        for path in COPIED {
            stage.copy(&release.workspace.root.join(path))?;
        }
        for path in documents::shipped(&release.workspace.root)? {
            stage.copy_to(&release.workspace.root.join(&path), &path)?;
        }
        stage.write("THIRD-PARTY-LICENSES", licences)?;
        stage.write(DEBIAN_CHANGELOG, &debian_changelog(release))?;
        gzip::compress(&stage.folder.join(DEBIAN_CHANGELOG))?;
        stage.ask(server)?;
        Ok(stage)
    }

    fn empty(folder: PathBuf) -> Result<Self, VerbFailure> {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(VerbFailure::doing("cannot empty the stage"))?;
        }
        let stage = Self { folder };
        stage.make_folder("")?;
        Ok(stage)
    }

    /// What the program says of itself.
    fn ask(&self, server: &BuiltServer) -> Result<(), VerbFailure> {
        let manual = self.make_folder("man")?;
        workspace::output(neutral(Command::new(&server.program)).arg("man-pages").arg(&manual))?;
        for page in super::files_in(&manual)? {
            gzip::compress(&page)?;
        }
        for (shell, file) in SHELLS {
            self.make_folder(format!("completions/{shell}"))?;
            let script =
                workspace::output(neutral(Command::new(&server.program)).args(["completions", shell]))?;
            self.write(&format!("completions/{shell}/{file}"), &script)?;
        }
        let mut init = neutral(Command::new(&server.program));
        init.args(["config", "init", "--stdout", "--listen", LISTEN, "--data-dir", DATA]);
        init.args(["--master-key-file", MASTER_KEY]);
        self.write("portcullis.toml", &workspace::output(&mut init)?)
    }

    fn make_folder(&self, name: impl AsRef<Path>) -> Result<PathBuf, VerbFailure> {
        let folder = self.folder.join(name);
        let made = fs::create_dir_all(&folder);
        made.map_err(VerbFailure::doing(format!("cannot make {}", folder.display())))?;
        Ok(folder)
    }

    fn copy(&self, from: &Path) -> Result<(), VerbFailure> {
        self.copy_to(from, Path::new(from.file_name().unwrap_or_default()))
    }

    /// Under a path from the stage.
    fn copy_to(&self, from: &Path, to: &Path) -> Result<(), VerbFailure> {
        self.make_folder(to.parent().unwrap_or(to))?;
        let copied = fs::copy(from, self.folder.join(to));
        copied.map_err(VerbFailure::doing(format!("cannot copy {}", from.display())))?;
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), VerbFailure> {
        super::write(&self.folder.join(name), text.as_bytes())
    }
}

/// Debian wants one, of the package; what has changed in the program is in its own.
fn debian_changelog(release: &Release<'_>) -> String {
    format!(
        "{NAME} ({}-1) stable; urgency=medium\n\n  * /usr/share/doc/{NAME}/CHANGELOG.md says what has changed.\n\n -- \
         {}  {}\n",
        release.version, MAINTAINER, release.commit.date
    )
}
