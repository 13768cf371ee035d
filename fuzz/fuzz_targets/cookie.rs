//! `cargo +nightly fuzz run cookie`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/cookie.rs"]
mod cookie;

fuzz_target!(|bytes: &[u8]| cookie::check(bytes));
