//! What operators do, through the binary itself.

mod doctor;
mod keys;
mod migrating;
mod sessions;
mod typing;
mod users;
mod world;
