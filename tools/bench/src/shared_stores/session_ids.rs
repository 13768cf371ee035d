//! Ids of sessions and users as the server makes them.

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::{Builder, Uuid};

use crate::error::BenchError;

/// A session that is written, with its user.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenSession {
    pub(super) user: Uuid,
    pub(super) session: Uuid,
    /// Of the user's id: it is in the session's id, and in the names of keys.
    pub(super) bucket: u16,
}

impl WrittenSession {
    /// So many, with ids of the same time as this session's.
    pub(super) fn many(count: usize, like: Uuid) -> Result<Vec<Self>, BenchError> {
        let mut random = vec![0; count * 32];
        let fault = |_| BenchError::Written("the system gives no random numbers".to_owned());
        SystemRandom::new().fill(&mut random).map_err(fault)?;
        let (time, _) = like.as_bytes().split_at(6);
        let both = random.as_chunks::<32>().0.iter().map(|bytes| bytes.split_at(16));
        Ok(both.map(|(user, session)| Self::of(time, user, session)).collect())
    }

    fn of(time: &[u8], user: &[u8], session: &[u8]) -> Self {
        let id = |rest: &[u8]| {
            let mut bytes = [0; 16];
            let all = time.iter().chain(rest.iter().skip(time.len()));
            bytes.iter_mut().zip(all).for_each(|(byte, of_all)| *byte = *of_all);
            bytes
        };
        let user = Builder::from_bytes(id(user)).with_version(uuid::Version::SortRand).into_uuid();
        let hash = digest(&SHA256, user.as_bytes());
        let bucket =
            hash.as_ref().iter().take(2).fold(0u16, |bits, byte| (bits << 8) | u16::from(*byte)) >> 4;
        let mut session = id(session);
        let [high, low] = bucket.to_be_bytes();
        session[6] = high;
        session[7] = low;
        let session = Builder::from_bytes(session).with_version(uuid::Version::SortRand).into_uuid();
        Self { user, session, bucket }
    }
}
