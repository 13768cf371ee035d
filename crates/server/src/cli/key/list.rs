//! `portcullis key list`

use std::io::Write;

use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{Engine, KeyInfo};
use portcullis_core::id::TenantId;
use portcullis_core::key::Kid;
use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, write_json};

/// A key as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyJson<'a> {
    kid: &'a Kid,
    #[serde(rename = "use")]
    usage: &'static str,
    algorithm: &'static str,
    created: Timestamp,
    signs_from: Timestamp,
    retires: Option<Timestamp>,
    standing: &'static str,
}

impl<'a> KeyJson<'a> {
    fn of(key: &'a KeyInfo) -> Self {
        Self {
            kid: &key.kid,
            usage: key.usage.as_str(),
            algorithm: key.algorithm.as_str(),
            created: key.created,
            signs_from: key.active_from,
            retires: key.retires,
            standing: key.standing.as_str(),
        }
    }
}

pub(super) async fn run(
    json: bool,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let keys = engine.keys(tenant).await?;
    if json {
        return write_json(&keys.iter().map(KeyJson::of).collect::<Vec<_>>(), out);
    }
    let mut table = Table::new(["KID", "USE", "ALGORITHM", "CREATED", "SIGNS FROM", "RETIRES", "STANDING"]);
    for key in &keys {
        table.push(&[
            key.kid.to_string(),
            key.usage.to_string(),
            key.algorithm.to_string(),
            moment(key.created),
            moment(key.active_from),
            moment_if(key.retires),
            key.standing.as_str().to_owned(),
        ]);
    }
    table.write(out)
}
