//! Every kind of credential on every route: each opens its own route and no other.

use super::super::fixture::{Fixture, HeldCredentials, RegisteredUser, present};
use super::super::records::tenant;
use crate::engine::{Engine, Refresh};
use crate::id::TenantId;
use crate::secret::PlainSecret;
use crate::store::Stores;
use crate::strategy::{Carrier, StrategyName};

/// What a credential is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CredentialPurpose {
    /// An access token or a cookie, presented with a request.
    Access,
    /// A refresh token.
    Refresh,
    /// A device proof.
    Device,
    /// An id, which others may know and which opens nothing.
    Name,
}

/// One credential of one user.
struct HeldCredential {
    tenant: TenantId,
    strategy: StrategyName,
    kind: CredentialPurpose,
    text: String,
    device_secret: Option<PlainSecret>,
}

/// Two tenants that each have a user with the same address, and every credential of both users.
struct AllCredentials {
    tenants: [TenantId; 2],
    items: Vec<HeldCredential>,
}

/// In two tenants a user with the same address has signed in under every strategy. Every access token, cookie, refresh
/// token, device proof and id is presented on every route of every strategy, with each tenant and with none, by every
/// carrier. Each opens what it was made for and nothing else, and no rejection has ended a session.
// ASVS-map: JW5 TN2 TN3 RT7
pub async fn each_credential_opens_its_own_route_alone(stores: Stores) {
    let fixture = Fixture::new(stores);
    let engine = fixture.node().await;
    let all = populate(&fixture, &engine).await;
    for item in &all.items {
        for route in StrategyName::ALL {
            for tenant in &all.tenants {
                present_everywhere(&engine, item, Some(tenant), route).await;
            }
            present_everywhere(&engine, item, None, route).await;
        }
    }
    for item in all.items.iter().filter(|item| item.kind == CredentialPurpose::Refresh) {
        assert!(is_refreshed(&engine, item, Some(&item.tenant), item.strategy).await, "{:?}", item.strategy);
    }
}

async fn populate(fixture: &Fixture, engine: &Engine) -> AllCredentials {
    let tenants = ["acme", "globex"].map(tenant);
    let mut items = Vec::new();
    for tenant in &tenants {
        fixture.create_tenant(tenant).await;
        let member = fixture.register(engine, tenant, "jo@example.com").await;
        for strategy in StrategyName::ALL {
            let held = member.sign_in_on(engine, strategy, true).await;
            items.extend(all_credentials_of(&member, &held));
        }
    }
    AllCredentials { tenants, items }
}

fn all_credentials_of(member: &RegisteredUser, held: &HeldCredentials) -> Vec<HeldCredential> {
    let item = |kind, text: &str| HeldCredential {
        tenant: held.tenant.clone(),
        strategy: held.strategy,
        kind,
        text: text.to_owned(),
        device_secret: held.signed_in.grant.device_secret.clone(),
    };
    let grant = &held.signed_in.grant;
    let mut items = vec![item(CredentialPurpose::Access, held.credential())];
    items.extend(grant.refresh.iter().map(|token| item(CredentialPurpose::Refresh, token.reveal())));
    items.extend(grant.device_secret.iter().map(|secret| item(CredentialPurpose::Device, secret.reveal())));
    items.push(item(CredentialPurpose::Name, &held.signed_in.session.to_string()));
    items.push(item(CredentialPurpose::Name, &member.user.key.id.to_string()));
    items
}

/// Presents one credential on one route, by every carrier, as a credential and as a refresh token.
async fn present_everywhere(
    engine: &Engine,
    item: &HeldCredential,
    tenant: Option<&TenantId>,
    route: StrategyName,
) {
    let strategy = route.strategy();
    for carrier in [Carrier::Cookie, Carrier::Bearer, Carrier::Field] {
        let shown = present(engine, tenant, route, carrier, &item.text).await;
        // A request that names no tenant has its token's; a cookie names none.
        let is_tenants = match tenant {
            Some(tenant) => *tenant == item.tenant,
            None => carrier != Carrier::Cookie,
        };
        let is_its_own = item.kind == CredentialPurpose::Access
            && item.strategy == route
            && carrier == strategy.carrier()
            && is_tenants;
        assert_eq!(shown.is_ok(), is_its_own, "{:?} of {} on {route}: {shown:?}", item.kind, item.strategy);
        if let Ok(identity) = shown {
            assert_eq!((&identity.user.tenant, identity.strategy), (&item.tenant, item.strategy));
        }
    }
    let is_its_own = item.kind == CredentialPurpose::Refresh
        && item.strategy == route
        && tenant.is_none_or(|tenant| *tenant == item.tenant);
    if !is_its_own {
        assert!(!is_refreshed(engine, item, tenant, route).await, "{:?} of {}", item.kind, item.strategy);
    }
}

async fn is_refreshed(
    engine: &Engine,
    item: &HeldCredential,
    tenant: Option<&TenantId>,
    route: StrategyName,
) -> bool {
    let device_secret = item.device_secret.clone();
    let request = Refresh {
        tenant: tenant.cloned(),
        strategy: route,
        token: item.text.clone(),
        device_secret,
        cookies: Vec::new(),
    };
    engine.refresh(request).await.is_ok()
}
