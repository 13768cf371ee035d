//! `cargo +nightly fuzz run forwarded`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/forwarded.rs"]
mod forwarded;

fuzz_target!(|bytes: &[u8]| forwarded::check(bytes));
