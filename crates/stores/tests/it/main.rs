//! What the stores promise, each on a database of its own.

mod sqlite;
