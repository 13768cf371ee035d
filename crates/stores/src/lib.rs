//! Stores for Portcullis: the traits of [`portcullis_core::store`] on databases.
//!
//! | module | what it is |
//! |---|---|
//! | [`sqlite`] | one file, for one machine; several processes may share it |
//!
//! Each is behind a cargo feature of its name; the default is `sqlite`. What a verb means is said by the traits and by
//! the memory store beside them; nothing here decides anything about a session that core's pure transitions decide.

#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
