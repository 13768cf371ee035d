//! The marker: what Redis has under a key that persists. It names one life of the sessions that are there.
//!
//! The database knows the same name. If Redis lacks it, or has an old one, it has lost sessions: it was emptied, has
//! started without its data, or came back with an old copy.

use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_core::random::{self, Random};
use redis::RedisError;
use tokio::sync::Notify;

/// A marker, as it is written: its name, and after a space the one that it takes the place of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Marker(String);

impl Marker {
    /// A marker of a name that no other has.
    pub(crate) fn generate(random: &dyn Random, replaces: Option<&str>) -> Self {
        let name = format!("{:032x}", u128::from_be_bytes(random::bytes(random)));
        Self(replaces.map_or_else(|| name.clone(), |lost| format!("{name} {lost}")))
    }

    pub(super) fn read(written: &[u8]) -> Self {
        Self(String::from_utf8_lossy(written).into_owned())
    }

    pub(super) fn written(&self) -> &str {
        &self.0
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// Whether it takes the place of the marker of this name.
    pub(crate) fn replaces(&self, name: &str) -> bool {
        self.0.split(' ').nth(1) == Some(name)
    }
}

/// What this process knows of the marker.
#[derive(Default)]
pub(crate) struct MarkerAgreement {
    known: Mutex<Known>,
    doubt: Notify,
}

#[derive(Default)]
enum Known {
    /// Nothing was compared yet.
    #[default]
    Nothing,
    /// Redis and the database had this name.
    Agreed(String),
    /// The other nodes keep live sessions elsewhere by now.
    Elsewhere,
}

impl MarkerAgreement {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redis and the database have this name.
    pub(crate) fn agree(&self, name: &str) {
        *self.known() = Known::Agreed(name.to_owned());
    }

    /// Live sessions are elsewhere; whether that is news.
    pub(crate) fn leave(&self) -> bool {
        !matches!(std::mem::replace(&mut *self.known(), Known::Elsewhere), Known::Elsewhere)
    }

    /// The name that was agreed on last.
    pub(crate) fn agreed(&self) -> Option<String> {
        if let Known::Agreed(name) = &*self.known() { Some(name.clone()) } else { None }
    }

    /// Whether the two were ever compared by a node that serves.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(&*self.known(), Known::Nothing)
    }

    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(&*self.known(), Known::Elsewhere)
    }

    /// Asks whether Redis and the database still agree.
    pub(crate) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Waits until there is a doubt.
    pub(crate) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// What the feed has found.
    pub(super) fn found(&self, marker: Option<&Marker>) -> Result<(), RedisError> {
        let known = self.known();
        match &*known {
            Known::Agreed(name) if marker.is_none_or(|found| found.name() != name) => self.doubt(),
            Known::Elsewhere => {
                self.doubt();
                return Err(elsewhere());
            }
            Known::Nothing | Known::Agreed(_) => {}
        }
        Ok(())
    }
}

fn elsewhere() -> RedisError {
    let cause = "the nodes of the database keep live sessions elsewhere by now";
    (redis::ErrorKind::Client, cause).into()
}
