//! The programs of `docs/verifying-tokens.md`, run as they stand there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripts::{python, tool_path};
use crate::server_process::{ServerDirectory, ServerProcess};

/// What the page calls the server.
const ON_THE_PAGE: &str = "https://auth.example.com";

/// A program of the page, and what a service around it does: it prints the user of the token in its first argument.
struct Recipe {
    language: &'static str,
    file: &'static str,
    rest: &'static str,
    runtime: &'static str,
}

const RECIPES: [Recipe; 2] = [
    Recipe {
        language: "js",
        file: "verify.mjs",
        rest: "console.log((await verify(process.argv[2])).sub);",
        runtime: "PORTCULLIS_TEST_RECENT_NODE",
    },
    Recipe {
        language: "python",
        file: "verify.py",
        rest: "import sys\nprint(verify(sys.argv[1])['sub'])",
        runtime: "PORTCULLIS_TEST_PYTHON",
    },
];

impl Recipe {
    /// The program, for this server.
    fn text(&self, metadata: &Value) -> String {
        let program = programs(self.language)[0]
            .replace(&format!("{ON_THE_PAGE}/.well-known/jwks.json"), metadata["jwks_uri"].as_str().unwrap())
            .replace(ON_THE_PAGE, metadata["issuer"].as_str().unwrap());
        format!("{program}\n{}\n", self.rest)
    }

    /// The user that the program finds in the token; `None` if it refuses the token.
    fn verify(&self, program: &str, token: &str) -> Option<String> {
        let folder = TempDir::new().unwrap();
        symlink(
            Path::new(&tool_path("PORTCULLIS_TEST_NODE_DIR")).join("node_modules"),
            folder.path().join("node_modules"),
        )
        .unwrap();
        let file = folder.path().join(self.file);
        fs::write(&file, program).unwrap();
        let output = Command::new(tool_path(self.runtime)).arg(&file).arg(token).output().unwrap();
        let user = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| user.trim().to_owned())
    }
}

/// The programs of the page in a language.
fn programs(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verifying-tokens.md");
    let page = fs::read_to_string(page).unwrap();
    let begin = format!("```{language}\n");
    page.split(&begin).skip(1).map(|part| part.split_once("```\n").unwrap().0.to_owned()).collect()
}

fn metadata(server: &ServerProcess) -> Value {
    server.get("/.well-known/oauth-authorization-server").body
}

// ASVS-map: JW5
// ASVS-map: JW6
#[test]
fn the_programs_of_the_page_accept_this_servers_tokens_and_refuse_all_others() {
    let (server, elsewhere) = (ServerDirectory::new().serve(), ServerDirectory::new().serve());
    server.register();
    elsewhere.register();
    let token = server.access_token("jwt");
    let other_strategy = server.access_token("session-jwt");
    let foreign = elsewhere.access_token("jwt");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let changed = if signature.starts_with('A') { 'B' } else { 'A' };
    let tampered = format!("{signed}.{changed}{}", &signature[1..]);
    for recipe in &RECIPES {
        let program = recipe.text(&metadata(&server));
        let user = recipe.verify(&program, &token);
        assert_eq!(user.map(|user| user.len()), Some(36), "{}: {program}", recipe.language);
        for (what, refused) in [
            ("another strategy", &other_strategy),
            ("another server", &foreign),
            ("another signature", &tampered),
        ] {
            assert_eq!(recipe.verify(&program, refused), None, "{}: {what}", recipe.language);
        }
        for (what, ours, others) in [
            ("another audience", "\"default\"", "\"acme\""),
            ("another kind of token", "at+jwt", "rt+jwt"),
            ("another issuer", metadata(&server)["issuer"].as_str().unwrap(), "urn:another"),
        ] {
            let program = program.replace(ours, others);
            assert_eq!(recipe.verify(&program, &token), None, "{}: {what}", recipe.language);
        }
    }
}

/// A change to the header and the claims of a token.
type Spoil = fn(&mut Value, &mut Value);

/// What a service that shares the secret may sign, which is for another service.
const WRONG: [(&str, Spoil); 6] = [
    ("the same", |_, _| ()),
    ("another tenant", |_, claims| claims["tid"] = json!("acme")),
    ("another strategy", |_, claims| claims["strategy"] = json!("refresh")),
    ("another kind", |header, _| header["typ"] = json!("JWT")),
    ("no end", |_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
    ("no tenant", |_, claims| drop(claims.as_object_mut().unwrap().remove("tid"))),
];

// ASVS-map: JW6
#[test]
fn the_program_for_a_shared_secret_names_no_audience_and_accepts_this_servers_tokens_alone() {
    const SECRET: &str = "Zk3vY8nQp1Lr6TwXc9MbHs4DfGj7UaEe";
    let server = ServerDirectory::new().with("JWT_SECRET", SECRET).serve();
    server.register();
    let token = server.access_token("jwt");
    let issuer = metadata(&server)["issuer"].as_str().unwrap().to_owned();
    let program = programs("python")[1].replace(ON_THE_PAGE, &issuer);
    assert!(!program.contains("audience"), "{program}");
    let user = |program: &str, secret: &str, token: &str| {
        let text = format!("{program}\nimport sys\nprint(verify(sys.argv[1], '{secret}')['sub'])\n");
        RECIPES[1].verify(&text, token)
    };
    assert_eq!(user(&program, SECRET, &token).map(|user| user.len()), Some(36), "{program}");
    assert_eq!(user(&program, "Another-secret-of-enough-length!", &token), None);
    assert_eq!(user(&program.replace(&issuer, "urn:another"), SECRET, &token), None);

    let decoded = python("access_token.py", &["decode", &token])["ok"].clone();
    for (what, spoil) in WRONG {
        let (mut header, mut claims) = (decoded["header"].clone(), decoded["payload"].clone());
        spoil(&mut header, &mut claims);
        let words = ["sign", SECRET, &header.to_string(), &claims.to_string()];
        let signed = python("access_token.py", &words)["ok"].as_str().unwrap().to_owned();
        assert_eq!(user(&program, SECRET, &signed).is_some(), what == "the same", "{what}");
    }
}
