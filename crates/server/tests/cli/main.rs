//! What operators do, through the binary itself.

#[cfg(test)]
mod doctor;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod migrating;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod typing;
#[cfg(test)]
mod users;
#[cfg(test)]
mod world;
