//! What a node knows of tenants while changes are announced, late, or asked for.

use super::outage::{ALMOST_STALE, MAX_STALENESS, MILLISECOND, OutageFixture, user_of_acme};
use crate::engine::{AuthenticationError, TenantError};

// ASVS-map: SE5 RV1
#[tokio::test]
async fn a_suspension_that_was_not_announced_counts_within_the_bound() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    held.authenticate(&test.node).await.unwrap();
    test.faults.silence_feed();
    test.other.suspend_tenant(&held.tenant).await.unwrap();
    test.pass(ALMOST_STALE);
    assert!(held.authenticate(&test.node).await.is_ok(), "the bound is what is promised");
    test.pass(MILLISECOND);
    for _ in 0..2 {
        let refused = held.authenticate(&test.node).await;
        assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
    }
    test.faults.go_down();
    let refused = held.authenticate(&test.node).await;
    assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
}

// ASVS-map: RV3
#[tokio::test]
async fn a_tenant_that_was_read_past_a_silent_feed_is_the_last_known_one_in_an_outage() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    test.faults.silence_feed();
    test.pass(2 * MAX_STALENESS);
    held.authenticate(&test.node).await.unwrap();
    test.faults.go_down();
    assert!(held.authenticate(&test.node).await.is_ok(), "what needs no store goes on");
}
