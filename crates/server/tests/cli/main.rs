//! The command line as operators use it, run as the built binary.

#[cfg(test)]
mod completions_and_pages;
#[cfg(test)]
mod config_init;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod database_file;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod feed_keys;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod health;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mend;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod users;
