//! Another code for a sign-in that waits for its second step, because the first one got lost or has expired.

use std::time::Duration;

use thiserror::Error;

use super::device_sign_in::{bound_to, that_asked};
use super::{EngineTask, PresentedDevice, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::id::{TenantId, TicketId};
use crate::queued_mail::QueuedMail;
use crate::session::Device;
use crate::store::{StoreError, Stored, UserHandle};
use crate::strategy::StrategyName;
use crate::ticket::{ReissueOutcome, Ticket, TicketKey, TicketPurpose};

/// A request for another code.
#[derive(Debug)]
pub struct ResendCode {
    /// The tenant that the user signs in to.
    pub tenant: TenantId,
    /// The sign-in that the first step began.
    pub login: TicketId,
    /// The device, as it describes itself.
    pub device: Device,
    /// What the request presents of its device.
    pub shown: PresentedDevice,
}

/// Why no other code is sent. The one before is as good as it was; after a fault of the store, either may be.
#[derive(Clone, Debug, Error)]
pub enum ResendCodeError {
    /// There is no such sign-in, it is complete or over, or it belongs to another device.
    #[error("there is no such sign-in")]
    Over,
    /// Too many codes were asked for lately, or too many wrong ones were presented.
    #[error("too many codes")]
    TooMany {
        /// How long until another code may be sent, at most.
        wait: Duration,
    },
    /// The tenant does not offer device sessions.
    #[error("the strategy is not on offer")]
    NotOffered,
    /// The tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineTask {
    /// Sends another code. The one before is worthless from then on. Returns the ticket of the sign-in.
    pub(super) async fn resend_code(&self, request: ResendCode) -> Result<Ticket, ResendCodeError> {
        let ResendCode { tenant, login, device, shown } = request;
        let tenant = self.tenant(&tenant).await?;
        tenant.strategy(StrategyName::Device).ok_or(ResendCodeError::NotOffered)?;
        let key = TicketKey { tenant: tenant.id.clone(), id: login };
        let ticket = self.sign_in_under_way(&tenant, &key).await?.ok_or(ResendCodeError::Over)?;
        let shown = that_asked(self.shown_secrets(&shown).await?, &key, Some(&ticket));
        let (shown, now) = (shown.map(|shown| bound_to(&key, &shown.secret)), self.clock.now());
        // For the mail. The store counts guesses at other sign-ins, and decides.
        let next = ticket.reissued(shown.as_ref(), 0, now).map_err(|outcome| refused(&outcome))?;
        let queued = QueuedMail::for_ticket(&next, self.random.as_ref()).with_device(&device).at(now);
        let tickets = &tenant.stores.records.tickets;
        match tickets.reissue(&key, shown, &queued, now).await? {
            ReissueOutcome::Done(ticket) => {
                tenant.stores.mail_queued.notify_one();
                self.report(&Event::of_user(&ticket.user_key(), EventKind::CodeAsked));
                Ok(ticket)
            }
            outcome => Err(refused(&outcome)),
        }
    }

    /// The ticket of a sign-in whose user can still complete it.
    async fn sign_in_under_way(&self, tenant: &Tenant, key: &TicketKey) -> Stored<Option<Ticket>> {
        let stores = &tenant.stores.records;
        let Some(ticket) = stores.tickets.find(key).await? else { return Ok(None) };
        let user = stores.users.find(&UserHandle::Id(ticket.user_key())).await?;
        let stands = user.is_some_and(|user| ticket.may_complete(&user))
            && stores.epochs.read(&ticket.user_key()).await? == ticket.epochs;
        Ok(stands.then_some(ticket))
    }
}

const fn refused(outcome: &ReissueOutcome) -> ResendCodeError {
    match outcome {
        ReissueOutcome::TooMany { wait } => ResendCodeError::TooMany { wait: *wait },
        ReissueOutcome::Exhausted => ResendCodeError::TooMany { wait: TicketPurpose::Code.limits().within },
        ReissueOutcome::Gone | ReissueOutcome::Done(_) => ResendCodeError::Over,
    }
}
