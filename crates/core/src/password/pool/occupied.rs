//! A pool whose thread is busy, for tests of clients that hang up while their password waits.

use std::sync::mpsc;

use super::HashPool;
use crate::password::Hasher;

impl HashPool {
    /// Keeps a thread of the pool busy until the answer is dropped.
    pub(crate) fn occupy(&self) -> mpsc::Sender<()> {
        let (busy, is_over) = mpsc::channel();
        let job = move |_: &mut Hasher| is_over.recv().is_ok();
        assert_eq!(self.shared.enqueue(None, Box::new(job)), Ok(()));
        busy
    }
}
