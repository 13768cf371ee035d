//! The built binary, seen from outside: by the libraries that other languages read tokens and cookies with, by services
//! and browsers, by whoever writes its configuration, by the kernel, and by somebody at the database's own shell.
//!
//! Needs tools that `cargo xtask test` installs, and is therefore behind the feature `interop`.

#[cfg(test)]
mod browser;
#[cfg(test)]
mod browser_pages;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod mail_outage;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod manual_sql;
#[cfg(test)]
mod master_key;
#[cfg(test)]
mod nest;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod server_process;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod start;
#[cfg(test)]
mod tokens;
