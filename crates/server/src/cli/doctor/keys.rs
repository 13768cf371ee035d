//! Keys: whether they can be decrypted, and whether one signs for each use.

use std::fmt::Write as _;

use portcullis_core::clock::{Clock, Timestamp};
use portcullis_core::engine::{KeyInfo, KeyStatus};
use portcullis_core::id::TenantId;
use portcullis_core::key::{KeyRecord, KeyUse, Keyring, KeyringSource};
use portcullis_core::machine::SystemClock;
use portcullis_core::store::Stores;
use portcullis_core::tenant::{TenantPolicy, TenantRecord};

use super::{Finding, Stopwatch};
use crate::cli::failure::Failure;
use crate::cli::output::moment;
use crate::cli::pages;
use crate::config::Config;
use crate::open::policy;

/// The findings about all keys.
pub(super) struct KeyFindings {
    pub(super) findings: Vec<Finding>,
    /// When the newest key was created: an earlier clock is wrong.
    pub(super) newest: Option<Timestamp>,
    /// The names of all keys for access tokens.
    pub(super) published: Vec<String>,
}

pub(super) async fn examine(config: &Config, stores: &Stores) -> Result<KeyFindings, Failure> {
    let policy = policy(config)?;
    let mut keys = KeyFindings { findings: Vec::new(), newest: None, published: Vec::new() };
    for tenant in pages::tenants(stores).await? {
        keys.examine(&tenant.id, config, stores, &policy).await?;
        keys.findings.extend(settings(&tenant, &policy));
    }
    if keys.findings.is_empty() {
        keys.findings.push(Finding::note("keys", "there are none yet: the first start creates them"));
    }
    Ok(keys)
}

impl KeyFindings {
    async fn examine(
        &mut self,
        tenant: &TenantId,
        config: &Config,
        stores: &Stores,
        policy: &TenantPolicy,
    ) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        let records = stores.keys.list(tenant).await?;
        let access = records.iter().filter(|record| record.usage == KeyUse::Access);
        self.published.extend(access.map(|record| record.kid.to_string()));
        self.newest = self.newest.max(records.iter().map(|record| record.created).max());
        let opened = Keyring::open(&KeyringSource {
            tenant,
            generation: 0,
            records: &records,
            master: config.master_key.as_ref(),
            shared: &config.shared_secrets,
            lifetimes: policy.key_lifetimes(),
        });
        let name = format!("keys of {tenant}");
        self.findings.push(match opened {
            Ok(_) => standing(name, &records, policy).took(watch.elapsed()),
            Err(fault) => {
                let cause = std::error::Error::source(&fault).map(|cause| format!(": {cause}"));
                Finding::broken(name, format!("{fault}{}", cause.unwrap_or_default()))
            }
        });
        Ok(())
    }
}

/// What in the settings of a tenant no longer suits the configuration.
fn settings(tenant: &TenantRecord, policy: &TenantPolicy) -> Option<Finding> {
    let (_, faults) = tenant.settings.applied_as_far_as_possible(policy);
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let detail = format!("{}; `portcullis tenant set {}` changes them", faults.join("; "), tenant.id);
    (!faults.is_empty()).then(|| Finding::broken(format!("settings of {}", tenant.id), detail))
}

fn standing(name: String, records: &[KeyRecord], policy: &TenantPolicy) -> Finding {
    let keys = KeyInfo::of_all(records, &policy.key_lifetimes(), SystemClock.now());
    let signs = |usage| keys.iter().any(|key| key.usage == usage && key.standing == KeyStatus::Signing);
    let missing: Vec<&str> =
        KeyUse::ALL.into_iter().filter(|usage| !signs(*usage)).map(KeyUse::as_str).collect();
    if !missing.is_empty() {
        let detail =
            format!("none signs for {}; `portcullis key rotate --now` creates one", missing.join(", "));
        return Finding::broken(name, detail);
    }
    let coming = keys.iter().filter(|key| key.standing == KeyStatus::Published).map(|key| key.active_from);
    let going = keys.iter().filter(|key| key.standing == KeyStatus::Verifying).filter_map(|key| key.retires);
    let mut detail = "one signs for each use, and all can be decrypted".to_owned();
    if let Some(next) = coming.min() {
        let _ = write!(detail, "; the next begins to sign at {}", moment(next));
    }
    if let Some(next) = going.min() {
        let _ = write!(detail, "; the next retires at {}", moment(next));
    }
    Finding::ok(name, detail)
}
