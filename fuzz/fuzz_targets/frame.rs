//! `cargo +nightly fuzz run frame`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/frame.rs"]
mod frame;

fuzz_target!(|bytes: &[u8]| frame::check(bytes));
