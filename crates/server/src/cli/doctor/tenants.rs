//! The tenants' own databases.

use portcullis_core::clock::Clock as _;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::{StoreError, Stores};

use super::{Finding, database, records};
use crate::cli::database::no_database_of;
use crate::cli::tenant::databases;
use crate::config::Config;

/// The findings about all of them.
pub(super) struct TenantFindings {
    pub(super) findings: Vec<Finding>,
    /// How many mails wait in them.
    pub(super) mail_waiting: u64,
}

pub(super) async fn examine(config: &Config, stores: &Stores) -> Result<TenantFindings, StoreError> {
    let mut tenants = TenantFindings { findings: Vec::new(), mail_waiting: 0 };
    for (tenant, url) in databases(config, stores).await? {
        let name = format!("database of {tenant}");
        let url = match url {
            Ok(url) => url,
            Err(fault) => {
                tenants.findings.push(Finding::broken(name, fault.to_string()));
                continue;
            }
        };
        let (migrations, missing) = (format!("migrations of {tenant}"), no_database_of(&tenant, &url));
        let (findings, own) = database::examine(&url, &name, &migrations, missing).await;
        tenants.findings.extend(findings);
        if let Some(own) = own {
            let stores = own.stores();
            tenants.mail_waiting += stores.mail.waiting(SystemClock.now()).await?;
            tenants.findings.extend(records::examine_in(&stores, &tenant).await?);
            own.close().await;
        }
    }
    Ok(tenants)
}
