//! The built binary with programs that are not ours: libraries of other languages read its tokens and cookies, services
//! and browsers call it, strace records it, and SQL is run on its database.
//!
//! Needs tools that `cargo xtask test` installs, and is therefore behind the feature `interop`.

#[cfg(test)]
mod behind_nginx;
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
mod feed_program;
#[cfg(test)]
mod forward_auth;
#[cfg(test)]
mod mail_links;
#[cfg(test)]
mod mail_outage;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod manual_pages;
#[cfg(test)]
mod manual_sql;
#[cfg(test)]
mod master_key;
#[cfg(test)]
mod nest;
#[cfg(test)]
mod nginx_process;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod paths_in_express;
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
#[cfg(test)]
mod verifying_tokens;
