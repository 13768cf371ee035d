//! The fill protocol of the session view, in thousands of orders of its steps.
//!
//! `fill_guard.rs` and `single_flight_cache.rs` are compiled here as they are, but over [`primitives`] whose every use
//! lets `shuttle` choose the thread that goes on: at random, and with few preemptions (PCT), which finds rare orders
//! sooner. Memory is sequentially consistent here.
//!
//! What must hold: once a change was announced, no thread that asks from then on is given the value from before it.

#[cfg(test)]
mod cached_value;
#[path = "../../src/liveness/fill_guard.rs"]
mod fill_guard;
#[cfg(test)]
mod primitives;
#[cfg(test)]
mod schedules;
#[path = "../../src/liveness/single_flight_cache.rs"]
mod single_flight_cache;

// The two files name these in core.
use portcullis_core::{clock, id, store};

use cached_value::CachedValue;
use schedules::explore;

#[test]
fn a_value_is_gone_once_the_change_of_its_key_was_announced() {
    explore(&[reader, CachedValue::change_key]);
    explore(&[reader, reader, CachedValue::change_key, CachedValue::change_key]);
}

#[test]
fn a_value_is_gone_once_a_change_of_its_tenant_was_announced() {
    explore(&[reader, CachedValue::change_tenant]);
    explore(&[reader, reader, CachedValue::change_tenant, CachedValue::change_key]);
}

#[test]
fn a_value_is_gone_once_a_change_of_anything_was_announced() {
    explore(&[reader, CachedValue::change_anything]);
    explore(&[reader, reader, CachedValue::change_anything, CachedValue::change_tenant]);
}

// ASVS-map: RV2
#[test]
fn of_writers_at_once_no_older_value_stays() {
    explore(&[reader, CachedValue::write, CachedValue::write]);
    explore(&[reader, CachedValue::write, CachedValue::change_key]);
    explore(&[reader, CachedValue::write, CachedValue::change_anything]);
}

#[test]
fn no_thread_joins_a_read_from_before_a_change() {
    explore(&[CachedValue::look_up, CachedValue::look_up, CachedValue::look_up, CachedValue::change_key]);
    explore(&[CachedValue::look_up, CachedValue::hang_up, CachedValue::look_up, CachedValue::change_key]);
    explore(&[CachedValue::look_up, CachedValue::hang_up, CachedValue::look_up, CachedValue::write]);
}

#[test]
fn a_write_that_is_cut_short_leaves_no_older_value() {
    explore(&[reader, CachedValue::cut_short, CachedValue::write]);
    explore(&[reader, CachedValue::cut_short, CachedValue::hang_up]);
}

fn reader(value: &CachedValue) {
    value.look_up();
    value.look_up();
}
