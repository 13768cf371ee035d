//! Databases of tenants that have one of their own, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::store::memory::MemoryStore;
use crate::store::{Stored, Stores, TenantDatabases};

/// Databases by name. One that is not there is made when it is opened.
#[derive(Default)]
pub(super) struct SeparateDatabases(Mutex<BTreeMap<String, Stores>>);

impl SeparateDatabases {
    /// With this one database.
    pub(super) fn with(name: &str, stores: Stores) -> Self {
        Self(Mutex::new(BTreeMap::from([(name.to_owned(), stores)])))
    }
}

#[async_trait]
impl TenantDatabases for SeparateDatabases {
    async fn open(&self, database: &str) -> Stored<Stores> {
        let mut opened = self.0.lock().unwrap();
        Ok(opened.entry(database.to_owned()).or_insert_with(MemoryStore::stores).clone())
    }
}
