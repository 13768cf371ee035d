//! Clients that hang up on every verb that changes state, at every step: it is done with its audit event and its
//! mail, or it was never begun.

mod owed;
mod second_step;

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use owed::owed;

use super::client::FixtureClient;
use super::interrupted_steps::{MOST_STEPS, NEXT_PASSWORD};
use super::known_devices;
use super::mailbox::RecordingMailbox;
use crate::clock::Clock;
use crate::engine::verbs::Verb;
use crate::engine::{ChangePassword, Engine, NewUser, Register};
use crate::id::{TenantId, UserKey};
use crate::key::{KeyUse, MasterKey};
use crate::lockout::AttemptKey;
use crate::revocation::FeedTenants;
use crate::session::EndReason;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::store::conformance::records::{email, tenant, user};
use crate::store::memory::MemoryStore;
use crate::store::{Page, RecordKind, Stores, UnreadableRecord};
use crate::strategy::StrategyName;
use crate::tenant::TenantSettings;
use crate::user::{Role, User, UserCorrection};

/// A call of one verb on the node that can be stopped.
type Call = Pin<Box<dyn Future<Output = ()>>>;

/// What a verb leaves behind: whether records changed, which events were recorded, and which mails were queued.
#[derive(PartialEq, Eq, Debug)]
struct Traces {
    changed: bool,
    events: Vec<&'static str>,
    mails: Vec<&'static str>,
}

/// Two nodes on one store, and a user. The first node can be stopped at every step.
struct TwoNodes {
    fixture: Fixture,
    faults: Arc<Faults>,
    records: Stores,
    stopped: Engine,
    other: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl TwoNodes {
    async fn new() -> Self {
        let records = MemoryStore::stores();
        let mut fixture = Fixture::new(records.clone());
        let other = fixture.node().await;
        let (stores, faults) = Faults::within(records.clone());
        fixture.builder.stores = stores;
        // A master key that the keys in the store do not know yet: there is something to seal.
        let master = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        fixture.builder.secrets.master = Some(MasterKey::parse(master).unwrap());
        let stopped = fixture.node().await;
        let ann = fixture.new_user(&other).await;
        Self { fixture, faults, records, stopped, other, mailbox: RecordingMailbox::new(), ann }
    }

    /// Every record that a list of the stores shows, in words.
    async fn written(&self) -> String {
        let (stores, now) = (&self.records, self.fixture.clock.now());
        let mut written = format!("{} mails; ", stores.mail.waiting(now).await.unwrap());
        write!(written, "{:?} ", stores.feed_keys.list(Page { after: None, limit: 100 }).await.unwrap())
            .unwrap();
        for tenant in stores.tenants.list(Page { after: None, limit: 100 }).await.unwrap() {
            let keys = stores.keys.list(&tenant.id).await.unwrap();
            write!(written, "{tenant:?} {keys:?} ").unwrap();
            for user in stores.users.list(&tenant.id, "", Page { after: None, limit: 100 }).await.unwrap() {
                let page = Page { after: None, limit: 100 };
                let sessions = stores.sessions.list(&user.key, page, now).await.unwrap();
                let epochs = stores.epochs.read(&user.key).await.unwrap();
                let whose = AttemptKey { user: user.key.clone(), device: None };
                let attempts = stores.attempts.find(&whose).await.unwrap();
                write!(written, "{user:?} {sessions:?} {epochs:?} {attempts:?} ").unwrap();
            }
        }
        written
    }

    /// Hangs up on a call after so many steps, and lets the node go on: what it left behind, and whether it was hung
    /// up on.
    async fn hang_up(&self, steps: usize, call: Call) -> (Traces, bool) {
        self.mailbox.collect(&self.other).await;
        let (mails, before) = (self.mailbox.mails().len(), self.written().await);
        let events = self.fixture.recorded_events.events().len();
        self.faults.stop_after(steps);
        let hung_up = tokio::select! {
            biased;
            () = self.faults.stuck() => true,
            () = call => false,
        };
        self.faults.go_on();
        self.stopped.finish().await;
        let changed = self.written().await != before;
        let events = &self.fixture.recorded_events.events()[events..];
        let events = events.iter().map(|event| event.kind.as_str()).collect();
        self.mailbox.collect(&self.other).await;
        let mails = &self.mailbox.mails()[mails..];
        let mails = mails.iter().map(|mail| mail.message.kind().as_str()).collect();
        (Traces { changed, events, mails }, hung_up)
    }

    async fn signed_in(&self) -> HeldCredentials {
        self.ann.password_sign_in(&self.other, StrategyName::Session).await
    }

    async fn lock(&self, wrong: usize) {
        for _ in 0..wrong {
            let session = StrategyName::Session;
            let refused = self.ann.try_sign_in(&self.other, session, "wrong password", false).await;
            assert!(refused.is_err());
        }
    }
}

/// Hangs up at every step of a call, each time in a new world.
async fn hang_up_at_every_step(
    events: &[&'static str],
    mails: &[&'static str],
    prepare: impl AsyncFn(&TwoNodes) -> Call,
) {
    let (none, due) = (
        Traces { changed: false, events: Vec::new(), mails: Vec::new() },
        Traces { changed: true, events: events.to_vec(), mails: mails.to_vec() },
    );
    let mut done = 0;
    for steps in 0..MOST_STEPS {
        let nodes = TwoNodes::new().await;
        let call = prepare(&nodes).await;
        let (left, hung_up) = nodes.hang_up(steps, call).await;
        assert!(left == due || (hung_up && left == none), "after {steps} steps: {left:?}, due: {due:?}");
        if !hung_up {
            assert!(done > 0, "no client hung up before it was done");
            return;
        }
        done += usize::from(left == due);
    }
    panic!("it takes more than {MOST_STEPS} steps");
}

/// Everything that comes before the call, and the call.
async fn call_of(verb: Verb, nodes: &TwoNodes) -> Call {
    match verb {
        Verb::Register
        | Verb::PasswordSignIn
        | Verb::DeviceSignIn
        | Verb::ResendCode
        | Verb::VerifyCode
        | Verb::Redeem => sign_in_call(verb, nodes).await,
        Verb::SignOut
        | Verb::EndSession
        | Verb::EndSessionOf
        | Verb::EndSessions
        | Verb::EndEveryone
        | Verb::RenameSession
        | Verb::ForgetDevice
        | Verb::PurgeSessions => session_call(verb, nodes).await,
        Verb::ChangePassword
        | Verb::ForgotPassword
        | Verb::StartReset
        | Verb::ResetPassword
        | Verb::Unlock
        | Verb::UnlockUser
        | Verb::SetPassword => password_call(verb, nodes).await,
        Verb::CreateUser
        | Verb::InviteUser
        | Verb::DisableUser
        | Verb::EnableUser
        | Verb::SetRole
        | Verb::MendRecord => user_call(verb, nodes).await,
        Verb::CreateTenant
        | Verb::ChangeTenant
        | Verb::SuspendTenant
        | Verb::ResumeTenant
        | Verb::RotateKeys
        | Verb::ReplaceCompromisedKeys
        | Verb::CreateFeedKey
        | Verb::RemoveFeedKey
        | Verb::SealKeys => tenant_call(verb, nodes).await,
    }
}

fn newcomer() -> NewUser {
    NewUser::new(email("bea@example.com"), None)
}

async fn sign_in_call(verb: Verb, nodes: &TwoNodes) -> Call {
    let (node, ann, mailbox) = (nodes.stopped.clone(), nodes.ann.clone(), nodes.mailbox.clone());
    let default = TenantId::default_tenant();
    match verb {
        Verb::Register => {
            let strategy = StrategyName::Session;
            let request =
                Register { tenant: default, strategy, new: newcomer(), password: password(PASSWORD) };
            Box::pin(async move { assert!(node.register(request).await.unwrap().is_some()) })
        }
        Verb::PasswordSignIn => {
            Box::pin(async move { drop(ann.password_sign_in(&node, StrategyName::SessionJwt).await) })
        }
        Verb::DeviceSignIn => Box::pin(async move {
            let _ = FixtureClient::browser().request_code(&node, &ann).await;
        }),
        Verb::ResendCode => {
            let login = FixtureClient::browser().request_code(&nodes.other, &ann).await;
            mailbox.collect(&nodes.other).await;
            let client = FixtureClient::forgetful();
            Box::pin(async move { drop(client.resend(&node, &default, login).await.unwrap()) })
        }
        Verb::VerifyCode => {
            FixtureClient::app().sign_in_with_code(&nodes.other, &mailbox, &ann).await;
            let client = FixtureClient::app();
            let login = client.request_code(&nodes.other, &ann).await;
            let code = mailbox.code(&nodes.other).await;
            Box::pin(async move { drop(client.verify(&node, &default, login, &code).await.unwrap()) })
        }
        _ => {
            let held = FixtureClient::browser().sign_in_with_code(&nodes.other, &mailbox, &ann).await;
            Box::pin(async move {
                assert!(FixtureClient::forgetful().refresh(&node, held.refresh_token()).await.is_err());
            })
        }
    }
}

async fn session_call(verb: Verb, nodes: &TwoNodes) -> Call {
    let node = nodes.stopped.clone();
    let held = nodes.signed_in().await;
    let (identity, user, key) =
        (held.identity(&nodes.other).await, nodes.ann.user.key.clone(), held.session());
    match verb {
        Verb::SignOut => Box::pin(async move { node.sign_out(&identity).await.unwrap() }),
        Verb::EndSession => Box::pin(async move { assert!(node.end_session(&key).await.unwrap()) }),
        Verb::EndSessionOf => {
            Box::pin(
                async move { assert!(node.end_session_of(&user, key.id, EndReason::Admin).await.unwrap()) },
            )
        }
        Verb::EndSessions => {
            Box::pin(async move { assert_eq!(node.end_sessions(&user, EndReason::Admin).await.unwrap(), 1) })
        }
        Verb::EndEveryone => Box::pin(async move { node.end_everyone().await.unwrap() }),
        Verb::RenameSession => Box::pin(async move {
            assert!(node.rename_session(&user, key.id, "a laptop".to_owned()).await.unwrap().is_some());
        }),
        Verb::ForgetDevice => {
            let id = known_devices::known_to(&nodes.records, &user, nodes.fixture.clock.now()).await;
            Box::pin(async move { assert!(node.forget_device(&user, id).await.unwrap()) })
        }
        _ => {
            nodes.fixture.clock.pass(Duration::from_hours(24 * 365));
            Box::pin(async move { assert!(node.purge_sessions().await.unwrap() > 0) })
        }
    }
}

async fn password_call(verb: Verb, nodes: &TwoNodes) -> Call {
    let (node, other, mailbox) = (nodes.stopped.clone(), &nodes.other, &nodes.mailbox);
    let (user, address) = (nodes.ann.user.key.clone(), nodes.ann.user.email.clone());
    let default = TenantId::default_tenant();
    let (current, new) = (password(PASSWORD), password(NEXT_PASSWORD));
    match verb {
        Verb::ChangePassword => {
            nodes.signed_in().await;
            let identity = nodes.signed_in().await.identity(other).await;
            let request = ChangePassword { identity, current, new };
            Box::pin(async move { node.change_password(request).await.unwrap() })
        }
        Verb::ForgotPassword => {
            Box::pin(async move { node.forgot_password(&default, &address).await.unwrap() })
        }
        Verb::StartReset => Box::pin(async move {
            let _ = node.start_reset(&user).await.unwrap();
        }),
        Verb::ResetPassword => {
            nodes.signed_in().await;
            other.forgot_password(&default, &address).await.unwrap();
            mailbox.collect(other).await;
            let link = mailbox.secret("reset");
            Box::pin(async move { node.reset_password(&link, new).await.unwrap() })
        }
        Verb::Unlock => {
            nodes.lock(5).await;
            mailbox.collect(other).await;
            let link = mailbox.secret("unlock");
            Box::pin(async move { node.unlock(&link).await.unwrap() })
        }
        Verb::UnlockUser => {
            nodes.lock(5).await;
            Box::pin(async move { node.unlock_user(&user).await.unwrap() })
        }
        _ => {
            nodes.signed_in().await;
            Box::pin(async move { drop(node.set_password(&user, new).await.unwrap()) })
        }
    }
}

async fn user_call(verb: Verb, nodes: &TwoNodes) -> Call {
    let (node, user): (Engine, UserKey) = (nodes.stopped.clone(), nodes.ann.user.key.clone());
    let default = TenantId::default_tenant();
    match verb {
        Verb::CreateUser => Box::pin(async move {
            drop(node.create_user(&default, newcomer(), password(PASSWORD)).await.unwrap());
        }),
        Verb::InviteUser => {
            Box::pin(async move { drop(node.invite_user(&default, newcomer()).await.unwrap()) })
        }
        Verb::DisableUser => {
            nodes.signed_in().await;
            Box::pin(async move { drop(node.disable_user(&user).await.unwrap()) })
        }
        Verb::EnableUser => {
            nodes.other.disable_user(&user).await.unwrap();
            Box::pin(async move { drop(node.enable_user(&user).await.unwrap()) })
        }
        Verb::MendRecord => {
            let record = spoiled_user(&nodes.records).await;
            let correction =
                UserCorrection { gives_up: true, ..UserCorrection::of_spelling(user.id, node.now()) };
            Box::pin(async move { drop(node.mend_record(&default, record, correction).await.unwrap()) })
        }
        _ => Box::pin(async move { drop(node.set_role(&user, Role::Manager).await.unwrap()) }),
    }
}

async fn spoiled_user(records: &Stores) -> UnreadableRecord {
    let spoiled = user(&TenantId::default_tenant(), "cem@example.com");
    let id = spoiled.key.id.to_string();
    records.users.insert(&User { unreadable: vec!["role"], ..spoiled }).await.unwrap();
    UnreadableRecord { record: RecordKind::User, id, field: "role" }
}

async fn tenant_call(verb: Verb, nodes: &TwoNodes) -> Call {
    let (node, default, acme) = (nodes.stopped.clone(), TenantId::default_tenant(), tenant("acme"));
    let settings =
        TenantSettings { sender: Some("acme@example.com".parse().unwrap()), ..TenantSettings::default() };
    if matches!(verb, Verb::ChangeTenant | Verb::SuspendTenant | Verb::ResumeTenant) {
        nodes.other.create_tenant(acme.clone(), TenantSettings::default(), None).await.unwrap();
    }
    match verb {
        Verb::CreateTenant => {
            Box::pin(async move { drop(node.create_tenant(acme, settings, None).await.unwrap()) })
        }
        Verb::ChangeTenant => Box::pin(async move {
            drop(node.change_tenant(&acme, move |_| settings.clone()).await.unwrap());
        }),
        Verb::SuspendTenant => Box::pin(async move { drop(node.suspend_tenant(&acme).await.unwrap()) }),
        Verb::ResumeTenant => {
            nodes.other.suspend_tenant(&acme).await.unwrap();
            Box::pin(async move { drop(node.resume_tenant(&acme).await.unwrap()) })
        }
        Verb::RotateKeys => Box::pin(async move {
            drop(node.rotate_keys(&default, &KeyUse::ALL, Duration::from_mins(5)).await.unwrap());
        }),
        Verb::ReplaceCompromisedKeys => Box::pin(async move {
            drop(node.replace_compromised_keys(&default, &[KeyUse::Refresh]).await.unwrap());
        }),
        Verb::CreateFeedKey => {
            Box::pin(async move { drop(node.create_feed_key(&FeedTenants::All).await.unwrap()) })
        }
        Verb::RemoveFeedKey => {
            let (key, _) = nodes.other.create_feed_key(&FeedTenants::All).await.unwrap();
            Box::pin(async move { assert!(node.remove_feed_key(key.id).await.unwrap()) })
        }
        _ => Box::pin(async move { assert!(node.seal_keys().await.unwrap() > 0) }),
    }
}

#[tokio::test]
async fn a_hang_up_on_any_verb_leaves_it_done_with_event_and_mail_or_not_begun() {
    for verb in Verb::ALL {
        let (events, mails) = owed(*verb);
        hang_up_at_every_step(events, mails, async |nodes| call_of(*verb, nodes).await).await;
    }
}
