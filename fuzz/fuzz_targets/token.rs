//! `cargo +nightly fuzz run token`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/token.rs"]
mod token;

fuzz_target!(|bytes: &[u8]| token::check(bytes));
