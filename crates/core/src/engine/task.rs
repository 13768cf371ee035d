//! What a client begins is finished, even if the client hangs up.
//!
//! A server drops the future of a request when its client hangs up, at whatever that future awaits. A thief can
//! choose the moment between the end of a session and the alarm about it. So every verb that changes state runs on a
//! task of its own: its writes, its audit event and its mail happen, all of them. A client that hangs up only cuts
//! short what changes nothing: the wait for a password hash, for other attempts at the same account, and for the end
//! of a uniform delay.

use std::future::Future;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tracing::Instrument;

use super::uniform_delay::UniformDelay;
use super::{Engine, EngineCore};
use crate::client_network::ClientNetwork;
use crate::password::HashRefused;
use crate::store::StoreError;

/// A verb under way. Only [`Engine::run`] makes one, and verbs that change state are methods of it.
pub(super) struct EngineTask {
    core: Arc<EngineCore>,
    /// The network of the client on whose behalf the verb runs, if it is known.
    pub(super) client: Option<ClientNetwork>,
    /// Closed once the caller has hung up.
    caller: mpsc::Sender<()>,
    delay: UniformDelay,
    _running: RunningTask,
}

/// How many tasks of an engine are under way.
pub(super) struct RunningTasks(watch::Sender<usize>);

struct RunningTask(watch::Sender<usize>);

impl Engine {
    /// Runs a verb to its end on a task of its own. What it logs belongs to the caller's span.
    pub(super) async fn run<T, E, W>(
        &self,
        verb: &'static str,
        work: impl FnOnce(EngineTask) -> W,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (caller, _waiting) = mpsc::channel(1);
        let core = self.core.clone();
        let (delay, running) = (UniformDelay::begin(&core.clock), core.tasks.begin());
        let task = EngineTask { core, client: self.client, caller, delay, _running: running };
        match tokio::spawn(work(task).in_current_span()).await {
            Ok(answer) => answer,
            Err(fault) => match fault.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(stopped) => Err(StoreError::unavailable(verb, stopped).into()),
            },
        }
    }
}

impl EngineTask {
    /// Waits for something that changes nothing, until the caller hangs up: `None` then, even if the wait is over too.
    pub(super) async fn while_caller_waits<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.caller.closed() => None,
            done = wait => Some(done),
        }
    }

    /// Waits for the hash pool. For a caller who hangs up no password is hashed.
    pub(super) async fn hashing<T>(
        &self,
        job: impl Future<Output = Result<T, HashRefused>>,
    ) -> Result<T, HashRefused> {
        self.delay.hashing(self.while_caller_waits(job)).await.unwrap_or(Err(HashRefused::Stopped))
    }

    /// Waits in line for the hash pool as for a hash, and adds the time of one to the uniform delay.
    pub(super) async fn pretend_to_hash(&self) -> Result<(), HashRefused> {
        let owed = self.hashing(self.passwords.pretend(self.client)).await?;
        self.delay.owe(owed);
        Ok(())
    }

    /// Begins the uniform delay: only what comes after this could tell what was found.
    pub(super) fn begin_uniform_delay(&self) {
        self.delay.restart();
    }

    /// Waits until an answer may be given that must not tell what was found.
    pub(super) async fn uniform_delay(&self) {
        self.while_caller_waits(self.delay.kept()).await;
    }
}

impl Deref for EngineTask {
    type Target = Arc<EngineCore>;

    fn deref(&self) -> &Arc<EngineCore> {
        &self.core
    }
}

impl RunningTasks {
    pub(super) fn none() -> Self {
        Self(watch::Sender::new(0))
    }

    fn begin(&self) -> RunningTask {
        self.0.send_modify(|running| *running += 1);
        RunningTask(self.0.clone())
    }

    /// Waits until none is under way.
    pub(super) async fn finished(&self) {
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
