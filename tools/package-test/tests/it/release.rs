//! What `cargo xtask dist` has made.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::run;

const VARIABLE: &str = "PORTCULLIS_TEST_DIST";

/// The folder of results.
pub(crate) fn folder() -> PathBuf {
    let folder = env::var_os(VARIABLE).map(PathBuf::from);
    folder.unwrap_or_else(|| panic!("{VARIABLE} names no folder: run `cargo xtask packages`"))
}

/// The one file there whose name ends so.
pub(crate) fn file(ending: &str) -> PathBuf {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|file| file.to_str().unwrap().ends_with(ending)).collect();
    assert_eq!(found.len(), 1, "{ending}: {found:?}");
    found.remove(0)
}

/// The package as a later version, whose configuration file says more.
pub(crate) fn later_package(folder: &Path) -> PathBuf {
    let (tree, package) = (folder.join("later"), folder.join("later.deb"));
    let [tree_name, package_name] = [&tree, &package].map(|path| path.to_str().unwrap());
    run("dpkg-deb", &["--raw-extract", file(".deb").to_str().unwrap(), tree_name]);
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let version = text.lines().find(|line| line.starts_with("Version: ")).unwrap();
    fs::write(&control, text.replace(version, &format!("{version}+later"))).unwrap();
    let configuration = tree.join("etc/portcullis/portcullis.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, format!("{text}# A later version says this.\n")).unwrap();
    run("dpkg-deb", &["-Zgzip", "-z1", "--root-owner-group", "--build", tree_name, package_name]);
    package
}
