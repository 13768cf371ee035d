//! `portcullis key rotate`

use std::time::Duration;

use clap::Args;
use portcullis_core::key::KeyUse;

use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::moment;

/// The longest time for which a key may be published before it signs.
const LONGEST_LEAD: &str = "30d";

/// Create new keys, which replace those that sign now
///
/// No user is signed out: what the old keys signed stays valid until it expires. A new key is published at once and
/// signs later, so that every node and every service with a copy of the published keys has it by then.
#[derive(Args, Debug)]
pub(super) struct RotateKeys {
    /// Use of the keys: access, refresh, cookie, code or all
    #[arg(long = "use", value_name = "USE", default_value = "all", value_parser = uses)]
    uses: Uses,
    /// Sign at once. Services with a copy of the published keys refuse new tokens until they fetch it again, which
    /// takes up to 5 minutes
    #[arg(long, conflicts_with = "lead")]
    now: bool,
    /// A key has leaked: sign at once, and believe nothing that the old keys signed
    ///
    /// Everyone whose tokens or cookies the old keys signed has to sign in again, and codes and links under way are
    /// dead. Services with a copy of the published keys believe the old ones until they fetch it again, up to 5
    /// minutes.
    #[arg(long, conflicts_with_all = ["lead", "now"])]
    compromised: bool,
    /// Time for which the new keys are published before they sign, up to 30d
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = lead)]
    lead: Duration,
}

#[derive(Clone, Debug)]
struct Uses(Vec<KeyUse>);

fn uses(word: &str) -> Result<Uses, &'static str> {
    if word == "all" {
        return Ok(Uses(KeyUse::ALL.to_vec()));
    }
    word.parse().map(|usage| Uses(vec![usage])).map_err(|_| "not one of access, refresh, cookie, code, all")
}

fn lead(text: &str) -> Result<Duration, String> {
    crate::config::duration(text, LONGEST_LEAD)
}

pub(super) async fn run(
    RotateKeys { uses: Uses(uses), now, compromised, lead }: &RotateKeys,
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let CommandContext { engine, config, tenant, out } = context;
    let lead = if *now || *compromised { Duration::ZERO } else { *lead };
    let made = if *compromised {
        engine.replace_compromised_keys(tenant, uses).await?
    } else {
        engine.rotate_keys(tenant, uses, lead).await?
    };
    let keys = engine.keys(tenant).await?;
    for key in keys.iter().filter(|key| made.contains(&key.kid)) {
        let begins = if lead.is_zero() {
            "signs from now on".to_owned()
        } else {
            format!("is published now and signs from {}", moment(key.active_from))
        };
        writeln!(out, "Key {} ({}, {}) {begins}.", key.kid, key.usage, key.algorithm)?;
    }
    let old = if *compromised { "is worth nothing from now on" } else { "stays valid until it expires" };
    writeln!(out, "What the old keys signed {old}.")?;
    for usage in uses.iter().filter(|usage| config.shared_secrets.signs(**usage)) {
        writeln!(out, "While a secret is configured for {usage}, it signs instead.")?;
    }
    Ok(())
}
