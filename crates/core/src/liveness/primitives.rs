//! What the fill protocol is made of: locks, counters, and a map.
//!
//! `tests/fill_protocol` compiles `fill_guard.rs` and `single_flight_cache.rs` as they are, over a file of this name
//! whose locks, counters and map let a scheduler decide which thread goes on.

pub(super) use std::collections::hash_map::RandomState;
pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use crate::bounded_cache::{BoundedCache, bounded_cache_with};

/// How many counters the keys share, and how many generations the tenants share.
pub(super) const STRIPES: usize = 4096;
