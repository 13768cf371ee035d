//! A mailbox that keeps what is delivered, and rejects or holds mails when a test tells it to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};

/// The mailbox of all users of a fixture.
#[derive(Default)]
pub(super) struct RecordingMailbox {
    mails: Mutex<Vec<OutgoingMail>>,
    refusal: Mutex<Option<DeliveryError>>,
    holds: AtomicBool,
    arrived: Notify,
    going_on: Notify,
}

impl RecordingMailbox {
    /// An empty mailbox that takes every mail.
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Rejects mails with this error from now on; takes them again with `None`.
    pub(super) fn refuse(&self, refusal: Option<DeliveryError>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// Holds every mail from now on: neither takes nor rejects it.
    pub(super) fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Takes mails again, first those that it holds.
    pub(super) fn go_on(&self) {
        self.holds.store(false, Ordering::SeqCst);
        self.going_on.notify_waiters();
    }

    /// Returns when it holds a mail.
    pub(super) async fn holding(&self) {
        self.arrived.notified().await;
    }

    fn kept(&self) -> MutexGuard<'_, Vec<OutgoingMail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mails that were delivered, in order.
    pub(super) fn mails(&self) -> Vec<OutgoingMail> {
        self.kept().clone()
    }

    /// How many mails of this kind were delivered.
    pub(super) fn count(&self, word: &str) -> usize {
        self.kept().iter().filter(|mail| mail.message.kind().as_str() == word).count()
    }

    /// Delivers the queue, and returns how many mails there were.
    pub(super) async fn collect(self: &Arc<Self>, engine: &Engine) -> u64 {
        let notifier: Arc<dyn Notifier> = self.clone();
        engine.deliver_due(&notifier).await.unwrap()
    }

    /// The code, or the token of the link, in the newest mail of this kind.
    pub(super) fn secret(&self, word: &str) -> String {
        let mails = self.kept();
        let newest = mails.iter().rev().find(|mail| mail.message.kind().as_str() == word);
        match newest.map(|mail| &mail.message) {
            Some(MailContent::Code { code: secret, .. }) => secret.reveal().to_owned(),
            Some(
                MailContent::Unlock { token, .. }
                | MailContent::Reset { token, .. }
                | MailContent::Welcome { token, .. },
            ) => token.reveal().to_owned(),
            _ => panic!("no mail of the kind {word} has come"),
        }
    }

    /// Delivers the queue, and returns the newest code.
    pub(super) async fn code(self: &Arc<Self>, engine: &Engine) -> String {
        self.collect(engine).await;
        self.secret("code")
    }
}

#[async_trait]
impl Notifier for RecordingMailbox {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        let going_on = self.going_on.notified();
        if self.holds.load(Ordering::SeqCst) {
            self.arrived.notify_one();
            going_on.await;
        }
        if let Some(refusal) = &*self.refusal.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(refusal.clone());
        }
        self.kept().push(mail.clone());
        Ok(())
    }
}
