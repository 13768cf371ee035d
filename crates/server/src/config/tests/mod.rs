//! Stories about operators: what they state, and what they are told.

mod contradictions;
mod defaults;
mod forward_auth;
mod mail;
mod microservices;
mod showing;
mod stating;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::TenantId;
use portcullis_core::key::{KeyLifetimes, Keyring, KeyringSource};
use portcullis_core::strategy::Renewal;
use portcullis_core::token::cookie;

use super::*;

const KEY: &str = "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc";
const SECRET: &str = "6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5";
const OTHER_SECRET: &str = "gT5rLw1zXe8kVb2mQy7uJc4nHs9pDf3a";
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What an operator states: flags, variables and the text of `p.toml`. The files `key` and `short` hold master keys,
/// `password` a password.
#[derive(Default)]
struct Operator {
    flags: Flags,
    env: BTreeMap<String, String>,
    file: String,
}

fn operator() -> Operator {
    Operator::default()
}

impl Operator {
    fn flag(self, name: &str, value: &str) -> Self {
        Self { flags: self.flags.with(name, value), ..self }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, text: &str) -> Self {
        Self { file: text.to_owned(), ..self }.flag("config", "p.toml")
    }

    /// With a public URL, a way for mail, and a key.
    fn in_production(self) -> Self {
        self.variable("PORTCULLIS_PUBLIC_URL", "https://auth.example.com")
            .variable("PORTCULLIS_MAIL_TRANSPORT", "outbox")
            .variable("PORTCULLIS_MASTER_KEY", KEY)
    }

    fn read(&self) -> Result<Config, Vec<ConfigFault>> {
        Config::read(&self.flags, &self.env, &|path: &Path| match path.to_str() {
            Some("p.toml") => Ok(self.file.clone()),
            Some("key") => Ok(format!("{KEY}\n")),
            Some("password") => Ok("hunter2\n".to_owned()),
            Some("short") => Ok("abcd\n".to_owned()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        })
    }

    fn config(&self) -> Config {
        self.read().unwrap()
    }

    fn faults(&self) -> Vec<String> {
        self.read().map(|_| ()).unwrap_err().iter().map(ToString::to_string).collect()
    }
}

/// What shows which secrets these are without showing them: the names of the keys made of them, and a signed cookie.
fn fingerprint(shared: &SharedSecrets) -> (String, String) {
    let ring = Keyring::open(&KeyringSource {
        tenant: &TenantId::default_tenant(),
        generation: 1,
        records: &[],
        master: None,
        shared,
        lifetimes: KeyLifetimes::default(),
    })
    .unwrap();
    let now = Timestamp::from_seconds(1_769_638_376);
    (format!("{ring:?}"), cookie::sign(ring.cookie_signer(now).unwrap(), "v"))
}
