//! A tenant as JSON.

use std::collections::BTreeMap;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::TenantId;
use portcullis_core::tenant::{TenantRecord, TenantSettings};
use portcullis_stores::DatabaseUrl;
use serde::Serialize;
use url::Url;

use crate::cli::failure::Failure;
use crate::config::Config;
use crate::config::tenant::{TENANT_SETTINGS, effective};
use crate::open::policy;

/// Settings by key, as `tenant set` takes them.
pub(super) type Values = BTreeMap<&'static str, String>;

/// A tenant as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantJson<'a> {
    id: &'a TenantId,
    created: Timestamp,
    suspended: Option<Timestamp>,
    database: Option<String>,
    /// Its own settings.
    settings: Values,
    /// The settings that apply; left out in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective: Option<Values>,
}

impl<'a> TenantJson<'a> {
    /// For a list, without the settings that apply.
    pub(super) fn listed(tenant: &'a TenantRecord) -> Self {
        Self {
            id: &tenant.id,
            created: tenant.created,
            suspended: tenant.suspended,
            database: tenant.database.as_deref().map(masked),
            settings: values(&tenant.settings),
            effective: None,
        }
    }

    /// With all settings that apply.
    pub(super) fn of(tenant: &'a TenantRecord, config: &Config) -> Result<Self, Failure> {
        Ok(Self { effective: Some(holding(tenant, config)?), ..Self::listed(tenant) })
    }
}

/// The settings as text.
pub(super) fn values(settings: &TenantSettings) -> Values {
    TENANT_SETTINGS.iter().filter_map(|key| Some((key.name.as_str(), key.shown(settings)?))).collect()
}

/// All settings that apply to a tenant, as text.
pub(super) fn holding(tenant: &TenantRecord, config: &Config) -> Result<Values, Failure> {
    let policy = tenant.settings.applied_to(&policy(config)?).map_err(|fault| {
        Failure::other(format_args!("the settings of tenant {} contradict each other: {fault}", tenant.id))
    })?;
    Ok(values(&effective(&policy, &tenant.settings, config)))
}

/// The URL of a database without its password. A URL that does not name a file may come from another build.
pub(super) fn masked(address: &str) -> String {
    if DatabaseUrl::parse(address).is_ok_and(|url| url.file().is_some()) {
        return address.to_owned();
    }
    let Ok(mut url) = Url::parse(address) else { return "(of an unknown kind)".to_owned() };
    if url.cannot_be_a_base() || url.password().is_some() && url.set_password(Some("***")).is_err() {
        return format!("{}:…", url.scheme());
    }
    // There may be another one in it.
    url.set_query(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: OP6
    #[test]
    fn no_password_of_a_database_is_shown() {
        assert_eq!(masked("sqlite:acme.db"), "sqlite:acme.db");
        assert_eq!(masked("postgres://u:hunter2@h/d?password=hunter2"), "postgres://u:***@h/d");
        for address in ["postgres:u:hunter2@h", "u:hunter2@h", "mongodb://u:hunter2@h1,h2/d", "://hunter2"] {
            assert!(!masked(address).contains("hunter2"), "{address}: {}", masked(address));
        }
    }
}
