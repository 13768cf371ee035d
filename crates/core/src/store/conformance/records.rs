//! Sample records for the tests of a store.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::Answered;
use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::{QueuedMailId, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{Algorithm, KeyMaterial, KeyRecord, KeyUse, Kid};
use crate::machine::SystemRandom;
use crate::mobile::Mobile;
use crate::password::PasswordHash;
use crate::queued_mail::{MailKind, QueuedMail};
use crate::random;
use crate::secret::SecretHash;
use crate::session::{
    Device, DeviceProof, EndReason, Ending, Epochs, LateRepeats, PreviousGeneration, RotationRequest,
    RotationState, Session, SessionState,
};
use crate::store::{CookieKey, SessionHandle, Stores};
use crate::strategy::StrategyName;
use crate::ticket::{IssueOutcome, PresentedTicketSecret, Ticket, TicketPurpose, TicketSecret};
use crate::user::{KnownDevice, PersonName, Role, User};
use crate::username::Username;

/// The present time of the samples. It is not a full second, so that a store that drops milliseconds fails.
pub const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);

/// How long a sample session lasts unused.
pub const IDLE: Duration = Duration::from_hours(1);

/// How long a sample session lasts if it is used.
pub const MAX: Duration = Duration::from_hours(10);

/// The grace window of a used refresh token.
pub const GRACE: Duration = Duration::from_mins(1);

/// `NOW` plus this many milliseconds.
#[must_use]
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

/// When an unused sample session has idled out.
#[must_use]
pub fn idled_out() -> Timestamp {
    NOW.plus(IDLE)
}

/// An end at [`NOW`] for this reason.
#[must_use]
pub const fn ending(reason: EndReason) -> Ending {
    Ending { at: NOW, reason }
}

/// What was read of a text that is known to be valid.
#[track_caller]
fn valid<T, E: Display>(text: &str, read: Result<T, E>) -> T {
    match read {
        Ok(value) => value,
        #[expect(clippy::panic, reason = "a mistake in the suite itself")]
        Err(fault) => panic!("{text} is misspelt: {fault}"),
    }
}

/// Parses a text that is known to be valid.
#[track_caller]
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> T {
    valid(text, text.parse())
}

/// The id of the tenant with this name.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    parsed(name)
}

/// Parses an address that is known to be valid.
#[must_use]
#[track_caller]
pub fn email(text: &str) -> Email {
    valid(text, Email::parse(text))
}

/// Parses a user name that is known to be valid.
#[must_use]
#[track_caller]
pub fn username(text: &str) -> Username {
    valid(text, Username::parse(text))
}

/// Parses a mobile number that is known to be valid.
#[must_use]
#[track_caller]
pub fn mobile(text: &str) -> Mobile {
    valid(text, Mobile::parse(text))
}

/// A mobile number that no other sample has.
#[must_use]
pub fn new_mobile() -> Mobile {
    let number = u64::from_be_bytes(random::bytes(&SystemRandom)) % 10_000_000_000;
    mobile(&format!("+49170{number:010}"))
}

/// A well-formed password hash that no password has; hashes of two letters differ.
#[must_use]
pub fn password(letter: char) -> Option<PasswordHash> {
    let salt: String = std::iter::repeat_n(letter, 22).collect();
    let text = format!("$argon2id$v=19$m=8,t=1,p=1${salt}$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
    PasswordHash::parse(&text).ok()
}

/// A user with this address and no optional field.
#[must_use]
pub fn bare_user(tenant: &TenantId, address: &str) -> User {
    let key = UserKey { tenant: tenant.clone(), id: UserId::generate(NOW, &SystemRandom) };
    User::new(key, email(address), None, Role::User, NOW)
}

/// A user with this address and every optional field; the user name is like the address.
#[must_use]
pub fn user(tenant: &TenantId, address: &str) -> User {
    User {
        username: Some(username(&address.replace('@', "."))),
        mobile: Some(new_mobile()),
        devices: [7, 8].map(known_device).to_vec(),
        name: PersonName::from_parts("Zoë", "O'Neill \"漢😀\"").ok(),
        role: Role::Manager,
        password: password('A'),
        password_epoch: 300,
        kept_session: Some(SessionId::from_uuid(Uuid::from_u128(9))),
        former_passwords: ['g', 'w'].into_iter().filter_map(password).collect(),
        disabled: Some(at(7)),
        email_verified: true,
        updated: at(8),
        version: 3,
        ..bare_user(tenant, address)
    }
}

fn known_device(number: u64) -> KnownDevice {
    let session = SessionId::from_uuid(Uuid::from_u128(u128::from(number)));
    let (name, is_new) = (format!("\"{number}\" 漢😀"), number.is_multiple_of(2));
    KnownDevice { hash: numbered(number), used: at(-5), name, session: is_new.then_some(session) }
}

/// The key of a new user in this tenant.
#[must_use]
pub fn new_user_key(tenant: &TenantId) -> UserKey {
    UserKey { tenant: tenant.clone(), id: UserId::generate(NOW, &SystemRandom) }
}

/// A random hash.
#[must_use]
pub fn secret() -> SecretHash {
    SecretHash::from_bytes(random::bytes(&SystemRandom))
}

/// The hash of a number.
#[must_use]
pub fn numbered(number: u64) -> SecretHash {
    SecretHash::of(&[&number.to_be_bytes()])
}

/// A live session with no optional field.
#[must_use]
pub fn bare_session(user: &UserKey) -> Session {
    let id = SessionId::generate(NOW, user.id, &SystemRandom);
    Session {
        key: SessionKey { tenant: user.tenant.clone(), id },
        user: user.id,
        strategy: StrategyName::Session,
        device: Device::default(),
        created: NOW,
        last_seen: NOW,
        idle_expires: NOW.plus(IDLE),
        absolute_expires: NOW.plus(MAX),
        epochs: Epochs::default(),
        password_epoch: 0,
        gave_code: false,
        cookie: None,
        rotation: None,
        proof: None,
        state: SessionState::Live,
        version: 0,
    }
}

/// A live session with every optional field, in its third generation.
#[must_use]
pub fn session(user: &UserKey) -> Session {
    let spent = PreviousGeneration { hash: numbered(2), issued: at(-5000), expires: at(90_000) };
    Session {
        strategy: StrategyName::Denylist,
        password_epoch: 300,
        gave_code: true,
        device: Device {
            name: "Zoë's \"漢😀\" phone".to_owned(),
            address: "2001:db8::1".to_owned(),
            user_agent: "Mozilla/5.0 (X11; 'Linux')".to_owned(),
        },
        cookie: Some(secret()),
        rotation: Some(RotationState {
            generation: 3,
            issued: NOW,
            expires: NOW.plus(IDLE),
            kid: parsed::<Kid>("key-of-3"),
            current: numbered(3),
            previous: Some(spent),
            late_repeats: Some(LateRepeats { newest: 1, in_a_row: 1 }),
        }),
        proof: Some(DeviceProof { hash: numbered(1000), shown: true }),
        ..bare_session(user)
    }
}

/// The same session, held by a client that has no device proof.
#[must_use]
pub fn unproven_session(user: &UserKey) -> Session {
    Session { proof: None, ..session(user) }
}

/// A request with the token of this generation of a sample session, a second after [`NOW`], with the device proof.
#[must_use]
pub fn redemption(generation: u64) -> RotationRequest {
    RotationRequest {
        pins: false,
        generation,
        presented: numbered(generation),
        issued: at(-5000),
        expires: NOW.plus(IDLE),
        successor: numbered(generation + 1),
        kid: parsed::<Kid>("key-of-now"),
        proof: Some(numbered(1000)),
        now: at(1000),
        lifetime: IDLE,
        grace: GRACE,
    }
}

/// Looks the session up by id.
#[must_use]
pub fn by_id(session: &Session) -> SessionHandle {
    SessionHandle::Id(session.key.clone())
}

/// Looks the session up by its cookie; by an unknown cookie if it has none.
#[must_use]
pub fn by_cookie(session: &Session) -> SessionHandle {
    SessionHandle::Cookie(CookieKey {
        tenant: session.key.tenant.clone(),
        bucket: session.key.id.bucket(),
        hash: session.cookie.unwrap_or_else(secret),
    })
}

/// An encrypted refresh token key with this id.
#[must_use]
pub fn key(tenant: &TenantId, kid: &str) -> KeyRecord {
    KeyRecord {
        tenant: tenant.clone(),
        kid: parsed(kid),
        usage: KeyUse::Refresh,
        algorithm: Algorithm::Hs256,
        material: KeyMaterial::Sealed(vec![0, 1, 127, 128, 255]),
        created: NOW,
        active_from: at(60_000),
    }
}

/// A ticket that was sent with the secret of this number, with every optional field.
#[must_use]
pub fn ticket(user: &UserKey, purpose: TicketPurpose, created: Timestamp, number: u64) -> Ticket {
    let epochs = Epochs { user: 1, tenant: 2, everyone: 3 };
    let ticket = Ticket::new(user, purpose, epochs, created, &SystemRandom);
    Ticket { secret: Some(ticket_secret(number)), device: Some(numbered(1000)), password_epoch: 4, ..ticket }
}

/// The stored secret of this number.
#[must_use]
pub fn ticket_secret(number: u64) -> TicketSecret {
    TicketSecret { hash: numbered(number), kid: Some(parsed::<Kid>("key-of-codes")) }
}

/// The presented secret of this number, hashed with and without a key.
#[must_use]
pub fn presented_secret(number: u64) -> PresentedTicketSecret {
    PresentedTicketSecret(vec![ticket_secret(number), TicketSecret { kid: None, ..ticket_secret(number) }])
}

/// The mail with which [`issue`] issues a ticket.
#[must_use]
pub fn first_mail(ticket: &Ticket) -> QueuedMail {
    let id = QueuedMailId::from_uuid(ticket.key.id.as_uuid());
    QueuedMail { id, ..QueuedMail::for_ticket(ticket, &SystemRandom) }
}

/// Issues a ticket with its mail, and returns whether the store did.
pub async fn issue(stores: &Stores, ticket: &Ticket) -> bool {
    stores.tickets.issue(ticket, &first_mail(ticket)).await.answered() == IssueOutcome::Done
}

/// A queued mail that is due at this time, with every optional field.
#[must_use]
pub fn queued_mail(user: &UserKey, due: Timestamp) -> QueuedMail {
    let about = bare_session(user);
    let news = QueuedMail::notification(user, MailKind::NewDevice, NOW, &SystemRandom);
    let ticket = ticket(user, TicketPurpose::Reset, NOW, 1).key.id;
    QueuedMail { ticket: Some(ticket), due, ..news }.with_device(&about.device)
}
