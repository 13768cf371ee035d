//! Tenant isolation: every operation, called by every kind of user about every target, does what its row declares, and
//! no user reads or changes another tenant's records.
//!
//! Who may call is written down a second time here. A check by hand showed that both tests can fail: with the route
//! `/admin/users` declared `SignedIn`, without the dispatcher's comparison of roles, and with the tenant that the
//! request names in place of the administrator's own.

mod case;

use portcullis_api::operation::{
    Access, AdminOperation, Caller, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, OwnOperation,
    PublicOperation, SERVICE_OPERATIONS, STRATEGY_OPERATIONS,
};
use portcullis_core::email::Email;
use portcullis_core::engine::NewUser;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::password::Password;
use portcullis_core::store::Page;
use portcullis_core::user::Role;
use serde_json::{Value, json};

use super::without_codes;
use crate::fixture::{
    Credentials, DeviceClient, DeviceSession, Envelope, STRATEGIES, TestServer, TestUser, random_id,
};
use case::IsolationCase;

const PASSWORD: &str = "correct horse battery";
const TENANTS: [&str; 2] = ["default", "acme"];

const PUBLIC: [DeviceOperation; 11] = [
    DeviceOperation::Public(PublicOperation::Signup),
    DeviceOperation::Public(PublicOperation::Login),
    DeviceOperation::Public(PublicOperation::VerifyLogin),
    DeviceOperation::Public(PublicOperation::ResendCode),
    DeviceOperation::Public(PublicOperation::UnlockPage),
    DeviceOperation::Public(PublicOperation::Unlock),
    DeviceOperation::Public(PublicOperation::Refresh),
    DeviceOperation::Public(PublicOperation::Health),
    DeviceOperation::Public(PublicOperation::ForgotPassword),
    DeviceOperation::Public(PublicOperation::ResetPage),
    DeviceOperation::Public(PublicOperation::ResetPassword),
];

const SIGNED_IN: [DeviceOperation; 8] = [
    DeviceOperation::Own(OwnOperation::Password),
    DeviceOperation::Own(OwnOperation::Me),
    DeviceOperation::Own(OwnOperation::Sessions),
    DeviceOperation::Own(OwnOperation::RenameSession),
    DeviceOperation::Own(OwnOperation::Devices),
    DeviceOperation::Own(OwnOperation::ForgetDevice),
    DeviceOperation::Own(OwnOperation::LogoutSession),
    DeviceOperation::Own(OwnOperation::LogoutAll),
];

// ASVS-map: TN4
#[test]
fn what_is_not_public_nor_for_everybody_is_for_administrators() {
    for row in DEVICE_OPERATIONS {
        let expected = if PUBLIC.contains(&row.kind) {
            Access::Public
        } else if SIGNED_IN.contains(&row.kind) {
            Access::SignedIn
        } else {
            Access::Role(Role::Admin)
        };
        assert_eq!(row.access(), expected, "{}", row.route);
        let is_administration = row.route.starts_with("/admin/");
        assert_eq!(row.is_administration(), is_administration, "{}", row.route);
    }
    for row in STRATEGY_OPERATIONS {
        let is_public = ["register", "login", "refresh"].contains(&row.route);
        assert_eq!(row.access(), if is_public { Access::Public } else { Access::SignedIn }, "{}", row.route);
    }
}

/// A user of a tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TenantUser {
    tenant: &'static str,
    name: &'static str,
    role: Role,
}

impl TenantUser {
    const fn of(tenant: &'static str, name: &'static str, role: Role) -> Self {
        Self { tenant, name, role }
    }

    fn email(self) -> String {
        format!("{}@{}.example", self.name, self.tenant)
    }

    async fn registered(self, server: &TestServer) -> UserKey {
        let tenant: TenantId = self.tenant.parse().unwrap();
        let new = NewUser { role: self.role, ..NewUser::new(Email::parse(&self.email()).unwrap(), None) };
        let user = server.engine.create_user(&tenant, new, Password::new(PASSWORD).unwrap()).await;
        user.unwrap().key
    }

    async fn signs_in_on<'s>(self, client: &DeviceClient<'s>) -> DeviceSession<'s> {
        let said = client.clone().of(self.tenant).device_sign_in(&self.email(), PASSWORD).await;
        DeviceSession::from(client, &said)
    }
}

/// The user and session that a request is about.
#[derive(Clone, Debug)]
struct Target {
    user: String,
    session: String,
}

impl Target {
    fn of(member: &DeviceSession<'_>) -> Self {
        Self { user: member.user.clone(), session: member.session.clone() }
    }

    fn random() -> Self {
        Self { user: random_id(), session: random_id() }
    }

    /// The members that the operation takes, about this target.
    fn members(&self, row: &DeviceRow) -> Value {
        let mut members = json!({});
        if row.route.contains("{userId}") {
            members["userId"] = json!(self.user);
        }
        if row.route.contains("{sessionId}") || row.kind == DeviceOperation::Own(OwnOperation::LogoutSession)
        {
            members["sessionId"] = json!(self.session);
        }
        if row.route.contains("{deviceId}") {
            // The ids of devices are made of secrets: the id of another record is as good as a random one.
            members["deviceId"] = json!(self.session);
        }
        match row.kind {
            DeviceOperation::Own(OwnOperation::RenameSession) => members["deviceName"] = json!("renamed"),
            DeviceOperation::Admin(AdminOperation::SetRole) => members["role"] = json!("manager"),
            _ => (),
        }
        members
    }

    fn is_named_by(&self, row: &DeviceRow) -> bool {
        self.members(row).as_object().unwrap().keys().any(|name| name.ends_with("Id"))
    }

    /// The answer without this target's ids and without its time.
    fn stripped(&self, said: &Envelope) -> String {
        let (http, _) = said.undated();
        format!("{http:?}{}", said.undated().1)
            .replace(&self.user, "[user]")
            .replace(&self.session, "[session]")
    }
}

/// All records of a user, without the time of last use.
async fn all_of(server: &TestServer, key: &UserKey) -> String {
    let user = server.engine.user(key).await.unwrap();
    let sessions = server.engine.sessions(key, Page { after: None, limit: 500 }).await.unwrap();
    format!("{user:?}{sessions:?}")
}

// ASVS-map: TN1, TN4, SE6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_is_declared_and_nothing_is_known_of_another_tenant() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    server.create_tenant_with("acme", without_codes()).await;
    let (curl, service) = (DeviceClient::curl(&server), DeviceClient::service(&server));
    let mut far = Vec::new();
    for tenant in TENANTS {
        let bystander = TenantUser::of(tenant, "far", Role::User);
        let key = bystander.registered(&server).await;
        let member = bystander.signs_in_on(&curl).await;
        far.push((all_of(&server, &key).await, key, Target::of(&member)));
    }
    let mut asked = 0;
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        let other = TenantUser::of(tenant, "other", Role::User);
        let other_key = other.registered(&server).await;
        for role in [Role::User, Role::Manager, Role::Admin] {
            let who = TenantUser::of(tenant, role.as_str(), role);
            let user = who.registered(&server).await;
            let far = far[1 - number].2.clone();
            let (server, other_key) = (&*server, other_key.clone());
            let mut stage = IsolationCase { server, who, user, member: None, other, other_key, far };
            for row in DEVICE_OPERATIONS.iter().filter(|row| row.access() != Access::Public) {
                stage.asks(&curl, row).await;
                stage.lies(&curl, row).await;
                if row.pattern.is_some() {
                    stage.asks(&service, row).await;
                    stage.lies(&service, row).await;
                }
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 2 * 3 * 19);
    for row in DEVICE_OPERATIONS.iter().filter(|row| row.access() != Access::Public) {
        for (_, _, target) in &far {
            let said = curl.asks(row.kind, target.members(row), None).await;
            said.refused(401, "UNAUTHORIZED", "Unauthorized");
            if row.pattern.is_some() {
                let said = service.asks(row.kind, target.members(row), None).await;
                said.refused(401, "UNAUTHORIZED", "Unauthorized");
            }
        }
    }
    for (before, key, _) in &far {
        assert_eq!(&all_of(&server, key).await, before, "nothing of theirs has changed");
    }
}

// ASVS-map: TN2
#[tokio::test]
async fn what_is_public_is_the_same_for_everybody_and_a_credential_opens_its_own_surface_only() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    server.create_tenant_with("acme", without_codes()).await;
    let client = DeviceClient::curl(&server);
    let mut tokens = Vec::new();
    for tenant in TENANTS {
        for role in [Role::User, Role::Manager, Role::Admin] {
            let who = TenantUser::of(tenant, role.as_str(), role);
            who.registered(&server).await;
            tokens.push((who, who.signs_in_on(&client).await.access));
        }
    }
    let ask = |row: &DeviceRow| client.request(row.kind, json!({}), None);
    let bare = |answer: crate::fixture::HttpAnswer| {
        let ts = answer.json_or_null()["ts"].as_str().unwrap_or("[no time]").to_owned();
        let body = answer.body.replace(&ts, "");
        crate::fixture::HttpAnswer { body, ..answer }.undated()
    };
    for row in DEVICE_OPERATIONS.iter().filter(|row| row.access() == Access::Public) {
        let anonymous = bare(ask(row).await);
        assert!(!matches!(anonymous.status, 401 | 403), "{anonymous:?}");
        for (_, token) in &tokens {
            assert_eq!(bare(ask(row).bearer(token).await), anonymous, "{}", row.route);
        }
    }
    // What servers ask is not public: it needs a feed key.
    for row in SERVICE_OPERATIONS.into_iter().filter(|row| row.caller == Caller::Client) {
        let path = row.route.replace("{tenant}", "acme");
        let anonymous = server.get(&path).await.status(200).undated();
        for (_, token) in &tokens {
            assert_eq!(server.get(&path).bearer(token).await.undated(), anonymous, "{path}");
        }
    }
    TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES {
        for row in STRATEGY_OPERATIONS.iter().filter(|row| row.access() != Access::Public) {
            let path = row.path(strategy).unwrap();
            for (_, token) in &tokens {
                server.ask(row.method.as_str(), &path).bearer(token).await.status(401);
            }
        }
        for (who, _) in &tokens {
            let login = json!({"email": who.email(), "password": PASSWORD});
            let path = format!("/auth/{strategy}/login");
            let answer = server.post(&path).json(&login).header("x-tenant-id", who.tenant).await.status(201);
            let held = Credentials::from(strategy, &answer);
            let named = |tenant| held.profile(&server).header("x-tenant-id", tenant);
            for tenant in TENANTS {
                named(tenant).await.status(if tenant == who.tenant { 200 } else { 401 });
            }
            held.shown(server.get("/auth/me")).header("x-tenant-id", who.tenant).await.status(401);
            held.shown(server.get("/admin/users")).header("x-tenant-id", who.tenant).await.status(401);
        }
    }
}
