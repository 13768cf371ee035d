//! The world of the stories: a server, people, and how they talk to it.

mod client;
mod device;
mod people;
mod post;
mod said;
mod server;
mod wire;

pub(crate) use client::{Answer, Ask, DEADLINE, Line};
pub(crate) use device::{Client, Member, row};
pub(crate) use people::{Held, Person, STRATEGIES, cookie_pair};
pub(crate) use said::Said;
pub(crate) use server::{HTTPS, Home, MASTER_KEY, Server, config};
pub(crate) use wire::ask as ask_over_tcp;

use std::time::Duration;

use portcullis_core::machine::SystemRandom;
use portcullis_core::random;
use tokio::time::{sleep, timeout};

/// An id that nothing has.
pub(crate) fn random_id() -> String {
    uuid::Builder::from_random_bytes(random::bytes(&SystemRandom)).into_uuid().to_string()
}

/// Asks again and again until what was expected is so.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("never: {what}"))
}
