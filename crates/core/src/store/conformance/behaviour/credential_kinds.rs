//! Every kind of credential at every door: each opens its own and no other.

use super::super::fixture::{Fixture, Held, Member, show};
use super::super::records::tenant;
use crate::engine::{Engine, Refresh};
use crate::id::TenantId;
use crate::secret::PlainSecret;
use crate::store::Stores;
use crate::strategy::{Carrier, StrategyName};

/// What a credential is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Shown with a request.
    Access,
    /// Traded for the next pair.
    Refresh,
    /// The device proof.
    Device,
    /// Known to others, and opens nothing.
    Name,
}

/// Something that somebody holds.
struct Item {
    tenant: TenantId,
    strategy: StrategyName,
    kind: Kind,
    text: String,
    device_secret: Option<PlainSecret>,
}

/// Two tenants with a user of the same address, who hold one of everything.
struct World {
    stage_tenants: [TenantId; 2],
    items: Vec<Item>,
}

/// In two tenants where somebody of the same address has signed in under every strategy, every access token, cookie,
/// refresh token, device proof and id is shown on every route of every strategy, of both tenants and of none, in every
/// place: each opens what it was made for and nothing else, and what was refused has ended nothing.
// ASVS-map: JW5 TN2 TN3 RT7
pub async fn every_kind_of_token_opens_its_own_door_alone(stores: Stores) {
    let fixture = Fixture::new(stores);
    let engine = fixture.node().await;
    let world = populate(&fixture, &engine).await;
    for item in &world.items {
        for door in StrategyName::ALL {
            for tenant in &world.stage_tenants {
                knock(&engine, item, Some(tenant), door).await;
            }
            knock(&engine, item, None, door).await;
        }
    }
    for item in world.items.iter().filter(|item| item.kind == Kind::Refresh) {
        assert!(is_refreshed(&engine, item, Some(&item.tenant), item.strategy).await, "{:?}", item.strategy);
    }
}

async fn populate(fixture: &Fixture, engine: &Engine) -> World {
    let tenants = ["acme", "globex"].map(tenant);
    let mut items = Vec::new();
    for tenant in &tenants {
        fixture.found(tenant).await;
        let member = fixture.register(engine, tenant, "jo@example.com").await;
        for strategy in StrategyName::ALL {
            let held = member.sign_in_on(engine, strategy, true).await;
            items.extend(everything_held(&member, &held));
        }
    }
    World { stage_tenants: tenants, items }
}

fn everything_held(member: &Member, held: &Held) -> Vec<Item> {
    let item = |kind, text: &str| Item {
        tenant: held.tenant.clone(),
        strategy: held.strategy,
        kind,
        text: text.to_owned(),
        device_secret: held.signed_in.grant.device_secret.clone(),
    };
    let grant = &held.signed_in.grant;
    let mut items = vec![item(Kind::Access, held.credential())];
    items.extend(grant.refresh.iter().map(|token| item(Kind::Refresh, token.reveal())));
    items.extend(grant.device_secret.iter().map(|secret| item(Kind::Device, secret.reveal())));
    items.push(item(Kind::Name, &held.signed_in.session.to_string()));
    items.push(item(Kind::Name, &member.user.key.id.to_string()));
    items
}

/// Tries one thing at one door, in every place, as a credential and as a refresh token.
async fn knock(engine: &Engine, item: &Item, tenant: Option<&TenantId>, door: StrategyName) {
    let strategy = door.strategy();
    for carrier in [Carrier::Cookie, Carrier::Bearer, Carrier::Field] {
        let shown = show(engine, tenant, door, carrier, &item.text).await;
        // A request that names no tenant has its token's; a cookie names none.
        let is_tenants = match tenant {
            Some(tenant) => *tenant == item.tenant,
            None => carrier != Carrier::Cookie,
        };
        let is_its_own =
            item.kind == Kind::Access && item.strategy == door && carrier == strategy.carrier() && is_tenants;
        assert_eq!(shown.is_ok(), is_its_own, "{:?} of {} on {door}: {shown:?}", item.kind, item.strategy);
        if let Ok(identity) = shown {
            assert_eq!((&identity.user.tenant, identity.strategy), (&item.tenant, item.strategy));
        }
    }
    let is_its_own = item.kind == Kind::Refresh
        && item.strategy == door
        && tenant.is_none_or(|tenant| *tenant == item.tenant);
    if !is_its_own {
        assert!(!is_refreshed(engine, item, tenant, door).await, "{:?} of {}", item.kind, item.strategy);
    }
}

async fn is_refreshed(engine: &Engine, item: &Item, tenant: Option<&TenantId>, door: StrategyName) -> bool {
    let device_secret = item.device_secret.clone();
    let request = Refresh {
        tenant: tenant.cloned(),
        strategy: door,
        token: item.text.clone(),
        device_secret,
        cookie: None,
    };
    engine.refresh(request).await.is_ok()
}
