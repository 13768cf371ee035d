//! The built binary, seen from outside: by the libraries that other languages read tokens and cookies with, by services
//! and browsers, by whoever writes its configuration, by the kernel, and by somebody at the database's own shell.
//!
//! Needs tools that `cargo xtask test` installs, and is therefore behind the feature `interop`.

#[cfg(test)]
mod browser;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod master_key;
#[cfg(test)]
mod nest;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod program;
#[cfg(test)]
mod start;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod walk;
