//! The server against its own OpenAPI document: Schemathesis makes requests from it, good and bad ones, and compares
//! the answers with what the document says.

use std::process::Command;

use serde_json::{Value, json};

use crate::scripts::tool_path;
use crate::server_process::{ServerDirectory, ServerProcess};

/// In no sample of the document: wrong passwords for that address would lock the account.
const EMAIL: &str = "explorer@example.net";
const PASSWORD: &str = "vexed quilts jump far";
/// Operations that end the session that asks, or all of its user: what comes after them would be 401 alone.
const ENDING: &str = "[lL]ogout|[pP]assword|[eE]nd|[dD]isable";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// How many random requests each operation gets, beside those at the limits of its schema.
const EXAMPLES: &str = "4";

#[test]
fn the_server_answers_as_its_document_says() {
    let home = ServerDirectory::new().with("PORTCULLIS_OTP", "off");
    let server = home.serve();
    let signed_up =
        server.post("/auth/signup", &json!({ "email": EMAIL, "password": PASSWORD, "name": "Ann" }));
    assert_eq!(signed_up.status, 201, "{:?}", signed_up.body);
    let promoted = home.run(["user", "role", EMAIL, "admin"]);
    assert!(promoted.status.success(), "{promoted:?}");
    for which in ["--exclude-operation-id-regex", "--include-operation-id-regex"] {
        explore(&home, &server, which);
    }
}

fn explore(home: &ServerDirectory, server: &ServerProcess, which: &str) {
    let token = access_token(server);
    let mut tool = Command::new(tool_path("PORTCULLIS_TEST_SCHEMATHESIS"));
    tool.args(["run", &server.url("/openapi.json"), "--header", &format!("Authorization: Bearer {token}")]);
    tool.args([which, ENDING, "--checks", CHECKS, "--max-examples", EXAMPLES, "--generation-deterministic"]);
    tool.args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "120", "--no-color"]);
    let output = tool.current_dir(home.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

fn access_token(server: &ServerProcess) -> String {
    let names = json!({ "usernameOrEmailOrMobile": EMAIL, "password": PASSWORD });
    let answer = server.post("/auth/login", &names);
    answer
        .body
        .pointer("/data/accessToken")
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{:?}", answer.body))
        .to_owned()
}
