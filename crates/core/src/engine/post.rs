//! Mail: what is to be sent waits in the store, and is made and delivered from there.
//!
//! Nobody who signs in waits for a mail server. A message that cannot be delivered is tried again, later each time, until
//! it is not worth sending any more. What is sent is made at that moment: the address as it is now, and the secret of a
//! ticket, of which the store gets the hash. Who goes through the queue, and when, is in `postman.rs`.

use std::time::Duration;

use tokio::time::timeout;
use tracing::{info, warn};

use super::home::Home;
use super::{Engine, Tenant, TenantError};
use crate::event::{Event, What};
use crate::mail::{Letter, Message, Notifier, Undelivered};
use crate::mailing::{About, CLAIM, Mailing};
use crate::random::{self, Random};
use crate::secret::PlainSecret;
use crate::store::{StoreError, Stored, UserHandle};
use crate::ticket::{Issued, LinkToken, Purpose, Ticket, TicketKey};
use crate::user::User;

/// How long a message may take to deliver: less than it is claimed for, so that nobody else has begun on it by then.
const PATIENCE: Duration = CLAIM.saturating_sub(Duration::from_secs(30));

impl Engine {
    /// Issues a ticket with the message that goes with it.
    pub(super) async fn send_ticket(
        &self,
        home: &Home,
        ticket: &Ticket,
        mailing: &Mailing,
    ) -> Stored<Issued> {
        let issued = home.stores.tickets.issue(ticket, mailing).await?;
        if issued == Issued::Done {
            home.posted.notify_one();
        }
        Ok(issued)
    }

    /// Puts a message into the queue.
    pub(super) async fn send(&self, home: &Home, mailing: &Mailing) -> Stored<()> {
        home.stores.mail.put(mailing).await?;
        home.posted.notify_one();
        Ok(())
    }

    /// Puts news into the queue. Nobody's request fails because it could not be put there.
    pub(super) async fn send_news(&self, home: &Home, mailing: &Mailing) {
        if let Err(fault) = self.send(home, mailing).await {
            warn!(%fault, about = mailing.about.as_str(), "a message could not be put into the queue");
        }
    }

    /// How many messages wait to be sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn mail_waiting(&self) -> Result<u64, StoreError> {
        let mut waiting = 0;
        for home in self.directory.homes.all().await {
            waiting += home.stores.mail.waiting().await?;
        }
        Ok(waiting)
    }

    /// Delivers one message: whether it was. A fault of the store leaves it claimed, and so it is tried again.
    pub(super) async fn deliver(&self, home: &Home, mailing: &Mailing, notifier: &dyn Notifier) -> bool {
        let delivered = match self.letter(home, mailing).await {
            Ok(Some(letter)) => match timeout(PATIENCE, notifier.deliver(&letter)).await {
                Ok(delivered) => delivered.map(|()| true),
                Err(_) => Err(Undelivered::Later("no answer came in time".to_owned())),
            },
            Ok(None) => Ok(false),
            Err(fault) => Err(Undelivered::Later(fault.to_string())),
        };
        let (mail, tenant, about) = (&home.stores.mail, &mailing.user.tenant, mailing.about.as_str());
        let written = match &delivered {
            Ok(_) => mail.done(tenant, mailing.id).await,
            Err(Undelivered::Later(cause)) => {
                info!(%cause, about, id = %mailing.id, "a message could not be sent and will be tried again");
                mail.put_off(tenant, mailing.id, self.clock.now().plus(mailing.pause())).await
            }
            Err(Undelivered::Never(cause)) => {
                warn!(%cause, about, id = %mailing.id, "a message was refused for good");
                self.report(&Event::of_user(&mailing.user, What::MailGivenUp));
                mail.done(tenant, mailing.id).await
            }
        };
        if let Err(fault) = written {
            warn!(%fault, about, id = %mailing.id, "what became of a message could not be written down");
        }
        delivered.unwrap_or(false)
    }

    /// The message as it is to be delivered; none if nobody is to get it any more.
    async fn letter(&self, home: &Home, mailing: &Mailing) -> Result<Option<Letter>, TenantError> {
        let now = self.clock.now();
        let tenant = match self.tenant(&mailing.user.tenant).await {
            Ok(tenant) if now < mailing.expires => tenant,
            Ok(_) | Err(TenantError::Suspended | TenantError::Unknown(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let found = home.stores.users.find(&UserHandle::Id(mailing.user.clone())).await?;
        let Some(user) = found.filter(|user| user.disabled.is_none()) else { return Ok(None) };
        let Some(message) = self.message(home, &tenant, mailing).await? else { return Ok(None) };
        Ok(Some(self.addressed(&tenant, &user, mailing, message)))
    }

    fn addressed(&self, tenant: &Tenant, user: &User, mailing: &Mailing, message: Message) -> Letter {
        let settings = &tenant.record.settings;
        Letter {
            id: mailing.id.as_uuid(),
            tenant: tenant.id.clone(),
            to: user.email.clone(),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            sender: settings.sender.clone(),
            language: settings.language.clone(),
            message,
            at: self.clock.now(),
        }
    }

    async fn message(&self, home: &Home, tenant: &Tenant, mailing: &Mailing) -> Stored<Option<Message>> {
        let (device, address, at) = (mailing.device.clone(), mailing.address.clone(), mailing.created);
        let page = || tenant.record.settings.reset_url.clone();
        let message = match mailing.about {
            About::PasswordChanged => Message::PasswordChanged { at },
            About::NewDevice => Message::NewDevice { device, address, at },
            About::RefreshReused => Message::RefreshReused { device, address, at },
            About::SignUpAttempted => Message::SignUpAttempted,
            with_ticket => {
                let Some((ticket, secret)) = self.armed(home, mailing).await? else { return Ok(None) };
                let expires = ticket.expires;
                let token = || LinkToken { ticket: ticket.key.clone(), secret: secret.clone() }.written();
                match with_ticket {
                    About::Unlock => Message::Unlock { token: token(), expires },
                    About::Reset => Message::Reset { token: token(), expires, page: page() },
                    About::Welcome => Message::Welcome { token: token(), expires, page: page() },
                    _ => Message::Code { code: secret, expires, device, address },
                }
            }
        };
        Ok(Some(message))
    }

    /// The ticket of a message with a secret that was made just now; none if nobody could redeem it.
    async fn armed(&self, home: &Home, mailing: &Mailing) -> Stored<Option<(Ticket, PlainSecret)>> {
        let Some(id) = mailing.ticket else { return Ok(None) };
        let key = TicketKey { tenant: mailing.user.tenant.clone(), id };
        let secret = match mailing.about {
            About::Code => code(self.random.as_ref()),
            _ => PlainSecret::generate(self.random.as_ref()),
        };
        let hash = Ticket::hash_of(&key, &secret);
        let armed = home.stores.tickets.arm(&key, hash, self.clock.now()).await?;
        Ok(armed
            .filter(|ticket| (ticket.purpose == Purpose::Code) == (mailing.about == About::Code))
            .map(|ticket| (ticket, secret)))
    }
}

/// Six digits, each as likely as another: what would make some likelier is drawn again.
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
