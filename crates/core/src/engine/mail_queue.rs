//! The mail queue: mails wait in the store, and are made when they are sent.
//!
//! A user who signs in does not wait for a mail server. A mail that cannot be delivered is retried, later each time,
//! until it expires. Address and secret are filled in when it is sent; of a secret the store gets the hash.
//! `mail_worker.rs` says when the queue is read.

use std::time::Duration;

use tokio::time::timeout;
use tracing::{info, warn};

use super::tenant_stores::TenantStores;
use super::{EngineCore, EngineTask, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::UserKey;
use crate::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};
use crate::queued_mail::{CLAIM_LEASE, MailKind, QueuedMail};
use crate::random::{self, Random};
use crate::secret::PlainSecret;
use crate::session::Device;
use crate::store::{StoreError, Stored, UserHandle};
use crate::ticket::{IssueOutcome, LinkToken, Ticket, TicketKey, TicketPurpose, TicketSecret};
use crate::user::User;

/// How long a delivery may take: less than the claim lasts, so that no other worker has begun on the mail by then.
const DELIVERY_TIMEOUT: Duration = CLAIM_LEASE.saturating_sub(Duration::from_secs(30));

impl EngineTask {
    /// Issues a ticket and queues the mail that carries its secret.
    pub(super) async fn send_ticket(
        &self,
        stores: &TenantStores,
        ticket: &Ticket,
        queued: &QueuedMail,
    ) -> Stored<IssueOutcome> {
        let issued = stores.records.tickets.issue(ticket, queued).await?;
        if issued == IssueOutcome::Done {
            stores.mail_queued.notify_one();
        }
        Ok(issued)
    }

    /// Queues news for a user. If that fails, the request does not.
    pub(super) async fn send_news(
        &self,
        stores: &TenantStores,
        user: &UserKey,
        about: MailKind,
        device: Option<&Device>,
    ) {
        let news = QueuedMail::notification(user, about, self.clock.now(), self.random.as_ref());
        let news = device.map_or_else(|| news.clone(), |device| news.clone().with_device(device));
        match stores.records.mail.put(&news).await {
            Ok(()) => stores.mail_queued.notify_one(),
            Err(fault) => warn!(%fault, about = about.as_str(), "a mail could not be queued"),
        }
    }
}

impl EngineCore {
    pub(super) async fn mail_waiting(&self) -> Result<u64, StoreError> {
        let mut waiting = 0;
        for stores in self.directory.registry.all().await {
            waiting += stores.records.mail.waiting(self.clock.now()).await?;
        }
        Ok(waiting)
    }

    /// Delivers one mail: whether it was delivered. If the store fails, the mail stays claimed and is retried later.
    pub(super) async fn deliver(
        &self,
        stores: &TenantStores,
        queued: &QueuedMail,
        notifier: &dyn Notifier,
    ) -> bool {
        let delivered = match self.mail(stores, queued).await {
            Ok(Some(mail)) => match timeout(DELIVERY_TIMEOUT, notifier.deliver(&mail)).await {
                Ok(delivered) => delivered.map(|()| true),
                Err(_) => Err(DeliveryError::Later("the mail server did not answer in time".to_owned())),
            },
            Ok(None) => Ok(false),
            Err(fault) => Err(DeliveryError::Later(fault.to_string())),
        };
        let (mail, tenant, about) = (&stores.records.mail, &queued.user.tenant, queued.kind.as_str());
        let written = match &delivered {
            Ok(was_delivered) => {
                if *was_delivered {
                    self.mail_trouble.delivered();
                }
                mail.done(tenant, queued.id).await
            }
            Err(DeliveryError::Later(cause)) => {
                info!(%cause, about, id = %queued.id, "a mail could not be sent and will be retried");
                self.warn_of_late_mail(queued, cause).await;
                mail.put_off(tenant, queued.id, self.clock.now().plus(queued.retry_delay())).await
            }
            Err(DeliveryError::Never(cause)) => {
                warn!(%cause, about, id = %queued.id, "a mail was rejected for good");
                self.report(&Event::of_user(&queued.user, EventKind::MailGivenUp));
                mail.done(tenant, queued.id).await
            }
        };
        if let Err(fault) = written {
            warn!(%fault, about, id = %queued.id, "the outcome of a mail could not be written down");
        }
        delivered.unwrap_or(false)
    }

    /// Warns where a mail is late, once an hour.
    async fn warn_of_late_mail(&self, queued: &QueuedMail, cause: &str) {
        let waited = self.clock.now().since(queued.created);
        if self.mail_trouble.failed(waited, self.clock.ticks()) {
            let waiting = self.mail_waiting().await.ok();
            warn!(cause, waiting, "mails cannot be delivered; users wait for codes and links");
        }
    }

    /// The mail as it is to be delivered; `None` if its user may not get it any more.
    async fn mail(
        &self,
        stores: &TenantStores,
        queued: &QueuedMail,
    ) -> Result<Option<OutgoingMail>, TenantError> {
        let tenant = match self.tenant(&queued.user.tenant).await {
            Ok(tenant) => tenant,
            Err(TenantError::Suspended | TenantError::Unknown(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let found = stores.records.users.find(&UserHandle::Id(queued.user.clone())).await?;
        let Some(user) = found.filter(|user| user.disabled.is_none()) else { return Ok(None) };
        let Some(message) = self.message(stores, &tenant, queued).await? else { return Ok(None) };
        Ok(Some(self.addressed(&tenant, &user, queued, message)))
    }

    fn addressed(
        &self,
        tenant: &Tenant,
        user: &User,
        queued: &QueuedMail,
        message: MailContent,
    ) -> OutgoingMail {
        let settings = &tenant.record.settings;
        OutgoingMail {
            id: queued.id.as_uuid(),
            tenant: tenant.id.clone(),
            tenant_name: settings.name.clone(),
            to: user.email.clone(),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            sender: settings.sender.clone(),
            language: settings.language.clone(),
            message,
            at: self.clock.now(),
        }
    }

    async fn message(
        &self,
        stores: &TenantStores,
        tenant: &Tenant,
        queued: &QueuedMail,
    ) -> Stored<Option<MailContent>> {
        let (device, address, at) = (queued.device.clone(), queued.address.clone(), queued.created);
        let page = || tenant.record.settings.reset_url.clone();
        let message = match queued.kind {
            MailKind::PasswordChanged => MailContent::PasswordChanged { at },
            MailKind::NewDevice => MailContent::NewDevice { device, address, at },
            MailKind::RefreshReused => MailContent::RefreshReused { device, address, at },
            MailKind::RefreshShared => MailContent::RefreshShared { device, address, at },
            MailKind::SignUpAttempted => MailContent::SignUpAttempted,
            with_ticket => {
                let Some((ticket, secret)) = self.armed(stores, tenant, queued).await? else {
                    return Ok(None);
                };
                let expires = ticket.expires;
                let token = || LinkToken { ticket: ticket.key.clone(), secret: secret.clone() }.written();
                match with_ticket {
                    MailKind::Unlock => MailContent::Unlock { token: token(), expires },
                    MailKind::Reset => MailContent::Reset { token: token(), expires, page: page() },
                    MailKind::Welcome => MailContent::Welcome { token: token(), expires, page: page() },
                    _ => MailContent::Code { code: secret, expires, device, address },
                }
            }
        };
        Ok(Some(message))
    }

    /// The ticket of a mail, with a secret made just now; `None` if the ticket cannot be redeemed any more.
    async fn armed(
        &self,
        stores: &TenantStores,
        tenant: &Tenant,
        queued: &QueuedMail,
    ) -> Stored<Option<(Ticket, PlainSecret)>> {
        let Some(id) = queued.ticket else { return Ok(None) };
        let key = TicketKey { tenant: queued.user.tenant.clone(), id };
        let (is_code, random) = (queued.kind == MailKind::Code, self.random.as_ref());
        let secret = if is_code { code(random) } else { PlainSecret::generate(random) };
        let now = self.clock.now();
        let signer = tenant.keyring.code_signer(now);
        let signer = signer.ok_or_else(|| StoreError::corrupt("tenant", &tenant.id, "key for codes"))?;
        let hashed = TicketSecret::of(&key, &secret, signer);
        let armed = stores.records.tickets.arm(&key, queued.id, &hashed, now).await?;
        Ok(armed
            .filter(|ticket| (ticket.purpose == TicketPurpose::Code) == is_code)
            .map(|ticket| (ticket, secret)))
    }
}

/// Six random digits. Draws that would make some codes likelier are repeated.
fn code(random: &dyn Random) -> PlainSecret {
    const CODES: u32 = 1_000_000;
    loop {
        let drawn = u32::from_be_bytes(random::bytes(random));
        if drawn < u32::MAX - u32::MAX % CODES {
            return PlainSecret::presented(&format!("{:06}", drawn % CODES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SystemRandom;

    // ASVS-map: OT1
    #[test]
    fn a_code_has_six_digits_and_uses_them_all() {
        let codes: Vec<String> = (0..1_000).map(|_| code(&SystemRandom).reveal().to_owned()).collect();
        assert!(codes.iter().all(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())));
        for place in 0..6 {
            let digits: std::collections::HashSet<_> =
                codes.iter().filter_map(|code| code.as_bytes().get(place)).collect();
            assert_eq!(digits.len(), 10);
        }
    }
}
