//! `portcullis feed key list`

use portcullis_core::revocation::FeedKey;
use portcullis_core::store::Page;

use super::tenant_names;
use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, write_json};

/// How many keys are read at once.
const PAGE: u32 = 500;

json_object! {
    /// A feed key as JSON.
    FeedKeyJson { key: &'a FeedKey } => {
        "id": key.id,
        "tenants": tenant_names(&key.tenants),
        "created": key.created,
        "lastUsed": key.last_used,
    }
}

pub(super) async fn run(json: bool, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let mut keys: Vec<FeedKey> = Vec::new();
    loop {
        let page = Page { after: keys.last().map(|key| key.id), limit: PAGE };
        let next = context.engine.feed_keys(page).await?;
        if next.is_empty() {
            break;
        }
        keys.extend(next);
    }
    keys.sort_by_key(|key| key.created);
    if json {
        return write_json(&keys.iter().map(|key| FeedKeyJson { key }).collect::<Vec<_>>(), context.out);
    }
    let table = Table::of(
        &keys,
        &[
            ("ID", |key| key.id.to_string()),
            ("TENANTS", |key| tenant_names(&key.tenants).join(", ")),
            ("CREATED", |key| moment(key.created)),
            ("LAST USED", |key| moment_if(key.last_used)),
        ],
    );
    table.write(context.out)
}
