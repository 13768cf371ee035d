//! `compose.yaml`, read as an engine reads it.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shell::Outcome;

const TO_JSON: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

/// What an operator puts into `.env`.
const MASTER_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The file.
pub(crate) struct ComposeFile(Value);

impl ComposeFile {
    pub(crate) fn read() -> Self {
        let python = env::var_os("PORTCULLIS_TEST_CYCLONEDX");
        let python = python.expect("`cargo xtask packages` says where Python is");
        let mut convert = Command::new(python);
        let json = Outcome::of(convert.args(["-c", TO_JSON]).arg(repository().join("compose.yaml"))).ok();
        Self(serde_json::from_str(&json).unwrap())
    }

    /// The environment of a service, with the default where a variable is left to the operator.
    pub(crate) fn environment(&self, service: &str) -> HashMap<String, String> {
        let environment = self.0["services"][service]["environment"].as_object().unwrap();
        environment.iter().map(|(name, value)| (name.clone(), stated(value.as_str().unwrap()))).collect()
    }

    pub(crate) fn command(&self, service: &str) -> Vec<String> {
        serde_json::from_value(self.0["services"][service]["command"].clone()).unwrap()
    }

    /// The services of a profile; those without one, if it is none.
    pub(crate) fn services(&self, profile: Option<&str>) -> Vec<&str> {
        let services = self.0["services"].as_object().unwrap().iter();
        let of_profile = services.filter(|(_, service)| service["profiles"][0].as_str() == profile);
        of_profile.map(|(name, _)| name.as_str()).collect()
    }
}

fn stated(value: &str) -> String {
    let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    match variable.map(|variable| variable.split_once(":-")) {
        Some(Some((_, default))) => default.to_owned(),
        Some(None) => MASTER_KEY.to_owned(),
        None => value.to_owned(),
    }
}

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
