//! A letter box: it keeps what is delivered, and refuses everything while it is told to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use portcullis_core::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};
use uuid::Uuid;

use super::eventually;

/// All letters to everybody.
#[derive(Default)]
pub(crate) struct LetterBox {
    /// Those that nobody has opened yet, oldest first.
    unread: Mutex<Vec<OutgoingMail>>,
    /// How often each was delivered.
    delivered: Mutex<BTreeMap<Uuid, usize>>,
    shut: AtomicBool,
    refused: AtomicUsize,
}

#[async_trait]
impl Notifier for LetterBox {
    async fn deliver(&self, letter: &OutgoingMail) -> Result<(), DeliveryError> {
        if self.shut.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(DeliveryError::Later("the mail server is down".to_owned()));
        }
        *self.delivered.lock().unwrap().entry(letter.id).or_default() += 1;
        self.unread.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

impl LetterBox {
    /// The mail server goes down, or comes back.
    pub(crate) fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::SeqCst);
    }

    /// How many deliveries failed.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// How often each letter was delivered.
    pub(crate) fn delivered(&self) -> Vec<usize> {
        self.delivered.lock().unwrap().values().copied().collect()
    }

    /// What letters to somebody are about that nobody has opened.
    pub(crate) fn waiting_for(&self, to: &str) -> Vec<&'static str> {
        let unread = self.unread.lock().unwrap();
        unread
            .iter()
            .filter(|letter| letter.to.as_typed() == to)
            .map(|letter| letter.message.kind().as_str())
            .collect()
    }

    /// Opens the oldest letter to somebody about something, once it is there.
    pub(crate) async fn letter(&self, to: &str, about: &str) -> OutgoingMail {
        eventually(&format!("a letter to {to} about {about}"), || async {
            let mut unread = self.unread.lock().unwrap();
            let is_it =
                |letter: &OutgoingMail| letter.to.as_typed() == to && letter.message.kind().as_str() == about;
            let at = unread.iter().position(is_it)?;
            Some(unread.remove(at))
        })
        .await
    }

    /// The code of the oldest such letter.
    pub(crate) async fn code(&self, to: &str) -> String {
        match self.letter(to, "code").await.message {
            MailContent::Code { code, .. } => code.reveal().to_owned(),
            other => panic!("no code in {other:?}"),
        }
    }

    /// What the link carries of the oldest such letter.
    pub(crate) async fn link(&self, to: &str, about: &str) -> String {
        let letter = self.letter(to, about).await;
        match letter.message {
            MailContent::Unlock { token, .. }
            | MailContent::Reset { token, .. }
            | MailContent::Welcome { token, .. } => token.reveal().to_owned(),
            other => panic!("no link in {other:?}"),
        }
    }
}
