//! One operation, called by one user about every target, and compared with its row of the table.

use portcullis_api::operation::{Access, AdminOperation, DeviceOperation, DeviceRow, OwnOperation};
use portcullis_core::id::UserKey;

use super::{Target, TenantUser};
use crate::fixture::{DeviceClient, DeviceSession, TestServer, random_id};

/// The caller of an operation, and the users that it may be about.
pub(super) struct IsolationCase<'s> {
    pub(super) server: &'s TestServer,
    pub(super) who: TenantUser,
    pub(super) user: UserKey,
    pub(super) member: Option<DeviceSession<'s>>,
    /// Another user of the same tenant.
    pub(super) other: TenantUser,
    pub(super) other_key: UserKey,
    /// A user of the other tenant; no call may change them.
    pub(super) far: Target,
}

impl<'s> IsolationCase<'s> {
    async fn member(&mut self, client: &DeviceClient<'s>) -> DeviceSession<'s> {
        if let Some(member) = &self.member {
            let lives = member.session_code().await == "SESSIONS_RETRIEVED";
            if lives && member.client.is_over_tcp() == client.is_over_tcp() {
                return member.clone();
            }
        }
        let member = self.who.signs_in_on(client).await;
        self.member = Some(member.clone());
        member
    }

    /// Takes back what an administrator's call has changed.
    async fn undo(&self) {
        for (who, key) in [(self.who, &self.user), (self.other, &self.other_key)] {
            self.server.engine.enable_user(key).await.unwrap();
            self.server.engine.set_role(key, who.role).await.unwrap();
        }
    }

    pub(super) async fn asks(&mut self, client: &DeviceClient<'s>, row: &DeviceRow) {
        let me = self.member(client).await;
        let (own, random) = (Target::of(&me), Target::random());
        let about = async |target: &Target| me.asks(row.kind, target.members(row)).await;
        let may = match row.access() {
            Access::Public => panic!("{} is for everybody", row.route),
            Access::SignedIn => true,
            Access::Role(role) => self.who.role == role,
        };
        if own.is_named_by(row) || !may {
            let nothing = random.stripped(&about(&random).await);
            let foreign = about(&self.far).await;
            let same = self.far.stripped(&foreign) == nothing;
            assert!(same, "{:?} {}: {foreign:?} is not {nothing}", self.who, row.route);
            let other = self.other_target(client, row).await;
            if !may {
                for target in [&own, &other, &self.far] {
                    let said = about(target).await;
                    said.refused(403, "INSUFFICIENT_ROLE", "Insufficient role. Required: admin");
                }
                return;
            }
            let said = about(&other).await;
            if row.is_administration() {
                assert_eq!(foreign.code(), "USER_NOT_FOUND", "{row:?}");
                assert_eq!(said.code(), row.success.unwrap().code, "{row:?}");
                self.undo().await;
            } else {
                assert_eq!(foreign.code(), not_found(row), "{row:?}");
                assert_eq!(other.stripped(&said), nothing, "{row:?}: another's session is as good as none");
            }
            if row.kind == DeviceOperation::Admin(AdminOperation::EndUserSession) {
                let mixed = Target { session: self.far.session.clone(), ..other };
                assert_eq!(about(&mixed).await.code(), "SESSION_NOT_FOUND", "of a user who is ours");
            }
        }
        let me = self.member(client).await;
        let own = Target::of(&me);
        let said = me.asks(row.kind, own.members(row)).await;
        let expected = match row.kind {
            // They need a body, which is read only if the caller has the role.
            DeviceOperation::Own(OwnOperation::Password)
            | DeviceOperation::Admin(AdminOperation::CreateUser) => "VALIDATION_FAILED",
            // The target is no device.
            DeviceOperation::Own(OwnOperation::ForgetDevice) => not_found(row),
            _ => row.success.unwrap().code,
        };
        assert_eq!(said.code(), expected, "{:?}: {row:?}", self.who);
        if row.is_administration() {
            self.undo().await;
        }
    }

    async fn other_target(&self, client: &DeviceClient<'s>, row: &DeviceRow) -> Target {
        if row.route.contains("{sessionId}") || row.kind == DeviceOperation::Own(OwnOperation::LogoutSession)
        {
            return Target::of(&self.other.signs_in_on(client).await);
        }
        Target { user: self.other_key.id.to_string(), session: random_id() }
    }

    /// Names the other tenant beside a valid token.
    pub(super) async fn lies(&mut self, client: &DeviceClient<'s>, row: &DeviceRow) {
        let me = self.member(client).await;
        let liar = client.clone().of(if self.who.tenant == "acme" { "default" } else { "acme" });
        let said = liar.asks(row.kind, self.far.members(row), Some(&me.access)).await;
        said.refused(401, "TENANT_MISMATCH", "Unauthorized");
    }
}

/// The code for a record that the user does not have.
fn not_found(row: &DeviceRow) -> &'static str {
    let is_of_devices = row.kind == DeviceOperation::Own(OwnOperation::ForgetDevice);
    if is_of_devices { "DEVICE_NOT_FOUND" } else { "SESSION_NOT_FOUND" }
}
