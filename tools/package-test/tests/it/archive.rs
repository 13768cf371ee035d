//! The archive, the checksums, and what says what is inside.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::Request;
use crate::release;
use crate::shell::{Outcome, run};

/// What an operator looks for beside the program.
const BROUGHT: [&str; 15] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "THIRD-PARTY-LICENSES",
    "UPGRADING.md",
    "completions/bash/portcullis",
    "docs/gateway/nginx.md",
    "docs/install.md",
    "docs/operations.md",
    "docs/revocation-feed/verifier.py",
    "man/portcullis.1.gz",
    "portcullis.service",
    "portcullis.socket",
    "portcullis.toml",
];

/// Reads the document by its schema, of which it must be an instance.
const VALIDATE: &str = "
import pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(pathlib.Path(sys.argv[1]).read_text())
sys.exit(str(fault) if fault else 0)
";

#[test]
fn every_file_has_its_checksum() {
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(release::folder());
    let said = Outcome::of(&mut check).ok();
    for ending in [".tar.gz", ".deb", ".cdx.json"] {
        let name = release::file(ending).file_name().unwrap().to_str().unwrap().to_owned();
        assert!(said.contains(&format!("{name}: OK")), "{said}");
    }
}

#[test]
fn an_archive_brings_everything_and_its_program_serves() {
    let folder = tempfile::tempdir().unwrap();
    let archive = release::file(".tar.gz");
    run("tar", &["-xzf", archive.to_str().unwrap(), "-C", folder.path().to_str().unwrap()]);
    let name = archive.file_name().unwrap().to_str().unwrap().trim_end_matches(".tar.gz");
    let brought = folder.path().join(name);
    for file in BROUGHT {
        assert!(brought.join(file).metadata().unwrap().len() > 100, "{file}");
    }
    let (mut server, address) = start(&brought.join("portcullis"), folder.path());
    let user = json!({ "email": "ann@example.com", "password": "correct horse", "name": "Ann" });
    Request::post("/auth/jwt/register", &user).send(address).expect(201);
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Starts a server for development, in a folder.
fn start(program: &Path, folder: &Path) -> (Child, SocketAddr) {
    let mut serve = Command::new(program);
    serve.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder).env_clear();
    let mut server = serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address =
        lines.into_iter().find_map(|line| line.trim().strip_prefix("listening")?.trim().parse().ok());
    (server, address.unwrap())
}

#[test]
fn the_archive_says_under_which_licences_its_parts_are() {
    let archive = release::file(".tar.gz");
    let licences = run("tar", &["-xzOf", archive.to_str().unwrap(), "--wildcards", "*/THIRD-PARTY-LICENSES"]);
    let document: Value =
        serde_json::from_str(&fs::read_to_string(release::file(".cdx.json")).unwrap()).unwrap();
    let components = document["components"].as_array().unwrap();
    let others: Vec<&Value> =
        components.iter().filter(|component| component["hashes"][0].is_object()).collect();
    assert!(others.len() > 100, "{}", others.len());
    for component in others {
        let name =
            format!("\n{} {} (", component["name"].as_str().unwrap(), component["version"].as_str().unwrap());
        assert!(licences.contains(&name), "{name}");
    }
}

#[test]
fn the_list_of_what_is_inside_is_one_by_the_schema_of_its_format() {
    let python =
        env::var_os("PORTCULLIS_TEST_CYCLONEDX").expect("`cargo xtask packages` says where Python is");
    let mut validate = Command::new(python);
    validate.args(["-c", VALIDATE]).arg(release::file(".cdx.json"));
    Outcome::of(&mut validate).ok();
}

#[test]
fn debians_own_check_finds_no_error() {
    run("lintian", &["--allow-root", "--fail-on", "error", release::file(".deb").to_str().unwrap()]);
}
