//! `portcullis key list`

use portcullis_core::engine::KeyInfo;

use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, write_json};

json_object! {
    /// A key as JSON.
    KeyJson { key: &'a KeyInfo } => {
        "kid": key.kid,
        "use": key.usage.as_str(),
        "algorithm": key.algorithm.as_str(),
        "created": key.created,
        "signsFrom": key.active_from,
        "retires": key.retires,
        "standing": key.standing.as_str(),
    }
}

pub(super) async fn run(json: bool, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let keys = context.engine.keys(context.tenant).await?;
    if json {
        return write_json(&keys.iter().map(|key| KeyJson { key }).collect::<Vec<_>>(), context.out);
    }
    let table = Table::of(
        &keys,
        &[
            ("KID", |key| key.kid.to_string()),
            ("USE", |key| key.usage.to_string()),
            ("ALGORITHM", |key| key.algorithm.to_string()),
            ("CREATED", |key| moment(key.created)),
            ("SIGNS FROM", |key| moment(key.active_from)),
            ("RETIRES", |key| moment_if(key.retires)),
            ("STANDING", |key| key.standing.as_str().to_owned()),
        ],
    );
    table.write(context.out)
}
