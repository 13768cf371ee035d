//! What is inside the program, for scanners: a document in the format `CycloneDX` 1.5.
//!
//! <https://cyclonedx.org/docs/1.5/json/> is the format; a test of the packages holds the document to its schema.

use serde::Serialize;

use super::dependencies::LinkedCrate;
use super::sqlite::BundledSqlite;
use super::{NAME, Release, SERVER};
use crate::failure::VerbFailure;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: BomMetadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<BomDependency>,
}

#[derive(Serialize)]
struct BomMetadata<'a> {
    timestamp: &'a str,
    component: Component<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    scope: &'static str,
    hashes: Vec<ComponentHash<'a>>,
    licenses: Vec<ComponentLicence>,
    purl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<String>,
    external_references: Vec<ExternalReference<'a>>,
}

#[derive(Serialize)]
struct ComponentHash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct ComponentLicence {
    expression: String,
}

impl ComponentLicence {
    /// Some crates still write what was the custom before SPDX.
    fn of(license: &str) -> Self {
        Self { expression: license.replace('/', " OR ") }
    }
}

#[derive(Serialize)]
struct ExternalReference<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BomDependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

/// Writes the document, and returns the name of its file.
pub(super) fn write(
    release: &Release<'_>,
    crates: &[LinkedCrate],
    sqlite: &BundledSqlite,
) -> Result<String, VerbFailure> {
    let name = format!("{NAME}-{}.cdx.json", release.version);
    let document = serde_json::to_string_pretty(&document(&release.commit.moment, crates, sqlite)?);
    let document = document.map_err(VerbFailure::doing("cannot write the list of crates as JSON"))?;
    super::write(&release.folder.join(&name), format!("{document}\n").as_bytes())?;
    Ok(name)
}

fn document<'a>(
    moment: &'a str,
    crates: &'a [LinkedCrate],
    sqlite: &'a BundledSqlite,
) -> Result<Bom<'a>, VerbFailure> {
    let libraries = crates.iter().filter(|found| !is_server(found)).map(component);
    let server = crates.iter().find(|found| is_server(found));
    let server =
        server.ok_or_else(|| VerbFailure::Broken(format!("`{SERVER}` is not in its own program")))?;
    Ok(Bom {
        format: "CycloneDX",
        spec_version: "1.5",
        version: 1,
        metadata: BomMetadata {
            timestamp: moment,
            component: Component { kind: "application", name: NAME, ..component(server) },
        },
        components: libraries.chain([sqlite_component(sqlite)]).collect(),
        dependencies: dependencies(crates, sqlite),
    })
}

fn is_server(found: &LinkedCrate) -> bool {
    found.name == SERVER
}

fn component(found: &LinkedCrate) -> Component<'_> {
    let repository = found.repository.as_deref().filter(|url| url.starts_with("https://"));
    Component {
        kind: "library",
        reference: reference(found),
        name: &found.name,
        version: &found.version,
        description: found.description.as_deref().map(on_one_line),
        scope: "required",
        hashes: found.checksum.iter().map(|content| ComponentHash { alg: "SHA-256", content }).collect(),
        licenses: found.license.iter().map(|license| ComponentLicence::of(license)).collect(),
        purl: reference(found),
        cpe: None,
        external_references: repository
            .map(|url| ExternalReference { kind: "vcs", url })
            .into_iter()
            .collect(),
    }
}

/// Scanners know a library of C by the name that lists of vulnerabilities have for it.
fn sqlite_component(sqlite: &BundledSqlite) -> Component<'_> {
    let version = &sqlite.version;
    Component {
        kind: "library",
        reference: sqlite_reference(sqlite),
        name: "sqlite",
        version,
        description: Some("SQL database, compiled from the sources that a crate brings".to_owned()),
        scope: "required",
        hashes: Vec::new(),
        licenses: vec![ComponentLicence::of("blessing")],
        purl: sqlite_reference(sqlite),
        cpe: Some(format!("cpe:2.3:a:sqlite:sqlite:{version}:*:*:*:*:*:*:*")),
        external_references: vec![ExternalReference { kind: "website", url: "https://sqlite.org/" }],
    }
}

fn sqlite_reference(sqlite: &BundledSqlite) -> String {
    format!("pkg:generic/sqlite@{}", sqlite.version)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// <https://github.com/package-url/purl-spec>: what names a crate to scanners.
fn reference(found: &LinkedCrate) -> String {
    format!("pkg:cargo/{}@{}", found.name, found.version.replace('+', "%2B"))
}

fn dependencies(crates: &[LinkedCrate], sqlite: &BundledSqlite) -> Vec<BomDependency> {
    let needs = |found: &LinkedCrate| {
        let needed = crates.iter().filter(|other| found.needs.contains(&other.id));
        let bundled = (found.id == sqlite.carrier).then(|| sqlite_reference(sqlite));
        BomDependency {
            reference: reference(found),
            depends_on: needed.map(reference).chain(bundled).collect(),
        }
    };
    let needs_nothing = BomDependency { reference: sqlite_reference(sqlite), depends_on: Vec::new() };
    crates.iter().map(needs).chain([needs_nothing]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn linked(name: &str, version: &str) -> LinkedCrate {
        let json = json!({
            "id": name, "name": name, "version": version, "license": "MIT/Apache-2.0", "source": "registry",
            "description": "two\n  lines", "repository": "https://example.com/r", "manifest_path": "/c/Cargo.toml",
        });
        serde_json::from_value(json).unwrap()
    }

    fn sqlite() -> BundledSqlite {
        BundledSqlite { version: "3.1.0".to_owned(), notice: String::new(), carrier: "zstd".to_owned() }
    }

    #[test]
    fn the_program_needs_its_crates_and_each_has_its_licence_and_checksum() {
        let mut server = linked(SERVER, "0.2.0");
        server.needs.insert("zstd".to_owned());
        let mut zstd = linked("zstd", "1.0.0+c1");
        zstd.checksum = Some("ab".to_owned());
        let crates = [server, zstd];
        let sqlite = sqlite();
        let document = document("2026-01-01T00:00:00Z", &crates, &sqlite).unwrap();
        let document: Value = serde_json::to_value(document).unwrap();
        assert_eq!(document["metadata"]["component"]["name"], NAME);
        let component = &document["components"][0];
        assert_eq!(component["purl"], "pkg:cargo/zstd@1.0.0%2Bc1");
        assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(component["hashes"][0]["content"], "ab");
        assert_eq!(component["description"], "two lines");
        assert_eq!(document["dependencies"][0]["dependsOn"], json!(["pkg:cargo/zstd@1.0.0%2Bc1"]));
        assert_eq!(document["components"][1]["cpe"], "cpe:2.3:a:sqlite:sqlite:3.1.0:*:*:*:*:*:*:*");
        assert_eq!(document["dependencies"][1]["dependsOn"], json!(["pkg:generic/sqlite@3.1.0"]));
        assert_eq!(document["dependencies"][2]["dependsOn"], json!([]));
    }

    #[test]
    fn a_program_without_its_own_crate_is_a_fault() {
        assert!(document("2026-01-01T00:00:00Z", &[linked("a", "1.0.0")], &sqlite()).is_err());
    }
}
