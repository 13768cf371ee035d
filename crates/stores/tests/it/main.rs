//! Tests of the stores, each on a database of its own.

#[cfg(test)]
mod feeds;

#[cfg(test)]
mod newer_databases;

#[cfg(test)]
mod placement;

#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "redis"))]
mod recovery;

#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "redis"))]
mod reserved_port;

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres;

#[cfg(test)]
#[cfg(feature = "redis")]
mod redis;
