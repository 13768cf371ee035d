//! Whether a new password is strong enough: the tenant's policy, and the words that an attacker of this installation
//! knows.

use super::{EngineCore, Tenant};
use crate::email::Email;
use crate::password::{Password, WeakPassword};

const PRODUCT: &str = "portcullis";

impl EngineCore {
    /// Checks a new password of the user at this address.
    pub(super) fn check_strength(
        &self,
        tenant: &Tenant,
        password: &Password,
        email: &Email,
    ) -> Result<(), WeakPassword> {
        let mut known = vec![tenant.id.as_str(), email.local_part(), PRODUCT];
        known.extend(host_of(&self.issuer));
        known.extend(tenant.record.settings.name.as_deref());
        tenant.policy.password.check(password, &known)
    }
}

/// The host of a URL; `None` of a URN.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{NewUser, UserAdminError};
    use crate::id::TenantId;
    use crate::password::PasswordPolicy;
    use crate::store::conformance::fixture::{Fixture, password};
    use crate::store::conformance::records::email;
    use crate::store::memory::MemoryStore;

    // ASVS-map: PW4
    #[tokio::test]
    async fn a_password_made_of_host_product_tenant_or_local_part_is_refused() {
        let fixture = Fixture::new(MemoryStore::stores())
            .with_policy(|policy| policy.password = PasswordPolicy::SINGLE_FACTOR);
        let builder = fixture.builder.clone().issuer("https://signin.umbrella.example:8443/auth");
        let node = builder.open().await.unwrap();
        let default = TenantId::default_tenant();
        let name = |settings: crate::tenant::TenantSettings| crate::tenant::TenantSettings {
            name: Some("Vexed Quilts".to_owned()),
            ..settings
        };
        node.change_tenant(&default, name).await.unwrap();
        let new = NewUser::new(email("jo.bloggs@example.com"), None);
        for weak in [
            "default-password-2026",
            "portcullis12345",
            "umbrella.2026.umbrella",
            "Vexed.Quilts.1985",
            "Jo.Bloggs.secret.7",
        ] {
            let refused = node.create_user(&default, new.clone(), password(weak)).await;
            assert!(matches!(refused, Err(UserAdminError::Weak(_))), "{weak}: {refused:?}");
        }
        node.create_user(&default, new, password("an umbrella on the mop")).await.unwrap();
    }

    #[test]
    fn a_url_has_a_host_and_a_urn_has_none() {
        assert_eq!(host_of("https://auth.example.com:8443/x"), Some("auth.example.com"));
        assert_eq!(host_of("http://localhost"), Some("localhost"));
        assert_eq!(host_of("urn:uuid:0198b0f0"), None);
    }
}
