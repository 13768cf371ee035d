//! The contract of a store: every sentence of the [traits](crate::store), as a function that panics if it is not true.

pub mod attempts;
pub mod contention;
pub mod ending;
pub mod epochs;
pub mod feed;
pub mod keys;
pub mod mail;
pub mod races;
pub mod reissued_tickets;
pub mod revocations;
pub mod rotation;
pub mod sessions;
pub mod tenant_isolation;
pub mod tenants;
pub mod tickets;
mod uncached_node;
pub mod updating;
pub mod user_lookup;
pub mod users;

use super::{Answered, Capabilities};
use crate::store::Stores;

/// Every requirement that one process can see, each on stores of its own.
pub async fn run(make: impl AsyncFn() -> Stores, can: Capabilities) {
    users::all(&make).await;
    user_lookup::all(&make).await;
    sessions::all(&make, can).await;
    ending::all(&make).await;
    updating::all(&make, can).await;
    rotation::all(&make).await;
    epochs::all(&make).await;
    keys::all(&make).await;
    tenants::all(&make).await;
    tickets::all(&make).await;
    reissued_tickets::all(&make).await;
    attempts::all(&make).await;
    mail::all(&make).await;
    tenant_isolation::all(&make).await;
    feed::all(&make, can).await;
    revocations::all(&make, can).await;
    let both = async || {
        let stores = make().await;
        (stores.clone(), stores)
    };
    races::all(&both, can).await;
    contention::all(&both).await;
}

/// Every requirement that takes two processes, here two connections to one database: the races across both, and that
/// each process is told of what the other wrote.
pub async fn run_across_processes(make: impl AsyncFn() -> (Stores, Stores), can: Capabilities) {
    races::all(&make, can).await;
    contention::all(&make).await;
    feed::of_another(&make, can).await;
    revocations::of_another(&make, can).await;
}

/// The ids in a list from the first page that has none of `seen` on, page by page.
async fn rest_of_pages<I: Clone>(mut seen: Vec<I>, page: impl AsyncFn(Option<I>) -> Vec<I>) -> Vec<I> {
    loop {
        let next = page(seen.last().cloned()).await;
        if next.is_empty() {
            return seen;
        }
        seen.extend(next);
    }
}

/// Runs each requirement of a file on stores of its own.
macro_rules! each {
    ($make:expr; $($requirement:ident),+ $(,)?) => {
        $($requirement(&$make().await).await;)+
    };
}
use each;
