//! `cargo +nightly fuzz run packet`
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/packet.rs"]
mod packet;

fuzz_target!(|bytes: &[u8]| packet::check(bytes));
