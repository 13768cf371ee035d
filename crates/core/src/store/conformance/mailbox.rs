//! A letter box for stories: it keeps what is delivered, and refuses or holds on to it when it is told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::Answered;
use crate::engine::Engine;
use crate::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};

/// Whoever gets the letters of everybody on a stage.
#[derive(Default)]
pub struct RecordingMailbox {
    letters: Mutex<Vec<OutgoingMail>>,
    refusal: Mutex<Option<DeliveryError>>,
    holds: AtomicBool,
    arrived: Notify,
    going_on: Notify,
}

impl RecordingMailbox {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Refuses letters in these words from now on; takes them again with `None`.
    pub fn refuse(&self, refusal: Option<DeliveryError>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// Takes no letter from now on, and does not refuse it either.
    pub fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Takes letters again, those first that it holds.
    pub fn go_on(&self) {
        self.holds.store(false, Ordering::SeqCst);
        self.going_on.notify_waiters();
    }

    /// Returns when there is a letter that it holds.
    pub async fn holding(&self) {
        self.arrived.notified().await;
    }

    fn kept(&self) -> MutexGuard<'_, Vec<OutgoingMail>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was delivered, in order.
    pub fn letters(&self) -> Vec<OutgoingMail> {
        self.kept().clone()
    }

    /// How many letters of this kind were delivered.
    pub fn count(&self, word: &str) -> usize {
        self.kept().iter().filter(|letter| letter.message.kind().as_str() == word).count()
    }

    /// Delivers what waits: how many letters there were.
    pub async fn collect(self: &Arc<Self>, engine: &Engine) -> u64 {
        let notifier: Arc<dyn Notifier> = self.clone();
        engine.deliver_due(&notifier).await.answered()
    }

    /// The code, or what the link carries, of the newest letter of this kind.
    #[expect(clippy::panic, reason = "a letter that should have come and did not is a fault")]
    pub fn secret(&self, word: &str) -> String {
        let letters = self.kept();
        let newest = letters.iter().rev().find(|letter| letter.message.kind().as_str() == word);
        match newest.map(|letter| &letter.message) {
            Some(MailContent::Code { code: secret, .. }) => secret.reveal().to_owned(),
            Some(
                MailContent::Unlock { token, .. }
                | MailContent::Reset { token, .. }
                | MailContent::Welcome { token, .. },
            ) => token.reveal().to_owned(),
            _ => panic!("no letter of the kind {word} has come"),
        }
    }

    /// Delivers what waits, and reads the newest code.
    pub async fn code(self: &Arc<Self>, engine: &Engine) -> String {
        self.collect(engine).await;
        self.secret("code")
    }
}

#[async_trait]
impl Notifier for RecordingMailbox {
    async fn deliver(&self, letter: &OutgoingMail) -> Result<(), DeliveryError> {
        let going_on = self.going_on.notified();
        if self.holds.load(Ordering::SeqCst) {
            self.arrived.notify_one();
            going_on.await;
        }
        if let Some(refusal) = &*self.refusal.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(refusal.clone());
        }
        self.kept().push(letter.clone());
        Ok(())
    }
}
