//! `compose.yaml`, read as an engine reads it.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shell::Outcome;

const TO_JSON: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

/// Where secrets are in a container.
const SECRETS: &str = "/run/secrets/";

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

    /// Where a service finds its key: the one secret that it gets, which is a file of this machine.
    pub(crate) fn key_file(&self, service: &str) -> String {
        let secrets = self.0["services"][service]["secrets"].as_array().unwrap();
        let [Value::String(name)] = &secrets[..] else {
            panic!("{secrets:?}");
        };
        assert_eq!(stated(self.0["secrets"][name]["file"].as_str().unwrap()), "/etc/portcullis/master.key");
        format!("{SECRETS}{name}")
    }

    pub(crate) fn command(&self, service: &str) -> Vec<String> {
        serde_json::from_value(self.0["services"][service]["command"].clone()).unwrap()
    }

    /// What `docker compose up` starts, with a profile or without.
    pub(crate) fn services(&self, profile: Option<&str>) -> Vec<&str> {
        let services = self.0["services"].as_object().unwrap().iter();
        let started = services.filter(|(_, service)| match service["profiles"].as_array() {
            Some(profiles) => profiles.iter().any(|its| its.as_str() == profile),
            None => true,
        });
        started.map(|(name, _)| name.as_str()).collect()
    }

    /// The ports of this machine that these services take.
    pub(crate) fn published(&self, services: &[&str]) -> Vec<&str> {
        let ports = services.iter().filter_map(|name| self.0["services"][name]["ports"].as_array());
        ports.flatten().map(|port| port.as_str().unwrap()).collect()
    }
}

fn stated(value: &str) -> String {
    let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let default = variable.map(|variable| variable.split_once(":-").expect("a default").1);
    default.unwrap_or(value).to_owned()
}

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
